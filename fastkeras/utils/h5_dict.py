"""An HDF5 file, or a part of one, as a dictionary: what `keras.utils.io_utils.H5Dict` was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np


class H5Dict:
    """A dictionary that is kept in an HDF5 file.

    path: of a file, an h5py file or group, or a dict that takes its place. mode: 'r' to read, 'w' for a new file, 'a' for both.
    Arrays are stored as datasets, numbers, texts and lists of texts as attributes; `d['a']['b'] = x` goes into a group `a`,
    which is made when something is put there. KeyError for what is not there; ValueError to write with mode 'r' and for
    values of other kinds. Also a context manager.
    """

    def __init__(self, path: Any, mode: str = 'a') -> None:
        if mode not in ('r', 'w', 'a'):
            raise ValueError(f"H5Dict: expected mode 'r', 'w' or 'a', got {mode!r}")
        self._writes, self._owns, self._parent = mode != 'r', False, None
        if isinstance(path, dict):
            self.data: Any = path
        elif hasattr(path, 'create_group'):
            self.data = path
        elif isinstance(path, (str, bytes, os.PathLike)):
            import h5py
            self.data, self._owns = h5py.File(os.fspath(path), mode), True
        else:
            raise TypeError(f'H5Dict: expected a path, an h5py group or a dict, got {type(path).__name__}')

    @staticmethod
    def is_supported_type(path: Any) -> bool:
        """Whether it is something that an H5Dict can be made of."""
        return hasattr(path, 'create_group') or isinstance(path, (dict, str, bytes, os.PathLike))

    def __setitem__(self, name: str, value: Any) -> None:
        if not self._writes:
            raise ValueError(f'H5Dict: {name!r} cannot be set: it was opened to be read')
        if isinstance(self.data, dict):
            self.data[name] = value
            return
        if isinstance(value, dict):
            inner = H5Dict(self.data.require_group(name))
            for key, x in value.items():
                inner[key] = x
            return
        array = np.asarray(value)
        if name in self.data:
            del self.data[name]
        if name in self.data.attrs:
            del self.data.attrs[name]
        if array.dtype.kind in 'US' or array.dtype.kind == 'O' and all(isinstance(x, (str, bytes)) for x in array.flat):
            texts = [x if isinstance(x, bytes) else x.encode('utf8') for x in array.ravel().tolist()]
            self.data.attrs[name] = np.array(texts, f'S{max(map(len, texts), default=1) or 1}').reshape(array.shape) if (
                array.shape) else texts[0]
        elif array.dtype.kind in 'biufc':
            if array.shape:
                self.data[name] = array
            else:
                self.data.attrs[name] = array[()]
        else:
            raise ValueError(f'H5Dict: expected an array, number, text or list of texts for {name!r}, got '
                             f'{type(value).__name__}')

    def __getitem__(self, name: str) -> Any:
        if isinstance(self.data, dict):
            if name not in self.data and self._writes:
                return H5Dict(self.data.setdefault(name, {}))
            value = self.data[name]
            return H5Dict(value, 'a' if self._writes else 'r') if isinstance(value, dict) else value
        if name in self.data.attrs:
            return self.data.attrs[name]
        if name in self.data:
            found = self.data[name]
            return H5Dict(found, 'a' if self._writes else 'r') if hasattr(found, 'create_group') else found[()]
        if not self._writes:
            raise KeyError(f'{name!r} is not in the H5Dict; there is {", ".join(self) or "nothing"}')
        return H5Dict(self.data.create_group(name))

    def get(self, key: str, default: Any = None) -> Any:
        """What stands under a name, or the default."""
        return self[key] if key in self else default   # noqa: SIM401 (what it says is get itself)

    def __contains__(self, name: object) -> bool:
        return name in self.data or not isinstance(self.data, dict) and name in self.data.attrs

    def __iter__(self) -> Iterator[str]:
        return iter([*self.data, *(() if isinstance(self.data, dict) else self.data.attrs)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def iter(self) -> Iterator[str]:
        """Its names."""
        return iter(self)

    def update(self, *args: Any) -> None:
        """Set what dictionaries have."""
        for given in args:
            for name, value in dict(given).items():
                self[name] = value

    def close(self) -> None:
        """Write what is left and close the file that was opened by its path."""
        if self._owns:
            self.data.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


h5dict = H5Dict
