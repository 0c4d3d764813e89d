"""The layout pass: equal values, no channels_first left, and transposes only where data enters and leaves."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.layout import layout, transposed
from fastkeras.compiler.simplify import simplify
from fastkeras.graph import Graph, verify
from fastkeras.ops import core
from fastkeras.ops.evaluate import evaluate
from tests.harness import placeholders

FIRST = {'data_format': 'channels_first'}


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def rewritten(outputs, inputs):
    graph = layout(Graph(inputs, outputs))
    return verify(graph, known_ops=core.records())


def transposes(outputs, inputs):
    """Those left by the pass where the pipeline has it: equal nodes are one, and what moves nothing is a reshape."""
    graph = simplify(layout(simplify(Graph(inputs, outputs))))
    return [n for n in graph.nodes() if n.op == 'transpose']


def check(function, arrays, most, with_gradients=True):
    """The values of function and the gradients of its sum by all inputs are equal with and without the pass, and no
    more than `most` transposes are left."""
    inputs = placeholders(arrays)
    outputs = [function(*inputs)]
    left = transposes(outputs, inputs)
    if with_gradients:
        outputs += gradients(ops.sum(ops.square(outputs[0])), inputs)
    graph = rewritten(outputs, inputs)
    feed = dict(zip(inputs, arrays))
    for before, after in zip(evaluate(outputs, feed), evaluate(graph.outputs, feed)):
        assert before.shape == after.shape
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)
    assert not any(n.attrs.get('data_format') == 'channels_first' for n in graph.nodes())
    assert len(left) <= most, left


def test_one_convolution_stands_between_two_transposes():
    check(lambda x, w: ops.conv(x, w, 2, 'same', **FIRST), [random(2, 3, 7, 6), random(3, 3, 3, 4, seed=1)], 2)


def test_a_network_is_transposed_at_its_borders_only():
    def network(x, w1, w2, d, scale):
        x = ops.conv(x, w1, padding='same', **FIRST)
        mean, variance = ops.moments(x, (0, 2, 3))
        x = ops.batch_normalization(x, mean, variance, axis=1, scale=scale, offset=scale)
        x = ops.relu(x)
        y = ops.depthwise_conv(x, d, padding='same', **FIRST)
        x = ops.concatenate([x + y, ops.average_pool(x, 3, 1, 'same', **FIRST)], axis=1)
        x = ops.max_pool(ops.pad(x, ((0, 0), (0, 0), (1, 0), (0, 1))), 2, **FIRST)
        x = ops.conv(x[:, :, 1:], w2, **FIRST)
        return ops.global_average_pool(x, **FIRST)
    arrays = [random(2, 3, 7, 6), random(3, 3, 3, 4, seed=1), random(1, 1, 8, 5, seed=2), random(3, 3, 4, 1, seed=3),
              random(4, seed=4)]
    check(network, arrays, 1)


def test_a_network_of_volumes_is_transposed_at_its_borders_only():
    def network(x, w1, w2, scale):
        x = ops.relu(ops.conv(x, w1, padding='same', **FIRST) * scale + 1.0)
        x = ops.conv(ops.pad(x, ((0, 0), (0, 0), (1, 0), (0, 1), (1, 1))), w2, 2, **FIRST)
        return ops.global_max_pool(x[:, :, :, 1:], **FIRST)
    arrays = [random(2, 3, 5, 7, 6), random(3, 3, 2, 3, 4, seed=1), random(2, 2, 3, 4, 5, seed=2), random(4, 1, 1, 1, seed=3)]
    check(network, arrays, 1)


def test_running_sums_and_positions_let_transposes_through():
    def network(x, w):
        x = ops.conv(ops.cumsum(ops.conv(x, w, padding='same', **FIRST), 1), w, padding='same', **FIRST)
        return ops.argmax(x, 1)
    check(network, [random(1, 4, 5, 6), random(3, 3, 4, 4, seed=1)], 1, with_gradients=False)


def test_a_residual_of_the_input_costs_no_more():
    def block(x, w):
        return ops.conv(ops.relu(x + ops.conv(x, w, padding='same', **FIRST)), w, padding='same', **FIRST)
    check(block, [random(1, 4, 5, 6), random(3, 3, 4, 4, seed=1)], 2)


def test_sequences():
    def network(x, w):
        x = ops.relu(ops.conv(x, w, padding='causal', **FIRST))
        return ops.max_pool(ops.conv(x, w, padding='same', **FIRST), 2, **FIRST)
    check(network, [random(2, 3, 8), random(3, 3, 3, seed=1)], 2)


def test_transposed_convolution():
    check(lambda x, w: ops.conv_transpose(ops.relu(x), w, 2, 'same', **FIRST),
          [random(2, 3, 4, 5), random(3, 3, 2, 3, seed=1)], 2)


@pytest.mark.parametrize('keepdims', [False, True])
@pytest.mark.parametrize('axes', [(0,), (1,), (2, 3), (0, 2), (0, 1, 2, 3)])
def test_reductions(axes, keepdims):
    check(lambda x: ops.sum(ops.exp(ops.transpose(x, (0, 3, 1, 2))), axes, keepdims), [random(2, 3, 4, 5)], 1)


@pytest.mark.parametrize('shape', [(5,), (3, 1, 1), (1, 3, 1, 1), (2, 1, 4, 1), (4, 5), (2, 3, 4, 5), ()])
def test_operands_that_are_broadcast(shape):
    check(lambda x, y: ops.transpose(x, (0, 3, 1, 2)) * y, [random(2, 4, 5, 3), np.asarray(random(*shape, seed=1))], 2)


def test_second_derivatives():
    def slope(x, w):
        y = ops.max_pool(ops.tanh(ops.conv(x, w, **FIRST)), 2, **FIRST)
        return gradients(ops.sum(ops.square(y)), [x])[0]
    check(slope, [random(1, 2, 6, 6), random(3, 3, 2, 3, seed=1)], 2)


def test_a_graph_without_transposes_is_left_alone():
    x, = placeholders([random(2, 3)])
    graph = Graph([x], [ops.relu(x)])
    assert layout(graph) is graph


def test_transposes_compose():
    x, = placeholders([random(2, 3, 4)])
    y = transposed(x, (1, 2, 0))
    assert transposed(y, (2, 0, 1)) is x
    z = transposed(y, (1, 0, 2))
    assert z.inputs == (x,) and z.shape == (4, 3, 2)
