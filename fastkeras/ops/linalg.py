"""Products of matrices: the matmul record and what reduces to it (dot, tensordot), and norms."""

import math

import numpy as np

from .core import Sample, apply, as_tensor, error, register
from .elementwise import absolute, cast, multiply, not_equal, power, sqrt, square
from .facts import each_element, first_moves
from .lowering import lower_copy, strides
from .move import expand_dims, moveaxis, reshape, squeeze, transpose
from .reduce import max, min, sum
from .shapes import broadcast, sum_to

__all__ = ['dot', 'inner', 'matmul', 'norm', 'outer', 'tensordot', 'vdot']

LARGE = 1 << 21  # elements
CACHED = 1 << 18  # elements of which a copy is still in a core's cache when it is read


def _vjp(node, ct):
    a, b = node.inputs
    ta, tb = node.attrs['transpose_a'], node.attrs['transpose_b']
    if ta:
        da = _product(b, ct, tb, True)
    else:
        da = _product(ct, b, False, not tb)
    if len(b.shape) == 2 and len(a.shape) > 2 and not ta:
        # one long product instead of a batch of them and a sum
        rows = math.prod(a.shape[:-1])
        flat_a, flat_ct = reshape(a, (rows, a.shape[-1])), reshape(ct, (rows, ct.shape[-1]))
        db = _product(flat_ct, flat_a, True, False) if tb else _product(flat_a, flat_ct, True, False)
    else:
        db = _product(ct, a, True, ta) if tb else _product(a, ct, not ta, False)
    return [sum_to(da, a.shape), sum_to(db, b.shape)]


def _product(a, b, transpose_a, transpose_b):
    return apply('matmul', [a, b], transpose_a=transpose_a, transpose_b=transpose_b)


def _ref(a, b, transpose_a=False, transpose_b=False):
    return np.matmul(a.swapaxes(-1, -2) if transpose_a else a, b.swapaxes(-1, -2) if transpose_b else b)


def _materialized(ctx, x, batch):
    """x with its leading axes broadcast to `batch`, for a product that no pair of strides can express."""
    shape = (*batch, *x.shape[-2:])
    if tuple(x.shape) == shape:
        return x
    whole = ctx.temp(shape, x.dtype)
    steps = [0 if d == 1 else step for d, step in zip(x.shape, strides(x.shape))]
    lower_copy(ctx, x, whole, shape, [0] * (len(shape) - len(steps)) + steps, strides(shape))
    return whole


def _lower(ctx, node, ins, out):
    a, b = ins
    ta, tb = node.attrs['transpose_a'], node.attrs['transpose_b']
    m, n = out.shape[-2:]
    k = a.shape[-2] if ta else a.shape[-1]
    batch, batch_a, batch_b = out.shape[:-2], math.prod(a.shape[:-2]), math.prod(b.shape[:-2])
    count = math.prod(batch)
    if batch_b == 1 and not ta:
        m, count, batch_a = m * count, 1, 1
    else:
        if batch_a not in (1, count):
            a, batch_a = _materialized(ctx, a, batch), count
        if batch_b not in (1, count):
            b, batch_b = _materialized(ctx, b, batch), count
    ldb = k if tb else n
    stored = _as_stored(m, n, k, ta, tb, ctx.packed_once(b))
    right = b if stored else ctx.packed(b, 'pack_b', batch=batch_b, k=k, n=n, ld=ldb, trans=int(tb), src_batch=k * n)
    return ctx.step('matmul', [a, right, out], batch=count, m=m, n=n, k=k, lda=m if ta else k, trans_a=int(ta),
                    ldb=ldb if stored else 0, trans_b=int(tb), a_batch=m * k if batch_a > 1 else 0,
                    b_batch=int(batch_b > 1))


def _as_stored(m, n, k, ta, tb, once):
    """Whether the right side is read where it is. once: it would be packed once for many runs. Weights too large for the
    caches are: nothing is slower than their memory, and a packed copy would double them. Smaller ones are packed even for
    one row: a thread's share is then one piece, where columns of stored rows meet a part of its cache's sets alone. The
    right side of a weight's gradient is seldom constant and long: a packed copy would go through memory, to be used by a
    few hundred rows."""
    large = n * k > LARGE
    if once:
        return not tb and large
    few = 64 if tb else 1024 if ta and n * k > CACHED else 64 if ta else 128
    return large or m <= few


