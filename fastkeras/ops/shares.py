"""What follows from where the gradient of a maximum lies: rules for the operations that read one.

A record whose field `shares` is true has inputs x, y, dy: y are maxima (or minima) of elements of x, and the result, of x's
shape, holds each element of dy, or its shares, where x equals the y that it belongs to, and 0 elsewhere.
"""

import numpy as np

from ..graph import LEAVES, Node
from . import core, facts
from .windows import padding_over, spatial, zeros_around

SPARSE = 64  # elements for each that may differ from 0: from there on it pays to look for those alone


def _as_made(node):
    """The node of which this one is another shape."""
    while node.op == 'reshape':
        node = node.inputs[0]
    return node


def _shaped(node, like):
    """`node` in the shape of `like`."""
    return node if node.shape == like.shape else Node('reshape', (node,), {'shape': like.shape}, like.shape, node.dtype,
                                                      node.name)


def _without_zeros(node, bound):
    """What is cut out of shares over an image with zeros around it, as shares over the image alone; the node itself where it is
    no such thing. Maxima that are not above `bound` share out nothing: of those above 0 none lies among the zeros."""
    source = node.inputs[0] if node.op == 'slice' else None
    record = core.record(source.op) if source is not None and source.op not in LEAVES else None
    if record is None or not record.shares or record.window is None or source.inputs[0].op != 'pad' or not bound >= 0:
        return node
    pad, y, dy = source.inputs
    image, a = pad.inputs[0], source.attrs
    inner = [slice(*cut).indices(d) for cut, d in zip(node.attrs['key'], pad.shape)]
    around = zeros_around(pad, a['data_format'])
    if around is None or inner != [(before, before + d, 1) for (before, _), d in zip(pad.attrs['widths'], image.shape)]:
        return node
    both = padding_over(around, spatial(pad.shape, a['data_format']), a, record.window(source))
    return node if both is None else Node(source.op, (image, y, dy), dict(a, padding=both), node.shape, node.dtype, node.name)


def _number(value, dtype):
    return Node('const', (), {'value': np.asarray(value, dtype)}, (), dtype)


def chosen_first(node, inputs):
    """simplify of where(x > c, shares of dy at maxima of x, 0), as behind relu: dy is chosen by the maxima, which are fewer."""
    condition, value, other = inputs
    if facts.number(other) != 0 or len(condition.inputs) != 2:
        return None
    read, bound = condition.inputs
    if core.record(condition.op).micro is None or bound.op != 'const' or bound.size != 1:
        return None
    source = _as_made(value)
    if condition.op == 'greater':
        source = _without_zeros(source, facts.number(bound))
    if not core.record(source.op).shares:
        return None
    x, y, dy = source.inputs
    if _as_made(read) is not _as_made(x) or not condition.shape == value.shape == node.shape:
        return None
    keep = Node(condition.op, (y, _number(facts.number(bound), bound.dtype)), condition.attrs, y.shape, condition.dtype)
    kept = Node('where', (keep, dy, _number(0, other.dtype)), node.attrs, dy.shape, dy.dtype, node.name)
    return _shaped(Node(source.op, (x, y, kept), source.attrs, source.shape, source.dtype, source.name), node)


def summed_first(node, inputs):
    """simplify of a sum for each channel, as of a bias gradient: the shares of dy add up to it."""
    value, source = inputs[0], _as_made(inputs[0])
    last = len(value.shape) - 1
    if not core.record(source.op).shares or tuple(node.attrs['axis']) != tuple(range(last)) or last < 1:
        return None
    dy, c = source.inputs[2], value.shape[last]
    if source.attrs.get('data_format') == 'channels_first' or source.shape[-1] != c or dy.shape[-1] != c:
        return None
    attrs = {'axis': tuple(range(len(dy.shape) - 1)), 'keepdims': False}
    return _shaped(Node('sum', (dy,), attrs, (c,), node.dtype, node.name), node)


def mostly_zero(node):
    """Whether the value of a node is 0 but for one of SPARSE elements, ties aside."""
    if node.op == 'reshape':
        return mostly_zero(node.inputs[0])
    if node.op == 'where':
        return node.inputs[1].shape == node.shape and facts.number(node.inputs[2]) == 0 and mostly_zero(node.inputs[1])
    if node.op == 'multiply':
        return any(i.shape == node.shape and mostly_zero(i) for i in node.inputs)
    return core.record(node.op).shares and node.size >= SPARSE * node.inputs[2].size


def seen_sparse(k):
    """simplify of a gradient of a convolution, whose input k is the output's: the attribute `sparse` says where that is."""
    def rule(node, inputs):
        if node.attrs['sparse'] or not mostly_zero(inputs[k]):
            return None
        return Node(node.op, inputs, dict(node.attrs, sparse=True), node.shape, node.dtype, node.name)
    return rule
