"""Memory: what may share what, and where everything in the arena stands.

Lifetimes over the steps → results that take over a dying input of the same element → best fit of the rest, large first.
"""

from bisect import bisect, insort

import numpy as np

from .buffers import ARENA, FIXED, OUTPUT, Buffer, Loop, Step, follows

ALIGN = 64
SPAN, MANY = 64, 96  # steps and blocks, see _Placed


def place_outputs(steps, outputs, updates, copy):
    """Let results be computed straight into the arrays that a run returns. `copy(x, y)` makes the step where they cannot:
    a result that is an input, a variable (old or new), a part of something, or wanted twice."""
    bound = []
    kept = {id(b.root()[0]) for _, b in updates}
    for k, buffer in enumerate(outputs):
        root, offset = buffer.root()
        if (root.kind == ARENA and offset == 0 and root.nbytes == buffer.nbytes and root.dtype == buffer.dtype
                and id(root) not in kept):
            root.kind, root.index = OUTPUT, k
            bound.append(buffer)
        else:
            out = Buffer(buffer.shape, buffer.dtype, OUTPUT, index=k)
            if out.size:
                steps.append(copy(buffer, out))
            bound.append(out)
    return bound


def place_updates(steps, updates, copy):
    """Let new values of variables be computed in the variable's own memory where nothing reads the old value later."""
    final = []
    last_read, makers = {}, {}
    for s, step in enumerate(steps):
        for root in {id(b.root()[0]): b.root()[0] for b in step.written()}.values():
            makers.setdefault(id(root), []).append(s)
        for b in step.read():
            root = b.root()[0]
            if root.kind == FIXED:
                last_read[id(root.array)] = s
    for _, buffer in updates:  # a variable given another's old value: that is read at the very end
        root = buffer.root()[0]
        if root.kind == FIXED:
            last_read[id(root.array)] = len(steps)
    for var, buffer in updates:
        root, offset = buffer.root()
        made = makers.get(id(root), ())
        read = last_read.get(id(var.array), -1)
        free = (root.kind == ARENA and offset == 0 and root.nbytes == var.array.nbytes and len(made) == 1
                and (read < made[0] or read == made[0] and _reads_in_place(steps[made[0]], var.array)))
        if free:
            root.kind, root.array = FIXED, var.array
        elif root.kind != FIXED or root.array is not var.array:
            final.append((var, buffer))
    # values that must be copied are all read before any is written: a swap of two variables works
    staged = []
    for var, buffer in final:
        if buffer.root()[0].kind == FIXED:
            temp = Buffer(buffer.shape, buffer.dtype)
            steps.append(copy(buffer, temp))
            buffer = temp
        staged.append((var, buffer))
    for var, buffer in staged:
        steps.append(copy(buffer, Buffer(var.array.shape, var.array.dtype.name, FIXED, array=var.array)))


def _reads_in_place(step, array):
    """Whether a step reads this array only element by element, through its tile program."""
    if not isinstance(step, Step) or any(b.root()[0].array is array for b in step.refs):
        return False
    return all(flat for b, flat in zip(step.tile_in, step.program.flat if step.program else ())
               if b.root()[0].array is array)


def _work_in_results(steps, outside):
    """A kernel with a tile program writes its raw result where the program's goes, when that is an array that a run returns.
    outside: ids of the buffers that others than these steps may read, as the stacks of a loop whose body they are."""
    readers = {}
    for step in steps:
        for b in step.read():
            readers.setdefault(id(b.root()[0]), set()).add(id(step))
    for step in steps:
        if not isinstance(step, Step) or step.program is None:
            continue
        for raw in (step.refs[i].root()[0] for i in step.writes):
            if raw.kind != ARENA or id(raw) in outside or readers.get(id(raw)) != {id(step)}:
                continue
            for out in step.tile_out:
                root = out.root()[0]
                if root.kind == OUTPUT and root.nbytes == raw.nbytes and root.size == raw.size:
                    raw.base = root
                    break


def plan_arena(steps):
    """Give every arena buffer its offset; returns the size of the arena in bytes."""
    return _placed(steps, ())[0]


def _enclose(loop):
    """Place what each round of a loop makes for itself in one buffer, its room; shares run at one time, so that each has a
    part of its own."""
    longer = {id(b.root()[0]) for b in (*loop.read(), *loop.written())}
    total, inside = 0, []
    for share in loop.shares:
        size, own = _placed(share, longer)
        for b in own:
            b.offset += total
        total += size
        inside += own
    if total:
        loop.room = Buffer((total,), 'uint8')
        for b in inside:
            b.base = loop.room


