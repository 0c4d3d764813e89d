"""Which sums a region takes in, and what is computed where it is read rather than kept."""

from .. import _core
from ..graph import LEAVES, remake
from ..ops import core

MAX_SUMS = _core.limits()['sizes']['sums']        # of one region
MAX_INNER = _core.limits()['sizes']['sum_width']  # elements of one sum
MIN_SIZE = 1 << 14  # elements that are summed: below, nothing is gained beside a reduction with an epilogue


def rows_summed(node):
    """Whether a sum is over the first axes, as of a bias gradient, and its region can take it in. The batch is among them: a
    row of a batch must be summed alike whether it is alone or not."""
    if node.op != 'sum' or node.dtype != 'float32' or node.inputs[0].dtype != 'float32':
        return False
    shape, axes = node.inputs[0].shape, node.attrs['axis']
    kept = [i for i, d in enumerate(shape) if i not in axes and d != 1]
    cut = [i for i in axes if shape[i] != 1]
    return (cut and 0 in axes and node.inputs[0].size >= MIN_SIZE and 0 < node.size <= MAX_INNER and
            (not kept or max(cut) < min(kept)))


def only_summed(nodes, users, tails, wanted, able):
    """ids of the elementwise nodes that sums alone read, all of one number of rows: they belong to their region."""
    inner = {id(s): s.size for s in nodes if id(s) in tails}
    for n in reversed(nodes):
        if n.serial not in able or id(n) in wanted or n.op in LEAVES:
            continue
        of = None
        for u in users.get(id(n), ()):
            rows = inner.get(id(u)) if id(u) in tails or u.size == n.size else None
            if rows is None or of not in (None, rows):
                break
            of = rows
        else:
            if of is not None:
                inner[id(n)] = of
    return inner.keys() - tails


def materialised(nodes, wanted, able):
    """ids of the values that stand in memory in any case: something other than elementwise work reads them."""
    found = {id(n) for n in nodes if n.op in LEAVES} | wanted
    for n in nodes:
        if n.serial not in able:
            found.update(map(id, n.inputs))
    return found


def recompute(graph, able):
    """Light operations on a value that stands in memory in any case, such as x - mean, once for each reader: each region
    then makes them itself, and none is kept. able: serials of the elementwise nodes; those of new ones are added. Returns
    (graph, ids of these nodes)."""
    nodes = graph.nodes()
    kept = materialised(nodes, {id(n) for n in graph.roots()}, able)

    def light(n):
        if id(n) in kept or n.serial not in able or not core.record(n.op).light:
            return False
        full = [i for i in n.inputs if i.size == n.size]
        return len(full) == 1 and id(full[0]) in kept and all(8 * i.size <= n.size for i in n.inputs if i is not full[0])

    again = {id(n) for n in nodes if light(n)}
    if not again:
        return graph, again
    made = set()

    def copy(old, new):
        if id(old) not in again:
            return new
        new = remake(new, new.inputs)
        able.add(new.serial)
        made.add(id(new))
        return new

    def rule(node, inputs):
        if node.op in LEAVES:
            return node
        for i in node.inputs:
            if id(i) in again:
                inputs = [copy(old, new) for old, new in zip(node.inputs, inputs)]
                break
        new = remake(node, inputs)
        if node.serial in able:
            able.add(new.serial)
        return new
    return graph.rewrite(rule), made
