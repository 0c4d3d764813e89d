"""Layout: kernels know channels_last only, so channels_first becomes transposes, and most of these cancel.

One walk from the inputs on. An image operation in channels_first turns into transpose, channels_last, transpose; and a
transpose met on the way sinks below what does not care about the order of axes (elementwise operations, reductions,
joins, pads, slices) until it meets the next image operation's, or the end. What remains stands at the borders.
"""

from ..graph import LEAVES, Node
from ..ops import core

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)

# op → which of its inputs are images; the result is one too, unless the op makes a kernel
IMAGES = {
    'conv2d': (0,), 'conv2d_dx': (0,), 'conv2d_dw': (0, 1),
    'depthwise_conv2d': (0,), 'depthwise_conv2d_dx': (0,), 'depthwise_conv2d_dw': (0, 1),
    'max_pool2d': (0,), 'max_pool2d_dx': (0, 1, 2), 'max_pool2d_take': (0, 1, 2),
    'avg_pool2d': (0,), 'avg_pool2d_dx': (0,),
}
KERNEL_RESULT = ('conv2d_dw', 'depthwise_conv2d_dw')
REDUCTIONS = ('sum', 'max', 'min', 'prod', 'mean', 'all', 'any')
SAME_RANK = ('concatenate', 'pad', 'slice', 'place')
PER_AXIS = ('widths', 'key', 'shape')  # their attributes with an entry for each axis


def layout(graph):
    """The graph without channels_first. A graph with neither it nor a transpose is returned as it is."""
    if not any(n.op == 'transpose' or n.attrs.get('data_format') == 'channels_first' for n in graph.nodes()):
        return graph

    def rule(node, inputs):
        if node.op in LEAVES:
            return node
        if node.op in IMAGES and node.attrs['data_format'] == 'channels_first':
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


def _inverse(axes):
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def _channels_last(node, inputs):
    inputs = [transposed(x, TO_LAST) if k in IMAGES[node.op] else x for k, x in enumerate(inputs)]
    attrs = dict(node.attrs, data_format='channels_last')
    if node.op in KERNEL_RESULT:
        return Node(node.op, inputs, attrs, node.shape, node.dtype, node.name)
    shape = [node.shape[a] for a in TO_LAST]
    return transposed(Node(node.op, inputs, attrs, shape, node.dtype, node.name), TO_FIRST)


def _sunk(node, inputs):
    """The node with a transpose moved from its inputs to its result, or None."""
    if core.record(node.op).micro is not None:
        return _sunk_elementwise(node, inputs)
    if node.op in REDUCTIONS:
        return _sunk_reduction(node, inputs[0])
    if node.op in SAME_RANK and not _free(node):
        return _sunk_same_rank(node, inputs)
    return None


def _free(node):
    """Whether the node is a view, as a step of a sequence whose steps were brought first."""
    view = core.record(node.op).view
    return view is not None and view(node) is not None


def _sunk_elementwise(node, inputs):
    full = [x for x in inputs if x.shape == node.shape]
    orders = [x.attrs['axes'] for x in full if x.op == 'transpose']
    if not orders:
        return None
    axes = max(orders, key=orders.count)
    if 2 * orders.count(axes) < len(full):
        return None  # more transposes would come than go
    back = _inverse(axes)
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


def _sunk_reduction(node, x):
    order = x.attrs['axes']
    axes = node.attrs['axis']
    attrs = dict(node.attrs, axis=tuple(sorted(order[a] for a in axes)))
    if node.attrs['keepdims']:
        shape = [node.shape[a] for a in _inverse(order)]
        return transposed(Node(node.op, x.inputs, attrs, shape, node.dtype, node.name), order)
    left = [order[a] for a in range(x.ndim) if a not in axes]  # of the result's axes, where they are in the source
    place = sorted(left)
    shape = [x.inputs[0].shape[a] for a in place]
    return transposed(Node(node.op, x.inputs, attrs, shape, node.dtype, node.name), [place.index(a) for a in left])


def _sunk_same_rank(node, inputs):
    orders = {x.attrs['axes'] if x.op == 'transpose' else None for x in inputs}
    if len(orders) != 1 or None in orders:
        return None
    order, = orders
    back = _inverse(order)
    attrs = {k: tuple(v[a] for a in back) if k in PER_AXIS else v for k, v in node.attrs.items()}
    if node.op == 'concatenate':
        attrs['axis'] = order[node.attrs['axis'] % node.ndim]
    shape = [node.shape[a] for a in back]
    return transposed(Node(node.op, [x.inputs[0] for x in inputs], attrs, shape, node.dtype, node.name), order)
