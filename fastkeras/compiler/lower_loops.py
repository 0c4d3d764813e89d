"""Lowering of loops and choices: their bodies become steps whose buffers move from round to round.

What is carried stands in a ring of two slots, of which a round reads one and writes the other; where the rounds' values are
also stacked as they are read (a gradient needs them), the ring is that stack and one slot more. Rows of sequences and of
stacks are parts of the whole that move along. Nothing else is longer than one round.
"""

from ..graph import Graph, Node
from .buffers import Buffer, Loop, Step
from .executor import chunks

FOREVER = 2 ** 62


def _moved(base, shape, offset, move):
    """A part of a buffer that moves: offset in bytes, move (level, bytes per round, rounds until it is back)."""
    return Buffer(shape, base.dtype, base.kind, base, offset, move=move)


class _Stack:
    """A buffer with a slot for each round, and how a round's slot moves."""

    def __init__(self, ctx, shape, dtype, slots, level, first, stride, period=0):
        self.shape, self.dtype, self.level = tuple(shape), dtype, level
        self.buffer = ctx.temp((slots, *self.shape), dtype)
        self.bytes = self.buffer.nbytes // slots
        self.first, self.stride, self.period = first * self.bytes, stride * self.bytes, period

    def slot(self, k):
        """The slot at index k of the buffer, of the shape of all rows."""
        return self.buffer.view(self.shape, k * _count(self.shape))

    def rows(self, k, n):
        """n slots from index k on."""
        return self.buffer.view((n, *self.shape), k * _count(self.shape))

    def round(self, lo, part):
        """The slot of a round, its rows from `lo` on in the shape `part`."""
        return _moved(self.buffer, part, self.first + self._row(lo), (self.level, self.stride, self.period))

    def next(self, lo, part):
        """The slot of the round behind."""
        if self.period == 2:
            return _moved(self.buffer, part, self.stride - self.first + self._row(lo), (self.level, -self.stride, 2))
        return _moved(self.buffer, part, self.first + self.stride + self._row(lo), (self.level, self.stride, 0))

    def _row(self, lo):
        return lo * (self.bytes // self.shape[0]) if lo else 0


def _count(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def lower_scan(ctx, node, ins):
    a = node.attrs
    count, length, level = a['carries'], a['length'], ctx.level
    shares = a['made']
    body = shares[0][2]
    carry, xs, weights = ins[:count], ins[count:count + a['sequences']], ins[count + a['sequences']:]
    back = -1 if a['reverse'] else 1
    begin = length - 1 if a['reverse'] else 0
    kept = {}       # carried value → the stack of what rounds read of it, if there is one
    for k, y in enumerate(body.outputs[count:], count):
        for j, x in enumerate(body.inputs[:count]):
            if y is x:
                kept.setdefault(j, k)
    whole = node.attrs['body']
    rings = []      # of each carried value: one for all shares, or one for each where it has no rows
    for j, x in enumerate(whole.inputs[:count]):
        split = len(shares) > 1 and body.inputs[j].shape != x.shape
        rings.append([_ring(ctx, x, length, level, a['reverse'], j in kept)] if split or len(shares) == 1 else
                     [_ring(ctx, x, length, level, a['reverse'], j in kept) for _ in shares])
        for ring in rings[-1]:
            ctx.copy(carry[j], ring.slot(ring.first // ring.bytes if ring.bytes else 0))
    stacks = {k: _Stack(ctx, y.shape, y.dtype, length, level, begin, back) for k, y in enumerate(whole.outputs)
              if k >= count and k not in kept.values()}
    parts, reads = [], [*ins, *(r.buffer for rs in rings for r in rs)]
    writes = [*(r.buffer for rs in rings for r in rs), *(s.buffer for s in stacks.values())]
    for s, (lo, _, graph) in enumerate(shares):
        inner = ctx.inside(weights)
        mine = [rs[s if len(rs) > 1 else 0] for rs in rings]
        bound = []
        for ring, x, y in zip(mine, graph.inputs, whole.inputs):
            bound.append(ring.round(lo if x.shape != y.shape else 0, x.shape))
        for outer, x in zip(xs, graph.inputs[count:]):
            row = outer.nbytes // length
            offset = begin * row + (lo * (row // outer.shape[1]) if len(x.shape) and x.shape != outer.shape[1:] else 0)
            bound.append(_moved(outer, x.shape, offset, (level, back * row, 0)))
        place = dict(zip(map(id, graph.inputs), [*bound, *weights]))
        outside = {id(b.root()[0]) for b in (*reads, *writes)}
        inner.nodes(graph, place)
        put = _Put(inner, outside)
        for ring, y in zip(mine, graph.outputs):
            put(place[id(y)], ring.next(lo if y.shape != ring.shape else 0, y.shape))
        for k, stack in stacks.items():
            y = graph.outputs[k]
            put(place[id(y)], stack.round(lo if y.shape != stack.shape else 0, y.shape))
        parts.append(inner.steps)
        reads += inner.read
    how = 'team' if len(shares) == 1 and level == 0 and _many_chunks(parts[0]) else 'alone'
    ctx.steps.append(Loop(parts, length, level, reads, writes, how=how, name=node.name))
    results = [rs[0].slot(_last(rs[0], length, a['reverse'])) for rs in rings]
    for k in range(count, len(whole.outputs)):
        owner = next((j for j, at in kept.items() if at == k), None)
        results.append(stacks[k].buffer if owner is None else rings[owner][0].rows(1 if a['reverse'] else 0, length))
    return results


def _ring(ctx, x, length, level, reverse, kept):
    if not kept:
        return _Stack(ctx, x.shape, x.dtype, 2, level, 0, 1, 2)
    return _Stack(ctx, x.shape, x.dtype, length + 1, level, length if reverse else 0, -1 if reverse else 1)


def _last(ring, length, reverse):
    """Index of the slot that the last round wrote."""
    return length % 2 if ring.period == 2 else 0 if reverse else length


class _Put:
    """Lets a value of a round be made where it belongs, or copies it there."""

    def __init__(self, ctx, outside):
        self.ctx, self.outside, self.taken = ctx, outside, set()

    def __call__(self, value, target):
        root, offset, moves = value.place()
        made_here = root.kind == 'arena' and id(root) not in self.outside and id(root) not in self.taken
        if made_here and not offset and not moves and root.nbytes == target.nbytes and root.dtype == target.dtype:
            root.base, root.offset = target, 0
            self.taken.add(id(root))
        elif value.size:
            self.ctx.copy(value, target)


def _many_chunks(steps):
    """Whether a step can be shared by threads."""
    return any(chunks(s.kernel, s.attrs) > 1 for s in steps if isinstance(s, Step))


def lower_while(ctx, node, ins):
    a = node.attrs
    count, level = a['carries'], ctx.level
    (_, _, graph), = a['made']
    values = [ctx.temp(b.shape, b.dtype) for b in ins[:count]]
    go = ctx.temp((), 'bool')
    for x, y in zip(ins, [*values, go]):
        ctx.copy(x, y)
    inner = ctx.inside(ins[count + 1:])
    place = dict(zip(map(id, graph.inputs), [*values, go, *ins[count + 1:]]))
    inner.nodes(graph, place)
    made = [place[id(y)] for y in graph.outputs]
    kept = {id(b.root()[0]) for b in (*values, go)}
    staged = []     # a loop that swaps two values reads both before it writes one
    for b in made:
        if id(b.root()[0]) in kept:
            temp = inner.temp(b.shape, b.dtype)
            inner.copy(b, temp)
            b = temp
        staged.append(b)
    for x, y in zip(staged, [*values, go]):
        inner.copy(x, y)
    limit = FOREVER if a['limit'] is None else a['limit']
    how = 'outside' if level == 0 and _many_chunks(inner.steps) else 'alone'
    ctx.steps.append(Loop([inner.steps], limit, level, [*ins, *values, go, *inner.read], [*values, go], go, how, node.name))
    return values


def lower_choice(ctx, node, ins):
    index, inputs, graphs = ins[0], ins[1:], [graph for _, _, graph in node.attrs['made']]
    results = [ctx.temp(y.shape, y.dtype) for y in graphs[0].outputs]
    last = len(graphs) - 1
    leaf = Node('input', (), {'index': 0}, (), 'int32')
    for k, graph in enumerate(graphs):
        number = Node('const', (), {'value': k - (k == last)}, (), 'int32')
        operands = (number, leaf) if k == last else (leaf, number)
        chosen = Node('less_equal' if k == 0 else 'less' if k == last else 'equal', operands, {}, (), 'bool')
        place = {id(leaf): index}
        ctx.nodes(Graph([leaf], [chosen]), place)
        go = place[id(chosen)]
        inner = ctx.inside(inputs)
        place = dict(zip(map(id, graph.inputs), inputs))
        inner.nodes(graph, place)
        for y, target in zip(graph.outputs, results):
            inner.copy(place[id(y)], target)
        how = 'outside' if ctx.level == 0 and _many_chunks(inner.steps) else 'alone'
        ctx.steps.append(Loop([inner.steps], 1, ctx.level, [*inputs, *inner.read, *results], results, go, how, node.name))
    return results
