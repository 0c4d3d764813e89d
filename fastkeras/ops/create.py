"""Arrays and tensors made from nothing, or in the shape of another; conversions and questions about tensors."""

import math

import numpy as np

from .. import config
from ..graph import Node
from . import core
from .core import Sample, apply, register
from .facts import all_move
from .shapes import shape_of
from .slices import stack

__all__ = ['arange', 'array', 'bartlett', 'blackman', 'convert_to_numpy', 'convert_to_tensor', 'copy', 'dtype',
           'empty', 'empty_like', 'eye', 'full', 'full_like', 'geomspace', 'hamming', 'hanning',
           'identity', 'is_tensor', 'kaiser', 'linspace', 'logspace', 'meshgrid', 'ndim', 'ones',
           'ones_like', 'shape', 'size', 'tri', 'tril', 'triu', 'zeros', 'zeros_like']


# ---- conversions and questions
def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """x as an array, or as the Tensor that it is; a list that holds Tensors is stacked. dtype: cast to it."""
    if isinstance(x, (list, tuple)) and any(map(_holds_tensor, x)):
        x = stack([convert_to_tensor(t) for t in x])
    if core.is_symbolic(x):
        return core.tensor(x, dtype)
    if hasattr(x, '__fastkeras_tensor__'):
        return x if dtype is None or core.dtype_name(dtype) == x.dtype else core.to_array(x, dtype)
    return core.to_array(x, dtype)


def _holds_tensor(x):
    return any(map(_holds_tensor, x)) if isinstance(x, (list, tuple)) else core.is_symbolic(x)


def array(x, dtype=None):
    """As `convert_to_tensor`."""
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x):
    """x as an ndarray; TypeError for a symbolic tensor."""
    return np.asarray(core.to_array(x))


def copy(x):
    """A tensor of x's value."""
    return core.tensor(x) if core.is_symbolic(x) else np.array(core.to_array(x))


def is_tensor(x):
    """Whether x is a symbolic tensor, a Variable or an array."""
    return isinstance(x, (Node, np.ndarray)) or hasattr(x, '__fastkeras_tensor__')


def shape(x):
    """Shape as a tuple, None for unknown sizes; it may be given to `reshape` and `broadcast_to` as it is."""
    return shape_of(core.as_tensor(x))


def ndim(x):
    """Number of axes."""
    return len(shape_of(core.as_tensor(x)))


def size(x):
    """Number of elements; None where a size is unknown."""
    n = 1
    for d in shape_of(core.as_tensor(x)):
        if d is None:
            return None
        n *= d
    return n


def dtype(x):
    """Name of the type, such as 'float32'."""
    return core.dtype_of(x)


# ---- constants
def _sizes(op, shape):
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    if any(not hasattr(d, '__index__') or isinstance(d, Node) or d < 0 for d in sizes):
        raise ValueError(f'[{op}] shape: expected known sizes of 0 or more, got {tuple(sizes)}; '
                         f'for the shape of a symbolic tensor use {op}_like')
    core.check_size(tuple(map(int, sizes)), f'[{op}]: the result')
    return tuple(int(d) for d in sizes)


def _square(op, n, m):
    """(n, m) as ints, m by default n; ValueError where no machine holds as many."""
    n = int(n)
    m = n if m is None else int(m)
    core.check_size((n, m), f'[{op}]: the result')
    return n, m


def full(shape, fill_value, dtype=None):
    """An array of `shape` with one value everywhere (floatx for a fraction)."""
    value = core.to_array(fill_value, dtype)
    return np.full(_sizes('full', shape), value, value.dtype)


def zeros(shape, dtype=None):
    """An array of zeros; dtype: floatx unless given."""
    return np.zeros(_sizes('zeros', shape), core.dtype_name(dtype or config.floatx()))


def ones(shape, dtype=None):
    """An array of ones; dtype: floatx unless given."""
    return np.ones(_sizes('ones', shape), core.dtype_name(dtype or config.floatx()))


def empty(shape, dtype=None):
    """As `zeros`: no memory is ever shown before it is written."""
    return zeros(shape, dtype)


def _full_like_compose(x, *, value, dtype):
    return core.constant(value, dtype, x.shape)


@register('full_like', ref=lambda x, *, value, dtype: np.full(x.shape, value, dtype), compose=_full_like_compose,
          rows=all_move,
          samples=lambda: [Sample([np.ones((2, 3), np.float32)], {'value': 2.5, 'dtype': 'float32'}, grad=False)])
def _full_like_spec(x, *, value, dtype):
    return x.shape, dtype


def full_like(x, fill_value, dtype=None):
    """One value everywhere, in the shape of x and, unless given, its type."""
    x = core.as_tensor(x)
    dtype = core.dtype_name(dtype) if dtype is not None else core.dtype_of(x)
    if core.is_symbolic(fill_value):
        return apply('broadcast_to', (core.tensor(fill_value, dtype),), shape=shape_of(x))
    value = core.to_array(fill_value)
    if value.ndim:
        return apply('add', (full_like(x, 0, dtype), value.astype(dtype)))
    return apply('full_like', (x,), value=value.item(), dtype=dtype)


def zeros_like(x, dtype=None):
    """Zeros in the shape of x and, unless given, its type."""
    return full_like(x, 0, dtype)


def ones_like(x, dtype=None):
    """Ones in the shape of x and, unless given, its type."""
    return full_like(x, 1, dtype)


