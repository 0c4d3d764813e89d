"""Fusion: elementwise nodes of equal size become regions, and a region joins the heavy node whose result it reads.

Greedy over the nodes in order: each elementwise node joins the regions of its producers wherever no path leaves a region
and comes back. Works after autodiff, so nothing fused ever needs a gradient.
"""

import heapq

from ..graph import LEAVES, Graph, Node, remake
from ..ops import core
from . import sums, tile
from .region import DTYPES, MAX_REFS, MAXDIM, Region, fused_nodes

MAX_NODES = 48
SHORTEST = 16     # elements in a row of a part that is read in place
MAX_SEARCH = 256  # groups looked at to allow one merge: what is farther apart is not worth joining


def elementwise(node):
    """Whether a region may hold the node. uint8 wraps around only in memory, so what makes it stays a step of its own."""
    if node.op != 'reshape' and core.record(node.op).micro is None:
        return False
    if node.dtype not in DTYPES or node.dtype == 'uint8' or node.size == 0:
        return False
    for i in node.inputs:
        if i.dtype not in DTYPES:
            return False
    return node.op == 'reshape' or tile.micro_of(node) is not None


def heavy(node):
    record = core.record(node.op)
    return record.epilogue and node.size > 0 and record.native(node)


def fuse(graph):
    graph = _read_in_place(graph)
    able = {n.serial for n in graph.nodes() if elementwise(n)}
    graph, light = sums.recompute(graph, able)
    nodes, users = graph.nodes(), graph.users()
    tails = {id(n) for n in nodes if sums.rows_summed(n)}
    reserved = sums.only_summed(nodes, users, tails, {id(n) for n in graph.roots()}, able)
    groups = _Groups(nodes, users, tails, able)
    later = []
    for node in nodes:
        if id(node) in tails:
            groups.take_in(node, reserved)
        elif node.serial in able and id(node) not in reserved:
            if id(node) in light:  # joins what reads it, and with that what it reads
                later.append(node)
            else:
                groups.join(node)
    for node in later:
        groups.join(node)
    return _rebuild(graph, groups)


def _read_in_place(graph):
    """Parts of a tensor that elementwise operations alone read, such as the gates of a recurrent round, become nodes 'part',
    which tile programs read where they stand; others are copied once."""
    users, wanted = None, None

    def rule(node, inputs):
        nonlocal users, wanted
        strided = core.record(node.op).strided if node.op not in LEAVES else None
        if strided is None or node.dtype not in DTYPES or node.size == 0:
            return None
        strides, offset = strided(node)
        if strides[-1:] != [1] or node.shape[-1] < SHORTEST or len(node.shape) > MAXDIM or node.size == node.inputs[0].size:
            return None
        if users is None:
            users, wanted = graph.users(), {id(n) for n in graph.roots()}
        view = core.record(node.op).view
        if id(node) in wanted or view is not None and view(node) is not None or not all(
                u.op != 'reshape' and u.shape == node.shape and elementwise(u) for u in users.get(id(node), ())):
            return None
        return Node('part', inputs, {'shape': node.shape, 'strides': tuple(strides), 'offset': offset}, node.shape, node.dtype,
                    node.name)
    if not any(n.op not in LEAVES and core.record(n.op).strided is not None for n in graph.nodes()):
        return graph
    return graph.rewrite(rule)


class _Group:
    """Nodes to run at one time; alive until merged into another. rank: its place in an order of all groups that respects
    what they read, kept valid at each merge. Its nodes and edges, as serials: inside, its own; reads and leaves, what it
    reads of others and of leaves; readers, what reads it. seen: the number of the last search that came by."""

    __slots__ = ('nodes', 'root', 'size', 'last', 'rank', 'sums', 'inside', 'reads', 'leaves', 'readers', 'seen')

    def __init__(self, node, root, rank, summed, users):
        self.nodes = [node]
        self.root = node if root and not summed else None
        self.sums = [node] if summed else []
        self.size = node.inputs[0].size if summed else node.size
        self.last = node.serial
        self.rank = rank
        self.inside = {node.serial}
        self.reads = {i.serial for i in node.inputs if i.op not in LEAVES}
        self.leaves = {i.serial for i in node.inputs if i.op in LEAVES}
        self.readers = {u.serial for u in users}
        self.seen = 0


