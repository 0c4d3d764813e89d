"""Unpacking of zip and tar archives that may come from anywhere.

What an archive may not do: write outside its folder (absolute names, '..', links that lead out, files below a link), make
devices or pipes, or write over what it wrote before. It is unpacked beside its destination first, so that what stands there
is never half of it.
"""

import contextlib
import os
import posixpath
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from lzma import LZMAError

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError,
           NotImplementedError)


def extract_archive(file_path, path='.', archive_format='auto'):
    """Unpack an archive into the folder `path`, over files of the same names; the folder is made if need be.

    archive_format: 'tar' (plain or compressed by gzip, bzip2 or xz), 'zip', a list of these to try, 'auto' for both, None for
    none. Returns whether the file is an archive of such a format. ValueError, with nothing unpacked, for an archive that is
    damaged or would write outside the folder.
    """
    kind = _kind(file_path, _formats(archive_format))
    if kind is None:
        return False
    os.makedirs(path, exist_ok=True)
    folder = tempfile.mkdtemp(prefix='.unpacking-', dir=path)
    try:
        made = os.path.join(folder, 'new')
        os.mkdir(made)                  # with the permissions of the user, which mkdtemp narrows
        with _damage_of(file_path, kind):
            (_unpack_tar if kind == 'tar' else _unpack_zip)(file_path, made)
        _move(made, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _formats(archive_format):
    formats = ['tar', 'zip'] if archive_format == 'auto' else archive_format
    formats = [formats] if isinstance(formats, str) else list(formats or ())
    if not set(formats) <= {'tar', 'zip'}:
        raise ValueError(f"archive_format: expected 'auto', 'tar', 'zip', a list of these or None, got {archive_format!r}")
    return formats


def _kind(file_path, formats):
    tests = {'tar': tarfile.is_tarfile, 'zip': zipfile.is_zipfile}
    for f in formats:
        with _damage_of(file_path, f):      # is_tarfile fails where the compressed data end within the first header
            if tests[f](file_path):
                return f
    return None


@contextlib.contextmanager
def _damage_of(file_path, kind):
    """ValueError, with the name of the file, for what damaged archives raise."""
    try:
        yield
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise                           # of the disk, not of the archive
        raise ValueError(f'{os.fspath(file_path)}: cannot be unpacked as {kind}: {error}') from error


def _refuse(name, why):
    raise ValueError(f'archive member {name!r:.200} {why}; nothing was unpacked')


def _parts(name):
    """The names of the folders and the file of a member, after a check that they stay below the archive's own folder."""
    if '\0' in name or '\\' in name or name.startswith('/'):
        _refuse(name, 'has an absolute name, a backslash or a zero byte')
    parts = [p for p in name.split('/') if p not in ('', '.')]
    if '..' in parts:
        _refuse(name, "has '..' in its name")
    return parts


def _paths(parts):
    """The paths of the folders above a member, and its own."""
    return ['/'.join(parts[:i + 1]) for i in range(len(parts))]


class _Members:
    """What an archive has written so far. Links are safe by three rules together: none leads out, by its text; no member
    lies below one, so the folder of each link is a real one; and none takes the place of something."""

    def __init__(self):
        self.links = set()
        self.taken = set()              # paths of members and of the folders above them

    def check(self, name, link_to=None):
        """Check a member before it is written. link_to: where it leads, as seen from the archive's folder."""
        parts = _parts(name)
        paths = _paths(parts)
        if self.links.intersection(paths):
            _refuse(name, 'lies below a link of the archive, or is written twice')
        if link_to is not None:
            if not parts or paths[-1] in self.taken:
                _refuse(name, 'is a link that takes the place of another member')
            if link_to.startswith('/') or '\0' in link_to or posixpath.normpath(link_to).split('/')[0] == '..':
                _refuse(name, f'is a link that leads out of its folder, to {link_to!r:.200}')
            self.links.add(paths[-1])
        self.taken.update(paths)


def _link_target(member):
    """Where a link of a tar archive leads, as seen from the archive's folder."""
    if member.islnk():
        return '/'.join(_parts(member.linkname))
    parts = [p for p in member.linkname.split('/') if p not in ('', '.')]
    names = [p for p in parts if p != '..']
    if member.linkname.startswith('/') or parts != ['..'] * (len(parts) - len(names)) + names:
        _refuse(member.name, f'is a link to {member.linkname!r:.200}, an absolute path or one that goes down and up again')
    return posixpath.join(posixpath.dirname('/'.join(_parts(member.name))), *parts) if parts else '.'


def _unpack_tar(file_path, folder):
    written = _Members()
    with tarfile.open(file_path) as tar:
        for member in tar:
            if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
                _refuse(member.name, 'is neither a file, a folder nor a link')
            target = _link_target(member) if member.issym() or member.islnk() else None
            if member.islnk() and (target not in written.taken or written.links.intersection(_paths(target.split('/')))):
                _refuse(member.name, 'is a hard link to something other than a file before it in the archive')
            written.check(member.name, target)
            if hasattr(tarfile, 'data_filter'):     # Python 3.10.12, 3.11.4 and 3.12 have it
                tar.extract(member, folder, filter='data')
            else:
                tar.extract(member, folder, set_attrs=False)
        while tar.fileobj.read(1 << 20):        # up to the checksum, which stands behind the last member
            pass


def _unpack_zip(file_path, folder):
    written = _Members()
    with zipfile.ZipFile(file_path) as file:
        for member in file.infolist():
            written.check(member.filename)
        file.extractall(folder)         # makes files and folders alone; links become files with their text


def _move(source, target):
    """Move what is in one folder into another, each file at once and whole folders where there is none of the name."""
    for entry in os.scandir(source):
        place = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False):
            try:
                os.rename(entry.path, place)        # also over an empty folder
            except OSError:
                if not os.path.isdir(place):
                    raise
                _move(entry.path, place)
        else:
            os.replace(entry.path, place)
