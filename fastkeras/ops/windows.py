"""Sliding windows in two dimensions: the arithmetic that convolution and pooling share.

A *window attribute set* is what the records carry: kernel or pool size, strides, dilation, and `padding`, which is
'same', 'valid' or ((top, bottom), (left, right)). 'same' is TensorFlow's rule: ceil(size / stride) results, the
larger half of the zeros after. A pad after may be negative: that many rows at the end are not read.
"""

import numpy as np

from ..config import standardize_data_format
from .core import error


def ints(value, count, op, name, least=1):
    """`value`, an int or a sequence of `count` ints, as a tuple."""
    items = value if isinstance(value, (tuple, list)) else (value,) * count
    if len(items) == 1:
        items = tuple(items) * count
    if len(items) != count or any(isinstance(v, bool) or not hasattr(v, '__index__') or v < least for v in items):
        raise error(op, f'{name}: expected an integer of at least {least} or {count} of them, got {value!r}')
    return tuple(int(v) for v in items)


def data_format_of(value, op):
    """The checked data format, or the process's for None."""
    try:
        return standardize_data_format(value)
    except ValueError as failure:
        raise error(op, str(failure)) from None


def to_last(shape, data_format):
    """A shape of four sizes as (n, h, w, c)."""
    return (shape[0], shape[2], shape[3], shape[1]) if data_format == 'channels_first' else tuple(shape)


def from_last(shape, data_format):
    """(n, h, w, c) in the order of the data format."""
    return (shape[0], shape[3], shape[1], shape[2]) if data_format == 'channels_first' else tuple(shape)


def extent(kernel, dilation):
    """Rows between the first and the last row that a kernel touches, both included."""
    return (kernel - 1) * dilation + 1


def checked_padding(padding, op, spatial=2):
    """'same', 'valid' or explicit pairs, as a hashable value."""
    if isinstance(padding, str):
        if padding.lower() in ('same', 'valid'):
            return padding.lower()
    elif isinstance(padding, (tuple, list)) and len(padding) == spatial:
        pairs = [tuple(p) if isinstance(p, (tuple, list)) else (p, p) for p in padding]
        if all(len(p) == 2 and all(hasattr(v, '__index__') for v in p) and p[0] >= 0 for p in pairs):
            return tuple((int(a), int(b)) for a, b in pairs)
    raise error(op, f"padding: expected 'same', 'valid' or {spatial} pairs (before, after) of integers, got "
                    f"{padding!r}")


def pads(padding, sizes, kernel, strides, dilation=(1, 1)):
    """The padding as explicit pairs; None for a dimension of unknown size under 'same' with a stride."""
    if padding == 'valid':
        return ((0, 0),) * len(sizes)
    if padding != 'same':
        return padding
    result = []
    for size, k, s, d in zip(sizes, kernel, strides, dilation):
        if size is None and s > 1:
            result.append(None)
            continue
        total = extent(k, d) - 1 if s == 1 else max((-(-size // s) - 1) * s + extent(k, d) - size, 0)
        result.append((total // 2, total - total // 2))
    return tuple(result)


def outputs(padding, sizes, kernel, strides, dilation, op):
    """The number of windows in each dimension, None where the size is unknown."""
    result = []
    for axis, (size, k, s, d) in enumerate(zip(sizes, kernel, strides, dilation)):
        if size is None:
            result.append(None)
        elif padding == 'same':
            result.append(-(-size // s))
        else:
            before, after = (0, 0) if padding == 'valid' else padding[axis]
            room = size + before + after - extent(k, d)
            if room < 0:
                raise error(op, f'a window of {extent(k, d)} (size {k}, dilation {d}) does not fit into the '
                                f'{size + before + after} padded elements of spatial dimension {axis + 1}: expected a '
                                f"larger input, a smaller window or padding='same', got input sizes {tuple(sizes)}")
            result.append(room // s + 1)
    return tuple(result)


def padded(x, g, value=0):
    """x[n,h,w,c] with `value` around it, as far as the windows of geometry g reach and no further."""
    rows = g.oh * g.sh + extent(g.kh, g.dh) - 1
    cols = g.ow * g.sw + extent(g.kw, g.dw) - 1
    full = np.full((x.shape[0], max(rows, g.pt + g.h), max(cols, g.pl + g.w), x.shape[3]), value, x.dtype)
    full[:, g.pt:g.pt + g.h, g.pl:g.pl + g.w] = x
    return full


def inside(full, g):
    """The part of padded(x, g) that was x."""
    return full[:, g.pt:g.pt + g.h, g.pl:g.pl + g.w]


def taps(g):
    """For every element (i, j) of the window, row by row: i, j and the index of what it meets in padded(x, g)."""
    for i in range(g.kh):
        for j in range(g.kw):
            rows = slice(i * g.dh, i * g.dh + g.oh * g.sh, g.sh)
            cols = slice(j * g.dw, j * g.dw + g.ow * g.sw, g.sw)
            yield i, j, (slice(None), rows, cols)


def last_first(*images):
    """Decorate a reference that knows channels_last: the arguments in these places are images, and so is the result
    unless -1 is absent from them. data_format='channels_first' then transposes around it."""
    def decorate(function):
        def ref(*arrays, data_format='channels_last', **attrs):
            if data_format == 'channels_last':
                return function(*arrays, **attrs)
            arrays = [a.transpose(0, 2, 3, 1) if k in images else a for k, a in enumerate(arrays)]
            y = function(*arrays, **attrs)
            return np.ascontiguousarray(y.transpose(0, 3, 1, 2)) if -1 in images else y
        ref.__name__ = function.__name__
        ref.__doc__ = function.__doc__
        return ref
    return decorate
