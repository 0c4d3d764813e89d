"""Data in HDF5 files, read while they are used."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastkeras.utils.h5_dict import H5Dict, h5dict
from fastkeras.utils.messages import print_msg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

__all__ = ['H5Dict', 'HDF5Matrix', 'ask_to_proceed_with_overwrite', 'h5dict', 'print_msg']


class HDF5Matrix:
    """A dataset of an HDF5 file in place of an array: `fit`, `evaluate` and `predict` read from it batch by batch.

    datapath: the file; it stays open for reading until `close()`, or as long as the matrix lives. dataset: path of the
    dataset in it. start, end: the samples to be used (default: all). normalizer: function of an array of samples that
    is called on all that is read.

    Takes ints, slices, lists and arrays of indices in any order, and boolean arrays, counted from `start`. IndexError
    for samples that are not there. Also a context manager: `with HDF5Matrix('data.h5', 'x') as x: …`.
    """

    def __init__(self, datapath: Any, dataset: Any, start: Any = 0, end: Any = None, normalizer: Any = None) -> None:
        import h5py
        self.datapath = os.fspath(datapath)
        self._file = h5py.File(self.datapath, 'r')
        try:
            self.data = self._file.get(dataset)
            if not isinstance(self.data, h5py.Dataset) or not self.data.shape:
                raise ValueError(f'HDF5Matrix: dataset: expected the path of an array in {self.datapath}, got {dataset!r}; '
                                 f'there {"are" if len(self._file) else "is"} {", ".join(map(repr, self._file)) or "none"}')
            self.dataset = dataset
            self.start = _index('start', start, len(self.data))
            self.end = len(self.data) if end is None else _index('end', end, len(self.data))
            if self.start > self.end:
                raise ValueError(f'HDF5Matrix: expected start to be at most end, got {self.start} and {self.end}')
            if normalizer is not None and not callable(normalizer):
                raise ValueError(f'HDF5Matrix: normalizer: expected a function or None, got {normalizer!r}')
            self.normalizer = normalizer
            first = self.data[:1]
            first = np.asarray(normalizer(first)) if normalizer is not None and len(first) else first
        except BaseException:
            self._file.close()
            raise
        self._sample_shape, self._dtype = first.shape[1:], first.dtype

    def _read(self, rows):
        values = self.data[rows]
        if not len(values):         # a normalizer may not be made for none, such as x.reshape(len(x), -1)
            return np.empty((0, *self._sample_shape), self._dtype)
        return values if self.normalizer is None else np.asarray(self.normalizer(values))

    def __len__(self):
        return self.end - self.start

    def __getitem__(self, key):
        if not self._file:
            raise ValueError(f'HDF5Matrix: {self.datapath} was closed')
        if isinstance(key, slice):
            return self._slice(key)
        if hasattr(key, '__index__') and not isinstance(key, (bool, np.bool_, np.ndarray)):
            at = self._checked(np.array([key]))[0]
            return self._read(slice(at, at + 1))[0]
        rows = np.asarray(key)
        if rows.dtype.kind == 'b' and rows.shape == (len(self),):
            rows = np.flatnonzero(rows)
        if not rows.size and rows.ndim == 1:
            rows = rows.astype(int)
        if rows.dtype.kind not in 'iu' or rows.ndim != 1:
            raise TypeError(f'HDF5Matrix: expected an int, a slice, or a list or array of ints as index, got {key!r:.60}')
        # HDF5 reads in ascending order, each row once
        rows, places = np.unique(self._checked(rows), return_inverse=True)
        if rows.size and rows[-1] - rows[0] == rows.size - 1:
            rows = slice(rows[0], rows[-1] + 1)     # many times faster than a list of them
        values = self._read(rows)
        return values if (places[1:] > places[:-1]).all() else values[places]

    def _slice(self, key):
        n = len(self)
        for end in (key.start, key.stop):
            if end is not None and end > n:
                raise IndexError(f'HDF5Matrix: expected samples up to {n}, got the slice {key.start}:{key.stop}')
        start, stop, step = key.indices(n)
        if step > 0:
            return self._read(slice(self.start + start, self.start + max(start, stop), step))
        return self[np.arange(start, stop, step)]

    def _checked(self, rows):
        n = len(self)
        wrong = (rows < -n) | (rows >= n)
        if wrong.any():
            raise IndexError(f'HDF5Matrix: expected samples from 0 to {n - 1}, got {rows[wrong][0]}')
        return np.where(rows < 0, rows + n, rows) + self.start

    @property
    def shape(self) -> Any:
        """(samples, …), as the normalizer makes them."""
        return len(self), *self._sample_shape

    @property
    def dtype(self) -> Any:
        """The type of the elements, as the normalizer makes them."""
        return self._dtype

    @property
    def ndim(self) -> Any:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> Any:
        """Number of elements."""
        return int(np.prod(self.shape))

    @property
    def chunks(self) -> Any:
        """The shape of the pieces in which the file holds the data; None when in one."""
        return self.data.chunks

    def __array__(self, dtype=None, copy=None):
        values = self[:]
        return values if dtype is None else values.astype(dtype, copy=False)

    def close(self) -> Any:
        """Close the file. The matrix cannot be read afterwards."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __reduce__(self):
        # another process opens the file for itself
        return type(self), (self.datapath, self.dataset, self.start, self.end, self.normalizer)

    def __repr__(self):
        return f'<HDF5Matrix {self.dataset!r} of {self.datapath}, shape {self.shape}, {self.dtype}>'


def _index(name, value, length):
    if isinstance(value, bool) or not hasattr(value, '__index__') or not 0 <= value <= length:
        raise ValueError(f'HDF5Matrix: {name}: expected an int from 0 to {length}, the samples there are, got {value!r}')
    return int(value)


def ask_to_proceed_with_overwrite(filepath: str | PathLike[str]) -> Any:
    """Ask on the terminal whether a file may be written over, until the answer is y (True) or n (False)."""
    answer = input(f'[WARNING] {filepath} already exists - overwrite? [y/n]').strip().lower()
    while answer not in ('y', 'n'):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    if answer == 'y':
        print_msg('[TIP] Next time specify overwrite=True!')
    return answer == 'y'
