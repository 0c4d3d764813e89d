"""Orthogonal factorizations of matrices: QR, eigenvalues, singular values. As factorization.py says, they are steps of the host
with gradients written in ops."""

import builtins

import numpy as np

from . import core
from .core import apply, register
from .create import eye, tril
from .elementwise import add, cast, divide, equal, greater, multiply, square, subtract, where
from .factorization import cases, matrices, random, result_of, safely, transposed, upper_solve
from .linalg import matmul
from .move import expand_dims
from .reduce import max, sum
from .slices import along, concatenate, cut

__all__ = ['eig', 'eigh', 'matrix_rank', 'qr', 'svd']


# ---- QR: Walter, Lehmann and Lamour (2012, "On evaluating higher-order derivatives of the QR decomposition")
def _qr_ref(x, *, mode):
    m, n = x.shape[-2:]
    k = m if mode == 'complete' else builtins.min(m, n)
    return safely(lambda a: tuple(np.linalg.qr(a, mode)), x, [(m, k), (k, n)])


def _qr_vjp(node, cts):
    x = node.inputs[0]
    m, n = x.shape[-2:]
    if node.attrs['mode'] == 'complete' and m > n:
        raise ValueError("[qr]: mode='complete' has a gradient where there are no more rows than columns; use 'reduced'")
    q, r = result_of(node, 0), result_of(node, 1)
    dq = cts.get(0, multiply(q, 0.0))
    dr = cts.get(1, multiply(r, 0.0))
    if m >= n:
        return [_qr_back(q, r, dq, dr)]
    head = _columns(r, 0, m)        # x = q · [head, tail], and q depends on the first columns alone
    d_head, d_tail = _columns(dr, 0, m), _columns(dr, m, n)
    first = _qr_back(q, head, add(dq, matmul(_columns(x, m, n), d_tail, transpose_b=True)), d_head)
    return [concatenate([first, matmul(q, d_tail)], axis=-1)]


def _columns(x, a, b):
    return cut(x, along(len(x.shape), len(x.shape) - 1, a, b))


def _qr_back(q, r, dq, dr):
    m = subtract(matmul(r, dr, transpose_b=True), matmul(dq, q, transpose_a=True))
    symmetric = add(tril(m), transposed(tril(m, -1)))
    y = add(dq, matmul(q, symmetric))
    return transposed(upper_solve(r, transposed(y)))


@register('qr', vjp=_qr_vjp, ref=_qr_ref, several=True, promote=0, floating=True,
          samples=lambda: [*cases(random(5, 3), random(2, 3, 5), random(3, 3), mode='reduced')(),
                           *cases(random(3, 4), mode='complete')()])
def _qr_spec(x, *, mode):
    batch, m, n = matrices('qr', x)
    k = m if mode == 'complete' else builtins.min(m, n)
    return [((*batch, m, k), x.dtype), ((*batch, k, n), x.dtype)]


def qr(x, mode='reduced'):
    """(Q of orthogonal columns, upper triangular R) with x = Q · R. mode: 'reduced', min(m, n) columns in Q, or
    'complete', m."""
    if mode not in ('reduced', 'complete'):
        raise ValueError(f"[qr] mode: expected 'reduced' or 'complete', got {mode!r}")
    return apply('qr', (x,), mode=mode)


# ---- eigenvalues
def _gaps(s):
    """1 / (s[j] - s[i]), 0 on the diagonal and where both are equal."""
    d = subtract(expand_dims(s, -2), expand_dims(s, -1))
    same = equal(d, 0.0)
    return where(same, 0.0, divide(1.0, where(same, 1.0, d)))


def _eigh_ref(x):
    n = x.shape[-1]
    return safely(lambda a: tuple(np.linalg.eigh((a + a.T) / 2)), x, [(n,), (n, n)])


def _eigh_vjp(node, cts):
    w, v = result_of(node, 0), result_of(node, 1)
    middle = 0.0
    if 0 in cts:
        middle = multiply(expand_dims(cts[0], -1), eye(v.shape[-1], dtype=v.dtype))
    if 1 in cts:
        middle = add(middle, multiply(_gaps(w), matmul(v, cts[1], transpose_a=True)))
    d = matmul(matmul(v, middle), v, transpose_b=True)
    return [multiply(0.5, add(d, transposed(d)))]


@register('eigh', vjp=_eigh_vjp, ref=_eigh_ref, several=True, promote=0, floating=True,
          samples=cases(random(4, 4), random(2, 3, 3)))
