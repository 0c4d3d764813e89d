"""Helpers that old code imports from `keras.utils.generic_utils`."""

from __future__ import annotations

import codecs
import importlib.util
import inspect
import marshal
import sys
import types
from typing import Any

from fastkeras.saving import objects as _objects
from fastkeras.utils.progbar import Progbar

__all__ = ['CustomObjectScope', 'Progbar', 'custom_object_scope', 'deserialize_keras_object', 'func_dump', 'func_load',
           'get_custom_objects', 'has_arg', 'is_all_none', 'object_list_uid', 'serialize_keras_object', 'slice_arrays',
           'to_list', 'transpose_shape', 'unpack_singleton']

CustomObjectScope = _objects.CustomObjectScope
custom_object_scope = _objects.custom_object_scope
deserialize_keras_object = _objects.deserialize_keras_object
get_custom_objects = _objects.get_custom_objects
serialize_keras_object = _objects.serialize_keras_object


def has_arg(fn: Any, name: str | None, accept_all: bool = False) -> Any:
    """Whether a callable takes `name` as a keyword; by **kwargs only counts with accept_all."""
    parameters = inspect.signature(fn).parameters
    if name in parameters:
        return parameters[name].kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return accept_all and any(p.kind == inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def to_list(x: Any, allow_tuple: bool = False) -> Any:
    """A list as it is, anything else as the only element of one; a tuple as a list of its members with allow_tuple."""
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x: Any) -> Any:
    """The only member of a list or tuple of one, else the list or tuple."""
    return x[0] if len(x) == 1 else x


def object_list_uid(object_list: Any) -> Any:
    """Text that names the objects of a list (or one object) by their identity."""
    return ', '.join(str(abs(id(x))) for x in to_list(object_list))


def is_all_none(iterable_or_element: Any) -> Any:
    """Whether all members, or the one thing that is no list or tuple, are None."""
    return all(x is None for x in to_list(iterable_or_element, allow_tuple=True))


def slice_arrays(arrays: Any, start: Any = None, stop: Any = None) -> Any:
    """Samples start … stop - 1 of an array, or of each array of a list (None stays None).

    start: also a list or array of indices; stop does not count then. arrays: None gives [None].
    """
    if arrays is None:
        return [None]
    if hasattr(start, '__len__'):
        which = start.tolist() if hasattr(start, 'tolist') else start     # HDF5 takes lists
    else:
        which = slice(start, stop)
    if isinstance(arrays, list):
        return [None if x is None else x[which] for x in arrays]
    return arrays[which]


def transpose_shape(shape: Any, target_format: Any, spatial_axes: Any) -> Any:
    """A channels_last shape in the order of target_format.

    spatial_axes: which axes are spatial, (1, 2) for (batch, rows, columns, channels). Returns a tuple, or a list for a
    list. ValueError for a format that is neither 'channels_first' nor 'channels_last'.
    """
    if target_format == 'channels_last':
        return shape
    if target_format != 'channels_first':
        raise ValueError(f"transpose_shape: target_format: expected 'channels_first' or 'channels_last', got {target_format!r}")
    moved = [*shape[:spatial_axes[0]], shape[-1], *(shape[axis] for axis in spatial_axes)]
    return moved if isinstance(shape, list) else tuple(moved)


def func_dump(func: Any) -> Any:
    """(code as text, defaults, values of the closure) of a function of Python, for `func_load`. The code is that of this
    version of Python; where a name will do, a name is better."""
    code = importlib.util.MAGIC_NUMBER + marshal.dumps(func.__code__)
    closure = tuple(c.cell_contents for c in func.__closure__) if func.__closure__ else None
    return codecs.encode(code, 'base64').decode('ascii'), func.__defaults__, closure


def func_load(code: Any, defaults: Any = None, closure: Any = None, globs: Any = None) -> Any:
    """The function that `func_dump` gave, or a list or tuple of the three. globs: its global names, those of this call's module
    unless given. It runs whatever its author wrote: call it with code of your own only.

    ValueError for the code of another version of Python.
    """
    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
        defaults = tuple(defaults) if isinstance(defaults, list) else defaults
    raw = codecs.decode(code.encode('ascii') if isinstance(code, str) else code, 'base64')
    if not raw.startswith(importlib.util.MAGIC_NUMBER):
        raise ValueError(f'func_load: the code is not of func_dump under Python {sys.version_info[0]}.{sys.version_info[1]}')
    body = marshal.loads(raw[len(importlib.util.MAGIC_NUMBER):])
    cells = tuple(c if isinstance(c, types.CellType) else types.CellType(c) for c in closure) if closure is not None else None
    return types.FunctionType(body, globals() if globs is None else globs, name=body.co_name, argdefs=defaults, closure=cells)
