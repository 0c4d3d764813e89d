"""Images as blocks: space and depth exchanged, sliding windows laid out as columns and summed back, adaptive
pooling."""

import numpy as np

from .. import config
from . import windows
from .core import FLOATS, apply, as_tensor, error
from .elementwise import add, cast, multiply
from .move import reshape, transpose
from .reduce import max, mean, sum
from .slices import along, cut, pad, stack

__all__ = ['adaptive_average_pool', 'adaptive_max_pool', 'depth_to_space', 'fold', 'space_to_depth', 'unfold']


def _image(op, x, data_format):
    x = as_tensor(x)
    if len(x.shape) != 4:
        raise error(op, f'x: expected 4 dimensions ({data_format}), got shape {tuple(x.shape)}')
    return transpose(x, (0, 2, 3, 1)) if data_format == 'channels_first' else x


def _given(x, data_format):
    return transpose(x, (0, 3, 1, 2)) if data_format == 'channels_first' else x


def depth_to_space(x, block_size, data_format='channels_last'):
    """Channels laid out as blocks of pixels: (n, h, w, c·b²) becomes (n, h·b, w·b, c), the block's row outermost."""
    op = 'depth_to_space'
    data_format = windows.data_format_of(data_format, op)
    b, = windows.ints(block_size, 1, op, 'block_size')
    n, h, w, c = (x := _image(op, x, data_format)).shape
    if c is None or c % (b * b):
        raise error(op, f'x: expected a number of channels divisible by block_size² = {b * b}, got {c}')
    x = transpose(reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return _given(reshape(x, (n, h and h * b, w and w * b, c // (b * b))), data_format)


def space_to_depth(x, block_size, data_format='channels_last'):
    """The inverse of depth_to_space: (n, h·b, w·b, c) becomes (n, h, w, c·b²)."""
    op = 'space_to_depth'
    data_format = windows.data_format_of(data_format, op)
    b, = windows.ints(block_size, 1, op, 'block_size')
    n, h, w, c = (x := _image(op, x, data_format)).shape
    if (h or 0) % b or (w or 0) % b:
        raise error(op, f'x: expected a height and width divisible by block_size = {b}, got {h} and {w}')
    h, w = h and h // b, w and w // b
    x = transpose(reshape(x, (n, h, b, w, b, c)), (0, 1, 3, 2, 4, 5))
    return _given(reshape(x, (n, h, w, b * b * c)), data_format)


class _Columns:
    """The checked geometry of unfold and fold over a padded image (h, w)."""

    def __init__(self, op, size, kernel_size, dilation, padding, stride):
        self.kernel = windows.ints(kernel_size, 2, op, 'kernel_size')
        dilation = windows.ints(dilation, 2, op, 'dilation')
        self.padding = windows.ints(padding, 2, op, 'padding', least=0)
        stride = windows.ints(stride, 2, op, 'stride')
        if None in size:
            raise error(op, f'expected an image of known size, got {tuple(size)}')
        self.size = tuple(d + 2 * p for d, p in zip(size, self.padding))
        self.count = windows.outputs('valid', self.size, self.kernel, stride, dilation, op)
        self.keys = []  # of the elements that each place of the window meets
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                cuts = [(first, first + (n - 1) * s + 1, s) for first, n, s in
                        zip((i * dilation[0], j * dilation[1]), self.count, stride)]
                self.keys.append(((None, None, 1), (None, None, 1), *cuts))


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """The windows over x (n, c, h, w) as columns: (n, c·kh·kw, number of windows), both row by row."""
    x = as_tensor(x)
    if len(x.shape) != 4:
        raise error('unfold', f'x: expected 4 dimensions (n, c, h, w), got shape {tuple(x.shape)}')
    g = _Columns('unfold', x.shape[2:], kernel_size, dilation, padding, stride)
    x = pad(x, ((0, 0), (0, 0), *((p, p) for p in g.padding)))
    parts = stack([cut(x, key) for key in g.keys], axis=2)
    n, c = x.shape[:2]
    return reshape(parts, (n, c and c * len(g.keys), g.count[0] * g.count[1]))


def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The gradient of unfold: columns (n, c·kh·kw, number of windows) summed where they overlap, to (n, c,
    *output_size)."""
    x = as_tensor(x)
    size = windows.ints(output_size, 2, 'fold', 'output_size')
    g = _Columns('fold', size, kernel_size, dilation, padding, stride)
    taps, count = len(g.keys), g.count[0] * g.count[1]
    if len(x.shape) != 3 or (x.shape[1] or 0) % taps or x.shape[2] not in (None, count):
        raise error('fold', f'x: expected shape (n, channels · {taps}, {count}), got {tuple(x.shape)}')
    n, c = x.shape[0], x.shape[1] and x.shape[1] // taps
    parts = reshape(x, (n, c, taps, *g.count))
    y = None
    for k, key in enumerate(g.keys):
        part = reshape(cut(parts, along(5, 2, k, k + 1)), (n, c, *g.count))
        part = apply('place', (part,), key=key, shape=(n, c, *g.size))
        y = part if y is None else add(y, part)
    return cut(y, ((None, None, 1), (None, None, 1), *((p, p + d, 1) for p, d in zip(g.padding, size))))


def adaptive_average_pool(inputs, output_size, data_format=None):
    """Means over output_size shares of each spatial dimension, share i from ⌊i·size / n⌋ to ⌈(i + 1)·size / n⌉."""
    return _adaptive('adaptive_average_pool', mean, inputs, output_size, data_format)


def adaptive_max_pool(inputs, output_size, data_format=None):
    """The largest elements of the shares that adaptive_average_pool takes."""
    return _adaptive('adaptive_max_pool', max, inputs, output_size, data_format)


def _adaptive(op, reduce, x, output_size, data_format):
    x = as_tensor(x)
    rank = len(x.shape) - 2
    if rank < 1:
        raise error(op, f'inputs: expected 3 dimensions or more, got shape {tuple(x.shape)}')
    first = 1 if windows.data_format_of(data_format, op) == 'channels_last' else 2
    if reduce is mean and x.dtype not in FLOATS:
        x = cast(x, config.floatx())
    # shares are boxes, and a mean or maximum over a box is one of means or maxima along its sides
    for axis, n in enumerate(windows.ints(output_size, rank, op, 'output_size'), first):
        size = x.shape[axis]
        if size is None or size < 1:
            raise error(op, f'inputs: expected known spatial sizes of at least 1, got shape {tuple(x.shape)}')
        if size % n == 0:
            shape = (*x.shape[:axis], n, size // n, *x.shape[axis + 1:])
            x = reduce(reshape(x, shape), axis=axis + 1)
        else:
            x = _uneven(reduce, x, axis, n)
    return x


def _uneven(reduce, x, axis, n):
    """x with an axis reduced to n shares that differ in size: they are gathered, the shorter ones with their last element
    again, which does not count in a sum and changes no maximum."""
    size = x.shape[axis]
    first = np.arange(n) * size // n
    length = -(-np.arange(1, n + 1) * size // n) - first
    each = np.arange(length.max())
    places = first[:, None] + np.minimum(each, length[:, None] - 1)
    x = apply('gather', (x, places.reshape(-1).astype(np.int32)), axis=axis)
    x = reshape(x, (*x.shape[:axis], *places.shape, *x.shape[axis + 1:]))
    if reduce is max:
        return max(x, axis=axis + 1)
    weights = ((each < length[:, None]) / length[:, None]).astype(x.dtype)
    return sum(multiply(x, weights.reshape(*weights.shape, *(1,) * (len(x.shape) - axis - 2))), axis=axis + 1)