class _Groups:
    """The groups of a graph while they are made. of: serial of a node that is no leaf → its group."""

    def __init__(self, nodes, users, tails, able):
        self.nodes, self.users, self.able = nodes, users, able
        self.of = {n.serial: _Group(n, heavy(n), rank, id(n) in tails, users.get(id(n), ()))
                   for rank, n in enumerate(nodes) if n.op not in LEAVES}
        self.searches = 0

    def join(self, node):
        g = self.of[node.serial]
        for source in self._candidates(node):
            other = self.of[source.serial]
            if other.sums and len(other.nodes) == 1:  # a sum with nothing before it and nothing beside: a reduction as others
                other.root, other.sums, other.size = source, [], source.size
            g = self._try_merge(g, other)

    def take_in(self, node, reserved):
        """The region of a sum: what makes the summed values, where nothing else needs it or it has no root, and other sums
        that read what this one does."""
        g, stack, read = self.of[node.serial], [node.inputs[0]], []
        while stack:
            value = stack.pop()
            if value.size != g.size:
                continue
            if value.serial in self.of and value.serial in self.able:
                g = self._try_merge(g, self.of[value.serial])
                if id(value) in reserved:
                    stack += value.inputs
            if self.of.get(value.serial) is not g:
                read.append(value)
        for value in read:
            for user in self.users[id(value)]:
                other = self.of[user.serial]
                if other.sums:
                    g = self._try_merge(g, other)

    def _candidates(self, node):
        """Producers worth joining, the latest first: of two heavy ones the one that runs last takes the region."""
        size = node.size
        found = {i.serial: i for i in node.inputs if i.serial in self.of and i.size == size}
        return [found[k] for k in sorted(found, reverse=True) if k in self.able or heavy(found[k])]

    def _try_merge(self, g, other):
        """g and other as one group if that is allowed; returns the group of g's nodes afterwards."""
        if g is other or g.size != other.size or (g.root is not None and other.root is not None):
            return g
        if len(g.nodes) + len(other.nodes) > MAX_NODES:
            return g
        root = g.root if g.root is not None else other.root
        if root is not None and any(self.of.get(i.serial) in (g, other) for i in root.inputs):
            return g  # what a kernel reads must be complete before it starts
        summed = g.sums + other.sums
        if summed and (root is not None or len(summed) > sums.MAX_SUMS or len({s.size for s in summed}) > 1 or
                       any(self.of[u.serial] in (g, other) for s in summed for u in self.users.get(id(s), ()))):
            return g  # a sum is complete when its region is
        inside = g.inside | other.inside
        reads, leaves = (g.reads | other.reads) - inside, g.leaves | other.leaves
        if len(reads) + len(leaves) + len(inside) // 2 > MAX_REFS or not self._make_neighbours(g, other):
            return g
        if len(other.nodes) < len(g.nodes):
            g, other = other, g
        other.nodes += g.nodes
        other.sums = summed
        other.root = root
        other.last = max(other.last, g.last)
        other.inside, other.reads, other.leaves = inside, reads, leaves
        other.readers = (g.readers | other.readers) - inside
        for serial in g.inside:
            self.of[serial] = other
        return other

    def _make_neighbours(self, g, other):
        """Whether the groups may run at one time: no path leads from the first through others to the second. If so, what
        stands between them moves before or behind both, and they share one rank (Pearce and Kelly 2006, a dynamic order)."""
        first, second = (g, other) if g.rank < other.rank else (other, g)
        before = self._between(second, first, back=True)
        if before is None:
            return False
        if before:  # else the second may simply run with the first
            behind = self._between(first, second, back=False)
            if behind is None:
                return False
            ranks = sorted([h.rank for h in (first, second, *before, *behind)])
            for h, rank in zip((*before, first), ranks):
                h.rank = rank
            for h, rank in zip(reversed(behind), reversed(ranks)):
                h.rank = rank
        second.rank = first.rank
        return True

    def _between(self, start, end, back):
        """What start depends on (back) or what depends on it, of the groups with a rank between the two, in order; None where
        end is among these by way of others, or where there are too many to look at."""
        self.searches += 1
        of, number, limit = self.of, self.searches, end.rank
        start.seen = number
        found, stack = [], [start]
        while stack:
            h = stack.pop()
            for serial in h.reads if back else h.readers:
                k = of[serial]
                if k.seen == number:
                    continue
                if k is end:
                    if h is not start:
                        return None
                elif k.rank > limit if back else k.rank < limit:
                    k.seen = number
                    found.append(k)
                    stack.append(k)
                    if len(found) > MAX_SEARCH:
                        return None
        found.sort(key=_rank)
        return found


