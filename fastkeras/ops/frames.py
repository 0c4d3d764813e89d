"""Images cut, framed and laid out as patches; scaled and moved along their axes."""

import builtins

import numpy as np

from . import facts, windows
from .core import FLOATS, Sample, apply, as_tensor, dtype_of, error, register
from .elementwise import absolute, cast, clip, less, logical_and, logical_not, maximum, sin, where
from .math import rint
from .move import expand_dims, moveaxis, reshape, squeeze
from .reduce import max, min, sum
from .resize import image_of
from .shapes import count, one_axis, shape_of
from .slices import along, concatenate, cut, pad


# ---- frames
def _three(op, names, given, size):
    """before, after and size of one axis, of which two are given: those two, in pixels, and the third from them. size: the
    axis's own, which may be unknown where it is not needed."""
    for name, value in zip(names, given):
        if value is not None and (isinstance(value, bool) or not hasattr(value, '__index__') or value < 0):
            raise error(op, f'{name}: expected a whole number of 0 or more, got {value!r}')
    if builtins.sum(v is not None for v in given) != 2:
        raise error(op, f'{", ".join(names)}: expected exactly two of them, got {", ".join(map(repr, given))}')
    if size is None and given[2] is not None:
        raise error(op, f'images: expected a known size along the axis of {names[0]}, since {names[2]} is given')
    return given


def _edges(op, images, data_format, vertical, horizontal, sign):
    """(images, first spatial axis, [(before, after)]): sign 1 for a frame, -1 for a cut."""
    images, _, axis = image_of(op, images, data_format)
    what = 'padding' if sign > 0 else 'cropping'
    made = []
    for k, (names, given) in enumerate(((('top', 'bottom', 'target_height'), vertical),
                                        (('left', 'right', 'target_width'), horizontal))):
        names = (f'{names[0]}_{what}', f'{names[1]}_{what}', names[2])
        size = shape_of(images)[axis + k]
        before, after, target = _three(op, names, given, size)
        room = None if target is None else (target - size) * sign
        before = room - after if before is None else before
        after = room - before if after is None else after
        if before < 0 or after < 0 or sign < 0 and size is not None and before + after > size:
            raise error(op, f'{", ".join(names)}: {", ".join(map(repr, given))} do not fit images of shape {shape_of(images)}')
        made.append((int(before), int(after)))
    return images, axis, made


def pad_images(images, top_padding=None, left_padding=None, bottom_padding=None, right_padding=None, target_height=None,
               target_width=None, data_format=None):
    """Images with zeros around them. Of top_padding, bottom_padding and target_height two are given, as of left_padding,
    right_padding and target_width: rows and columns to add, and the size that results.

    images: (height, width, channels) or a batch of them, or with channels first by data_format. ValueError where the numbers
    do not fit.
    """
    x, axis, edges = _edges('pad_images', images, data_format, (top_padding, bottom_padding, target_height),
                            (left_padding, right_padding, target_width), 1)
    return pad(x, [(0, 0)] * axis + edges + [(0, 0)] * (len(shape_of(x)) - axis - 2))


def crop_images(images, top_cropping=None, left_cropping=None, bottom_cropping=None, right_cropping=None, target_height=None,
                target_width=None, data_format=None):
    """Images with rows and columns cut off. Of top_cropping, bottom_cropping and target_height two are given, as of
    left_cropping, right_cropping and target_width; otherwise as `pad_images`."""
    x, axis, edges = _edges('crop_images', images, data_format, (top_cropping, bottom_cropping, target_height),
                            (left_cropping, right_cropping, target_width), -1)
    for k, (before, after) in enumerate(edges, axis):
        x = cut(x, along(len(shape_of(x)), k, before, -after or None))
    return x


