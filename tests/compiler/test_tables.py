"""Products of a table's rows read from a table of them: the same bits, wherever the pass may do so."""
import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler import pipeline
from fastkeras.compiler.cache import StaticCache
from fastkeras.compiler.pipeline import compile_graph
from fastkeras.compiler.tables import LARGEST, NARROWEST, worth
from fastkeras.runtime import Variable
from fastkeras.runtime.function import trace

RNG = np.random.default_rng(3)


def variable(*shape):
    return Variable(RNG.standard_normal(shape).astype('float32'))


def run(compiled, x):
    for s in compiled.statics:
        s.refresh()
    return compiled.executor.run([x])[0]


def both(fn, x):
    """(kernels with tables, result with, result without)"""
    graph, _ = trace(fn, [(x.shape, x.dtype.name)])
    cache = StaticCache(compile_graph)
    first, second = compile_graph(graph, cache), compile_graph(graph, cache, settled=True)
    assert second.tables is None
    return [s.kernel for s in second.steps], first.tables, run(second, x), run(first, x)


@pytest.mark.parametrize('rows', [1, 3, 40])
def test_same_bits(rows):
    table, w, bias = variable(300, 64), variable(64, 96), variable(96)
    forms = [
        lambda i: ops.matmul(ops.gather(table, i), w) + bias,
        lambda i: bias + ops.matmul(ops.transpose(ops.gather(table, i), (1, 0, 2)), w),
        lambda i: ops.relu(ops.matmul(ops.reshape(ops.gather(table, i), (-1, 64)), w)),
        lambda i: ops.matmul(ops.gather(ops.tanh(table), i), ops.transpose(w), transpose_b=True) * 2.0,
    ]
    x = RNG.integers(0, 300, (rows, 7)).astype('int32')
    for form in forms:
        kernels, worth, got, want = both(form, x)
        assert 'matmul' not in kernels and kernels.count('gather') == 1
        assert worth[1:] == (300, rows * 7)
        np.testing.assert_array_equal(got, want)


def test_each_product_of_the_same_rows_has_a_table():
    table, w, u, bias = variable(300, 64), variable(64, 96), variable(64, 40), variable(96)

    def f(i):
        x = ops.gather(table, i)
        return ops.concatenate([ops.matmul(x, w) + bias, ops.matmul(x, u), x], -1)
    x = RNG.integers(0, 300, (3, 7)).astype('int32')
    kernels, worth, got, want = both(f, x)
    assert 'matmul' not in kernels and kernels.count('gather') == 3
    assert worth[1:] == (600, 42) and len(worth[0]) == 4
    np.testing.assert_array_equal(got, want)


def test_where_it_would_not_pay_or_not_be_the_same(monkeypatch):
    narrow, wide, tall = variable(300, NARROWEST - 1), variable(64, 96), variable(LARGEST // (96 * 4) + 1, 64)
    table, w = variable(300, 64), variable(NARROWEST - 1, 96)
    x = RNG.integers(0, 300, (3, 7)).astype('int32')
    for f in (lambda i: ops.matmul(ops.gather(narrow, i), w),                   # few columns
              lambda i: ops.matmul(ops.gather(tall, i), wide),                  # a table of too many bytes
              lambda i: ops.matmul(ops.gather(table, i), ops.cast(i, 'float32')[:1, :1] * wide),  # no fixed matrix
              lambda i: ops.matmul(ops.tanh(ops.gather(table, i)), wide),       # something between
              lambda i: ops.matmul(ops.transpose(ops.gather(table, i[0])), ops.transpose(ops.gather(table, i[0]))[:, :7].T)):
        assert both(f, x)[1] is None

    def trained(i):
        y = ops.matmul(ops.gather(table, i), wide)
        table.assign(table * 0.5)
        return y
    assert worth(trace(trained, [(x.shape, 'int32')])[0]) is None
    monkeypatch.setattr(pipeline, 'disabled', lambda: {'tables'})
    assert both(lambda i: ops.matmul(ops.gather(table, i), wide), x)[1] is None