def _samples():
    rng = np.random.default_rng(3)

    def case(a, b, ta=False, tb=False, **options):
        return Sample([rng.standard_normal(a).astype('float32'), rng.standard_normal(b).astype('float32')],
                      {'transpose_a': ta, 'transpose_b': tb}, **options)
    return [
        case((1, 1), (1, 1)), case((3, 5), (5, 17)), case((17, 33), (33, 3)), case((13, 70), (70, 65)),
        case((33, 17), (33, 40), ta=True), case((12, 19), (35, 19), tb=True), case((7, 5), (9, 7), ta=True, tb=True),
        case((2, 3, 5, 7), (7, 4)), case((4, 5, 6), (4, 6, 3)), case((4, 6, 5), (4, 6, 3), ta=True),
        case((4, 5, 6), (3, 6), tb=True), case((3, 4, 2), (4, 5), ta=True), case((5, 4), (3, 4, 2)),
        case((2, 1, 3, 4), (5, 4, 2)), case((2, 1, 3, 4), (3, 2, 4), tb=True), case((0, 5), (5, 4)),
        case((3, 0, 5), (5, 4)),
        case((3, 0), (0, 4)), case((1, 300), (300, 1)), case((1, 128), (128, 100)),
        case((130, 9), (9, 33)), case((70, 90), (35, 90), tb=True), case((11, 18), (11, 50), ta=True),
        case((14, 90), (90, 70)), case((2, 130, 5), (2, 5, 9)),
    ]


def _compose(a, b, *, transpose_a=False, transpose_b=False):
    """A vector as a matrix of one row or column; the record itself knows matrices."""
    row, column = len(a.shape) == 1, len(b.shape) == 1
    if not row and not column:
        return None
    y = _product(expand_dims(a, 0) if row else a, expand_dims(b, 1) if column else b, transpose_a, transpose_b)
    y = squeeze(y, -2) if row else y
    return squeeze(y, -1) if column else y


def _rows(node, moving):
    """The rows of a matrix on the left, or the first of the leading axes, which broadcast."""
    if len(node.shape) == 2:
        return first_moves(node, moving) and not node.attrs['transpose_a']
    return len(node.shape) > 2 and each_element(node, moving)


def _steps(node):
    """Matrices, one behind the other, times the same."""
    matrices = node.inputs[0].ndim > 2 and node.inputs[1].ndim == 2 and not node.attrs['transpose_a']
    return (0, 1) if matrices else None


def _affine(node):
    """Factors on the columns of the result are factors on those of the right side."""
    b, n = node.inputs[1], node.shape[-1]
    return (1, (n, 1) if node.attrs['transpose_b'] else (n,)) if b.ndim == 2 and node.ndim >= 2 else None


def _flops(node):
    a = node.inputs[0]
    return 2 * node.size * a.shape[-2 if node.attrs['transpose_a'] else -1]


def _over_rows(node):
    a, b = node.inputs
    return len(a.shape) == len(b.shape) == 2 and node.attrs['transpose_a'] and not node.attrs['transpose_b']


@register('matmul', vjp=_vjp, ref=_ref, lower=_lower, samples=_samples, epilogue=True, promote=0, floating=True,
          compose=_compose, rows=_rows, affine=_affine, flops=_flops, over_rows=_over_rows, steps=_steps)
def matmul_spec(a, b, *, transpose_a=False, transpose_b=False):
    """op(a)[..., m, k] · op(b)[..., k, n], leading axes broadcast; op swaps the last two axes of a transposed
    operand."""
    row, column = len(a.shape) == 1, len(b.shape) == 1
    if not a.shape or not b.shape:
        raise ValueError(f'expected operands of 1 dimension or more, got {tuple(a.shape)} and {tuple(b.shape)}')
    if (row and transpose_a) or (column and transpose_b):
        raise ValueError(f'a vector cannot be transposed, got {tuple(a.shape)} and {tuple(b.shape)}')
    left, right = (1, *a.shape) if row else a.shape, (*b.shape, 1) if column else b.shape
    *batch_a, m, k = (*left[:-2], left[-1], left[-2]) if transpose_a else left
    *batch_b, k2, n = (*right[:-2], right[-1], right[-2]) if transpose_b else right
    if k is not None and k2 is not None and k != k2:
        swapped = [name for name, t in (('first', transpose_a), ('second', transpose_b)) if t]
        raise ValueError(f'expected operands (..., m, k) and (..., k, n), got {tuple(a.shape)} and {tuple(b.shape)}'
                         + ''.join(f', the {name} transposed' for name in swapped) + f': {k} is not {k2}')
    batch = broadcast(tuple(batch_a), tuple(batch_b))
    return (*batch, *(() if row else (m,)), *(() if column else (n,))), a.dtype


# ---- public functions

def matmul(x1, x2, transpose_a=False, transpose_b=False):
    """The matrix product with NumPy's rules: leading axes broadcast; a vector on the left is a row, on the right a
    column, and the axis it gained is dropped. transpose_a, transpose_b: take the operand with its last two axes
    swapped."""
    return _product(x1, x2, bool(transpose_a), bool(transpose_b))


def dot(x1, x2):
    """NumPy's dot: the sum over the last axis of x1 and the last but one of x2 (its only one, for a vector)."""
    a, b = as_tensor(x1), as_tensor(x2)
    if not a.shape or not b.shape:
        return multiply(a, b)
    return tensordot(a, b, ((-1,), (-2 if len(b.shape) > 1 else -1,)))


