"""Helpers on arrays."""

import numpy as np
import pytest

from fastkeras.utils import normalize, to_categorical


def test_to_categorical():
    y = to_categorical([0, 2, 1])
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, np.eye(3)[[0, 2, 1]])
    np.testing.assert_array_equal(to_categorical(np.array([[1], [0]])), np.eye(2)[[1, 0]])
    assert to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    assert to_categorical(x=[1.0, 0.0], num_classes=2, dtype='uint8').dtype == np.uint8
    for bad in ([-1], [3], [0.5], ['a'], None, [np.nan], [None], [[1], [2, 3]]):
        with pytest.raises(ValueError, match='to_categorical: expected .*, got'):
            to_categorical(bad, 3)
    for bad in ('3', 2.5, 0, True):
        with pytest.raises(ValueError, match='to_categorical: expected num_classes to be a whole number .*, got'):
            to_categorical([0], bad)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(normalize(x, axis=0, order=1), [[1, 1], [0, 0]])
