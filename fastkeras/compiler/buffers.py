"""Where a value lives while a plan runs."""

import math

import numpy as np

ARENA, FIXED, INPUT, OUTPUT = 'arena', 'fixed', 'input', 'output'


class Buffer:
    """kind: ARENA (offset given by the memory pass), FIXED (an array bound once: variable, constant, packed weights), INPUT or
    OUTPUT (an array bound at each run). A view has a base and a byte offset into it."""

    __slots__ = ('shape', 'dtype', 'kind', 'base', 'offset', 'array', 'index', 'space')

    def __init__(self, shape, dtype, kind=ARENA, base=None, offset=0, array=None, index=None):
        self.shape, self.dtype, self.kind = tuple(shape), dtype, kind
        self.base, self.offset, self.array, self.index = base, offset, array, index
        self.space = None

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def nbytes(self):
        return self.size * np.dtype(self.dtype).itemsize

    def root(self):
        """(the buffer that owns the memory, byte offset in it)."""
        buffer, offset = self, 0
        while buffer.base is not None:
            offset += buffer.offset
            buffer = buffer.base
        return buffer, offset

    def view(self, shape, offset=0, dtype=None):
        """The same memory under another shape, from an element offset."""
        dtype = dtype or self.dtype
        return Buffer(shape, dtype, self.kind, self, offset * np.dtype(dtype).itemsize)

    def __repr__(self):
        return f'<Buffer {self.kind} {self.dtype}{list(self.shape)}>'


class Step:
    """A kernel on buffers. refs: its own, inputs before outputs; writes: the indices of refs that it writes. program: the
    tile program or None, with its buffers tile_in, tile_out. flops: the multiplications and additions of its op, without those
    of the tile program."""

    __slots__ = ('kernel', 'refs', 'attrs', 'program', 'tile_in', 'tile_out', 'name', 'writes', 'flops')

    def __init__(self, kernel, refs, attrs, writes, name=None):
        self.kernel, self.refs, self.attrs, self.writes, self.name = kernel, list(refs), attrs, writes, name
        self.program, self.tile_in, self.tile_out, self.flops = None, [], [], 0

    def read(self):
        return [b for i, b in enumerate(self.refs) if i not in self.writes] + self.tile_in

    def written(self):
        return [self.refs[i] for i in self.writes] + self.tile_out


class Host:
    """A step that the op's NumPy reference does."""

    __slots__ = ('function', 'refs', 'output', 'name')
    flops = 0

    def __init__(self, function, refs, output, name=None):
        self.function, self.refs, self.output, self.name = function, list(refs), output, name

    def read(self):
        return self.refs

    def written(self):
        return [self.output]
