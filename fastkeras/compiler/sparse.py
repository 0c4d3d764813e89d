"""Sparse updates: where the gradient of a table is a scatter_add of few rows, and the optimizer's formula leaves a row
without gradient exactly as it is (SGD, Adagrad), the formula is computed for the touched rows alone.

    table ← table - rate · scatter_add(idx, u)        is        rows = touched(idx); g = scatter_add(place in rows, u)
                                                                table[rows] = table[rows] - rate · g

Each row's sum and formula are those of the dense form: finite results are the same to the last bit. (What is not finite, as a
rate of NaN, reaches the touched rows alone.)
"""

from ..graph import LEAVES, Graph, Node, toposort
from ..ops import core
from ..ops.facts import ZERO


def sparse(graph):
    nodes, users = graph.nodes(), graph.users()
    found = {}
    for var, value in graph.updates:
        tree = _tree(var, value)
        if tree is not None:
            found.setdefault(id(tree[0]), []).append((var, value, *tree))
    replaced = {}
    for group in found.values():
        if _allowed(group, graph, nodes, users):
            _rows_of(group, replaced)
    if not replaced:
        return graph
    return Graph(graph.inputs, graph.outputs, [(v, replaced.get(id(v), n)) for v, n in graph.updates])


def _tree(var, value):
    """(scatter_add, the elementwise nodes between it and the new value), or None where the formula is not of this kind."""
    shape, members, scattered, stack = tuple(var.shape), {}, {}, [value]
    while stack:
        n = stack.pop()
        if id(n) in members or n.size == 1:
            continue
        if n.shape != shape or n.dtype != 'float32':
            return None
        if n.op == 'scatter_add' and n.attrs['axis'] == 0:
            scattered[id(n)] = n
        elif n.op not in LEAVES and core.record(n.op).micro is not None:
            members[id(n)] = n
            stack += n.inputs
        elif n.op != 'variable':
            return None
    if len(scattered) != 1:
        return None
    grad, = scattered.values()
    if not 0 < 2 * grad.inputs[0].size <= shape[0] or grad.inputs[0].dtype != 'int32':
        return None
    kept = _without_gradient(value, grad, {})
    if kept is None or kept == 'zero' or kept.op != 'variable' or kept.attrs['var'] is not var:
        return None
    return grad, members


def _without_gradient(n, grad, known):
    """What n is where the gradient is 0: 'zero', a variable's leaf, or None when that is not known."""
    if id(n) in known:
        return known[id(n)]
    result = 'zero' if n is grad else n if n.op == 'variable' else None
    rule = core.record(n.op).zeros
    if result is None and rule is not None:
        parts = [_without_gradient(i, grad, known) for i in n.inputs]
        which = rule([p == 'zero' for p in parts])
        result = None if which is None else 'zero' if which == ZERO else parts[which]
    known[id(n)] = result
    return result


def _allowed(group, graph, nodes, users):
    """Whether nothing else reads the gradient or what is made of it, and nothing reads a variable after its update. Other
    readers before it must be gathers: a view, or an elementwise value that is computed again where it is read, would see the
    new rows."""
    grad = group[0][2]
    inside = {k for *_, members in group for k in members}
    before = {id(n) for n in toposort([grad])}
    values = [n for _, n in graph.updates]
    final = {id(n) for n in graph.outputs} | {id(n) for n in values if sum(n is m for m in values) > 1}
    if id(grad) in final or any(id(u) not in inside for n in (grad, *(m for *_, ms in group for m in ms.values()))
                                for u in users.get(id(n), ())):
        return False
    ends = {id(value) for _, value, *_ in group}
    if inside & final or any(k in {id(n) for n in values} and k not in ends for k in inside):
        return False
    for var, *_ in group:
        for leaf in (n for n in nodes if n.op == 'variable' and n.attrs['var'] is var):
            if id(leaf) in final or any(leaf is n for n in values):
                return False
            if any(id(u) not in inside and (u.op != 'gather' or id(u) not in before) for u in users.get(id(leaf), ())):
                return False
    return True


def _rows_of(group, replaced):
    """id(variable) → its new value, made of the touched rows."""
    grad = group[0][2]
    indices, u = grad.inputs
    size, inner, n, name = grad.shape[0], grad.shape[1:], indices.size, grad.name

    def node(op, inputs, attrs, shape, dtype='float32'):
        return Node(op, inputs, attrs, shape, dtype, name)

    both = node('touched', [indices], {'size': size}, (2, n), 'int32')
    rows, place = (node('reshape', [node('slice', [both], {'key': ((k, k + 1, 1), (0, n, 1))}, (1, n), 'int32')],
                        {'shape': (n,)}, (n,), 'int32') for k in range(2))
    read = node('maximum', [rows, node('const', [], {'value': 0}, (), 'int32')], {}, (n,), 'int32')
    flat = node('reshape', [u], {'shape': (n, *inner)}, (n, *inner))
    new = {id(grad): node('scatter_add', [place, flat], {'axis': 0, 'size': n}, (n, *inner))}

    def of_rows(x):
        if id(x) not in new:
            if x.size == 1:
                new[id(x)] = x
            elif x.op == 'variable':
                new[id(x)] = node('gather', [x, read], {'axis': 0}, (n, *inner))
            else:
                new[id(x)] = Node(x.op, [of_rows(i) for i in x.inputs], x.attrs, (n, *inner), x.dtype, x.name)
        return new[id(x)]

    for var, value, *_ in group:
        leaf = next(i for i in toposort([value]) if i.op == 'variable' and i.attrs['var'] is var)
        replaced[id(var)] = node('put_rows', [leaf, rows, of_rows(value)], {'in_place': True}, grad.shape)