def inner(x1, x2):
    """The sum of products over the last axis of both."""
    a, b = as_tensor(x1), as_tensor(x2)
    if not a.shape or not b.shape:
        return multiply(a, b)
    return tensordot(a, b, ((-1,), (-1,)))


def outer(x1, x2):
    """Products of all pairs of elements of the flattened operands."""
    return multiply(reshape(as_tensor(x1), (-1, 1)), reshape(as_tensor(x2), (1, -1)))


def vdot(x1, x2):
    """The sum of products of the flattened operands."""
    return dot(reshape(as_tensor(x1), (-1,)), reshape(as_tensor(x2), (-1,)))


def tensordot(x1, x2, axes=2):
    """The sum of products over pairs of axes. axes: how many of the last of x1 and the first of x2, or two
    sequences."""
    a, b = as_tensor(x1), as_tensor(x2)
    ra, rb = len(a.shape), len(b.shape)
    if isinstance(axes, int):
        of_a, of_b = tuple(range(ra - axes, ra)), tuple(range(axes))
    else:
        of_a, of_b = ((v,) if isinstance(v, int) else tuple(v) for v in axes)
    bad = len(of_a) != len(of_b) or any(not -ra <= v < ra for v in of_a) or any(not -rb <= v < rb for v in of_b)
    if bad:
        raise error('tensordot', f'axes: expected equally many axes of operands of shapes {tuple(a.shape)} and '
                                 f'{tuple(b.shape)}, got {axes!r}')
    of_a, of_b = [v % ra for v in of_a], [v % rb for v in of_b]
    for p, q in zip(of_a, of_b):
        if None not in (a.shape[p], b.shape[q]) and a.shape[p] != b.shape[q]:
            raise error('tensordot', f'axes {p} of {tuple(a.shape)} and {q} of {tuple(b.shape)} differ in size')
    free_a, free_b = [v for v in range(ra) if v not in of_a], [v for v in range(rb) if v not in of_b]
    common = math.prod(b.shape[v] if a.shape[u] is None else a.shape[u] for u, v in zip(of_a, of_b))
    # free axes of a stay as they are: a product with one matrix takes any number of them
    left = reshape(_permuted(a, free_a + of_a), (*(a.shape[v] for v in free_a), common))
    columns = [b.shape[v] for v in free_b]
    right = reshape(_permuted(b, of_b + free_b), (common, math.prod(columns)))
    y = matmul(left if free_a else reshape(left, (1, common)), right)
    return reshape(y, (*(a.shape[v] for v in free_a), *columns))


def _permuted(x, order):
    return x if order == list(range(len(order))) else transpose(x, order)


def norm(x, ord=None, axis=None, keepdims=False):
    """Norm of vectors (one axis) or matrices (two), as numpy.linalg.norm; over all elements when ord and axis are None.

    Vectors: any number, inf, -inf, 0. Matrices: 'fro' (the default), 1, -1, inf, -inf; 2, -2, 'nuc' by singular values.
    """
    x = as_tensor(x)
    rank = len(x.shape)
    if axis is None and ord is None:
        return sqrt(sum(square(x), keepdims=keepdims))
    axes = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -rank <= a < rank for a in axes) or len(axes) not in (1, 2):
        raise error('norm', f'axis: expected one or two axes of an input of shape {tuple(x.shape)}, got {axis!r}')
    size = absolute(x)
    if ord is None or ord == 'fro' and len(axes) == 2 or ord == 2 and len(axes) == 1:
        return sqrt(sum(square(x), axis=axes, keepdims=keepdims))
    if ord in (math.inf, -math.inf, 1, -1) and len(axes) == 2:
        first, last = (a % rank for a in axes)
        added, searched = (last, first) if ord in (math.inf, -math.inf) else (first, last)
        y = (max if ord > 0 else min)(sum(size, axis=added, keepdims=True), axis=searched, keepdims=True)
        return y if keepdims else squeeze(y, axes)
    if ord in (2, -2, 'nuc') and len(axes) == 2:
        s = apply('svd', (moveaxis(x, axes, (-2, -1)),), full_matrices=False)[1]
        y = sum(s, axis=-1) if ord == 'nuc' else (max if ord > 0 else min)(s, axis=-1)
        return expand_dims(y, tuple(a % rank for a in axes)) if keepdims else y
    if len(axes) == 1 and not isinstance(ord, str):
        if ord in (math.inf, -math.inf):
            return (max if ord > 0 else min)(size, axis=axes, keepdims=keepdims)
        if ord == 0:
            return sum(cast(not_equal(x, 0), x.dtype), axis=axes, keepdims=keepdims)
        if ord == 1:
            return sum(size, axis=axes, keepdims=keepdims)
        return power(sum(power(size, float(ord)), axis=axes, keepdims=keepdims), 1 / ord)
    raise error('norm', f'ord: expected a number for one axis, or one of fro, nuc, 1, -1, 2, -2, inf, -inf for two, got '
                        f'{ord!r}')
