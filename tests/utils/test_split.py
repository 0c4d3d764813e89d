"""split_dataset."""

import random

import numpy as np
import pytest

from fastkeras.preprocessing.sequence import TimeseriesGenerator
from fastkeras.utils import Sequence, split_dataset


def test_arrays():
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    left, right = split_dataset(x, 0.8)
    np.testing.assert_array_equal(left, x[:8])
    np.testing.assert_array_equal(right, x[8:])
    (a, b), (c, d) = split_dataset((x, y), left_size=3, right_size=5)
    np.testing.assert_array_equal(b, y[:3])
    np.testing.assert_array_equal(d, y[5:])
    assert a.shape == (3, 2) and c.shape == (5, 2)
    left, right = split_dataset({'x': x, 'y': [y]}, right_size=0.25)
    assert left['x'].shape == (8, 2) and right['y'][0].tolist() == [8, 9]


@pytest.mark.parametrize('left, right, sizes', [(0.5, None, (6, 5)), (None, 0.5, (5, 6)), (0.3, 0.3, (3, 3)), (4, 0.5, (4, 6)),
                                                (None, 2, (9, 2)), (0.7, None, (8, 3))])
def test_sizes_are_those_of_keras(left, right, sizes):
    assert tuple(map(len, split_dataset(np.zeros(11), left, right))) == sizes


def test_order_of_a_seed():
    samples = list(range(50))
    random.Random(9).shuffle(samples)       # as Keras 3 mixes its list of samples
    random.seed(1)
    state = random.getstate()
    left, right = split_dataset(np.arange(50), 0.4, shuffle=True, seed=9)
    assert random.getstate() == state
    assert left.tolist() == samples[:20] and right.tolist() == samples[20:]
    a, b = split_dataset(np.arange(50), 0.4, shuffle=True)
    assert sorted([*a, *b]) == list(range(50)) != [*a, *b]
    random.seed(1)
    np.testing.assert_array_equal(split_dataset(np.arange(50), 0.4, shuffle=True)[0], a)


def test_sequence():
    series = TimeseriesGenerator(np.arange(60.0).reshape(30, 2), np.arange(30), 4, batch_size=8)
    left, right = split_dataset(series, left_size=20)
    assert isinstance(left, Sequence) and [len(y) for _, y in left] == [8, 8, 4] and [len(y) for _, y in right] == [6]
    assert np.concatenate([y for part in (left, right) for _, y in part]).tolist() == list(range(4, 30))
    assert left[1][0].shape == (8, 4, 2)
    with pytest.raises(IndexError):
        right[1]


@pytest.mark.parametrize('dataset, kwargs, error, message', [
    (np.zeros(10), {}, ValueError, 'at least one of'),
    (np.zeros(10), {'left_size': 10}, ValueError, 'left_size: expected a number of samples from 1 to 9'),
    (np.zeros(10), {'right_size': 1.0}, ValueError, 'right_size: expected .* got 1.0'),
    (np.zeros(10), {'right_size': -2}, ValueError, 'right_size: expected .* got -2'),
    (np.zeros(10), {'left_size': '3'}, TypeError, "left_size: expected an int, .* got '3'"),
    (np.zeros(10), {'left_size': 8, 'right_size': 3}, ValueError, r'parts of 10 samples at most, got .* 8 \+ 3'),
    (np.zeros(3), {'left_size': 0.1}, ValueError, 'samples on both sides, got 0 and 3 of 3'),
    (iter([]), {'left_size': 1}, TypeError, 'expected an array, a list'),
    ([], {'left_size': 1}, TypeError, 'expected an array, a list'),
    ([1, 2], {'left_size': 1}, ValueError, 'expected NumPy arrays .*, got int at index 0'),
    ((np.zeros(3), np.zeros(4)), {'left_size': 1}, ValueError, r'same number of samples, got \(3,\), \(4,\)'),
])
def test_mistakes(dataset, kwargs, error, message):
    with pytest.raises(error, match=message):
        split_dataset(dataset, **kwargs)
