"""The pass for loops and choices: scans of the same things become one, what nobody reads goes, and bodies are optimised.

A scan whose rows do not meet gets a body for each share of the rows, to be run by one thread. The attribute `made` takes them:
a tuple of (first row, behind the last, graph), in which others have one for each body.
"""

from .. import _core
from ..graph import LEAVES, Body, Graph, Node
from ..ops import core
from ..ops.bodies import inlined
from . import rows
from .into_rounds import into_rounds

ROWS = 4            # of a share, at least: fewer cost more for their weights than a second thread brings
WORK = 1 << 14      # elements that all rounds make: below, a team takes longer to meet


def loops(graph, optimised, tidy=True):
    """optimised(graph) → graph: the passes for bodies. tidy: also merge and prune."""
    if not any(_bodies(n) for n in graph.nodes()):
        return graph
    if tidy:
        graph = into_rounds(_pruned(_merged(graph)))

    def rule(node, inputs):
        attribute = _bodies(node)
        if not attribute:
            return None
        if core.record(node.op).rounds:
            parts = _shares(node)
        else:
            bodies = node.attrs[attribute]
            parts = [(0, 0, _plain(b)) for b in (bodies if isinstance(bodies, tuple) else (bodies,))]
        made = tuple((lo, hi, optimised(body)) for lo, hi, body in parts)
        return Node(node.op, inputs, {**node.attrs, 'made': made}, node.shape, node.dtype, node.name)
    return graph.rewrite(rule)


def _bodies(node):
    return core.record(node.op).bodies if node.op not in LEAVES else None


def _is_scan(node):
    return node.op not in LEAVES and core.record(node.op).rounds


def _plain(body):
    return Graph(body.inputs, body.outputs)


# ---- one scan for several
def _merged(graph):
    """Scans of the same inputs, whose carried values are the same, become one with the stacks of all: a gradient asks for the
    rounds of a scan once more, with more of what they make."""
    groups = {}
    for node in graph.nodes():
        if _is_scan(node):
            a = node.attrs
            key = (a['carries'], a['sequences'], a['length'], a['reverse'], *map(id, node.inputs))
            groups.setdefault(key, []).append(node)
    member = {}     # id(scan) → (joint attributes of its group, index of a result → index in the joint one)
    for nodes in groups.values():
        member.update(_joint(nodes) if len(nodes) > 1 else {})
    if not member:
        return graph
    made = {}

    def rule(node, inputs):
        if id(node) in member:
            joint = member[id(node)][0]
            if id(joint) not in made:
                made[id(joint)] = Node(node.op, inputs, joint, (), node.dtype, node.name)
            return made[id(joint)]
        if node.op == 'result' and id(node.inputs[0]) in member:
            index = member[id(node.inputs[0])][1][node.attrs['index']]
            return Node('result', inputs, {'index': index}, node.shape, node.dtype, node.name)
        return None
    return graph.rewrite(rule)


def _joint(nodes):
    first = nodes[0]
    count, known = first.attrs['carries'], {}
    numbers = first.attrs['body'].numbered(known)
    outputs = list(first.attrs['body'].outputs)
    place = {}
    for k, n in enumerate(outputs[count:], count):
        place.setdefault(numbers[id(n)], k)
    carried = [numbers[id(n)] for n in outputs[:count]]
    joint, member = dict(first.attrs), {}
    member[id(first)] = joint, list(range(len(outputs)))
    for node in nodes[1:]:
        body = node.attrs['body']
        numbers = body.numbered(known)
        if [numbers[id(n)] for n in body.outputs[:count]] != carried:
            continue
        made, _ = inlined(body, first.attrs['body'].inputs)
        index = list(range(count))
        for n, new in zip(body.outputs[count:], made[count:]):
            k = place.setdefault(numbers[id(n)], len(outputs))
            if k == len(outputs):
                outputs.append(new)
            index.append(k)
        member[id(node)] = joint, index
    joint['body'] = Body(first.attrs['body'].inputs, outputs)
    return member if len(member) > 1 else {}


