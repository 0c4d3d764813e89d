import numpy as np
import pytest
from scipy import sparse

import fastkeras as keras
from fastkeras import backend as K
from fastkeras.layers import Dense, Input


def test_variables_and_constants():
    v = K.variable(np.arange(6.0).reshape(2, 3), name='v')
    assert (K.int_shape(v), K.ndim(v), K.dtype(v), K.count_params(v)) == ((2, 3), 2, 'float32', 6)
    assert K.dtype(K.variable([1, 2])) == 'float32' and K.dtype(K.variable(np.array([1, 2], 'int32'))) == 'int32'
    np.testing.assert_array_equal(K.eval(K.variable(K.eval(v) * 2)), np.arange(6.0).reshape(2, 3) * 2)
    for made, want in ((K.zeros((2, 2)), np.zeros((2, 2))), (K.ones((3,)), np.ones(3)), (K.eye(3), np.eye(3))):
        assert K.dtype(made) == 'float32' and isinstance(made, keras.Variable)
        np.testing.assert_array_equal(K.eval(made), want)
    x = K.placeholder((None, 2))
    f = K.function([x], [K.zeros((K.shape(x)[0], 3)) + 1.0, K.ones((2, K.shape(x)[0]))])
    assert [y.tolist() for y in f([np.zeros((2, 2))])] == [[[1.0] * 3] * 2, [[1.0] * 2] * 2]


def test_random_variables_begin_with_numbers_of_their_seed():
    a, b = (K.random_uniform_variable((200,), 2, 5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(K.eval(a), K.eval(b))
    assert K.eval(a).min() >= 2 and K.eval(a).max() < 5 and abs(K.eval(a).mean() - 3.5) < 0.3
    n = K.eval(K.random_normal_variable((2000,), 1.0, 0.5, seed=3))
    assert abs(n.mean() - 1) < 0.05 and abs(n.std() - 0.5) < 0.05


def test_what_is_a_tensor_a_placeholder_or_of_keras():
    placeholder, given, variable = K.placeholder((2, 3)), Input((3,)), K.variable(1.0)
    result = Dense(2)(given)
    assert [K.is_placeholder(x) for x in (placeholder, given, result, variable, placeholder * 2)] == [True, True] + [False] * 3
    assert [K.is_keras_tensor(x) for x in (placeholder, given, result, variable)] == [False, True, True, False]
    assert [K.is_tensor(x) for x in (placeholder, variable, np.ones(2), 3)] == [True, True, False, False]
    with pytest.raises(ValueError, match='Unexpectedly found an instance of type'):
        K.is_keras_tensor(np.ones(3))
    assert K.int_shape(K.placeholder(ndim=3)) == (None, None, None)
    with pytest.raises(ValueError, match='shape.*or ndim'):
        K.placeholder()


def test_arrays_are_computed_at_once():
    x = np.arange(6.0, dtype='float32').reshape(2, 3)
    assert isinstance(K.sum(x), (np.ndarray, np.generic)) and K.eval(K.mean(x)) == 2.5
    np.testing.assert_array_equal(K.cast_to_floatx(np.array([1, 2])), [1.0, 2.0])
    assert K.cast_to_floatx([1.5]).dtype == 'float32'
    np.testing.assert_array_equal(K.shape(x), [2, 3])


def test_sparse_matrices_are_fed_as_dense_ones():
    matrix = sparse.csr_matrix(np.array([[0, 2.0, 0], [1.0, 0, 3.0]]))
    x, w = K.placeholder((None, 3), sparse=True), K.variable(np.eye(3, 2))
    assert K.is_sparse(x) and K.is_sparse(matrix) and not K.is_sparse(w) and not K.is_sparse(K.to_dense(x))
    np.testing.assert_array_equal(K.function([x], [K.dot(x, w)])([matrix])[0], matrix.toarray() @ np.eye(3, 2))
    np.testing.assert_array_equal(K.to_dense(matrix), matrix.toarray())


def test_labels_become_sparse():
    labels, lengths = np.array([[1, 2, 0], [3, 0, 0]]), np.array([2, 1])
    found = K.ctc_label_dense_to_sparse(labels, lengths)
    assert found.indices.tolist() == [[0, 0], [0, 1], [1, 0]] and found.values.tolist() == [1, 2, 3]
    x = K.placeholder((None, 3), dtype='int32')
    again = K.function([x], [K.ctc_label_dense_to_sparse(x, K.constant(lengths, dtype='int32'))])([labels])[0]
    assert again.values.tolist() == [1, 2, 3] and again.dense_shape.tolist() == [2, 3]
