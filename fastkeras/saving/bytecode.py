"""Functions from Python's byte code in files, where the caller has said that their source can be trusted.

Trust is no protection against accidents: byte code of another Python, or a damaged one, ends the process when it is run, and
`marshal` says nothing of who wrote it. So its bytes are read here first, without making anything of them, and each instruction
is checked against this Python: what is in it, where it jumps to, what it takes from the stack.
"""

from __future__ import annotations

import base64
import binascii
import dis
import importlib.util
import marshal
import opcode
import struct
import sys
import types
from typing import Any

from fastkeras.saving.bytecode_stack import runnable

_DEEPEST = 40
# layouts of code objects in the bytes: (name, whole numbers in front, fields behind)
_LAYOUTS = {
    '3.7 or older': (5, 'code consts names varnames freevars cellvars filename name #line lnotab'),
    '3.8 to 3.10': (6, 'code consts names varnames freevars cellvars filename name #line lnotab'),
    '3.11 or later': (5, 'code consts names varnames kinds filename name qualname #line linetable exceptions'),
}
# magic numbers of .pyc files, from which on they are of a version
_MAGIC = {3390: '3.7', 3400: '3.8', 3420: '3.9', 3430: '3.10', 3450: '3.11', 3500: '3.12', 3550: '3.13', 3600: '3.14',
          3650: 'a version after 3.14'}
_THIS = f'{sys.version_info[0]}.{sys.version_info[1]}'
_CACHES = getattr(opcode, '_inline_cache_entries', {})


class NotRunnable(ValueError):
    """Byte code that this Python must not run; the message says why, to be put behind 'its byte code …'."""


def function_of(text: Any, names: dict[str, Any], defaults: Any, closure: Any, magic: str | None = None) -> Any:
    """The function of byte code in base64, with these global names, default values and values of its closure.

    magic: the magic number of the Python that wrote it, in hex, where the file says it. NotRunnable for byte code of another
    Python and for anything that is damaged.
    """
    if magic is not None and magic != importlib.util.MAGIC_NUMBER.hex():
        raise NotRunnable(f'is of another Python ({_version(magic)}) than this one ({_THIS})')
    try:
        if isinstance(text, str):
            text = text.encode('ascii')
        data = base64.b64decode(text, validate=False)
    except (TypeError, UnicodeError, binascii.Error):
        raise NotRunnable(f'is damaged: it is no base64; this is Python {_THIS}') from None
    found = _layouts(data)
    own = next(name for name, (numbers, _) in _LAYOUTS.items() if name == _own_layout())
    if own not in found:
        if not found:
            raise NotRunnable(f'is damaged: no Python wrote it; this is Python {_THIS}')
        raise NotRunnable(f'is of another Python ({next(iter(found))}) than this one ({_THIS})')
    _check(found[own])
    cells = _closure(found[own], closure)
    try:
        code = _without_lines(marshal.loads(data))
    except (ValueError, TypeError, EOFError, SystemError, OverflowError):
        raise NotRunnable(f'is damaged; this is Python {_THIS}') from None
    return types.FunctionType(code, {**names, '__builtins__': __builtins__}, code.co_name,
                              tuple(defaults) if defaults else None, cells)


def _own_layout():
    if sys.version_info >= (3, 11):
        return '3.11 or later'
    return '3.8 to 3.10' if sys.version_info >= (3, 8) else '3.7 or older'


def _version(magic):
    try:
        number = int.from_bytes(bytes.fromhex(magic)[:2], 'little')
    except (TypeError, ValueError):
        return f'of the magic number {magic!r:.20}'
    return next((v for first, v in reversed(_MAGIC.items()) if number >= first), f'of the magic number {magic}')


def _closure(code, values):
    wanted = sum(bool(k & 0x80) for k in code['kinds']) if 'kinds' in code else len(code['freevars'])
    values = list(values or ())
    if len(values) != wanted:
        raise NotRunnable(f'needs {wanted} values of where it was defined, and {len(values)} were saved')
    return tuple(types.CellType(v) for v in values) or None


