"""Texts of a folder in batches, as Keras 3 has them: `text_dataset_from_directory`."""

import numpy as np

from fastkeras.preprocessing.indexed_batches import Batches
from fastkeras.preprocessing.labelled_folders import Arguments, encoded

_FUNCTION = 'text_dataset_from_directory'


class TextDataset(Batches):
    """What `text_dataset_from_directory` returns: batches of texts, or pairs (texts, labels).

    Attributes: `class_names`, `file_paths` (in the order before the shuffle of each epoch), `labels` (class numbers, or
    None).
    """

    def __init__(self, file_paths, labels, class_names, label_mode, batch_size, shuffle, seed, max_length):
        super().__init__(_FUNCTION, len(file_paths), batch_size, shuffle, seed)
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self._label_mode, self._max_length = label_mode, max_length

    def _batch(self, indices):
        texts = np.empty(len(indices), object)
        texts[:] = [self._read(self.file_paths[i]) for i in indices]
        if self._label_mode is None:
            return texts
        return texts, encoded(self.labels[indices], self._label_mode, len(self.class_names))

    def _read(self, path):
        try:
            with open(path, encoding='utf-8', newline='') as file:
                return file.read() if self._max_length is None else file.read(self._max_length)
        except UnicodeDecodeError as error:
            raise ValueError(f'{_FUNCTION}: cannot read {path!r}: it is no text in UTF-8 ({error.reason} at byte '
                             f'{error.start})') from error


def text_dataset_from_directory(directory, labels='inferred', label_mode='int', class_names=None, batch_size=32,
                                max_length=None, shuffle=True, seed=None, validation_split=None, subset=None,
                                follow_links=False, format='tf', verbose=True):
    """Batches of the texts in a folder: a Sequence of x, or of (x, y).

    directory: path. Files whose names end with .txt are read, sorted by folder and name, as UTF-8. x is an array of texts
    (samples,), of type object. max_length: characters to which a text is cut; None for all. The rest: see
    `image_dataset_from_directory`.

    The result has `class_names` and `file_paths`. Raises FileNotFoundError, ValueError. Source: Keras 3.15, whose order
    these are; there, a text is bytes, and max_length counts them.
    """
    if max_length is not None and (isinstance(max_length, bool) or not hasattr(max_length, '__index__')
                                   or max_length.__index__() < 0):
        raise ValueError(f'{_FUNCTION}: max_length must be None or a whole number of at least 0, got {max_length!r}')
    arguments = Arguments(_FUNCTION, 'text', ('.txt',), directory, labels, label_mode, class_names, batch_size, shuffle,
                          seed, validation_split, subset, follow_links, format, verbose)
    return arguments.read(lambda paths, numbers, names, again: TextDataset(
        paths, numbers, names, arguments.label_mode, batch_size, again, arguments.seed, max_length))
