"""Reverse-mode differentiation, graph to graph: each op's vjp says how, this file says in which order."""

from ..graph import toposort
from ..ops import core


def gradients(loss, wrt):
    """Symbolic gradients of a scalar with respect to tensors or variables.

    loss: a Tensor of size 1. wrt: list of Tensors or Variables. Returns a list of Tensors of the same shapes; None where the
    loss does not depend on the entry. Raises ValueError when the loss is not a scalar, or an op on the way has no gradient.
    """
    targets = [core.symbolic(t) for t in wrt]
    if any(d != 1 for d in loss.shape):
        raise ValueError(f'gradients: the loss must be a scalar, got shape {loss.shape}; reduce it, with ops.mean say')
    order = toposort([loss])
    needed = {id(t) for t in targets}
    for node in order:
        if any(id(i) in needed for i in node.inputs):
            needed.add(id(node))
    cotangents = {id(loss): core.constant(1.0, dtype=loss.dtype, shape=loss.shape)}
    for node in reversed(order):
        ct = cotangents.get(id(node))
        if ct is None or not node.inputs or id(node) not in needed:
            continue
        record = core.record(node.op)
        if record.vjp is None:
            raise ValueError(f'gradients: the op {node.op!r} has no gradient' + (f' (in {node.name!r})' if node.name else ''))
        with core.named(node.name):
            for source, part in zip(node.inputs, record.vjp(node, ct)):
                if part is None or id(source) not in needed:
                    continue
                old = cotangents.get(id(source))
                cotangents[id(source)] = part if old is None else core.apply('add', (old, part))
    return [cotangents.get(id(t)) for t in targets]
