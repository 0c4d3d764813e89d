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
