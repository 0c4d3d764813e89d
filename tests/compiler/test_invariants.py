"""The check after each pass: every way in which a pass may break a graph is found, and what passes make is not."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler import invariants, pipeline, region
from fastkeras.compiler.fuse import fuse
from fastkeras.graph import Graph, Node
from fastkeras.runtime import Variable
from fastkeras.runtime.function import trace

X = [((4, 3), 'float32')]


@pytest.fixture
def graph():
    v = Variable(np.ones(3, np.float32), name='bias')

    def fn(x):
        y = ops.relu(ops.matmul(x, np.ones((3, 3), np.float32)) + v)
        v.assign(v - 1)
        return y

    return trace(fn, X)[0]


def with_root(graph, node):
    return Graph(graph.inputs, [node], graph.updates)


def leaf(*shape, dtype='float32', **attrs):
    return Node('const', (), {'value': np.ones(shape, dtype), **attrs}, shape, dtype)


def test_a_sound_graph_and_the_passes_own_nodes(graph):
    invariants.check('nothing', graph, graph)
    fused = fuse(graph)
    assert {'fused', 'result'} <= {n.op for n in fused.nodes()}
    invariants.check('fuse', graph, fused)


def broken(graph):
    """(what the message says, a graph) for every way."""
    x, out = graph.inputs[0], graph.outputs[0]
    var, value = graph.updates[0]
    yield 'unknown op .thing', with_root(graph, Node('thing', (x,), {}, out.shape, out.dtype))
    yield 'its outputs were', with_root(graph, Node('relu', (leaf(4, 2),), {}, (4, 2), 'float32'))
    yield 'its outputs were', Graph(graph.inputs, [], graph.updates)
    yield 'its inputs were', Graph([x, Node('input', (), {'index': 1}, (1,), 'float32')], graph.outputs, graph.updates)
    yield 'its updates were', Graph(graph.inputs, graph.outputs, [])
    yield 'updates other variables', Graph(graph.inputs, graph.outputs, [(Variable(np.ones(3, np.float32)), value)])
    whole = Node('relu', (x,), {}, (4, 3), 'int32')
    yield r'relu int32\[4, 3\]>: the op says float32\[4, 3\]', with_root(
        graph, Node('cast', (whole,), {'dtype': 'float32'}, (4, 3), 'float32'))
    yield r"lacks the attributes \['transpose_a', 'transpose_b'\]", with_root(
        graph, Node('matmul', (x, leaf(3, 3)), {}, (4, 3), 'float32'))
    yield 'not those of the op', with_root(graph, Node('relu', (x,), {'slope': 2}, (4, 3), 'float32'))
    yield 'not those of the op', with_root(graph, Node('add', (x,), {}, (4, 3), 'float32'))
    yield r"its variable 'bias' has float32\[3\]", with_root(
        graph, Node('add', (x, Node('variable', (), {'var': var}, (1, 3), 'float32')), {}, (4, 3), 'float32'))


def test_every_way_to_break_a_graph(graph):
    for words, bad in broken(graph):
        with pytest.raises(ValueError, match=rf'\[some\] this pass breaks the graph: .*{words}'):
            invariants.check('some', graph, bad)


def test_regions(graph):
    x = graph.inputs[0]
    relu = Node('relu', (x,), {}, (4, 3), 'float32')
    tanh = Node('tanh', (relu,), {}, (4, 3), 'float32')

    def Region(nodes, outputs, sources):
        return region.Region(None, nodes, outputs, sources, (), None)

    def made(whole, inputs=(x,), index=0, shape=(4, 3), source=None):
        fused = source or Node('fused', inputs, {'region': whole}, (4, 3), 'float32')
        return with_root(graph, Node('result', (fused,), {'index': index}, shape, 'float32'))

    good = Region([relu, tanh], [tanh], [x])
    invariants.check('fuse', graph, made(good))
    for words, bad in (('the node .*const', made(good, (leaf(4, 2),))), ('the node', made(good, (x, x))),
                       ('a result of the region is not in it', made(Region([relu], [tanh], [x]))),
                       ('a result of the region', made(Region([relu, tanh], [], [x]))),
                       ('has not made by then', made(Region([tanh, relu], [tanh], [x]))),
                       ('not one at 1', made(good, index=1)), ('no result of a region', made(good, source=relu)),
                       (r'relu float32\[4, 2\]', made(Region([Node('relu', (x,), {}, (4, 2), 'float32'), tanh],
                                                       [tanh], [x])))):
        with pytest.raises(ValueError, match=words):
            invariants.check('fuse', graph, bad)


def test_passes_are_checked_where_that_is_asked_for(graph, monkeypatch):
    def wrong(graph):
        return with_root(graph, Node('tanh', (graph.inputs[0],), {}, (4, 3), 'float64'))

    monkeypatch.setattr(pipeline, 'fold_bn', wrong)
    with pytest.raises(ValueError, match=r'\[fold_bn\] this pass'):     # conftest.py asks for it
        pipeline.optimise(graph)
    monkeypatch.setenv('FASTKERAS_DEBUG', '')
    pipeline.optimise(graph)
    monkeypatch.setenv('FASTKERAS_DEBUG', 'verify')
    monkeypatch.setenv('FASTKERAS_DISABLE', 'fold_bn')
    pipeline.optimise(graph)