# ---- what nobody reads
def _pruned(graph):
    users = graph.users()
    wanted = {id(n) for n in graph.roots()}
    plans = {}
    for node in graph.nodes():
        if _is_scan(node):
            read = {u.attrs['index'] for u in users.get(id(node), ()) if users.get(id(u)) or id(u) in wanted}
            plan = _plan(node, read)
            if plan is not None:
                plans[id(node)] = plan
    if not plans:
        return graph

    def rule(node, inputs):
        if id(node) in plans:
            ins, attrs, _ = plans[id(node)]
            return Node(node.op, [inputs[k] for k in ins], attrs, (), node.dtype, node.name)
        if node.op == 'result' and id(node.inputs[0]) in plans:
            index = plans[id(node.inputs[0])][2].get(node.attrs['index'])
            if index is not None:
                return Node('result', inputs, {'index': index}, node.shape, node.dtype, node.name)
        return None
    return graph.rewrite(rule)


def _plan(node, read):
    """(inputs that stay, attributes, index of a result → new index), or None where all is needed."""
    a, body = node.attrs, node.attrs['body']
    count, rows_end = a['carries'], a['carries'] + a['sequences']
    kept = {k for k in read if k < count}
    while True:
        ends = [n for k, n in enumerate(body.outputs) if k in kept or k >= count and k in read]
        reached = {id(n) for n in Graph(body.inputs, ends).nodes()}
        more = {k for k in range(count) if id(body.inputs[k]) in reached} | kept
        if more == kept:
            break
        kept = more
    ins = [k for k, n in enumerate(body.inputs) if (k in kept if k < count else id(n) in reached)]
    outs = [k for k in range(len(body.outputs)) if (k in kept if k < count else k in read)]
    if len(ins) == len(body.inputs) and len(outs) == len(body.outputs):
        return None
    new = Body([body.inputs[k] for k in ins], [body.outputs[k] for k in outs])
    attrs = dict(a, body=new, carries=len(kept), sequences=sum(count <= k < rows_end for k in ins))
    return ins, attrs, {k: i for i, k in enumerate(outs)}


# ---- rows that do not meet
def _shares(node):
    """[(first row, behind the last, graph)]: one for all rows, or several that threads may run at one time."""
    a, body = node.attrs, node.attrs['body']
    whole = [(0, 0, _plain(body))]
    count, rows_end = a['carries'], a['carries'] + a['sequences']
    shaped = [n for n in body.inputs[:rows_end] if n.shape]
    threads = _core.threads()
    if not shaped or threads < 2:
        return whole
    n = shaped[0].shape[0]
    shares = min(threads, n // ROWS)
    work = a['length'] * sum(x.size for x in body.nodes() if x.op not in LEAVES)
    if shares < 2 or work < WORK:
        return whole
    moving = {id(x) for x in body.inputs[:rows_end] if x.shape and x.shape[0] == n}
    fed = rows.fed(body, moving, n)
    if fed is None or any(id(y) not in fed for y in body.outputs[count:]):
        return whole
    if any((id(x) in moving) != (id(y) in fed) for x, y in zip(body.inputs[:count], body.outputs)):
        return whole
    bounds = [n * k // shares for k in range(shares + 1)]
    return [(lo, hi, _of_rows(body, fed, hi - lo)) for lo, hi in zip(bounds, bounds[1:])]


def _of_rows(body, fed, n):
    """The body for n rows."""
    new = {}
    for node in body.nodes():
        if id(node) not in fed:
            new[id(node)] = node if node.op in LEAVES else Node(
                node.op, [new[id(i)] for i in node.inputs], node.attrs, node.shape, node.dtype, node.name)
            continue
        attrs = node.attrs
        if node.op != 'input':
            attrs = {k: (n, *v[1:]) if k in core.record(node.op).sized else v for k, v in attrs.items()}
        new[id(node)] = Node(node.op, [new[id(i)] for i in node.inputs], attrs, (n, *node.shape[1:]), node.dtype, node.name)
    for node in body.inputs:
        if id(node) not in new:
            shape = (n, *node.shape[1:]) if id(node) in fed else node.shape
            new[id(node)] = Node('input', (), node.attrs, shape, node.dtype)
    return Graph([new[id(x)] for x in body.inputs], [new[id(y)] for y in body.outputs])
