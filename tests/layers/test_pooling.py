"""Pooling against loops in float64."""

import itertools

import numpy as np
import pytest

from fastkeras import layers, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.layers import pooling
from fastkeras.models import Model
from fastkeras.runtime import Function
from tests.layer_harness import run_layer_test


def pool(x, size, strides, padding, reduce):
    rank = x.ndim - 2
    counts, offsets = [], []
    for n, k, s in zip(x.shape[1:-1], size, strides):
        m = -(-n // s) if padding == 'same' else (n - k) // s + 1
        counts.append(m)
        offsets.append(max((m - 1) * s + k - n, 0) // 2 if padding == 'same' else 0)
    y = np.zeros((x.shape[0], *counts, x.shape[-1]))
    for place in itertools.product(*map(range, counts)):
        cut = tuple(slice(max(p * s - o, 0), p * s - o + k) for p, s, o, k in zip(place, strides, offsets, size))
        y[(slice(None), *place)] = reduce(x[(slice(None), *cut)], tuple(range(1, rank + 1)))
    return y


@pytest.mark.parametrize('kwargs', [{}, {'pool_size': 3, 'strides': 2},
                                    {'pool_size': 3, 'strides': 2, 'padding': 'same'}])
@pytest.mark.parametrize('cls, shape, reduce', [
    (layers.MaxPooling2D, (2, 6, 7, 3), np.max), (layers.AveragePooling2D, (2, 6, 7, 3), np.mean),
    (layers.MaxPooling1D, (2, 7, 3), np.max), (layers.AveragePooling1D, (2, 7, 3), np.mean),
    (layers.MaxPooling3D, (2, 4, 5, 6, 3), np.max), (layers.AveragePooling3D, (2, 4, 5, 6, 3), np.mean)])
def test_pooling(cls, shape, reduce, kwargs):
    layer = cls(**kwargs)
    run_layer_test(cls, kwargs, shape,
                   expected=lambda x: pool(x, layer.pool_size, layer.strides, layer.padding, reduce))


@pytest.mark.parametrize('keepdims', [False, True])
@pytest.mark.parametrize('cls, shape, reduce', [
    (layers.GlobalMaxPooling1D, (3, 5, 4), np.max), (layers.GlobalAveragePooling1D, (3, 5, 4), np.mean),
    (layers.GlobalMaxPooling2D, (3, 5, 4, 2), np.max), (layers.GlobalAveragePooling2D, (3, 5, 4, 2), np.mean),
    (layers.GlobalMaxPooling3D, (3, 5, 4, 2, 2), np.max), (layers.GlobalAveragePooling3D, (3, 5, 4, 2, 2), np.mean)])
def test_global_pooling(cls, shape, reduce, keepdims):
    run_layer_test(cls, {'keepdims': keepdims}, shape, layouts=not keepdims,
                   expected=lambda x: reduce(x, tuple(range(1, x.ndim - 1)), keepdims=keepdims))


def test_masked_average():
    x = np.random.default_rng(0).standard_normal((2, 4, 3)).astype('float32')
    mask = np.array([[True, True, False, False], [True, True, True, False]])
    y = layers.GlobalAveragePooling1D()(x, mask=mask)
    np.testing.assert_allclose(y, [x[0, :2].mean(0), x[1, :3].mean(0)], rtol=1e-5)
    run_layer_test(layers.GlobalAveragePooling1D, {}, (2, 4, 3), expected_mask=False)


def test_maximum_of_volumes_goes_to_the_first_of_equals():
    x = np.zeros((1, 2, 2, 2, 1), np.float32)
    x[0, :, 1, 1] = x[0, 1, 0, 0] = 5

    def step(x):
        return gradients(ops.sum(layers.MaxPooling3D()(x)), [x])
    dx, = Function(step)(x)
    assert dx[0, 0, 1, 1, 0] == 1 and dx.sum() == 1


@pytest.mark.parametrize('make, words', [
    (lambda: layers.MaxPooling2D(0), ['pool_size', '0']), (lambda: layers.MaxPooling2D(padding='full'),
                                                           ['padding', 'full']),
    (lambda: layers.MaxPooling2D()(np.ones((2, 3, 4))), ['ndim=4', '(2, 3, 4)']),
    (lambda: layers.MaxPooling2D(5)(np.ones((2, 3, 4, 1))), ['pooling2d', '5'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)


@pytest.mark.parametrize('base, shape', [
    ('_Pooling1D', (2, 6, 3)), ('MaxPooling1D', (2, 6, 3)), ('_Pooling2D', (2, 6, 4, 3)), ('MaxPooling2D', (2, 6, 4, 3)),
    ('_Pooling3D', (2, 4, 6, 4, 3)), ('AveragePooling3D', (2, 4, 6, 4, 3))])
def test_a_pooling_function_of_ones_own(base, shape):
    """As programs for Keras 2 write the least of each window."""
    from fastkeras import backend as K

    class Least(getattr(pooling, base)):
        def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
            pool = K.pool3d if len(pool_size) == 3 else K.pool2d
            return -pool(-inputs, pool_size, strides, padding, data_format, pool_mode='max')
    x = np.random.RandomState(0).normal(size=shape).astype('float32')
    begin = layers.Input(shape[1:])
    found = Model(begin, Least()(begin)).predict(x)
    windows = x.reshape(2, *(n for size in shape[1:-1] for n in (size // 2, 2)), 3)
    np.testing.assert_array_equal(found, windows.min(tuple(range(2, windows.ndim - 1, 2))))
