"""Transforms of single images by given amounts; test_conformance.py has the random ones."""

import numpy as np
import pytest

from fastkeras import config
from fastkeras.preprocessing import image

LAST = dict(row_axis=0, col_axis=1, channel_axis=2)


def picture(dtype='float32', h=9, w=13, c=3):
    return (np.random.default_rng(0).random((h, w, c)) * 255).astype(dtype)


def warped(x, matrix, order, mode, cval=0.):
    """By scipy, channels last."""
    ndimage = pytest.importorskip('scipy.ndimage', reason='scipy is the reference')
    return np.stack([ndimage.affine_transform(x[..., k], matrix[:2, :2], matrix[:2, 2], order=order, mode=mode, cval=cval)
                     for k in range(x.shape[2])], axis=2)


def centred(matrix, h, w):
    there = np.array([[1, 0, h / 2 + .5], [0, 1, w / 2 + .5], [0, 0, 1]])
    return there @ matrix @ np.linalg.inv(there)


def turned(degrees):
    a = np.deg2rad(degrees)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


def test_affine_is_one_product():
    """Rotation, shift, shear, zoom, multiplied in this order."""
    x, s = picture(), np.deg2rad(10)
    matrix = (turned(30) @ [[1, 0, 2], [0, 1, -1.5], [0, 0, 1]] @ [[1, -np.sin(s), 0], [0, np.cos(s), 0], [0, 0, 1]]
              @ np.diag([.8, 1.3, 1]))
    got = image.apply_affine_transform(x, theta=30, tx=2, ty=-1.5, shear=10, zx=.8, zy=1.3, fill_mode='reflect')
    np.testing.assert_allclose(got, warped(x, centred(matrix, 9, 13), 1, 'reflect'), atol=1e-3)


@pytest.mark.parametrize('axes', [(0, 1, 2), (1, 2, 0), (0, 2, 1), (-2, -1, -3), (1, 0, 2), (2, 1, 0)])
def test_axes(axes):
    """The same image whatever its layout: also for the random functions, about its own middle."""
    x = picture()
    laid = np.moveaxis(x, (0, 1, 2), axes)
    names = dict(zip(LAST, axes))
    calls = [('apply_affine_transform', dict(theta=25, tx=1, ty=2, shear=5, zx=1.1, zy=.7)),
             ('random_rotation', dict(rg=40)), ('random_shift', dict(wrg=.4, hrg=.2)), ('random_shear', dict(intensity=30)),
             ('random_zoom', dict(zoom_range=(.5, .9)))]
    for name, arguments in calls:
        np.random.seed(1)
        want = getattr(image, name)(x, **arguments, **LAST)
        np.random.seed(1)
        got = getattr(image, name)(laid, **arguments, **names)
        assert got.shape == laid.shape
        np.testing.assert_array_equal(np.moveaxis(got, axes, (0, 1, 2)), want, err_msg=name)
        assert not np.array_equal(want, x)


def test_channels_first_is_the_default_of_the_random_functions():
    x = np.moveaxis(picture(), 2, 0)
    np.random.seed(3)
    got = image.random_rotation(x, 30)
    want = warped(picture(), centred(turned(np.random.RandomState(3).uniform(-30, 30)), 9, 13), 1, 'nearest')
    np.testing.assert_allclose(got, np.moveaxis(want, 2, 0), atol=1e-3)


@pytest.mark.parametrize('dtype', ['uint8', 'int8', 'uint16', 'int64', 'float16', 'float32', 'float64'])
@pytest.mark.parametrize('order', [0, 1, 3])
def test_types_are_kept(dtype, order):
    x = picture() / 2
    x = x.astype(dtype)
    got = image.apply_affine_transform(x, theta=20, order=order)
    assert got.dtype == dtype
    want = warped(x.astype('float64'), centred(turned(20), 9, 13), order, 'nearest')
    if x.dtype.kind in 'iu':
        want = np.clip(want, np.iinfo(dtype).min, np.iinfo(dtype).max)
    atol = {'float64': 1e-10, 'float32': 1e-4, 'float16': .1}.get(dtype, .501)
    np.testing.assert_allclose(got, want, atol=atol)


def test_masks():
    x = np.zeros((8, 8, 1), bool)
    x[2:6, 2:6] = True
    got = image.apply_affine_transform(x, tx=1, fill_mode='constant')
    assert got.dtype == bool
    np.testing.assert_array_equal(got[1:5], x[2:6])


