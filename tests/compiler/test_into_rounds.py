"""Rows of a scan's sequence that are made in its rounds: the same bits, where rounds have rows enough."""
import numpy as np
import pytest

from fastkeras import _core, ops
from fastkeras.compiler import into_rounds
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(8)
STEPS, BATCH, WIDTH, UNITS = 40, 32, 48, 256
TABLE, W, B, U = (Variable(RNG.standard_normal(s).astype('float32') * 0.3)
                  for s in ((70, UNITS), (WIDTH, UNITS), (UNITS,), (UNITS, UNITS)))


@pytest.fixture(params=[1, 2])
def threads(request):
    before = _core.threads()
    _core.set_threads(request.param)
    yield request.param
    _core.set_threads(before)


def recurrent(rows, first, reverse=False):
    return ops.scan(lambda h, x: (ops.tanh(ops.matmul(h, U) * 0.1 + x),) * 2, first, rows, reverse=reverse)


def kernels(function, arrays):
    return [s.kernel for s in function.traced_for(arrays).compiled.steps]


def both(fn, arrays, monkeypatch):
    """(kernels with the pass, those without, results), which must be the same with and without."""
    function = Function(fn)
    got, names = function(*arrays), kernels(function, arrays)
    monkeypatch.setattr(into_rounds, 'LEAST', 1 << 40)
    other = Function(fn)
    for a, b in zip(got, other(*arrays)):
        np.testing.assert_array_equal(a, b)
    return names, kernels(other, arrays), got


@pytest.mark.parametrize('reverse', [False, True])
@pytest.mark.parametrize('bias', ['none', 'left', 'right'])
def test_a_product(bias, reverse, threads, monkeypatch):
    def f(x, h):
        rows = ops.matmul(x, W)
        return recurrent(rows if bias == 'none' else B + rows if bias == 'left' else rows + B, h, reverse)
    x, h = (RNG.standard_normal(s).astype('float32') for s in ((STEPS, BATCH, WIDTH), (BATCH, UNITS)))
    with_, without, _ = both(f, [x, h], monkeypatch)
    assert with_.count('matmul') == 2 * threads and without.count('matmul') == 1 + threads


def test_words(threads, monkeypatch):
    words, h = RNG.integers(0, 70, (STEPS, BATCH)).astype('int32'), RNG.standard_normal((BATCH, UNITS)).astype('float32')
    with_, without, _ = both(lambda i, h: recurrent(ops.gather(TABLE, i), h), [words, h], monkeypatch)
    assert with_.count('gather') == threads and without.count('gather') == 1
    words[5, 6] = 70
    with pytest.raises(ValueError, match='outside the range'):
        Function(lambda i, h: recurrent(ops.gather(TABLE, i), h))(words, h)


def test_a_product_of_words(threads, monkeypatch):
    table = Variable(RNG.standard_normal((70, 2 * UNITS)).astype('float32'))
    w = Variable(RNG.standard_normal((2 * UNITS, UNITS)).astype('float32') * 0.1)
    words, h = RNG.integers(0, 70, (STEPS, BATCH)).astype('int32'), RNG.standard_normal((BATCH, UNITS)).astype('float32')
    with_, _, _ = both(lambda i, h: recurrent(ops.matmul(ops.gather(table, i), w) + B, h), [words, h], monkeypatch)
    assert with_.count('gather') == threads and with_.count('matmul') == 2 * threads


def test_gradients(threads, monkeypatch):
    x, h = (RNG.standard_normal(s).astype('float32') for s in ((STEPS, BATCH, WIDTH), (BATCH, UNITS)))

    def f(x, h):
        last, all_ = recurrent(ops.matmul(x, W) + B, h)
        return [last, *gradients(ops.sum(ops.square(all_)), [W, B, U, x])]
    both(f, [x, h], monkeypatch)


def test_what_stays_before_the_loop(threads, monkeypatch):
    x, h = (RNG.standard_normal(s).astype('float32') for s in ((STEPS, BATCH, WIDTH), (BATCH, UNITS)))

    def wanted(x, h):           # a result itself
        rows = ops.matmul(x, W)
        return *recurrent(rows, h), rows

    def twice(x, h):            # read by two scans
        rows = ops.matmul(x, W) + B
        return *recurrent(rows, h), *recurrent(rows, h, True)

    def each(x, h):             # a matrix of its own for each step
        return recurrent(ops.matmul(x, x[:, :1, :1] * W), h)
    for f in (wanted, twice, each):
        with_, without, _ = both(f, [x, h], monkeypatch)
        assert with_ == without
        monkeypatch.undo()
    few = into_rounds.ROWS - 1
    x, h = (np.resize(x[:, :few], (2 * STEPS, few, WIDTH)), h[:few].copy())     # few rows of many steps
    with_, without, _ = both(lambda x, h: recurrent(ops.matmul(x, W), h), [x, h], monkeypatch)
    assert with_ == without
