"""Reverse-mode differentiation, graph to graph: each op's vjp says how, this file says in which order."""

from ..graph import toposort
from ..ops import core


def gradients(loss, wrt):
    """Symbolic gradients of a scalar with respect to tensors or variables.

    loss: a Tensor of size 1. wrt: list of Tensors or Variables. Returns a list of Tensors of the same shapes; None where the
    loss does not depend on the entry. Raises ValueError when the loss is not a scalar, or an op on the way has no gradient.
    """
    if any(d != 1 for d in loss.shape):
        raise ValueError(f'gradients: the loss must be a scalar, got shape {loss.shape}; reduce it, with ops.mean say')
    return pullback([loss], [core.constant(1.0, dtype=loss.dtype, shape=loss.shape)], [core.symbolic(t) for t in wrt])


def pullback(outputs, cotangents, wrt):
    """Gradients of the sum of outputs times cotangents with respect to Tensors; None where it does not depend on one."""
    order = toposort(outputs)
    needed = {id(t) for t in wrt}
    for node in order:
        if any(id(i) in needed for i in node.inputs):
            needed.add(id(node))
    found, several = {}, {}

    def add(node, ct):
        old = found.get(id(node))
        found[id(node)] = ct if old is None else core.apply('add', (old, ct))

    for node, ct in zip(outputs, cotangents):
        add(node, ct)
    for node in reversed(order):
        ct = several.get(id(node)) or found.get(id(node))
        if ct is None or not node.inputs or id(node) not in needed:
            continue
        if node.op == 'result':
            source, = node.inputs
            cts = several.setdefault(id(source), {})
            cts[node.attrs['index']] = ct
            continue
        record = core.record(node.op)
        if record.vjp is None:
            raise ValueError(f'gradients: the op {node.op!r} has no gradient' + (f' (in {node.name!r})' if node.name else ''))
        with core.named(node.name):
            for source, part in zip(node.inputs, record.vjp(node, ct)):
                if part is not None and id(source) in needed:
                    add(source, part)
    return [found.get(id(t)) for t in wrt]


core.set_pullback(pullback)
