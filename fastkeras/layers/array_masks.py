"""Masks of tensors, and of arrays that layers gave: the next layer that is called on such an array finds its mask, as on a
tensor."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from fastkeras.ops.tensor import Tensor

_masks: dict[int, tuple[weakref.ref, np.ndarray]] = {}      # id of an array that lives → it, its mask


def keep(arrays: list[Any], masks: dict[int, np.ndarray]) -> None:
    """Let arrays have masks, given by their places in the list, as long as they live."""
    for place, mask in masks.items():
        key = id(arrays[place])
        _masks[key] = weakref.ref(arrays[place], lambda _, key=key: _masks.pop(key, None)), np.asarray(mask)


def any_kept() -> bool:
    """Whether any array has a mask."""
    return bool(_masks)


def of(leaves: list[Any]) -> dict[int, np.ndarray]:
    """{place: mask} of those among some values that are arrays with masks."""
    if not _masks:
        return {}
    found = ((place, _masks.get(id(x))) for place, x in enumerate(leaves) if isinstance(x, np.ndarray))
    return {place: entry[1] for place, entry in found if entry is not None and entry[0]() is leaves[place]}


def masked(y, mask):
    """y with this mask. A tensor that has another mask already is not changed: a view of it is."""
    if y is None or y._keras_mask is mask:
        return y
    if y.op == 'input' or y._keras_mask is not None or mask is None:
        y = Tensor('reshape', (y,), {'shape': tuple(y.shape)}, y.shape, y.dtype, y.name)
    y._keras_mask = mask
    return y
