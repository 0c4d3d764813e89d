"""Columns of a table that names image files: a pandas DataFrame or anything else that gives columns by name."""

import os

import numpy as np

from fastkeras.preprocessing.image.listing import endings


class Table:
    """Rows of a table, of which some may be dropped.

    source: a pandas DataFrame, a mapping {name: column}, or a structured array; whatever gives a column for a name. It
    is only read. function: the name that errors begin with.
    """

    def __init__(self, function, source, first_column):
        self._function, self._source = function, source
        self._length = len(self._read(first_column))
        self._rows = None       # indices, None for all

    def __len__(self):
        return self._length if self._rows is None else len(self._rows)

    def _read(self, name):
        try:
            return self._source[name]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            known = getattr(self._source, 'columns', None)
            if known is None:
                known = getattr(getattr(self._source, 'dtype', None), 'names', None) or getattr(self._source, 'keys', list)()
            raise KeyError(f'{self._function}: there is no column {name!r} in the table, but {list(known)}') from error

    def array(self, name):
        """A column as an array; several, for a list of names, as the columns of one array of their common type. Lists
        and arrays of one shape in the cells become further axes."""
        if isinstance(name, (list, tuple)):
            if hasattr(self._source, 'columns'):    # pandas knows what is common to its types
                values = np.asarray(self._read(list(name)))
            else:
                values = np.stack([np.asarray(self._read(n)) for n in name], axis=1)
        else:
            values = _as_array(self._read(name))
        if len(values) != self._length:
            raise ValueError(f'{self._function}: expected columns of one length, but {name!r} has {len(values)} rows and '
                             f'the first one read {self._length}')
        if self._rows is not None:
            values = values[self._rows]
        if values.dtype == object and values.ndim == 1 and all(isinstance(v, (list, tuple, np.ndarray)) for v in values):
            values = _as_array(values.tolist())
        return values

    def cells(self, name):
        """A column as a list."""
        values = self._read(name)
        for method in ('tolist', 'to_list'):
            if hasattr(values, method):
                values = getattr(values, method)()
                break
        values = list(values)
        if len(values) != self._length:
            raise ValueError(f'{self._function}: expected columns of one length, but {name!r} has {len(values)} rows and '
                             f'the first one read {self._length}')
        return values if self._rows is None else [values[i] for i in self._rows]

    def keep(self, rows):
        """Drop all rows but these: indices, in any order, or a slice."""
        now = np.arange(self._length) if self._rows is None else self._rows
        self._rows = now[rows if isinstance(rows, slice) else np.asarray(rows, np.intp)]


def _as_array(values):
    if hasattr(values, '__array__'):
        return np.asarray(values)
    try:
        return np.array(values)
    except ValueError:      # cells of different shapes
        array = np.empty(len(values), object)
        array[:] = values
        return array


def is_image(path, last):
    """Whether there is a regular file of this name, with one of these endings."""
    return path.lower().endswith(last) and os.path.isfile(path)


def with_endings(directory, names, extensions):
    """The names, each with the ending of the first file in `directory` that has this name but for a known ending; as it
    is where there is none."""
    last, found, listed = endings(extensions), {}, set()
    made = []
    for name in names:
        folder = os.path.dirname(os.path.join(directory, name))
        if folder not in listed:
            listed.add(folder)
            for file in sorted(os.listdir(folder or '.')) if os.path.isdir(folder or '.') else ():
                if file.lower().endswith(last):
                    found.setdefault(os.path.join(folder, os.path.splitext(file)[0]), os.path.splitext(file)[1])
        made.append(name + found.get(os.path.join(directory, name), ''))
    return made
