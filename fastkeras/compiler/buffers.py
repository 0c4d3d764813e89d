"""Where a value lives while a plan runs."""

import math
from functools import cache

import numpy as np

ARENA, FIXED, INPUT, OUTPUT = 'arena', 'fixed', 'input', 'output'


@cache
def itemsize(dtype):
    """Bytes of an element of a type."""
    return np.dtype(dtype).itemsize


class Buffer:
    """kind: ARENA (offset given by the memory pass), FIXED (an array bound once: variable, constant, packed weights), INPUT or
    OUTPUT (an array bound at each run). A view has a base and a byte offset into it; in a loop it may move: (level of the
    loop, bytes per round, rounds until it is back, 0 for never)."""

    __slots__ = ('shape', 'dtype', 'kind', 'base', 'offset', 'array', 'index', 'move')

    def __init__(self, shape, dtype, kind=ARENA, base=None, offset=0, array=None, index=None, move=None):
        self.shape, self.dtype, self.kind = tuple(shape), dtype, kind
        self.base, self.offset, self.array, self.index = base, offset, array, index
        self.move = move

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def nbytes(self):
        return math.prod(self.shape) * itemsize(self.dtype)

    def root(self):
        """(the buffer that owns the memory, byte offset in it)."""
        buffer, offset = self, 0
        while buffer.base is not None:
            offset += buffer.offset
            buffer = buffer.base
        return buffer, offset

    def place(self):
        """(the buffer that owns the memory, byte offset in it, moves of all loops)."""
        buffer, offset, moves = self, 0, []
        while buffer.base is not None:
            offset += buffer.offset
            if buffer.move is not None:
                moves.append(buffer.move)
            buffer = buffer.base
        return buffer, offset, moves

    def moves(self):
        """Whether it stands elsewhere in another round of a loop."""
        buffer = self
        while buffer is not None and buffer.move is None:
            buffer = buffer.base
        return buffer is not None

    def view(self, shape, offset=0, dtype=None):
        """The same memory under another shape, from an element offset."""
        dtype = dtype or self.dtype
        return Buffer(shape, dtype, self.kind, self, offset * itemsize(dtype))

    def __repr__(self):
        return f'<Buffer {self.kind} {self.dtype}{list(self.shape)}>'


class Step:
    """A kernel on buffers. refs: its own, inputs before outputs; writes: the indices of refs that it writes. program: the
    tile program or None, with its buffers tile_in, tile_out. flops: the multiplications and additions of its op, without those
    of the tile program. over: the index of an input of its own in whose memory it can make its result, or None. behind: a step
    whose chunks make just what this one's chunk of the same number reads of it, or None: right behind it the two go on by
    chunks."""

    __slots__ = ('kernel', 'refs', 'attrs', 'program', 'tile_in', 'tile_out', 'name', 'writes', 'flops', 'over', 'behind')

    def __init__(self, kernel, refs, attrs, writes, name=None):
        self.kernel, self.refs, self.attrs, self.writes, self.name = kernel, list(refs), attrs, writes, name
        self.program, self.tile_in, self.tile_out, self.flops, self.over = None, [], [], 0, None
        self.behind = None

    def read(self):
        return [b for i, b in enumerate(self.refs) if i not in self.writes] + self.tile_in

    def written(self):
        return [self.refs[i] for i in self.writes] + self.tile_out


def follows(steps, k):
    """Whether step k is done chunk by chunk right behind step k - 1."""
    return k > 0 and isinstance(steps[k], Step) and steps[k].behind is steps[k - 1]


class Host:
    """A step that the op's NumPy reference does."""

    __slots__ = ('function', 'refs', 'outputs', 'name')
    flops = 0

    def __init__(self, function, refs, outputs, name=None):
        self.function, self.refs, self.outputs, self.name = function, list(refs), list(outputs), name

    def read(self):
        return self.refs

    def written(self):
        return self.outputs


class Loop:
    """Steps that are done `count` times, or as long as the byte in the buffer `go` is not 0 before a round.

    shares: lists of steps. There are several where rows do not meet: each share does all rounds of its rows. level: how many
    loops are around it. reads, writes: buffers that live longer than a round. how: 'alone', a thread does all rounds of a
    share; 'team', the threads share each step and wait for each other behind it; 'outside', the executor goes through the
    rounds.
    room: the memory of all that a round makes for itself, once the memory pass has placed it.
    """

    __slots__ = ('shares', 'count', 'level', 'reads', 'writes', 'go', 'how', 'room', 'name')

    def __init__(self, shares, count, level, reads, writes, go=None, how='alone', name=None):
        self.shares, self.count, self.level, self.go, self.how, self.name = shares, count, level, go, how, name
        self.reads, self.writes, self.room = list(reads), list(writes), None

    def native(self):
        """Whether it is part of a plan: no step in it is one of the host."""
        return self.how != 'outside' and not any(
            isinstance(s, Host) or isinstance(s, Loop) and not s.native() for share in self.shares for s in share)

    def read(self):
        return self.reads if self.go is None else [*self.reads, self.go]

    def written(self):
        return self.writes if self.room is None else [*self.writes, self.room]


def flat(steps):
    """All steps, those in loops once."""
    for step in steps:
        if isinstance(step, Loop):
            for share in step.shares:
                yield from flat(share)
        else:
            yield step
