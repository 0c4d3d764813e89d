"""How much a model file may ask for, and text of JSON that is read within these bounds.

A file of a few kilobytes can name gigabytes. These numbers are far above what real models need; who has a model beyond one
raises it for as long as it takes:

    from fastkeras.saving import limits
    with limits.raised(json_bytes=1 << 28):
        model = load_model(path)
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import threading
from typing import Any

from fastkeras import _core, work
from fastkeras.utils.errors import ModelFileError, nearest

LIMITS = {
    'json_bytes': 8 << 20,          # of one text of JSON; one that is not ASCII counts four times, as it may take in memory
    'json_items': 400_000,          # values in it, of any kind
    'json_depth': 256,              # lists and dictionaries inside each other
    'json_digits': 40,              # of a whole number
    'yaml_items': 90_000,           # values and keys in a text of YAML, which is read slowly
    'layers': 5_000,                # of a model, with those of models inside
    'calls': 10_000,                # of its layers
    'objects': 50_000,              # of any class, in a configuration
    'work': 80_000,                 # operations that describing a model takes; making a layer, and calling it, counts as five
    'array_bytes': 48 << 20,        # of arrays that are made while a model is described, and which are no weights
    'attribute_bytes': 8 << 20,     # of one attribute of an HDF5 file, which is read as a whole
    'members': 200_000,             # groups and arrays that are looked at in one HDF5 file
    'names': 100_000,               # in one list of names
    'chunks': 200_000,              # pieces that the arrays of one HDF5 file are stored in
    'ratio': 200,                   # bytes that come out of one byte of a packed array
    'packed_bytes': 16 << 20,       # that may come out of packed arrays whatever the ratio
}
_scopes = threading.local()
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)


def of(name: str) -> Any:
    """The limit that is in force."""
    return getattr(_scopes, 'raised', LIMITS)[name]


@contextlib.contextmanager
def raised(**limits: Any) -> Any:
    """Inside the block, in this thread, these limits hold: `raised(json_bytes=1 << 28)`. ValueError for an unknown name or no
    positive whole number."""
    for name, value in limits.items():
        if name not in LIMITS:
            raise ValueError(f'limits.raised: unknown limit {name!r}; {nearest(name, LIMITS)}')
        if isinstance(value, bool) or not hasattr(value, '__index__') or value <= 0:
            raise ValueError(f'limits.raised: expected {name} to be a positive whole number, got {value!r}')
    before = getattr(_scopes, 'raised', LIMITS)
    _scopes.raised = {**before, **limits}
    try:
        yield
    finally:
        _scopes.raised = before


def check(name: str, value: Any, what: str) -> None:
    """ModelFileError where a file asks for more than a limit. what: of what, for the message."""
    if value > of(name):
        raise ModelFileError(f'{what}: {value} is beyond the limit {name}={of(name)}; where that is meant, load it inside '
                             f'saving.limits.raised({name}={value})')


@contextlib.contextmanager
def describing(what: str) -> Any:
    """Inside the block, in this thread, what a file describes is made within the limits; ModelFileError where it is beyond. A
    few digits in a configuration are enough for gigabytes of windows, tables and bounds, and a few lines for models in models
    that call each other 2^30 times. what: what describes it, for the message."""
    if getattr(_scopes, 'budget', False):
        yield
        return
    budget = _core.Budget(of('array_bytes'))

    def too_much():
        return ModelFileError(f'{what} takes more operations to describe a model than the limit work={of("work")}; where that '
                              'is meant, load it inside saving.limits.raised(work=…)')
    _scopes.budget = True
    try:
        with budget, work.at_most(of('work'), too_much):
            yield
    except Exception as error:
        if budget.refused:
            raise ModelFileError(f'{what} makes arrays beyond the limit array_bytes={of("array_bytes")}, and none of them is a '
                                 'weight; where that is meant, load it inside saving.limits.raised(array_bytes=…): '
                                 f'{error}') from error
        raise
    finally:
        _scopes.budget = False


# ---- JSON
def read_json(data: Any, what: str, root: Any = dict) -> Any:
    """The value that a text of JSON holds, str or UTF-8 bytes.

    what: what the text is, for messages ('config.json'). root: type, or tuple of types, that it has to be. Raises
    ModelFileError for anything that is no such text, and for what only a text made to do harm has: more than the limits
    allow, numbers that are not finite, a key twice, halves of characters.
    """
    text = _decoded(data, what)
    try:
        found = json.loads(text, object_pairs_hook=_dictionary, parse_int=_whole, parse_float=_real, parse_constant=_constant)
    except RecursionError:
        raise ModelFileError(f'{what} is no JSON that can be read: it is nested beyond json_depth={of("json_depth")}') from None
    except ValueError as error:
        raise ModelFileError(f'{what} is no JSON: {error}') from None
    _check_nesting(found, what, surrogates='\\ud' in text or '\\uD' in text)
    if not isinstance(found, root):
        raise ModelFileError(f'{what} is no {"dictionary" if root is dict else root} but {type(found).__name__}')
    return found


def _decoded(data, what):
    if isinstance(data, str):
        try:
            size = len(data) if data.isascii() else 4 * len(data.encode('utf8'))
        except UnicodeError as error:
            raise ModelFileError(f'{what} is no text: {error}') from None
    elif isinstance(data, (bytes, bytearray, memoryview)):
        data = bytes(data) if len(data) <= of('json_bytes') else data
        size = len(data) if len(data) > of('json_bytes') or data.isascii() else 4 * len(data)
    else:
        raise ModelFileError(f'{what}: expected JSON text, got {type(data).__name__}')
    check('json_bytes', size, f'{what}, bytes of JSON')
    if isinstance(data, bytes):
        try:
            data = data.decode('utf8')
        except UnicodeError as error:
            raise ModelFileError(f'{what} is no text in UTF-8: {error}') from None
    if data.startswith('\ufeff'):
        raise ModelFileError(f'{what} begins with a byte order mark, which JSON does not have')
    commas, opened = data.count(','), data.count('[') + data.count('{')
    if commas + opened > of('json_items') and commas + opened > of('json_items') + _in_strings(data):
        check('json_items', commas + opened, f'{what}, values in its JSON')
    return data


def _in_strings(text):
    """Commas and brackets that stand in strings."""
    strings = (found.group() for found in _STRING.finditer(text))
    return sum(string.count(',') + string.count('[') + string.count('{') for string in strings)


def _dictionary(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))
        raise ValueError(f'the key {twice[:80]!r} stands twice in one dictionary')
    return found


def _whole(text):
    if len(text) > of('json_digits'):
        raise ValueError(f'a number of {len(text)} digits is beyond the limit json_digits={of("json_digits")}')
    return int(text)


def _real(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f'the number {text[:40]} is beyond the largest')
    return value


def _constant(text):
    raise ValueError(f'{text} is no number of JSON')


def _check_nesting(value, what, surrogates):
    """ModelFileError where lists and dictionaries are nested too deeply, and for halves of characters."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > of('json_depth'):
            raise ModelFileError(f'{what} is nested more deeply than the limit json_depth={of("json_depth")}')
        below = []
        for v in level:
            members = v.values() if isinstance(v, dict) else v if isinstance(v, list) else ()
            if surrogates:
                _check_characters(v, what)
            below += [m for m in members if isinstance(m, (dict, list)) or surrogates and isinstance(m, str)]
        level = below


def _check_characters(value, what):
    for text in value if isinstance(value, dict) else [value] if isinstance(value, str) else ():
        try:
            text.encode('utf8')
        except UnicodeError:
            raise ModelFileError(f'{what} holds half of a character (a lone surrogate): {text[:40]!a}') from None
