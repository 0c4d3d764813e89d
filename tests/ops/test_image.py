"""`ops.image` against what Keras 3 gave (see image_cases.py), gradients, and mistakes."""

import json

import numpy as np
import pytest

from fastkeras import layers, models, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function
from tests.harness import host_steps

from .image_cases import CASES, FILE

RECORDED = json.loads(FILE.read_text())


@pytest.mark.parametrize('name', CASES)
def test_is_that_of_keras(name):
    op, args, attrs = CASES[name]
    made, want = np.asarray(getattr(ops.image, op)(*args, **attrs)), RECORDED[name]
    assert made.shape == tuple(want['shape']) and made.dtype.name == want['dtype']
    off = 1 if made.dtype.kind != 'f' else 0     # a value half way between two integers
    np.testing.assert_allclose(made.astype(float), np.reshape(want['values'], want['shape']), rtol=1e-5, atol=off or 1e-5)


@pytest.mark.parametrize('args,words', [
    (((2, 2), 'cubic'), "interpolation.*'cubic'"), ((2,), 'size'), (((2, 0),), 'size'),
    (((2, 2), 'bilinear', False, True, True), 'one of them at most'),
    (((2, 2), 'nearest', False, False, True, 'wrap'), 'fill_mode')])
def test_wrong_arguments_of_resize(args, words):
    with pytest.raises(ValueError, match=words):
        ops.image.resize(np.zeros((4, 4, 1), 'float32'), *args)


def test_images_have_rank_3_or_4():
    with pytest.raises(ValueError, match='rank 3'):
        ops.image.resize(np.zeros((4, 4), 'float32'), (2, 2))


def places(shape, seed=3):
    return np.random.default_rng(seed).uniform(-2, 7, shape).astype('float32')


@pytest.mark.parametrize('mode', ['reflect', 'mirror', 'wrap', 'nearest', 'constant'])
def test_map_coordinates_beyond_the_edges(mode):
    """By hand; Keras on JAX and NumPy does so."""
    x, at = np.arange(1, 6, dtype='float32') ** 2, places((1, 40))
    outside = {'reflect': [0, 1, 2, 3, 4, 4, 3, 2, 1, 0], 'mirror': [0, 1, 2, 3, 4, 3, 2, 1], 'wrap': [0, 1, 2, 3, 4]}
    low = np.floor(at[0]).astype(int)

    def value(i):
        if mode in outside:
            return x[np.array(outside[mode])[i % len(outside[mode])]]
        inside = (i >= 0) & (i < 5)
        return np.where(inside | (mode == 'nearest'), x[np.clip(i, 0, 4)], 0.5)

    want = value(low) * (1 - (at[0] - low)) + value(low + 1) * (at[0] - low)
    np.testing.assert_allclose(ops.image.map_coordinates(x, at, 1, mode, 0.5), want, rtol=1e-5, atol=1e-5)


