"""Batches of images from folders, one folder for each class: `ImageDataGenerator.flow_from_directory`."""

import os

import numpy as np

from fastkeras.legacy.keras1 import accepts
from fastkeras.preprocessing.image.iterator import Iterator
from fastkeras.preprocessing.image.labelled_files import LabelledFiles
from fastkeras.preprocessing.image.listing import class_folders, files_of_class
from fastkeras.utils.errors import warn
from fastkeras.utils.messages import print_msg


class DirectoryIterator(LabelledFiles):
    """Batches x or (x, y) of the images in the folders of `directory`, each of which is a class; both a Sequence and an
    iterator without end (see Iterator).

    Classes are the sub-folders of `directory`, in the order of their names' code points, but for hidden ones (.git);
    the images of a class are those of its folder, then those of the folders in it. Files are sorted by name, and come in
    this order unless shuffle is True. A file counts as an image by its ending (.png, .jpg, .jpeg, .bmp, .ppm, .tif,
    .tiff, in any letter case), and only if it is a regular file.

    directory: path. image_data_generator: an ImageDataGenerator, or None. target_size: (height, width) that each image
        is resized to. color_mode: 'rgb', 'rgba' or 'grayscale'.
    classes: names of the sub-folders to read, in the order of their numbers; None for all.
    class_mode: what y is: 'categorical' (samples, classes) of 0 and 1; 'binary' and 'sparse' (samples,) class numbers;
        'input' the images again; None for no y. In the type of x.
    batch_size, shuffle, seed: see Iterator. data_format: None for the process's.
    save_to_dir: folder, made if need be, to which every image is written as it is given, as
        '{save_prefix}_{index}_{random number}.{save_format}'; None for not.
    follow_links: visit links to folders below a class, each folder once. (A link in `directory` itself is always a class.)
    subset: 'training' or 'validation': of each class, the generator's validation_split says how many of the first files
        are for validation. None for all.
    interpolation: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos', by Pillow.
    dtype: of x; None for `config.floatx()`.
    on_error: what is done about a file that cannot be read as an image. 'raise': an ImageFileError with its path and the
        cause. 'skip': its batch has one sample less, of x as of y. 'report': as 'skip', with a warning, once for each
        file. See `errors`, and `validate_directory` for a check beforehand. A batch of which nothing is left has
        no samples; `fit`, `evaluate` and `predict` pass over it.
    draft: whether a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which is faster. True: where that is still as
        large as target_size. None: where it is still twice as large, unless interpolation is 'nearest' or 'box': pixels
        then differ little (see docs/images.md). False: never.

    Attributes: `filenames` (relative to `directory`), `filepaths`, `classes` (int32, the class number of each file; also
    `labels`), `class_indices` ({name: number}), `num_classes`, `samples` and `n`, `image_shape`, `errors`.

    Prints 'Found N images belonging to K classes.' Raises FileNotFoundError, NotADirectoryError, ValueError.
    Source: keras-preprocessing 1.1.2, whose order, numbers and pixels these are.
    """

    allowed_class_modes = ('categorical', 'binary', 'sparse', 'input', None)

    @accepts('DirectoryIterator')
    def __init__(self, directory, image_data_generator, target_size=(256, 256), color_mode='rgb', classes=None,
                 class_mode='categorical', batch_size=32, shuffle=True, seed=None, data_format=None, save_to_dir=None,
                 save_prefix='', save_format='png', follow_links=False, subset=None, interpolation='nearest', dtype=None,
                 on_error='raise', draft=None):
        self._begin_files(image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix,
                          save_format, subset, interpolation, dtype, on_error, draft)
        self.class_mode = self._checked_class_mode(class_mode)
        if not isinstance(directory, (str, os.PathLike)):
            raise TypeError(f'DirectoryIterator: directory must be a path, got {directory!r}')
        self.directory = directory
        if not os.path.isdir(directory):
            error = NotADirectoryError if os.path.exists(directory) else FileNotFoundError
            raise error(f'DirectoryIterator: directory must be a folder with one folder for each class, got '
                        f'{os.fspath(directory)!r}, which {"is none" if error is NotADirectoryError else "does not exist"}')
        names = _checked_names(classes) or class_folders(directory)
        self.num_classes = len(names)
        self.class_indices = {name: i for i, name in enumerate(names)}
        if class_mode == 'binary' and len(names) > 2:
            warn(f"DirectoryIterator: class_mode 'binary' is for two classes, but there are {len(names)}: labels "
                 f'go up to {len(names) - 1}')
        self.filenames, numbers = [], []
        for i, name in enumerate(names):
            files = files_of_class(directory, name, self.white_list_formats, follow_links)
            if self.split is not None:
                files = files[int(self.split[0] * len(files)):int(self.split[1] * len(files))]
            self.filenames += files
            numbers += [i] * len(files)
        self.classes = np.array(numbers, np.int32)
        self.samples = len(self.filenames)
        print_msg(f'Found {self.samples} images belonging to {self.num_classes} classes.')
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        Iterator.__init__(self, self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self):
        """Paths of the images, in the order of `filenames`."""
        return self._filepaths

    @property
    def labels(self):
        """Class number of each image."""
        return self.classes


def _checked_names(classes):
    """Names of folders, a list."""
    if classes is None:
        return []
    names = [classes] if isinstance(classes, str) else list(classes)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f'DirectoryIterator: classes must be names of sub-folders, each once, got {classes!r}')
    return names
