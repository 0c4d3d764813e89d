"""Linear algebra of whole matrices: Cholesky and LU, inverses, determinants, systems of equations. Orthogonal factorizations
are in spectra.py.

They are steps of the host, by NumPy (LAPACK): no layer stands on them, so they have no kernels. Their gradients are written in
ops, after Giles (2008, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation") unless said otherwise. Leading axes are a batch. A matrix that is singular, not positive definite, or holds a
NaN or an infinity gives NaN, and does not stop a run.
"""

import builtins

import numpy as np

from . import core
from .core import Sample, apply, register
from .create import eye, tril, triu
from .elementwise import add, log, multiply, negative, subtract
from .index import take_along_axis
from .linalg import matmul
from .move import expand_dims, squeeze, swapaxes
from .reduce import sum

__all__ = ['cholesky', 'cholesky_inverse', 'det', 'inv', 'logdet', 'lstsq', 'lu_factor', 'pinv', 'slogdet', 'solve',
           'solve_triangular']


# ---- what they share
def transposed(x):
    return swapaxes(x, -1, -2)


def _diagonal(x):
    """The diagonals of the matrices."""
    return sum(multiply(x, eye(x.shape[-2], x.shape[-1], dtype=x.dtype)), axis=-1)


def matrices(op, x, square=False):
    """(batch, rows, columns); ValueError where there is no matrix of known sizes."""
    if len(x.shape) < 2 or None in x.shape[-2:] or (square and x.shape[-1] != x.shape[-2]):
        raise ValueError(f'expected {"square " if square else ""}matrices of known sizes, (…, m, '
                         f'{"m" if square else "n"}), got shape {tuple(x.shape)}')
    return tuple(x.shape[:-2]), *x.shape[-2:]


def safely(function, x, shapes, kinds=None):
    """function(x) for a batch of matrices as a tuple of arrays; NaN for the matrices that it cannot do, or that are not finite.
    shapes: of one matrix's results."""
    batch = x.shape[:-2]
    flat = x.reshape(-1, *x.shape[-2:])
    kinds = kinds or [x.dtype] * len(shapes)
    out = [np.full((len(flat), *s), np.nan if np.dtype(k).kind == 'f' else 0, k) for s, k in zip(shapes, kinds)]
    good = np.isfinite(flat).all(axis=(1, 2))
    for k in np.flatnonzero(good):
        try:
            made = function(flat[k])
        except np.linalg.LinAlgError:
            continue
        for o, value in zip(out, made if isinstance(made, tuple) else (made,)):
            o[k] = value
    return tuple(o.reshape((*batch, *s)) for o, s in zip(out, shapes))


def _each(node, moving):
    """Rows are matrices of a batch."""
    return all(moving) and len(node.inputs[0].shape) > 2


def random(*shape, seed=5):
    return np.random.default_rng(seed).standard_normal(shape).astype('float32')


def _definite(*shape):
    x = random(*shape)
    return (np.matmul(x, x.swapaxes(-1, -2)) + 2 * np.eye(shape[-1])).astype('float32')


def _regular(*shape):
    return (random(*shape) + 3 * np.eye(*shape[-2:])).astype('float32')


def cases(*arrays, **attrs):
    return lambda: [Sample(list(a) if isinstance(a, tuple) else [a], dict(attrs), rtol=2e-4, atol=2e-4) for a in arrays]


# ---- Cholesky
def _cholesky_vjp(node, ct):
    low = node
    middle = multiply(tril(matmul(transposed(low), ct)), subtract(1.0, multiply(0.5, eye(low.shape[-1], dtype=low.dtype))))
    s = upper_solve(transposed(low), transposed(upper_solve(transposed(low), middle)))
    return [multiply(0.5, add(s, transposed(s)))]


def _cholesky_ref(x):
    n = x.shape[-1]
    return safely(lambda a: np.linalg.cholesky((a + a.T) / 2), x, [(n, n)])[0]


@register('cholesky', rows=_each, vjp=_cholesky_vjp, ref=_cholesky_ref, promote=0, floating=True,
          samples=cases(_definite(4, 4), _definite(2, 3, 3), _definite(1, 1)))
def _cholesky_spec(x):
    matrices('cholesky', x, square=True)
    return tuple(x.shape), x.dtype


def cholesky(x, upper=False):
    """The lower triangular L of positive definite matrices L · Lᵀ, or with upper=True its transpose. Of x, its symmetric
    part counts. NaN where there is none."""
    low = apply('cholesky', (x,))
    return transposed(low) if upper else low


def cholesky_inverse(x, upper=False):
    """The inverse of the positive definite matrices of which x is the factor that `cholesky` gives."""
    x = core.as_tensor(x)
    if upper:
        x = transposed(x)
    half = inv(tril(x))
    return matmul(transposed(half), half)