def _eigh_spec(x):
    batch, n, _ = matrices('eigh', x, square=True)
    return [((*batch, n), x.dtype), (tuple(x.shape), x.dtype)]


def eigh(x):
    """(eigenvalues, rising; eigenvectors, in columns) of symmetric matrices; of x, its symmetric part counts. Equal eigenvalues
    add nothing to the gradient of their vectors, which is not defined."""
    return apply('eigh', (x,))


def eig(x):
    """(eigenvalues, eigenvectors in columns) of square matrices, as complex arrays of NumPy. Of arrays alone: tensors of the
    engine are real. `eigh` takes symmetric tensors. Raises ValueError for a symbolic x."""
    if core.is_symbolic(x):
        raise ValueError('[eig]: eigenvalues may be complex, which tensors of this engine are not; give arrays, or use '
                         'eigh for symmetric matrices')
    x = core.to_array(x)
    x = x if x.dtype.kind == 'f' else x.astype(np.float32)
    matrices('eig', x, square=True)
    kind = np.complex64 if x.dtype == np.float32 else np.complex128
    n = x.shape[-1]
    return safely(lambda a: tuple(np.linalg.eig(a)), x, [(n,), (n, n)], [kind, kind])


# ---- singular values: Townsend (2016, "Differentiating the singular value decomposition")
def _svd_shapes(m, n, full):
    k = builtins.min(m, n)
    return [(m, m if full else k), (k,), (n if full else k, n)]


def _svd_ref(x, *, full_matrices):
    m, n = x.shape[-2:]
    return safely(lambda a: tuple(np.linalg.svd(a, full_matrices)), x, _svd_shapes(m, n, full_matrices))


def _svd_vjp(node, cts):
    x = node.inputs[0]
    if node.attrs['full_matrices'] and x.shape[-1] != x.shape[-2]:
        if set(cts) - {1}:
            raise ValueError('[svd]: the vectors have a gradient with full_matrices=False only')
        u, s, vt = apply('svd', (x,), full_matrices=False)
    else:
        u, s, vt = (result_of(node, k) for k in range(3))
    v, f = transposed(vt), _gaps(square(s))
    row, column = expand_dims(s, -2), expand_dims(s, -1)
    middle = out = 0.0
    if 1 in cts:
        middle = multiply(expand_dims(cts[1], -1), eye(s.shape[-1], dtype=x.dtype))
    if 0 in cts:
        g = matmul(u, cts[0], transpose_a=True)
        middle = add(middle, multiply(multiply(f, subtract(g, transposed(g))), row))
        out = matmul(divide(subtract(cts[0], matmul(u, g)), row), vt)
    if 2 in cts:
        dv = transposed(cts[2])
        g = matmul(v, dv, transpose_a=True)
        middle = add(middle, multiply(column, multiply(f, subtract(g, transposed(g)))))
        out = add(out, matmul(u, divide(subtract(dv, matmul(v, g)), row), transpose_b=True))
    return [add(out, matmul(matmul(u, middle), vt))]


@register('svd', vjp=_svd_vjp, ref=_svd_ref, several=True, promote=0, floating=True,
          samples=lambda: [*cases(random(4, 3), random(2, 3, 4), full_matrices=False)(),
                           *cases(random(3, 3), full_matrices=True)()])
def _svd_spec(x, *, full_matrices):
    batch, m, n = matrices('svd', x)
    return [((*batch, *s), x.dtype) for s in _svd_shapes(m, n, full_matrices)]


def svd(x, full_matrices=True, compute_uv=True):
    """(U, s, Vᵀ) with x = U · diag(s) · Vᵀ, s falling; only s with compute_uv=False. full_matrices: all m columns of U and all
    n rows of Vᵀ, else min(m, n) of them; their gradient needs the latter."""
    made = apply('svd', (x,), full_matrices=bool(full_matrices and compute_uv))
    return made if compute_uv else made[1]


def matrix_rank(x, tol=None):
    """How many singular values exceed `tol`, int32; by default max(m, n) · ε of the largest."""
    x = core.as_tensor(x)
    s = svd(x, False, False)
    if tol is None:
        least = builtins.max(*x.shape[-2:]) * float(np.finfo(core.dtype_of(s)).eps)
        tol = multiply(max(s, axis=-1, keepdims=True), least)
    else:
        tol = core.as_tensor(tol)
        tol = expand_dims(tol, -1) if len(tol.shape) else tol
    return sum(cast(greater(s, tol), 'int32'), axis=-1)
