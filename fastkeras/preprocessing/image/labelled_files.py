"""Batches of images that are read from files, with labels: what iterators over a folder and over a table share."""

import functools

import numpy as np

from fastkeras import config
from fastkeras.preprocessing.image.augment import augmented
from fastkeras.preprocessing.image.files import checked_interpolation, checked_size
from fastkeras.preprocessing.image.iterator import Iterator
from fastkeras.preprocessing.image.kept import Kept
from fastkeras.preprocessing.image.reading import checked_on_error, draft_factor, read_all, read_image


class LabelledFiles(Iterator):
    """Batches of images that are read from files when they are asked for, transformed by a generator, with labels.

    A subclass calls `_begin_files`, sets `class_mode` and, as this mode needs it, `classes` and `class_indices` or
    `labels`, and calls `Iterator.__init__`. It has `filepaths` and `sample_weight`.

    `errors`: {path: cause} of the files that were left out so far because they could not be read (on_error 'skip' and
    'report'); what another process left out is in its own copy.
    `kept`: the decoded images that stay in memory for the next epochs, a Kept: `kept.limit` bytes at most, 256 MiB unless set;
    0 for none. See docs/images.md.
    """

    _numbers_below = 10_000_000
    allowed_class_modes = ()
    sample_weight = None

    def _begin_files(self, image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix,
                     save_format, subset, interpolation, dtype, on_error, draft):
        """Check and take over what says how files are read."""
        function = type(self).__name__
        self.common_init(image_data_generator, checked_size(function, target_size), color_mode, data_format, save_to_dir,
                         save_prefix, save_format, subset, interpolation)
        checked_interpolation(function, interpolation)
        self.dtype = np.dtype(config.floatx() if dtype is None else dtype).name
        self.on_error = checked_on_error(function, on_error)
        self.draft = draft
        draft_factor(function, draft, interpolation)
        self.errors = {}
        self.kept = Kept()

    @property
    def may_be_empty(self):
        """Whether nothing may be left of a batch."""
        return self.on_error != 'raise'

    def _checked_class_mode(self, class_mode):
        if class_mode not in self.allowed_class_modes:
            raise ValueError(f'{type(self).__name__}: class_mode must be one of '
                             f'{", ".join(map(repr, self.allowed_class_modes))}, got {class_mode!r}')
        return class_mode

    def _read(self, index_array):
        """(images, their places in index_array), without those that could not be read."""
        function, paths = type(self).__name__, self.filepaths
        read = functools.partial(
            read_image, color_mode=self.color_mode, size=self.target_size[::-1],
            resample=checked_interpolation(function, self.interpolation),
            draft=draft_factor(function, self.draft, self.interpolation), first=self.data_format == 'channels_first')
        return read_all(self.kept.reader(read, read.keywords), [paths[j] for j in index_array], self.on_error, self.errors)

    def _batch(self, index_array, drawn):
        images, places = self._read(index_array)
        if len(places) < len(index_array):
            index_array = index_array[places]
            drawn.keep(places)
        if images:
            x = augmented(self.image_data_generator, images, drawn, self.dtype)
        else:
            x = np.zeros((0, *self.image_shape), self.dtype)
        if self.save_to_dir:
            self._save(x, index_array, drawn)
        if self.class_mode is None:
            return x
        y, weight = self._targets_of(index_array, x), self.sample_weight
        return (x, y) if weight is None else (x, y, weight[index_array])

    def _targets_of(self, index_array, x):
        mode = self.class_mode
        if mode == 'input':
            return x.copy()
        if mode == 'multi_output':
            return [values[index_array] for values in self.labels]
        if mode == 'raw':
            return self.labels[index_array]
        if mode in ('binary', 'sparse'):
            return np.array([self.classes[j] for j in index_array], self.dtype)
        y = np.zeros((len(index_array), len(self.class_indices)), self.dtype)
        for row, j in zip(y, index_array):
            row[self.classes[j]] = 1
        return y
