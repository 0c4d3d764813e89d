"""Batches as the tuples that training takes."""

from __future__ import annotations

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """(x, y, sample_weight) without what is None; x alone stays x, but for a list or tuple, which becomes (x,)."""
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> Any:
    """(x, y, sample_weight) of a batch (x, y, sample_weight), (x, y), (x,) or x, with None for what is not there.

    ValueError for a tuple or list of another length.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if len(data) not in (1, 2, 3):
        raise ValueError('unpack_x_y_sample_weight: expected a batch x, (x,), (x, y) or (x, y, sample_weight), got a '
                         f'{type(data).__name__} of {len(data)}')
    return *data, *(None,) * (3 - len(data))
