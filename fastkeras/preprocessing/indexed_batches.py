"""What the data sets of Keras 3's `*_from_directory` and `timeseries_dataset_from_array` are here: a Sequence of batches."""

import numpy as np

from fastkeras.preprocessing.order import shuffled
from fastkeras.preprocessing.pipelines import Pipeline, TensorSpec, _mapped
from fastkeras.utils.sequence import Sequence


class Batches(Pipeline, Sequence):
    """Batches of n samples, made by `_batch(indices)` of a subclass: an array or a list, or a pair of them.

    batch_size: None gives single samples. shuffle: a new order each epoch, that of `tf.data.Dataset.shuffle` with a buffer
    of eight batches (1024 samples where there are no batches), for `seed`. An epoch is a pass of `fit`, or of a `for`.
    Raises ValueError for a batch_size below 1. `take`, `map` and the other methods of `Pipeline` make data sets of it.
    """

    def __init__(self, function, n, batch_size, shuffle, seed):
        super().__init__()
        if batch_size is not None and (isinstance(batch_size, bool) or not hasattr(batch_size, '__index__')
                                       or batch_size.__index__() < 1):
            raise ValueError(f'{function}: batch_size must be None or a whole number of at least 1, got {batch_size!r}')
        self.n, self.batch_size, self.shuffles, self.seed = n, batch_size, shuffle, seed
        self._epoch = 0
        self._order = None      # (epoch, indices)

    def __len__(self):
        """Batches of an epoch."""
        return self.n if self.batch_size is None else -(-self.n // self.batch_size)

    def _cardinality(self):
        return len(self)

    def _first(self):
        return self[0] if len(self) else None

    def _spec(self):
        spec = super()._spec()
        return spec if self.batch_size is None else _mapped(lambda s: TensorSpec((None, *s.shape[1:]), s.dtype), spec)

    def _order_of(self, epoch):
        known = self._order
        if known is None or known[0] != epoch:
            buffer = 1024 if self.batch_size is None else 8 * self.batch_size
            order = shuffled(self.n, buffer, self.seed, epoch) if self.shuffles else np.arange(self.n)
            known = self._order = epoch, order
        return known[1]

    def __getitem__(self, index):
        """Batch `index` of the present epoch. IndexError if there is none."""
        if not -len(self) <= index < len(self):
            raise IndexError(f'{type(self).__name__}: there are {len(self)} batches, got the index {index}')
        return self._made(self._order_of(self._epoch), index % len(self))

    def _made(self, order, index):
        if self.batch_size is not None:
            return self._batch(order[self.batch_size * index:self.batch_size * (index + 1)])
        batch = self._batch(order[index:index + 1])
        return tuple(part[0] for part in batch) if isinstance(batch, tuple) else batch[0]

    def _batch(self, indices):
        raise TypeError(f'{type(self).__name__} needs a method _batch(indices)')

    def __iter__(self):
        order = self._order_of(self._epoch)
        self._epoch += 1
        for index in range(len(self)):
            yield self._made(order, index)

    def on_epoch_begin(self):
        """Settle the order, so that copies in other processes share it."""
        self._order_of(self._epoch)

    def on_epoch_end(self):
        """Begin the next epoch."""
        self._epoch += 1
