"""Images of a folder in batches, as Keras 3 has them: `image_dataset_from_directory`."""

import numpy as np

from fastkeras import config
from fastkeras.preprocessing.image import resizing
from fastkeras.preprocessing.image.files import CHANNELS, ImageFileError, checked_color_mode, checked_size
from fastkeras.preprocessing.image.reading import checked_on_error, read_all, read_image
from fastkeras.preprocessing.indexed_batches import Batches
from fastkeras.preprocessing.labelled_folders import Arguments, encoded

EXTENSIONS = ('.bmp', '.gif', '.jpeg', '.jpg', '.png')
_FUNCTION = 'image_dataset_from_directory'


class ImageDataset(Batches):
    """What `image_dataset_from_directory` returns: batches of float32 images, or pairs (images, labels).

    Attributes: `class_names`, `file_paths` (in the order before the shuffle of each epoch), `labels` (class numbers, or
    None), `errors` ({path: cause} of files that were left out).
    """

    def __init__(self, file_paths, labels, class_names, label_mode, batch_size, shuffle, seed, load, on_error):
        super().__init__(_FUNCTION, len(file_paths), batch_size, shuffle, seed)
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self.errors = {}
        self._label_mode, self._load, self._on_error = label_mode, load, on_error

    @property
    def may_be_empty(self):
        """Whether nothing may be left of a batch."""
        return self._on_error != 'raise'

    def _batch(self, indices):
        images, places = read_all(self._load, [self.file_paths[i] for i in indices], self._on_error, self.errors)
        if not images and self.batch_size is None:
            path, = (self.file_paths[i] for i in indices)
            raise ImageFileError(path, f'{self.errors[path]}; with batch_size=None there is nothing to give in its place')
        x = np.stack(images) if images else np.zeros((0, *self._load.shape), np.float32)
        if self._label_mode is None:
            return x
        return x, encoded(self.labels[indices[places]], self._label_mode, len(self.class_names))


class _Load:
    """How a file becomes an image of the data set; can be pickled."""

    def __init__(self, size, color_mode, interpolation, crop, pad, first):
        self.size, self.color_mode, self.interpolation = size, color_mode, interpolation
        self.crop, self.pad, self.first = crop, pad, first

    @property
    def shape(self):
        """Of an image."""
        depth = (CHANNELS[self.color_mode],)
        return (*depth, *self.size) if self.first else (*self.size, *depth)

    def __call__(self, path):
        x = read_image(path, self.color_mode, eight_bits=True)
        if self.crop:
            x = resizing.cropped(x, self.size)
        x = (resizing.resize_with_pad if self.pad else resizing.resize)(x, self.size, self.interpolation)
        return x.transpose(2, 0, 1) if self.first else x


def image_dataset_from_directory(directory, labels='inferred', label_mode='int', class_names=None, color_mode='rgb',
                                 batch_size=32, image_size=(256, 256), shuffle=True, seed=None, validation_split=None,
                                 subset=None, interpolation='bilinear', follow_links=False, crop_to_aspect_ratio=False,
                                 pad_to_aspect_ratio=False, data_format=None, format='tf', verbose=True, on_error='raise'):
    """Batches of the images in a folder, resized: a Sequence of x, or of (x, y), to be given to `fit`.

    directory: path. Files whose names end with .bmp, .gif, .jpeg, .jpg or .png are read, sorted by folder and name; of a
        GIF, the first picture. Hidden folders are passed over.
    labels: 'inferred': each sub-folder is a class; a list of class numbers, one for each file in the order just said,
        whatever folder it is in; None for no y.
    label_mode: what y is: 'int' (samples,) int32; 'categorical' (samples, classes) float32 of 0 and 1; 'binary'
        (samples, 1) float32, for two classes; None for no y.
    class_names: names of the sub-folders to read, in the order of their numbers; None for all, sorted.
    color_mode: 'rgb', 'rgba' or 'grayscale'. x is float32 of 0 to 255: (samples, height, width, channels), or channels
        first by data_format (None: the process's).
    batch_size: None gives single samples, without the axis of samples.
    image_size: (height, width), or one number for both.
    interpolation: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' or 'mitchellcubic', by the
        formulas of tf.image.resize: none but 'area' averages when an image becomes much smaller.
    crop_to_aspect_ratio: cut the middle of the image to the proportions of image_size first. pad_to_aspect_ratio: keep its
        proportions, with zeros on two sides.
    shuffle: a new order each epoch. seed: a whole number for an order that can be repeated.
    validation_split: fraction of the files (after a first shuffle) that is for validation. subset: 'training',
        'validation', or 'both' for a list of the two, of which only the first is shuffled anew each epoch.
    follow_links: visit links to folders below a class. verbose: print how many files there are. format: 'tf' and 'grain'
        make no difference here.
    on_error: not in Keras: 'skip' or 'report' leave out, with its label, a file that cannot be read as an image, and note it
        in `errors`; 'report' warns as well. `fit`, `evaluate` and `predict` pass over a batch of which nothing is left.

    The result has `class_names` and `file_paths`. Raises FileNotFoundError, ImageFileError for a file that cannot be read,
    ValueError for other arguments and where there are no files. Source: Keras 3.15, whose order and numbers these are:
    the same seed gives the same batches.
    """
    arguments = Arguments(_FUNCTION, 'image', EXTENSIONS, directory, labels, label_mode, class_names, batch_size, shuffle,
                          seed, validation_split, subset, follow_links, format, verbose)
    checked_color_mode(_FUNCTION, color_mode)
    size = checked_size(_FUNCTION, (image_size, image_size) if isinstance(image_size, int) else image_size, 'image_size')
    method = interpolation.lower() if isinstance(interpolation, str) else interpolation
    if method not in resizing.METHODS:
        raise ValueError(f'{_FUNCTION}: interpolation must be one of {", ".join(map(repr, resizing.METHODS))}, '
                         f'got {interpolation!r}')
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f'{_FUNCTION}: crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other, got both')
    checked_on_error(_FUNCTION, on_error)
    first = config.standardize_data_format(data_format) == 'channels_first'
    load = _Load(size, color_mode, method, crop_to_aspect_ratio, pad_to_aspect_ratio, first)
    return arguments.read(lambda paths, numbers, names, again: ImageDataset(
        paths, numbers, names, arguments.label_mode, batch_size, again, arguments.seed, load, on_error))