def logdet(x):
    """The logarithm of the determinant of positive definite matrices."""
    return multiply(2.0, sum(log(_diagonal(cholesky(x))), axis=-1))


# ---- equations
def _part(a, part):
    return np.tril(a) if part == 'lower' else np.triu(a) if part == 'upper' else a


def _solve_ref(a, b, *, part):
    a = _part(a, part)
    both = np.concatenate([a, b], axis=-1)
    n = a.shape[-1]
    return safely(lambda m: np.linalg.solve(m[:, :n], m[:, n:]), both, [b.shape[-2:]])[0]


def upper_solve(a, b):
    return apply('solve', (a, b), part='upper')


def _solve_vjp(node, ct):
    a, part = node.inputs[0], node.attrs['part']
    other = {'lower': 'upper', 'upper': 'lower', 'full': 'full'}[part]
    db = apply('solve', (transposed(a), ct), part=other)
    da = negative(matmul(db, node, transpose_b=True))
    return [tril(da) if part == 'lower' else triu(da) if part == 'upper' else da, db]


@register('solve', rows=_each, vjp=_solve_vjp, ref=_solve_ref, promote=0, floating=True,
          samples=lambda: [Sample([_regular(*a), random(*b)], {'part': part}, rtol=2e-4, atol=2e-4)
                           for part in ('full', 'lower', 'upper') for a, b in [((3, 3), (3, 2)), ((2, 4, 4), (2, 4, 1))]])
def _solve_spec(a, b, *, part):
    batch, n, _ = matrices('solve', a, square=True)
    if len(b.shape) != len(a.shape) or tuple(b.shape[:-2]) != batch or b.shape[-2] != n or b.shape[-1] is None:
        raise ValueError(f'expected matrices (…, n, n) and right sides (…, n, k) or (…, n), got shapes '
                         f'{tuple(a.shape)} and {tuple(b.shape)}')
    return tuple(b.shape), b.dtype


def _system(a, b, part):
    a, b = core.as_tensor(a), core.as_tensor(b)
    if len(b.shape) == len(a.shape) - 1:
        return squeeze(apply('solve', (a, expand_dims(b, -1)), part=part), -1)
    return apply('solve', (a, b), part=part)


def solve(a, b):
    """x of a · x = b, for square matrices a and right sides b (…, n, k), or vectors (…, n)."""
    return _system(a, b, 'full')


def solve_triangular(a, b, lower=False):
    """x of a · x = b, where only the upper triangle of a counts, or with lower=True the lower one."""
    return _system(a, b, 'lower' if lower else 'upper')


def _inv_ref(x):
    return safely(np.linalg.inv, x, [x.shape[-2:]])[0]


def _inv_vjp(node, ct):
    t = transposed(node)
    return [negative(matmul(matmul(t, ct), t))]


@register('inv', rows=_each, vjp=_inv_vjp, ref=_inv_ref, promote=0, floating=True,
          samples=cases(_regular(3, 3), _regular(2, 4, 4)))
def _inv_spec(x):
    matrices('inv', x, square=True)
    return tuple(x.shape), x.dtype


def inv(x):
    """The inverses of square matrices."""
    return apply('inv', (x,))


# ---- determinants
def _det_ref(x):
    return safely(np.linalg.det, x, [()])[0]


def _det_vjp(node, ct):
    weight = expand_dims(expand_dims(multiply(ct, node), -1), -1)
    return [multiply(weight, transposed(inv(node.inputs[0])))]


@register('det', rows=_each, vjp=_det_vjp, ref=_det_ref, promote=0, floating=True,
          samples=cases(_regular(3, 3), _regular(2, 4, 4)))
def _det_spec(x):
    return matrices('det', x, square=True)[0], x.dtype


def det(x):
    """The determinants of square matrices. The gradient needs an inverse: it is NaN where there is none."""
    return apply('det', (x,))


def _slogdet_ref(x):
    return safely(lambda a: tuple(np.linalg.slogdet(a)), x, [(), ()])


def _slogdet_vjp(node, cts):
    if 1 not in cts:
        return [None]
    return [multiply(expand_dims(expand_dims(cts[1], -1), -1), transposed(inv(node.inputs[0])))]


@register('slogdet', vjp=_slogdet_vjp, ref=_slogdet_ref, several=True, promote=0, floating=True,
          samples=cases(_regular(3, 3), -_regular(2, 3, 3)))
def _slogdet_spec(x):
    batch = matrices('slogdet', x, square=True)[0]
    return [(batch, x.dtype), (batch, x.dtype)]


def slogdet(x):
    """(sign, logarithm of the absolute value) of the determinants of square matrices."""
    return apply('slogdet', (x,))


