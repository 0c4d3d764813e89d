"""Batches of images that are in memory, from `ImageDataGenerator.flow`."""

import numpy as np

from fastkeras import config
from fastkeras.legacy.keras1 import accepts
from fastkeras.preprocessing.image.augment import augmented
from fastkeras.preprocessing.image.iterator import Iterator, checked_subset
from fastkeras.preprocessing.image.settings import warn_of_channels


class NumpyArrayIterator(Iterator):
    """Batches x, (x, y) or (x, y, sample_weight) of images of an array, transformed by a generator.

    x: array (samples, height, width, channels), or with channels first; or a pair (images, others), others being an
    array or a list of arrays of as many samples: then each batch has a list [images, *others]. It is not copied:
    batches, new arrays each, are made from x of whatever number type. y, sample_weight: arrays of as many samples, or
    None. image_data_generator: an ImageDataGenerator, or None. subset: 'training', 'validation' or None; the
    generator's validation_split says how many of the first samples are for validation. data_format: None for the
    process's. dtype: of the images in batches; None for `config.floatx()`. The rest: see Iterator and
    `ImageDataGenerator.flow`.

    Raises ValueError for images of another rank than 4, different lengths, or class labels some of which are in only one
    of the subsets. Warns unless there are 1, 3 or 4 channels.
    """

    @accepts('NumpyArrayIterator')
    def __init__(self, x, y, image_data_generator, batch_size=32, shuffle=False, sample_weight=None, seed=None,
                 data_format=None, save_to_dir=None, save_prefix='', save_format='png', subset=None, dtype=None):
        self.dtype = np.dtype(config.floatx() if dtype is None else dtype).name
        self.data_format = config.standardize_data_format(data_format)
        x, others = _split_inputs(x)
        arrays = {'x': np.asarray(x), **{f'x[1][{i}]': a for i, a in enumerate(others)},
                  'y': None if y is None else np.asarray(y),
                  'sample_weight': None if sample_weight is None else np.asarray(sample_weight)}
        if arrays['x'].ndim != 4:
            raise ValueError(f'NumpyArrayIterator: x must have rank 4 (samples, and three axes of an image), got shape '
                             f'{arrays["x"].shape}')
        n = len(arrays['x'])
        for name, array in arrays.items():
            if array is not None and (array.ndim == 0 or len(array) != n):
                raise ValueError(f'NumpyArrayIterator: x and {name} must have the same length, got shapes '
                                 f'{arrays["x"].shape} and {array.shape}')
        if subset is not None:
            end = int(n * checked_subset('NumpyArrayIterator', subset, image_data_generator))
            _check_classes(arrays['y'], end)
            part = slice(0, end) if subset == 'validation' else slice(end, n)
            arrays = {k: a if a is None else a[part] for k, a in arrays.items()}
        self.x, self.y, self.sample_weight = arrays.pop('x'), arrays.pop('y'), arrays.pop('sample_weight')
        self.x_misc = list(arrays.values())
        if self.x.dtype.kind not in 'fiub':
            raise ValueError(f'NumpyArrayIterator: x must be an array of real numbers, got type {self.x.dtype}')
        warn_of_channels('NumpyArrayIterator', self.x.shape, self.data_format)
        self.image_shape = self.x.shape[1:]
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.subset = subset
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _batch(self, index_array, drawn):
        if len(index_array):
            images = augmented(self.image_data_generator, [self.x[j] for j in index_array], drawn, self.dtype)
        else:
            images = np.zeros((0, *self.image_shape), self.dtype)
        if self.save_to_dir:
            self._save(images, index_array, drawn)
        batch = [[images, *(a[index_array] for a in self.x_misc)] if self.x_misc else images]
        if self.y is None:
            return batch[0]
        batch.append(self.y[index_array])
        if self.sample_weight is not None:
            batch.append(self.sample_weight[index_array])
        return tuple(batch)


def _split_inputs(x):
    """(images, list of the other arrays)."""
    if not isinstance(x, (tuple, list)):
        return x, []
    if len(x) != 2 or np.ndim(x[0]) != 4:
        raise ValueError('NumpyArrayIterator: a tuple or list as x must be (images of rank 4, array or list of arrays), '
                         f'got {len(x)} elements')
    images, others = x
    return images, [np.asarray(a) for a in others] if isinstance(others, list) else [np.asarray(others)]


def _check_classes(y, end):
    """Labels that are whole numbers or words are classes, and each must be in both subsets."""
    if y is None or (y.dtype.kind == 'f' and not np.array_equal(y, np.rint(y))):
        return
    if not np.array_equal(np.unique(y[:end]), np.unique(y[end:])):
        raise ValueError('NumpyArrayIterator: the training and the validation subset must have the same classes, but '
                         'some labels of y are in only one of them; if the arrays are sorted by label, shuffle them '
                         'before, all in the same way')
