"""Batches that are run a few rows at a time: which are, and that the results are the same."""
import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler import rows
from fastkeras.compiler.pipeline import compile_graph
from fastkeras.layers import (
    Activation,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Input,
    Lambda,
    MaxPooling2D,
    Permute,
    Reshape,
)
from fastkeras.models import Model
from fastkeras.runtime import Function, Variable
from fastkeras.runtime.function import trace
from fastkeras.runtime.parts import Parts

N = 6
RNG = np.random.default_rng(0)
W = RNG.standard_normal((5, 5)).astype('float32')


def alone(fn, *shapes):
    return rows.alone(trace(fn, [((N, *s), 'float32') for s in shapes])[0], N)


@pytest.mark.parametrize('fn, shapes, expected', [
    (lambda x: ops.softmax(ops.matmul(x, W) + W[0]), [(5,)], True),
    (lambda x: ops.sum(x * x, axis=(1, 2)), [(4, 3)], True),
    (lambda x: ops.max(x, axis=-1), [(4, 3)], True),
    (lambda x: ops.reshape(ops.transpose(x, (0, 2, 1)), (N, 12)), [(4, 3)], True),
    (lambda x, y: ops.matmul(x, y), [(4, 3), (3, 2)], True),
    (lambda x: x @ W, [(5,)], True),
    (lambda x, y: ops.concatenate([x, y], 1), [(4,), (3,)], True),
    (lambda x: ops.matmul(x, x, transpose_b=True), [(5,)], False),
    (lambda x: ops.matmul(np.ones((N, N), 'float32'), x), [(5,)], False),
    (lambda x: x - ops.mean(x, axis=0), [(5,)], False),
    (lambda x: ops.mean(x), [(5,)], False),
    (lambda x: x + np.ones((N, 1), 'float32'), [(5,)], False),
    (lambda x: x + np.arange(float(N), dtype='float32'), [(N,)], True),
    (lambda x: x + ops.reshape(x, (N, N))[0], [(N,)], False),
    (lambda x: ops.transpose(x, (1, 0)), [(N,)], False),
    (lambda x: ops.reshape(x, (2 * N, 2)), [(4,)], False),
    (lambda x: ops.concatenate([x, x], 0), [(4,)], False),
    (lambda x: ops.cumsum(x, 0), [(4,)], False),
    (lambda x: ops.cumsum(x, 1) + ops.max(x[:, 1:], 1, keepdims=True), [(4,)], True),
    (lambda x: ops.take(W, ops.cast(x, 'int32'), 0), [(4,)], True),
    (lambda x: ops.take(x, [0, 2], 1), [(4,)], True),
    (lambda x: ops.take(x, [0] * N, 0), [(4,)], False),
    (lambda x: ops.conv_transpose(x, np.ones((3, 3, 2, 4), 'float32')), [(5, 5, 4)], True),
    (lambda x: ops.softmax(x, axis=0), [(4,)], False),
    (lambda x: x * W[0] + ops.zeros((5,)), [(5,)], True),
    (lambda x: W, [(5,)], False),
])
def test_which_functions_keep_rows_apart(fn, shapes, expected):
    assert alone(fn, *shapes) == expected


def test_updates_and_random_numbers_do_not():
    v = Variable(np.zeros(5, 'float32'))

    def update(x):
        v.assign(v + 1)
        return x + v
    assert not alone(update, (5,))
    assert not alone(lambda x: x + ops.random_normal((N, 5)), (5,))


@pytest.fixture
def small_cache(monkeypatch):
    monkeypatch.setattr(rows, 'cache_bytes', lambda: 1 << 19)


def network():
    x = inputs = Input((32, 32, 8))
    x = Activation('relu')(BatchNormalization()(Conv2D(16, 3, padding='same')(x)))
    x = Dropout(.5)(DepthwiseConv2D(3, padding='same')(x))
    x = Concatenate()([MaxPooling2D(2)(x), Conv2D(8, 2, strides=2)(x)])
    y = Permute((2, 1))(Reshape((256, 24))(x))
    return Model(inputs, [Dense(3, activation='softmax')(GlobalAveragePooling2D()(x)), y])


def parts_of(function):
    return [p for p in function._traced.values() if isinstance(p, Parts)]


