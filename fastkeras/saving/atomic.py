"""Files that are put in place whole: after a kill, a full disk or a broken one, a path holds the old file or the new.

All is written to a temporary file in the folder of the target, every write is checked, the disk has it (fsync) before the
rename, and the folder has the rename before the caller goes on. The mode is what open() would give; a symbolic link stays,
and the file it leads to is replaced. A writer holds a lock (flock) on its temporary file, so that the next one can tell what
a killed one has left behind, and removes it. The lock is a shared one, as readers of HDF5 take, who may come before it is
let go of.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import re
import secrets
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO

_SUFFIX = '.part'
_AT_ONCE = 1 << 24          # bytes given to the system in one write


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file open for writing bytes, which takes the place of `path` when the block ends without an error.

    OSError, with the path in it, where something could not be written: the old file is as it was then, as it is when the
    block itself raises.
    """
    path = os.fspath(path)
    with _named(path):
        target = _target(path)
        folder, base = os.path.split(target)
        _remove_abandoned(folder, base)
        descriptor, temporary = _temporary(folder, base)
        try:
            _as_open_would(descriptor, target)
            # no with: close is a part of the writing, and may fail
            file = io.BufferedWriter(_Checked(descriptor))
            try:
                yield file
                file.flush()
                os.fsync(descriptor)
                os.replace(temporary, target)
            finally:
                _close(file, descriptor)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
            raise
        sync_folder(folder)


def write(path: str | os.PathLike[str], data: Any) -> None:
    """Put a file of these bytes (anything with a buffer, or text, in UTF-8) in place, as `replacing` does."""
    with replacing(path) as file:
        file.write(data.encode('utf8') if isinstance(data, str) else data)


class _Checked(io.RawIOBase):
    """The temporary file. What the system takes in part is written on, and errors are told at the write, not later."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def fileno(self):
        return self._descriptor

    def writable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        return os.lseek(self._descriptor, offset, whence)

    def tell(self):
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def truncate(self, size=None):
        size = self.tell() if size is None else size
        os.ftruncate(self._descriptor, size)
        return size

    def write(self, data):
        with memoryview(data).cast('B') as view:
            done = 0
            while done < len(view):
                count = os.write(self._descriptor, view[done:done + _AT_ONCE])
                if count == 0:
                    raise OSError(errno.EIO, 'nothing could be written')
                done += count
            return done


def _close(file, descriptor):
    """Close it even where what is still in its buffer cannot be written, which has been told already or is of no account."""
    with contextlib.suppress(OSError, ValueError):
        file.close()
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)      # a child process that was forked meanwhile has the descriptor too
    os.close(descriptor)


@contextlib.contextmanager
def _named(path):
    """Errors of the system with the name that the caller gave, unless they are about another file."""
    try:
        yield
    except OSError as error:
        about = error.filename
        ours = about is None or os.path.dirname(os.fsdecode(about)) in ('', os.path.dirname(os.path.realpath(path)))
        if error.errno is None or not ours or about == path:
            raise
        raise OSError(error.errno, os.strerror(error.errno), path) from error


def _target(path):
    """The file that a path leads to: no directory, no device, and one that may be written."""
    target = os.path.realpath(path)
    try:
        found = os.lstat(target)
    except FileNotFoundError:
        return target
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f'{path}: expected a file, got a pipe or a device, which cannot be replaced')
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return target


# ---- temporary files
def _start(base):
    """What the names of temporary files for a target begin with, short enough for any file system."""
    if len(os.fsencode(base)) > 180:
        base = hashlib.sha256(os.fsencode(base)).hexdigest()[:32]
    return f'.{base}.'


def _temporary(folder, base):
    """(descriptor, path) of a new file under a name that nobody can guess, locked."""
    for _ in range(100):
        path = os.path.join(folder, f'{_start(base)}{secrets.token_hex(8)}{_SUFFIX}')
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        # one who looks for abandoned files may have come between the two
        if _locked(descriptor, fcntl.LOCK_SH) is not False and os.fstat(descriptor).st_nlink:
            return descriptor, path
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _locked(descriptor, how):
    """Lock a file. False where another holds it, None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno == errno.EWOULDBLOCK else None
    return True


def _remove_abandoned(folder, base):
    """Remove the temporary files for a target that no writer holds any more."""
    pattern = re.compile(re.escape(_start(base)) + '[0-9a-f]{16}' + re.escape(_SUFFIX))
    try:
        names = [name for name in os.listdir(folder) if pattern.fullmatch(name)]
    except OSError:         # no such folder, or one that may be written but not listed
        return
    for name in names:
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if stat.S_ISREG(os.fstat(descriptor).st_mode) and _locked(descriptor, fcntl.LOCK_EX):
                    os.remove(path)
            finally:
                os.close(descriptor)


def _as_open_would(descriptor, target):
    """Mode and group of the file that is replaced; a new one has those that it was made with."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return
    if os.fstat(descriptor).st_gid != old.st_gid:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, -1, old.st_gid)
    with contextlib.suppress(PermissionError):      # file systems without modes
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & 0o777)


def sync_folder(folder):
    """Have the disk keep the rename. Some file systems cannot sync a folder: they do it by themselves, or not at all."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:                         # a folder that may be written, but not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
