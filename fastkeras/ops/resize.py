"""Images of another size: each pixel of the result is a weighted sum of few pixels about its place, first along one axis,
then along the other.
"""

import numpy as np

from . import resampling, windows
from .core import FLOATS, Sample, apply, as_tensor, dtype_of, error, register
from .elementwise import cast, clip
from .math import rint
from .shapes import count, shape_of
from .slices import along, cut, pad

INTERPOLATIONS = ('bilinear', 'nearest', 'bicubic', 'lanczos3', 'lanczos5', 'area')
_FEW = 4    # taps that are gathered one by one; more are a product with a matrix


def image_of(op, images, data_format, name='images'):
    """(images as a tensor, data format, its first spatial axis); ValueError unless their rank is 3 or 4."""
    data_format = windows.data_format_of(data_format, op)
    images = as_tensor(images)
    ndim = len(shape_of(images))
    if ndim not in (3, 4):
        raise error(op, f'{name}: expected one image of rank 3 or a batch of rank 4 ({data_format}), got shape '
                        f'{shape_of(images)}')
    return images, data_format, ndim - 3 if data_format == 'channels_last' else ndim - 2


def _along(x, axis, method, target, antialias):
    size = x.shape[axis]
    if size == target and method not in resampling.BLUR:
        return x
    index, weight = resampling.taps(method, size, target, antialias)
    if index.shape[1] > _FEW:
        return _product(x, axis, resampling.matrix(method, size, target, antialias))
    behind = (1,) * (len(x.shape) - axis - 1)
    total = None
    for i, w in zip(index.T, weight.T):
        part = apply('gather', (x, np.ascontiguousarray(i)), axis=axis)
        if not (w == 1).all():
            part = apply('multiply', (part, w.reshape(-1, *behind).astype(x.dtype)))
        total = part if total is None else apply('add', (total, part))
    return total


def _product(x, axis, weights):
    """x with an axis multiplied by a matrix (target, size)."""
    shape, weights = x.shape, weights.astype(x.dtype)
    if axis == len(shape) - 1:
        return apply('matmul', (x, weights), transpose_b=True)
    flat = apply('reshape', (x,), shape=(count(shape[:axis]), shape[axis], count(shape[axis + 1:])))
    y = apply('matmul', (weights, flat))
    return apply('reshape', (y,), shape=(*shape[:axis], len(weights), *shape[axis + 1:]))


def _compose(x, *, size, axis, interpolation, antialias=False, crop=False, fill=None):
    height, width = x.shape[axis:axis + 2]
    if crop:
        rows, columns, top, left = resampling.cropped(height, width, size)
        ndim = len(x.shape)
        x = cut(cut(x, along(ndim, axis, top, top + rows)), along(ndim, axis + 1, left, left + columns))
    elif fill is not None:
        both = resampling.margins(height, width, size)
        widths = [(0, 0)] * axis + [(m, m) for m in both]
        x = pad(x, widths + [(0, 0)] * (len(x.shape) - axis - 2), constant_values=fill)
    dtype = x.dtype
    whole = dtype not in FLOATS and interpolation != 'nearest'
    if whole:
        x = cast(x, 'float32')
    # the axis that shrinks most comes first, the rows, which lie together in memory, where both do alike
    steps = [(axis + k, size[k]) for k in (0, 1)]
    steps.sort(key=lambda step: step[1] / max(x.shape[step[0]], 1))
    for k, target in steps:
        x = _along(x, k, interpolation, target, antialias)
    if whole:
        x = saturated(x, dtype)
    return x


def saturated(x, dtype):
    """Floats as the nearest integers of the type, those beyond its range as its ends."""
    x = rint(x)
    if dtype == 'uint8':
        x = clip(x, 0, 255)
    return cast(x, dtype)


