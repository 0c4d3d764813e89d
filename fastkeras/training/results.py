"""What the loss and metric functions of a user return, made into tensors of the step that is traced."""

from fastkeras import ops
from fastkeras.graph.graph import LEAVES, toposort
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor


def as_result(value, what, like):
    """What a function returned as a tensor; a constant takes the float type of `like`. what: names the function in
    the ValueError for None and for what holds no numbers."""
    if value is None:
        raise ValueError(f'{what} returned None; it must return a tensor, an array or a number (is a return missing?)')
    try:
        value = ops.convert_to_tensor(value)
        if not isinstance(value, Tensor):
            value = core.tensor(value, like.dtype if value.dtype.kind == 'f' and like.dtype in core.FLOATS else None)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{what} must return a tensor, an array or a number, got {value!r:.80}: {error}') from None
    return value


def with_step_values(tensor, values, what):
    """The tensor with the values of this step in place of the Keras tensors of the model that a function has closed
    over.

    values: id of a Keras tensor → its tensor in this trace. ValueError, naming the function, for a Keras tensor that
    the model does not compute.
    """
    nodes = toposort([tensor])
    if not any(map(_is_described, nodes)):
        return tensor
    new = {}
    for node in nodes:
        if _is_described(node):
            new[id(node)] = _step_value(node, values, what)
        elif node.op not in LEAVES and any(id(i) in new for i in node.inputs):
            new[id(node)] = core.apply(node.op, tuple(new.get(id(i), i) for i in node.inputs), **node.attrs)
    return new[id(tensor)]


def _is_described(node):
    """Whether a node is a leaf of the description of a model, and no placeholder of the trace."""
    return node.op == 'input' and 'index' not in node.attrs


def _step_value(node, values, what):
    origin = node.attrs.get('mask_of')
    found = values.get(id(node if origin is None else origin))
    if found is not None and origin is not None:
        found = found._keras_mask
    if found is None:
        raise ValueError(f'{what} uses the Keras tensor {node!r}, which the model does not compute between its inputs '
                         f'and outputs; use model.add_loss(…) or add_metric(…) for it, or make it an output')
    return found


def depends_on(tensor, variables):
    """Whether the tensor is computed from one of the variables."""
    wanted = {id(v) for v in variables}
    return any(node.op == 'variable' and id(node.attrs['var']) in wanted for node in toposort([tensor]))
