"""Pooling against direct loops."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.ops.windows import pads


def direct(x, pool, strides, padding, reduce):
    (pt, pb), (pl, pr) = pads(padding, x.shape[1:3], pool, strides)
    x = np.pad(x.astype(float), ((0, 0), (pt, pb), (pl, pr), (0, 0)), constant_values=np.nan)
    rows = range(0, x.shape[1] - pool[0] + 1, strides[0])
    cols = range(0, x.shape[2] - pool[1] + 1, strides[1])
    return np.stack([np.stack([reduce(x[:, r:r + pool[0], c:c + pool[1]], axis=(1, 2)) for c in cols], 1)
                     for r in rows], 1)


@pytest.mark.parametrize('padding', ['valid', 'same', ((1, 0), (0, 1))])
@pytest.mark.parametrize('pool, strides', [((2, 2), None), ((3, 2), (2, 3)), ((2, 3), 1)])
@pytest.mark.parametrize('function, reduce', [(ops.max_pool, np.nanmax), (ops.average_pool, np.nanmean)])
def test_windows(padding, pool, strides, function, reduce):
    x = np.random.default_rng(0).standard_normal((2, 7, 8, 5)).astype('float32')
    full = pool if strides is None else strides if isinstance(strides, tuple) else (strides, strides)
    expected = direct(x, pool, full, padding, reduce)
    np.testing.assert_allclose(function(x, pool, strides, padding, 'channels_last'), expected, rtol=1e-5, atol=1e-6)
    first = function(x.transpose(0, 3, 1, 2), pool, strides, padding, 'channels_first')
    np.testing.assert_allclose(first, expected.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('function', [ops.max_pool, ops.average_pool])
def test_sequences(function):
    x = np.arange(24, dtype='float32').reshape(1, 8, 3)
    y = function(x, 3, 2, 'same')
    assert y.shape == (1, 4, 3)
    np.testing.assert_array_equal(function(x.transpose(0, 2, 1), 3, 2, 'same', 'channels_first'), y.transpose(0, 2, 1))


def test_nan_wins_and_infinity_is_a_value():
    x = np.full((1, 4, 4, 1), -np.inf, 'float32')
    x[0, 0, 0] = np.nan
    np.testing.assert_array_equal(ops.max_pool(x, 2)[0, :, :, 0], [[np.nan, -np.inf], [-np.inf, -np.inf]])


def test_global():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype('float32')
    np.testing.assert_allclose(ops.global_average_pool(x), x.mean((1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ops.global_max_pool(x, 'channels_first'), x.max((2, 3)))
    assert ops.global_max_pool(x, keepdims=True).shape == (2, 1, 1, 5)


@pytest.mark.parametrize('attrs, word', [
    ({'pool_size': 0}, 'pool_size'), ({'pool_size': 5}, 'does not fit'),
    ({'pool_size': 2, 'padding': ((2, 0), (0, 0))}, 'padding'),
])
def test_bad_arguments(attrs, word):
    with pytest.raises(ValueError, match=word):
        ops.max_pool(np.zeros((1, 4, 4, 1), 'float32'), **attrs)
