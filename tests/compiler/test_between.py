"""A depthwise convolution and those of single pixels around it as one step."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler import between
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.pipeline import compile_graph
from fastkeras.runtime import Function
from fastkeras.runtime.function import trace

C, E, F = 8, 24, 8


@pytest.fixture(autouse=True)
def small_images_too(monkeypatch):
    monkeypatch.setattr(between, 'SHARE', 0)
    monkeypatch.setattr(between, 'PART', 1e9)


def arrays(n=2):
    rng = np.random.default_rng(5)
    shapes = (n, 9, 10, C), (1, 1, C, E), (E,), (3, 3, E, 1), (E,), (1, 1, E, F), (F,)
    return [rng.normal(size=s).astype('float32') for s in shapes]


def block(x, w1, b1, w, b, w2, b2, strides=1, act=ops.relu6):
    h = act(ops.conv(x, w1) + b1)
    d = act(ops.depthwise_conv(h, w, strides, padding='same') + b)
    return h, d, ops.conv(d, w2) + b2


def kernels_of(fn, inputs):
    steps = compile_graph(trace(fn, [(a.shape, 'float32') for a in inputs])[0]).steps
    return [s.kernel for s in steps if 'conv' in s.kernel or 'depthwise' in s.kernel]


def check(fn, kernels, monkeypatch, n=2):
    inputs = arrays(n)
    assert kernels_of(fn, inputs) == kernels
    got = Function(fn)(*inputs)
    monkeypatch.setenv('FASTKERAS_DISABLE', 'between')
    assert 'depthwise_between' not in kernels_of(fn, inputs)
    wanted = Function(fn)(*inputs)
    for a, b in zip(got, wanted):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('act', [ops.relu6, ops.relu, lambda x: x], ids=['relu6', 'relu', 'linear'])
@pytest.mark.parametrize('strides', [1, 2])
def test_three_become_one(strides, act, monkeypatch):
    check(lambda *a: [block(*a, strides=strides, act=act)[2]], ['depthwise_between'], monkeypatch)


def test_with_the_residual(monkeypatch):
    check(lambda x, *a: [x + block(x, *a)[2]], ['depthwise_between'], monkeypatch)


def test_no_result_takes_the_memory_of_what_other_shares_read(monkeypatch):
    def fn(x, *a):
        y = ops.relu(x * 2.0)
        for _ in range(3):
            y = y + block(y, *a)[2]
        return [y]
    check(fn, ['depthwise_between'] * 3, monkeypatch, n=5)


def test_two_become_one(monkeypatch):
    def fn(x, w1, b1, w, b, w2, b2):
        h = ops.conv(ops.tanh(ops.conv(x, w1)), np.ones((1, 1, E, E), 'float32')) * 3.0     # no such ending
        return [ops.conv(ops.relu6(ops.depthwise_conv(h, w, padding='same') + b), w2) + b2]
    check(fn, ['conv', 'conv', 'depthwise_between'], monkeypatch)


@pytest.mark.parametrize('which', [0, 1])
def test_what_others_read_is_made_whole(which, monkeypatch):
    def fn(*a):
        results = block(*a)
        return [results[2], results[which]]
    check(fn, ['conv', 'depthwise_between'] if which == 0 else ['conv', 'depthwise', 'conv'], monkeypatch)


def test_other_activations_are_left(monkeypatch):
    check(lambda *a: [block(*a, act=ops.silu)[2]], ['conv', 'depthwise', 'conv'], monkeypatch)


def test_gradients_read_the_wide_images(monkeypatch):
    def fn(*a):
        loss = ops.sum(ops.square(block(*a)[2]))
        return gradients(loss, list(a))
    assert 'depthwise_between' not in kernels_of(fn, arrays())


def test_small_images_stay_apart(monkeypatch):
    monkeypatch.undo()
    assert kernels_of(lambda *a: [block(*a)[2]], arrays()) == ['conv', 'depthwise', 'conv']
