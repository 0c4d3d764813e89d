"""Linear algebra: what the factors make when they are multiplied, batches, matrices that have none. Gradients of the records
are in test_registry.py, numbers of Keras in test_oracle.py."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Input

from .test_nn import check_gradients

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 4, 3)).astype('float32')
S = (X.swapaxes(1, 2) @ X + np.eye(3)).astype('float32')


def close(a, b, tolerance=2e-5):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def t(x):
    return np.swapaxes(x, -1, -2)


def test_factors_make_the_matrix():
    for x in (X, t(X), X[0], S):
        for mode in ('reduced', 'complete'):
            q, r = ops.qr(x, mode)
            close(q @ r, x)
            close(t(q) @ q, np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1])))
        for full in (True, False):
            u, s, vt = ops.svd(x, full_matrices=full)
            k = s.shape[-1]
            close((u[..., :k] * s[..., None, :]) @ vt[..., :k, :], x)
            assert u.shape[-1] == (x.shape[-2] if full else k)
        p, pivots = ops.lu_factor(x)
        m, n = x.shape[-2:]
        for packed, swaps, a in zip(p.reshape(-1, m, n), pivots.reshape(-1, min(m, n)), x.reshape(-1, m, n)):
            low, up = np.tril(packed[:, :min(m, n)], -1) + np.eye(m, min(m, n)), np.triu(packed[:min(m, n)])
            a = a.copy()
            for k, other in enumerate(swaps):
                a[[k, other]] = a[[other, k]]
            close(low @ up, a)
    close(ops.cholesky(S) @ t(ops.cholesky(S)), S)
    close(ops.cholesky(S, upper=True), t(ops.cholesky(S)))
    w, v = ops.eigh(S)
    close(v * w[:, None] @ t(v), S)
    w, v = ops.eig(X[:, :3])
    close(X[:, :3] @ v, v * w[:, None])
    assert w.dtype == np.complex64


def test_inverses_and_systems():
    one = np.broadcast_to(np.eye(3), (2, 3, 3))
    close(ops.inv(S) @ S, one)
    close(ops.cholesky_inverse(ops.cholesky(S)) @ S, one)
    close(ops.cholesky_inverse(ops.cholesky(S, upper=True), upper=True) @ S, one)
    b = X[:, :3, :2]
    close(S @ ops.solve(S, b), b)
    close(ops.solve(S, b[:, :, 0]), np.linalg.solve(S, b)[:, :, 0])
    close(np.triu(S) @ ops.solve_triangular(S, b), b)
    close(np.tril(S) @ ops.solve_triangular(S, b, lower=True), b)
    close(ops.pinv(X) @ X, one)
    for a, right in ((X[0], X[1, :, 0]), (X[0], X[1]), (t(X[0]), X[1, :3])):
        close(ops.lstsq(a, right), np.linalg.lstsq(a, right, rcond=None)[0])
    low = np.outer([1.0, 2, 3], [1.0, 1, 2]).astype('float32')
    close(ops.lstsq(low, X[0, :3]), np.linalg.lstsq(low, X[0, :3], rcond=1e-5)[0], 1e-4)
    assert ops.matrix_rank(low) == 1 and ops.matrix_rank(S).tolist() == [3, 3]
    assert ops.matrix_rank(S, tol=1e9).tolist() == [0, 0]
    close(ops.det(S), np.linalg.det(S))
    close(ops.logdet(S), np.linalg.slogdet(S)[1])
    sign, size = ops.slogdet(-S)
    assert sign.tolist() == [-1, -1]
    close(size, np.linalg.slogdet(S)[1])


def test_what_has_no_factors_is_nan():
    bad = np.stack([S[0], np.full((3, 3), np.nan), -S[1], np.zeros((3, 3))]).astype('float32')
    assert np.isnan(ops.cholesky(bad)).all(axis=(1, 2)).tolist() == [False, True, True, True]
    assert np.isnan(ops.inv(bad)).all(axis=(1, 2)).tolist() == [False, True, False, True]
    assert np.isnan(ops.solve(bad, bad)).all(axis=(1, 2)).tolist() == [False, True, False, True]
    assert np.isnan(ops.svd(bad)[1]).all(axis=1).tolist() == [False, True, False, False]
    assert ops.det(bad)[3] == 0


@pytest.mark.parametrize('function', [
    lambda x: ops.logdet(ops.matmul(ops.transpose(x), x)), lambda x: ops.cholesky_inverse(ops.tril(x[:3])),
    lambda x: ops.norm(x, 'nuc', (0, 1)), lambda x: ops.lstsq(x, x[:, 0] * x[:, 1]),
    lambda x: ops.svd(x)[1], lambda x: ops.qr(x, 'reduced')[1], lambda x: ops.solve(x[:3], x[1:]),
], ids=range(7))
def test_gradients_of_compositions(function):
    check_gradients(function, [RNG.standard_normal((4, 3))])


@pytest.mark.parametrize('call, said', [
    (lambda: ops.inv(X), 'square matrices'), (lambda: ops.cholesky(X[0, 0]), 'square matrices'),
    (lambda: ops.solve(S, X), 'right sides'), (lambda: ops.qr(X, 'full'), "'reduced' or 'complete'"),
    (lambda: ops.lstsq(X, X), r'shape \(m, n\)'), (lambda: ops.eig(Input((3, 3))), 'complex'),
])
def test_mistakes(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_described():
    x = Input((4, 3))
    assert ops.qr(x)[0].shape == (None, 4, 3) and ops.svd(x)[0].shape == (None, 4, 4) and ops.pinv(x).shape == (None, 3, 4)
