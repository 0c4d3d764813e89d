"""A model in a folder, as Keras 3 saves it with zipped=False: what are members in an archive are files here."""

import contextlib
import ctypes
import errno
import fcntl
import io
import os
import re
import secrets
import shutil
import stat

from fastkeras.saving import atomic
from fastkeras.saving.zips import Members, Part
from fastkeras.utils.errors import ModelFileError

_MEMBERS, _DEPTH = 20_000, 20       # files of a folder that are looked at, and how deep in it
_AT_CWD, _EXCHANGE = -100, 2        # AT_FDCWD, RENAME_EXCHANGE


# ---- reading
class Folder(Members):
    """The files of a folder as the members of an archive. Links are not followed, and nothing else is opened."""

    def __init__(self, path, inside=('assets',)):
        """inside: the folders in it that are looked at."""
        self._path, self._sizes = path, {}
        for base, folders, files in os.walk(path):
            above = os.path.relpath(base, path)
            parts = [] if above == '.' else above.split(os.sep)
            folders[:] = sorted(f for f in folders if parts or f in inside) if len(parts) < _DEPTH else []
            for file in files:
                found = os.lstat(os.path.join(base, file))
                self._sizes['/'.join([*parts, file])] = found.st_size if stat.S_ISREG(found.st_mode) else None
            if len(self._sizes) > _MEMBERS:
                raise ModelFileError(f'the folder has more than {_MEMBERS} files, which no model has')

    @property
    def names(self):
        """Names of the files, with / between those of folders."""
        return list(self._sizes)

    def size(self, name):
        """(bytes of a file, the same)."""
        return (self._sizes[name] or 0,) * 2

    def read(self, name):
        """The bytes of a file. ModelFileError where there is none, and for what is no plain file."""
        with self.open(name) as file:
            return file.read()

    def open(self, name):
        """A file, open for reading."""
        if name not in self._sizes:
            raise ModelFileError(f'the folder lacks {name!r}; it has {", ".join(map(repr, self.names[:6])) or "nothing"}')
        try:
            opened = os.open(os.path.join(self._path, *name.split('/')),
                             os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            opened = None
        if opened is None or not stat.S_ISREG(os.fstat(opened).st_mode):
            if opened is not None:
                os.close(opened)
            raise ModelFileError(f'{name}: expected a file, got a link, a pipe or a device, which is not opened; give a folder '
                                 'that holds the files themselves')
        return Part(io.FileIO(opened), 0, os.fstat(opened).st_size, None, name)


# ---- writing
def write(path, members, known):
    """Put a folder with these members (name → text or bytes) in place, whole: it takes the place of an older one in one step.
    known: names in an older one that may go with it; ValueError, and nothing is changed, where it holds anything else."""
    path = os.path.abspath(path)
    folder, base = os.path.split(path)
    if os.path.lexists(path):
        others = sorted(set(os.listdir(path)) - set(known)) if os.path.isdir(path) and not os.path.islink(path) else None
        if others is None:
            raise ValueError(f'{path}: expected a folder or nothing there, since zipped=False makes a folder')
        if others:
            raise ValueError(f'{path}: the folder holds {others[0]!r} too, which is no part of a model; remove it, or give '
                             'another path')
    _remove_abandoned(folder, base)
    temporary, lock = _temporary(folder, base)
    try:
        for name, data in members.items():
            full = os.path.join(temporary, *name.split('/'))
            os.makedirs(os.path.dirname(full), exist_ok=True)
            atomic.write(full, data)
        for inner, _, _ in os.walk(temporary, topdown=False):
            atomic.sync_folder(inner)
        _put_in_place(temporary, path)
        atomic.sync_folder(folder)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(temporary)        # what stood there before, or what was not finished
        os.close(lock)


def _put_in_place(temporary, path):
    if not os.path.lexists(path):
        os.rename(temporary, path)
        return
    exchange = getattr(ctypes.CDLL(None, use_errno=True), 'renameat2', None)
    if exchange is not None and not exchange(_AT_CWD, os.fsencode(temporary), _AT_CWD, os.fsencode(path), _EXCHANGE):
        return
    # a system that cannot exchange two names: for a moment there is none
    aside = f'{temporary}.old'
    os.rename(path, aside)
    os.rename(temporary, path)
    os.rename(aside, temporary)


def _start(base):
    return f'.{base[:100]}.'


def _temporary(folder, base):
    """(path, descriptor with a lock) of a new folder under a name that nobody can guess."""
    for _ in range(100):
        path = os.path.join(folder, f'{_start(base)}{secrets.token_hex(8)}.part')
        os.mkdir(path)
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if os.path.isdir(path):     # one who looks for abandoned ones may have come between
                return path, lock
            os.close(lock)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


def _remove_abandoned(folder, base):
    """Remove what killed savings left behind."""
    pattern = re.compile(re.escape(_start(base)) + '[0-9a-f]{16}[.]part')
    for name in os.listdir(folder):
        if pattern.fullmatch(name):
            with contextlib.suppress(OSError):
                lock = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(os.path.join(folder, name))
                finally:
                    os.close(lock)
