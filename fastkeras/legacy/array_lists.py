"""What `keras.engine.training_utils` of Keras 2 has for training loops of one's own: lists of arrays, checked, and batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastkeras.ops import Tensor
from fastkeras.utils.generic_utils import slice_arrays


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """(start, stop) of each batch of `size` samples; the last may be smaller."""
    return [(start, min(start + batch_size, size)) for start in range(0, size, batch_size)]


def batch_shuffle(index_array: Any, batch_size: int) -> Any:
    """Indices of which whole batches changed places, by NumPy's random numbers; what does not fill one stays last."""
    full = len(index_array) // batch_size * batch_size
    batches = np.array(index_array[:full]).reshape(-1, batch_size)
    np.random.shuffle(batches)
    return np.append(batches.ravel(), index_array[full:])


def standardize_single_array(x: Any) -> Any:
    """An array with at least two axes; None and tensors as they are. ValueError for a tensor of unknown batch size."""
    if isinstance(x, Tensor):
        if not x.shape or x.shape[0] is None:
            raise ValueError(f'When feeding symbolic tensors to a model, their batch size must be known, got shape {x.shape}')
        return x
    return np.expand_dims(x, 1) if x is not None and np.ndim(x) == 1 else x


def standardize_input_data(data: Any, names: list[str], shapes: Any = None, check_batch_axis: bool = True,
                           exception_prefix: str = '') -> list[Any]:
    """The arrays that a user gives for `names`, as a list in their order.

    data: an array, a list or a dict of arrays by name; frames of pandas too. shapes: of each, None in it or in its place for
    what is not checked; the first size is left out unless check_batch_axis. exception_prefix: 'input', 'target', for messages.
    ValueError for another number of arrays, a missing name and shapes that do not fit.
    """
    if not names:
        if data is not None and len(data):
            raise ValueError(f'Error when checking model {exception_prefix}: expected no data, but got: {data!r:.80}')
        return []
    if data is None:
        return [None] * len(names)
    if isinstance(data, dict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(f'No data provided for "{missing[0]}". Need data for each key in: {names}; got {list(data)}')
        data = [data[name] for name in names]
    elif not isinstance(data, list):
        data = [data]
    elif data and len(names) == 1 and isinstance(data[0], (int, float)):
        data = [np.asarray(data)]
    arrays = [standardize_single_array(_array(x)) for x in data]
    if len(arrays) != len(names):
        raise ValueError(f'Error when checking model {exception_prefix}: the list of Numpy arrays is not the size the model '
                         f'expected. Expected to see {len(names)} array(s), for {names}, but got {len(arrays)}')
    for name, array, shape in zip(names, arrays, shapes or ()):
        if shape is not None and array is not None and not isinstance(array, Tensor):
            _check_shape(name, array.shape, tuple(shape), check_batch_axis, exception_prefix)
    return arrays


def _array(x):
    if type(x).__name__ == 'DataFrame':
        return x.values
    return np.asarray(x) if isinstance(x, (list, int, float)) else x


def _check_shape(name, got, wanted, check_batch_axis, prefix):
    if len(got) != len(wanted):
        raise ValueError(f'Error when checking {prefix}: expected {name} to have {len(wanted)} dimensions, but got array with '
                         f'shape {got}')
    first = 0 if check_batch_axis else 1
    if any(w and w != g for g, w in zip(got[first:], wanted[first:])):
        raise ValueError(f'Error when checking {prefix}: expected {name} to have shape {wanted[first:]} but got array with '
                         f'shape {got[first:]}')


def check_array_length_consistency(inputs: Any, targets: Any, weights: Any = None) -> None:
    """ValueError unless all arrays have as many samples; None, for a list or in one, counts for nothing."""
    sizes = {}
    for what, arrays in (('Input', inputs), ('target', targets), ('sample_weight', weights)):
        found = {int(x.shape[0]) for x in arrays or () if x is not None}
        if len(found) > 1:
            raise ValueError(f'All {what} arrays should have the same number of samples. Got array shapes: '
                             f'{[x.shape for x in arrays if x is not None]}')
        if found:
            sizes[what] = found.pop()
    if len(set(sizes.values())) > 1:
        told = ' and '.join(f'{n} {what} samples' for what, n in sizes.items())
        raise ValueError(f'Input arrays should have the same number of samples as target arrays. Found {told}.')


def iter_sequence_infinite(seq: Any) -> Iterator[Any]:
    """The batches of a Sequence, again and again."""
    while True:
        yield from seq


# the names of Keras 2.0
_make_batches, _batch_shuffle, _slice_arrays = make_batches, batch_shuffle, slice_arrays
_standardize_input_data, _check_array_lengths = standardize_input_data, check_array_length_consistency
