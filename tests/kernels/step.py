"""One kernel step, run by itself: what the kernel tests are written with."""
import struct
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from fastkeras import _core
from fastkeras.compiler import executor
from fastkeras.compiler.buffers import FIXED, Buffer, Step

OPS = executor.kernels()
MICROS = _core.micros()
ISAS = _core.isas()
LIMITS = _core.limits()
AXES, DTYPES, OPERAND = LIMITS['sizes']['axes'], LIMITS['dtype'], LIMITS['operand']
FLAT, SCALAR, MOD, DIV, STRIDED = (LIMITS['access'][n] for n in ('flat', 'scalar', 'mod', 'div', 'strided'))


def chunks(op, **attrs):
    return _core.chunks(OPS[op][0], np.array(executor.encode(op, attrs), np.int64))


@contextmanager
def in_force(isa=None, threads=1):
    """With this instruction set, on which sizes depend (None: the one that is), and so many threads."""
    before = _core.isa(), _core.threads()
    _core.set_isa(isa or before[0])
    _core.set_threads(threads)
    try:
        yield
    finally:
        _core.set_isa(before[0])
        _core.set_threads(before[1])


def parts(op, isa=None, **attrs):
    with in_force(isa):
        return executor.parts(op, **attrs)


def bounds(rows, parts):
    """Equal shares of rows, as sums take them."""
    return np.array([i * rows // parts for i in range(parts + 1)], np.int64)


def access(x, kind=FLAT, p=0, dim=(), stride=()):
    """An input of a tile program: the array and how element i reads it."""
    return x, [DTYPES[x.dtype.name], kind, len(dim), p, *dim, *[0] * (AXES - len(dim)), *stride,
               *[0] * (AXES - len(stride))]


def program(inputs, outputs, instructions, immediates=()):
    """The words of a tile program. inputs: what `access` returns. outputs: (dtype, operand), and (run, pitch)
    behind for rows. instructions: (name, dst,
    operands…). Operands: an int is a register, ('in', j) an input, ('imm', j) an immediate."""
    def code(o):
        return o if isinstance(o, int) else {'in': OPERAND['input'], 'imm': OPERAND['immediate']}[o[0]] + o[1]
    words = [len(inputs), len(outputs), len(instructions), len(immediates)]
    for _, w in inputs:
        words += w
    for dtype, operand, *rows in outputs:
        words += [DTYPES[dtype], code(operand), *(rows or (0, 0))]
    for name, dst, *operands in instructions:
        number, arity = MICROS[name]
        assert len(operands) == arity, name
        words += [number, dst, *map(code, operands), *[0] * (3 - arity)]
    for v in immediates:
        words.append(struct.unpack('<I', struct.pack('<i' if isinstance(v, int) else '<f', v))[0])
    return np.array(words, np.int64)


def run(op, own, outputs=(), words=None, tile=(), isa=None, threads=1, **attrs):
    """Run one step: `own` are the kernel's tensors (outputs among them, written in place), `tile` the program's."""
    with in_force(isa, threads):
        buffers = [Buffer(t.shape, t.dtype.name, FIXED, array=t) for t in [*own, *tile]]
        step = Step(op, buffers[:len(own)], executor.encode(op, attrs), [])
        if words is not None:
            step.program, step.tile_in = SimpleNamespace(words=words, flat=()), buffers[len(own):]
        executor.executor_of([step], [], [])[0].run([])
    return outputs


def elementwise(n, inputs, outputs, instructions, immediates=(), out=None, **how):
    """Run a tile program over n elements; returns the arrays of its outputs."""
    out = out or [np.full(n, 7, dtype) for dtype, *_ in outputs]
    words = program(inputs, outputs, instructions, immediates)
    run('tile', [], words=words, tile=[x for x, _ in inputs] + out, n=n, **how)
    return out


def micro(name, *operands, **how):
    """One micro-operation on float32 arrays."""
    operands = [np.ascontiguousarray(a, np.float32) for a in operands]
    return elementwise(operands[0].size, [access(a) for a in operands], [('float32', 0)],
                       [(name, 0, *[('in', j) for j in range(len(operands))])], **how)[0]
