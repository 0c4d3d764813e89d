"""Colours of images: grey, and hue, saturation and value."""

import numpy as np

from .core import FLOATS, dtype_of, error
from .elementwise import absolute, cast, clip, equal, floor, less, logical_not, maximum, minimum, where
from .reduce import sum
from .resize import image_of
from .shapes import shape_of
from .slices import along, concatenate, cut

GREY = (0.2989, 0.587, 0.114)   # ITU-R BT.601, as TensorFlow rounds it


def _channels(op, images, data_format, counts=(3,), floats=True):
    """(images, the axis of their channels)."""
    images, data_format, _ = image_of(op, images, data_format)
    shape = shape_of(images)
    axis = len(shape) - (1 if data_format == 'channels_last' else 3)
    if shape[axis] not in counts:
        raise error(op, f'images: expected {" or ".join(map(str, counts))} channels on axis {axis} ({data_format}), got shape '
                        f'{shape}')
    if floats and dtype_of(images) not in FLOATS:
        raise error(op, f'images: expected floats, got {dtype_of(images)}; convert them with cast')
    return images, axis


def _parted(x, axis):
    ndim = len(shape_of(x))
    return [cut(x, along(ndim, axis, k, k + 1)) for k in range(3)]


def rgb_to_grayscale(images, data_format=None):
    """Images of red, green and blue as grey ones, of one channel: 0.2989 · R + 0.587 · G + 0.114 · B. Those of one channel stay
    as they are. (height, width, channels) or a batch of them, or with channels first by data_format; the same type, integers
    lose the fraction. ValueError for another number of channels."""
    images, axis = _channels('rgb_to_grayscale', images, data_format, (1, 3), floats=False)
    if shape_of(images)[axis] == 1:
        return images
    dtype = dtype_of(images)
    x = images if dtype in FLOATS else cast(images, 'float32')
    factors = np.array(GREY, dtype_of(x)).reshape(3, *(1,) * (len(shape_of(x)) - axis - 1))
    y = sum(x * factors, axis=axis, keepdims=True)
    return y if dtype in FLOATS else cast(y, dtype)


def rgb_to_hsv(images, data_format=None):
    """Images of red, green and blue as hue, saturation and value (Smith 1978, "Color gamut transform pairs"). Floats, best in
    [0, 1]: then all three are. (height, width, 3) or a batch of them, or with channels first by data_format."""
    images, axis = _channels('rgb_to_hsv', images, data_format)
    red, green, blue = _parted(images, axis)
    value = maximum(maximum(red, green), blue)
    spread = value - minimum(minimum(red, green), blue)
    grey = logical_not(less(0, spread))
    sixth = 1 / (where(grey, 1, spread) * 6)
    hue = where(equal(value, red), (green - blue) * sixth,
                where(equal(value, green), (blue - red) * sixth + 2 / 6, (red - green) * sixth + 4 / 6))
    hue = where(grey, 0, where(less(hue, 0), hue + 1, hue))
    bright = less(0, value)
    saturation = where(bright, spread / where(bright, value, 1), 0)
    return concatenate([hue, saturation, value], axis=axis)


def hsv_to_rgb(images, data_format=None):
    """The inverse of `rgb_to_hsv`; only the fraction of a hue counts, as on JAX and PyTorch."""
    images, axis = _channels('hsv_to_rgb', images, data_format)
    hue, saturation, value = _parted(images, axis)
    place = (hue - floor(hue)) * 6
    full = (clip(absolute(place - 3) - 1, 0, 1), clip(2 - absolute(place - 2), 0, 1), clip(2 - absolute(place - 4), 0, 1))
    return concatenate([value * (1 - saturation + saturation * part) for part in full], axis=axis)
