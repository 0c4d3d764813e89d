"""Joins, splits, turns, diagonals and segments by NumPy's and Keras's names, written in the other ops."""

import builtins

import numpy as np

from . import core
from .core import apply
from .elementwise import multiply, where
from .index import scatter_add
from .move import expand_dims, moveaxis, ravel, reshape, swapaxes
from .reduce import max, min, prod, sum
from .shapes import one_axis, shape_of
from .slices import along, concatenate, cut, flip, split, stack

__all__ = ['append', 'array_split', 'cumprod', 'diag', 'diagflat', 'diagonal', 'dsplit', 'dstack', 'fliplr', 'flipud',
           'hsplit', 'hstack', 'kron', 'rot90', 'segment_max', 'segment_min', 'segment_prod', 'segment_sum', 'trace',
           'vander', 'vsplit', 'vstack']


# ---- joins and splits
def _at_least(x, ndim):
    x = core.as_tensor(x)
    n = len(shape_of(x))
    if n >= ndim:
        return x
    return expand_dims(x, {(0, 1): 0, (0, 2): (0, 1), (1, 2): 0, (0, 3): (0, 1, 2), (1, 3): (0, 2), (2, 3): 2}[n, ndim])


def hstack(xs):
    """The tensors side by side: along the second axis, vectors along their only one."""
    xs = [_at_least(x, 1) for x in xs]
    return concatenate(xs, 0 if len(shape_of(xs[0])) == 1 else 1)


def vstack(xs):
    """The tensors one above the other: along the first axis, vectors as rows."""
    return concatenate([_at_least(x, 2) for x in xs], 0)


def dstack(xs):
    """The tensors along the third axis."""
    return concatenate([_at_least(x, 3) for x in xs], 2)


def append(x1, x2, axis=None):
    """x2 after x1 along the axis (None: both flattened)."""
    return concatenate([x1, x2], axis)


