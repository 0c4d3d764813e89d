"""Zip archives whose members are read into memory, with caution, for they may come from anywhere.

Nothing is extracted. All of the directory is checked before a member is read: names that lead elsewhere or stand twice, links,
encrypted members, members that lie over each other, and sizes out of proportion to what is stored are refused.
"""

import codecs
import io
import os
import stat
import struct
import zipfile
import zlib

from fastkeras import _core
from fastkeras.saving import foreign
from fastkeras.utils.errors import ModelFileError

codecs.lookup('cp437')      # in which names stand: loaded here, so that reading an archive imports nothing

# a member may be unpacked to so many times its stored size, or to this many bytes in any case
LARGEST_RATIO, UNPACKED_FREELY = 100, 1 << 20
# bytes of the directory, members in it, and characters of a name
_DIRECTORY, _MEMBERS, _NAME = 16 << 20, 20_000, 1024
_END = b'PK\x05\x06'
_BLOCK = 1 << 18         # bytes that are read at once for a checksum
_ERRORS = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
           UnicodeError, OverflowError, ValueError, KeyError, IndexError)


def lacking(name, names):
    """What is said of an archive that has no such member. names: those it has."""
    what = foreign.of_archive(names)
    return (f'expected an archive with {name!r}, got {what}' if what else
            f'the archive lacks {name!r}; it has {", ".join(map(repr, names[:6])) or "nothing"}')


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
            raise ModelFileError(lacking(name, self.names))
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

    def open(self, name):
        """A member as a file open for reading: a Part of the archive where it stands in it as it is."""
        info = self._infos.get(name)
        if info is None or info.compress_type != zipfile.ZIP_STORED:
            return io.BytesIO(self.read(name))
        file = self._zip.fp
        file.seek(info.header_offset)
        head = file.read(30)
        if len(head) != 30 or head[:4] != b'PK\x03\x04':
            raise ModelFileError(f'{name}: the member is damaged: it does not begin with its name')
        lengths = struct.unpack('<HH', head[26:])
        start, said = info.header_offset + 30 + sum(lengths), file.read(lengths[0])
        if said != info.orig_filename.encode('utf8' if info.flag_bits & 0x800 else 'cp437', 'replace'):
            raise ModelFileError(f'{name}: the member is damaged: it begins with the name {said[:80]!r}')
        if start + info.file_size > self._zip.start_dir:
            raise ModelFileError(f'{name}: the member is longer than the zip archive')
        return Part(file, start, info.file_size, info.CRC, name)


class Part(io.RawIOBase):
    """Bytes in a row of a file, as a file. What `into` has read need not be read again for `check`. crc: their checksum, None
    where nobody knows it."""

    def __init__(self, file, start, size, crc, name):
        self._file, self._start, self._size, self._crc, self._name = file, start, size, crc, name
        self._at, self._checked = 0, False
        self._sums = {}         # where a piece begins → (where it ends, its checksum)
        self._last = -1         # the piece that was read last
        try:
            self._handle = file.fileno()
        except (OSError, AttributeError):
            self._handle = None

    def readable(self):
        return True

    def seekable(self):
        return True

    def close(self):
        if self._crc is None and not self.closed:       # a file of its own
            self._file.close()
        super().close()

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self):
        return self._at

    def readinto(self, buffer):
        view = memoryview(buffer).cast('B')
        view = view[:max(0, min(len(view), self._size - self._at))]
        self._read(view, self._at)
        self._at += len(view)
        return len(view)

    def _read(self, view, at):
        done = 0
        while done < len(view):
            if self._handle is not None:
                count = os.preadv(self._handle, [view[done:]], self._start + at + done)
            else:
                self._file.seek(self._start + at + done)
                count = self._file.readinto(view[done:])
            if not count:
                raise ModelFileError(f'{self._name}: the file ends inside of it')
            done += count

    def into(self, view, at):
        """Read the bytes at a place into a buffer, and add them to the checksum. How many there were."""
        if at < 0 or at + len(view) > self._size:
            return 0
        self._read(view, at)
        if self._crc is not None:
            self._note(view, at)
        return len(view)

    def _note(self, view, at):
        end, before = self._sums.get(self._last, (-1, 0))
        if end != at:
            self._last, before = at, 0
        self._sums[self._last] = at + len(view), _core.crc32(view, before)

    def check(self):
        """ModelFileError unless all bytes have the checksum that the archive says."""
        if self._checked or self._crc is None:
            return
        pieces, at, whole, buffer = sorted((k, *v) for k, v in self._sums.items()), 0, 0, memoryview(bytearray(_BLOCK))
        for start, end, found in [*pieces, (self._size, self._size, 0)]:
            while at < start:
                block = buffer[:min(_BLOCK, start - at)]
                self._read(block, at)
                whole = _core.crc32(block, whole)
                at += len(block)
            if start == at:         # a piece that lies over another is left out, and its bytes are read as they stand
                whole, at = _core.crc32_joined(whole, found, end - start), end
        if whole != self._crc:
            raise ModelFileError(f'{self._name}: the member is damaged: its checksum is not the one that the archive says')
        self._checked = True


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
