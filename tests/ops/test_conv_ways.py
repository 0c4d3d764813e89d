"""Which way the gradient by the input takes, where that depends on sizes alone."""

import numpy as np
import pytest

from fastkeras.ops.core import apply
from fastkeras.runtime import Function

ATTRS = {'strides': (2, 2), 'padding': ((1, 1), (1, 1)), 'dilation': (1, 1), 'groups': 1}


@pytest.mark.parametrize('size, channels, filters, expected', [
    (4, 128, 256, True), (2, 130, 260, True), (5, 128, 256, False), (4, 128, 250, False), (4, 64, 256, False)])
def test_small_images_under_large_kernels_are_one_product(size, channels, filters, expected):
    rng = np.random.default_rng(5)
    w = rng.standard_normal((4, 4, channels, filters)).astype('float32')
    dy = rng.standard_normal((5, size, size, filters)).astype('float32')
    f = Function(lambda dy, w: apply('conv2d_dx', [dy, w], size=(2 * size, 2 * size), **ATTRS))
    for n in 0, 1, 5:
        steps = f.traced_for([dy[:n], w]).compiled.steps
        assert ('col2im' in {s.kernel for s in steps}) == expected
    found = np.array(f(dy, w))
    wanted = apply('conv2d_dx', [dy.astype('float64'), w.astype('float64')], size=(2 * size, 2 * size), **ATTRS)
    assert np.abs(found - wanted).max() <= 3e-6 * np.abs(wanted).max()
    for i in range(5):
        np.testing.assert_array_equal(f(dy[i:i + 1].copy(), w)[0], found[i])


@pytest.mark.parametrize('shape, filters, groups, strides, expected', [
    ((3, 5, 7, 24), 40, 1, 1, True), ((2, 6, 4, 24), 36, 3, 1, True), ((2, 3, 4, 5, 6), 18, 2, 1, True),
    ((3, 6, 8, 24), 40, 1, 2, False)])
def test_of_single_pixels_is_the_product_of_the_forward(shape, filters, groups, strides, expected):
    rng = np.random.default_rng(6)
    rank, attrs = len(shape) - 2, {'padding': 'valid', 'groups': groups}
    attrs['strides'] = (strides,) * rank
    w = rng.standard_normal((1,) * rank + (shape[-1] // groups, filters)).astype('float32')
    dy = rng.standard_normal((shape[0], *(-(-s // strides) for s in shape[1:-1]), filters)).astype('float32')
    f = Function(lambda dy, w: apply(f'conv{rank}d_dx', [dy, w], size=shape[1:-1], **attrs))
    kernels = {s.kernel for s in f.traced_for([dy, w]).compiled.steps}
    assert ('conv' in kernels) == expected and ('conv_dx' in kernels) != expected
    wanted = apply(f'conv{rank}d_dx', [dy.astype('float64'), w.astype('float64')], size=shape[1:-1], **attrs)
    np.testing.assert_allclose(f(dy, w), wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize('shape, kernel, expected', [
    ((3, 24, 30, 3), (7, 7), {'conv_few_dx'}), ((2, 16, 16, 1), (4, 4), {'conv_few_dx'}),
    ((2, 6, 8, 10, 3), (3, 3, 3), {'matmul', 'col2im'})])
def test_few_channels_gather_what_taps_give(shape, kernel, expected):
    rng = np.random.default_rng(7)
    rank, filters = len(kernel), 40
    attrs = {'strides': (2,) * rank, 'padding': 'same', 'groups': 1}
    w = rng.standard_normal((*kernel, shape[-1], filters)).astype('float32')
    dy = rng.standard_normal((shape[0], *(-(-s // 2) for s in shape[1:-1]), filters)).astype('float32')
    f = Function(lambda dy, w: apply(f'conv{rank}d_dx', [dy, w], size=shape[1:-1], **attrs))
    assert expected <= {s.kernel for s in f.traced_for([dy, w]).compiled.steps}
    found = np.array(f(dy, w))
    wanted = apply(f'conv{rank}d_dx', [dy.astype('float64'), w.astype('float64')], size=shape[1:-1], **attrs)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
    for i in range(shape[0]):
        np.testing.assert_array_equal(f(dy[i:i + 1].copy(), w)[0], found[i])
