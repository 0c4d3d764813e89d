"""Updates of the touched rows of a table against the dense form."""
import numpy as np
import pytest

from fastkeras import ops, optimizers
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(8)
SIZE, WIDTH = 200, 6
TABLE = RNG.standard_normal((SIZE, WIDTH)).astype('float32')
BATCHES = [RNG.integers(-SIZE, SIZE, (4, 5)).astype('int32') for _ in range(3)] + [np.full((4, 5), 7, 'int32')]
TARGET = RNG.standard_normal((4, 5, WIDTH)).astype('float32')


def train(optimizer, more=lambda table, x, loss: []):
    table = Variable(TABLE.copy(), name='table')
    scale = Variable(np.ones(WIDTH, 'float32'), name='scale')
    optimizer.build([table, scale])

    def step(indices):
        x = ops.take(table, indices, axis=0)
        loss = ops.mean(ops.square(x * scale - TARGET))
        returned = more(table, x, loss)
        optimizer.minimize(loss, [table, scale])
        return [loss, *returned]
    f = Function(step)
    results = [f(b) for b in BATCHES]
    kernels = [s.kernel for s in f.traced_for([BATCHES[0]]).compiled.steps]
    return kernels, [v.numpy() for v in (table, scale, *optimizer._state())] + [a for r in results for a in r]


OPTIMIZERS = {
    'sgd': (True, lambda: optimizers.SGD(0.1)), 'decaying sgd': (True, lambda: optimizers.SGD(0.1, decay=0.1)),
    'adagrad': (True, lambda: optimizers.Adagrad(0.1)), 'momentum': (False, lambda: optimizers.SGD(0.1, momentum=0.9)),
    'adam': (False, lambda: optimizers.Adam(0.1)), 'clipnorm': (False, lambda: optimizers.SGD(0.1, clipnorm=0.01)),
    'weight decay': (False, lambda: optimizers.SGD(0.1, weight_decay=0.01))}


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_equal_to_the_dense_form(name, monkeypatch):
    rows, make = OPTIMIZERS[name]
    kernels, got = train(make())
    assert ('put_rows' in kernels) == rows
    large = 'scatter_add' in kernels and not rows
    assert large or kernels.count('put_rows') == kernels.count('gather') - 1
    monkeypatch.setenv('FASTKERAS_DISABLE', 'sparse')
    kernels, dense = train(make())
    assert 'put_rows' not in kernels
    for a, b in zip(got, dense, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('more', [
    lambda table, x, loss: [table.value * 1.0], lambda table, x, loss: [table.value],
    lambda table, x, loss: [ops.sum(ops.square(table))], lambda table, x, loss: [ops.matmul(x, ops.transpose(table))]])
def test_a_table_that_is_read_elsewhere_too(more, monkeypatch):
    _, got = train(optimizers.SGD(0.1), more)
    monkeypatch.setenv('FASTKERAS_DISABLE', 'sparse,fuse')
    _, dense = train(optimizers.SGD(0.1), more)
    for a, b in zip(got, dense, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_what_is_made_of_the_table_before_and_read_after(monkeypatch):
    def train():
        table = Variable(TABLE.copy(), name='table')
        optimizer = optimizers.SGD(0.1)
        optimizer.build([table])

        def step(indices):
            whole, flat = table * table, ops.reshape(table, (-1,))
            loss = ops.sum(ops.square(ops.take(table, indices, axis=0))) * ops.stop_gradient(ops.mean(whole) + ops.max(flat))
            optimizer.minimize(loss, [table])
            return [loss, ops.sum(whole), ops.sum(flat[:7])]
        f = Function(step)
        return [a for b in BATCHES for a in f(b)] + [table.numpy()]

    got = train()
    monkeypatch.setenv('FASTKERAS_DISABLE', 'sparse,fuse')
    for a, b in zip(got, train(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_an_index_out_of_range_leaves_the_table():
    table = Variable(TABLE.copy(), name='table')
    optimizer = optimizers.SGD(0.1)
    optimizer.build([table])
    f = Function(lambda i: optimizer.minimize(ops.sum(ops.gather(table, i)), [table]))
    with pytest.raises(ValueError, match='index is outside'):
        f(np.int32([3, SIZE]))
    np.testing.assert_array_equal(table.numpy(), TABLE)


@pytest.mark.parametrize('size, width', [(200, 6), (3000, 40), (9, 20000), (70000, 1)])
@pytest.mark.parametrize('kept', [False, True])
def test_a_formula_that_changes_every_row_runs_behind_the_scatter(size, width, kept, monkeypatch):
    values, weights = RNG.standard_normal((size, width)), RNG.standard_normal((500, width)).astype('float32')
    indices = RNG.integers(0, size, 500).astype('int32')

    def run():
        table, mean = Variable(values.astype('float32')), Variable(np.ones((size, width), 'float32'))

        def step(i, u):
            g = ops.scatter_add(i, u, size)
            mean.assign(mean * 0.9 + g * 0.1)
            table.assign(table - 0.5 * mean / (ops.abs(g) + 1.0))
            return [g] if kept else []
        f = Function(step)
        found = [a for _ in range(2) for a in f(indices, weights)]
        steps = f.traced_for([indices, weights]).compiled.steps
        return [s.kernel for s in steps if s.program is not None], [table.numpy(), mean.numpy(), *found]
    kernels, got = run()
    assert kernels == ['scatter_add']
    monkeypatch.setenv('FASTKERAS_DISABLE', 'fuse')
    kernels, apart = run()
    assert 'scatter_add' not in kernels
    for a, b in zip(got, apart, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_index_out_of_range_leaves_what_every_row_belongs_to():
    table = Variable(TABLE.copy(), name='table')

    def step(i, u):
        table.assign(table * 0.9 + ops.scatter_add(i, u, SIZE))
    with pytest.raises(ValueError, match='index is outside'):
        Function(step)(np.int32([3, SIZE]), np.ones((2, WIDTH), 'float32'))
    np.testing.assert_array_equal(table.numpy(), TABLE)
