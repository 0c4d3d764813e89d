"""Layout: kernels know channels_last only, so channels_first becomes transposes, and most of these cancel.

One walk from the inputs on. An image operation in channels_first turns into transpose, channels_last, transpose; and a
transpose met on the way sinks below what does not care about the order of axes (elementwise operations, reductions,
joins, pads, slices) until it meets the next image operation's, or the end. What remains stands at the borders.
"""

from ..graph import LEAVES, Node
from ..ops import core
from ..ops.facts import inverse
from ..ops.windows import first_order, last_order


def layout(graph):
    """The graph without channels_first. A graph with neither it nor a transpose is returned as it is."""
    if not any(n.op == 'transpose' or n.attrs.get('data_format') == 'channels_first' for n in graph.nodes()):
        return graph

    def rule(node, inputs):
        if node.op in LEAVES:
            return node
        if node.attrs.get('data_format') == 'channels_first':
            return _channels_last(node, inputs)
        if node.op == 'transpose':
            return transposed(inputs[0], node.attrs['axes'], node.name)
        if any(i.op == 'transpose' for i in inputs):
            return _sunk(node, inputs)
        return None

    return graph.rewrite(rule)


def transposed(x, axes, name=None):
    """transpose(x, axes), composed with the transpose that x is; x itself where nothing moves."""
    axes = tuple(axes)
    if x.op == 'transpose':
        before = x.attrs['axes']
        x, axes = x.inputs[0], tuple(before[a] for a in axes)
    if axes == tuple(range(len(axes))):
        return x
    return Node('transpose', (x,), {'axes': axes}, [x.shape[a] for a in axes], x.dtype, name or x.name)


def _channels_last(node, inputs):
    images = core.record(node.op).images
    inputs = [transposed(x, last_order(x.ndim)) if k in images else x for k, x in enumerate(inputs)]
    attrs = dict(node.attrs, data_format='channels_last')
    if -1 not in images:
        return Node(node.op, inputs, attrs, node.shape, node.dtype, node.name)
    shape = [node.shape[a] for a in last_order(node.ndim)]
    return transposed(Node(node.op, inputs, attrs, shape, node.dtype, node.name), first_order(node.ndim))


def _sunk(node, inputs):
    """The node with a transpose moved from its inputs to its result, or None."""
    record = core.record(node.op)
    if record.micro is not None:
        return _sunk_elementwise(node, inputs)
    orders = {x.attrs['axes'] if x.op == 'transpose' else None for x in inputs} if record.sink is not None else ()
    if len(orders) != 1 or None in orders:
        return None
    order, = orders
    sunk = record.sink(node, order)
    if sunk is None:
        return None
    attrs, left = sunk
    shape = [node.shape[a] for a in inverse(left)]
    return transposed(Node(node.op, [x.inputs[0] for x in inputs], attrs, shape, node.dtype, node.name), left)


def _sunk_elementwise(node, inputs):
    full = [x for x in inputs if x.shape == node.shape]
    orders = [x.attrs['axes'] for x in full if x.op == 'transpose']
    if not orders:
        return None
    axes = max(orders, key=orders.count)
    if 2 * orders.count(axes) < len(full):
        return None  # more transposes would come than go
    back = inverse(axes)
    moved = [_as_source(x, back, node.ndim) for x in inputs]
    shape = [node.shape[a] for a in back]
    return transposed(Node(node.op, moved, node.attrs, shape, node.dtype, node.name), axes)


def _as_source(x, back, rank):
    """An operand of an elementwise operation in the order before the transpose; leading axes are added for
    broadcasting."""
    if x.size == 1:
        return x
    if x.ndim < rank:
        shape = (1,) * (rank - x.ndim) + x.shape
        x = Node('reshape', (x,), {'shape': shape}, shape, x.dtype, x.name)
    moved = transposed(x, back)
    if moved is not x and moved.op == 'transpose' and moved.inputs[0] is x and _order_kept(x.shape, back):
        return Node('reshape', (x,), {'shape': moved.shape}, moved.shape, x.dtype, x.name)
    return moved


def _order_kept(shape, axes):
    real = [a for a in axes if shape[a] != 1]
    return real == sorted(real)
