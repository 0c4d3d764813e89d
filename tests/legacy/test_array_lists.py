"""Lists of arrays and batches, as training loops of one's own take them from keras.engine.training_utils."""

import itertools

import numpy as np
import pytest

from fastkeras.engine import training, training_utils
from fastkeras.layers import Input


def test_batches():
    assert training_utils.make_batches(10, 4) == [(0, 4), (4, 8), (8, 10)] and training._make_batches(0, 4) == []


def test_shuffled_batches_stay_whole():
    found = training_utils.batch_shuffle(np.arange(11), 3)
    assert sorted(found) == list(range(11)) and list(found[-2:]) == [9, 10]
    assert all(list(found[k:k + 3]) == list(range(found[k], found[k] + 3)) for k in (0, 3, 6))


def test_data_in_the_order_of_names():
    a, b = np.ones(4), np.zeros((4, 3))
    for data in ([a, b], {'b': b, 'a': a}):
        found = training_utils.standardize_input_data(data, ['a', 'b'], [(None, 1), (None, 3)])
        assert [x.shape for x in found] == [(4, 1), (4, 3)]
    assert training_utils.standardize_input_data(b, ['b'])[0] is b
    assert training_utils.standardize_input_data([1, 2, 3], ['a'])[0].shape == (3, 1)
    assert training_utils.standardize_input_data(None, ['a', 'b']) == [None, None]
    assert training_utils.standardize_input_data([], []) == []


@pytest.mark.parametrize('data, names, shapes, words', [
    ({'a': np.ones(2)}, ['a', 'b'], None, 'No data provided for "b"'),
    ([np.ones((2, 2))] * 3, ['a', 'b'], None, r'Expected to see 2 array\(s\).*got 3'),
    (np.ones((2, 2)), ['a'], [(None, 2, 2)], 'expected a to have 3 dimensions, but got array with shape'),
    (np.ones((2, 2)), ['a'], [(None, 3)], r'Error when checking input: expected a to have shape \(None, 3\)'),
    (np.ones((2, 2)), [], None, 'expected no data')])
def test_data_that_do_not_fit(data, names, shapes, words):
    with pytest.raises(ValueError, match=words):
        training_utils.standardize_input_data(data, names, shapes, exception_prefix='input')


def test_tensors_need_a_batch_size():
    with pytest.raises(ValueError, match='batch size must be known'):
        training_utils.standardize_single_array(Input((3,)))


def test_lengths():
    check, x, y = training_utils.check_array_length_consistency, np.ones((4, 2)), np.ones((3, 1))
    check([x, x], [x], [None])
    check([x], None)
    with pytest.raises(ValueError, match='All Input arrays should have the same number of samples'):
        check([x, y], [x])
    with pytest.raises(ValueError, match='Found 4 Input samples and 3 target samples'):
        check([x], [y])


def test_a_sequence_again_and_again():
    assert list(itertools.islice(training_utils.iter_sequence_infinite([1, 2]), 5)) == [1, 2, 1, 2, 1]
