"""Texts of any length in the attributes of HDF5 files, read from the bytes of the file.

Such a text stands in a heap of the file. The attribute holds where, and once more how long it is; HDF5 takes that much memory
before it looks into the heap, and has no way to ask. Here nothing is taken before both agree. See "Object Headers", "Attribute
Message" and "Global Heap" in the specification of the HDF5 file format, version 3.
"""

import contextlib
import os
import struct
import threading

from fastkeras.saving import limits
from fastkeras.utils.errors import ModelFileError

_CONTINUED, _ATTRIBUTE, _ATTRIBUTE_INFO = 0x10, 0x0C, 0x15
_SHARED = 2             # flag of a message that stands elsewhere
_state = threading.local()      # .source: see bytes_from


class Bytes:
    """The bytes of an HDF5 file, by its addresses. read: (position, number) → the bytes that there are. base: position of the
    address 0. widths: bytes of an address, and of a length."""

    def __init__(self, read, base, widths):
        self._read, self._base, (self.of_address, self.of_length) = read, base, widths
        self.heaps = {}         # address → what stands in the heap there, once it was looked at

    def at(self, address, size):
        """So many bytes at an address. ModelFileError where the file has not that many."""
        found = self._read(self._base + address, size) if 0 <= address < 1 << 62 and size < 1 << 40 else b''
        if len(found) != size:
            raise ModelFileError(f'it ends in front of the {size} bytes that should be at {address}')
        return found

    def number(self, data, at, width):
        """A whole number in some bytes."""
        if at + width > len(data):
            raise ModelFileError('a part of an object is cut off')
        return int.from_bytes(data[at:at + width], 'little')


@contextlib.contextmanager
def bytes_from(file, source):
    """Inside the block, the bytes of an open HDF5 file are taken from what it was opened from: a file object, or all its bytes,
    out of which large arrays are then copied."""
    before = getattr(_state, 'source', None)
    _state.source = file.id, source if hasattr(source, 'read') else memoryview(source)
    try:
        yield
    finally:
        _state.source = before


def source_of(file):
    """What `bytes_from` said of an open file (h5py's lower level); None where it said nothing."""
    kept, source = getattr(_state, 'source', None) or (None, None)
    return source if kept is not None and kept == file else None


def handle_of(file):
    """The number by which the system knows an open file; None for one that is no such file on disk."""
    from h5py import h5fd
    return file.get_vfd_handle() if file.get_access_plist().get_driver() == h5fd.SEC2 else None


def bytes_of(file, counts=None):
    """The Bytes of an open file. Those of one that nobody writes to are kept in `counts`, a dict of what was read of it."""
    from h5py import h5f
    if counts is not None and counts.get('bytes', (None,))[0] == file:
        return counts['bytes'][1]
    fixed = file.get_intent() == h5f.ACC_RDONLY
    if not fixed:
        h5f.flush(file)
    settings, source, handle = file.get_create_plist(), source_of(file), handle_of(file)
    base = settings.get_userblock()

    def read(at, size):
        if hasattr(source, 'read'):
            source.seek(at)
            return source.read(size)
        return bytes(source[at:at + size])
    if source is None and handle is None:       # of the user's: what else HDF5 can open a file from
        source, base = memoryview(file.get_file_image()), 0
    found = Bytes(read if handle is None else lambda at, size: os.pread(handle, size, at), base, settings.get_sizes())
    if counts is not None and fixed:
        counts['bytes'] = file, found
    return found


