"""Tile programs: a region's nodes as micro-operations on registers (the encoding is in csrc/kernels/tile.h)."""

import struct
from functools import lru_cache

import numpy as np

from .. import _core
from ..ops import core
from .region import DTYPES, FLAT, MAX_REFS, MAX_REGISTERS, MAXDIM, STRIDED, access

INPUT, IMMEDIATE = (_core.limits()['operand'][n] for n in ('input', 'immediate'))
INSTRUCTION = _core.limits()['sizes']['instruction_words']  # its number, the register of its result, three operands
HEAD, INPUT_WORDS, OUTPUT_WORDS = 4, 4 + 2 * MAXDIM, 4      # the counts; of each input and output
ZEROS = (0,) * MAXDIM


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

    def in_rows(self, output, run, pitch):
        """The program that writes an output, counted from behind the last, as rows of `run` elements, from one to the next
        `pitch`."""
        words = self.words.copy()
        at = HEAD + len(self.sources) * INPUT_WORDS + (int(words[1]) + output) * OUTPUT_WORDS
        words[at + OUTPUT_WORDS - 2:at + OUTPUT_WORDS] = run, pitch
        return Program(words, self.sources, self.flat)


class _TooManyRegisters(Exception):
    pass


def program(nodes, outputs, root, summed=()):
    """The Program of elementwise nodes, in order; None where their values do not fit its registers, or all its tensors one
    step. outputs: what leaves it; the root of its region among them does so without it. summed: values that are the
    program's first outputs: they are read before an output may take an input's memory."""
    try:
        made = _assemble(nodes, outputs, root, summed)
    except _TooManyRegisters:
        return None
    return made if len(made.sources) + len(outputs) <= MAX_REFS else None


def _assemble(nodes, outputs, root, summed):
    table = micros()
    inputs, encoded, imms, instructions = {}, [], {}, []
    place = {}  # id(node) → operand code, of nodes computed so far
    uses = {}
    members = {id(n) for n in nodes}
    for n in nodes:
        for i in n.inputs:
            k = id(i)
            uses[k] = uses.get(k, 0) + 1
    results = [*summed, *(o for o in outputs if o is not root)]
    for o in results:
        uses[id(o)] = uses.get(id(o), 0) + 1  # written at the end of a tile: alive until then
    sources, flat = [], []
    free = list(range(MAX_REGISTERS))
    held = [0] * MAX_REGISTERS

    def operand(source, shape):
        if id(source) in members:
            return place[id(source)]
        if immediate(source):
            bits = _bits(source)
            return IMMEDIATE + imms.setdefault(bits, len(imms))
        if source.op == 'part':
            how = STRIDED, 0, source.shape, source.attrs['strides']
        else:
            how = access(source.shape, shape)
        key = (id(source), how)
        if key not in inputs:
            inputs[key] = len(inputs)
            kind, p, dims, strides = how
            encoded.extend((DTYPES[source.dtype], kind, len(dims), p, *dims, *ZEROS[len(dims):], *strides,
                            *ZEROS[len(strides):]))
            sources.append(source)
            flat.append(kind == FLAT)
        return INPUT + inputs[key]

    def release(source):
        k = id(source)
        if k not in members:
            return
        uses[k] -= 1
        code = place[k]
        if not uses[k] and code < INPUT:
            held[code] -= 1
            if not held[code]:
                free.append(code)

    for n in nodes:
        if n.op == 'reshape':
            source, = n.inputs
            code = place[id(n)] = operand(source, n.shape if id(source) not in members else source.shape)
            if code < INPUT:
                held[code] += 1
            release(source)
            continue
        number, arity = table[micro_of(n)]
        codes = [operand(i, n.shape) for i in n.inputs]
        for i in n.inputs:
            release(i)
        if not free:
            raise _TooManyRegisters
        dst = free.pop(0)
        held[dst] = 1
        place[id(n)] = dst
        instructions += (number, dst, *codes, *ZEROS[:3 - arity])
        if id(n) not in uses:
            held[dst] = 0
            free.append(dst)
        free.sort()
    out = [w for o in results for w in (DTYPES[o.dtype], operand(o, o.shape), 0, 0)]
    words = [len(sources), len(results), len(instructions) // INSTRUCTION, len(imms), *encoded, *out, *instructions, *imms]
    return Program(np.array(words, np.int64), sources, flat)


def _bits(node):
    value = np.asarray(node.attrs['value']).reshape(())
    if node.dtype in ('int32', 'int64'):
        return struct.unpack('<I', struct.pack('<i', int(value)))[0]
    return struct.unpack('<I', struct.pack('<f', float(value)))[0]
