"""Simplification: constants are computed, equal nodes become one, and operations that change nothing go away."""

import numpy as np

from ..graph import Node
from ..ops import core
from . import fold_pad

MAX_FOLDED = 1 << 16  # elements: larger results of constants stay operations


def simplify(graph):
    known, roots = {}, {id(n) for n in graph.roots()}

    def read_once(node):
        return len(graph.users()[id(node)]) == 1 and id(node) not in roots

    def rule(node, inputs):
        if node.op == 'input' or node.op == 'variable':
            return node
        made = _reduce(node, inputs) if node.op != 'const' else node
        if made is None and node.op == 'slice':
            part = fold_pad.cropped(node, inputs[0])
            made = part if part is not None and read_once(node.inputs[0]) else None
        if made is None:
            made = Node(node.op, inputs, node.attrs, node.shape, node.dtype, node.name)
        key = _key(made)
        try:
            return known.setdefault(key, made) if key is not None else made
        except TypeError:  # an attribute that cannot be compared
            return made

    return graph.rewrite(rule)


def _key(node):
    """Equal keys, equal values; None for what is not compared."""
    if node.op == 'const':
        value = np.asarray(node.attrs['value'])
        return ('const', node.dtype, node.shape, value.tobytes()) if value.size <= 64 else None
    if node.op == 'input' or node.op == 'variable':
        return id(node)
    attrs = node.attrs.items()
    return (node.op, node.dtype, node.shape, tuple(sorted(attrs) if len(attrs) > 1 else attrs), *map(id, node.inputs))


def _reduce(node, inputs):
    """A simpler node of the same value, or None."""
    record = core.record(node.op)
    if inputs and inputs[0].op == 'const' and all(i.op == 'const' for i in inputs) and (
            node.size <= MAX_FOLDED and not record.random and not record.several):
        value = record.ref(*[np.asarray(i.attrs['value'], i.dtype) for i in inputs], **node.attrs)
        value = np.asarray(value, node.dtype).reshape(node.shape)
        return Node('const', (), {'value': value}, node.shape, node.dtype, node.name)
    made = record.simplify(node, inputs) if record.simplify is not None else None
    if record.border is not None and inputs[0].op == 'pad':
        made = fold_pad.padding_of_window(record, node, inputs)
    if made is not None and (made.shape != node.shape or made.dtype != node.dtype):
        return None
    if made is None and len(inputs) > 1 and record.micro is not None:
        return _without_broadcasts(node, inputs)
    return made


def _without_broadcasts(node, inputs):
    """Elementwise operations broadcast by themselves."""
    for i in inputs:
        if i.op == 'broadcast_to':
            break
    else:
        return None
    bare = tuple([i.inputs[0] if i.op == 'broadcast_to' else i for i in inputs])
    try:
        shape = np.broadcast_shapes(*(i.shape for i in bare))
    except ValueError:
        return None
    return Node(node.op, bare, node.attrs, node.shape, node.dtype, node.name) if tuple(shape) == node.shape else None
