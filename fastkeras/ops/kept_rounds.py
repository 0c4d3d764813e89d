"""What a gradient keeps of the rounds of a loop: the fewest bytes from which all that it reads can be made again.

Elementwise operations and parts of values are made again in the backward round, which reads less memory than was written for
them; products, reductions and what was carried are kept. Which values to keep is a cut of least weight between what must be
kept and what is read (Ford and Fulkerson 1956), the cut that leaves least to be made again.
"""

import math

import numpy as np

from ..graph import LEAVES
from . import core

_MOST = 2000        # nodes; in larger bodies nothing is made again


def made_again(needed, free):
    """ids of the nodes that a backward round makes again, so that it can have the nodes `needed`. free(node): whether a round
    has it in any case."""
    nodes, stack = {}, list(needed)
    while stack:
        n = stack.pop()
        if id(n) not in nodes and not free(n):
            nodes[id(n)] = n
            if _simple(n):
                stack.extend(n.inputs)
    if len(nodes) > _MOST:
        return set()
    flow = _Flow()
    for k, n in nodes.items():
        flow.edge((k, 'in'), (k, 'out'), _bytes(n))
        if not _simple(n):
            flow.edge('begin', (k, 'in'), math.inf)
        else:
            for i in n.inputs:
                if id(i) in nodes:
                    flow.edge((id(i), 'out'), (k, 'in'), math.inf)
    for n in needed:
        if id(n) in nodes:
            flow.edge((id(n), 'out'), 'end', math.inf)
    late = flow.late('begin', 'end')
    return {k for k in nodes if (k, 'in') in late}


def _simple(node):
    """Whether a node is made again without a product or a pass over memory."""
    if node.op in LEAVES or node.op == 'result':
        return False
    r = core.record(node.op)
    micro = r.micro(node) if callable(r.micro) else r.micro
    return not r.random and not r.several and (micro is not None or r.view is not None or r.strided is not None)


def _bytes(node):
    return math.prod(d or 1 for d in node.shape) * np.dtype(node.dtype).itemsize


class _Flow:
    """A network: the greatest flow through it."""

    def __init__(self):
        self.room = {}

    def edge(self, a, b, room):
        self.room.setdefault(a, {})[b] = room
        self.room.setdefault(b, {}).setdefault(a, 0)

    def late(self, begin, end):
        """The places from which there is still a way to the end, once the greatest flow runs."""
        while True:
            way, found = {begin: None}, [begin]
            for a in found:
                for b, room in self.room.get(a, {}).items():
                    if room > 0 and b not in way:
                        way[b] = a
                        found.append(b)
            if end not in way:
                break
            steps, b = [], end
            while way[b] is not None:
                steps.append((way[b], b))
                b = way[b]
            room = min(self.room[a][b] for a, b in steps)
            if room == math.inf:
                break       # a needed node that must be kept has room for all of itself: cannot happen
            for a, b in steps:
                self.room[a][b] -= room
                self.room[b][a] += room
        back = {}
        for a, edges in self.room.items():
            for b, room in edges.items():
                if room > 0:
                    back.setdefault(b, []).append(a)
        late, found = {end}, [end]
        for b in found:
            for a in back.get(b, ()):
                if a not in late:
                    late.add(a)
                    found.append(a)
        return late
