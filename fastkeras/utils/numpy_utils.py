"""Helpers on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.legacy.keras1 import accepts


@accepts('to_categorical', method=False)
def to_categorical(y: Any = None, num_classes: int | None = None, dtype: Any = 'float32', x: Any = None) -> Any:
    """Integer classes as rows that are 1 in the class's place and 0 elsewhere.

    y: array of whole numbers from 0, of any shape; a last axis of size 1 is dropped (Keras 3 calls it x). num_classes:
    by default the largest class + 1. Returns an array (*shape, num_classes). ValueError for a class out of range.
    """
    given = y if x is None else x
    try:
        y = np.asarray(given)
    except ValueError as e:
        raise ValueError(f'to_categorical: expected an array of whole numbers, got a ragged list ({e})') from None
    if y.dtype.kind not in 'iubf':
        raise ValueError(f'to_categorical: expected whole numbers, got {given!r:.60} ({y.dtype})')
    if y.dtype.kind == 'f' and not (whole := np.isfinite(y) & (y == np.floor(y))).all():
        raise ValueError(f'to_categorical: expected whole numbers, got {y[~whole].ravel()[0]}')
    if num_classes is not None:
        if isinstance(num_classes, bool) or not hasattr(num_classes, '__index__') or num_classes < 1:
            raise ValueError('to_categorical: expected num_classes to be a whole number of at least 1, or None, got '
                             f'{num_classes!r}')
        num_classes = int(num_classes)
    shape = y.shape[:-1] if y.ndim > 1 and y.shape[-1] == 1 else y.shape
    y = y.astype(np.int64).ravel()
    if num_classes is None:
        num_classes = int(y.max()) + 1 if y.size else 0
    if y.size and not (y.min() >= 0 and y.max() < num_classes):
        raise ValueError(f'to_categorical: expected classes from 0 to {num_classes - 1}, got {y.min()} to {y.max()}, out of '
                         f'bounds for {num_classes} columns')
    out = np.zeros((y.size, num_classes), dtype=dtype)
    out[np.arange(y.size), y] = 1
    return out.reshape(*shape, num_classes)


@accepts('normalize', method=False)
def normalize(x: Any, axis: Any = -1, order: Any = 2) -> Any:
    """An array over its norms of that order along `axis`; vectors of norm 0 stay 0.

    order: 1, 2, inf or another order of numpy.linalg.norm. A symbolic tensor gives one, as ops.normalize does. ValueError
    for an axis that the array has not.
    """
    if hasattr(x, '__fastkeras_tensor__'):
        from fastkeras import ops  # which arrays do without
        return ops.normalize(x, axis, order)
    x = np.asarray(x)
    if x.dtype.kind not in 'biufc' or not x.ndim:
        raise ValueError(f'normalize: expected an array of numbers, got {x!r:.60}')
    if isinstance(axis, bool) or not hasattr(axis, '__index__') or not -x.ndim <= axis < x.ndim:
        raise ValueError(f'normalize: axis: expected an axis of the array of shape {x.shape}, got {axis!r}')
    norms = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norms == 0, 1, norms)
