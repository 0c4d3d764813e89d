"""Choices and loops around ops, gradients of one's own, operations on bits."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function

X = np.random.default_rng(3).normal(size=(5, 3)).astype(np.float32)


def run(function, *arrays):
    return Function(function)(*arrays)


def test_cond():
    assert ops.cond(True, lambda: 1, lambda: 2) == 1
    f = Function(lambda p, x: ops.cond(ops.sum(p) > 0, lambda: {'y': x * 2}, lambda: {'y': x - 1}))
    for p in (1.0, -1.0):
        want = X * 2 if p > 0 else X - 1
        np.testing.assert_allclose(f(np.float32([p]), X)['y'], want, rtol=1e-6)


def test_switch():
    branches = [lambda x: x, lambda x: x * 2, lambda x: x * 3]
    f = Function(lambda i, x: ops.switch(i, branches, x))
    for i, k in ((-1, 1), (0, 1), (1, 2), (2, 3), (9, 3)):
        np.testing.assert_allclose(f(np.array(i, np.int32), X), X * k, rtol=1e-6)
        np.testing.assert_allclose(ops.switch(i, branches, X), X * k, rtol=1e-6)


def test_while_loop():
    def double(limit, **options):
        return lambda x: ops.while_loop(lambda v: ops.sum(v) < limit, lambda v: v * 2, x, **options)

    np.testing.assert_array_equal(double(100)(np.float32([3])), [192])
    np.testing.assert_array_equal(run(double(100, maximum_iterations=8), np.float32([3])), [192])
    np.testing.assert_array_equal(run(double(100, maximum_iterations=2), np.float32([3])), [12])
    np.testing.assert_array_equal(run(double(100), np.float32([3])), [192])
    assert ops.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + i), (0, 0)) == (4, 6)
    assert ops.fori_loop(1, 5, lambda i, v: v * i, 1) == 24


@pytest.mark.parametrize('reverse', [False, True])
def test_scan(reverse):
    def running(x):
        return ops.scan(lambda c, row: (c + row, {'twice': (c + row) * 2}), np.zeros(3, np.float32), x, reverse=reverse)

    rows = X[::-1] if reverse else X
    want = np.cumsum(rows, axis=0)
    for carry, ys in (running(X), run(running, X)):
        np.testing.assert_allclose(carry, want[-1], rtol=1e-5)
        np.testing.assert_allclose(ys['twice'], 2 * (want[::-1] if reverse else want), rtol=1e-5)


def test_map():
    pairs = {'a': X, 'b': X * 2}
    np.testing.assert_allclose(run(lambda x: ops.map(lambda r: ops.sum(r) * r, x), X), X.sum(1, keepdims=True) * X,
                               rtol=1e-5)
    np.testing.assert_allclose(ops.vectorized_map(lambda p: p['a'] + p['b'], pairs), X * 3, rtol=1e-6)
    with pytest.raises(ValueError, match='known length'):
        ops.map(lambda r: r, Tensor('input', (), {'index': 0}, (None, 3), 'float32'))


def test_custom_gradient():
    @ops.custom_gradient
    def clipped(x, y):
        return x * y, lambda ct: (ct * 0.5, None)

    x, y = (Tensor('input', (), {'index': i}, (5, 3), 'float64') for i in range(2))
    z = clipped(x * 2.0, y)
    gx, gy = gradients(ops.sum(z), [x, y])
    assert gy is None
    feed = {x: X.astype(np.float64), y: X.astype(np.float64)}
    np.testing.assert_allclose(evaluate([z, gx], feed)[0], 2 * feed[x] ** 2)
    np.testing.assert_allclose(evaluate([gx], feed)[0], np.ones((5, 3)))
    np.testing.assert_allclose(run(clipped, X, X), X * X, rtol=1e-6)
    np.testing.assert_allclose(clipped(X, X), X * X, rtol=1e-6)


def test_bits():
    a, b = np.arange(-4, 4, dtype=np.int32), np.arange(8, dtype=np.int32)
    for name in ('bitwise_and', 'bitwise_or', 'bitwise_xor', 'left_shift', 'right_shift'):
        np.testing.assert_array_equal(run(getattr(ops, name), a, b), getattr(np, name)(a, b))
    np.testing.assert_array_equal(run(lambda x, y: (x & 3) | (y ^ 1) | ~x, a, b), (a & 3) | (b ^ 1) | ~a)
    np.testing.assert_array_equal(run(lambda x: np.bitwise_and(x > 0, x < 2), a), (a > 0) & (a < 2))
    with pytest.raises(ValueError, match=r'\[bitwise_and\].*integers'):
        ops.bitwise_and(X, X)


def test_erfinv():
    x = np.concatenate([np.linspace(-0.99999, 0.99999, 101), [1, -1, 0]])
    y = np.asarray(ops.erfinv(x))
    np.testing.assert_allclose(ops.erf(y), x, rtol=1e-9, atol=1e-12)
    assert y[-3] == np.inf and y[-2] == -np.inf


INTS = {'int32': np.arange(-6, 6, dtype=np.int32), 'int64': np.arange(-6, 6), 'uint8': np.arange(12, dtype=np.uint8),
        'bool': np.arange(12) % 2 == 0}
PAIRS = {'int32': np.array([3, -2, 1, 5] * 3, np.int32), 'int64': np.array([3, -2, 1, 5] * 3),
         'uint8': np.array([3, 2, 1, 5] * 3, np.uint8), 'bool': np.arange(12) % 3 == 0}


OF_TWO = ['add', 'subtract', 'multiply', 'maximum', 'minimum', 'floor_divide', 'mod', 'equal', 'not_equal', 'less',
          'less_equal', 'greater', 'greater_equal', 'logical_and', 'logical_or', 'logical_xor']
OF_ONE = ['negative', 'absolute', 'sign', 'square', 'floor', 'round', 'relu', 'logical_not', 'sum', 'max', 'min', 'prod',
          'argmax', 'argmin', 'any', 'all', 'cumsum', 'sort', 'argsort', 'mean', 'flip', 'ravel', 'count_nonzero']
# what NumPy does not define, or gives another type
NOT_OF = {'bool': {'floor_divide', 'mod', 'negative', 'sign', 'floor', 'round', 'square', 'relu'}, 'uint8': {'negative'}}


def with_types(names):
    return pytest.mark.parametrize('name, dtype', [(n, d) for n in names for d in INTS if n not in NOT_OF.get(d, ())])


@with_types(OF_TWO)
def test_two_whole_numbers(name, dtype):
    a, b = INTS[dtype], PAIRS[dtype]
    wide = (a.astype(np.int32), b.astype(np.int32)) if dtype == 'bool' else (a, b)
    want = getattr(np, name)(*wide)
    for got in (getattr(ops, name)(a, b), run(getattr(ops, name), a, b)):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype


@with_types(OF_ONE)
def test_one_tensor_of_whole_numbers(name, dtype):
    a = PAIRS[dtype].reshape(3, 4)
    want = np.maximum(a, 0) if name == 'relu' else getattr(np, name)(a)
    for got in (getattr(ops, name)(a), run(getattr(ops, name), a)):
        np.testing.assert_allclose(np.asarray(got, np.float64), np.asarray(want, np.float64), rtol=1e-6)


@pytest.mark.parametrize('source', ['float32', 'int32', 'int64', 'uint8', 'bool'])
@pytest.mark.parametrize('target', ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'])
def test_casts(source, target):
    x = np.array([0, 1, 2, 3, 100, 255]).astype(source)
    if source == 'float32':
        x = x + np.float32(0.75) * (x > 0)
    want = x.astype(target)
    for got in (ops.cast(x, target), run(lambda t: ops.cast(t, target), x)):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype
