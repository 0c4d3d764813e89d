"""Order, rewriting, checks and printing of graphs."""

import numpy as np
import pytest

from fastkeras.graph import LEAVES, Graph, Node, remake, toposort, verify


class Var:
    """As much of a Variable as a graph knows."""

    def __init__(self, shape=(3,), dtype='float32', name='w'):
        self.shape, self.dtype, self.name = shape, dtype, name


def op(name, *inputs, shape=(3,), dtype='float32', label=None, **attrs):
    return Node(name, inputs, attrs, shape, dtype, label)


def sample():
    """x → a = exp(x) → b = a + w → c = b · a; w is updated to b. Returns them by name, and the graph that gives c."""
    x = op('input', index=0)
    w = op('variable', var=Var())
    a = op('exp', x)
    b = op('add', a, w, label='dense')
    c = op('multiply', b, a)
    names = dict(x=x, w=w, a=a, b=b, c=c)
    return names, Graph([x], [c], [(w.attrs['var'], b)])


# ---- order
def test_toposort_has_each_node_once_and_inputs_first():
    n, _ = sample()
    assert toposort([n['c']]) == [n[k] for k in 'xwabc']
    assert toposort([n['c'], n['a'], n['c']]) == [n[k] for k in 'xwabc']
    assert toposort([n['a']]) == [n['x'], n['a']]
    assert toposort([]) == []


def test_toposort_is_the_order_of_making_not_of_need():
    x = op('input', index=0)
    first, second = op('exp', x), op('tanh', x)
    assert toposort([op('add', second, first)])[1:3] == [first, second]


def test_toposort_of_a_long_chain_needs_no_stack():
    node = op('input', index=0)
    for _ in range(20_000):
        node = op('exp', node)
    assert len(toposort([node])) == 20_001


def test_nodes_of_a_graph_are_those_of_outputs_and_updates():
    n, graph = sample()
    assert graph.roots() == [n['c'], n['b']]
    alone = Graph([n['x']], [n['a']], [(n['w'].attrs['var'], n['b'])])
    assert alone.nodes() == [n[k] for k in 'xwab']


def test_users_name_a_reader_once_for_each_time_it_reads():
    n, graph = sample()
    twice = op('multiply', n['c'], n['c'])
    users = Graph(graph.inputs, [twice], graph.updates).users()
    assert users[id(n['a'])] == [n['b'], n['c']]
    assert users[id(n['c'])] == [twice, twice]
    assert id(twice) not in users


# ---- rewriting
def test_rewrite_without_a_change_makes_all_but_leaves_anew():
    n, graph = sample()
    new = graph.rewrite(lambda node, inputs: None)
    assert [m.op for m in new.nodes()] == [m.op for m in graph.nodes()]
    assert new.inputs == graph.inputs and new.nodes()[:2] == [n['x'], n['w']]
    for old, made in zip(graph.nodes()[2:], new.nodes()[2:]):
        assert made is not old and made.serial > old.serial
        assert (made.attrs, made.shape, made.dtype, made.name) == (old.attrs, old.shape, old.dtype, old.name)
    assert new.updates[0][0] is graph.updates[0][0] and new.updates[0][1] is new.outputs[0].inputs[0]
    assert graph.outputs == [n['c']] and n['c'].inputs == (n['b'], n['a'])      # the old one is as it was


def test_a_rule_sees_the_inputs_as_they_have_become():
    n, graph = sample()
    seen = []

    def rule(node, inputs):
        seen.append((node, inputs))
        return Node('tanh', inputs, {}, node.shape, node.dtype) if node is n['a'] else None

    new = graph.rewrite(rule)
    assert [node for node, _ in seen] == graph.nodes()
    made = {id(node): inputs for node, inputs in seen}
    assert made[id(n['b'])][0].op == 'tanh' and made[id(n['b'])][0] is made[id(n['c'])][1]
    assert [m.op for m in new.nodes()] == ['input', 'variable', 'tanh', 'add', 'multiply']


def test_a_rule_may_put_one_node_for_many_and_leave_others_unread():
    n, graph = sample()
    new = graph.rewrite(lambda node, inputs: inputs[0] if node.op in ('exp', 'multiply') else None)
    assert [m.op for m in new.nodes()] == ['input', 'variable', 'add']
    assert new.outputs == [new.updates[0][1]] and new.outputs[0].inputs == (n['x'], n['w'])


def test_an_input_that_nothing_reads_stays_an_input():
    x, unread = op('input', index=0), op('input', index=1)
    new = Graph([x, unread], [op('exp', x)]).rewrite(lambda node, inputs: None)
    assert new.inputs == [x, unread]


def test_remake():
    n, _ = sample()
    made = remake(n['b'], [n['w'], n['a']])
    assert made.inputs == (n['w'], n['a']) and (made.op, made.name) == ('add', 'dense') and made is not n['b']


# ---- checks
def test_verify_returns_a_sound_graph():
    _, graph = sample()
    assert verify(graph) is graph
    assert verify(graph, {'exp', 'add', 'multiply'}) is graph
    assert set(LEAVES) == {'input', 'const', 'variable'}        # which need not be among the known


def test_verify_finds_a_foreign_placeholder():
    stranger = op('input', index=4, label='x2')
    with pytest.raises(ValueError, match=r"\[graph\] .*'x2'.* not among the inputs"):
        verify(Graph([op('input', index=0)], [op('exp', stranger)]))


def test_verify_finds_an_unknown_op_where_the_known_ones_are_given():
    _, graph = sample()
    with pytest.raises(ValueError, match=r"\[graph\] unknown op 'multiply'"):
        verify(graph, {'exp', 'add'})


@pytest.mark.parametrize('shape', [(None, 3), (3, -1)])
def test_verify_finds_an_unknown_size(shape):
    x = op('input', index=0, shape=shape)
    with pytest.raises(ValueError, match=r'\[graph\] .*has an unknown size'):
        verify(Graph([x], [x]))


def test_verify_finds_a_node_that_was_made_before_what_it_reads():
    x = op('input', index=0)
    late = op('exp', x)
    first = op('tanh', x)
    late.inputs = (first,)
    with pytest.raises(ValueError, match=r'\[graph\] .*exp.* was made before'):
        verify(Graph([x], [late]))


@pytest.mark.parametrize('var', [Var((4,)), Var((3,), 'float64')])
def test_verify_finds_an_update_that_does_not_fit(var):
    n, _ = sample()
    with pytest.raises(ValueError, match=rf"\[graph\] variable 'w' of {var.dtype}.* cannot take float32\[3\]"):
        verify(Graph([n['x']], [], [(var, n['b'])]))


# ---- printing
def test_text_of_a_graph():
    _, graph = sample()
    assert str(graph).splitlines() == [
        '%0 = input(index=0) : float32[3]', '%1 = variable(var=w) : float32[3]', '%2 = exp(%0) : float32[3]',
        '%3 = add(%2, %1) : float32[3]  # dense', '%4 = multiply(%3, %2) : float32[3]', 'return %4', 'update w = %3']


def test_text_of_attributes_stays_on_a_line_and_short():
    value = op('const', value=np.arange(1000.).reshape(50, 20), shape=(50, 20))
    both = op('sum', value, axis=(0, 1), keepdims=False, shape=())
    lines = str(Graph([], [both, value])).splitlines()
    assert len(lines) == 3 and lines[0].endswith('...) : float32[50, 20]') and len(lines[0]) < 110
    assert lines[1:] == ['%1 = sum(%0, axis=(0, 1), keepdims=False) : float32[]', 'return %1, %0']