def empty_like(x, dtype=None):
    """As `zeros_like`."""
    return full_like(x, 0, dtype)


def eye(N, M=None, k=0, dtype=None):
    """N × M zeros (M: N unless given) with ones on the k-th diagonal."""
    return np.eye(*_square('eye', N, M), int(k), core.dtype_name(dtype or config.floatx()))


def identity(n, dtype=None):
    """n × n zeros with ones on the diagonal."""
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """N × M ones on and below the k-th diagonal, zeros above."""
    return np.tri(*_square('tri', N, M), int(k), core.dtype_name(dtype or config.floatx()))


def arange(start, stop=None, step=None, dtype=None):
    """Numbers from start (0 when only one bound is given) to below stop; int32 for integers (int64 where they are larger),
    else floatx. ValueError or MemoryError, with the size, for more of them than there can be."""
    low, high = (0, start) if stop is None else (start, stop)
    if any(core.is_symbolic(v) for v in (low, high, step)):
        raise ValueError('[arange]: the bounds of a range must be known, a symbolic tensor would make its length '
                         'depend on values')
    step = 1 if step is None else step
    ends = [v if isinstance(v, float) else v.item() if hasattr(v, 'item') else v for v in (low, high, step)]
    if step and all(map(math.isfinite, ends)):
        core.check_size((max(0, math.ceil((ends[1] - ends[0]) / ends[2])),), '[arange]: the result')
    values = np.arange(low, high, step)
    if dtype is None:
        whole = values.dtype.kind in 'iu'
        fits = not whole or not len(values) or min(values[0], values[-1]) >= -2 ** 31 and max(values[0], values[-1]) < 2 ** 31
        dtype = config.floatx() if not whole else 'int32' if fits else 'int64'
    return values.astype(core.dtype_name(dtype))


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """`num` evenly spaced numbers from start to stop (without it, unless endpoint). retstep: (numbers, their
    distance)."""
    core.check_size((int(num),), '[linspace]: the result')
    values, step = np.linspace(core.to_array(start, 'float64'), core.to_array(stop, 'float64'), int(num),
                               endpoint=endpoint, retstep=True, axis=axis)
    values = values.astype(core.dtype_name(dtype or config.floatx()))
    return (values, step) if retstep else values


def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """`num` numbers from base^start to base^stop, their logarithms evenly spaced."""
    return _spaced(np.logspace, start, stop, num, dtype, endpoint=endpoint, base=base, axis=axis)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`num` numbers from start to stop, each the same multiple of the one before."""
    return _spaced(np.geomspace, start, stop, num, dtype, endpoint=endpoint, axis=axis)


def _spaced(function, start, stop, num, dtype, **options):
    core.check_size((int(num),), f'[{function.__name__}]: the result')
    values = function(core.to_array(start, 'float64'), core.to_array(stop, 'float64'), int(num), **options)
    return values.astype(core.dtype_name(dtype or config.floatx()))


# ---- windows of n numbers
def _length(op, n):
    return _sizes(op, int(n))[0] if int(n) > 0 else int(n)


def bartlett(x):
    """The triangular window of x numbers."""
    return np.bartlett(_length('bartlett', x)).astype(config.floatx())


def blackman(x):
    """The Blackman window of x numbers."""
    return np.blackman(_length('blackman', x)).astype(config.floatx())


def hamming(x):
    """The Hamming window of x numbers."""
    return np.hamming(_length('hamming', x)).astype(config.floatx())


def hanning(x):
    """The Hann window of x numbers."""
    return np.hanning(_length('hanning', x)).astype(config.floatx())


def kaiser(x, beta):
    """The Kaiser window of x numbers and shape beta."""
    return np.kaiser(_length('kaiser', x), float(beta)).astype(config.floatx())


def meshgrid(*x, indexing='xy'):
    """List of coordinate tensors of the grid that the vectors span; 'ij' for the axes in order, 'xy' with the first two
    exchanged."""
    if indexing not in ('xy', 'ij'):
        raise ValueError(f"[meshgrid] indexing: expected 'xy' or 'ij', got {indexing!r}")
    xs = [core.as_tensor(t) for t in x]
    sizes = []
    for t in xs:
        n = size(t)
        if n is None:
            raise ValueError(f'[meshgrid]: expected vectors of known sizes, got shape {shape_of(t)}')
        sizes.append(n)
    order = list(range(len(xs)))
    if indexing == 'xy' and len(xs) > 1:
        order[:2] = 1, 0
    grid = tuple(sizes[k] for k in order)
    made = []
    for k, t in enumerate(xs):
        thin = tuple(sizes[k] if j == k else 1 for j in order)
        made.append(apply('broadcast_to', (apply('reshape', (t,), shape=thin),), shape=grid))
    return made


# ---- triangles
def _triangle(x, k, lower):
    x = core.as_tensor(x)
    rows, columns = shape_of(x)[-2:] if len(shape_of(x)) > 1 else (None, None)
    if rows is None or columns is None:
        raise ValueError(f'[{"tril" if lower else "triu"}]: expected matrices of known sizes, got shape {shape_of(x)}')
    keep = np.tri(rows, columns, k if lower else k - 1, bool)
    return apply('where', (keep if lower else ~keep, x, 0))


def tril(x, k=0):
    """The matrices of x with zeros above the k-th diagonal."""
    return _triangle(x, int(k), True)


def triu(x, k=0):
    """The matrices of x with zeros below the k-th diagonal."""
    return _triangle(x, int(k), False)
