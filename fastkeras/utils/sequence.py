"""Data sets that are read batch by batch."""

from __future__ import annotations

import collections.abc
import itertools
from typing import Any


class Sequence:
    """Base of a data set with random access to its batches: define `__getitem__(index)`, a batch `(x, y)` or
    `(x, y, sample_weight)`, and `__len__`, the number of batches (or a property `num_batches` that is None: without
    end). `on_epoch_begin` and `on_epoch_end` may change it between epochs: they are called while no batch is read.

    workers, use_multiprocessing, max_queue_size: how `fit` reads batches ahead when it is not told itself, as in Keras
    3's PyDataset. With several workers `__getitem__` is called by several threads at a time. It should return new
    arrays; where it returns the same ones again and again, they are copied before the next batch is asked for, which
    helps as long as one worker reads.

    may_be_empty: whether a batch may have no samples, such as one of files none of which can be read: `fit`, `evaluate` and
    `predict` pass over it. Otherwise it is an error.
    """

    workers, use_multiprocessing, max_queue_size = 1, False, 10     # where __init__ is not called
    may_be_empty = False

    def __init__(self, workers: Any = 1, use_multiprocessing: bool = False, max_queue_size: Any = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index):
        raise TypeError(f'{type(self).__name__} needs a method __getitem__(index) that returns a batch')

    def __len__(self):
        raise TypeError(f'{type(self).__name__} needs a method __len__() that returns the number of batches')

    @property
    def num_batches(self) -> Any:
        """Number of batches of one epoch."""
        return len(self)

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self):
        n = length(self)
        index = 0
        while n is None or index < n:
            yield self[index]
            index += 1


PyDataset = Sequence


def length(sequence: Any) -> Any:
    """Number of batches of a Sequence; None for one without end."""
    return sequence.num_batches if hasattr(sequence, 'num_batches') else len(sequence)


def is_sequence(data: Any) -> Any:
    """Whether `data` is a Sequence, or behaves as one: batches by index and a length, but neither an array nor a
    list.
    """
    if isinstance(data, Sequence):
        return True
    return (hasattr(data, '__getitem__') and hasattr(data, '__len__') and hasattr(data, 'on_epoch_end')
            and not hasattr(data, 'shape'))


def is_batches(data: Any) -> Any:
    """Whether `data` gives batches: a Sequence, a generator or another iterator, or anything else to iterate over that
    is no array, table, list or dict."""
    if is_sequence(data) or hasattr(data, '__next__'):
        return True
    return hasattr(data, '__iter__') and not (
        isinstance(data, (collections.abc.Sequence, collections.abc.Mapping, collections.abc.Set))
        or hasattr(data, 'shape') or hasattr(data, '__array__') or hasattr(data, '__buffer__'))


def peeked(source: Any) -> Any:
    """(the first batch, what still gives all of them). ValueError where there is none."""
    if is_sequence(source):
        return source[0], source
    for item in source:
        return item, itertools.chain([item], source) if hasattr(source, '__next__') else source
    raise ValueError(f'{type(source).__name__}: expected at least one batch, got none')