def _placed(steps, outside):
    """(bytes, buffers): the buffers in the arena that the steps use, with their offsets, but those whose id is in `outside`."""
    for step in steps:
        if isinstance(step, Loop):
            _enclose(step)
    _work_in_results(steps, outside)
    first, last, owner = {}, {}, {}
    when, at, inside = [], 0, {}  # steps that go on chunk by chunk are one moment; inside: what those behind the first read
    for k, step in enumerate(steps):
        if follows(steps, k):
            inside.setdefault(at, set()).update(id(b.root()[0]) for b in step.read())
        else:
            at = k
        when.append(at)
    for s, step in zip(when, steps):
        for b in (*step.read(), *step.written()):
            root = b.root()[0]
            if root.kind == ARENA and id(root) not in outside:
                owner[id(root)] = root
                first.setdefault(id(root), s)
                last[id(root)] = s
    parent = {k: k for k in owner}

    def find(k):
        while parent[k] != k:
            k = parent[k]
        return k

    for s, step in zip(when, steps):
        kept = inside.get(s, ())
        if isinstance(step, Step) and step.program is not None:
            _share(step, s, first, last, owner, parent, find, kept)
        elif isinstance(step, Step) and step.over is not None and not kept:
            _take_over(step, s, first, last, owner, parent, find)
    blocks = {}
    for k, b in owner.items():
        block = blocks.setdefault(find(k), [0, len(steps), 0, []])
        block[0] = max(block[0], b.nbytes)
        block[1] = min(block[1], first[k])
        block[2] = max(block[2], last[k])
        block[3].append(b)
    placed, total = _Placed(len(steps), len(blocks)), 0
    for size, start, end, members in sorted(blocks.values(), key=lambda b: (-b[0], b[1])):
        size = (size + ALIGN - 1) // ALIGN * ALIGN
        offset = placed.best_fit(size, start, end)
        placed.add(offset, size, start, end)
        total = max(total, offset + size)
        for b in members:
            b.offset = offset
    return total, list(owner.values())


def _share(step, s, first, last, owner, parent, find, kept):
    """A tile's result takes the memory of an input that dies here and is read element by element: of its kernel's own result
    if it can, since kernels then need not run the program (csrc/kernels/ending.h). kept: ids of buffers that may not be
    overwritten."""
    taken = set(kept)
    own = {id(b.root()[0]) for i, b in enumerate(step.refs) if i not in step.writes}
    made = {id(step.refs[i].root()[0]) for i in step.writes}
    inputs = sorted(zip(step.tile_in, step.program.flat), key=lambda pair: id(pair[0].root()[0]) not in made)
    for out in step.tile_out:
        out_root = out.root()[0]
        if id(out_root) not in owner or first[id(out_root)] != s:
            continue
        for b, flat in inputs:
            root, offset = b.root()
            k = id(root)
            if not flat or k not in owner or k in taken or k in own or offset or last[k] != s or root is out_root:
                continue
            if root.nbytes != out_root.nbytes or root.size != out_root.size or find(k) == find(id(out_root)):
                continue
            if any(not f and id(x.root()[0]) == k for x, f in zip(step.tile_in, step.program.flat)):
                continue
            parent[find(id(out_root))] = find(k)
            taken.add(k)
            break


def _take_over(step, s, first, last, owner, parent, find):
    """The result of a kernel takes the memory of the input that the step names, if that dies here and nothing else is in it."""
    out, (root, offset) = step.refs[step.writes[0]].root()[0], step.refs[step.over].root()
    if (id(out) in owner and id(root) in owner and first[id(out)] == s == last[id(root)] and not offset
            and root.nbytes == out.nbytes and sum(b.root()[0] is root for b in step.refs) == 1
            and find(id(root)) != find(id(out))):
        parent[find(id(out))] = find(id(root))


class _Placed:
    """Where blocks stand, and in which steps: (begin, end, first step, last step), sorted. Most live for a few steps only:
    those that any of SPAN steps meets stand in a list of their own too, so that a short life looks at few others. For a long
    one, in a plan of many blocks, NumPy looks at all of them at once."""

    def __init__(self, steps, blocks):
        self.all = []
        self.spans = [[] for _ in range(steps // SPAN + 1)]
        self.table = np.empty((4, blocks), np.int64) if blocks > MANY else None

    def add(self, offset, size, first, last):
        block = offset, offset + size, first, last
        k, n = bisect(self.all, block), len(self.all)
        self.all.insert(k, block)
        if self.table is not None:
            self.table[:, k + 1:n + 1] = self.table[:, k:n]
            self.table[:, k] = block
        for span in self.spans[first // SPAN:last // SPAN + 1]:
            insort(span, block)

    def best_fit(self, size, first, last):
        """The smallest gap between what is alive in some of these steps, else behind all of it."""
        short = first // SPAN == last // SPAN
        blocks = self.spans[first // SPAN] if short else self.all
        if self.table is not None and len(blocks) > MANY:
            return self._best_fit_by_table(size, first, last)
        best, where, edge = None, None, 0
        for lo, hi, a, b in blocks:
            if a <= last and first <= b:
                if lo > edge:
                    gap = lo - edge
                    if gap >= size and (best is None or gap < best):
                        best, where = gap, edge
                if hi > edge:
                    edge = hi
        return edge if where is None else where

    def _best_fit_by_table(self, size, first, last):
        lo, hi, a, b = self.table[:, :len(self.all)]
        near = (a <= last) & (first <= b)
        edges = np.zeros(np.count_nonzero(near) + 1, np.int64)
        np.maximum.accumulate(hi[near], out=edges[1:])
        gaps = lo[near] - edges[:-1]
        gaps[gaps < max(size, 1)] = np.iinfo(np.int64).max
        k = gaps.argmin() if gaps.size else -1
        return int(edges[k] if k >= 0 and gaps[k] != np.iinfo(np.int64).max else edges[-1])
