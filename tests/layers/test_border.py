"""Padding, cropping and enlarging."""

import numpy as np
import pytest

from fastkeras import layers
from tests.layer_harness import run_layer_test


def test_zero_padding():
    run_layer_test(layers.ZeroPadding1D, {'padding': (1, 2)}, (2, 3, 4),
                   expected=lambda x: np.pad(x, [(0, 0), (1, 2), (0, 0)]))
    run_layer_test(layers.ZeroPadding1D, {}, (2, 3, 4), expected=lambda x: np.pad(x, [(0, 0), (1, 1), (0, 0)]))
    run_layer_test(layers.ZeroPadding2D, {'padding': ((1, 0), (2, 3))}, (2, 3, 4, 2),
                   expected=lambda x: np.pad(x, [(0, 0), (1, 0), (2, 3), (0, 0)]))
    run_layer_test(layers.ZeroPadding2D, {'padding': (1, 2)}, (2, 3, 4, 2),
                   expected=lambda x: np.pad(x, [(0, 0), (1, 1), (2, 2), (0, 0)]))
    run_layer_test(layers.ZeroPadding3D, {'padding': 1}, (1, 2, 3, 2, 2),
                   expected=lambda x: np.pad(x, [(0, 0), (1, 1), (1, 1), (1, 1), (0, 0)]))


def test_cropping():
    run_layer_test(layers.Cropping1D, {'cropping': (1, 2)}, (2, 6, 3), expected=lambda x: x[:, 1:-2])
    run_layer_test(layers.Cropping2D, {'cropping': ((1, 0), (2, 1))}, (2, 5, 6, 3), expected=lambda x: x[:, 1:, 2:-1])
    run_layer_test(layers.Cropping2D, {}, (2, 5, 6, 3), expected=lambda x: x)
    run_layer_test(layers.Cropping3D, {}, (2, 3, 4, 5, 1), expected=lambda x: x[:, 1:-1, 1:-1, 1:-1])


def test_up_sampling():
    run_layer_test(layers.UpSampling1D, {'size': 3}, (2, 3, 4), expected=lambda x: np.repeat(x, 3, 1))
    run_layer_test(layers.UpSampling2D, {'size': (2, 3)}, (2, 3, 4, 2),
                   expected=lambda x: np.repeat(np.repeat(x, 2, 1), 3, 2))
    run_layer_test(layers.UpSampling3D, {}, (1, 2, 3, 2, 1),
                   expected=lambda x: np.repeat(np.repeat(np.repeat(x, 2, 1), 2, 2), 2, 3))


def interpolated(x, axis, times, half):
    """Linear interpolation along an axis, element by element."""
    n = x.shape[axis]
    rows = []
    for i in range(n * times):
        at = (i + 0.5) / times - 0.5 if half else i / times
        at = min(max(at, 0), n - 1)
        low = int(at)
        rows.append(np.take(x, low, axis) * (1 - (at - low)) + np.take(x, min(low + 1, n - 1), axis) * (at - low))
    return np.stack(rows, axis)


@pytest.mark.parametrize('half', [True, False])
def test_bilinear(half):
    run_layer_test(layers.UpSampling2D, {'size': (2, 3), 'interpolation': 'bilinear', 'half_pixel_centers': half},
                   (2, 3, 4, 2), expected=lambda x: interpolated(interpolated(x, 1, 2, half), 2, 3, half))
    row = layers.UpSampling2D(interpolation='bilinear', half_pixel_centers=half)(np.float32([0, 1]).reshape(1, 1, 2, 1))
    np.testing.assert_allclose(row[0, 0, :, 0], [0, .25, .75, 1] if half else [0, .5, 1, 1])


def resized(x, axis, times, kernel):
    """Interpolation along an axis, element by element, by a function of the distance."""
    n = x.shape[axis]
    rows = []
    for i in range(n * times):
        at = (i + 0.5) / times - 0.5
        by = [kernel(abs(at - j)) for j in range(n)]
        rows.append(sum(np.take(x, j, axis) * w for j, w in enumerate(by)) / sum(by))
    return np.stack(rows, axis)


def cubic(t):
    return 1.5 * t**3 - 2.5 * t**2 + 1 if t < 1 else -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0


@pytest.mark.parametrize('name, kernel', [
    ('bicubic', cubic), ('lanczos3', lambda t: np.sinc(t) * np.sinc(t / 3) if t < 3 else 0),
    ('lanczos5', lambda t: np.sinc(t) * np.sinc(t / 5) if t < 5 else 0)])
def test_other_interpolations(name, kernel):
    run_layer_test(layers.UpSampling2D, {'size': (2, 3), 'interpolation': name}, (2, 5, 4, 2),
                   expected=lambda x: resized(resized(x, 1, 2, kernel), 2, 3, kernel),
                   atol=3e-3 if name == 'bicubic' else 5e-6)    # TensorFlow's cubic weights come from a table


@pytest.mark.parametrize('make, words', [
    (lambda: layers.ZeroPadding2D((1, 2, 3)), ['padding', '(1, 2, 3)']),
    (lambda: layers.ZeroPadding2D(-1), ['padding', '-1']),
    (lambda: layers.Cropping2D(2)(np.ones((1, 4, 4, 1))), ['cropping', '(1, 4, 4, 1)']),
    (lambda: layers.UpSampling2D(interpolation='cubic'), ['interpolation', 'cubic']),
    (lambda: layers.UpSampling2D(interpolation='bicubic', half_pixel_centers=False), ['half_pixel_centers', 'bicubic']),
    (lambda: layers.UpSampling2D(0), ['size', '0'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)
