"""Files that are opened with caution: what is no ordinary file is refused before it is opened, for it might never end."""

import os
import stat

from fastkeras.utils.errors import ModelFileError


def plain_path(path):
    """The path as text, ~ for the home folder. OSError where nothing is there, ModelFileError where it is no ordinary file."""
    path = os.path.expanduser(os.fspath(path))
    path = os.fsdecode(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ModelFileError(f'{path}: expected a file, got something else (a folder, a pipe or a device)')
    return path


def begins_with(path, n=8):
    """The first bytes of a file."""
    with open(path, 'rb') as file:
        return file.read(n)
