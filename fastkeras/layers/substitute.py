"""The description of a model, done again on other tensors.

Between Keras tensors lie calls of layers (a Node each) and ops that nobody gave a layer (a Tensor each). A model that runs, its
copy, a loss that has closed over a Keras tensor, a function of intermediate outputs: all of them do these steps once more.
"""

from fastkeras.graph import LEAVES
from fastkeras.ops import core
from fastkeras.utils import nest

from . import context
from .history import Node


def step_of(tensor):
    """What makes a tensor: the Node of a call, the tensor itself where it is the result of an op; None for a leaf."""
    tensor = with_mask_of(tensor)
    history = tensor._keras_history
    if history is not None:
        return history.layer._inbound_nodes[history.node_index]
    return None if tensor.op in LEAVES else tensor


def made_by(tensor):
    """(the node of the op that makes it, which of its results it is: None for the only one)."""
    return (tensor.inputs[0], tensor.attrs['index']) if tensor.op == 'result' else (tensor, None)


def steps_to(ends, step_of=step_of):
    """(the steps that the tensors `ends` need, each after those it needs itself; the same in the order in which they are
    met from the ends). step_of: what makes a tensor, None where no more is asked."""
    order, done, met = [], set(), {}
    stack = []

    def push(tensor):
        step = step_of(tensor)
        if step is not None and id(step) not in done:
            stack.append((step, False))

    for end in ends:
        push(end)
        while stack:
            step, ready = stack.pop()
            if id(step) in done:
                continue
            if ready:
                done.add(id(step))
                order.append(step)
                continue
            met.setdefault(id(step), step)
            stack.append((step, True))
            for t in reversed(step.input_tensors if isinstance(step, Node) else made_by(step)[0].inputs):
                push(t)
    return order, list(met.values())


def substitute(steps, values, again=None, missing=None):
    """Do the steps on other tensors; returns the function tensor → what takes its place.

    values: id of a Keras tensor → what takes its place; what the steps give is added. again(layer, inputs, arguments) makes
    a call of a layer again, unless given by the layer itself. An op that reads nothing new stays the node it is.
    missing(tensor): the error to raise for a Keras tensor that nothing takes the place of.
    """
    def value(tensor):
        found = values.get(id(tensor))
        if found is not None:
            return found
        origin = with_mask_of(tensor)
        if origin is not tensor:
            return value(origin)._keras_mask
        if is_described(tensor):
            raise (missing or _missing)(tensor)
        return tensor

    def operand(tensor):
        if tensor.op == 'variable':
            return tensor.attrs['var'].__fastkeras_tensor__()
        found = value(tensor)
        if found is None:       # the mask of what has none
            raise (missing or _missing)(tensor)
        return found

    for step in steps:
        if not isinstance(step, Node):
            node, result = made_by(step)
            if any(id(i) in values or is_described(i) for i in node.inputs):
                made = core.apply(node.op, tuple(map(operand, node.inputs)), **node.attrs)
                values[id(step)] = made if result is None else made[result]
        elif not all(t is None or id(t) in values for t in step.output_tensors):
            inputs, arguments = step.filled(value)
            made = again(step.layer, inputs, arguments) if again is not None else _called(step, inputs, arguments)
            for t, y in zip(step.output_tensors, nest.flatten(made)):
                if t is not None:
                    values.setdefault(id(t), y)     # an input from inside another graph has its value already
    return value


def _called(step, inputs, arguments):
    if step.phase is None:
        return step.layer(inputs, **arguments)
    with context.fixed_phase(step.phase):
        return step.layer(inputs, **arguments)


def is_described(tensor):
    """Whether a tensor is a leaf of the description of a model, and no placeholder of a trace."""
    return tensor.op == 'input' and 'index' not in tensor.attrs


def with_mask_of(tensor):
    """For the mask of a Keras tensor, that tensor."""
    origin = tensor.attrs.get('mask_of') if tensor.op == 'input' else None
    return tensor if origin is None else origin


def _missing(tensor):
    return ValueError(f'nothing takes the place of the Keras tensor {tensor!r}')
