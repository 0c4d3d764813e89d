"""Batches of images that a table names: `ImageDataGenerator.flow_from_dataframe`."""

import os

from fastkeras.legacy.keras1 import accepts
from fastkeras.preprocessing.image.iterator import Iterator
from fastkeras.preprocessing.image.labelled_files import LabelledFiles
from fastkeras.preprocessing.image.listing import endings
from fastkeras.preprocessing.image.table import Table, is_image, with_endings
from fastkeras.utils.errors import warn
from fastkeras.utils.messages import print_msg

_OF_CLASSES = ('categorical', 'binary', 'sparse')


class DataFrameIterator(LabelledFiles):
    """Batches x, (x, y) or (x, y, sample_weight) of the images that a table names; both a Sequence and an iterator
    without end (see Iterator).

    dataframe: a pandas DataFrame, a mapping {name: column} or a structured array; it is only read, once.
    directory: the folder to which the file names are relative; None: they are whole paths.
    x_col: the column of file names, texts. weight_col: the column of sample weights, numbers, or None.
    y_col: the column of labels, by class_mode:
        'categorical': a text, or a list or tuple of texts; y is (samples, classes) of 0 and 1
        'binary' (two classes), 'sparse': a text; y is (samples,) class numbers
        'raw' ('other' in Keras 2.2.4): anything; or a list of columns: y is the array of their values
        'multi_output': a list of columns; y is a list of arrays
        'input': not read; y is the images again. None: not read; there is no y.
    classes: the classes to read; None for all. Rows of other classes are left out, and so are other classes in a row with
        several. Numbers follow the order of the names' code points in any case.
    validate_filenames: leave out, with a warning, the rows whose file has no known ending (see DirectoryIterator) or is
        no regular file. Their content is not looked at: see on_error and `validate_directory`.
    subset: the generator's validation_split says how many of the first rows, of those that were not left out, are for
        validation.
    has_ext: False: file names have no ending, and that of a file in the folder is taken (Keras 2.2.4). drop_duplicates:
        read the first row only of those with one file name. sort: sort rows by file name. The three are old words; a
        call with another value than the default gives a DeprecationWarning.
    The rest: see DirectoryIterator.

    Attributes: `filenames`, `filepaths`, `labels`, `class_indices`, `classes` (the last two for class labels), `samples`
    and `n`, `sample_weight`, `image_shape`, `errors`.

    Prints 'Found N validated image filenames belonging to K classes.' Raises KeyError for a column that is not there,
    TypeError for values of a wrong kind, ValueError. Source: keras-preprocessing 1.1.2, whose numbers and pixels these
    are.
    """

    allowed_class_modes = ('binary', 'categorical', 'input', 'multi_output', 'raw', 'sparse', None)

    @accepts('DataFrameIterator')
    def __init__(self, dataframe, directory=None, image_data_generator=None, x_col='filename', y_col='class',
                 weight_col=None, target_size=(256, 256), color_mode='rgb', classes=None, class_mode='categorical',
                 batch_size=32, shuffle=True, seed=None, data_format=None, save_to_dir=None, save_prefix='',
                 save_format='png', subset=None, interpolation='nearest', dtype=None, validate_filenames=True,
                 on_error='raise', draft=None, has_ext=True, drop_duplicates=False, sort=False):
        self._begin_files(image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix,
                          save_format, subset, interpolation, dtype, on_error, draft)
        if class_mode == 'other':
            _warn_of('class_mode="other"', 'class_mode="raw" is the word for it')
            class_mode = 'raw'
        self.class_mode = self._checked_class_mode(class_mode)
        if class_mode == 'multi_output' and not isinstance(y_col, (list, tuple)):
            raise TypeError(f"DataFrameIterator: y_col must be a list of columns for class_mode 'multi_output', got {y_col!r}")
        self.directory = '' if directory is None else os.fspath(directory)
        classes = [classes] if isinstance(classes, str) else None if classes is None else list(classes)
        table = Table('DataFrameIterator', dataframe, x_col)
        if weight_col is not None and table.array(weight_col).dtype.kind not in 'fiu':
            raise TypeError(f'DataFrameIterator: the weight_col {weight_col!r} must be numbers, got the type '
                            f'{table.array(weight_col).dtype}')
        names = self._file_names(table, x_col, has_ext, drop_duplicates, sort)
        if class_mode in _OF_CLASSES:
            _check_labels(class_mode, table.cells(y_col), y_col, classes)
        elif classes:
            warn(f'DataFrameIterator: classes is of no use for class_mode {class_mode!r}')
        if validate_filenames:
            names = self._validated(table, names, x_col)
        if class_mode in _OF_CLASSES:
            labels, known = _of_classes(table.cells(y_col), classes)
            rows = [i for i, label in enumerate(labels) if label is not None]
            table.keep(rows)
            names = [names[i] for i in rows]
            self.class_indices = {name: i for i, name in enumerate(known)}
            self.classes = [self._numbers(labels[i]) for i in rows]
        if self.split is not None:
            part = slice(*(int(end * len(names)) for end in self.split))
            table.keep(part)
            names = names[part]
            if class_mode in _OF_CLASSES:
                self.classes = self.classes[part]
        self.filenames = names
        self._sample_weight = None if weight_col is None else table.array(weight_col)
        if class_mode == 'multi_output':
            self._values = [table.array(name) for name in y_col]
        elif class_mode == 'raw':
            self._values = table.array(y_col)
        self.samples = len(names)
        validated = 'validated' if validate_filenames else 'non-validated'
        of_classes = f' belonging to {len(self.class_indices)} classes' if class_mode in _OF_CLASSES else ''
        print_msg(f'Found {self.samples} {validated} image filenames{of_classes}.')
        self._filepaths = [os.path.join(self.directory, name) for name in names]
        Iterator.__init__(self, self.samples, batch_size, shuffle, seed)

    def _file_names(self, table, x_col, has_ext, drop_duplicates, sort):
        names = table.cells(x_col)
        for name in names:
            if not isinstance(name, (str, os.PathLike)):
                raise TypeError(f'DataFrameIterator: the x_col {x_col!r} must be names of files, texts, but one value is '
                                f'{name!r}')
        names = [os.fspath(name) for name in names]
        if not has_ext:
            _warn_of('has_ext', 'names of files should have their endings')
            names = with_endings(self.directory, names, self.white_list_formats)
        if drop_duplicates:
            _warn_of('drop_duplicates', "pandas' DataFrame.drop_duplicates does this")
            rows = sorted({name: i for i, name in reversed(list(enumerate(names)))}.values())
            table.keep(rows)
            names = [names[i] for i in rows]
        if sort:
            _warn_of('sort', "pandas' DataFrame.sort_values does this")
            rows = sorted(range(len(names)), key=names.__getitem__)
            table.keep(rows)
            names = [names[i] for i in rows]
        return names

    def _validated(self, table, names, x_col):
        last = endings(self.white_list_formats)
        rows = [i for i, name in enumerate(names) if is_image(os.path.join(self.directory, name), last)]
        if len(rows) < len(names):
            bad = sorted(set(range(len(names))) - set(rows))
            warn(f'DataFrameIterator: {len(bad)} rows are left out, for the x_col {x_col!r} names no image file '
                 f'there, the first being {os.path.join(self.directory, names[bad[0]])!r}')
            table.keep(rows)
        return [names[i] for i in rows]

    def _numbers(self, label):
        return self.class_indices[label] if isinstance(label, str) else [self.class_indices[name] for name in label]

    @property
    def filepaths(self):
        """Paths of the images, in the order of `filenames`."""
        return self._filepaths

    @property
    def labels(self):
        """What y is made of: class numbers, or the values of 'raw' and 'multi_output'."""
        return self._values if self.class_mode in ('multi_output', 'raw') else self.classes

    @property
    def sample_weight(self):
        """The weight of each image, or None."""
        return self._sample_weight


def _warn_of(word, advice):
    warn(f'flow_from_dataframe: {word} is an old word; {advice}', DeprecationWarning)


def _check_labels(class_mode, labels, y_col, classes):
    kinds, words = ((str, list, tuple), 'a text, or a list or tuple of texts') if class_mode == 'categorical' else (
        (str,), 'a text')
    for label in labels:
        if not isinstance(label, kinds):
            raise TypeError(f'DataFrameIterator: each value of the y_col {y_col!r} must be {words} for class_mode '
                            f'{class_mode!r}, but one is {label!r}; for numbers as they are there is class_mode "raw"')
    if class_mode == 'binary' and len(known := set(classes or labels)) != 2:
        raise ValueError(f"DataFrameIterator: class_mode 'binary' needs two classes, got {len(known)}")


def _of_classes(labels, classes):
    """(labels without what is no class, None where nothing is left; sorted names of the classes)."""
    if not classes:
        return labels, sorted({name for label in labels for name in ([label] if isinstance(label, str) else label)})
    known = set(classes)
    kept = [(label if label in known else None) if isinstance(label, str) else
            [name for name in label if name in known] or None for label in labels]
    return kept, sorted(known)
