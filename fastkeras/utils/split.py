"""A data set in two parts."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from fastkeras.utils import nest
from fastkeras.utils.sequence import Sequence


class ArrayBatches(Sequence):
    """Arrays, in any nesting, as a Sequence of batches of batch_size samples; the last may have fewer."""

    def __init__(self, arrays: Any, batch_size: int | None) -> None:
        super().__init__()
        self.arrays = arrays
        self.batch_size = batch_size
        self.samples = len(nest.flatten(arrays)[0])

    def __len__(self):
        return -(-self.samples // self.batch_size)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f'expected a batch from 0 to {len(self) - 1}, got {index}')
        start = index * self.batch_size
        return nest.map_structure(lambda a: a[start:start + self.batch_size], self.arrays)


def split_dataset(dataset: Any, left_size: Any = None, right_size: Any = None, shuffle: Any = False, seed: Any = None,
                  preferred_backend: Any = None) -> Any:
    """A data set as two: (left, right), the first samples and the last.

    dataset: an array, a list, tuple or dict of arrays with as many samples each, such as (x, y), or a Sequence, or a
    data set made of one by `map` and its kin, whose samples are read into memory. left_size, right_size: a number of
    samples or a share between 0 and 1; one of them may be left out. shuffle: mix the samples first; `seed` gives the
    order that it gives in Keras 3, without touching the state of `random`. preferred_backend: taken for Keras 3,
    without effect.

    Returns arrays in the nesting they came in, ready for `fit`; for a Sequence two Sequences with batches of the same
    size. TypeError for another data set; ValueError for sizes that leave a part empty or exceed the whole.
    """
    batch_size = None
    if isinstance(dataset, Sequence) or hasattr(dataset, 'element_spec'):
        dataset, batch_size = _samples(dataset)
    elif not isinstance(dataset, np.ndarray) and not (nest.is_nest(dataset) and len(dataset)):
        raise TypeError('split_dataset: expected an array, a list, tuple or dict of arrays, or a Sequence as `dataset`, got '
                        f'{type(dataset).__name__} {dataset!r:.60}')
    arrays = nest.flatten(dataset)
    for i, array in enumerate(arrays):
        if not isinstance(array, np.ndarray) or not array.ndim:
            raise ValueError(f'split_dataset: expected NumPy arrays in `dataset`, got {type(array).__name__} at index {i}; '
                             'for one data set of samples, stack them: np.array(dataset)')
        if len(array) != len(arrays[0]):
            raise ValueError('split_dataset: expected arrays with the same number of samples, got '
                             f'{", ".join(str(a.shape) for a in arrays[:i + 1])}')
    left, right = _sizes(left_size, right_size, len(arrays[0]))
    first, last = slice(0, left), slice(len(arrays[0]) - right, None)
    if shuffle:
        order = list(range(len(arrays[0])))
        random.Random(random.randint(0, 1_000_000) if seed is None else seed).shuffle(order)
        first, last = order[first], order[last]
    parts = [nest.map_structure(lambda a, part=part: a[part], dataset) for part in (first, last)]
    return tuple(parts if batch_size is None else (ArrayBatches(p, batch_size) for p in parts))


def _samples(sequence):
    """(all batches of a Sequence as one, number of samples of the first)."""
    batches = [sequence[i] for i in range(len(sequence))] if isinstance(sequence, Sequence) else list(sequence)
    if not batches:
        raise ValueError('split_dataset: expected a Sequence with at least one batch, got one without')
    columns = [[np.asarray(a) for a in column] for column in zip(*map(nest.flatten, batches))]
    return nest.pack(batches[0], [np.concatenate(column) for column in columns]), len(columns[0][0])


def _sizes(left, right, total):
    """The sizes as numbers of samples."""
    if left is None and right is None:
        raise ValueError('split_dataset: at least one of `left_size` and `right_size` must be given')
    for name, size in (('left_size', left), ('right_size', right)):
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, (int, float, np.integer, np.floating)):
            raise TypeError(f'split_dataset: {name}: expected an int, a float or None, got {size!r}')
        most = 1 if isinstance(size, (float, np.floating)) else total
        if not 0 < size < most:
            raise ValueError(f'split_dataset: {name}: expected a number of samples from 1 to {total - 1} or a share '
                             f'between 0 and 1, got {size!r}')
    left, right = (round(s * total) if isinstance(s, (float, np.floating)) else s for s in (left, right))
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        raise ValueError(f'split_dataset: expected parts of {total} samples at most, got left_size and right_size for '
                         f'{left} + {right}')
    if not (left and right):
        raise ValueError(f'split_dataset: expected sizes that leave samples on both sides, got {left} and {right} of {total}')
    return int(left), int(right)
