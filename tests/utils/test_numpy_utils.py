"""Helpers on arrays."""

import numpy as np
import pytest

import fastkeras as fk
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
    np.testing.assert_allclose(normalize(np.float32([[3, 4]]), order=np.inf), [[0.75, 1]])
    assert normalize(np.float32([3, 4])).dtype == np.float32
    for kwargs, message in (({'x': 3.0}, 'expected an array of numbers'), ({'x': ['a']}, 'expected an array of numbers'),
                            ({'x': [1.0], 'axis': 1}, r'axis: expected an axis of the array of shape \(1,\), got 1')):
        with pytest.raises(ValueError, match=f'normalize: {message}'):
            normalize(**kwargs)


def test_normalize_a_tensor():
    x = fk.Input((3,))
    model = fk.models.Model(x, normalize(x))
    np.testing.assert_allclose(model.predict(np.array([[1, 2, 2], [0, 3, 4]])), [[1 / 3, 2 / 3, 2 / 3], [0, .6, .8]], atol=1e-6)


def test_the_notes_hold():
    labels = []
    for i in range(3):
        labels += [i] * 2
    assert to_categorical(labels).tolist() == [[1, 0, 0]] * 2 + [[0, 1, 0]] * 2 + [[0, 0, 1]] * 2
    assert to_categorical([0, 1, 2, 1]).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_keras_1_words():
    with pytest.warns(UserWarning, match=r'Update your `to_categorical` call to the Keras 2 API: .*num_classes=3'):
        assert to_categorical([0, 1], nb_classes=3).shape == (2, 3)
    with pytest.warns(UserWarning, match='normalize'):
        assert normalize(a=[3, 4]).tolist() == [0.6, 0.8]
