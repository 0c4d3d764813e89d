"""Sequences, images and volumes made larger: elements repeated, or interpolated between corners."""

import math

import numpy as np

from . import windows
from .core import Sample, apply, as_tensor, error, register
from .facts import all_move
from .linalg import matmul
from .lowering import lower_copy, strides
from .move import normal, reshape
from .pool import average_pool

__all__ = ['enlarge', 'enlarge_from_corners']


# ---- by repetition
def _vjp(node, ct):
    # the sum over each block is its mean times its size: one step of pooling, which the factor joins
    size, layout = node.attrs['size'], node.attrs['data_format']
    return [average_pool(ct, size, size, 'valid', layout) * math.prod(size)]


@windows.last_first(0, -1)
def _ref(x, *, size):
    for axis, times in enumerate(size, 1):
        x = np.repeat(x, times, axis)
    return x


def _lower(ctx, node, ins, out):
    """One copy, which reads along the repeated axes with a stride of 0."""
    x, shape, xs, ys = ins[0], [], [], []
    for axis, (n, sx, sy) in enumerate(zip(x.shape, strides(x.shape), strides(out.shape)), -1):
        times = node.attrs['size'][axis] if 0 <= axis < len(x.shape) - 2 else 1
        shape += (n, times)
        xs += (sx, 0)
        ys += (sy * times, sy)
    lower_copy(ctx, x, out, shape, xs, ys)


@register('enlarge', vjp=_vjp, ref=_ref, lower=_lower, images=(0, -1), rows=all_move,
          samples=lambda: [Sample(normal(shape), {'data_format': 'channels_last', **attrs}) for shape, attrs in (
              ((2, 3, 4, 5), {'size': (2, 3)}), ((1, 3, 5, 17), {'size': (1, 2)}), ((2, 5, 3), {'size': (4,)}),
              ((2, 2, 3, 4, 3), {'size': (2, 3, 2)}), ((0, 3, 4, 2), {'size': (2, 2)}),
              ((2, 3, 4, 5), {'size': (2, 3), 'data_format': 'channels_first'}))])
def _enlarge_spec(x, *, size, data_format='channels_last'):
    n, *sizes, c = windows.to_last(x.shape, data_format)
    large = [None if d is None else d * s for d, s in zip(sizes, size)]
    return windows.from_last((n, *large, c), data_format), x.dtype


def enlarge(x, size, data_format=None):
    """Each element repeated `size` times along each spatial axis: (n, h, w, c) becomes (n, h·size, w·size, c).

    size: an int, or one for each spatial axis.
    """
    x = as_tensor(x)
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise error('enlarge', f'x: expected 3 to 5 dimensions, got shape {tuple(x.shape)}')
    size = windows.ints(size, rank, 'enlarge', 'size')
    return apply('enlarge', [x], size=size, data_format=windows.data_format_of(data_format, 'enlarge'))


# ---- by interpolation between corners
def _corner_weights(size, times, dtype):
    """Matrix [size · times, size] of linear interpolation along one axis, of which pixel i stands at i."""
    place = np.minimum(np.arange(size * times) / times, size - 1)
    return np.maximum(1 - np.abs(place[:, None] - np.arange(size)), 0).astype(dtype)


def enlarge_from_corners(x, size, data_format=None):
    """Images enlarged `size` = (rows, columns) times, bilinearly, pixel i of x being pixel i · size of the result, as
    TensorFlow 1 did it; behind the last of them it is repeated. ops.image.resize goes by the centres of pixels.

    Raises ValueError for images of unknown size.
    """
    op, x = 'enlarge_from_corners', as_tensor(x)
    if len(x.shape) != 4:
        raise error(op, f'x: expected 4 dimensions, got shape {tuple(x.shape)}')
    layout = windows.data_format_of(data_format, op)
    rows, columns = windows.spatial(x.shape, layout)
    if None in (rows, columns):
        raise error(op, f'x: expected images of known size, got shape {tuple(x.shape)}')
    down, right = windows.ints(size, 2, op, 'size')
    by_row, by_column = _corner_weights(rows, down, x.dtype), _corner_weights(columns, right, x.dtype)
    if layout == 'channels_first':
        return matmul(matmul(by_row, x), np.ascontiguousarray(by_column.T))
    batch, channels = x.shape[0], x.shape[-1]
    x = matmul(by_row, reshape(x, (batch, rows, columns * channels)))
    return matmul(by_column, reshape(x, (batch, rows * down, columns, channels)))
