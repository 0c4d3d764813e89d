"""Simplification: constants are computed, equal nodes become one, and operations that change nothing go away."""

import numpy as np

from ..graph import Node
from ..ops import core
from . import fold_pad

MAX_FOLDED = 1 << 16  # elements: larger results of constants stay operations


def simplify(graph):
    known = {}

    def rule(node, inputs):
        if node.op in ('input', 'variable'):
            return node
        made = _reduce(node, inputs) if node.op != 'const' else node
        if made is None:
            made = Node(node.op, inputs, node.attrs, node.shape, node.dtype, node.name)
        key = _key(made)
        return known.setdefault(key, made) if key is not None else made

    return graph.rewrite(rule)


def _key(node):
    """Equal keys, equal values."""
    if node.op == 'const':
        value = np.asarray(node.attrs['value'])
        return ('const', node.dtype, node.shape, value.tobytes()) if value.size <= 64 else None
    if node.op in ('input', 'variable'):
        return id(node)
    try:
        key = (node.op, node.dtype, node.shape, tuple(sorted(node.attrs.items())), tuple(id(i) for i in node.inputs))
        hash(key)
    except TypeError:
        return None
    return key


def number(node):
    """The value of a constant that is one number everywhere, else None."""
    if node.op != 'const':
        return None
    value = np.asarray(node.attrs['value'])
    if value.size == 0:
        return None
    first = value.reshape(-1)[0]
    return first if value.size == 1 or (value.size <= 4096 and (value == first).all()) else None


def _reduce(node, inputs):
    """A simpler node of the same value, or None."""
    record = core.record(node.op)
    if inputs and node.size <= MAX_FOLDED and not record.random and all(i.op == 'const' for i in inputs):
        value = record.ref(*[np.asarray(i.attrs['value'], i.dtype) for i in inputs], **node.attrs)
        value = np.asarray(value, node.dtype).reshape(node.shape)
        return Node('const', (), {'value': value}, node.shape, node.dtype, node.name)
    rule = _RULES.get(node.op)
    made = rule(node, inputs) if rule is not None else None
    if made is not None and (made.shape != node.shape or made.dtype != node.dtype):
        return None
    if made is None and len(inputs) > 1 and record.micro is not None:
        return _without_broadcasts(node, inputs)
    return made


def _without_broadcasts(node, inputs):
    """Elementwise operations broadcast by themselves."""
    bare = tuple(i.inputs[0] if i.op == 'broadcast_to' else i for i in inputs)
    if all(a is b for a, b in zip(bare, inputs)):
        return None
    try:
        shape = np.broadcast_shapes(*(i.shape for i in bare))
    except ValueError:
        return None
    return Node(node.op, bare, node.attrs, node.shape, node.dtype, node.name) if tuple(shape) == node.shape else None


def _neutral(value, sides):
    def rule(node, inputs):
        for side in sides:
            if number(inputs[side]) == value:
                return inputs[1 - side]
        return None
    return rule


def _same(node, inputs):
    return inputs[0]


def _reshape(node, inputs):
    source = inputs[0]
    while source.op == 'reshape':
        source = source.inputs[0]
    if source.shape == node.shape:
        return source
    return Node('reshape', (source,), {'shape': node.shape}, node.shape, node.dtype, node.name)


def _transpose(node, inputs):
    perm = node.attrs['axes']
    source = inputs[0]
    if source.op == 'transpose':
        first = source.attrs['axes']
        perm, source = tuple(first[p] for p in perm), source.inputs[0]
    if tuple(perm) == tuple(range(len(perm))):
        return source
    if [p for p in perm if source.shape[p] != 1] == sorted(p for p in perm if source.shape[p] != 1):
        return Node('reshape', (source,), {'shape': node.shape}, node.shape, node.dtype, node.name)
    return Node('transpose', (source,), {'axes': perm}, node.shape, node.dtype, node.name)


def _power(node, inputs):
    p = number(inputs[1])
    if p == 1:
        return inputs[0]
    if p == 2:
        return Node('square', (inputs[0],), {}, node.shape, node.dtype, node.name)
    if p == 0.5:
        return Node('sqrt', (inputs[0],), {}, node.shape, node.dtype, node.name)
    return None


def _negative(node, inputs):
    return inputs[0].inputs[0] if inputs[0].op == 'negative' else None


def _sum(node, inputs):
    """A sign, or a factor that is the same along the summed axes, is taken once, behind the sum."""
    source, axes = inputs[0], node.attrs['axis']
    if node.dtype != 'float32' or source.size <= node.size:
        return None

    def total_of(x):
        total = Node('sum', (x,), node.attrs, node.shape, node.dtype, node.name)
        return _sum(total, total.inputs) or total

    if source.op == 'negative':
        return Node('negative', (total_of(source.inputs[0]),), {}, node.shape, node.dtype, node.name)
    if source.op != 'multiply':
        return None
    for x, v in (source.inputs, source.inputs[::-1]):
        shape = (1,) * (len(source.shape) - len(v.shape)) + v.shape
        if x.shape == source.shape and all(shape[i] == 1 for i in axes):
            total = total_of(x)
            shape = shape if node.attrs['keepdims'] else tuple(d for i, d in enumerate(shape) if i not in axes)
            v = Node('reshape', (v,), {'shape': shape}, shape, v.dtype, node.name)
            return Node('multiply', (total, v), {}, node.shape, node.dtype, node.name)
    return None


_RULES = {
    'add': _neutral(0, (0, 1)), 'subtract': _neutral(0, (1,)), 'multiply': _neutral(1, (0, 1)), 'divide': _neutral(1, (1,)),
    'cast': _same, 'broadcast_to': _same, 'reshape': _reshape, 'transpose': _transpose, 'power': _power,
    'negative': _negative, 'sum': _sum, **fold_pad.RULES,
}