def test_perspective_is_the_homography():
    """Solved as eight equations."""
    rng = np.random.default_rng(2)
    start = np.array([[0, 0], [8, 0], [0, 6], [8, 6]]) + rng.normal(scale=0.5, size=(4, 2))
    end = start + rng.normal(scale=0.5, size=(4, 2))
    rows = []
    for (x, y), (u, v) in zip(start, end):
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
    solved = np.linalg.solve(np.array(rows), start.reshape(-1))
    image = rng.normal(size=(7, 9, 2)).astype('float32')
    np.testing.assert_allclose(ops.image.perspective_transform(image, start, end),
                               ops.image.affine_transform(image, solved), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('fill_mode', ['constant', 'reflect', 'wrap'])
@pytest.mark.parametrize('interpolation', ['bilinear', 'nearest'])
def test_elastic_transform(fill_mode, interpolation):
    x = np.random.default_rng(0).uniform(size=(3, 20, 24, 2)).astype('float32')

    def bent(x, **attrs):
        return ops.image.elastic_transform(x, interpolation=interpolation, fill_mode=fill_mode, **attrs)

    y = bent(x, alpha=2.0, sigma=1.5, seed=4)
    np.testing.assert_array_equal(y, bent(x, alpha=2.0, sigma=1.5, seed=4))
    assert y.shape == x.shape and not np.allclose(y, x) and not np.array_equal(y, bent(x, alpha=2.0, sigma=1.5, seed=5))
    np.testing.assert_allclose(bent(x, alpha=0.0, sigma=1.5), x, atol=1e-5)
    first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(bent(first, alpha=2.0, sigma=1.5, seed=4, data_format='channels_first').transpose(0, 2, 3, 1), y,
                               atol=1e-6)


def test_blur_takes_width_first():
    x = np.zeros((1, 9, 9, 1), 'float32')
    x[0, 4, 4] = 1
    y = ops.image.gaussian_blur(x, (5, 3), (1.0, 1.0))[0, :, :, 0]
    assert (y[4] > 0).sum() == 5 and (y[:, 4] > 0).sum() == 3
    np.testing.assert_allclose(y.sum(), 1, rtol=1e-6)


def test_integers():
    x = (np.arange(30).reshape(5, 6) * 8).astype('uint8')
    moved = ops.image.scale_and_translate(x, (5, 9), np.array([1.5], 'float32'), np.array([0.], 'float32'), (1,), 'cubic')
    assert moved.dtype == np.uint8 and moved.max() <= 232
    at = ops.image.map_coordinates(x, np.array([[1.5, 0.2], [2.0, 0.2]]), 1)
    assert at.dtype == np.uint8 and at.tolist() == [88, 11]


def difference(function, x, seed=1):
    """The gradient of a weighted sum along a direction, and what two differences say."""
    rng = np.random.default_rng(seed)
    y = function(x)
    weights, direction = rng.normal(size=y.shape), rng.normal(size=x.shape)
    got = Function(lambda t: gradients(ops.sum(function(t) * weights), [t])[0])(x)
    ahead, behind = (float((np.asarray(function(x + s * direction)) * weights).sum()) for s in (1e-6, -1e-6))
    return float((got * direction).sum()), (ahead - behind) / 2e-6


SMOOTH = {
    **{f'resize {m}': lambda x, m=m: ops.image.resize(x, (4, 9), m, antialias=m == 'lanczos3')
       for m in ('bilinear', 'bicubic', 'lanczos3', 'nearest', 'area')},
    'affine': lambda x: ops.image.affine_transform(x, np.array([0.9, -.4, 1.3, .4, .9, -1.1, 0, 0]), fill_mode='reflect'),
    'perspective': lambda x: ops.image.perspective_transform(x, CASES['perspective'][1][1][0], CASES['perspective'][1][2][0]),
    'blur': lambda x: ops.image.gaussian_blur(x, 5, 1.5),
    'sobel': lambda x: ops.image.sobel_edges(x),
    'ssim': lambda x: ops.image.ssim(x, x * 0.5 + 0.1, filter_size=3),
    'patches': lambda x: ops.image.extract_patches(x, 3, 1, padding='same'),
    'grey': lambda x: ops.image.rgb_to_grayscale(x),
    'hsv': lambda x: ops.image.rgb_to_hsv(x),
    'rgb': lambda x: ops.image.hsv_to_rgb(x),
    'pad': lambda x: ops.image.pad_images(x, 1, 2, 3, 0),
    'crop': lambda x: ops.image.crop_images(x, 1, 2, 1, 0),
    'scale': lambda x: ops.image.scale_and_translate(x, (2, 7, 5, 3), [1.3, .7], [.1, -.4], (1, 2), 'cubic'),
}


@pytest.mark.parametrize('name', SMOOTH)
def test_gradients_of_images(name):
    x = np.random.default_rng(5).uniform(0.1, 0.9, (2, 6, 7, 3))
    got, want = difference(SMOOTH[name], x)
    assert got == pytest.approx(want, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize('name', ['affine', 'map', 'scale', 'sigma'])
def test_gradients_of_places(name):
    """To transforms, coordinates, scales and deviations go gradients too, as on JAX."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(1, 6, 7, 2))
    function, at = {
        'affine': (lambda t: ops.image.affine_transform(x, t, fill_mode='constant'), rng.normal(scale=.05, size=(1, 8)) + [
            1, 0, .3, 0, 1, .6, 0, 0]),
        'map': (lambda t: ops.image.map_coordinates(x[0, :, :, 0], t, 1, 'reflect'), rng.uniform(-2, 7, (2, 9))),
        'scale': (lambda t: ops.image.scale_and_translate(x, (1, 4, 7, 2), t[:1], t[1:], (1,), 'linear'), np.array([.7, .3])),
        'sigma': (lambda t: ops.image.gaussian_blur(x, 3, (t[0], t[1])), np.array([1.2, .8])),
    }[name]
    if name == 'sigma':
        at = at.astype('float32')
        got, want = Function(lambda t: gradients(ops.sum(function(t) ** 2), [t])[0])(at), []
        for k in range(2):
            step = np.eye(2)[k].astype('float32') * 1e-2
            want.append((np.sum(np.asarray(function(at + step), float) ** 2)
                         - np.sum(np.asarray(function(at - step), float) ** 2)) / 2e-2)
        np.testing.assert_allclose(got, want, rtol=2e-2)
        return
    got, want = difference(function, at)
    assert got == pytest.approx(want, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize('call,words', [
    (lambda x: ops.image.affine_transform(x, np.zeros(7)), 'transform.*8 numbers'),
    (lambda x: ops.image.affine_transform(x, np.zeros((3, 8))), 'one for each image'),
    (lambda x: ops.image.affine_transform(x, np.zeros(8), 'cubic'), 'interpolation'),
    (lambda x: ops.image.affine_transform(x, np.zeros(8), fill_mode='edge'), "fill_mode.*'edge'"),
    (lambda x: ops.image.perspective_transform(x, np.zeros((4, 3)), np.zeros((4, 2))), 'start_points'),
    (lambda x: ops.image.map_coordinates(x, np.zeros((2, 5)), 1), r'coordinates: expected shape \(4'),
    (lambda x: ops.image.map_coordinates(x, np.zeros((4, 5)), 3), 'order: expected 0 or 1, got 3'),
    (lambda x: ops.image.gaussian_blur(x.astype('uint8')), 'expected floats'),
    (lambda x: ops.image.gaussian_blur(x, 3, 0.0), 'sigma'),
    (lambda x: ops.image.rgb_to_hsv(x[..., :2]), '3 channels'),
    (lambda x: ops.image.rgb_to_grayscale(x[..., :2]), '1 or 3 channels'),
    (lambda x: ops.image.pad_images(x, 1, 2, 3), 'exactly two'),
    (lambda x: ops.image.crop_images(x, 4, 4, 4, 4), 'do not fit'),
    (lambda x: ops.image.extract_patches(x, 2, padding='full'), 'padding'),
    (lambda x: ops.image.scale_and_translate(x, (2, 5, 6), [1.], [0.], (1,), 'linear'), 'output_shape'),
    (lambda x: ops.image.scale_and_translate(x, (2, 5, 6, 3), [1., 1.], [0.], (1,), 'linear'), 'scale: expected 1'),
    (lambda x: ops.image.ssim(x, x[:1]), 'equal shapes'), (lambda x: ops.image.elastic_transform(x, sigma=0), 'sigma')])
def test_mistakes(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.zeros((2, 5, 6, 3), 'float32'))


def test_no_kernel_is_missing():
    """In float32 nothing is left to the reference."""
    x = np.random.default_rng(5).uniform(0.1, 0.9, (2, 12, 14, 3)).astype('float32')
    for name, function in SMOOTH.items():
        traced = Function(lambda t, function=function: gradients(ops.sum(function(t)), [t])[0]).traced_for([x])
        assert not host_steps(traced), name


@pytest.mark.parametrize('name', [*SMOOTH, 'elastic', 'resize bytes'])
def test_in_a_described_model(name):
    """Of images of known size, the batch being open, and of any size where the operation allows it."""
    function = {'elastic': lambda x: ops.image.elastic_transform(x, 2.0, 1.0, seed=3),
                'resize bytes': lambda x: ops.image.resize(x, (3, 4))}.get(name) or SMOOTH[name]
    x = np.random.default_rng(5).uniform(0.1, 0.9, (2, 6, 7, 3)).astype('float32')
    x = (x * 255).astype('uint8') if name == 'resize bytes' else x
    for shape in ((6, 7, 3), (None, None, 3)):
        if None in shape and name in ('elastic', 'scale'):
            continue
        inputs = layers.Input(shape=shape, dtype=x.dtype.name)
        if name == 'scale':
            made = ops.image.scale_and_translate(inputs, (None, 7, 5, 3), [1.3, .7], [.1, -.4], (1, 2), 'cubic')
        else:
            made = function(inputs)
        model = models.Model(inputs, made)
        np.testing.assert_allclose(model.predict(x, verbose=0), function(x), rtol=1e-4, atol=1e-5)
