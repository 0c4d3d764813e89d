"""Locally connected layers against loops in float64."""

import itertools

import numpy as np
import pytest

from fastkeras import layers
from tests.layer_harness import run_layer_test


def local(x, w, b, kernel, strides, first=False):
    """w[places, elements of a window, filters] over channels_last x; first: elements run over the channels first."""
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], kernel, strides)]
    y = np.zeros((x.shape[0], *sizes, w.shape[-1]))
    for k, place in enumerate(itertools.product(*map(range, sizes))):
        part = x[(slice(None), *(slice(p * s, p * s + n) for p, s, n in zip(place, strides, kernel)))]
        if first:
            part = np.moveaxis(part, -1, 1)
        y[(slice(None), *place)] = part.reshape(len(x), -1) @ w[k]
    return y + b


@pytest.mark.parametrize('strides', [1, 2])
def test_local(strides):
    run_layer_test(layers.LocallyConnected1D, {'filters': 4, 'kernel_size': 3, 'strides': strides, 'bias_initializer':
                                               'normal'}, (2, 8, 3),
                   layouts=False, expected=lambda x, w, b: local(x, w, b, (3,), (strides,)))
    run_layer_test(layers.LocallyConnected2D, {'filters': 4, 'kernel_size': (3, 2), 'strides': (1, strides),
                                               'bias_initializer': 'normal'}, (2, 5, 6, 3),
                   layouts=False, expected=lambda x, w, b: local(x, w, b, (3, 2), (1, strides)))


def test_channels_first():
    for cls, shape, kernel in ((layers.LocallyConnected1D, (2, 3, 8), (3,)), (layers.LocallyConnected2D, (2, 3, 5, 6), (3, 2))):
        run_layer_test(cls, {'filters': 4, 'kernel_size': kernel, 'data_format': 'channels_first', 'bias_initializer':
                             'normal'}, shape, layouts=False, expected=lambda x, w, b, k=kernel: np.moveaxis(
                                 local(np.moveaxis(x, 1, -1), w, 0, k, (1,) * len(k), True), -1, 1)
                       + b.reshape(4, *b.shape[:-1]))


def dense(sizes, channels, kernel, strides, filters, first):
    """What implementation 2 keeps, of ones where a window meets the input, as a matrix: inputs × outputs, 'same' padding."""
    count = [-(-n // s) for n, s in zip(sizes, strides)]
    before = [max((m - 1) * s + k - n, 0) // 2 for m, s, k, n in zip(count, strides, kernel, sizes)]
    a = np.zeros((*sizes, channels, *count, filters))
    for place in itertools.product(*map(range, count)):
        for tap in itertools.product(*map(range, kernel)):
            at = tuple(p * s - b + t for p, s, b, t in zip(place, strides, before, tap))
            if all(0 <= i < n for i, n in zip(at, sizes)):
                a[at + (slice(None),) + place] = 1
    if first:
        rank = len(sizes)
        a = np.moveaxis(np.moveaxis(a, rank, 0), -1, rank + 1)
    return a.reshape(np.prod(sizes) * channels, -1)


@pytest.mark.parametrize('first', [False, True])
@pytest.mark.parametrize('sizes, kernel, strides', [((7,), (3,), (2,)), ((4, 5), (3, 2), (2, 1))])
def test_other_implementations(sizes, kernel, strides, first):
    cls = layers.LocallyConnected1D if len(sizes) == 1 else layers.LocallyConnected2D
    kwargs = {'filters': 2, 'kernel_size': kernel, 'strides': strides, 'padding': 'same', 'use_bias': False,
              'data_format': 'channels_first' if first else 'channels_last'}
    shape = (2, 3, *sizes) if first else (2, *sizes, 3)
    mask = dense(sizes, 3, kernel, strides, 2, first)
    count = [-(-n // s) for n, s in zip(sizes, strides)]
    out = (2, 2, *count) if first else (2, *count, 2)
    run_layer_test(cls, {**kwargs, 'implementation': 2}, shape, layouts=False,
                   expected=lambda x, w: (x.reshape(2, -1) @ (mask * w.reshape(mask.shape))).reshape(out))

    def sparse(x, w):
        full = np.zeros(mask.T.shape)
        full[mask.T > 0] = w        # by output, then input
        return (x.reshape(2, -1) @ full.T).reshape(out)
    run_layer_test(cls, {**kwargs, 'implementation': 3}, shape, layouts=False, expected=sparse)


@pytest.mark.parametrize('make, words', [
    (lambda: layers.LocallyConnected1D(2, 3, padding='same'), ['padding', 'implementation', "'same'"]),
    (lambda: layers.LocallyConnected2D(2, 3, implementation=4), ['implementation', '4']),
    (lambda: layers.LocallyConnected1D(2, 3)(layers.Input((None, 3))), ['known size', '(None, None, 3)']),
    (lambda: layers.LocallyConnected2D(2, 5)(np.ones((1, 4, 4, 1))), ['window', '5'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)
