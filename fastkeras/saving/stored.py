"""What HDF5 files hold, read with caution, for they may come from anywhere.

Nothing but the given file is opened: links to other files, and arrays that are kept in or put together from others, are
refused before they are followed. No array is read before its shape and type are known to be wanted and its numbers are known
to be there. Packed arrays are unpacked here, piece by piece, since HDF5 lets a piece grow to any size.
"""

import contextlib
import math
import os
import threading
import zlib

import numpy as np

from fastkeras import _core
from fastkeras.saving import h5_texts, limits
from fastkeras.utils.errors import ModelFileError

DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
# any other makes HDF5 look for a plug-in, which is code, or is one that no writer of models uses
FILTERS = {DEFLATE: 'gzip', SHUFFLE: 'shuffle', FLETCHER32: 'fletcher32', LZF: 'lzf'}
_HARD = 0               # H5L_TYPE_HARD
_BFLOAT16 = np.dtype('V2')      # as what Keras 3 writes it: two bytes that HDF5 knows nothing of, the upper half of a float32
_TEXT, _NUMBERS = 3, (0, 1)     # H5T_STRING; H5T_INTEGER, H5T_FLOAT
_BLOCK = 1 << 18         # bytes that are read at once: they stay in a cache until they were looked at
_LARGE = 1 << 16        # bytes from which on an array is read so
_ADDRESSED = 4096       # bytes of an array that need not be in the file: a small one that was made and never written
_state = threading.local()      # .counts: what was read of the file that is being read


@contextlib.contextmanager
def counted():
    """Inside the block, what is read counts together against the limits for one file."""
    before, _state.counts = getattr(_state, 'counts', None), {}
    try:
        yield
    finally:
        _state.counts = before


def _count(name, more, what):
    counts = getattr(_state, 'counts', None)
    if counts is None:
        counts = {}
    counts[name] = counts.get(name, 0) + more
    if what:
        limits.check(name, counts[name], what)


def _file_size(member):
    """Bytes of the file of a group or array."""
    counts = getattr(_state, 'counts', None)
    if counts is None:
        return member.file.id.get_filesize()
    if 'size' not in counts:
        counts['size'] = member.file.id.get_filesize()
    return counts['size']


# ---- members
def names(group):
    """The names in a group. (`in` would follow a link to see whether it leads anywhere.)"""
    count = group.id.get_num_objs()
    if count > limits.of('members'):
        limits.check('members', count, f'the group {group.name!r}, members')
    try:
        return {name.decode('utf8', 'surrogateescape') for name in group.id}
    except (RuntimeError, OSError, ValueError) as error:
        raise _damaged(group, f'its members cannot be listed: {error}') from error


def group_at(parent, name):
    """The group `name` of a group. ModelFileError where there is none."""
    found = _member(parent, name)
    if not hasattr(found, 'keys'):
        raise _damaged(parent, f'{name!r} is no group')
    return found


def address_of(group):
    """Where the header of a group is in its file."""
    from h5py import h5o
    return h5o.get_info(group.id).addr


def array_at(parent, name):
    """The dataset `name` of a group, of which nothing is read yet. ModelFileError where there is none, for one of other things
    than numbers, and for one whose numbers are elsewhere, or nowhere, or packed by what is not known."""
    found = _member(parent, name)
    if not hasattr(type(found), 'chunks'):
        raise _damaged(parent, f'{name!r} is no array')
    try:
        dtype, shape = found.dtype, found.shape
    except (TypeError, ValueError, KeyError, OSError, RuntimeError) as error:
        raise _damaged(parent, f'the type of {name!r} cannot be read: {error}') from error
    if dtype != _BFLOAT16 and (dtype.kind not in 'fiub' or dtype.subdtype is not None or dtype.itemsize > 8) or shape is None:
        raise _damaged(parent, f'{name!r} is an array of {dtype}, not of numbers')
    return Stored(found, dtype, tuple(shape), _layout(parent, name, found))