def _without_lines(code):
    """Line numbers are of a file that is not here, and are not checked."""
    none = {'co_linetable' if sys.version_info >= (3, 10) else 'co_lnotab': b''}
    consts = tuple(_without_lines(c) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    return code.replace(co_consts=consts, **none)


# ---- reading
def _layouts(data):
    """layout → fields of the code object, for the layouts in which the bytes are one."""
    found = {}
    for layout in _LAYOUTS:
        try:
            reader = _Reader(data, layout)
            code = reader.value()
            if isinstance(code, dict) and reader.at == len(data):
                found[layout] = code
        except (NotRunnable, IndexError, struct.error, UnicodeError):
            continue
    return found


class _Reader:
    """Bytes of `marshal` as plain values; a code object is a dict of its fields."""

    def __init__(self, data, layout):
        self.data, self.at, self.references, self.depth = data, 0, [], 0
        self.numbers, fields = _LAYOUTS[layout]
        self.fields = fields.split()

    def take(self, n):
        if n < 0 or self.at + n > len(self.data):
            raise NotRunnable('is damaged')
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form='<i'):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, form='<i'):
        n = self.number(form)
        if not 0 <= n <= len(self.data):
            raise NotRunnable('is damaged')
        return n

    def value(self):
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotRunnable('is damaged')
        kind = self.take(1)[0]
        flag, kind = kind & 0x80, chr(kind & 0x7f)
        if kind == 'r':
            k = self.number()
            if not 0 <= k < len(self.references) or self.references[k] is None:
                raise NotRunnable('is damaged')
            made = self.references[k][0]
        else:
            place = len(self.references)
            if flag:
                self.references.append(None)
            made = self.made(kind)
            if flag:
                self.references[place] = (made,)
        self.depth -= 1
        return made

    def made(self, kind):
        if kind in 'NTF.':
            return {'N': None, 'T': True, 'F': False, '.': ...}[kind]
        if kind == 'i':
            return self.number()
        if kind == 'l':
            n = self.number()
            digits = [self.number('<H') for _ in range(abs(n))] if abs(n) <= len(self.data) else [1 << 16]
            if any(d >= 1 << 15 for d in digits) or digits and not digits[-1]:
                raise NotRunnable('is damaged')
            return 0
        if kind in 'gy':
            return self.take(8 if kind == 'g' else 16)
        if kind in 'sau':
            data = self.take(self.count())
            return data if kind == 's' else data.decode('ascii' if kind == 'a' else 'utf8', 'strict' if kind == 'a' else
                                                        'surrogatepass')
        if kind in 'AtzZ':
            data = self.take(self.count() if kind in 'At' else self.take(1)[0])
            return data.decode('utf8', 'surrogatepass') if kind == 't' else data.decode('ascii')
        if kind in '()':
            return tuple([self.value() for _ in range(self.count() if kind == '(' else self.take(1)[0])])
        if kind in '><':
            return frozenset(map(repr, [self.value() for _ in range(self.count())]))
        if kind == 'c':
            return self.code()
        raise NotRunnable('is damaged')

    def code(self):
        names = ['arguments', 'positional', 'keywords', 'locals', 'stack', 'flags']
        if self.numbers == 5:
            names.remove('locals' if 'kinds' in self.fields else 'positional')
        fields = {name: self.number() for name in names}
        for field in self.fields:
            fields[field] = self.number() if field[0] == '#' else self.value()
        for field, kind in (('code', bytes), ('consts', tuple), ('names', tuple), ('varnames', tuple), ('filename', str),
                            ('name', str), ('kinds', bytes), ('qualname', str), ('linetable', bytes), ('exceptions', bytes),
                            ('lnotab', bytes), ('freevars', tuple), ('cellvars', tuple)):
            if field in fields and not isinstance(fields[field], kind):
                raise NotRunnable('is damaged')
        for field in ('names', 'varnames', 'freevars', 'cellvars'):
            if not all(isinstance(n, str) for n in fields.get(field, ())):
                raise NotRunnable('is damaged')
        if any(fields[n] < 0 for n in names):
            raise NotRunnable('is damaged')
        return fields


# ---- checking
def _check(code):
    """NotRunnable unless this Python can run every instruction."""
    slots = len(code['varnames']) + len(code.get('freevars', ())) + len(code.get('cellvars', ()))
    if 'kinds' in code and len(code['kinds']) != slots:
        raise _wrong(code)
    given = code['arguments'] + code['keywords'] + bool(code['flags'] & 4) + bool(code['flags'] & 8)
    if given > len(code['varnames']) or code.get('positional', 0) > code['arguments'] or code['stack'] > 1 << 16:
        raise _wrong(code)
    raw = code['code']
    steps = list(_instructions(code, raw))
    if not steps or len(raw) % 2 or 'kinds' in code and not any(dis.opname[op] == 'RESUME' for _, op, _, _ in steps[:60]):
        raise _wrong(code)
    if code.get('exceptions'):
        raise NotRunnable('handles exceptions, which byte code of a file may not')
    if not runnable(code, steps, given, slots):
        raise _wrong(code)
    for const in code['consts']:
        if isinstance(const, dict):
            _check(const)


def _wrong(code):
    """What is said of a code object that this Python did not write: the version that did, as far as it shows."""
    if 'kinds' in code:
        # the instruction RESUME stands among the first ones, under another number
        siblings = {'3.11': '3.12', '3.12': '3.11'}.get(_THIS, '3.11 or 3.12')
        marks = {149: '3.13', 128: '3.14', 151: siblings}
        wrote = next((marks[op] for op in code['code'][:16:2] if op in marks), '3.11 or later')
    else:
        wrote = 'another of its kind, 3.8 to 3.10'
    return NotRunnable(f'is damaged or of another Python ({wrote}) than this one ({_THIS}), or does what a file may not')


def _caches(op):
    if isinstance(_CACHES, dict):
        return _CACHES.get(dis.opname[op], 0)
    return _CACHES[op] if op < len(_CACHES) else 0


def _instructions(code, raw):
    """(where it begins with its extensions, operation, argument, where the next begins)."""
    known, k, begin, arg = set(dis.opmap.values()), 0, None, 0
    while k + 1 < len(raw):
        op, begin = raw[k], k if begin is None else begin
        arg = arg << 8 | raw[k + 1]
        name = dis.opname[op]
        if op not in known or name in ('CACHE', 'RESERVED') or name.startswith('INSTRUMENTED') or arg >= 1 << 31:
            raise _wrong(code)
        k += 2
        if name == 'EXTENDED_ARG':
            continue
        behind = raw[k:k + 2 * _caches(op)]
        if len(behind) != 2 * _caches(op) or any(behind):
            raise _wrong(code)
        k += len(behind)
        yield begin, op, arg, k
        begin, arg = None, 0
