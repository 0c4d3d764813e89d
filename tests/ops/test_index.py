"""Indices are checked in the type they come in, and against their own axis."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Input
from fastkeras.ops.index import as_indices
from fastkeras.runtime import Function

FAR = [2 ** 32 + 3, -2 ** 32 + 3, 2 ** 31, -2 ** 31 - 1, 2 ** 62, -2 ** 63]
X = np.arange(12, dtype=np.float32).reshape(3, 4)


def once(function, indices):
    return function(indices)


def planned(function, indices):
    return Function(function)(indices)


@pytest.mark.parametrize('run', [once, planned])
@pytest.mark.parametrize('far', FAR)
@pytest.mark.parametrize('function', [
    lambda i: ops.take(X, i), lambda i: ops.take(X, i, axis=1), lambda i: ops.gather(X, i),
    lambda i: ops.take_along_axis(X, ops.reshape(i, (-1, 1)), axis=0),
    lambda i: ops.scatter(ops.reshape(i, (-1, 1)), np.ones((1,), np.float32), (5,)),
    lambda i: ops.scatter_update(X, ops.reshape(ops.stack([i * 0, i], -1), (-1, 2)), np.ones((1,), np.float32)),
    lambda i: ops.segment_sum(np.ones((1, 2), np.float32), i, 5), lambda i: ops.pick(X[:1], i),
    lambda i: ops.sparse_categorical_crossentropy(i, X[:1])],
    ids=['take', 'take_axis', 'gather', 'along', 'scatter', 'scatter_update', 'segment_sum', 'pick', 'crossentropy'])
def test_an_index_that_int32_cannot_hold_is_out_of_range(function, far, run):
    with pytest.raises(ValueError, match='outside the range'):
        run(function, np.array([far]))


@pytest.mark.parametrize('run', [once, planned])
def test_rows_of_an_index_out_of_range_are_empty(run):
    hot = run(lambda i: ops.one_hot(i, 4), np.array([*FAR, 3]))
    assert hot.sum() == 1 and hot[-1, 3] == 1
    assert run(lambda i: ops.bincount(i, minlength=4), np.array([[*FAR[2:4], 3]] if run is planned else [[1, 3]]))[0, 3] == 1


def test_the_error_names_the_index_as_it_was_given():
    with pytest.raises(ValueError, match=r'\[take\]: index 4294967299 is outside the range \[-10, 10\)'):
        ops.take(np.arange(10), [2 ** 32 + 3])


def test_int64_indices_in_range_are_those_of_numpy():
    i = np.array([0, 2, -1, -3])
    assert (planned(lambda i: ops.take(X, i, axis=0), i) == X[i]).all()
    assert (planned(lambda i: ops.take_along_axis(X, ops.reshape(i, (1, 4)), axis=0), i) == X[i, range(4)]).all()
    assert (planned(as_indices, np.array([5, -5, 2 ** 40, -2 ** 40])) == [5, -5, 2 ** 31 - 1, -2 ** 31]).all()


@pytest.mark.parametrize('run', [once, planned])
@pytest.mark.parametrize('tuples', [[[0, 4]], [[1, -1]], [[3, 0]], [[-1, 0]]])
def test_an_index_tuple_stands_for_no_other_place(tuples, run):
    with pytest.raises(ValueError, match='outside the range'):
        run(lambda i: ops.scatter(i, np.ones((1,), np.float32), (3, 4)), np.array(tuples, np.int32))


def test_two_index_arrays_stand_for_no_other_place():
    f = Function(lambda x, i, j: x[i, j])
    i, j = np.array([0, 2, -1]), np.array([3, -4, 1])
    assert (f(X, i, j) == X[i, j]).all()
    for j in ([0, 4, 0], [0, -5, 0], [0, 2 ** 32, 0]):
        with pytest.raises(ValueError, match='outside the range'):
            f(X, i, np.array(j))


@pytest.mark.parametrize('inner', [1, 30000])
def test_a_wrong_index_beside_long_rows_reads_no_other_row(inner):
    x = np.zeros((2, 3, inner), np.float32)
    for wrong in (3, -4, 2 ** 31 - 1, 1 - 2 ** 31):
        with pytest.raises(ValueError, match='outside the range'):
            planned(lambda i, x=x: ops.take_along_axis(x, i, axis=1), np.full((2, 1, inner), wrong, np.int32))


def test_tables_longer_than_int32_reaches():
    table = np.zeros(2 ** 31 + 8, bool)         # memory that is never touched
    table[2 ** 31 + 5] = True
    assert (ops.take(table, [3, 2 ** 31 + 5, -3]) == [False, True, True]).all()
    with pytest.raises(ValueError, match='2147483656'):
        ops.take(table, [2 ** 31 + 8])
    with pytest.raises(ValueError, match='axis 0 has 3000000000 entries, and indices of type int32 reach 2147483647'):
        ops.core.apply('gather', (Input(batch_shape=(3 * 10 ** 9,)), Input(batch_shape=(2,), dtype='int32')), axis=0)
    assert ops.take(Input(batch_shape=(3 * 10 ** 9,)), Input(batch_shape=(2,), dtype='int32')).shape == (2,)
    with pytest.raises(ValueError, match=r'\[one_hot\] num_classes: expected at most 2147483647, got 8589934592'):
        ops.one_hot([1], 2 ** 33)


@pytest.mark.parametrize('make', [lambda n: ops.arange(n), lambda n: ops.arange(0, float(n)), lambda n: ops.zeros(n),
                                  lambda n: ops.eye(n), lambda n: ops.tri(n), lambda n: ops.linspace(0, 1, n),
                                  lambda n: ops.logspace(0, 1, n), lambda n: ops.hamming(n), lambda n: ops.full((n, 2), 1)])
def test_sizes_that_no_machine_holds_are_said(make):
    with pytest.raises(ValueError, match=r'\[\w+\]: the result would have the shape \(9223372036854775'):
        make(2 ** 63 - 1)


def test_a_range_of_large_numbers_keeps_them():
    assert ops.arange(2 ** 32, 2 ** 32 + 3).tolist() == [2 ** 32, 2 ** 32 + 1, 2 ** 32 + 2]
    assert ops.arange(5).dtype == 'int32' and ops.arange(3, -3, -1).tolist() == [3, 2, 1, 0, -1, -2]
    assert ops.arange(0, 1, 0.25).tolist() == [0, 0.25, 0.5, 0.75] and ops.arange(0).tolist() == []


def test_along_an_axis_of_as_many_as_there_may_be():
    x = np.array([3.0, 1.0, 2.0]).reshape((1,) * 30 + (3,) + (1,) * 33)
    np.testing.assert_array_equal(ops.sort(x, axis=30).ravel(), [1, 2, 3])
    with pytest.raises(ValueError, match='take_along_axis'):
        ops.take_along_axis(x, np.full(x.shape, 3), 30)
