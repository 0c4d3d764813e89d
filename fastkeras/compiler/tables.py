"""Rows of a table that go through a product with a fixed matrix are rows of the table's product, which is made once.

    gather(table, i) · w + bias        is        gather(table · w + bias, i)        to the last bit

Hoisting then makes the new table outside of the plan, once for each version of its weights. That takes as long as many runs, so
this pass is left out of the first plan of a graph; `runtime.settled` asks for it where weights stay as they are.
"""

from ..graph import Node, toposort

LARGEST = 64 << 20      # bytes of all new tables of a graph
NARROWEST = 48          # columns of a table: a row of fewer is multiplied as fast as a row of the product comes from memory


def tables(graph):
    """The graph that reads such products from tables."""
    found = {id(chain[-1]): chain for chain in _found(graph)}
    if not found:
        return graph
    parts = {id(n) for chain in found.values() for n in chain}
    made = {}       # id of a node of these → its inputs in the new graph

    def rule(node, inputs):
        if id(node) in parts:
            made[id(node)] = inputs
        if id(node) not in found:
            return None
        rows, *moved, product, last = found[id(node)]
        (table, index), (_, w) = made[id(rows)], made[id(product)]
        width = node.shape[-1]
        shape = table.shape[0], width
        new = Node('matmul', (table, w), product.attrs, shape, node.dtype, node.name)
        if last is not product:
            new = Node('add', [new if i is product else j for i, j in zip(node.inputs, inputs)], node.attrs, shape, node.dtype,
                       node.name)
        new = Node('gather', (new, index), {'axis': 0}, (*index.shape, width), node.dtype, rows.name)
        for m in moved:
            shape = (*m.shape[:-1], width)
            new = Node(m.op, (new,), {'shape': shape} if m.op == 'reshape' else m.attrs, shape, node.dtype, m.name)
        return new
    return graph.rewrite(rule)


def worth(graph):
    """(variables that new tables are made of, rows that all of them have, rows that a run reads of them), or None where there
    is none to make."""
    found = _found(graph)
    if not found:
        return None
    static = graph.static()
    read = [i for rows, *_, product, last in found for n in (rows, product, last) for i in n.inputs if id(i) in static]
    sources = {id(n.attrs['var']): n.attrs['var'] for n in toposort(read) if n.op == 'variable'}
    return (list(sources.values()), sum(rows.inputs[0].shape[0] for rows, *_ in found),
            sum(rows.inputs[1].size for rows, *_ in found))


def _found(graph):
    """[(gather, what moves its rows, …, product, that or what adds its bias)]"""
    gathers = [n for n in graph.nodes() if n.op == 'gather' and n.attrs['axis'] == 0 and n.dtype == 'float32'
               and n.inputs[0].ndim == 2 and n.inputs[0].shape[1] >= NARROWEST]
    if not gathers:
        return []
    static, users, roots = graph.static(), graph.users(), {id(n) for n in graph.roots()}
    found, room = [], LARGEST
    for rows in gathers:
        table, index = rows.inputs
        if id(table) not in static or id(index) in static or index.dtype != 'int32':
            continue
        for chain in _moved(rows, users):
            product, w = chain[-1], chain[-1].inputs[1]
            size = table.shape[0] * product.shape[-1] * 4
            if id(w) not in static or w.ndim != 2 or not 0 < size <= room:
                continue
            room -= size
            readers, last = users.get(id(product), ()), product
            if len(readers) == 1 and id(product) not in roots and _adds_bias(readers[0], product, static):
                last, = readers
            found.append((*chain, last))
    return found


def _moved(rows, users):
    """[(rows, nodes that only move them, …, a product of them)]"""
    found, stack = [], [(rows,)]
    while stack:
        chain = stack.pop()
        x = chain[-1]
        for n in users.get(id(x), ()):
            if n.op == 'matmul' and n.inputs[0] is x and not n.attrs['transpose_a']:
                found.append((*chain, n))
            elif n.op == 'reshape' and n.shape[-1:] == rows.shape[-1:] or (
                    n.op == 'transpose' and n.attrs['axes'][-1] == x.ndim - 1):
                stack.append((*chain, n))
    return found


def _adds_bias(node, product, static):
    return node.op == 'add' and node.shape == product.shape and any(
        id(i) in static and i.shape == product.shape[-1:] for i in node.inputs)
