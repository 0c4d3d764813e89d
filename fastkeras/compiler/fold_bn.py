"""Folding: a per-channel affine of static values behind a convolution or matrix product goes into its weights.

conv(x, w)·s + t = conv(x, w·s) + t where s and t depend on variables alone, as batch normalisation's do at inference. The
products w·s are static, so that hoisting computes them once per version of the weights.
"""

from ..graph import LEAVES, remake
from ..ops import core
from ..ops.tensor import Tensor


def fold_bn(graph):
    nodes = graph.nodes()
    users = graph.users()
    wanted = {id(n) for n in graph.roots()}
    static = graph.static()
    replaced = {}
    for n in nodes:
        affine = core.record(n.op).affine
        place = affine(n) if affine is not None and id(n) not in static else None
        if place is not None and id(n.inputs[place[0]]) in static:
            end, chain = _follow(n, users, wanted, static)
            if chain:
                replaced[id(end)] = (n, place, chain)
    if not replaced:
        return graph

    new = {}

    def rule(node, inputs):
        made = node
        if id(node) in replaced:
            conv, place, chain = replaced[id(node)]
            made = _folded(conv, [_tensor(new[id(i)]) for i in conv.inputs], place, chain)
        elif node.op not in LEAVES:
            made = remake(node, inputs)
        new[id(node)] = made
        return made

    return graph.rewrite(rule)


def _follow(conv, users, wanted, static):
    """The last node of the chain of affines behind conv, and the chain: a list of (what it does to scale and shift, static
    node); empty where nothing scales."""
    channels = conv.shape[-1]
    node, chain, scaled = conv, [], False
    while id(node) not in wanted and len(users.get(id(node), ())) == 1:
        user = users[id(node)][0]
        linear = core.record(user.op).linear
        if linear is None or user.inputs[0] is user.inputs[1]:
            break
        side = 0 if user.inputs[0] is node else 1
        other = user.inputs[1 - side]
        if side not in linear or id(other) not in static or not _per_channel(other, channels) or user.shape != node.shape:
            break
        chain.append((linear[side], other))
        scaled = scaled or linear[side](None, None, 1.0)[0] is not None
        node = user
    return (node, chain) if scaled else (conv, [])


def _per_channel(node, channels):
    return node.size == 1 or (node.shape[-1] == channels and node.size == channels)


def _tensor(node):
    return node if isinstance(node, Tensor) else Tensor(node.op, node.inputs, node.attrs, node.shape, node.dtype, node.name)


def _flat(node):
    return core.apply('reshape', (_tensor(node),), shape=(node.size,))


def _folded(conv, inputs, place, chain):
    """conv on its new inputs with the chain's scale in its weight and the chain's shift added behind it."""
    scale = shift = None
    for step, other in chain:
        scale, shift = step(scale, shift, _flat(other))
    index, shape = place
    w, scale = inputs[index], core.tensor(scale, conv.dtype)
    shape = (1,) * w.ndim if scale.size == 1 else shape
    inputs[index] = core.apply('multiply', (w, core.apply('reshape', (scale,), shape=shape)))
    out = Tensor(conv.op, tuple(inputs), conv.attrs, conv.shape, conv.dtype, conv.name)
    return out if shift is None else core.apply('add', (out, shift))
