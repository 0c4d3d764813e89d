"""Pixels that only windows apart look at: the same numbers with the pass and without, and less work with it."""
import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.pipeline import optimise
from fastkeras.runtime import Function, Variable
from fastkeras.runtime.function import trace

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.standard_normal(shape).astype('float32')


def weights(c=8, k=3):
    return [normal(*s) / 4 for s in ((1, 1, c, 6), (k, k, 6, 6), (1, 1, 6, c), (1, 1, c, 10), (1, 1, c, 7), (c,))]


def stage(x, a, b, c, d, e, scale, strides=2, padding='same'):
    """The end of one stage of a residual network and the first layers of the next, with normalisation as in training."""
    y = ops.relu(ops.conv(x, a))
    y = ops.relu(ops.conv(y, b, padding=padding))
    y = ops.conv(y, c)
    mean, variance = ops.moments(y, (0, 1, 2))
    y = ops.batch_normalization(y, mean, variance, -1, scale=scale)
    y = ops.relu(y + (x if padding == 'same' else x[:, 1:-1, 1:-1]))
    return ops.conv(y, d, strides), ops.relu(ops.conv(y, e, strides))


def with_gradients(fn):
    def both(*inputs):
        results = fn(*inputs)
        loss = sum(ops.sum(ops.square(r)) for r in results)
        return [*results, *gradients(loss, list(inputs))]
    return both


def check(fn, arrays, monkeypatch, rtol=2e-4):
    exact = Function(fn)(*[a.astype('float64') for a in arrays])
    got = Function(fn)(*arrays)
    monkeypatch.setenv('FASTKERAS_DISABLE', 'pixels')
    for a, b, c in zip(got, exact, Function(fn)(*arrays)):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)
        np.testing.assert_allclose(c, b, rtol=rtol, atol=rtol * scale)


def nodes_of(fn, arrays):
    return optimise(trace(fn, [(a.shape, 'float32') for a in arrays])[0])[0].nodes()


def heavy(fn, arrays, op):
    """(result's shape, strides) of the nodes of a kind, those in front of regions included."""
    nodes = nodes_of(fn, arrays)
    roots = [n.attrs['region'].root for n in nodes if n.op == 'fused']
    return sorted((r.shape, r.attrs['strides']) for r in [*nodes, *roots] if r is not None and r.op == op)


@pytest.mark.parametrize('size', [(8, 8), (9, 7), (1, 5), (2, 2)])
@pytest.mark.parametrize('strides', [2, 3, (1, 2)])
def test_a_stage_and_its_gradients(size, strides, monkeypatch):
    def fn(*inputs):
        return stage(*inputs, strides=strides)
    check(with_gradients(fn), [normal(2, *size, 8), *weights()], monkeypatch)


@pytest.mark.parametrize('k, padding', [(2, 'same'), (4, 'same'), (3, 'valid')])
def test_larger_windows_move_apart(k, padding, monkeypatch):
    def fn(x, a, b, c, d, e):
        y = ops.conv(ops.relu(ops.conv(ops.relu(ops.conv(x, a)), b, padding=padding)), c)
        return [ops.conv(y, d, 2), ops.conv(y, e, 2)]
    arrays = [normal(2, 9, 10, 8), *weights(k=k)[:5]]
    check(with_gradients(fn), arrays, monkeypatch)
    monkeypatch.delenv('FASTKERAS_DISABLE')
    made = heavy(fn, arrays, 'conv2d')
    assert [s for _, s in made].count((2, 2)) == 1 and [s for _, s in made].count((1, 1)) == 4
    assert len({shape[1:3] for shape, _ in made}) == 2     # one layer alone makes all pixels


def test_depthwise_windows_move_apart(monkeypatch):
    def fn(x, w, d):
        return [ops.conv(ops.relu(ops.depthwise_conv(x, w, padding='same')), d, 2)]
    arrays = [normal(2, 9, 8, 8), normal(3, 3, 8, 1), normal(1, 1, 8, 5)]
    check(with_gradients(fn), arrays, monkeypatch)
    monkeypatch.delenv('FASTKERAS_DISABLE')
    assert heavy(fn, arrays, 'depthwise_conv2d') == [((2, 5, 4, 8), (2, 2))]


