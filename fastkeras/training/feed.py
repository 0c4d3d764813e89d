"""Batches of arrays, without an allocation per batch."""

import numpy as np

from fastkeras.training.data import check_values, contiguous, is_lazy


class Feed:
    """Arrays of equal length, handed out in batches of the types that a plan is fed.

    arrays: NumPy arrays, or lazy ones (HDF5, sparse). dtypes: one per array. slots: of the first arrays; the values of
    lazy ones are checked by them when they are read. What `slice` and `gather` return is valid until the next call: it
    is a view of the arrays, or of buffers that are used again.
    """

    def __init__(self, arrays, dtypes, batch_size, slots=()):
        self.arrays = arrays
        self.slots = slots
        self.samples = int(arrays[0].shape[0]) if arrays else 0
        self.batch_size = min(batch_size, self.samples)
        self.dtypes = [np.dtype(d) for d in dtypes]
        self._buffers = [None] * len(arrays)
        # a batch that is a slice of a good array is a view of it
        self._views = [not is_lazy(a) and a.dtype == d and a.flags.c_contiguous and a.flags.aligned and a.dtype.isnative
                       for a, d in zip(arrays, self.dtypes)]

    def _buffer(self, i, n):
        buffer = self._buffers[i]
        if buffer is None:
            buffer = self._buffers[i] = np.empty((self.batch_size, *self.arrays[i].shape[1:]), self.dtypes[i])
        return buffer if n == self.batch_size else buffer[:n]

    def _read(self, i, which):
        rows = self.arrays[i][which]
        rows = rows.toarray() if hasattr(rows, 'toarray') else rows
        if i < len(self.slots) and is_lazy(self.arrays[i]):
            check_values(rows, self.slots[i])
        return rows

    def slice(self, start, stop):
        """The samples start … stop - 1."""
        batch = []
        for i, array in enumerate(self.arrays):
            if self._views[i]:
                batch.append(array[start:stop])
            else:
                out = self._buffer(i, stop - start)
                np.copyto(out, self._read(i, slice(start, stop)), casting='unsafe')
                batch.append(out)
        return batch

    def gather(self, indices):
        """The samples of these indices, in their order."""
        batch = []
        for i, array in enumerate(self.arrays):
            out = self._buffer(i, len(indices))
            if self._views[i]:
                # 'clip' spares NumPy a buffer of its own; the indices are ours
                array.take(indices, axis=0, out=out, mode='clip')
            elif is_lazy(array):
                order = np.argsort(indices, kind='stable')      # HDF5 reads in ascending order only
                rows = np.empty_like(out)
                np.copyto(rows, self._read(i, indices[order]), casting='unsafe')
                out[order] = rows
            else:
                np.copyto(out, array[indices], casting='unsafe')
            batch.append(out)
        return batch


class Order:
    """The order in which the samples of an epoch are taken.

    shuffle: True, False, or 'batch', which shuffles batches as wholes (the last, short one stays last). Draws from
    `random`, by default NumPy's global state, and goes on from the order of the epoch before, as Keras 2 does, so a
    seed gives the same batches. next: the number of the batch that comes next, where epochs are parts of a pass.
    """

    def __init__(self, samples, batch_size, shuffle, random=None):
        if not isinstance(shuffle, (bool, np.bool_)) and shuffle != 'batch' and shuffle not in (0, 1, None):
            raise ValueError(f"shuffle: expected True, False or 'batch', got {shuffle!r}")
        self.samples = samples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.random = random or np.random
        self.next = None
        self.whole = samples // batch_size
        self.index = np.arange(self.whole if shuffle == 'batch' else samples)

    def __len__(self):
        return -(-self.samples // self.batch_size)

    def next_epoch(self):
        """Draw the order of an epoch."""
        if self.shuffle == 'batch' or self.shuffle:
            self.random.shuffle(self.index)

    def batch(self, feed, k):
        """(arrays, size) of batch k of the epoch."""
        start = k * self.batch_size
        stop = min(start + self.batch_size, self.samples)
        if not self.shuffle:
            return feed.slice(start, stop), stop - start
        if self.shuffle == 'batch':
            if k < self.whole:
                start = int(self.index[k]) * self.batch_size
                stop = start + self.batch_size
            return feed.slice(start, stop), stop - start
        return feed.gather(self.index[start:stop]), stop - start

    def rows(self, k):
        """The samples of batch k, which was the last to be taken."""
        start = k * self.batch_size
        if self.shuffle == 'batch' and k < self.whole:
            start = int(self.index[k]) * self.batch_size
        rows = np.arange(start, min(start + self.batch_size, self.samples))
        return self.index[rows] if self.shuffle and self.shuffle != 'batch' else rows


def prepared(arrays, dtypes):
    """The arrays converted once to the types they are fed in; lazy ones as they are. For data read more than once."""
    return [a if is_lazy(a) else contiguous(a, d) for a, d in zip(arrays, dtypes)]
