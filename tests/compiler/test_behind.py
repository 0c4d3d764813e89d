"""Sums over rows that are made chunk by chunk behind the step that makes the rows."""
import numpy as np
import pytest

from fastkeras import _core, config, ops
from fastkeras.compiler import executor
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.buffers import follows
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(14)


def normal(*shape, mean=0):
    return (mean + RNG.standard_normal(shape)).astype('float32')


def pairs(function, *inputs):
    """(kernel, kernel of what follows it by chunks), and how many chunks."""
    steps = function.traced_for(inputs).compiled.steps
    return [(steps[k - 1].kernel, s.kernel) for k, s in enumerate(steps) if follows(steps, k)]


def same_on_all_threads(fn, *inputs):
    """The function's results, which are the same on one thread and several; and the function."""
    function = Function(fn)
    before, results = config.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            config.set_num_threads(threads)
            results.append([np.array(r) for r in function(*inputs)])
    finally:
        config.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)
    return results[0], function


LAYERS = {  # kernel: image, window, filters
    'conv': ((8, 40, 40, 64), 1, 96), 'winograd': ((8, 40, 40, 32), 3, 64), 'conv_few': ((8, 64, 64, 3), 7, 32)}


@pytest.mark.parametrize('isa', _core.isas())
@pytest.mark.parametrize('kernel', LAYERS)
@pytest.mark.parametrize('mean', [0, 1000])
def test_moments_behind_a_convolution(kernel, mean, isa):
    shape, side, filters = LAYERS[kernel]
    x, bias = normal(*shape), normal(filters, mean=mean)
    w = Variable(normal(side, side, shape[-1], filters) / np.float32((side * side * shape[-1]) ** 0.5))

    def fn(x, bias):
        y = ops.conv(x, w, 1, 'same', 'channels_last') + bias
        return y, *ops.moments(y, (0, 1, 2))
    before = _core.isa()
    try:
        _core.set_isa(isa)
        (y, middle, variance), function = same_on_all_threads(fn, x, bias)
        assert pairs(function, x, bias) == [(kernel, 'moments')]
    finally:
        _core.set_isa(before)
    wide = y.astype(np.float64)
    np.testing.assert_allclose(middle, wide.mean((0, 1, 2)), rtol=3e-7, atol=2e-6)
    np.testing.assert_allclose(variance, wide.var((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize('isa', _core.isas())
@pytest.mark.parametrize('stride', [1, 2])
def test_behind_a_depthwise_convolution_and_its_gradient(stride, isa):
    x, scale = normal(16, 40, 40, 32), normal(32, mean=1)
    w, other = Variable(normal(3, 3, 32, 1) / 3), Variable(normal(3, 3, 32, 1) / 3)

    def fn(x, scale):
        first = ops.depthwise_conv(x, other, 1, 'same', 'channels_last')
        mean, variance = ops.moments(first, (0, 1, 2))
        y = ops.batch_normalization(first, mean, variance, -1, None, scale)
        y = ops.depthwise_conv(y, w, stride, 'same', 'channels_last')
        return gradients(ops.sum(ops.square(y) * ops.tanh(y)), [scale, other])
    before = _core.isa()
    try:
        _core.set_isa(isa)
        got, function = same_on_all_threads(fn, x, scale)
        assert ('depthwise', 'moments') in pairs(function, x, scale)
        assert ('depthwise_dx', 'sums') in pairs(function, x, scale)
    finally:
        _core.set_isa(before)
    others = other.numpy(), w.numpy()
    other, w = (Variable(v.astype('float64'), dtype='float64') for v in others)
    for a, b in zip(got, Function(fn)(x.astype('float64'), scale.astype('float64'))):
        np.testing.assert_allclose(a, b, atol=5e-5 * np.abs(b).max())


def product_and_moments(w):
    def fn(x):
        y = ops.matmul(x, w)
        return y, *ops.moments(y, (0,))
    return fn


def test_moments_behind_a_product():
    x, w = normal(4096, 128), Variable(normal(128, 64))
    (y, middle, variance), function = same_on_all_threads(product_and_moments(w), x)
    assert pairs(function, x) == [('matmul', 'moments')]
    np.testing.assert_allclose(middle, y.mean(0, dtype=np.float64), atol=2e-6)
    np.testing.assert_allclose(variance, y.var(0, dtype=np.float64), rtol=1e-5)


def block(x, first, second, scale):
    """Two convolutions with a batch norm and relu between them, as in a residual network."""
    y = ops.conv(x, first, 1, 'same', 'channels_last')
    mean, variance = ops.moments(y, (0, 1, 2))
    y = ops.relu(ops.batch_normalization(y, mean, variance, -1, None, scale))
    return ops.conv(y, second, 1, 'same', 'channels_last')


def test_sums_of_a_batch_norms_gradient():
    x, scale = normal(8, 32, 32, 32), Variable(normal(64, mean=1))
    first, second = Variable(normal(3, 3, 32, 64) / 17), Variable(normal(1, 1, 64, 64) / 8)
    weights = [scale, first, second]

    def fn(x):
        return gradients(ops.sum(ops.square(block(x, *weights[1:], scale)) * x[:, :, :, :1]), weights)
    got, function = same_on_all_threads(fn, x)
    assert ('winograd', 'moments') in pairs(function, x) and ('conv', 'sums') in pairs(function, x)
    wide = [Variable(v.numpy().astype('float64'), dtype='float64') for v in weights]

    def exact(x):
        return gradients(ops.sum(ops.square(block(x, *wide[1:], wide[0])) * x[:, :, :, :1]), wide)
    for a, b in zip(got, Function(exact)(x.astype('float64'))):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max())


def with_residual(x, residual, w):
    """Two results of the product's program, of which one takes its memory, and sums that read what the other could take."""
    made = ops.matmul(x, w)
    first, second = ops.tanh(made + residual), ops.sigmoid(made - residual)
    return ops.sum(first * second * residual, axis=0), ops.matmul(first, w), ops.matmul(second, w)


def with_raw(x, residual, w):
    """Sums that read the product itself, whose memory the result of its program could take."""
    made = ops.matmul(x, w)
    first = ops.tanh(made + residual)
    return ops.sum(first * (made - residual), axis=0), ops.matmul(first, w)


@pytest.mark.parametrize('case', [with_residual, with_raw])
def test_nothing_that_the_second_step_reads_is_overwritten_by_the_first(case):
    """What the sums read dies with them, and its memory would suit a result of the step before, whose later chunks run when
    the sums of earlier ones have begun."""
    x, other, v, w = normal(4096, 64), normal(4096, 64), Variable(normal(64, 64) / 8), Variable(normal(64, 64) / 8)
    got, function = same_on_all_threads(lambda x, other: case(x, ops.matmul(other, v), w), x, other)
    assert ('matmul', 'sums') in pairs(function, x, other)
    made, residual = x.astype(np.float64) @ w.numpy(), other.astype(np.float64) @ v.numpy()
    first, second = np.tanh(made + residual), 1 / (1 + np.exp(residual - made))
    want = {with_residual: ((first * second * residual).sum(0), first @ w.numpy(), second @ w.numpy()),
            with_raw: ((first * (made - residual)).sum(0), first @ w.numpy())}[case]
    assert len(got) == len(want)
    for a, b in zip(got, want):
        np.testing.assert_allclose(a, b, atol=3e-6 * np.abs(b).max())


@pytest.mark.parametrize('case', [with_residual, with_raw])
def test_switched_off_the_results_are_the_same_but_for_rounding(case, monkeypatch):
    x, residual, w = normal(4096, 64), normal(4096, 64), Variable(normal(64, 64) / 8)

    def fn(x, residual):
        return *case(x, residual, w), *ops.moments(ops.matmul(residual, w), (0,))
    got, function = same_on_all_threads(fn, x, residual)
    assert {('matmul', 'sums'), ('matmul', 'moments')} <= set(pairs(function, x, residual))
    monkeypatch.setenv('FASTKERAS_DISABLE', 'behind')
    wanted, function = same_on_all_threads(fn, x, residual)
    assert pairs(function, x, residual) == []
    for a, b in zip(got, wanted):
        np.testing.assert_allclose(a, b, atol=2e-6 * max(1, np.abs(b).max()))


def test_chunks_that_may_come_in_another_order_have_no_rows():
    """Few rows by many weights: every other run goes through the chunks from the other side."""
    same = dict(batch=1, n=16, k=8192, lda=8192, trans_a=0, ldb=0, trans_b=0, a_batch=0, b_batch=0)
    for m, runs in ((32, False), (64, True)):
        known = executor.chunk_rows('matmul', executor.encode('matmul', dict(same, m=m)))
        assert (known is not None) == runs


def test_no_rows_of_their_own_no_company():
    """Chunks that are columns make no rows: sums then have shares of their own."""
    x, w = normal(64, 2048), Variable(normal(2048, 1024))
    (y, middle, _), function = same_on_all_threads(product_and_moments(w), x)
    assert pairs(function, x) == []
    np.testing.assert_allclose(middle, y.mean(0, dtype=np.float64), atol=1e-4)
