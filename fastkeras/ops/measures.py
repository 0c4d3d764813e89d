"""Distances, correlations, histograms and quantiles, written in other ops."""

import math

import numpy as np

from . import core
from .core import as_tensor, error
from .elementwise import (
    add,
    cast,
    ceil,
    divide,
    equal,
    floor,
    floor_divide,
    greater_equal,
    isnan,
    less_equal,
    logical_and,
    logical_not,
    maximum,
    mod,
    multiply,
    rint,
    sqrt,
    square,
    subtract,
    where,
)
from .fourier import extract_sequences
from .index import take_along_axis
from .linalg import matmul
from .move import expand_dims, moveaxis, reshape, squeeze
from .reduce import max, mean, min, sum
from .shapes import many_axes, one_axis, shape_of
from .slices import flip, pad, stack
from .sorting import argsort, searchsorted, sort

__all__ = ['argpartition', 'cdist', 'corrcoef', 'correlate', 'histogram', 'nanmedian', 'nanpercentile', 'nanquantile',
           'unravel_index']


def _float(x):
    x = as_tensor(x)
    return x if core.dtype_of(x) in core.FLOATS else multiply(x, 1.0)


def cdist(x, y):
    """Euclidean distances of all pairs of vectors: x (…, m, d), y (…, n, d) → (…, m, n). The gradient at distance 0 is 0."""
    x, y = _float(x), _float(y)
    if len(x.shape) < 2 or len(y.shape) < 2 or x.shape[-1] != y.shape[-1]:
        raise error('cdist', f'expected x (…, m, d) and y (…, n, d), got shapes {tuple(x.shape)} and {tuple(y.shape)}')
    total = sum(square(subtract(expand_dims(x, -2), expand_dims(y, -3))), axis=-1)
    zero = equal(total, 0.0)
    return where(zero, 0.0, sqrt(where(zero, 1.0, total)))


def corrcoef(x):
    """Pearson's correlations of the rows of x (variables, observations); 1 for a single row."""
    x = _float(x)
    if len(x.shape) not in (1, 2):
        raise error('corrcoef', f'x: expected 1 or 2 axes, got shape {tuple(x.shape)}')
    rows = x if len(x.shape) == 2 else expand_dims(x, 0)
    rows = subtract(rows, mean(rows, axis=1, keepdims=True))
    rows = divide(rows, sqrt(sum(square(rows), axis=1, keepdims=True)))
    y = matmul(rows, rows, transpose_b=True)
    return y if len(x.shape) == 2 else reshape(y, ())