@pytest.mark.parametrize('n', [5, 8, 23])
def test_parts_have_the_bits_of_the_whole(small_cache, monkeypatch, n):
    model = network()
    x = RNG.standard_normal((n, 32, 32, 8)).astype('float32')
    found = model.predict_on_batch(x)
    again = model.predict(x, batch_size=n)
    parts, = [p for f in _functions(model) for p in parts_of(f)]
    lengths = np.diff(parts.bounds)
    assert lengths.sum() == n and len(lengths) > 1 and lengths.max() - lengths.min() <= 1
    monkeypatch.setenv('FASTKERAS_DISABLE', 'rows')
    copy = Model.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    for a, b, c in zip(found, copy.predict_on_batch(x), again):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(c, b)
    assert not any(parts_of(f) for f in _functions(copy))


def _functions(model):
    import gc
    return [f for f in gc.get_objects() if isinstance(f, Function) and f.name == 'predict' and
            getattr(f.fn, '__self__', None) is not None and f.fn.__self__.model is model]


@pytest.mark.parametrize('fn, wanted', [
    (lambda x: x / ops.shape(x)[0], lambda x: x / 9),
    (lambda x: x - ops.mean(x, axis=0), lambda x: x - x.mean(0)),
    (lambda x: ops.reshape(x, (9, -1)), lambda x: x.reshape(9, -1)),
    (lambda x: x if x.shape[0] != 4 else -x, lambda x: x),
    (lambda x: x if x.shape[0] != 5 else -x, lambda x: x),
    (lambda x: x - 2 * ops.relu(x) if x.shape[0] > 5 else ops.relu(x) * 2 - x, lambda x: -abs(x)),
    (lambda x: ops.squeeze(ops.max(x, axis=(1, 2, 3), keepdims=True)), lambda x: x.max((1, 2, 3)))])
def test_a_layer_that_sees_the_batch_gets_the_whole(small_cache, fn, wanted):
    x = inputs = Input((64, 64, 4))
    model = Model(inputs, Lambda(fn)(Conv2D(8, 3, padding='same')(x)))
    x = RNG.standard_normal((9, 64, 64, 4)).astype('float32')
    first = Model(inputs, model.layers[1].output).predict_on_batch(x)
    np.testing.assert_allclose(model.predict_on_batch(x), wanted(first), rtol=1e-5, atol=1e-5)


def test_a_model_of_a_fixed_batch_gets_it(small_cache):
    x = inputs = Input(batch_shape=(9, 64, 64, 4))
    model = Model(inputs, GlobalAveragePooling2D()(Conv2D(8, 3, padding='same')(x)))
    assert model.predict(RNG.standard_normal((9, 64, 64, 4)).astype('float32'), batch_size=9).shape == (9, 8)


def test_the_same_results_where_they_are_used_again(small_cache):
    f = Function(lambda x: ops.relu(x + 1) * ops.sum(x, axis=(1,), keepdims=True), reuse_outputs=True, by_rows=True)
    x = RNG.standard_normal((900, 700)).astype('float32')
    y = f(x)
    np.testing.assert_allclose(y, np.maximum(x + 1, 0) * x.astype(float).sum(1, keepdims=True), rtol=1e-4, atol=1e-3)
    assert f(2 * x) is y


def test_more_threads_than_rows_of_a_part_get_the_whole(monkeypatch):
    graph, _ = trace(lambda x: ops.sum(ops.sin(x) @ W, axis=1), [((40, 500, 5), 'float32')])
    compiled = compile_graph(graph)
    monkeypatch.setattr(rows, 'cache_bytes', lambda: compiled.arena_bytes // 5)
    assert [rows.at_a_time(graph, compiled, n) for n in (1, 8, 12, 40)] == [8, 8, 12, None]


def test_weights_that_are_much_of_the_traffic_keep_a_batch_whole(monkeypatch):
    w = Variable(RNG.standard_normal((600, 600)).astype('float32'))
    for size, parted in ((1 << 18, False), (1 << 23, True)):
        monkeypatch.setattr(rows, 'cache_bytes', lambda size=size: size)
        f = Function(lambda x: ops.matmul(ops.relu(ops.matmul(x, w)), w), by_rows=True)
        x = RNG.standard_normal((20000, 600)).astype('float32')
        y = f(x)
        assert bool(parts_of(f)) == parted
        np.testing.assert_array_equal(y[:3], f(x[:3]))
