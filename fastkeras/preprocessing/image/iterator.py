"""Batches of images without end: which samples a batch has, and where its random numbers come from."""

import os
import threading

import numpy as np

from fastkeras import config
from fastkeras.preprocessing.image import augment, states
from fastkeras.preprocessing.image.listing import EXTENSIONS
from fastkeras.utils.sequence import Sequence


def _is_own(instance, name):
    """Whether a method is ours: not replaced in a subclass or on the instance."""
    return getattr(getattr(instance, name), '__func__', None) is getattr(Iterator, name)


class _IndexGenerator:
    """The indices of the batches that `next` gives, one array after another. Keras has a generator here; this can be
    pickled."""

    def __init__(self, iterator):
        self._iterator = iterator

    def __iter__(self):
        return self

    def __next__(self):
        return self._iterator._advance()[0]


class Iterator(Sequence):
    """Base of the iterators over images. Both a Sequence (`len(it)`, `it[i]`) and an iterator without end (`next(it)`,
    `for batch in it`); all of it may be used by several threads at once.

    n: number of samples. batch_size: samples of a batch; the last one of an epoch may have fewer. shuffle: whether each
    epoch has a new random order; otherwise samples come by their index. seed: None, or a whole number from 0 to
    2**32 - 1. Raises ValueError for a batch_size below 1, a negative n or any other seed.

    `it[i]` is batch i of the present epoch; `on_epoch_end()` begins the next one, and so does `next(it)` once it gave
    the last batch. `reset()` lets `next` begin a new epoch at once. `batch_index`: the batch of the epoch that `next`
    gives; `total_batches_seen`: how many batches came before it, in all epochs.

    With a seed, batch i of the epoch that began after b batches takes its random numbers from a RandomState of its own,
    seeded with seed + b + i: it is the same by `next` and by index, in whatever order and by however many threads or
    processes batches are asked for, and it is the one of keras-preprocessing's `next`. NumPy's global state is neither
    read nor changed.
    Without one, random numbers come from NumPy's global state, batch after batch as they are asked for, as in Keras. A
    copy in another process derives its own numbers for each batch from the global state there or, if it was pickled,
    of where it was pickled.

    A subclass defines `_batch(index_array, drawn)` and, if it draws other than random transforms for images of
    `self.image_shape`, `_draw(index_array, random)`. A subclass written for Keras, which defines
    `_get_batches_of_transformed_samples(index_array)` or `_set_index_array()` and draws from `numpy.random`, works as
    well: with a seed, NumPy's global state is that of the batch for as long as they run, one batch at a time.
    """

    white_list_formats = EXTENSIONS

    def __init__(self, n, batch_size, shuffle, seed):
        super().__init__()
        self.n = self._whole('n', n, 0)
        self.batch_size = self._whole('batch_size', batch_size, 1)
        self.shuffle = shuffle
        self.seed = states.checked_seed(type(self).__name__, seed)
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array = None
        self.index_generator = _IndexGenerator(self)
        self._first = 0             # batches before the present epoch
        self._after_order = None    # the state that has drawn the epoch's order, from which batch 0 draws on
        self._process = os.getpid()
        self._words = None          # what stands for the global state in another process

    def _whole(self, argument, value, least):
        if isinstance(value, bool) or not hasattr(value, '__index__') or value.__index__() < least:
            raise ValueError(f'{type(self).__name__}: {argument} must be a whole number of at least {least}, '
                             f'got {value!r}')
        return value.__index__()

    def __len__(self):
        """Batches of an epoch."""
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx):
        """Batch `idx` of the present epoch. ValueError if there is none."""
        number = len(self)
        if not -number <= idx < number:
            raise ValueError(f'{type(self).__name__}: asked for batch {idx}, but there are only {number}; the index must '
                             f'be below the length')
        idx %= number
        with self.lock:
            self._settle()
            random = self._state(self._first + idx)
            if idx == 0 and self._after_order is not None:
                random.set_state(self._after_order)
            index_array = self._indices(idx)
            drawn = self._drawn(index_array, random)
        return self._made(index_array, random, drawn)

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    def next(self):
        """The next batch."""
        with self.lock:
            index_array, random = self._advance()
            drawn = self._drawn(index_array, random)
        return self._made(index_array, random, drawn)

    def reset(self):
        """`next` begins a new epoch; what it gives goes on from the batches seen so far."""
        self.batch_index = 0

    def on_epoch_begin(self):
        """Settle the order of the epoch, so that copies in other processes share it."""
        with self.lock:
            self._settle()

    def on_epoch_end(self):
        """Begin the next epoch."""
        with self.lock:
            self._first += len(self)
            self.total_batches_seen = self._first
            self.batch_index = 0
            self._begin(self._state(self._first))

    # ---- what the lock guards
    def _state(self, number):
        """What batch `number` of all epochs draws from."""
        if self.seed is not None:
            return states.seeded(self.seed, number)
        if self._process == os.getpid():
            return np.random
        if self._words is None:
            self._words = states.digest()
        return np.random.RandomState([*self._words, number])

    def _settle(self):
        if self.index_array is None:
            self._begin(self._state(self._first))

    def _begin(self, random):
        if _is_own(self, '_set_index_array'):
            self._set_index_array(random)
        else:
            with states.as_global(random):
                self._set_index_array()
        self._after_order = None if random is np.random else random.get_state()

    def _set_index_array(self, random=np.random):
        """Choose the order of an epoch."""
        self.index_array = random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _indices(self, index):
        return self.index_array[self.batch_size * index:self.batch_size * (index + 1)]

    def _advance(self):
        """(indices, what to draw from) of the batch that `next` gives."""
        random = self._state(self.total_batches_seen)
        if self.batch_index == 0:
            self._first = self.total_batches_seen
            self._begin(random)
        index_array = self._indices(self.batch_index)
        self.batch_index = (self.batch_index + 1) % max(len(self), 1)
        self.total_batches_seen += 1
        return index_array, random

    def _drawn(self, index_array, random):
        return self._draw(index_array, random) if _is_own(self, '_get_batches_of_transformed_samples') else None

    def _draw(self, index_array, random):
        """All that this batch draws, in the order of Keras; what comes back is given to `_batch`. Called under the lock,
        so it must not read or transform images."""
        return augment.draw(getattr(self, 'image_data_generator', None), getattr(self, 'image_shape', None),
                            len(index_array), random, self._numbers_below if getattr(self, 'save_to_dir', None) else 0)

    _numbers_below = 10_000     # of the numbers in the names of saved images

    # ---- outside the lock
    def _made(self, index_array, random, drawn):
        if _is_own(self, '_get_batches_of_transformed_samples'):
            return self._batch(index_array, drawn)
        with states.as_global(random):
            return self._get_batches_of_transformed_samples(index_array)

    def _batch(self, index_array, drawn):
        """The batch of the samples `index_array`, with the random numbers `drawn` by `_draw`."""
        raise TypeError(f'{type(self).__name__} needs a method _get_batches_of_transformed_samples(index_array) that '
                        'returns a batch')

    def _get_batches_of_transformed_samples(self, index_array):
        """A batch of these samples, its random numbers from NumPy's global state."""
        return self._batch(index_array, self._draw(index_array, np.random))

    def _save(self, images, index_array, drawn):
        """Write the images of a batch to `save_to_dir`, as keras-preprocessing names and scales them."""
        from fastkeras.preprocessing.image.files import array_to_img
        os.makedirs(self.save_to_dir, exist_ok=True)
        for x, j, number in zip(images, index_array, drawn.numbers):
            name = f'{self.save_prefix}_{j}_{number}.{self.save_format}'
            array_to_img(x, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))

    # ---- copies
    def __getstate__(self):
        self.on_epoch_begin()
        state = {k: v for k, v in self.__dict__.items() if k not in ('lock', 'index_generator')}
        if self.seed is None and self._words is None:
            state['_words'] = states.digest()
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.lock = threading.Lock()
        self.index_generator = _IndexGenerator(self)

    # ---- iterators over files
    def common_init(self, image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix,
                    save_format, subset, interpolation):
        """Take over what iterators over image files have in common, as attributes of these names; besides `image_shape`,
        and `split`, the part (from, to) of the samples that `subset` stands for, None for all.

        target_size: (height, width). color_mode: 'rgb', 'rgba' or 'grayscale'. subset: None, 'training' or
        'validation', by the generator's validation_split. Raises ValueError for any other.
        """
        from fastkeras.preprocessing.image.files import CHANNELS, checked_color_mode  # Pillow is slow to import
        function = type(self).__name__
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.color_mode = checked_color_mode(function, color_mode)
        self.data_format = config.standardize_data_format(data_format)
        depth = (CHANNELS[color_mode],)
        self.image_shape = (*self.target_size, *depth) if self.data_format == 'channels_last' else (*depth, *self.target_size)
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.interpolation = interpolation
        self.subset = subset
        self.split = None
        if subset is not None:
            part = checked_subset(function, subset, image_data_generator)
            self.split = (0, part) if subset == 'validation' else (part, 1)

    set_processing_attrs = common_init


def checked_subset(function, subset, image_data_generator):
    """The fraction of samples that the generator keeps for validation. ValueError unless subset is one of the two."""
    if subset not in ('training', 'validation'):
        raise ValueError(f"{function}: subset must be 'training' or 'validation', got {subset!r}")
    return getattr(image_data_generator, '_validation_split', None) or 0.