def test_nothing_to_do():
    x = picture()
    assert image.apply_affine_transform(x) is x
    assert image.random_zoom(x, (1, 1), **LAST) is x
    empty = np.zeros((0, 5, 3), np.float32)
    assert image.apply_affine_transform(empty, theta=3).shape == empty.shape
    assert image.apply_channel_shift(empty, 3).shape == empty.shape


def test_values():
    x = picture()
    np.testing.assert_allclose(image.apply_channel_shift(x, -20), np.maximum(x - 20, x.min()), rtol=1e-6)
    assert image.apply_channel_shift(x.astype('float64'), 1, channel_axis=2).dtype == np.float64
    spread = np.trunc((x - x.min()) / np.ptp(x) * 255)
    np.testing.assert_allclose(image.apply_brightness_shift(x, .5), np.trunc(spread / 2), atol=1)
    assert image.apply_brightness_shift(x.astype('uint8'), .5).dtype == np.float32
    try:
        config.set_image_data_format('channels_first')
        rgba = picture(c=4)
        first = image.apply_brightness_shift(np.moveaxis(rgba, 2, 0), .5)
    finally:
        config.set_image_data_format('channels_last')
    np.testing.assert_array_equal(np.moveaxis(first, 0, 2), image.apply_brightness_shift(rgba, .5))


# ---- Keras 1
def test_flip_axis():
    x = picture()
    for axis in (0, 1, 2, -1):
        np.testing.assert_array_equal(image.flip_axis(x, axis), np.flip(x, axis))


def test_matrix_about_the_middle():
    matrix = turned(33) @ [[1, 0, 3], [0, 1, 4], [0, 0, 1]]
    np.testing.assert_allclose(image.transform_matrix_offset_center(matrix, 9, 13), centred(matrix, 9, 13), atol=1e-12)
    keras = pytest.importorskip('keras_preprocessing.image', reason='keras-preprocessing is the reference')
    from keras_preprocessing.image.affine_transformations import transform_matrix_offset_center
    assert keras
    np.testing.assert_array_equal(image.transform_matrix_offset_center(matrix, 9, 13),
                                  transform_matrix_offset_center(matrix, 9, 13))


@pytest.mark.parametrize('mode', ['nearest', 'constant', 'reflect', 'wrap'])
def test_apply_transform(mode):
    x, matrix = picture(), centred(turned(50), 9, 13)
    got = image.apply_transform(np.moveaxis(x, 2, 0), matrix, fill_mode=mode, cval=7.)
    np.testing.assert_array_equal(np.moveaxis(got, 0, 2), warped(x, matrix, 0, mode, 7.))
    got = image.apply_transform(x, matrix[:2], channel_axis=2, fill_mode=mode, cval=7., order=1)
    np.testing.assert_allclose(got, warped(x, matrix, 1, mode, 7.), atol=1e-3)


@pytest.mark.parametrize('call,message', [
    (lambda x: image.apply_affine_transform(x[0], theta=1), r'apply_affine_transform: x must be one image, .* \(13, 3\)'),
    (lambda x: image.apply_affine_transform(x.astype(complex), theta=1), 'type complex64|type complex128'),
    (lambda x: image.apply_affine_transform(x, theta=float('nan')), 'must be numbers'),
    (lambda x: image.apply_affine_transform(x, theta=1, row_axis=2), 'three different axes'),
    (lambda x: image.apply_affine_transform(x, theta=1, fill_mode='edge'), 'fill_mode'),
    (lambda x: image.apply_affine_transform(x, theta=1, order=9), 'order'),
    (lambda x: image.random_shift(x, .1, .1, 0, 1, 5), 'random_shift: row_axis, col_axis'),
    (lambda x: image.random_zoom(x, .2), r'random_zoom: zoom_range must be a pair of numbers \(least, most\), got 0.2'),
    (lambda x: image.random_brightness(x, (1,)), 'random_brightness: brightness_range'),
    (lambda x: image.apply_brightness_shift(x, None), 'brightness must be a number'),
    (lambda x: image.apply_channel_shift(x[0], 1), 'apply_channel_shift: x must be one image'),
    (lambda x: image.apply_transform(x, np.eye(2)), 'transform_matrix must have shape'),
    (lambda x: image.apply_transform(x, np.eye(3), 4), 'channel_axis must be an axis'),
    (lambda x: image.transform_matrix_offset_center(np.eye(2), 3, 3), 'matrix must have shape')])
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call(picture())