def _layout(parent, name, dataset):
    """(filters, shape of a piece or None) of an array whose numbers are in this very file; ModelFileError for any other."""
    from h5py import h5d
    settings = dataset.id.get_create_plist()
    kind = settings.get_layout()
    if kind == h5d.VIRTUAL or kind == h5d.CONTIGUOUS and settings.get_external_count():
        raise _damaged(parent, f'the numbers of {name!r} are in another file, which is not opened')
    if kind != h5d.CHUNKED:
        return (), None
    filters = [settings.get_filter(k) for k in range(settings.get_nfilters())]
    unknown = sorted({code for code, *_ in filters} - FILTERS.keys())
    if unknown:
        raise _damaged(parent, f'{name!r} is packed by the filters {unknown}; only {", ".join(FILTERS.values())} are read')
    return filters, settings.get_chunk()


class Stored:
    """An array of a file of which nothing is read yet: its shape and type; `np.asarray` reads it, by `read`. held: the type in
    the file, `dtype` but for bfloat16."""

    __slots__ = ('chunks', 'dataset', 'dtype', 'filters', 'held', 'shape', 'size')

    def __init__(self, dataset, dtype, shape, layout):
        self.dataset, self.shape, self.held, (self.filters, self.chunks) = dataset, shape, dtype, layout
        self.dtype, self.size = np.dtype('float32') if dtype == _BFLOAT16 else dtype, math.prod(shape)

    ndim = property(lambda self: len(self.shape))
    name = property(lambda self: self.dataset.name)

    def __array__(self, dtype=None, copy=None):
        return read(self, dtype)


