"""Rows of a sequence that only a scan reads are made in the round that reads them, where they are many.

Products of all steps at once, such as the projections of a recurrent network's inputs, are longer than the caches: each round
would wait for its row of them. A round's own product of enough rows is as fast as the long one, and its result is still near.
Each row is made as before, to the last bit.
"""

from .. import _core
from ..graph import LEAVES, Body, Node
from ..ops import core
from ..ops.bodies import inlined

LEAST = 1 << 20         # bytes of a sequence: a shorter one stays in the cache
ROWS = 16               # of a share of a round: a product of fewer takes longer than its part of the long one
LARGEST = 1 << 19       # bytes of a matrix: all that rounds read has to stay in a core's own cache


def into_rounds(graph):
    """The graph with such products and lookups in the bodies of its scans."""
    while True:
        found = _found(graph)
        if not found:
            return graph
        skipped = {id(n) for _, chain in found.values() for n in chain}
        made = {}   # id of a node of these chains → its inputs in the new graph

        def rule(node, inputs, found=found, skipped=skipped, made=made):
            if id(node) in skipped:
                made[id(node)] = inputs
            return _with(node, inputs, *found[id(node)], made) if id(node) in found else None
        graph = graph.rewrite(rule)


def _found(graph):
    """{id(scan): (index of a sequence, what makes it: an operation on rows, perhaps what adds its bias)}"""
    found, users, roots = {}, None, None
    for node in graph.nodes():
        record = core.record(node.op) if node.op != 'result' and node.inputs else None
        if record is None or not record.rounds:
            continue
        if users is None:
            users, roots = graph.users(), {id(n) for n in graph.roots()}
        first = node.attrs['carries']
        for k in range(first, first + node.attrs['sequences']):
            chain = _chain(node.inputs[k], users, roots)
            if chain is not None:
                found[id(node)] = k, chain
                break
    return found


def _steps(node):
    return core.record(node.op).steps(node) if node.op not in LEAVES and core.record(node.op).steps is not None else None


def _chain(value, users, roots):
    """[what makes a sequence step by step, perhaps what adds its bias], or None where rounds had better not make it."""
    if value.ndim != 3 or value.dtype != 'float32' or value.size * 4 < LEAST:
        return None
    chain = [value]
    if value.op == 'add':
        source, = [i for i in value.inputs if _steps(i) is not None][:1] or [None]
        if source is None or source.shape != value.shape or not any(i.shape == value.shape[-1:] for i in value.inputs):
            return None
        chain = [source, value]
    if any(len(users.get(id(n), ())) != 1 or id(n) in roots for n in chain):
        return None
    source, steps = chain[0], _steps(chain[0])
    if steps is None:
        return None
    moving, fixed = (source.inputs[k] for k in steps)
    if core.record(source.op).flops is None:        # a lookup, which reads its rows of the table alone
        return chain if len(chain) == 1 and moving.ndim == fixed.ndim == 2 else None
    fits = moving.ndim == 3 and fixed.size * 4 <= LARGEST
    return chain if fits and moving.shape[1] // _core.threads() >= ROWS else None


def _with(scan, inputs, k, chain, made):
    """The scan whose rounds make their row of sequence k."""
    attrs, body = scan.attrs, scan.attrs['body']
    source = chain[0]
    steps = _steps(source)
    rows, fixed = (made[id(source)][k] for k in steps)
    given = [*inputs[:k], rows, *inputs[k + 1:], fixed]
    row, steady = (Node('input', (), {}, s, n.dtype) for s, n in ((rows.shape[1:], rows), (fixed.shape, fixed)))
    shape = source.shape[1:]
    value = Node(source.op, (row, steady) if steps == (0, 1) else (steady, row), source.attrs, shape, source.dtype, source.name)
    behind = [steady]
    if len(chain) == 2:
        total = chain[1]
        bias, = [i for old, i in zip(total.inputs, made[id(total)]) if old is not source]
        given.append(bias)
        behind.append(Node('input', (), {}, bias.shape, bias.dtype))
        value = Node('add', [value if old is source else behind[1] for old in total.inputs], total.attrs, shape, total.dtype,
                     total.name)
    outputs, _ = inlined(body, [*body.inputs[:k], value, *body.inputs[k + 1:]])
    body = Body([*body.inputs[:k], row, *body.inputs[k + 1:], *behind], outputs)
    return Node(scan.op, given, {**attrs, 'body': body}, scan.shape, scan.dtype, scan.name)