# ---- LU
def _lu(a):
    """(L and U in one matrix, which row was exchanged with each, the order of rows) by partial pivoting."""
    a, (m, n) = a.copy(), a.shape
    steps = min(m, n)
    pivots, order = np.arange(steps), np.arange(m)
    for k in range(steps):
        p = k + int(np.abs(a[k:, k]).argmax())
        pivots[k] = p
        if p != k:
            a[[k, p]], order[[k, p]] = a[[p, k]], order[[p, k]]
        if a[k, k] != 0:
            a[k + 1:, k] /= a[k, k]
            a[k + 1:, k + 1:] -= np.outer(a[k + 1:, k], a[k, k + 1:])
    return a, pivots, np.argsort(order)


def _lu_ref(x):
    m, n = x.shape[-2:]
    return safely(_lu, x, [(m, n), (builtins.min(m, n),), (m,)], [x.dtype, 'int32', 'int32'])


def _lu_vjp(node, cts):
    if 0 not in cts:
        return [None]
    x = node.inputs[0]
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f'[lu_factor]: the gradient is known for square matrices, got shape {tuple(x.shape)}')
    packed, _, order = (result_of(node, k) for k in range(3))
    one = eye(x.shape[-1], dtype=x.dtype)
    low, up = add(tril(packed, -1), one), triu(packed)
    middle = add(tril(matmul(transposed(low), tril(cts[0], -1)), -1), triu(matmul(triu(cts[0]), transposed(up))))
    d = upper_solve(transposed(low), middle)
    d = transposed(upper_solve(up, transposed(d)))
    rows = add(expand_dims(order, -1), np.zeros((1, x.shape[-1]), np.int32))
    return [take_along_axis(d, rows, axis=-2)]


def result_of(node, k):
    shape, dtype = core.record(node.op).spec(*node.inputs, **node.attrs)[k]
    return core._hooks['tensor']('result', (node,), {'index': k}, shape, dtype)


@register('lu_factor', vjp=_lu_vjp, ref=_lu_ref, several=True, promote=0, floating=True,
          samples=cases(random(4, 4), random(2, 3, 3)))
def _lu_spec(x):
    batch, m, n = matrices('lu_factor', x)
    return [(tuple(x.shape), x.dtype), ((*batch, builtins.min(m, n)), 'int32'), ((*batch, m), 'int32')]


def lu_factor(x):
    """(L and U in one matrix, pivots): x, its row k exchanged with row pivots[k] for k = 0, 1, …, is L · U; L has ones on
    its diagonal, which are not stored."""
    packed, pivots, _ = apply('lu_factor', (x,))
    return packed, pivots


# ---- least squares: Golub and Pereyra (1973, "The differentiation of pseudo-inverses …")
def _pinv_ref(x, *, rcond):
    m, n = x.shape[-2:]
    share = 10 * builtins.max(m, n) * np.finfo(np.float32 if rcond is None else x.dtype).eps if rcond is None else rcond
    return safely(lambda a: np.linalg.pinv(a, share), x, [(n, m)])[0]


def _pinv_vjp(node, ct):
    a, p = node.inputs[0], node
    g, pt = ct, transposed(node)
    out = negative(matmul(matmul(pt, g), pt))
    gt = transposed(g)
    left = subtract(gt, matmul(a, matmul(p, gt)))           # (I - A·P)·Gᵀ
    right = subtract(gt, matmul(matmul(gt, p), a))          # Gᵀ·(I - P·A)
    return [add(out, add(matmul(matmul(left, p), pt), matmul(pt, matmul(p, right))))]


@register('pinv', rows=_each, vjp=_pinv_vjp, ref=_pinv_ref, promote=0, floating=True,
          samples=cases(random(5, 3), random(2, 3, 4), random(3, 3), rcond=None))
def _pinv_spec(x, *, rcond):
    batch, m, n = matrices('pinv', x)
    return (*batch, n, m), x.dtype


def pinv(x, rcond=None):
    """The pseudoinverses (Moore and Penrose). rcond: singular values of at most that share of the largest count as 0; by
    default 10 · max(m, n) · 1.2e-7."""
    return apply('pinv', (x,), rcond=None if rcond is None else float(rcond))


def lstsq(a, b, rcond=None):
    """The x of least norm that makes the norm of a · x - b least: a (m, n), b (m,) or (m, k). rcond as in `pinv`."""
    a, b = core.as_tensor(a), core.as_tensor(b)
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(f'[lstsq]: expected a of shape (m, n) and b of shape (m,) or (m, k), got {tuple(a.shape)} and '
                         f'{tuple(b.shape)}')
    return matmul(pinv(a, rcond), b)