def _ref(x, *, size, axis, interpolation, antialias=False, crop=False, fill=None):
    height, width = x.shape[axis:axis + 2]
    x = np.moveaxis(x, (axis, axis + 1), (-2, -1))
    if crop:
        rows, columns, top, left = resampling.cropped(height, width, size)
        x = x[..., top:top + rows, left:left + columns]
    elif fill is not None:
        both = resampling.margins(height, width, size)
        x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(m, m) for m in both], constant_values=fill)
    dtype = x.dtype
    if interpolation == 'nearest':
        rows, columns = (resampling.taps('nearest', n, target)[0][:, 0] for n, target in zip(x.shape[-2:], size))
        x = x[..., rows, :][..., columns]
    else:
        y = x if dtype.kind == 'f' else x.astype(np.float64)
        rows, columns = (np.eye(n) if n == target else resampling.matrix(interpolation, n, target, antialias).astype(np.float64)
                         for n, target in zip(x.shape[-2:], size))
        y = rows.astype(y.dtype) @ y @ columns.T.astype(y.dtype)
        if dtype.kind != 'f':
            y = np.rint(y)
            y = np.clip(y, 0, 255) if dtype == np.uint8 else y
        x = y.astype(dtype)
    return np.ascontiguousarray(np.moveaxis(x, (-2, -1), (axis, axis + 1)))


def _samples():
    r = np.random.default_rng(5)

    def case(shape, size, axis=1, **attrs):
        return Sample([r.normal(size=shape).astype(np.float32)], dict(attrs, size=size, axis=axis))

    return [case((2, 5, 7, 3), (9, 4), interpolation='bilinear'), case((2, 8, 6, 1), (4, 12), interpolation='nearest'),
            case((3, 9, 8), (5, 13), interpolation='bicubic'), case((1, 12, 10, 4), (5, 4), interpolation='lanczos3'),
            case((1, 9, 9, 2), (3, 4), interpolation='bilinear', antialias=True),
            case((2, 3, 9, 8), (6, 11), axis=2, interpolation='lanczos5'), case((1, 9, 8, 2), (4, 3), interpolation='area'),
            case((2, 9, 5, 2), (4, 4), interpolation='bilinear', crop=True),
            case((9, 5, 2), (4, 6), axis=0, interpolation='bilinear', fill=0.5)]


@register('resize', compose=_compose, ref=_ref, samples=_samples, rows=lambda node, moving: node.attrs['axis'] > 0)
def _resize_spec(x, *, size, axis, interpolation, antialias=False, crop=False, fill=None):
    shape = list(x.shape)
    if 0 in shape[axis:axis + 2]:
        raise ValueError(f'images: expected at least one pixel, got shape {tuple(shape)}')
    shape[axis:axis + 2] = size
    return tuple(shape), x.dtype


def resize(images, size, interpolation='bilinear', antialias=False, crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
           fill_mode='constant', fill_value=0.0, data_format=None):
    """Images of another size, of the same type; integers are rounded and kept in their range.

    images: (height, width, channels) or (batch, height, width, channels), or with channels first by data_format (None: the
    process's). size: (height, width). interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3', 'lanczos5' or 'area'.
    antialias: average over as many pixels as become one (not for 'nearest' and 'area', which has it by itself).
    crop_to_aspect_ratio: first cut off, alike on both sides, what does not fit the proportions of `size`.
    pad_to_aspect_ratio: first add pixels of fill_value, alike on both sides, until they do; fill_mode: 'constant'.
    ValueError for other arguments. Source: Keras 3.15 on TensorFlow, whose 'bicubic' reads its weights from a table (see
    `resampling`).
    """
    images, _, axis = image_of('resize', images, data_format)
    size = windows.ints(size, 2, 'resize', 'size') if isinstance(size, (tuple, list)) else size
    if not isinstance(size, tuple) or len(size) != 2:
        raise error('resize', f'size: expected (height, width), got {size!r}')
    if interpolation not in INTERPOLATIONS:
        raise error('resize', f'interpolation: expected one of {", ".join(map(repr, INTERPOLATIONS))}, got {interpolation!r}')
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise error('resize', 'crop_to_aspect_ratio and pad_to_aspect_ratio: expected one of them at most, got both')
    if fill_mode != 'constant':
        raise error('resize', f"fill_mode: expected 'constant', got {fill_mode!r}")
    if dtype_of(images) == 'bool':
        raise error('resize', 'images: expected numbers, got bool; convert them with cast')
    return apply('resize', (images,), size=size, axis=axis, interpolation=interpolation, antialias=bool(antialias),
                 crop=bool(crop_to_aspect_ratio), fill=float(fill_value) if pad_to_aspect_ratio else None)
