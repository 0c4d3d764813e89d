"""Sliding windows over any number of spatial axes: the arithmetic that convolution and pooling share.

A *window attribute set* is what the records carry: kernel or pool size, strides, dilation, each with a number for every
spatial axis, and `padding`, which is 'same', 'valid' or a pair (before, after) for each. 'same' is TensorFlow's rule:
ceil(size / stride) results, the larger half of the zeros after. A pad after may be negative: that many rows at the end are
not read. Spatial axes are depth, height, width; of fewer, the last ones.
"""

from collections import namedtuple
from itertools import chain, product

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
    """The shape of an image in the order of channels_last."""
    return (shape[0], *shape[2:], shape[1]) if data_format == 'channels_first' else tuple(shape)


def from_last(shape, data_format):
    """The shape of a channels_last image in the order of the data format."""
    return (shape[0], shape[-1], *shape[1:-1]) if data_format == 'channels_first' else tuple(shape)


def last_order(ndim):
    """The order of a channels_first image's axes that makes it channels_last."""
    return (0, *range(2, ndim), 1)


def first_order(ndim):
    """The order of a channels_last image's axes that makes it channels_first."""
    return (0, ndim - 1, *range(1, ndim - 1))


def spatial(shape, data_format):
    """The sizes between batch and channels."""
    return tuple(shape[2:] if data_format == 'channels_first' else shape[1:-1])


def extent(kernel, dilation):
    """Rows between the first and the last row that a kernel touches, both included."""
    return (kernel - 1) * dilation + 1


def checked_padding(padding, op, axes):
    """'same', 'valid' or explicit pairs, as a hashable value."""
    if isinstance(padding, str):
        if padding.lower() in ('same', 'valid'):
            return padding.lower()
    elif isinstance(padding, (tuple, list)) and len(padding) == axes:
        pairs = [tuple(p) if isinstance(p, (tuple, list)) else (p, p) for p in padding]
        if all(len(p) == 2 and all(hasattr(v, '__index__') for v in p) and p[0] >= 0 for p in pairs):
            return tuple((int(a), int(b)) for a, b in pairs)
    raise error(op, f"padding: expected 'same', 'valid' or {axes} pairs (before, after) of integers, got "
                    f"{padding!r}")


def pads(padding, sizes, kernel, strides, dilation=None):
    """The padding as explicit pairs; None for a dimension of unknown size under 'same' with a stride."""
    if padding == 'valid':
        return ((0, 0),) * len(sizes)
    if padding != 'same':
        return padding
    result = []
    for size, k, s, d in zip(sizes, kernel, strides, dilation or (1,) * len(sizes)):
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
                                f'{size + before + after} padded elements of spatial dimension {axis + 1}: negative dimension '
                                f'size, caused by subtracting {extent(k, d)} from {size + before + after}; expected a '
                                f"larger input, a smaller window or padding='same', got input sizes {tuple(sizes)}")
            result.append(room // s + 1)
    return tuple(result)


def zeros_around(pad, data_format):
    """A pair for each spatial axis, of a pad node that adds zeros to these alone; else None."""
    if pad.attrs['value'] != 0:
        return None
    n, *around, c = to_last(pad.attrs['widths'], data_format)
    return tuple(around) if not any((*n, *c)) else None


def padding_over(around, size, attrs, window):
    """The padding by which windows of `attrs` over `size` elements, of which the outer ones, a pair for each axis, are
    `around` an image, slide over the image alone; None where one would see nothing of it."""
    dilation = attrs.get('dilation') or (1,) * len(window)  # pooling has none
    own = pads(attrs['padding'], size, window, attrs['strides'], dilation)
    both = tuple((b0 + b1, e0 + e1) for (b0, e0), (b1, e1) in zip(around, own))
    return None if any(p >= extent(k, d) for pair, k, d in zip(both, window, dilation) for p in pair) else both


Windows = namedtuple('Windows', 'size count kernel strides dilation before')
Windows.__doc__ = 'Windows over an image of known size: for each spatial axis its size, the number of windows, … pixels before.'


def windows(size, kernel, strides, padding, dilation=None, op='windows'):
    """The Windows of an attribute set over an image of known `size`."""
    dilation = dilation or (1,) * len(size)
    before = tuple([b for b, _ in pads(padding, size, kernel, strides, dilation)])
    return Windows(tuple(size), outputs(padding, size, kernel, strides, dilation, op), tuple(kernel), tuple(strides),
                   tuple(dilation), before)


def _names(axes):
    """How kernels call what Windows hold, in this order, along the last so many of depth, height and width."""
    names = [prefix + a for prefix in ('', 'o', 'k', 's', 'd') for a in 'dhw'[3 - axes:]]
    return (*names, *('pf', 'pt', 'pl')[3 - axes:])


_NAMES = {axes: _names(axes) for axes in (1, 2, 3)}


def window_attributes(g):
    """The attributes by which kernels know the Windows g."""
    return dict(zip(_NAMES[len(g.size)], chain(*g)))


def padded(x, g, value=0):
    """x[n,…,c] with `value` around it, as far as the windows of g reach and no further."""
    reach = [o * s + extent(k, d) - 1 for o, s, k, d in zip(g.count, g.strides, g.kernel, g.dilation)]
    whole = [max(r, b + n) for r, b, n in zip(reach, g.before, g.size)]
    full = np.full((x.shape[0], *whole, x.shape[-1]), value, x.dtype)
    inside(full, g)[...] = x
    return full


def inside(full, g):
    """The part of padded(x, g) that was x."""
    return full[(slice(None), *(slice(b, b + n) for b, n in zip(g.before, g.size)))]


def taps(g):
    """For every element of the window, row by row: its index in the window and that of what it meets in padded(x, g)."""
    for tap in product(*map(range, g.kernel)):
        cuts = (slice(t * d, t * d + o * s, s) for t, d, o, s in zip(tap, g.dilation, g.count, g.strides))
        yield tap, (slice(None), *cuts)


def last_first(*images):
    """Decorate a reference that knows channels_last: the arguments in these places are images, and so is the result
    unless -1 is absent from them. data_format='channels_first' then transposes around it."""
    def decorate(function):
        def ref(*arrays, data_format='channels_last', **attrs):
            if data_format == 'channels_last':
                return function(*arrays, **attrs)
            arrays = [a.transpose(last_order(a.ndim)) if k in images else a for k, a in enumerate(arrays)]
            y = function(*arrays, **attrs)
            return np.ascontiguousarray(y.transpose(first_order(y.ndim))) if -1 in images else y
        ref.__name__ = function.__name__
        ref.__doc__ = function.__doc__
        return ref
    return decorate
