"""Arrays in .npz files: of numbers, or of lists of ints, and never of anything else."""

import zipfile
import zlib
from contextlib import contextmanager

import numpy as np
from numpy.lib import format as npy

from fastkeras.datasets import pickles


def read_arrays(path, names):
    """The arrays called `names` of a .npz file, in a list. ValueError for a file that lacks one, or holds objects in it."""
    with _reading(path), zipfile.ZipFile(path) as file:
        return [_read_array(file, name) for name in names]


def read_lists(path, names, quick=False):
    """As read_arrays, for 1-dimensional arrays of objects; each is returned as the list of its elements, lists of ints.
    quick: see `pickles.load`."""
    with _reading(path), zipfile.ZipFile(path) as file:
        return [_read_lists(file, name, quick) for name in names]


@contextmanager
def _reading(path):
    """Errors with the name of the file."""
    try:
        yield
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise ValueError(f'{path}: cannot be read as the data set: {reason}') from error


def _read_array(file, name):
    with file.open(f'{name}.npy') as member:
        return npy.read_array(member, allow_pickle=False)


def _read_lists(file, name, quick):
    with file.open(f'{name}.npy') as member:
        version = npy.read_magic(member)
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f'array {name!r} has version {version} of the npy format')
        dtype = readers[version](member)[2]
        if dtype != np.dtype(object):
            raise ValueError(f'array {name!r}: expected lists of ints, got {dtype}')
        loaded = pickles.load(member, quick)
    if not isinstance(loaded, pickles.PickledArray):
        raise ValueError(f'array {name!r}: expected an array, got {type(loaded).__name__}')
    rows = loaded.objects()
    if not set(map(type, rows)) <= {list} or not all(set(map(type, row)) <= {int} for row in rows):
        raise ValueError(f'array {name!r}: expected lists of ints alone')
    return rows
