"""Fusion: elementwise nodes of equal size become regions, and a region joins the heavy node whose result it reads.

Greedy over the nodes in order: each elementwise node joins the regions of its producers wherever no path leaves a region
and comes back. Works after autodiff, so nothing fused ever needs a gradient.
"""

import heapq

from ..graph import LEAVES, Graph, remake
from ..ops import core
from . import sums, tile
from .region import DTYPES, MAX_REFS, Region, fused_nodes

MAX_NODES = 48
MAX_SEARCH = 256  # groups looked at to allow one merge: what is farther apart is not worth joining


class _Group:
    """Nodes to run at one time; alive until merged into another. rank: its place in an order of all groups that respects
    what they read, kept valid at each merge."""

    __slots__ = ('nodes', 'root', 'size', 'last', 'rank', 'sums')

    def __init__(self, node, root, rank, summed):
        self.nodes = [node]
        self.root = node if root and not summed else None
        self.sums = [node] if summed else []
        self.size = node.inputs[0].size if summed else node.size
        self.last = node.serial
        self.rank = rank


def elementwise(node):
    """Whether a region may hold the node. uint8 wraps around only in memory, so what makes it stays a step of its own."""
    if node.dtype not in DTYPES or node.dtype == 'uint8' or node.size == 0 or any(i.dtype not in DTYPES for i in node.inputs):
        return False
    return node.op == 'reshape' or core.record(node.op).micro is not None and tile.micro_of(node) is not None


def heavy(node):
    record = core.record(node.op)
    return record.epilogue and node.size > 0 and record.native(node)


def fuse(graph):
    graph, light = sums.recompute(graph, elementwise)
    nodes = graph.nodes()
    users = graph.users()
    tails = {id(n) for n in nodes if sums.rows_summed(n)}
    reserved = sums.only_summed(nodes, users, tails, {id(n) for n in graph.roots()}, elementwise)
    group = {id(n): _Group(n, heavy(n), rank, id(n) in tails) for rank, n in enumerate(nodes) if n.op not in LEAVES}
    later = []
    for node in nodes:
        if id(node) in tails:
            _take_in(node, reserved, group, users)
        elif node.op not in LEAVES and id(node) not in reserved and elementwise(node):
            if id(node) in light:  # joins what reads it, and with that what it reads
                later.append(node)
            else:
                _join(node, group, users)
    for node in later:
        _join(node, group, users)
    return _rebuild(graph, nodes, users, group)


def _join(node, group, users):
    g = group[id(node)]
    for source in _candidates(node, group):
        other = group[id(source)]
        if other.sums and len(other.nodes) == 1:  # a sum with nothing before it and nothing beside: a reduction as others
            other.root, other.sums, other.size = source, [], source.size
        g = _try_merge(g, other, group, users)


def _take_in(node, reserved, group, users):
    """The region of a sum: what makes the summed values, where nothing else needs it or it has no root, and other sums that
    read what this one does."""
    g, stack, read = group[id(node)], [node.inputs[0]], []
    while stack:
        value = stack.pop()
        if value.size != g.size:
            continue
        if id(value) in group and elementwise(value):
            g = _try_merge(g, group[id(value)], group, users)
            if id(value) in reserved:
                stack += value.inputs
        if group.get(id(value)) is not g:
            read.append(value)
    for value in read:
        for user in users[id(value)]:
            other = group[id(user)]
            if other.sums:
                g = _try_merge(g, other, group, users)


def _candidates(node, group):
    """Producers worth joining, the latest first: of two heavy ones the one that runs last takes the region."""
    found = {id(i): i for i in node.inputs if id(i) in group and i.size == node.size}
    found = [i for i in found.values() if heavy(i) or elementwise(i)]
    return sorted(found, key=lambda i: -i.serial)