def texts_of(file, header, name, count):
    """The texts of an attribute, as bytes. file: a Bytes. header: address of the object that has it. count: how many there are.
    ModelFileError for lengths that the file does not hold, and for an attribute that is kept apart from its object."""
    data = _data_of_attribute(file, header, name)
    width = 4 + file.of_address + 4         # length, address of the heap, number in it
    if len(data) < count * width:
        raise ModelFileError(f'{count} texts do not fit into {len(data)} bytes')
    found = [(file.number(data, k, 4), file.number(data, k + 4, file.of_address), file.number(data, k + width - 4, 4))
             for k in range(0, count * width, width)]
    places = []
    for size, heap, number in found:
        if heap and size and heap not in file.heaps:
            file.heaps[heap] = _objects_of_heap(file, heap)
        place, held = file.heaps[heap].get(number, (0, 0)) if heap and size else (0, size)
        if held != size:
            raise ModelFileError(f'a text is said to have {size} bytes, of which the file holds {held}')
        places.append((place, size if heap else 0))
    # many may stand in one place
    limits.check('attribute_bytes', sum(size for _, size in places), f'the attribute {name!r}, bytes')
    return [file.at(place, size).partition(b'\0')[0] if size else b'' for place, size in places]


def _objects_of_heap(file, address):
    """number → (address, size) of what stands in a heap."""
    head = file.at(address, 8 + file.of_length)
    if head[:5] != b'GCOL\1':
        raise ModelFileError(f'there is no heap at {address}')
    end, at = address + file.number(head, 8, file.of_length), address + 8 + file.of_length
    found, step = {}, 8 + file.of_length
    while at + step <= end:
        one = file.at(at, step)
        number, size = file.number(one, 0, 2), file.number(one, 8, file.of_length)
        if not number:          # what is free stands last
            break
        found[number] = at + step, size
        if len(found) > 0xffff or size > end - at:
            raise ModelFileError(f'what is in the heap at {address} does not fit into it')
        at += step + -(-size // 8) * 8
    return found


# ---- the header of an object
def _data_of_attribute(file, header, name):
    wanted, apart = name.encode('utf8', 'surrogateescape'), False
    for kind, flags, body in _messages(file, header):
        if kind == _ATTRIBUTE and not flags & _SHARED:
            found, data = _attribute(file, body)
            if found == wanted:
                return data
        apart = apart or kind in (_ATTRIBUTE, _ATTRIBUTE_INFO)
    raise ModelFileError('a text of no fixed length is read only where it stands with its object; store it with a fixed '
                         'length, or with fewer attributes beside it' if apart else 'it is not in the header of the object')


def _attribute(file, body):
    """(name, data) of an attribute's message."""
    version = file.number(body, 0, 1)
    if version not in (1, 2, 3):
        raise ModelFileError(f'an attribute has the unknown version {version}')
    sizes = [file.number(body, k, 2) for k in (2, 4, 6)]        # of the name, the type and the shape
    at = 9 if version == 3 else 8
    name = body[at:at + sizes[0]].partition(b'\0')[0]
    return name, body[at + sum(-(-n // 8) * 8 if version == 1 else n for n in sizes):]


def _messages(file, header):
    """(kind, flags, bytes) of the messages of an object's header, in order."""
    first = file.at(header, 16)
    if first[:4] == b'OHDR':
        flags = first[5]
        at, width = header + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10), 1 << (flags & 3)
        blocks, start = [(at + width, file.number(file.at(at, width), 0, width))], '<BHB2x' if flags & 4 else '<BHB'
    elif first[0] == 1:
        flags, blocks, start = None, [(header + 16, file.number(first, 8, 4))], '<HHB3x'
    else:
        raise ModelFileError(f'there is no object at {header}')
    step, total = struct.calcsize(start), 0
    for address, size in blocks:        # more of them come as they are found
        total += size
        limits.check('attribute_bytes', total, 'the header of an object, bytes')
        if len(blocks) > 1000:
            raise ModelFileError('the header of an object is in too many pieces')
        block, at = file.at(address, size), 0
        while at + step <= size:
            kind, length, said = struct.unpack_from(start, block, at)
            body = block[at + step:at + step + length]
            at += step + length
            if kind == _CONTINUED:
                place, length = file.number(body, 0, file.of_address), file.number(body, file.of_address, file.of_length)
                # behind the mark OCHK, and in front of a checksum, in the later form
                blocks.append((place, length) if flags is None else (place + 4, max(length - 8, 0)))
            else:
                yield kind, said, body
