"""Convolutions against loops in float64."""

import itertools

import numpy as np
import pytest

from fastkeras import layers, ops
from tests.layer_harness import run_layer_test


def pad_same(x, kernel, strides, dilation):
    widths = [(0, 0)]
    for n, k, s, d in zip(x.shape[1:-1], kernel, strides, dilation):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, [*widths, (0, 0)])


def conv(x, w, strides, padding='valid', dilation=None, groups=1):
    """Correlation of channels_last x with w, over any number of spatial axes."""
    rank = x.ndim - 2
    dilation = dilation or (1,) * rank
    kernel = w.shape[:rank]
    if padding == 'same':
        x = pad_same(x, kernel, strides, dilation)
    elif padding == 'causal':
        x = np.pad(x, [(0, 0), ((kernel[0] - 1) * dilation[0], 0), (0, 0)])
    sizes = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[1:-1], kernel, strides, dilation)]
    y = np.zeros((x.shape[0], *sizes, w.shape[-1]))
    depth, filters = x.shape[-1] // groups, w.shape[-1] // groups
    for place in itertools.product(*map(range, kernel)):
        cut = tuple(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, sizes, strides))
        part = x[(slice(None), *cut)]
        for g in range(groups):
            y[..., g * filters:(g + 1) * filters] += (part[..., g * depth:(g + 1) * depth]
                                                      @ w[place][:, g * filters:(g + 1) * filters])
    return y


def depthwise(x, w, strides, padding='valid', dilation=None):
    parts = [conv(x[..., c:c + 1], w[..., c:c + 1, :], strides, padding, dilation) for c in range(x.shape[-1])]
    return np.concatenate(parts, -1)


@pytest.mark.parametrize('kwargs', [
    {}, {'strides': (2, 1)}, {'padding': 'same'}, {'padding': 'same', 'strides': 2}, {'dilation_rate': 2},
    {'groups': 2}, {'use_bias': False, 'activation': 'relu'}])
def test_conv2d(kwargs):
    kwargs = {'filters': 4, 'kernel_size': (3, 2), 'bias_initializer': 'normal', **kwargs}
    layer = layers.Conv2D(**kwargs)

    def expected(x, w, b=0):
        y = conv(x, w, layer.strides, layer.padding, layer.dilation_rate, layer.groups) + b
        return np.maximum(y, 0) if 'activation' in kwargs else y
    run_layer_test(layers.Conv2D, kwargs, (2, 7, 8, 6), expected=expected)


@pytest.mark.parametrize('kwargs', [{}, {'padding': 'causal', 'dilation_rate': 2}, {'padding': 'same', 'strides': 2}])
def test_conv1d(kwargs):
    kwargs = {'filters': 4, 'kernel_size': 3, 'bias_initializer': 'normal', **kwargs}
    layer = layers.Conv1D(**kwargs)
    run_layer_test(layers.Conv1D, kwargs, (2, 9, 5),
                   expected=lambda x, w, b: conv(x, w, layer.strides, layer.padding, layer.dilation_rate) + b)


@pytest.mark.parametrize('kwargs', [
    {}, {'strides': (2, 1, 2)}, {'padding': 'same', 'strides': 2}, {'dilation_rate': (1, 2, 1)}, {'groups': 3},
    {'kernel_size': 1}])
def test_conv3d(kwargs):
    kwargs = {'filters': 6, 'kernel_size': (2, 3, 2), 'bias_initializer': 'normal', **kwargs}
    layer = layers.Conv3D(**kwargs)
    run_layer_test(layers.Conv3D, kwargs, (2, 4, 5, 6, 3), expected=lambda x, w, b: conv(
        x, w, layer.strides, layer.padding, layer.dilation_rate, layer.groups) + b)


@pytest.mark.parametrize('kwargs', [{}, {'padding': 'same', 'depth_multiplier': 2}, {'strides': 2},
                                    {'dilation_rate': 2}])
def test_depthwise(kwargs):
    kwargs = {'kernel_size': 3, 'bias_initializer': 'normal', **kwargs}
    for cls, shape in ((layers.DepthwiseConv2D, (2, 8, 7, 3)), (layers.DepthwiseConv1D, (2, 8, 3))):
        layer = cls(**kwargs)
        run_layer_test(cls, kwargs, shape, expected=lambda x, w, b, layer=layer: depthwise(
            x, w, layer.strides, layer.padding, layer.dilation_rate) + b)


@pytest.mark.parametrize('kwargs', [{}, {'padding': 'same', 'depth_multiplier': 2}, {'strides': 2}])
def test_separable(kwargs):
    kwargs = {'filters': 5, 'kernel_size': 3, 'bias_initializer': 'normal', **kwargs}
    for cls, shape in ((layers.SeparableConv2D, (2, 8, 7, 3)), (layers.SeparableConv1D, (2, 8, 3))):
        layer = cls(**kwargs)
        run_layer_test(cls, kwargs, shape, expected=lambda x, d, p, b, layer=layer: depthwise(
            x, d, layer.strides, layer.padding) @ p.reshape(p.shape[-2:]) + b)


@pytest.mark.parametrize('cls, shape', [(layers.Conv1D, (2, 7, 3)), (layers.Conv2D, (2, 5, 6, 3)),
                                        (layers.Conv3D, (1, 4, 5, 4, 2))])