# ---- patches
def _patches_compose(x, *, size, strides, dilation, padding):
    rank = len(size)
    sizes = x.shape[1:-1]
    counts = windows.outputs(padding, sizes, size, strides, dilation, 'extract_patches')
    reach = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(counts, strides, size, dilation)]
    if padding == 'same':
        around = [builtins.max(r - n, 0) for r, n in zip(reach, sizes)]
        x = pad(x, [(0, 0), *((a // 2, a - a // 2) for a in around), (0, 0)])
    parts = []
    for place in np.ndindex(*size):
        key = [(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, counts, strides)]
        parts.append(cut(x, ((None, None, 1), *key, (None, None, 1))))
    return concatenate(parts, axis=rank + 1)


def _patches_ref(x, *, size, strides, dilation, padding):
    counts = windows.outputs(padding, x.shape[1:-1], size, strides, dilation, 'extract_patches')
    widths = [(0, 0)]
    for n, m, s, k, d in zip(x.shape[1:-1], counts, strides, size, dilation):
        more = builtins.max((m - 1) * s + (k - 1) * d + 1 - n, 0) if padding == 'same' else 0
        widths.append((more // 2, more - more // 2))
    x = np.pad(x, [*widths, (0, 0)])
    parts = []
    for place in np.ndindex(*size):
        cuts = [slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, counts, strides)]
        parts.append(x[(slice(None), *cuts)])
    return np.concatenate(parts, -1)


def _patches_samples():
    r = np.random.default_rng(4)

    def case(shape, size, strides, dilation, padding):
        return Sample([r.normal(size=shape).astype(np.float32)], dict(size=size, strides=strides, dilation=dilation,
                                                                      padding=padding))

    return [case((2, 7, 6, 3), (3, 2), (2, 2), (1, 1), 'same'), case((1, 7, 9, 2), (2, 3), (1, 1), (2, 2), 'valid'),
            case((1, 4, 5, 6, 2), (2, 2, 3), (2, 1, 3), (1, 1, 1), 'valid')]


@register('extract_patches', compose=_patches_compose, ref=_patches_ref, samples=_patches_samples, rows=facts.all_move)
def _patches_spec(x, *, size, strides, dilation, padding):
    counts = windows.outputs(padding, x.shape[1:-1], size, strides, dilation, 'extract_patches')
    channels = x.shape[-1]
    return (x.shape[0], *counts, None if channels is None else channels * count(size)), x.dtype


def _patches(op, x, rank, size, strides, dilation_rate, padding, data_format):
    x, data_format = as_tensor(x), windows.data_format_of(data_format, op)
    ndim = len(shape_of(x))
    if ndim not in (rank + 1, rank + 2):
        raise error(op, f'{"images" if rank == 2 else "volumes"}: expected rank {rank + 1} or a batch of rank {rank + 2}, '
                        f'got shape {shape_of(x)}')
    size = windows.ints(size, rank, op, 'size')
    strides = size if strides is None else windows.ints(strides, rank, op, 'strides')
    dilation = windows.ints(dilation_rate, rank, op, 'dilation_rate')
    if padding not in ('same', 'valid'):
        raise error(op, f"padding: expected 'same' or 'valid', got {padding!r}")
    if ndim == rank + 1:
        x = expand_dims(x, 0)
    first = data_format == 'channels_first'
    if first:
        x = moveaxis(x, 1, -1)
    y = apply('extract_patches', (x,), size=size, strides=strides, dilation=dilation, padding=padding)
    if first:
        y = moveaxis(y, -1, 1)
    return squeeze(y, 0) if ndim == rank + 1 else y


def extract_patches(images, size, strides=None, dilation_rate=1, padding='valid', data_format=None):
    """The windows over images, laid out as channels: (batch, rows, columns, size · channels), a pixel's channels side by side.

    images: (height, width, channels) or a batch of them, or with channels first by data_format; volumes, where size has three
    numbers. size: of the window, one number or two. strides: from a window to the next, None: size. dilation_rate: from a pixel
    of a window to the next. padding: 'valid' or 'same', zeros. ValueError for others.
    """
    if isinstance(size, (tuple, list)) and len(size) == 3:
        return extract_patches_3d(images, size, strides, dilation_rate, padding, data_format)
    return _patches('extract_patches', images, 2, size, strides, dilation_rate, padding, data_format)


def extract_patches_3d(volumes, size, strides=None, dilation_rate=1, padding='valid', data_format=None):
    """`extract_patches` of volumes (depth, height, width, channels), or a batch of them."""
    return _patches('extract_patches_3d', volumes, 3, size, strides, dilation_rate, padding, data_format)


# ---- scale and translate
def _triangle(x):
    return maximum(1 - x, 0)


def _cubic(x):
    near, far = ((1.5 * x - 2.5) * x) * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return where(less(x, 1), near, where(less(x, 2), far, 0))


def _lanczos(radius):
    def kernel(x):
        small = logical_not(less(1e-3, x))
        away = where(small, 1, x)
        y = radius * sin(np.pi * away) * sin(np.pi / radius * away) / (np.pi ** 2 * away * away)
        return where(small, 1, where(less(radius, x), 0, y))
    return kernel


_KERNELS = {**dict.fromkeys(('linear', 'bilinear', 'trilinear', 'triangle'), _triangle),
            **dict.fromkeys(('cubic', 'bicubic', 'tricubic'), _cubic), 'lanczos3': _lanczos(3), 'lanczos5': _lanczos(5)}


def _axis_weights(size, target, scale, translation, kernel, antialias):
    """The matrix (size, target) of one axis."""
    inverse = 1 / scale
    wide = maximum(inverse, 1) if antialias else 1
    place = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * inverse - translation * inverse - 0.5
    y = kernel(absolute(expand_dims(place, 0) - np.arange(size, dtype=np.float32)[:, None]) / wide)
    total = sum(y, axis=0, keepdims=True)
    some = less(1000 * float(np.finfo(np.float32).eps), absolute(total))
    y = where(some, y / where(some, total, 1), 0)
    inside = logical_and(less(-0.5000001, place), logical_not(less(size - 0.5, place)))
    return where(expand_dims(inside, 0), y, 0)


def scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True):
    """Images, arrays of any rank, scaled and moved along the axes spatial_dims: a place p of the image comes to
    p · scale + translation.

    output_shape: of the result, as many sizes as axes. scale, translation: a number for each of spatial_dims; gradients go to
    them. method: 'linear' (also 'bilinear', 'trilinear', 'triangle'), 'cubic' ('bicubic', 'tricubic'), 'lanczos3' or
    'lanczos5'. antialias: wider kernels where images get smaller. What comes from outside is 0. Returns the type of the
    images, integers rounded and kept in the images' range. ValueError for others.
    """
    op = 'scale_and_translate'
    images = as_tensor(images)
    shape = shape_of(images)
    if method not in _KERNELS:
        raise error(op, f'method: expected one of {", ".join(map(repr, _KERNELS))}, got {method!r}')
    axes = [one_axis(d, len(shape), 'spatial_dims') for d in spatial_dims]
    if len(output_shape) != len(shape) or any(k not in axes and None not in (a, b) and a != b
                                              for k, (a, b) in enumerate(zip(shape, output_shape))):
        raise error(op, f'output_shape: expected {len(shape)} sizes, those of the images {shape} but on the axes {axes}, got '
                        f'{tuple(output_shape)}')
    scale, translation = as_tensor(scale), as_tensor(translation)
    for name, value in (('scale', scale), ('translation', translation)):
        if shape_of(value) != (len(axes),):
            raise error(op, f'{name}: expected {len(axes)} numbers, one for each of spatial_dims, got shape {shape_of(value)}')
    dtype = dtype_of(images)
    y = images if dtype in FLOATS else cast(images, 'float32')
    scale, translation = cast(scale, dtype_of(y)), cast(translation, dtype_of(y))
    for k, axis in enumerate(axes):
        if shape[axis] is None:
            raise error(op, f'images: expected a known size on axis {axis}, got shape {shape}')
        w = _axis_weights(shape[axis], int(output_shape[axis]), scale[k], translation[k], _KERNELS[method], antialias)
        last = moveaxis(y, axis, -1)
        flat = reshape(last, (-1, shape[axis])) @ cast(w, dtype_of(y))
        y = moveaxis(reshape(flat, (*[-1 if d is None else d for d in shape_of(last)[:-1]], int(output_shape[axis]))), -1, axis)
    if dtype not in FLOATS:
        y = cast(clip(rint(y), cast(min(images), 'float32'), cast(max(images), 'float32')), dtype)
    return y
