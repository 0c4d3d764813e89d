"""What is said to a user who erred: warnings that point to the line that he wrote, and the names he may have meant.

It imports nothing of the package, so that every part may use it.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
import warnings
from typing import Any

# what stands between our frames without having called us: generators that are closed, decorators, imports
_BETWEEN = ('contextlib', 'functools', 'importlib', 'threading', 'concurrent')


class ModelFileError(ValueError):
    """A file that no model or weights can be taken from: damaged, of another kind, or refused.

    The message names the file, and the member of it where one is to blame.
    """


def warn(message, category=UserWarning):
    """Give a warning that points to the innermost line outside of the package, however deep inside it is given."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    names = frame.f_globals
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, names.get('__name__', '<string>'),
                           names.setdefault('__warningregistry__', {}))


def _is_ours(frame):
    package = frame.f_globals.get('__name__', '').split('.')[0]
    return package == 'fastkeras' or package in _BETWEEN or frame.f_code.co_filename.startswith('<frozen importlib')


def nearest(name, names, n=3):
    """Text that offers the known names closest to a wrong one, or lists them when they are few."""
    names = sorted({str(k) for k in names})
    close = difflib.get_close_matches(str(name), names, n=n, cutoff=0.6)
    if not close:                           # perhaps of the other spelling: maxPooling, max_pooling
        plain = {k.lower().replace('_', ''): k for k in names}
        wanted = str(name).lower().replace('_', '')
        close = [plain[k] for k in difflib.get_close_matches(wanted, plain, n=n, cutoff=0.6)]
    if close:
        return 'did you mean ' + ' or '.join(map(repr, close)) + '?'
    return 'known are ' + ', '.join(names[:30]) + (', ….' if len(names) > 30 else '.')


def place(at, columns=()):
    """Where an element is, in words. at: its index; columns: names of the columns of a table."""
    if len(at) == 2:
        name = f' ({columns[at[1]]!r})' if len(columns) > at[1] else ''
        return f'at row {at[0]}, column {at[1]}{name}'
    return f'at row {at[0]}' if len(at) == 1 else f'at index {list(map(int, at))}'


def unknown_argument(owner, name, known):
    """The TypeError for a keyword that `owner`, a function or class, does not take. known: those that it takes."""
    return TypeError(f'{owner}: unknown argument {name!r}; {nearest(name, known)} (unexpected keyword argument)')


@functools.lru_cache(maxsize=1024)
def keywords(function):
    """(names that a function takes by keyword, whether it takes any other)."""
    parameters = inspect.signature(function).parameters.values()
    return (tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != 'self'),
            any(p.kind is p.VAR_KEYWORD for p in parameters))


class Spelled:
    """Base of classes that answer a misspelt argument with the right one, where Python would say only that it is
    unexpected. An __init__ that takes any keyword sees to it itself."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any):
        if kwargs:
            known, others = keywords(cls.__init__)
            for name in kwargs:
                if name not in known and not others:
                    raise unknown_argument(cls.__name__, name, known)
        return super().__new__(cls)


def shown(obj, values):
    """Text of an object as it would be made. values: its arguments by name, of which None is left out."""
    return f'{type(obj).__name__}({", ".join(f"{k}={_short(v)}" for k, v in values.items() if v is not None)})'


def _short(value):
    if hasattr(value, 'numpy'):     # a Variable: its value
        value = value.numpy()
    if getattr(value, 'shape', None) == ():
        value = float(str(value)) if value.dtype.kind == 'f' else value.item()
    if hasattr(value, '__name__'):
        return value.__name__
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}…'


def located(error, where):
    """Put the place into the message of an error of ours, where it does not stand in it yet."""
    if type(error) in (ValueError, TypeError) and error.args and isinstance(error.args[0], str) and where not in error.args[0]:
        error.args = (f'{where}: {error.args[0]}', *error.args[1:])


def noted(error, note):
    """Add a line to what is shown of an error of a user's code, unless it has one of ours: the innermost place counts."""
    if getattr(error, '_fastkeras_noted', False) or note in str(error):
        return
    try:
        error._fastkeras_noted = True
    except AttributeError:      # an exception with slots
        return
    if hasattr(error, 'add_note'):
        error.add_note(note)
    elif error.args and isinstance(error.args[0], str):     # before Python 3.11
        error.args = (f'{error.args[0]} ({note})', *error.args[1:])
