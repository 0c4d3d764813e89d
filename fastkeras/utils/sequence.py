"""Data sets that are read batch by batch."""


class Sequence:
    """Base of a data set with random access to its batches: define `__getitem__(index)`, a batch `(x, y)` or
    `(x, y, sample_weight)`, and `__len__`, the number of batches. `on_epoch_begin` and `on_epoch_end` may change it
    between epochs.

    workers, use_multiprocessing, max_queue_size: how batches may be fetched ahead, as in Keras 3's PyDataset.
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index):
        raise TypeError(f'{type(self).__name__} needs a method __getitem__(index) that returns a batch')

    def __len__(self):
        raise TypeError(f'{type(self).__name__} needs a method __len__() that returns the number of batches')

    @property
    def num_batches(self):
        """Number of batches of one epoch."""
        return len(self)

    def on_epoch_begin(self):
        """Called before each epoch."""

    def on_epoch_end(self):
        """Called after each epoch."""

    def __iter__(self):
        for index in range(len(self)):
            yield self[index]


PyDataset = Sequence


def is_sequence(data):
    """Whether `data` is a Sequence, or behaves as one: batches by index and a length, but neither an array nor a
    list.
    """
    if isinstance(data, Sequence):
        return True
    return (hasattr(data, '__getitem__') and hasattr(data, '__len__') and hasattr(data, 'on_epoch_end')
            and not hasattr(data, 'shape'))


def is_batches(data):
    """Whether `data` gives batches: a Sequence, a generator or another iterator."""
    return is_sequence(data) or hasattr(data, '__next__')
