"""Whether a file can be written, asked before the work whose result it is to hold."""

import os


def check_writable(owner, path):
    """FileNotFoundError, NotADirectoryError, IsADirectoryError or PermissionError unless a file can be written to `path`.

    owner: the class and argument, for the message. A part of the path with a field to be filled in ({epoch}) ends what can
    be looked at.
    """
    known = os.fspath(path)
    folder, name = os.path.split(known)
    while _has_field(folder):
        folder, name = os.path.split(folder)
    shown = folder or '.'
    if not os.path.isdir(shown):
        if os.path.exists(shown):
            raise NotADirectoryError(f'{owner}: {known!r} cannot be written, for {folder!r} is no folder')
        raise FileNotFoundError(f'{owner}: {known!r} cannot be written, for there is no folder {folder!r}; make it: '
                                f'os.makedirs({folder!r})')
    if not _has_field(known) and os.path.exists(known):
        if os.path.isdir(known):
            raise IsADirectoryError(f'{owner}: expected the path of a file, got that of a folder, {known!r}')
        if not os.access(known, os.W_OK):
            raise PermissionError(f'{owner}: the file {known!r} may not be written')
    elif not os.access(shown, os.W_OK | os.X_OK):
        raise PermissionError(f'{owner}: {known!r} cannot be written, for nothing may be written to {shown!r}')


def _has_field(text):
    return '{' in text
