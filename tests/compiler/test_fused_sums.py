"""Sums over rows with the elementwise work before them in one step."""
import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(4)
ROWS, CHANNELS = 700, 40


def arrays(*shapes):
    return [RNG.standard_normal(s).astype('float32') for s in shapes]


def kernels(function, *inputs):
    return [s.kernel for s in function.traced_for(inputs).compiled.steps]


def check(fn, *inputs, rtol=1e-4, atol=1e-3):
    f = Function(fn)
    for got, want in zip(f(*inputs), Function(fn)(*[x.astype('float64') for x in inputs])):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)
    return kernels(f, *inputs)


def test_sums_that_read_the_same_are_one_step():
    def fn(x, y, mean):
        return ops.sum(y, axis=0), ops.sum(y * (x - mean), axis=0), ops.sum(ops.square(y) + x, axis=0)
    made = check(fn, *arrays((ROWS, CHANNELS), (ROWS, CHANNELS), (CHANNELS,)))
    assert made.count('sums') == 1 and 'tile' not in made


def test_what_is_summed_may_be_kept_too():
    def fn(x, y):
        z = ops.tanh(x) * y
        return z, ops.sum(z, axis=0), ops.sum(z * y, axis=(0,))
    assert check(fn, *arrays((ROWS, CHANNELS), (ROWS, CHANNELS))).count('sums') == 1


def test_a_sum_that_another_value_of_its_region_needs():
    def fn(x, y):
        s = ops.sum(x * y, axis=0)
        z = x * s + y
        return z, ops.sum(z, axis=0), ops.sum(z * s, axis=0) + s
    check(fn, *arrays((ROWS, CHANNELS), (ROWS, CHANNELS)), atol=0.3)


@pytest.mark.parametrize('axes', [(0,), (0, 1), (0, 1, 2), (2,), (1, 2), (0, 2)])
def test_any_axes(axes):
    def fn(x, y):
        return ops.sum(ops.square(x) * y, axis=axes), ops.sum(x, axis=axes, keepdims=True)
    check(fn, *arrays((20, 30, 40), (20, 30, 40)))


def test_a_constant_factor_leaves_the_sum():
    def fn(x, row, column):
        return (ops.sum(-(x * row), axis=0), ops.sum(x * column, axis=0), ops.sum(x * row, axis=1),
                ops.sum(2.0 * (x * row), axis=0, keepdims=True), ops.sum(row * column, axis=0))
    check(fn, *arrays((ROWS, CHANNELS), (CHANNELS,), (ROWS, 1)))


@pytest.mark.parametrize('off', ['', 'fuse', 'simplify', 'fuse,simplify'])
def test_batch_normalisation_and_its_gradients(off, monkeypatch):
    """Against the formulas of Ioffe and Szegedy in float64."""
    monkeypatch.setenv('FASTKERAS_DISABLE', off)
    x, up = arrays((6, 14, 13, 24), (6, 14, 13, 24))
    gamma, beta = Variable(RNG.uniform(0.5, 2, 24).astype('float32')), Variable(arrays((24,))[0])

    def fn(x, up):
        mean, variance = ops.moments(x, (0, 1, 2))
        y = ops.relu(ops.batch_normalization(x, mean, variance, 3, beta, gamma, 1e-3))
        return (y, *gradients(ops.sum(y * up), [x, gamma, beta]))
    f = Function(fn)
    got = f(x, up)
    wide, n = x.astype('float64'), x.size // 24
    root = np.sqrt(wide.var((0, 1, 2)) + 1e-3)
    unit = (wide - wide.mean((0, 1, 2))) / root
    y = np.maximum(unit * gamma.numpy() + beta.numpy(), 0)
    dy = up * (y > 0)
    dbeta, dgamma = dy.sum((0, 1, 2)), (dy * unit).sum((0, 1, 2))
    dx = gamma.numpy() / root * (dy - dbeta / n - unit * dgamma / n)
    for a, b in zip(got, (y, dx, dgamma, dbeta)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4)
    if not off:
        made = kernels(f, x, up)
        # the moments, the normalised values, one pass for all sums, one for dx
        assert made.count('sums') == 1 and 'reduce' not in made[:2], made
        large = [s for s in f.traced_for([x, up]).compiled.steps if any(b.size == x.size for b in s.written())]
        assert len(large) <= 3, [s.kernel for s in large]


def test_what_follows_a_lone_sum_is_its_epilogue():
    def fn(x, row):
        return (ops.tanh(ops.sum(x, axis=0) * row) + row,)
    assert [k for k in check(fn, *arrays((ROWS, CHANNELS), (CHANNELS,))) if k in ('reduce', 'tile', 'sums')] == ['reduce']


def test_many_sums_and_a_program_too_large():
    def fn(x, y):
        values = [x, y]
        for k in range(14):
            values.append(ops.tanh(values[-1] * (k + 1.0) + values[-2]))
        return [ops.sum(v * w, axis=0) for v in values[2:10] for w in values[10:12]] + [ops.sum(values[-1], axis=0)]
    check(fn, *arrays((ROWS, CHANNELS), (ROWS, CHANNELS)))
