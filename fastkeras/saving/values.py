"""Giving variables the values of a file: all of them, or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import _core
from fastkeras.runtime import outside_trace
from fastkeras.saving import stored
from fastkeras.utils.errors import ModelFileError, warn


def assign_all(pairs: Any, owner: Any = None, check: Any = None) -> None:
    """Give variables values. pairs: (variable, value), the value an array, a Stored of `stored.array_at`, a function
    (shape, dtype) → array that reads it, or a float for all elements, which then take no memory before they are used.

    First all is read and compared, then all is assigned: an error leaves every variable as it was. owner: function of a
    variable, what messages begin with ("Dense layer 'd'"). check: called when all is read. A variable that waits for its values
    (`runtime.variable.weights_later`) takes the memory into which they were read. ModelFileError where a shape does not
    fit, before that value is read, and for values that are no numbers. NaN among them is warned of.
    """
    pairs = list(pairs)
    for v, value in pairs:
        if hasattr(value, 'shape') and tuple(value.shape) != tuple(v.shape):
            raise ModelFileError(f'{_weight(v, owner)} has shape {tuple(v.shape)}, the file has {tuple(value.shape)} for it')
        kind = getattr(getattr(value, 'dtype', None), 'kind', 'f')
        if kind not in 'fiub':
            raise ModelFileError(f'{_weight(v, owner)} holds numbers, it cannot take an array of {value.dtype}')
    made = [_in_own_memory(v, value, owner) for v, value in pairs]
    if check is not None:
        check()
    for (v, _), (value, nan) in zip(pairs, made):
        if nan:
            said = f'{owner(v)}: ' if owner else ''
            warn(f'{said}the file has {int(np.isnan(value).sum())} NaN among the {value.size} numbers of its weight '
                 f'{v.name!r}; what is computed with it will be NaN too')
    with outside_trace():
        for (v, _), (value, _) in zip(pairs, made):
            v.adopt_number(value) if type(value) is float else v.adopt(value)


def _in_own_memory(v, value, owner):
    """(the values of a variable in memory that it can take as it is, whether there is NaN among them)."""
    if type(value) is float:
        return value, False
    if callable(value):
        value = value(tuple(v.shape), v.dtype)
    if isinstance(value, stored.Stored):
        return stored.read_and_look(value, v.dtype)
    value = np.asarray(value)
    if value.dtype.kind not in 'fiub' or value.shape != tuple(v.shape):
        raise ModelFileError(f'{_weight(v, owner)} has shape {tuple(v.shape)}, it cannot take an array of {value.dtype} of '
                             f'shape {value.shape}')
    array = _core.empty(value.shape, v.dtype)
    array[...] = value
    return array, stored.has_nan(array)


def _weight(v, owner):
    return f'{owner(v)}: its weight {v.name!r}' if owner else f'the weight {v.name!r}'
