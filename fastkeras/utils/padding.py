"""Sequences of unequal length as one array."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np


def pad_sequences(sequences: Any, maxlen: Any = None, dtype: Any = 'int32', padding: Any = 'pre', truncating: Any = 'pre',
                  value: Any = 0.0) -> Any:
    """Sequences as the rows of one array, padded or cut to the same length.

    sequences: list of lists or arrays; their steps may be arrays of one shape themselves. maxlen: length of the rows, by
    default that of the longest sequence. dtype: of the result; `object` for text of any length (`str` is made as wide
    as the longest word). padding, truncating: 'pre' or 'post', the end at which `value` is filled in, or at which steps
    are dropped. Returns an array (sequences, maxlen, …). ValueError for anything else, with the place in `sequences`.
    """
    for name, given in (('padding', padding), ('truncating', truncating)):
        if given not in ('pre', 'post'):
            raise ValueError(f"pad_sequences: {name}: expected 'pre' or 'post', got {given!r}")
    lengths = _lengths(sequences)
    if maxlen is None:
        maxlen = max(lengths, default=0)
    elif isinstance(maxlen, bool) or not hasattr(maxlen, '__index__') or maxlen < 0:
        raise ValueError(f'pad_sequences: maxlen: expected an int from 0 up or None, got {maxlen!r}')
    dtype = np.dtype(dtype)
    if isinstance(value, str) and dtype.kind not in 'OUS':
        raise ValueError(f"pad_sequences: value: expected a number for the `dtype` {dtype}, got {value!r}; the `dtype` is "
                         f"not compatible with `value`'s type {type(value)}. For text take dtype=object")
    rows, filled = [], np.minimum(lengths, maxlen, dtype=np.intp) if lengths else np.zeros(0, np.intp)
    for row, n in zip(sequences, lengths):
        if n > maxlen:
            row = row[n - maxlen:] if truncating == 'pre' else row[:maxlen]
        rows.append(row)
    shape = next((np.shape(s[:1])[1:] for s, n in zip(sequences, lengths) if n), ())
    steps = _steps(rows, int(filled.sum()), shape, dtype)
    if dtype.itemsize == 0:     # text without a width: NumPy would take that of the padding
        dtype = np.result_type(steps, np.array(value, dtype))
    try:
        out = np.full((len(rows), maxlen, *shape), value, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f'pad_sequences: value: expected what fits the dtype {dtype}, got {value!r} ({error})') from None
    place = np.arange(maxlen)
    if padding == 'post':
        out[place < filled[:, None]] = steps
    else:
        out[place >= maxlen - filled[:, None]] = steps
    return out


def _lengths(sequences):
    if not hasattr(sequences, '__len__') or isinstance(sequences, (str, bytes, dict, set)):
        raise ValueError(f'pad_sequences: `sequences` must be a list of sequences, got {type(sequences).__name__}; '
                         'make a list of a generator')
    for at, s in enumerate(sequences):
        if isinstance(s, (str, bytes)):
            raise ValueError(f'pad_sequences: expected a list of sequences, got the text {s!r:.60} at position {at}; '
                             'split it into a list first')
    try:
        return [len(s) for s in sequences]
    except TypeError:
        at, wrong = next((i, s) for i, s in enumerate(sequences) if not hasattr(s, '__len__') or np.ndim(s) == 0)
        raise ValueError('pad_sequences: `sequences` must be a list of iterables, each with a length; found '
                         f'non-iterable {wrong!r:.60} at position {at}') from None


def _steps(rows, total, shape, dtype):
    """All steps of all rows, an array (total, *shape)."""
    if not total:
        return np.empty((0, *shape), dtype)
    try:
        if all(isinstance(row, np.ndarray) for row in rows):
            steps = np.concatenate(rows).astype(dtype, copy=False)
        elif not shape and dtype.kind in 'biufc':
            steps = np.fromiter(chain.from_iterable(rows), dtype, total)
        elif dtype.kind != 'O':
            steps = np.array(list(chain.from_iterable(rows)), dtype)
        else:
            return _one_by_one(rows, total, shape, dtype)
        if steps.shape == (total, *shape):
            return steps
    except (TypeError, ValueError, OverflowError):
        pass
    return _one_by_one(rows, total, shape, dtype)


def _one_by_one(rows, total, shape, dtype):
    """As `_steps`, row by row: for objects and rows of mixed kinds, and to find the row that is wrong."""
    arrays = []
    for at, row in enumerate(rows):
        if not len(row):
            continue
        try:
            array = np.asarray(row, dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f'pad_sequences: expected steps of dtype {dtype} in the sequence at position {at}, got '
                             f'{row!r:.60} ({error})') from None
        if array.ndim == 0 or array.shape[1:] != shape:
            raise ValueError(f'pad_sequences: shape of sample {array.shape[1:] if array.ndim else "(text)"} of sequence at '
                             f'position {at} is different from expected shape {shape}')
        arrays.append(array)
    return np.concatenate(arrays)
