"""Order: sorting, the largest elements, quantiles, counting. The order itself is found by NumPy, a step on the host."""

import math

import numpy as np

from . import core
from .core import FLOATS, Sample, apply, register
from .elementwise import add, cast, less_equal, multiply, subtract
from .facts import axis_moves, beside_axis
from .index import as_indices, scatter_add, take_along_axis
from .move import moveaxis, ravel, reshape
from .reduce import sum
from .shapes import many_axes, one_axis, shape_of
from .slices import along, cut

__all__ = ['argsort', 'bincount', 'digitize', 'isin', 'median', 'nonzero', 'percentile', 'quantile', 'searchsorted',
           'sort',
           'top_k', 'unique']


# ---- the one record
def _argsort_ref(x, *, axis, descending):
    key = x.astype(np.int64) if descending and x.dtype.kind in 'bu' else x
    if x.ndim > 32:     # more than NumPy sorts along
        key, axis = key.reshape(math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis:][1:])), 1
    return np.argsort(-key if descending else key, axis=axis, kind='stable').astype(np.int32).reshape(x.shape)


def _argsort_samples():
    x = np.random.default_rng(8).normal(size=(4, 9)).astype(np.float32)
    return [Sample([x], {'axis': 1, 'descending': False}, grad=False),
            Sample([np.round(x)], {'axis': 0, 'descending': True}, grad=False)]


@register('argsort', ref=_argsort_ref, samples=_argsort_samples, rows=beside_axis, sink=axis_moves)
def _argsort_spec(x, *, axis, descending):
    return x.shape, 'int32'


def _order(x, axis, descending=False):
    return apply('argsort', (x,), axis=axis, descending=descending)


def _on_axis(x, axis):
    x = core.as_tensor(x)
    return (ravel(x), 0) if axis is None else (x, one_axis(axis, len(shape_of(x))))


def argsort(x, axis=-1):
    """The indices that sort x along the axis (None: flattened), int32; equal elements stay in order, NaN come last."""
    return _order(*_on_axis(x, axis))


def sort(x, axis=-1):
    """x in rising order along the axis (None: flattened); NaN come last."""
    x, axis = _on_axis(x, axis)
    return apply('take_along_axis', (x, _order(x, axis)), axis=axis)


def top_k(x, k, sorted=True):
    """(values, indices) of the k largest elements along the last axis, the largest first; of equal ones the first comes
    first. ValueError for a k beyond the size of the axis."""
    x = core.as_tensor(x)
    shape = shape_of(x)
    if not shape or (shape[-1] is not None and not 0 <= k <= shape[-1]):
        raise ValueError(f'[top_k] k: expected 0 ≤ k ≤ the size of the last axis of shape {shape}, got {k}')
    indices = cut(_order(x, len(shape) - 1, True), along(len(shape), len(shape) - 1, 0, int(k)))
    return take_along_axis(x, indices, -1), indices


# ---- quantiles
def quantile(x, q, axis=None, method='linear', keepdims=False):
    """The q-quantiles (0 ≤ q ≤ 1, a number or a vector, whose axis comes first) along the axes (None: all). method:
    'linear' between neighbours, or the 'lower', 'higher', 'nearest' one, or their 'midpoint'."""
    x = core.as_tensor(x)
    if core.dtype_of(x) not in FLOATS:
        x = cast(x, 'float32')
    q = core.to_array(q, 'float64')
    if q.ndim > 1 or q.size and not (q.min() >= 0 and q.max() <= 1):
        raise ValueError(f'[quantile] q: expected a number or a vector of numbers from 0 to 1, got {q}')
    shape = shape_of(x)
    axes = many_axes(axis, len(shape))
    rest = tuple(d for i, d in enumerate(shape) if i not in axes)
    x = reshape(moveaxis(x, axes, tuple(range(-len(axes), 0))), (*rest, -1)) if axes else reshape(x, (*rest, 1))
    n = shape_of(x)[-1]
    if not n:
        raise ValueError(f'[quantile]: expected a known number of elements of at least 1 along the axes, got shape '
                         f'{shape}')
    x = sort(x)
    places = q.reshape(-1) * (n - 1)
    found = [_between(x, float(p), method) for p in places]
    if not q.ndim:
        y = found[0]
    else:
        y = apply('concatenate', [apply('expand_dims', (v,), axis=(0,)) for v in found], axis=0)
    if keepdims:
        kept = tuple(1 if i in axes else d for i, d in enumerate(shape))
        y = reshape(y, (*q.shape, *kept))
    return y


