"""Zip archives whose members are read into memory, with caution, for they may come from anywhere.

Nothing is extracted. All of the directory is checked before a member is read: names that lead elsewhere or stand twice, links,
encrypted members, members that lie over each other, and sizes out of proportion to what is stored are refused.
"""

import codecs
import stat
import struct
import zipfile
import zlib

from fastkeras.utils.errors import ModelFileError

codecs.lookup('cp437')      # in which names stand: loaded here, so that reading an archive imports nothing

# a member may be unpacked to so many times its stored size, or to this many bytes in any case
LARGEST_RATIO, UNPACKED_FREELY = 100, 1 << 20
# bytes of the directory, members in it, and characters of a name
_DIRECTORY, _MEMBERS, _NAME = 16 << 20, 20_000, 1024
_END = b'PK\x05\x06'
_ERRORS = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
           UnicodeError, OverflowError, ValueError, KeyError, IndexError)


class Members:
    """The members of a zip archive: `names`, `read(name)`."""

    def __init__(self, file):
        """file: open for reading bytes, and seekable. ModelFileError for what is no archive, or one that is refused."""
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
            infos = self._zip.infolist()
        except _ERRORS as error:
            raise ModelFileError(f'the zip archive cannot be read: {error}') from error
        if len(infos) > _MEMBERS:
            raise ModelFileError(f'the zip archive has {len(infos)} members, more than {_MEMBERS}')
        self._infos, folded = {}, {}
        for info in infos:
            _check(info)
            other = folded.setdefault(info.filename.rstrip('/').casefold(), info.filename)
            if other is not info.filename:
                raise ModelFileError(f'the zip archive has {info.filename!r} twice'
                                     + (f', once as {other!r}' if other != info.filename else ''))
            if not info.is_dir():
                self._infos[info.filename] = info
        _check_overlaps(self._infos.values(), self._zip.start_dir)

    @property
    def names(self):
        """Names of the members that are files."""
        return list(self._infos)

    def size(self, name):
        """(bytes of a member, bytes that it takes in the archive)."""
        info = self._infos[name]
        return info.file_size, info.compress_size

    def read(self, name):
        """The bytes of a member. ModelFileError where there is none, or it is damaged."""
        if name not in self._infos:
            raise ModelFileError(f'the archive lacks {name!r}; it has {", ".join(map(repr, self.names[:6])) or "nothing"}')
        info = self._infos[name]
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except _ERRORS as error:
            raise ModelFileError(f'{name}: the member is damaged: {error}') from error
        if len(data) != info.file_size:
            raise ModelFileError(f'{name}: the member is damaged: it has {len(data)} bytes, and its entry says '
                                 f'{info.file_size}')
        return data


def _check_directory(file):
    """Refuse a directory that is too long before it is read."""
    file.seek(0, 2)
    size = file.tell()
    start = max(0, size - 22 - 0xffff)
    file.seek(start)
    tail = file.read(size - start)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise ModelFileError('the zip archive is cut off: it has no directory at its end')
    length, begin = struct.unpack('<LL', tail[at + 12:at + 20])
    if length == 0xffffffff or begin == 0xffffffff:
        locator = tail[max(0, at - 20):at]
        if len(locator) == 20 and locator[:4] == b'PK\x06\x07':
            file.seek(min(struct.unpack('<Q', locator[8:16])[0], size))
            record = file.read(56)
            if len(record) == 56 and record[:4] == b'PK\x06\x06':
                length = struct.unpack('<Q', record[40:48])[0]
    if length > min(_DIRECTORY, size):
        raise ModelFileError(f'the zip archive says that its directory has {length} bytes, which is not so or too long')
    file.seek(0)


def _check(info):
    name = info.orig_filename
    parts = name.rstrip('/').split('/')
    if (not name or len(name) > _NAME or any(p in ('', '.', '..') for p in parts) or '\\' in name or ':' in parts[0]
            or any(ord(c) < 32 or ord(c) == 127 for c in name)):
        raise ModelFileError(f'the zip archive has a member of the name {name[:200]!r}, which no archive of a model has')
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFileError(f'{name}: the member is a link or a device')
    if info.flag_bits & 0x1:
        raise ModelFileError(f'{name}: the member is encrypted')
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(f'{name}: the member is packed by method {info.compress_type}; only stored and deflated ones are '
                             'read')
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise ModelFileError(f'{name}: the member is stored as it is, and yet of {info.file_size} bytes in '
                             f'{info.compress_size}')
    if info.file_size > UNPACKED_FREELY and info.file_size > LARGEST_RATIO * info.compress_size:
        raise ModelFileError(f'{name}: {info.compress_size} bytes that unpack to {info.file_size} are refused; no model is '
                             'packed so tightly')


def _check_overlaps(infos, end):
    at, last = 0, None
    for info in sorted(infos, key=lambda i: i.header_offset):
        if info.header_offset < at:
            raise ModelFileError(f'{info.filename}: the member lies over {last!r} in the zip archive')
        at, last = info.header_offset + 30 + info.compress_size, info.filename
    if at > end:
        raise ModelFileError(f'{last}: the member is longer than the zip archive')