def _check_held(array):
    """ModelFileError unless the file holds all numbers of an array, in pieces of a size and number that can be read."""
    size, held = array.size * array.held.itemsize, array.dataset.id.get_storage_size()
    packed = any(code in (DEFLATE, LZF) for code, *_ in array.filters)
    if size > max(held * (limits.of('ratio') if packed else 1), _ADDRESSED):
        if not packed or size > held * 2048:        # more than deflate can
            raise ModelFileError(f'the file is damaged: {array.name!r} has the shape {array.shape} of {size} bytes, of which '
                                 f'the file holds {held}')
        _count('packed_bytes', size, 'arrays that are packed to next to nothing, bytes')
    _count('held', held, None)
    counts = getattr(_state, 'counts', None)
    if counts is not None and counts['held'] > 2 * _file_size(array.dataset):
        raise ModelFileError(f'the file is damaged: {array.name!r} and others have their numbers in the same place')
    if array.chunks is not None:
        piece = math.prod(array.chunks) * array.held.itemsize
        if piece > max(4 * size, 1 << 20):
            raise ModelFileError(f'the file is damaged: {array.name!r} is stored in pieces of {piece} bytes, though it has '
                                 f'{size}')
        _count('chunks', math.prod(-(-n // c) for n, c in zip(array.shape, array.chunks)), 'the arrays of the file, pieces')


def _member(parent, name):
    """What a path of hard links leads to."""
    if not hasattr(parent, 'keys'):
        raise _damaged(parent, f'it lacks {name!r}')
    links, parts = parent.id.links, [part for part in name.split('/') if part not in ('', '.')]
    for k in range(1, len(parts) + 1):          # up to each part, so that no other link is gone through
        place = '/'.join(parts[:k])
        try:
            kind = links.get_info(place.encode('utf8')).type if '\0' not in place else None
        except (KeyError, ValueError):
            kind = None
        except (RuntimeError, OSError) as error:
            if links.exists(place.encode('utf8')):
                raise _damaged(parent, f'{name!r} cannot be looked up: {error}') from error
            kind = None
        if kind is None:
            raise _damaged(parent, f'it lacks {name!r}')
        if kind != _HARD:
            raise _damaged(parent, f'{name!r} is a link to elsewhere, which is not followed')
        _count('members', 1, 'the file, members')
    try:
        return _opened(parent, '/'.join(parts)) if parts else parent
    except Exception as error:      # h5py says what HDF5 cannot open in many ways
        raise _damaged(parent, f'{name!r} cannot be opened: {error}') from error


def _opened(parent, path):
    """What parent[path] is, without asking HDF5 more than what it is."""
    from h5py import Dataset, Datatype, Group, h5i, h5o
    found = h5o.open(parent.id, path.encode('utf8'))
    kind = h5i.get_type(found)
    return Group(found) if kind == h5i.GROUP else Dataset(found) if kind == h5i.DATASET else Datatype(found)


def _damaged(parent, text):
    return ModelFileError(f'the file is damaged, in the group {parent.name!r}: {text}')


# ---- the numbers of arrays
def read(stored, dtype=None):
    """The numbers of a Stored, in memory of the engine's own (aligned, so that a Variable can take it as it is). dtype:
    converted to it."""
    from h5py import h5s
    dataset = stored.dataset
    if stored.size:
        _check_held(stored)
    array = _core.empty(stored.shape, np.dtype(dtype or stored.dtype.newbyteorder('=')))
    if not array.size:
        return array
    try:
        if stored.held == _BFLOAT16:
            halves = np.empty(stored.shape, _BFLOAT16)
            if stored.filters:
                _unpack(stored, halves)
            else:
                dataset.id.read(h5s.ALL, h5s.ALL, halves, mtype=dataset.id.get_type())
            array[...] = (halves.view('<u2').astype(np.uint32) << 16).view(np.float32)
        elif stored.filters:
            _unpack(stored, array)
        elif stored.chunks is None and array.nbytes >= _LARGE and stored.dtype == array.dtype and _copied(dataset, array):
            pass
        else:
            dataset.id.read(h5s.ALL, h5s.ALL, array)
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(f'the file is damaged: the numbers of {dataset.name!r} cannot be read: {error}') from error
    return array


def read_and_look(stored, dtype=None):
    """(what `read` gives, whether there is NaN in it)."""
    counts = getattr(_state, 'counts', None) or {}
    counts.pop('nan', None)
    values = read(stored, dtype)
    return values, counts.pop('nan') if 'nan' in counts else has_nan(values)


def has_nan(array):
    """Whether there is NaN in an array of numbers: the largest of them is NaN then."""
    return bool(array.size and array.dtype.kind == 'f' and np.isnan(array.max()))


def _copied(dataset, array):
    """Copy numbers that stand in one piece in a file on disk that nobody writes to, or in memory, block by block, and look for
    NaN while a block is in the cache; False where they do not."""
    from h5py import h5f, h5i
    file, at = h5i.get_file_id(dataset.id), dataset.id.get_offset()
    image, handle = h5_texts.source_of(file), h5_texts.handle_of(file)
    into = getattr(image, 'into', None)
    if at is None or file.get_intent() != h5f.ACC_RDONLY or not (handle is not None or into or isinstance(image, memoryview)):
        return False
    at += file.get_create_plist().get_userblock()
    flat, found = array.reshape(-1), False
    view, step = memoryview(flat).cast('B'), _BLOCK // array.itemsize * array.itemsize
    for start in range(0, len(view), step):
        block = view[start:start + step]
        if into is not None:
            done = into(block, at + start)
        elif handle is not None:
            done = os.preadv(handle, [block], at + start)
        else:
            part = image[at + start:at + start + len(block)]
            block[:len(part)], done = part, len(part)
        if done != len(block):
            raise ModelFileError(f'the file is damaged: it ends inside of {dataset.name!r}')
        found = found or has_nan(flat[start // array.itemsize:(start + len(block)) // array.itemsize])
    if getattr(_state, 'counts', None) is not None:
        _state.counts['nan'] = found
    return True


def _unpack(stored, array):
    dataset, chunks, shape, filters = stored.dataset, stored.chunks, stored.shape, stored.filters
    size = math.prod(chunks) * stored.held.itemsize
    fill, held_in_all = np.zeros((), stored.held), dataset.id.get_storage_size()
    dataset.id.get_create_plist().get_fill_value(fill)
    for at in np.ndindex(*(-(-n // c) for n, c in zip(shape, chunks))):
        offset = tuple(k * c for k, c in zip(at, chunks))
        place = tuple(slice(o, min(o + c, n)) for o, c, n in zip(offset, chunks, shape))
        held = dataset.id.get_chunk_info_by_coord(offset)
        if held.byte_offset is None or not held.size:
            array[place] = fill
            continue
        if held.size > held_in_all:
            raise ModelFileError(f'the file is damaged: a piece of {dataset.name!r} is said to be of {held.size} bytes')
        mask, raw = dataset.id.read_direct_chunk(offset)
        for k in reversed(range(len(filters))):
            if not mask >> k & 1:
                raw = _unpacked(filters[k], raw, size, dataset)
        if len(raw) != size:
            raise ModelFileError(f'the file is damaged: a piece of {dataset.name!r} has {len(raw)} bytes, expected {size}')
        piece = np.frombuffer(raw, stored.held).reshape(chunks)
        array[place] = piece[tuple(slice(p.stop - p.start) for p in place)]


def _unpacked(one, raw, size, dataset):
    """The bytes of a piece before a filter was applied; at most four more than `size`, as a checksum takes."""
    code, values = one[0], one[2]
    if code == DEFLATE:
        stream = zlib.decompressobj()
        out = stream.decompress(raw, size + 5)
        if len(out) > size + 4 or not stream.eof:
            raise ModelFileError(f'the file is damaged: a piece of {dataset.name!r} does not unpack to its {size} bytes')
        return out
    if code == LZF:
        return _lzf(raw, size, dataset)
    if code == FLETCHER32:
        if len(raw) < 4 or _fletcher32(raw[:-4]) != int.from_bytes(raw[-4:], 'little'):
            raise ModelFileError(f'the file is damaged: the checksum of a piece of {dataset.name!r} is wrong')
        return raw[:-4]
    width = values[0] if values else dataset.dtype.itemsize      # shuffle
    if not 1 < width <= len(raw):
        return raw
    whole = len(raw) // width * width
    return np.frombuffer(raw[:whole], np.uint8).reshape(width, -1).T.tobytes() + bytes(raw[whole:])


def _fletcher32(data):
    """HDF5's checksum, of big-endian words of 16 bits."""
    words = np.frombuffer(data[:len(data) // 2 * 2], '>u2').astype(np.uint64)
    n = words.size
    one = int(words.sum())
    two = int((words * np.arange(n, 0, -1, dtype=np.uint64)).sum()) if n else 0
    if len(data) % 2:
        last = data[-1] << 8
        one, two = one + last, two + one + last
    folded = [(v % 65535 or 65535) if v else 0 for v in (one, two)]
    return folded[1] << 16 | folded[0]


def _lzf(raw, size, dataset):
    """LZF: runs of bytes, and copies of what came before."""
    out, k, end = bytearray(), 0, len(raw)
    while k < end and len(out) <= size:
        control = raw[k]
        k += 1
        if control < 32:
            out += raw[k:k + control + 1]
            k += control + 1
            continue
        length = control >> 5
        if length == 7 and k < end:
            length += raw[k]
            k += 1
        back = ((control & 31) << 8 | (raw[k] if k < end else 0)) + 1
        k += 1
        length += 2
        start = len(out) - back
        if start < 0:
            break
        while length > 0:
            part = out[start:start + length]
            out += part
            length -= len(part)
    if k != end or len(out) not in (size, size + 4):
        raise ModelFileError(f'the file is damaged: a piece of {dataset.name!r} does not unpack to its {size} bytes')
    return bytes(out)


# ---- attributes
def read_names(group, attribute):
    """The list of names that an attribute holds, or several numbered ones (legacy_h5.write_names); [] when there is none."""
    if has(group, attribute):
        return _names(group, attribute)
    found, part = [], 0
    while has(group, f'{attribute}{part}'):
        found += _names(group, f'{attribute}{part}')
        limits.check('names', len(found), f'{attribute!r} of the group {group.name!r}')
        part += 1
    return found


def has(group, attribute):
    """Whether there is such an attribute."""
    try:
        return attribute in group.attrs
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        raise _damaged(group, f'its attributes cannot be read: {error}') from error


def _names(group, attribute):
    value = np.asarray(_value(group, attribute))
    if value.ndim != 1 or value.size and value.dtype.kind not in 'SUO':
        raise _damaged(group, f'its {attribute!r} are no list of names')
    limits.check('names', value.size, f'{attribute!r} of the group {group.name!r}')
    return [_text(group, attribute, v) for v in value.tolist()]


def text_of(group, attribute, default=None):
    """A text attribute, or the default."""
    return _text(group, attribute, _value(group, attribute)) if has(group, attribute) else default


def count_of(group, attribute):
    """An attribute that counts names."""
    value = np.asarray(_value(group, attribute))
    if value.size != 1 or value.dtype.kind not in 'iu' or value.item() < 0:
        raise _damaged(group, f'its {attribute!r} is no whole number')
    limits.check('names', value.item(), f'{attribute!r} of the group {group.name!r}')
    return value.item()


def _value(group, attribute):
    try:
        found = group.attrs.get_id(attribute)
        shape, kind = found.shape, found.get_type()
        held = math.prod(shape) * kind.get_size() if shape is not None else 0
        # of any length: it stands elsewhere in the file
        loose = kind.get_class() == _TEXT and kind.is_variable_str()
    except Exception as error:      # h5py says what HDF5 cannot read in many ways
        raise _damaged(group, f'its attribute {attribute!r} cannot be read: {error}') from error
    if held > _file_size(group):
        raise _damaged(group, f'its attribute {attribute!r} is said to have {held} bytes, which the file does not hold')
    limits.check('attribute_bytes', held, f'the attribute {attribute!r} of the group {group.name!r}, bytes')
    if kind.get_class() not in (_TEXT, *_NUMBERS):
        raise _damaged(group, f'its attribute {attribute!r} is no text')
    try:
        if not loose or not held:
            return group.attrs[attribute]
        file = h5_texts.bytes_of(group.file.id, getattr(_state, 'counts', None))
        texts = h5_texts.texts_of(file, address_of(group), attribute, math.prod(shape))
    except Exception as error:
        raise _damaged(group, f'its attribute {attribute!r} cannot be read: {error}') from error
    return np.array(texts, object).reshape(shape) if shape else texts[0]


def arrays_below(group):
    """[(path, dataset of h5py's lower level)] of what a group holds, each once, by hard links only; nothing is read of them."""
    from h5py import h5d, h5o
    found = []

    def add(name, info):
        _count('members', 1, 'the file, members')
        if info.type == h5o.TYPE_DATASET:
            found.append((name.decode('utf8', 'replace'), h5d.open(group.id, name)))
    h5o.visit(group.id, add, info=True)
    return found


def _text(group, attribute, value):
    """Also where it was stored as bytes. (h5py puts surrogates where a text is not in UTF-8.)"""
    try:
        value = value.decode('utf8') if isinstance(value, bytes) else value
        if isinstance(value, str):
            value.encode('utf8')
    except UnicodeError as error:
        raise _damaged(group, f'its attribute {attribute!r} is no text: {error}') from error
    if not isinstance(value, str):
        raise _damaged(group, f'its attribute {attribute!r} is no text but {type(value).__name__}')
    return value


def configuration(group, attribute):
    """The dictionary that a text attribute holds as JSON, None where there is no such attribute."""
    text = text_of(group, attribute)
    if text is None:
        return None
    return limits.read_json(text, f'in the group {group.name!r}: its attribute {attribute!r}')