def correlate(x1, x2, mode='valid'):
    """The cross-correlation of two vectors, sums of x1[k + n] · x2[n]. mode: 'valid', where both overlap wholly; 'same', as
    long as the longer one; 'full', where they overlap at all."""
    if mode not in ('valid', 'same', 'full'):
        raise error('correlate', f"mode: expected 'valid', 'same' or 'full', got {mode!r}")
    x1, x2 = _float(x1), _float(x2)
    if len(x1.shape) != 1 or len(x2.shape) != 1 or None in (*x1.shape, *x2.shape) or 0 in (*x1.shape, *x2.shape):
        raise error('correlate', f'expected two vectors of known sizes, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}')
    n, m = x1.shape[0], x2.shape[0]
    if n < m:
        return flip(correlate(x2, x1, mode), axis=0)
    before, after = {'valid': (0, 0), 'same': (m // 2, (m - 1) // 2), 'full': (m - 1, m - 1)}[mode]
    windows = extract_sequences(pad(x1, [(before, after)]) if before or after else x1, m, 1)
    return reshape(matmul(windows, expand_dims(x2, 1)), (n + before + after - m + 1,))


def histogram(x, bins=10, range=None):
    """(how many elements fall into each bin, int32; the bins + 1 edges). bins: how many, of equal width. range: (from, to), by
    default the smallest and the largest element; what is outside is not counted. The last bin holds its right edge."""
    if isinstance(bins, bool) or not hasattr(bins, '__index__') or bins < 1:
        raise error('histogram', f'bins: expected a positive whole number, got {bins!r}')
    x = reshape(_float(x), (-1,))
    if range is not None:
        if len(range) != 2 or not range[0] <= range[1]:
            raise error('histogram', f'range: expected (from, to), got {range!r}')
        low, high = (np.asarray(v, core.dtype_of(x)) for v in range)
    else:
        low, high = min(x), max(x)
    flat = equal(low, high)
    low, high = where(flat, subtract(low, 0.5), low), where(flat, add(high, 0.5), high)
    share = (np.arange(bins + 1) / bins).astype(core.dtype_of(x))
    edges = add(multiply(low, 1 - share), multiply(high, share))
    inside = logical_and(greater_equal(x, low), less_equal(x, high))
    place = subtract(searchsorted(edges, x, 'right'), 1)
    place = where(equal(place, bins), bins - 1, place)      # the right edge itself
    hit = logical_and(equal(expand_dims(place, 1), np.arange(bins, dtype=np.int32)), expand_dims(inside, 1))
    return sum(cast(hit, 'int32'), axis=0), edges


def argpartition(x, kth, axis=-1):
    """Indices that put the kth smallest element along the axis in its place, smaller ones before and larger ones behind it:
    those of `argsort`."""
    x = as_tensor(x)
    size = x.shape[one_axis(axis, len(x.shape))]
    if size is not None and not -size <= int(kth) < size:
        raise error('argpartition', f'kth: expected a value in [-{size}, {size}), got {kth!r}')
    return argsort(x, axis=axis)


def unravel_index(indices, shape):
    """A tuple of the indices along each axis of a tensor of this shape, of indices into its flat elements; negative ones count
    from the end."""
    x, total, out = as_tensor(indices), math.prod(shape), []
    if core.dtype_of(x) not in (*core.INTS, 'uint8'):
        raise error('unravel_index', f'indices: expected whole numbers, got {core.dtype_of(x)}')
    x = where(greater_equal(x, 0), x, add(x, total))
    for d in reversed(shape):
        out.append(mod(x, d))
        x = floor_divide(x, d)
    return tuple(reversed(out))


# ---- quantiles of what is not NaN
def nanquantile(x, q, axis=None, method='linear', keepdims=False):
    """The q-quantiles of the elements that are not NaN; NaN where all are. Arguments as of `quantile`."""
    x, q = _float(x), core.to_array(q, 'float64')
    if q.ndim > 1 or q.size and not (q.min() >= 0 and q.max() <= 1):
        raise error('nanquantile', f'q: expected a number or a vector of numbers from 0 to 1, got {q}')
    shape = shape_of(x)
    axes = many_axes(axis, len(shape))
    rest = tuple(d for i, d in enumerate(shape) if i not in axes)
    rows = reshape(moveaxis(x, axes, tuple(range(-len(axes), 0))) if axes else x, (*rest, -1))
    missing = isnan(rows)
    there = sum(cast(logical_not(missing), core.dtype_of(x)), axis=-1, keepdims=True)
    rows = sort(where(missing, math.inf, rows))
    last = maximum(subtract(there, 1.0), 0.0)
    found = [_at(rows, multiply(last, float(p)), method) for p in q.reshape(-1)]
    found = [squeeze(where(equal(there, 0.0), math.nan, y), -1) for y in found]
    y = found[0] if not q.ndim else stack(found, axis=0)
    if keepdims:
        y = reshape(y, (*q.shape, *(1 if i in axes else d for i, d in enumerate(shape))))
    return y


def _at(rows, place, method):
    """The element of sorted rows at a place between two, one for each row."""
    low = floor(place)

    def element(k):
        return take_along_axis(rows, cast(k, 'int32'), axis=-1)
    if method in ('lower', 'higher', 'nearest'):
        return element(low if method == 'lower' else ceil(place) if method == 'higher' else rint(place))
    if method not in ('linear', 'midpoint'):
        raise error('nanquantile', f"method: expected 'linear', 'lower', 'higher', 'nearest', 'midpoint', got {method!r}")
    high = ceil(place)
    share = subtract(place, low) if method == 'linear' else multiply(subtract(high, low), 0.5)
    a, b = element(low), element(high)
    return where(equal(share, 0.0), a, add(a, multiply(share, subtract(b, a))))


def nanpercentile(x, q, axis=None, method='linear', keepdims=False):
    """As `nanquantile`, q from 0 to 100."""
    return nanquantile(x, core.to_array(q, 'float64') / 100.0, axis, method, keepdims)


def nanmedian(x, axis=None, keepdims=False):
    """The middle element of those that are not NaN, of an even number the mean of the two."""
    return nanquantile(x, 0.5, axis, 'linear', keepdims)