def _try_merge(g, other, group, users):
    """g and other as one group if that is allowed; returns the group of g's nodes afterwards."""
    if g is other or g.size != other.size or (g.root is not None and other.root is not None):
        return g
    root = g.root if g.root is not None else other.root
    if root is not None and any(group.get(id(i)) in (g, other) for i in root.inputs):
        return g  # what a kernel reads must be complete before it starts
    summed = g.sums + other.sums
    if summed and (root is not None or len(summed) > sums.MAX_SUMS or len({s.size for s in summed}) > 1 or
                   any(group[id(u)] in (g, other) for s in summed for u in users.get(id(s), ()))):
        return g  # a sum is complete when its region is
    if len(g.nodes) + len(other.nodes) > MAX_NODES or _refs(g.nodes + other.nodes) > MAX_REFS:
        return g
    if not _make_neighbours(g, other, group, users):
        return g
    if len(other.nodes) < len(g.nodes):
        g, other = other, g
    other.nodes += g.nodes
    other.sums = summed
    other.root = root
    other.last = max(other.last, g.last)
    for n in g.nodes:
        group[id(n)] = other
    return other


def _refs(nodes):
    inside = {id(n) for n in nodes}
    outside = {id(i) for n in nodes for i in n.inputs if id(i) not in inside}
    return len(outside) + len(nodes) // 2


def _make_neighbours(g, other, group, users):
    """Whether the groups may run at one time: no path leads from the first through others to the second. If so, what stands
    between them moves before or behind both, and they share one rank (Pearce and Kelly 2006, a dynamic order)."""
    first, second = (g, other) if g.rank < other.rank else (other, g)

    def sources(h):
        return (group[id(i)] for n in h.nodes for i in n.inputs if i.op not in LEAVES)

    def readers(h):
        return (group[id(u)] for n in h.nodes for u in users.get(id(n), ()))

    def search(start, end, step, within):
        found, stack = {}, [k for k in step(start) if k is not end and within(k)]
        while stack:
            h = stack.pop()
            if id(h) in found:
                continue
            found[id(h)] = h
            if len(found) > MAX_SEARCH:
                return None
            for k in step(h):
                if k is end:
                    return None
                if id(k) not in found and within(k):
                    stack.append(k)
        return sorted(found.values(), key=lambda h: h.rank)

    before = search(second, first, sources, lambda k: k.rank > first.rank and k is not second)
    if before is None:
        return False
    behind = search(first, second, readers, lambda k: k.rank < second.rank and k is not first)
    if behind is None:
        return False
    ranks = sorted(h.rank for h in (first, second, *before, *behind))
    for h, rank in zip((*before, first), ranks):
        h.rank = rank
    second.rank = first.rank
    for h, rank in zip(reversed(behind), reversed(ranks)):
        h.rank = rank
    return True


def _rebuild(graph, nodes, users, group):
    """The new graph: each group's nodes one after the other, groups in an order that respects what they read."""
    roots = graph.roots()
    wanted = {id(n) for n in roots}
    groups = list({id(g): g for g in group.values()}.values())
    waits, feeds = {}, {}
    for g in groups:
        needs = {id(group[id(i)]): group[id(i)] for n in g.nodes for i in n.inputs if i.op not in LEAVES}
        needs.pop(id(g), None)
        waits[id(g)] = len(needs)
        for k in needs:
            feeds.setdefault(k, []).append(g)
    ready = [(g.last, id(g), g) for g in groups if not waits[id(g)]]
    heapq.heapify(ready)
    new = {id(n): n for n in nodes if n.op in LEAVES}
    for n in graph.inputs:
        new.setdefault(id(n), n)
    while ready:
        g = heapq.heappop(ready)[2]
        g.nodes.sort(key=lambda n: n.serial)
        members = {id(n) for n in g.nodes}
        leaving = [n for n in g.nodes if id(n) in wanted or any(id(u) not in members for u in users.get(id(n), ()))]
        summed = {id(n): n for n in g.nodes if any(n is s for s in g.sums)}
        _emit([n for n in g.nodes if id(n) not in summed], g.root, leaving, new, list(summed.values()))
        for f in feeds.get(id(g), ()):
            waits[id(f)] -= 1
            if not waits[id(f)]:
                heapq.heappush(ready, (f.last, id(f), f))
    return Graph([new[id(n)] for n in graph.inputs], [new[id(n)] for n in graph.outputs],
                 [(v, new[id(n)]) for v, n in graph.updates])


