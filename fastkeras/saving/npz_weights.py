"""Weights in a .npz file of Keras 3 (`weights_format='npz'`): for each part of a model an array that is a pickled dictionary.

Python's pickle would call whatever a file names. Here its instructions only put together inert things, in which the numbers
of arrays are then looked for: nothing is imported, nothing called. Keras pickles its Variables whole: the
array in one is its value.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from fastkeras.utils.errors import ModelFileError

_ROOT = '__root__'
_HEADER = re.compile(rb"\{'descr': '\|O', 'fortran_order': (?:True|False), 'shape': \(\), \}\s*")
_OF_NUMPY = ('numpy.core.multiarray', 'numpy._core.multiarray')
_NUMBERS = re.compile('[fiub][1248]')


class NpzStore:
    """A store to read from, as those of `stores`."""

    of_213 = False

    def __init__(self, members):
        """members: zips.Members of the file. ModelFileError where these are not parts of a model."""
        self._members = members
        others = [name for name in members.names if not name.endswith('.npy')]
        if others or not members.names:
            raise ModelFileError(f'expected arrays of the parts of a model, got {others[0] if others else "nothing"!r}')
        self._names = {'' if name == f'{_ROOT}.npy' else name.removesuffix('.npy'): name for name in members.names}
        self._found = {}

    def check(self):
        """Each member is checked as it is read."""

    def at(self, path):
        """name → array of the variables at a path; empty where there are none."""
        if path not in self._names:
            return {}
        if path not in self._found:
            name = self._names[path]
            try:
                self._found[path] = {key: _value(found) for key, found in _dictionary(self._members.read(name)).items()}
            except ModelFileError as error:
                raise ModelFileError(f'{name}: {error}') from error
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
                raise ModelFileError(f'{name}: it is damaged: {error}') from error
        return self._found[path]

    def has(self, path):
        """Whether there is anything at or below a path."""
        return any(known == path or known.startswith(f'{path}/') for known in self._names)

    def paths(self):
        """All paths with variables."""
        return [path for path in sorted(self._names) if self.at(path)]

    def inside(self, path):
        """Names of what stands below a path."""
        start = f'{path}/' if path else ''
        return sorted({known[len(start):].split('/')[0] for known in self._names if known.startswith(start) and known})

    def label(self, path):
        """Such files say no names."""

    def labels(self):
        """As `label`."""
        return {}


def is_npz(members: Any) -> bool:
    """Whether a zip archive is a file of arrays."""
    return bool(members.names) and all(name.endswith('.npy') for name in members.names)


# ---- one array
def _dictionary(data):
    """The dictionary that is the one element of an array of objects."""
    if data[:6] != b'\x93NUMPY' or len(data) < 12:
        raise ModelFileError('it is no array of NumPy')
    at = 10 if data[6] == 1 else 12
    end = at + int.from_bytes(data[8:at], 'little')
    if not _HEADER.fullmatch(data[at:end]):
        raise ModelFileError('expected the variables of one part of a model, as Keras 3 writes them, got an array by itself; '
                             'load it with numpy.load, and give the arrays to set_weights')
    array = _unpickled(data[end:])
    found = array.state[4][0] if isinstance(array, _Made) and array.is_numpy('_reconstruct') else None
    if not isinstance(found, dict):
        raise ModelFileError('it holds no dictionary')
    return found


def _value(thing):
    """The array that a value is, or that a pickled Variable has."""
    array = _array(thing)
    if array is None and isinstance(thing, _Made):
        states = thing.state if isinstance(thing.state, tuple) else (thing.state,)
        kept = next((s['_value'] for s in states if isinstance(s, dict) and '_value' in s), None)
        arrays = _arrays_in(kept)
        array = arrays[0] if len(arrays) == 1 else None
    if array is None:
        raise ModelFileError('a value is neither an array nor a Variable with one; write the file again as .weights.h5 with '
                             'the Keras that made it')
    return array


def _arrays_in(thing):
    """All arrays in something, each once."""
    seen, arrays, left = set(), [], [thing]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        array = _array(one)
        if array is not None:
            arrays.append(array)
        elif isinstance(one, _Made):
            left += [one.what, one.args, one.state]
        elif isinstance(one, (list, tuple)) and not isinstance(one, _Global):
            left += one
        elif isinstance(one, dict):
            left += one.values()
    return arrays


def _array(thing):
    """The array of numbers that NumPy has pickled as this; None for anything else."""
    if isinstance(thing, _Made) and thing.is_numpy('scalar') and len(thing.args) == 2:
        return _numbers(thing.args[0], (), False, thing.args[1])
    if isinstance(thing, _Made) and thing.is_numpy('_reconstruct') and isinstance(thing.state, tuple) and len(thing.state) == 5:
        _, shape, dtype, fortran, data = thing.state
        return _numbers(dtype, shape, fortran, data)
    return None


def _numbers(said, shape, fortran, data):
    known = isinstance(said, _Made) and said.what == _Global('numpy', 'dtype') and said.args and isinstance(said.args[0], str)
    order = said.state[1] if known and isinstance(said.state, tuple) and len(said.state) > 1 else '|'
    if not known or not _NUMBERS.fullmatch(said.args[0]) or order not in ('<', '>', '|', '=') or not isinstance(data, bytes):
        return None
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        return None
    return np.frombuffer(data, np.dtype(said.args[0]).newbyteorder(order)).reshape(shape, order='F' if fortran else 'C')


# ---- pickles
class _Global(NamedTuple):
    """A name of a module, of which nothing is looked up."""

    module: str
    name: str


class _Made:
    """What a pickle says to be made by a call, which is not done."""

    def __init__(self, what, args):
        self.what, self.args, self.state = what, args, None

    def is_numpy(self, name):
        return isinstance(self.what, _Global) and self.what.module in _OF_NUMPY and self.what.name == name


_CONSTANTS = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
_GIVEN = frozenset(('BININT', 'BININT1', 'BININT2', 'LONG1', 'BINFLOAT', 'SHORT_BINUNICODE', 'BINUNICODE', 'BINUNICODE8',
                    'SHORT_BINBYTES', 'BINBYTES', 'BINBYTES8'))
_EMPTY = {'EMPTY_DICT': dict, 'EMPTY_LIST': list, 'EMPTY_TUPLE': tuple, 'EMPTY_SET': list}
_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}


def _unpickled(data):
    """What a pickle puts together. ModelFileError for instructions that no array of Keras has."""
    stack, marks, memo = [], [], {}

    def since_mark():
        at = marks.pop()
        found, stack[at:] = stack[at:], []
        return found

    def put(target, pairs):
        if not isinstance(target, dict) or not all(isinstance(k, str) for k in pairs[::2]):
            raise ModelFileError('a dictionary has keys that are no texts')
        target.update(zip(pairs[::2], pairs[1::2]))

    import pickletools  # which nothing else here needs
    for opcode, arg, _ in pickletools.genops(data):
        name = opcode.name
        if name in _GIVEN:
            stack.append(arg)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name == 'MARK':
            marks.append(len(stack))
        elif name == 'TUPLE':
            stack.append(tuple(since_mark()))
        elif name in ('APPENDS', 'ADDITEMS'):
            found = since_mark()
            stack[-1].extend(found)
        elif name == 'APPEND':
            found = stack.pop()
            stack[-1].append(found)
        elif name == 'SETITEMS':
            found = since_mark()
            put(stack[-1], found)
        elif name == 'SETITEM':
            found = stack[-2:]
            del stack[-2:]
            put(stack[-1], found)
        elif name in ('MEMOIZE', 'BINPUT', 'LONG_BINPUT'):
            memo[len(memo) if name == 'MEMOIZE' else arg] = stack[-1]
        elif name in ('BINGET', 'LONG_BINGET'):
            stack.append(memo[arg])
        elif name == 'STACK_GLOBAL':
            stack[-2:] = [_Global(*stack[-2:])]
        elif name == 'GLOBAL':
            stack.append(_Global(*arg.split(' ', 1)))
        elif name in ('REDUCE', 'NEWOBJ'):
            stack[-2:] = [_Made(*stack[-2:])]
        elif name == 'BUILD':
            state = stack.pop()
            stack[-1].state = state
        elif name == 'STOP':
            return stack.pop()
        elif name not in ('PROTO', 'FRAME'):
            raise ModelFileError(f'its pickle has the instruction {name}, which no array of Keras has')
    raise ModelFileError('its pickle has no end')
