"""Tile programs: a region's nodes as micro-operations on registers (the encoding is in csrc/kernels/tile.h)."""

import struct
from functools import lru_cache

import numpy as np

from .. import _core
from ..ops import core
from .region import DTYPES, FLAT, MAX_REFS, MAX_REGISTERS, MAXDIM, access

INPUT, IMMEDIATE = 64, 128  # operand codes


@lru_cache(maxsize=1)
def micros():
    return _core.micros()


def micro_of(node):
    """Name of the micro-operation of an elementwise node, None where it has none for these types."""
    micro = core.record(node.op).micro
    return micro(node) if callable(micro) else micro


def immediate(node):
    """Whether a source is a constant number that the program itself holds."""
    return node.op == 'const' and node.size == 1


class Program:
    """words: the encoded program. sources: the Nodes whose buffers it reads, one per program input, in order; `flat[i]`
    says whether input i is read element by element."""

    __slots__ = ('words', 'sources', 'flat')

    def __init__(self, words, sources, flat):
        self.words, self.sources, self.flat = words, sources, flat


class _TooManyRegisters(Exception):
    pass


def fits(nodes, outputs, root, summed=()):
    """Whether the nodes' values fit the registers of one program, and all its tensors one step."""
    try:
        program = _assemble(nodes, outputs, root, summed)
    except _TooManyRegisters:
        return False
    return len(program.sources) + len(outputs) <= MAX_REFS


def assemble(region):
    return _assemble(region.nodes, region.outputs, region.root, [s.inputs[0] for s in region.sums])


def _assemble(nodes, outputs, root, summed=()):
    """summed: values that are the program's first outputs: they are read before an output may take an input's memory."""
    inputs, encoded, imms, instructions = {}, [], {}, []
    place = {}  # id(node) → operand code, of nodes computed so far
    uses = {}
    members = {id(n) for n in nodes}
    for n in nodes:
        for i in n.inputs:
            uses[id(i)] = uses.get(id(i), 0) + 1
    results = [*summed, *(o for o in outputs if o is not root)]
    for o in results:
        uses[id(o)] = uses.get(id(o), 0) + 1  # written at the end of a tile: alive until then
    sources, flat = [], []
    free = list(range(MAX_REGISTERS))

    def operand(source, shape):
        if id(source) in members:
            return place[id(source)]
        if immediate(source):
            bits = _bits(source)
            return IMMEDIATE + imms.setdefault(bits, len(imms))
        how = access(source.shape, shape)
        key = (id(source), how)
        if key not in inputs:
            inputs[key] = len(inputs)
            kind, p, dims, strides = how
            encoded.extend([DTYPES[source.dtype], kind, len(dims), p])
            encoded.extend(dims + (0,) * (MAXDIM - len(dims)))
            encoded.extend(strides + (0,) * (MAXDIM - len(strides)))
            sources.append(source)
            flat.append(kind == FLAT)
        return INPUT + inputs[key]

    def release(source):
        if id(source) not in members:
            return
        uses[id(source)] -= 1
        code = place[id(source)]
        if not uses[id(source)] and code < INPUT:
            held[code] -= 1
            if not held[code]:
                free.append(code)

    held = [0] * MAX_REGISTERS
    for n in nodes:
        if n.op == 'reshape':
            code = operand(n.inputs[0], n.shape if id(n.inputs[0]) not in members else n.inputs[0].shape)
            place[id(n)] = code
            if code < INPUT:
                held[code] += 1
            release(n.inputs[0])
            continue
        number, arity = micros()[micro_of(n)]
        codes = [operand(i, n.shape) for i in n.inputs]
        for i in n.inputs:
            release(i)
        if not free:
            raise _TooManyRegisters
        dst = free.pop(0)
        held[dst] = 1
        place[id(n)] = dst
        instructions.append([number, dst, *codes, *[0] * (3 - arity)])
        if not uses.get(id(n)):
            held[dst] = 0
            free.append(dst)
        free.sort()
    out = [[DTYPES[o.dtype], operand(o, o.shape)] for o in results]
    words = [len(sources), len(out), len(instructions), len(imms)]
    words += encoded + [w for o in out for w in o] + [w for i in instructions for w in i] + list(imms)
    return Program(np.array(words, np.int64), sources, flat)


def _bits(node):
    value = np.asarray(node.attrs['value']).reshape(())
    if node.dtype in ('int32', 'int64'):
        return struct.unpack('<I', struct.pack('<i', int(value)))[0]
    return struct.unpack('<I', struct.pack('<f', float(value)))[0]