def _emit(nodes, root, leaving, new, summed=()):
    """Write one group into `new` (id of old node → new node), as a region where there is anything to compute."""
    parts = [n for n in nodes if n is not root]
    if not any(n.op != 'reshape' and elementwise(n) for n in parts) and len(summed) < 2:
        for n in [*nodes, *summed]:
            new[id(n)] = remake(n, [new[id(i)] for i in n.inputs])
        return
    # a reshape that leaves is a view of what it reshapes, outside the region
    inside = {id(n) for n in nodes}
    views = []
    outputs = []
    for n in leaving:
        if any(n is s for s in summed):
            continue
        source = n
        while source.op == 'reshape' and id(source) in inside:
            source = source.inputs[0]
        if source is not n:
            views.append((n, source))
        if id(source) in inside and not any(source is o for o in outputs):
            outputs.append(source)
    views_of_outside = [(n, s) for n, s in views if id(s) not in inside]
    for n, s in views_of_outside:
        new[id(n)] = remake(n, [new[id(s)]])
    values = [s.inputs[0] for s in summed]
    alive = _alive(outputs + values, inside)
    parts = [n for n in parts if id(n) in alive]
    if root is not None and id(root) not in alive:
        new[id(root)] = remake(root, [new[id(i)] for i in root.inputs])  # its only reader was a view
        root = None
    if not summed and not [n for n in parts if n.op != 'reshape']:
        for n in nodes:
            if id(n) not in new:
                new[id(n)] = remake(n, [new[id(i)] for i in n.inputs])
        return
    if not tile.fits(parts, outputs, root, values):
        if summed:
            needed = {id(n) for n in [*leaving, *values]}
            _emit(nodes, None, [n for n in nodes if id(n) in needed], new)
            _emit([], None, summed, new, summed)
        elif root is None:
            half = len(parts) // 2
            _emit_split(parts[:half], parts[half:], None, outputs, views, new)
        else:
            _emit_split([root], parts, None, outputs, views, new)
        return
    members = {id(n) for n in parts} | ({id(root)} if root is not None else set())
    sources = {id(i): i for n in [*parts, *summed] for i in n.inputs if id(i) not in members}
    region = Region(root, parts, outputs, list(sources.values()), summed)
    inputs = [new[id(i)] for i in (root.inputs if root is not None else ())] + [new[k] for k in sources]
    _, results = fused_nodes(region, inputs)
    for old, result in zip(region.results, results):
        new[id(old)] = result
    _emit_views(views, new)


def _emit_views(views, new):
    for n, source in views:
        if id(n) not in new:
            new[id(n)] = remake(n, [new[id(source)]])


def _emit_split(first, second, root, outputs, views, new):
    """A region too large for one program, as two: what the second part reads of the first leaves it."""
    ids = {id(n) for n in first}
    read = {id(i) for n in second for i in n.inputs}
    wanted = {id(o) for o in outputs}
    leaving = [n for n in first if id(n) in read or id(n) in wanted]
    _emit(first, next((n for n in first if heavy(n)), None), leaving, new)
    _emit(second, root, [o for o in outputs if id(o) not in ids], new)
    _emit_views(views, new)


def _alive(outputs, inside):
    alive, stack = set(), list(outputs)
    while stack:
        n = stack.pop()
        if id(n) in inside and id(n) not in alive:
            alive.add(id(n))
            stack.extend(n.inputs)
    return alive
