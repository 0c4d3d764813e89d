"""Which files of a folder are samples and what their labels are, as Keras 3's `*_dataset_from_directory` have it."""

import os

import numpy as np

from fastkeras.preprocessing.image.listing import class_folders, endings, files_of_class, walk
from fastkeras.utils.messages import print_msg


class Arguments:
    """The arguments that images and texts have in common, checked; `read` lists the files.

    function, kind: for messages: the public function, and what its files are. extensions: of the files.
    """

    def __init__(self, function, kind, extensions, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
                 validation_split, subset, follow_links, format, verbose):
        self.function, self.kind, self.extensions = function, kind, extensions
        if isinstance(labels, np.ndarray):
            labels = labels.tolist()
        if not (labels is None or labels == 'inferred' or isinstance(labels, (list, tuple))):
            raise self._error('labels', f"'inferred', None or a list of class numbers, one for each {kind} file", labels)
        if label_mode not in ('int', 'categorical', 'binary', None):
            raise self._error('label_mode', "'int', 'categorical', 'binary' or None", label_mode)
        if class_names is not None and labels != 'inferred':
            raise ValueError(f"{function}: class_names is for labels='inferred' only, whose folders it names; got labels "
                             f'{"None" if labels is None else "as a list"}')
        if format not in ('tf', 'grain'):
            raise self._error('format', "'tf' or 'grain', which are one thing here", format)
        if validation_split and not 0 < validation_split < 1:
            raise self._error('validation_split', 'a number between 0 and 1, both excluded', validation_split)
        if subset not in ('training', 'validation', 'both', None):
            raise self._error('subset', "'training', 'validation' or 'both'", subset)
        if bool(validation_split) != bool(subset):
            raise ValueError(f'{function}: validation_split and subset belong together, got validation_split='
                             f'{validation_split!r}, subset={subset!r}')
        if validation_split and shuffle and seed is None:
            raise ValueError(f'{function}: with validation_split and shuffle=True a seed is needed, or else the training '
                             'and the validation subset may have files in common')
        if not os.path.isdir(directory):
            error = NotADirectoryError if os.path.exists(directory) else FileNotFoundError
            raise error(f'{function}: directory must be a folder, got {os.fspath(directory)!r}')
        if labels is None or label_mode is None:
            labels = label_mode = None
        self.directory, self.labels, self.label_mode, self.class_names = os.fspath(directory), labels, label_mode, class_names
        self.batch_size, self.shuffle, self.verbose, self.follow_links = batch_size, shuffle, verbose, follow_links
        self.seed = np.random.randint(1e6) if seed is None else seed
        self.validation_split, self.subset = validation_split, subset

    def _error(self, argument, expected, got):
        return ValueError(f'{self.function}: {argument} must be {expected}, got {got!r}')

    def read(self, make):
        """`make(paths, labels, class_names, shuffle)` for the files of the subset; a list of two for 'both'. labels: an
        array of whole numbers, or None. Prints how many files there are."""
        paths, labels, names = self._index()
        if self.label_mode == 'binary' and len(names) != 2:
            raise ValueError(f"{self.function}: label_mode 'binary' is for two classes, got {names}")
        if self.shuffle:
            order = np.arange(len(paths))
            np.random.RandomState(self.seed).shuffle(order)
            paths = [paths[i] for i in order]
            labels = None if labels is None else labels[order]
        border = len(paths) - int((self.validation_split or 0) * len(paths))
        parts = {'training': slice(0, border), 'validation': slice(border, None), None: slice(None)}
        made = []
        for part in ('training', 'validation') if self.subset == 'both' else (self.subset,):
            chosen = paths[parts[part]]
            if part is not None:
                print_msg(f'Using {len(chosen)} files for {part}.')
            if not chosen:
                raise ValueError(f'{self.function}: there are no {part + " " if part else ""}{self.kind} files in '
                                 f'{self.directory!r}; their names end with {", ".join(endings(self.extensions))}')
            made.append(make(chosen, None if labels is None else labels[parts[part]], names,
                             self.shuffle and not (self.subset == 'both' and part == 'validation')))
        return made if self.subset == 'both' else made[0]

    def _index(self):
        """(paths, labels, names of the classes)."""
        if self.labels != 'inferred':
            return self._index_whole()
        names = class_folders(self.directory)
        if self.class_names is not None:
            if not set(self.class_names) <= set(names):
                raise ValueError(f'{self.function}: class_names must be names of folders in {self.directory!r}, which are '
                                 f'{names}, got {list(self.class_names)}')
            names = list(self.class_names)
        paths, labels = [], []
        for number, name in enumerate(names):
            files = files_of_class(self.directory, name, self.extensions, self.follow_links)
            paths += [os.path.join(self.directory, file) for file in files]
            labels += [number] * len(files)
        if self.verbose:
            print_msg(f'Found {len(paths)} files belonging to {len(names)} classes.')
        return paths, np.array(labels, np.int32), names

    def _index_whole(self):
        """Of all files in the folder, whatever folders they are in."""
        last = endings(self.extensions)
        paths = [os.path.join(root, name) for root, names in walk(self.directory, self.follow_links, hidden=False)
                 for name in names if name.lower().endswith(last)]
        if self.labels is None:
            if self.verbose:
                print_msg(f'Found {len(paths)} files.')
            return paths, None, None
        if len(self.labels) != len(paths):
            raise ValueError(f'{self.function}: labels must be one for each file, got {len(self.labels)} labels for '
                             f'{len(paths)} {self.kind} files in {self.directory!r}')
        labels = np.array(self.labels)
        if labels.ndim != 1 or labels.dtype.kind not in 'iu':
            raise self._error('labels', 'whole numbers', self.labels[:3] if len(self.labels) > 3 else self.labels)
        names = [str(number) for number in sorted(set(labels.tolist()))]
        if self.label_mode == 'categorical' and not 0 <= labels.min() <= labels.max() < len(names):
            raise ValueError(f"{self.function}: labels for label_mode 'categorical' must be numbers from 0 to {len(names) - 1}"
                             f', for there are {len(names)} different ones, got {names}')
        if self.verbose:
            print_msg(f'Found {len(paths)} files belonging to {len(names)} classes.')
        return paths, labels.astype(np.int32), names


def encoded(labels, label_mode, number_of_classes):
    """Class numbers as a batch has them: 'int' (samples,) int32; 'binary' (samples, 1) and 'categorical' (samples,
    classes) float32."""
    if label_mode == 'int':
        return labels
    if label_mode == 'binary':
        return labels[:, None].astype(np.float32)
    return np.eye(number_of_classes, dtype=np.float32)[labels]