def test_low_rank_update(cls, shape):
    def expected(x, *weights):
        by_name = dict(zip(names, weights))
        kernel = by_name['kernel'] + by_name['lora_kernel_a'] @ by_name['lora_kernel_b'] * 3 / 2
        return conv(x, kernel, (1,) * (x.ndim - 2)) + by_name['bias']

    kwargs = {'filters': 4, 'kernel_size': 3, 'bias_initializer': 'normal', 'lora_rank': 2, 'lora_alpha': 3}
    layer = cls(**kwargs)
    layer(np.ones(shape, np.float32))
    names = [w.name.split('/')[-1].split(':')[0] for w in layer.weights]
    run_layer_test(cls, kwargs, shape, expected=expected, trains=False)
    layer = cls(4, 3)
    with pytest.raises(ValueError, match='not built'):
        layer.enable_lora(2)
    y = layer(np.ones(shape, np.float32))
    layer.enable_lora(2)
    np.testing.assert_array_equal(layer(np.ones(shape, np.float32)), y)
    assert len(layer.trainable_weights) == 3
    with pytest.raises(TypeError, match='lora_rank'):
        layers.Conv2DTranspose(2, 3, lora_rank=1)


def test_convolution_of_a_layer_that_makes_its_kernel():
    class Standardized(layers.Conv2D):
        def call(self, inputs):
            kernel = self.kernel - ops.mean(self.kernel, axis=(0, 1, 2))
            return self.convolution_op(inputs, kernel) + self.bias

    run_layer_test(Standardized, {'filters': 3, 'kernel_size': 2}, (2, 4, 5, 2), layouts=False,
                   expected=lambda x, w, b: conv(x, w - w.mean((0, 1, 2)), (1, 1)) + b)


def transposed(x, w, strides, padding, output_padding=None):
    """Every element of x spread over a window of the result: w is [*window, filters, channels]."""
    rank = x.ndim - 2
    kernel = w.shape[:rank]
    full = np.zeros((x.shape[0], *[(n - 1) * s + k + s for n, s, k in zip(x.shape[1:-1], strides, kernel)],
                     w.shape[-2]))
    for place in itertools.product(*map(range, kernel)):
        cut = tuple(slice(p, p + (n - 1) * s + 1, s) for p, n, s in zip(place, x.shape[1:-1], strides))
        full[(slice(None), *cut)] += x @ w[place].T
    cuts = []
    for n, s, k in zip(x.shape[1:-1], strides, kernel):
        size = n * s if padding == 'same' else n * s + max(k - s, 0)
        before = max(k - s, 0) // 2 if padding == 'same' else 0
        cuts.append(slice(before, before + size))
    return full[(slice(None), *cuts)]


@pytest.mark.parametrize('kwargs', [{}, {'strides': 2}, {'padding': 'same', 'strides': 2}, {'padding': 'same'}])
def test_transposed(kwargs):
    kwargs = {'filters': 3, 'kernel_size': 3, 'bias_initializer': 'normal', **kwargs}
    for cls, shape in ((layers.Conv2DTranspose, (2, 4, 5, 2)), (layers.Conv1DTranspose, (2, 5, 2)),
                       (layers.Conv3DTranspose, (1, 2, 3, 3, 2))):
        layer = cls(**kwargs)
        run_layer_test(cls, kwargs, shape, expected=lambda x, w, b, layer=layer: transposed(
            x, w, layer.strides, layer.padding) + b)


def test_output_padding():
    y = run_layer_test(layers.Conv2DTranspose, {'filters': 2, 'kernel_size': 3, 'strides': 2, 'padding': 'same',
                                                'output_padding': 1}, (1, 4, 4, 2))
    assert y.shape == (1, 8, 8, 2)
    y = run_layer_test(layers.Conv3DTranspose, {'filters': 2, 'kernel_size': (2, 3, 3), 'strides': (1, 2, 2),
                                                'output_padding': (0, 1, 0)}, (1, 2, 4, 3, 2))
    assert y.shape == (1, 3, 10, 7, 2)


@pytest.mark.parametrize('make, words', [
    (lambda: layers.Conv2D(0, 3), ['filters']), (lambda: layers.Conv2D(2, (3, 3, 3)), ['kernel_size', '(3, 3, 3)']),
    (lambda: layers.Conv2D(2, 3, padding='full'), ['padding', "'full'", "'same'"]),
    (lambda: layers.Conv2D(3, 3, groups=2), ['groups=2']), (lambda: layers.Conv2D(2, 3, strides=0), ['strides', '0']),
    (lambda: layers.Conv2D(2, 3)(np.ones((1, 4, 4))), ['conv2d', 'ndim=4', '(1, 4, 4)']),
    (lambda: layers.Conv2D(2, 5)(np.ones((1, 4, 4, 1))), ['conv2d', 'window', 'same']),
    (lambda: layers.Conv2D(4, 3, groups=2)(np.ones((1, 4, 4, 3))), ['groups=2', '3']),
    (lambda: layers.Conv2D(2, 3, data_format='first'), ['first']),
    (lambda: layers.Conv2D(2, 3)(layers.Input((8, 8, None))), ['known size']),
    (lambda: layers.Conv3D(2, 3)(np.ones((1, 4, 4, 1))), ['conv3d', 'ndim=5', '(1, 4, 4, 1)']),
    (lambda: layers.Conv3D(2, 3, padding='causal'), ['padding', "'causal'"]),
    (lambda: layers.Conv2DTranspose(2, 3, output_padding=2), ['output_padding', '(2, 2)'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)


def test_channels_that_change_are_refused():
    layer = layers.Conv2D(2, 3)
    layer(np.ones((1, 4, 4, 3)))
    with pytest.raises(ValueError, match=r'axis -1 of input shape to have value 3 but got shape \(1, 4, 4, 1\)'):
        layer(np.ones((1, 4, 4, 1)))
