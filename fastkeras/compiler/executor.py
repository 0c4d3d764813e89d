"""The one door to native plans: steps on buffers become an Executor, whole graphs' as well as single steps'."""

import struct
from functools import cache, lru_cache

import numpy as np

from .. import _core, config
from ..ops import all_reduce
from . import memory
from .buffers import ARENA, FIXED, INPUT, OUTPUT, Buffer, Host, Loop, Step
from .stages import stage

MAXDIM = _core.limits()['sizes']['axes']


@lru_cache(maxsize=1)
def kernels():
    return _core.ops()


def settings():
    """What a compiled plan depends on beside its graph: a plan is run only while this is as it was."""
    return _core.isa(), config.winograd(), all_reduce.current


@cache
def _fields(kernel):
    fields = kernels()[kernel][2]
    return fields, frozenset(name for _, name in fields)


def encode(kernel, attrs):
    """The attributes of a kernel as words, in the order of ops.def. TypeError unless exactly these are given."""
    fields, names = _fields(kernel)
    if attrs.keys() != names:
        raise TypeError(f'kernel {kernel!r} takes the attributes {[name for _, name in fields]}, got {sorted(attrs)}')
    words = []
    for kind, name in fields:
        value = attrs[name]
        if kind == 'I':
            words.append(int(value))
        elif kind == 'F':
            words.append(struct.unpack('<q', struct.pack('<d', float(value)))[0])
        else:
            words += [*map(int, value), *[0] * (MAXDIM - len(value))]
    return words


def named(step):
    """The attributes of a step of a kernel whose attributes are whole numbers, by name."""
    return dict(zip((name for _, name in _fields(step.kernel)[0]), step.attrs))


def parts(kernel, **attrs):
    """The kernel's `parts` query (see ops.def)."""
    return _core.parts(kernels()[kernel][0], np.array(encode(kernel, attrs) or [0], np.int64))


def chunks(kernel, words):
    """How many chunks a step has, from its encoded attributes."""
    return _core.chunks(kernels()[kernel][0], np.array(words or [0], np.int64))


def chunk_rows(kernel, words):
    """The rows of what it makes that the chunks of a step begin with, then how many there are, or None; from its encoded
    attributes."""
    return _core.chunk_rows(kernels()[kernel][0], np.array(words or [0], np.int64))


def copy_step(x, y):
    """A contiguous copy."""
    item = np.dtype(y.dtype).itemsize
    attrs = encode('copy', dict(ndim=1, shape=(y.size,), xstride=(1,), ystride=(1,), xoff=0, yoff=0, itemsize=item))
    return Step('copy', [x, y], attrs, [1])


def executor_of(steps, inputs, outputs):
    """(Executor, bytes of its arena, {plan or host step: its steps}) of the steps, whose buffers in the arena get their places:
    consecutive native steps are one plan, host steps stand between them. inputs, outputs: the buffers that are bound at each
    run."""
    with stage('memory'):
        arena_bytes = memory.plan_arena(steps)
    with stage('encode'):
        executor, steps_of = _encoded(steps, inputs, outputs, arena_bytes)
    return executor, arena_bytes, steps_of


def _encoded(steps, inputs, outputs, arena_bytes):
    spaces, fixed, steps_of = {ARENA: 0}, [], {}

    def place(buffer):
        """(space, offset, moves)"""
        root, offset, moves = buffer.place()
        if root.kind == ARENA:
            return 0, root.offset + offset, moves
        key = (root.kind, root.index) if root.kind in (INPUT, OUTPUT) else id(root.array)
        if key not in spaces:
            spaces[key] = len(spaces)
            if root.kind == FIXED:
                fixed.append((spaces[key], root.array))
        return spaces[key], offset, moves

    def host_place(buffer):
        space, offset, moves = place(buffer)
        return space, offset, buffer.shape, buffer.dtype, moves

    def segments_of(steps):
        segments, native = [], []

        def flush():
            if native:
                plan, run = _plan(native, place)
                segments.append(plan)
                steps_of[plan] = run
                native.clear()

        for step in steps:
            if isinstance(step, Host):
                flush()
                segments.append(_core.HostStep(step.function, [host_place(b) for b in step.refs],
                                               [host_place(b) for b in step.outputs]))
                steps_of[segments[-1]] = [step]
            elif isinstance(step, Loop) and not step.native():
                flush()
                go = host_place(step.go) if step.go is not None else None
                segments.append(_core.Loop(segments_of(step.shares[0]), step.count, step.level, go))
            else:
                native.append(step)
        flush()
        return segments

    bound_in = [(place(b)[0], b.shape, b.dtype) for b in inputs]
    bound_out = [(place(b)[0], b.shape, b.dtype) for b in outputs]
    segments = segments_of(steps)
    return _core.Executor(segments, len(spaces), arena_bytes, fixed, bound_in, bound_out), steps_of


def _plan(steps, place):
    """(the plan of native steps and loops, the steps in their order)."""
    words, refs, moves, loops, attrs, programs = [], [], [], [], [], []
    known, run = {}, []

    def ref(buffer):
        space, offset, moved = place(buffer)
        refs.append((space, offset, len(moves), len(moved)))
        moves.extend(moved)
        return len(refs) - 1

    def add(step):
        if isinstance(step, Loop):
            for k, share in enumerate(step.shares):
                row = len(loops)
                first = len(run)
                loops.append(None)
                for s in share:
                    add(s)
                shares = -1 if step.how == 'team' else len(step.shares) if k == 0 else 0
                loops[row] = (first, len(run), step.level, step.count, -1 if step.go is None else ref(step.go), shares)
            return
        program = -1
        if step.program is not None:
            key = step.program.words.tobytes()
            program = known.setdefault(key, len(programs))
            if program == len(programs):
                programs.extend(step.program.words.tolist())
        buffers = step.refs + step.tile_in + step.tile_out
        follows = bool(run) and step.behind is run[-1]
        words.extend([kernels()[step.kernel][0], len(refs), len(buffers), len(step.refs), len(attrs), program, follows])
        for b in buffers:
            ref(b)
        attrs.extend(step.attrs)
        run.append(step)

    for step in steps:
        add(step)
    rows = [[w for row in table for w in row] for table in (refs, moves, loops)]
    return _core.Plan(*(np.array(w, np.int64) for w in (words, *rows, attrs, programs))), run


def single_step(kernel, inputs, output, room=(), **attrs):
    """The Executor of one step of a kernel.

    inputs: of each tensor that the kernel reads, (shape, dtype) for an array that is bound at each run, or an array that is
    bound for good, or the Buffer of a part of one. output: (shape, dtype) of the result. room: (shape, dtype) of the
    memory that the kernel works in, which ops.def names between the two. attrs: the kernel's, by name.
    """
    read, bound = [], []
    for x in inputs:
        if isinstance(x, tuple):
            x = Buffer(*x, INPUT, index=len(bound))
            bound.append(x)
        elif not isinstance(x, Buffer):
            x = Buffer(x.shape, x.dtype.name, FIXED, array=x)
        read.append(x)
    result = Buffer(*output, OUTPUT, index=0)
    refs = [*read, *(Buffer(*r) for r in room), result]
    step = Step(kernel, refs, encode(kernel, attrs), list(range(len(read), len(refs))), kernel)
    return executor_of([step], bound, [result])[0]