def test_what_something_else_reads_is_whole(monkeypatch):
    def fn(x, a, c, d):
        z = ops.relu(ops.conv(ops.relu(ops.conv(x, a)), c) + x)
        return ops.conv(z, d, 2), ops.sum(ops.square(z), axis=(1, 2))
    arrays = [normal(2, 6, 6, 8), *(weights()[k] for k in (0, 2, 3))]
    check(with_gradients(fn), arrays, monkeypatch)
    monkeypatch.delenv('FASTKERAS_DISABLE')
    assert heavy(fn, arrays, 'conv2d') == [((2, 3, 3, 10), (2, 2)), ((2, 6, 6, 6), (1, 1)), ((2, 6, 6, 8), (1, 1))]


def test_a_pool_of_one_pixel_and_slices_are_windows_too(monkeypatch):
    def fn(x, a, c):
        y = ops.relu(ops.conv(ops.relu(ops.conv(x, a)), c))
        return ops.max_pool(y, 1, 2), y[:, ::2, ::2] * 2.0
    arrays = [normal(2, 7, 6, 8), weights()[0], weights()[2]]
    check(lambda *a: list(fn(*a)), arrays, monkeypatch)
    monkeypatch.delenv('FASTKERAS_DISABLE')
    assert {shape[1:3] for shape, _ in heavy(fn, arrays, 'conv2d')} == {(4, 3)}


def test_volumes_and_channels_first(monkeypatch):
    def volumes(x, a, d):
        return [ops.conv(ops.relu(ops.conv(x, a, padding='same')), d, 2)]
    check(with_gradients(volumes), [normal(1, 5, 4, 6, 3), normal(2, 3, 3, 3, 4), normal(1, 1, 1, 4, 5)], monkeypatch)
    monkeypatch.delenv('FASTKERAS_DISABLE')

    def first(x, a, d):
        y = ops.relu(ops.conv(x, a, padding='same', data_format='channels_first'))
        return [ops.conv(y, d, 2, data_format='channels_first')]
    check(with_gradients(first), [normal(2, 3, 6, 7), normal(3, 3, 3, 4), normal(1, 1, 4, 5)], monkeypatch)


def test_windows_that_look_elsewhere_keep_all(monkeypatch):
    """Zeros in front of the image, a window more or less than pixels apart: not the pixels that are meant."""
    for padding in (((1, 0), (0, 0)), ((0, 1), (0, 2)), ((0, -2), (0, 0))):
        def fn(x, a, d, padding=padding):
            return [ops.conv(ops.relu(ops.conv(x, a)), d, 2, padding=padding)]
        check(with_gradients(fn), [normal(1, 6, 6, 3), normal(1, 1, 3, 4), normal(1, 1, 4, 5)], monkeypatch)
        monkeypatch.delenv('FASTKERAS_DISABLE')


def test_gradients_meet_before_zeros_are_put_between(monkeypatch):
    """Both layers of the next stage give one product's pixels; the sums for the normalisation read no zeros."""
    arrays = [normal(2, 8, 8, 8), *weights()]
    nodes = nodes_of(with_gradients(stage), arrays)
    assert [n.shape for n in nodes if n.op == 'place'] == [(2, 8, 8, 8)]
    assert {s for _, s in heavy(with_gradients(stage), arrays, 'conv2d_dx')} == {(1, 1)}


def test_a_gradient_that_meets_none_keeps_its_kernel():
    def fn(x, d):
        return [ops.conv(ops.tanh(x), d, 2)]
    arrays = [normal(2, 8, 8, 8), normal(1, 1, 8, 4)]
    assert heavy(lambda *a: gradients(ops.sum(fn(*a)[0]), list(a)), arrays, 'conv2d_dx')


def test_rows_do_not_depend_on_their_number():
    a, b, c = map(Variable, weights()[:3])
    f = Function(lambda x: ops.conv(ops.relu(ops.conv(ops.conv(x, a), b, padding='same')), c, 2))
    x = normal(5, 9, 9, 8)
    whole = f(x)
    for k in range(5):
        np.testing.assert_array_equal(f(x[k:k + 1])[0], whole[k])