def array_split(x, indices_or_sections, axis=0):
    """As `split`, but so many parts of nearly equal size, the first ones longer by one."""
    x = core.as_tensor(x)
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        return split(x, indices_or_sections, axis)
    size = shape_of(x)[one_axis(axis, len(shape_of(x)))]
    n = int(indices_or_sections)
    if size is None or n < 1:
        raise ValueError(f'[array_split]: expected a known size and at least one part, got size {size} and {n} parts')
    longer = size % n
    return split(x, [(k + 1) * (size // n) + (k + 1 if k < longer else longer) for k in range(n - 1)], axis)


def hsplit(x, indices_or_sections):
    """As `split` along the second axis, of vectors along their only one."""
    return split(x, indices_or_sections, 0 if len(shape_of(core.as_tensor(x))) == 1 else 1)


def vsplit(x, indices_or_sections):
    """As `split` along the first axis."""
    return split(x, indices_or_sections, 0)


def dsplit(x, indices_or_sections):
    """As `split` along the third axis."""
    return split(x, indices_or_sections, 2)


# ---- turns
def fliplr(x):
    """x with the second axis reversed."""
    return flip(x, 1)


def flipud(x):
    """x with the first axis reversed."""
    return flip(x, 0)


def rot90(array, k=1, axes=(0, 1)):
    """The array turned k quarters of a circle in the plane of two axes, from the first towards the second."""
    a, b = axes
    k = int(k) % 4
    if k == 0:
        return core.as_tensor(array)
    if k == 2:
        return flip(array, (a, b))
    turned = swapaxes(array, a, b)
    return flip(turned, a) if k == 1 else flip(turned, b)


# ---- diagonals
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The offset-th diagonal of the matrices on two axes, as a last axis."""
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = shape_of(x)[-2:]
    if rows is None or columns is None:
        raise ValueError(f'[diagonal]: expected matrices of known sizes, got shape {shape_of(x)}')
    first = -offset * columns if offset < 0 else offset
    rest = rows + offset if offset < 0 else columns - offset
    n = builtins.max(0, builtins.min(columns if offset < 0 else rows, rest))
    flat = reshape(x, (*shape_of(x)[:-2], rows * columns))
    places = first + np.arange(n, dtype=np.int32) * (columns + 1)
    return apply('gather', (flat, places.astype(np.int32)), axis=len(shape_of(flat)) - 1)


def trace(x, offset=0, axis1=0, axis2=1):
    """Sum of a diagonal of the matrices on two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def diag(x, k=0):
    """The k-th diagonal of a matrix, or, for a vector, the matrix that has it there."""
    x = core.as_tensor(x)
    if len(shape_of(x)) == 2:
        return diagonal(x, k)
    if len(shape_of(x)) != 1:
        raise ValueError(f'[diag]: expected a vector or a matrix, got shape {shape_of(x)}')
    return diagflat(x, k)


def diagflat(x, k=0):
    """The matrix of zeros with the flattened x on its k-th diagonal."""
    x = ravel(x)
    n = shape_of(x)[0]
    if n is None:
        raise ValueError('[diagflat]: expected a known size')
    size = n + abs(k)
    places = (-k * size if k < 0 else k) + np.arange(n, dtype=np.int32) * (size + 1)
    return reshape(scatter_add(places, x, size * size), (size, size))


# ---- products
def kron(x1, x2):
    """Kronecker product: x2 times each element of x1, in its place."""
    a, b = core.as_tensor(x1), core.as_tensor(x2)
    n = builtins.max(len(shape_of(a)), len(shape_of(b)))
    sa = (1,) * (n - len(shape_of(a))) + shape_of(a)
    sb = (1,) * (n - len(shape_of(b))) + shape_of(b)
    y = multiply(reshape(a, tuple(d for s in sa for d in (s, 1))), reshape(b, tuple(d for s in sb for d in (1, s))))
    return reshape(y, tuple(p * q for p, q in zip(sa, sb)))


def vander(x, N=None, increasing=False):
    """Matrix of the powers of a vector's elements, N of them (None: as many as elements), falling unless increasing."""
    x = core.as_tensor(x)
    n = shape_of(x)[0] if N is None else int(N)
    powers = [apply('full_like', (x,), value=1, dtype=core.dtype_of(x))]
    for _ in range(n - 1):
        powers.append(multiply(powers[-1], x))
    return stack(powers[:n] if increasing else powers[:n][::-1], 1)


def cumprod(x, axis=None, dtype=None):
    """Running product along the axis (None: of the flattened x), in log2(n) rounds of products with what lies 1, 2,
    4, … before."""
    x = core.as_tensor(x)
    if dtype is not None or core.dtype_of(x) == 'bool':
        x = apply('cast', (x,), dtype=core.dtype_name(dtype or 'int32'))
    if axis is None:
        x, axis = ravel(x), 0
    ndim = len(shape_of(x))
    axis = one_axis(axis, ndim)
    n, step = shape_of(x)[axis], 1
    if n is None:
        raise ValueError(f'[cumprod]: expected a known size of axis {axis}')
    while step < n:
        head = cut(x, along(ndim, axis, None, step))
        x = concatenate([head, multiply(cut(x, along(ndim, axis, step, None)),
                                        cut(x, along(ndim, axis, None, -step)))], axis)
        step *= 2
    return x


# ---- segments
def _segments(op, data, segment_ids, num_segments):
    ids = core.as_tensor(segment_ids)
    if num_segments is None:
        if core.is_symbolic(ids):
            raise ValueError(f'[{op}] num_segments: needed for symbolic segment_ids')
        num_segments = int(core.to_array(ids).max(initial=-1)) + 1
    return core.as_tensor(data), ids, int(num_segments)


def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """Sums of the rows of data that have the same segment id."""
    return scatter_add(segment_ids, *_segments('segment_sum', data, segment_ids, num_segments)[::2])


def _segment_reduce(op, data, segment_ids, num_segments, reduce, neutral):
    """Over all rows at once, with those of other segments replaced: for few segments."""
    data, ids, n = _segments(op, data, segment_ids, num_segments)
    own = apply('equal', (expand_dims(ids, 0), np.arange(n, dtype=np.int32).reshape(n, 1)))
    own = reshape(own, (n, -1) + (1,) * (len(shape_of(data)) - 1))
    return reduce(where(own, expand_dims(data, 0), neutral), 1)


def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """Largest elements of the rows of data that have the same segment id; -inf for none."""
    return _segment_reduce('segment_max', data, segment_ids, num_segments, max, -np.inf)


def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """Smallest elements of the rows of data that have the same segment id; inf for none."""
    return _segment_reduce('segment_min', data, segment_ids, num_segments, min, np.inf)


def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """Products of the rows of data that have the same segment id; 1 for none."""
    return _segment_reduce('segment_prod', data, segment_ids, num_segments, prod, 1)