def _rank(group):
    return group.rank


def _rebuild(graph, groups):
    """The new graph: each group's nodes one after the other, groups in an order that respects what they read."""
    users, able = groups.users, groups.able
    wanted = {id(n) for n in graph.roots()}
    waits, feeds = {}, {}
    present = {id(g): g for g in groups.of.values()}
    for k, g in present.items():
        needs = {id(groups.of[serial]) for serial in g.reads}
        waits[k] = len(needs)
        for needed in needs:
            feeds.setdefault(needed, []).append(g)
    ready = [(g.last, k, g) for k, g in present.items() if not waits[k]]
    heapq.heapify(ready)
    new = {id(n): n for n in groups.nodes if n.op in LEAVES}
    for n in graph.inputs:
        new.setdefault(id(n), n)
    while ready:
        g = heapq.heappop(ready)[2]
        if len(g.nodes) == 1:
            leaving = g.nodes
        else:
            g.nodes.sort(key=_serial)
            inside = g.inside
            leaving = [n for n in g.nodes
                       if id(n) in wanted or any(u.serial not in inside for u in users.get(id(n), ()))]
        nodes = g.nodes
        if g.sums:
            summed = {id(s) for s in g.sums}
            nodes = [n for n in nodes if id(n) not in summed]
        _emit(nodes, g.root, leaving, new, able, [n for n in g.nodes if id(n) in summed] if g.sums else ())
        for f in feeds.get(id(g), ()):
            waits[id(f)] -= 1
            if not waits[id(f)]:
                heapq.heappush(ready, (f.last, id(f), f))
    return Graph([new[id(n)] for n in graph.inputs], [new[id(n)] for n in graph.outputs],
                 [(v, new[id(n)]) for v, n in graph.updates])


def _serial(node):
    return node.serial


def _emit(nodes, root, leaving, new, able, summed=()):
    """Write one group into `new` (id of old node → new node), as a region where there is anything to compute."""
    parts = [n for n in nodes if n is not root]
    if len(summed) < 2 and not any(n.op != 'reshape' and n.serial in able for n in parts):
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
    program = tile.program(parts, outputs, root, values)
    if program is None:
        if summed:
            needed = {id(n) for n in [*leaving, *values]}
            _emit(nodes, None, [n for n in nodes if id(n) in needed], new, able)
            _emit([], None, summed, new, able, summed)
        elif root is None:
            half = len(parts) // 2
            _emit_split(parts[:half], parts[half:], None, outputs, views, new, able)
        else:
            _emit_split([root], parts, None, outputs, views, new, able)
        return
    members = {id(n) for n in parts} | ({id(root)} if root is not None else set())
    sources = {id(i): i for n in [*parts, *summed] for i in n.inputs if id(i) not in members}
    region = Region(root, parts, outputs, list(sources.values()), summed, program)
    inputs = [new[id(i)] for i in (root.inputs if root is not None else ())] + [new[k] for k in sources]
    _, results = fused_nodes(region, inputs)
    for old, result in zip(region.results, results):
        new[id(old)] = result
    _emit_views(views, new)


def _emit_views(views, new):
    for n, source in views:
        if id(n) not in new:
            new[id(n)] = remake(n, [new[id(source)]])


def _emit_split(first, second, root, outputs, views, new, able):
    """A region too large for one program, as two: what the second part reads of the first leaves it."""
    ids = {id(n) for n in first}
    read = {id(i) for n in second for i in n.inputs}
    wanted = {id(o) for o in outputs}
    leaving = [n for n in first if id(n) in read or id(n) in wanted]
    _emit(first, next((n for n in first if heavy(n)), None), leaving, new, able)
    _emit(second, root, [o for o in outputs if id(o) not in ids], new, able)
    _emit_views(views, new)


def _alive(outputs, inside):
    alive, stack = set(), list(outputs)
    while stack:
        n = stack.pop()
        if id(n) in inside and id(n) not in alive:
            alive.add(id(n))
            stack.extend(n.inputs)
    return alive
