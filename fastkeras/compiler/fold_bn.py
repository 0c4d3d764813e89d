"""Folding: a per-channel affine of static values behind a convolution or matrix product goes into its weights.

conv(x, w)·s + t = conv(x, w·s) + t where s and t depend on variables alone, as batch normalisation's do at inference. The
products w·s are static, so that hoisting computes them once per version of the weights.
"""

from ..graph import Node
from ..ops import core
from ..ops.tensor import Tensor

# op → (index of the weight, how many of its last axes make the output channels)
WEIGHTED = {'conv2d': (1, 1), 'matmul': (1, 1), 'depthwise_conv2d': (1, 2)}
AFFINE = ('add', 'subtract', 'multiply', 'divide')


def fold_bn(graph):
    updated = {id(v) for v, _ in graph.updates}
    nodes = graph.nodes()
    users = graph.users()
    wanted = {id(n) for n in graph.roots()}
    static = {}
    for n in nodes:
        if n.op == 'variable':
            static[id(n)] = id(n.attrs['var']) not in updated
        else:
            static[id(n)] = n.op == 'const' or bool(n.inputs) and all(static[id(i)] for i in n.inputs)
    replaced = {}
    for n in nodes:
        if n.op in WEIGHTED and not static[id(n)] and static[id(n.inputs[WEIGHTED[n.op][0]])] and _plain(n):
            end, chain = _follow(n, users, wanted, static)
            if chain:
                replaced[id(end)] = (n, chain)
    if not replaced:
        return graph

    new = {}

    def rule(node, inputs):
        if id(node) in replaced:
            conv, chain = replaced[id(node)]
            made = _folded(conv, [_tensor(new[id(i)]) for i in conv.inputs], chain)
        else:
            made = None
        if made is None:
            made = node if not node.inputs and node.op in ('input', 'const', 'variable') else Node(
                node.op, inputs, node.attrs, node.shape, node.dtype, node.name)
        new[id(node)] = made
        return made

    return graph.rewrite(rule)


def _plain(n):
    """Whether the last axis of the result is the output channels of the weight, one for one."""
    if n.op == 'matmul':
        w = n.inputs[1]
        return w.ndim == 2 and n.ndim >= 2 and not n.attrs['transpose_b']
    return n.attrs['data_format'] == 'channels_last'


def _follow(conv, users, wanted, static):
    """The last node of the affine chain behind conv that is worth folding, and the chain up to it: a list of (op, static
    node, on which side the rest stands); empty where nothing scales."""
    channels = conv.shape[-1]
    node, chain, scaled = conv, [], False
    best = (conv, [])
    while id(node) not in wanted and len(users.get(id(node), ())) == 1:
        user = users[id(node)][0]
        if user.op not in AFFINE or len(user.inputs) != 2 or user.inputs[0] is user.inputs[1]:
            break
        side = 0 if user.inputs[0] is node else 1
        other = user.inputs[1 - side]
        if not static[id(other)] or not _per_channel(other, channels) or user.shape != node.shape:
            break
        if user.op in ('divide',) and side == 1:
            break
        chain.append((user.op, other, side))
        scaled = scaled or user.op in ('multiply', 'divide') or (user.op == 'subtract' and side == 1)
        node = user
        if scaled:
            best = (node, list(chain))
    return best


def _per_channel(node, channels):
    return node.size == 1 or (node.shape[-1] == channels and node.size == channels)


def _tensor(node):
    return node if isinstance(node, Tensor) else Tensor(node.op, node.inputs, node.attrs, node.shape, node.dtype, node.name)


def _flat(node):
    return core.apply('reshape', (_tensor(node),), shape=(node.size,))


def _folded(conv, inputs, chain):
    """conv on its new inputs with the chain's scale in its weight and the chain's shift added behind it."""
    scale = shift = None

    def combine(op, a, b):
        return core.apply(op, (a, b))

    for op, other, side in chain:
        v = _flat(other)
        if op == 'add':
            shift = v if shift is None else combine('add', shift, v)
        elif op == 'subtract' and side == 0:
            shift = core.apply('negative', (v,)) if shift is None else combine('subtract', shift, v)
        elif op == 'subtract':
            scale = core.constant(-1.0, dtype=v.dtype, shape=(1,)) if scale is None else core.apply('negative', (scale,))
            shift = v if shift is None else combine('subtract', v, shift)
        else:
            op = 'multiply' if op == 'multiply' else 'divide'
            if op == 'divide' and scale is None:
                scale = combine('divide', core.constant(1.0, dtype=v.dtype, shape=(1,)), v)
            else:
                scale = v if scale is None else combine(op, scale, v)
            if shift is not None:
                shift = combine(op, shift, v)
    index, axis = WEIGHTED[conv.op]
    w = inputs[index]
    shape = (1,) * w.ndim if scale.size == 1 else w.shape[-axis:]
    inputs[index] = core.apply('multiply', (w, core.apply('reshape', (scale,), shape=shape)))
    out = Tensor(conv.op, tuple(inputs), conv.attrs, conv.shape, conv.dtype, conv.name)
    return out if shift is None else core.apply('add', (out, shift))