def _between(x, place, method):
    low = math.floor(place)
    share = place - low
    if method != 'linear':
        rounded = {'lower': low, 'higher': math.ceil(place), 'nearest': round(place), 'midpoint': low}
        if method not in rounded:
            raise ValueError(f"[quantile] method: expected one of 'linear', 'lower', 'higher', 'nearest', 'midpoint', "
                             f"got {method!r}")
        share = 0.5 if method == 'midpoint' and share else 0.0
        low = rounded[method]

    def at(k):
        return apply('squeeze', (cut(x, along(len(shape_of(x)), len(shape_of(x)) - 1, k, k + 1)),),
                     axis=(len(shape_of(x)) - 1,))

    a = at(low)
    return a if not share else add(a, multiply(subtract(at(low + 1), a), share))


def percentile(x, q, axis=None, method='linear', keepdims=False):
    """As `quantile`, q from 0 to 100."""
    return quantile(x, core.to_array(q, 'float64') / 100.0, axis, method, keepdims)


def median(x, axis=None, keepdims=False):
    """The middle element along the axes (None: all), of an even number the mean of the two."""
    return quantile(x, 0.5, axis, 'linear', keepdims)


# ---- places and counts
def searchsorted(sorted_sequence, values, side='left'):
    """For each value the index at which it would be put into a rising vector: before equal ones ('left') or after
    ('right')."""
    if side not in ('left', 'right'):
        raise ValueError(f"[searchsorted] side: expected 'left' or 'right', got {side!r}")
    row, values = core.as_tensor(sorted_sequence), core.as_tensor(values)
    if len(shape_of(row)) != 1:
        raise ValueError(f'[searchsorted] sorted_sequence: expected a vector, got shape {shape_of(row)}')
    last = apply('expand_dims', (values,), axis=(len(shape_of(values)),))
    smaller = apply('less', (row, last)) if side == 'left' else less_equal(row, last)
    return sum(smaller, -1)


def digitize(x, bins):
    """Index of the bin of each element: bins[i - 1] ≤ x < bins[i], int32; bins: a rising vector."""
    return searchsorted(bins, x, 'right')


def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each whole number from 0 to the largest occurs along the last axis, or the sum of its weights.

    A symbolic x needs minlength, the length of the result: numbers beyond it are an error when it runs.
    """
    x = core.as_tensor(x)
    if sparse:
        raise ValueError('[bincount] sparse: the engine has dense tensors only, pass False')
    if core.is_symbolic(x) and not minlength:
        raise ValueError('[bincount] minlength: needed for a symbolic tensor, whose largest element is not known')
    size = int(minlength) if core.is_symbolic(x) else max(int(minlength), int(core.to_array(x).max(initial=-1)) + 1)
    shape = shape_of(x)
    if len(shape) > 1 or core.is_symbolic(x) and weights is None:
        hot = apply('one_hot', (as_indices(x),), depth=size, on=1.0, off=0.0)
        if weights is not None:
            hot = multiply(hot, apply('expand_dims', (core.as_tensor(weights),), axis=(len(shape),)))
        counts = sum(hot, len(shape) - 1)
    else:
        counts = scatter_add(x, np.ones(shape, np.float32) if weights is None else weights, size)
    return cast(counts, 'int32') if weights is None else counts


def isin(x1, x2, assume_unique=False, invert=False):
    """Where an element of x1 is among the elements of x2. invert: where it is not."""
    x1 = core.as_tensor(x1)
    hit = apply('equal', (apply('expand_dims', (x1,), axis=(len(shape_of(x1)),)), ravel(x2)))
    found = apply('any', (hit,), axis=(len(shape_of(x1)),), keepdims=False)
    return apply('logical_not', (found,)) if invert else found


def _known(op, x):
    if core.is_symbolic(x):
        raise ValueError(f'[{op}]: the size of its result depends on values, so it takes arrays only, not symbolic '
                         f'tensors')
    return core.to_array(x)


def nonzero(x):
    """Indices of the elements that are not zero, an array for each axis; of arrays only."""
    return tuple(i.astype(np.int32) for i in np.nonzero(_known('nonzero', x)))


def unique(x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None,
           fill_value=None):
    """The different elements of an array in rising order, as numpy.unique. size: so many, cut or filled up with
    fill_value (None: the smallest element)."""
    found = np.unique(_known('unique', x), return_index=return_index, return_inverse=return_inverse,
                      return_counts=return_counts, axis=axis)
    if size is None:
        return found
    parts = list(found) if isinstance(found, tuple) else [found]
    values = np.take(parts[0], np.arange(min(size, parts[0].shape[axis or 0])), axis or 0)
    missing = size - values.shape[axis or 0]
    if missing:
        widths = [(0, missing if i == (axis or 0) else 0) for i in range(values.ndim)]
        values = np.pad(values, widths, constant_values=values.min() if fill_value is None else fill_value)
    parts[0] = values
    return tuple(parts) if isinstance(found, tuple) else values
