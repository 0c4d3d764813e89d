"""The weights of a caffemodel, binary or HDF5: shapes first, numbers one blob at a time."""

import math
import os

import numpy as np

from fastkeras.saving import refusals, stored
from fastkeras.saving.legacy_h5 import h5py
from fastkeras.utils.errors import ModelFileError

from . import schema
from .bounds import BLOB_BY_NUMBERS, ELEMENTS, FIELDS, LAYER_BYTES, LAYERS, RANK
from .opened import begins_with, plain_path
from .wire import BYTES, Damaged, Extent

# field of a network → (its message, field of the name, field of the blobs)
_LAYERS = {100: ('LayerParameter', 1, 7), 2: ('V1LayerParameter', 4, 6)}
_FIRST = ('V0LayerParameter', 1, 50)
_NUMBERS = {5: '<f4', 8: '<f8', 12: None}      # field → type; raw data of NVIDIA's branch say theirs in another field
_GRADIENTS = (6, 9)


def open_weights(path):
    """The weights of a caffemodel: an object with `shapes(layer)` and `read(layer, k)`. ModelFileError for what is none."""
    path = plain_path(path)
    return Hdf5Weights(path) if begins_with(path) == b'\x89HDF\r\n\x1a\n' else BinaryWeights(path)


class _Weights:
    """path: of the file; names: of the layers that have weights."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def damaged(self, layer, text):
        return ModelFileError(f'{self.path}: {f"layer {layer!r:.200}: " if layer else ""}{text}')


class BinaryWeights(_Weights):
    """Weights in the binary form of any generation."""

    def __init__(self, path):
        self.path = path
        self._file = open(path, 'rb')       # noqa: SIM115 (open as long as the object)
        try:
            self._blobs = self._index(os.fstat(self._file.fileno()).st_size)
        except (Damaged, _decode_error()) as error:
            self._file.close()
            raise ModelFileError(f'{path}: it is no caffemodel, or a damaged one: {error}') from None
        except BaseException:
            self._file.close()
            raise
        self.names = set(self._blobs)

    def _index(self, size):
        if not size:
            raise Damaged('it is empty')
        found, any_layer = {}, False
        for number, kind, inner, _ in Extent(self._file, 0, size).fields(LAYERS):
            if number in _LAYERS and kind == BYTES:
                any_layer = True
                name, blobs = self._layer(inner, *_LAYERS[number])
                if blobs:
                    found[name] = [_Blob(b) for b in blobs]
        if not any_layer:
            raise Damaged('it holds no layer')
        return found

    def _layer(self, extent, message, name_field, blob_field):
        """(name, extents of the blobs) of a layer."""
        rest, blobs, size, inner_layer = [], [], 0, None
        for number, kind, inner, whole in extent.fields(FIELDS):
            if number == blob_field and kind == BYTES:
                blobs.append(inner)
            elif number == 1 and kind == BYTES and message == 'V1LayerParameter':
                inner_layer = self._layer(inner, *_FIRST)
            else:
                size += len(whole)
                if size > LAYER_BYTES:
                    raise Damaged(f'a layer at byte {extent.start} has more than {LAYER_BYTES >> 20} MiB beside its weights')
                rest.append(whole.read())
        if len(blobs) > RANK:
            raise Damaged(f'a layer at byte {extent.start} has {len(blobs)} blobs')
        if inner_layer is not None:
            return inner_layer[0], inner_layer[1] or blobs
        read = schema.message(message).FromString(b''.join(rest))
        if not isinstance(read.name, str):      # protobuf gives what is not in UTF-8 as bytes
            raise Damaged(f'the name of a layer at byte {extent.start} is no text')
        return read.name, blobs

    def shapes(self, layer):
        """The shape of each blob of a layer; None for a layer without."""
        return self._guarded(layer, lambda: [b.shape for b in self._blobs[layer]]) if layer in self._blobs else None

    def read(self, layer, k):
        """Blob k of a layer as float32."""
        return self._guarded(layer, self._blobs[layer][k].numbers)

    def _guarded(self, layer, function):
        try:
            return function()
        except (Damaged, _decode_error()) as error:
            raise self.damaged(layer, f'its weights are damaged: {error}') from None


def _decode_error():
    schema.message('BlobProto')
    from google.protobuf.message import DecodeError
    return DecodeError


class _Blob:
    """A BlobProto in a file, of which nothing but its place is known before its shape is asked for."""

    def __init__(self, extent):
        self.extent = extent
        self._shape = self._parts = None
        self._one_by_one = False

    @property
    def shape(self):
        if self._shape is None:
            self._look()
        return self._shape

    def _look(self):
        rest, self._parts, size = [], [], 0
        for number, kind, inner, whole in self.extent.fields(FIELDS):
            if number in _NUMBERS:
                if kind != BYTES:       # each number a field of its own: protobuf collects them
                    self._one_by_one = True
                    if len(self.extent) > BLOB_BY_NUMBERS:
                        raise Damaged(f'a blob of {len(self.extent)} bytes has each number as a field of its own')
                    break
                self._parts.append((number, inner))
            elif number not in _GRADIENTS:
                size += len(whole)
                if size > 4096:
                    raise Damaged('more than 4096 bytes say the shape of a blob')
                rest.append(whole.read())
        header = schema.message('BlobProto').FromString(self.extent.read() if self._one_by_one else b''.join(rest))
        shape = self._shape_in(header)
        if self._one_by_one:
            counts = [len(header.data), len(header.double_data)]
        else:
            raw = {0: '<f8', 1: '<f4', 2: '<f2'}.get(header.raw_data_type)
            if raw is None and any(number == 12 for number, _ in self._parts):
                raise Damaged(f'a blob of numbers of the type {header.raw_data_type}, which no weights have')
            self._parts = [(np.dtype(_NUMBERS[number] or raw), part) for number, part in self._parts]
            if any(len(part) % dtype.itemsize for dtype, part in self._parts):
                raise Damaged('the bytes of its numbers are no multiple of the size of one')
            by_type = {}
            for dtype, part in self._parts:
                by_type[dtype] = by_type.get(dtype, 0) + len(part) // dtype.itemsize
            counts = list(by_type.values())
        held = sum(counts)
        if sum(n > 0 for n in counts) > 1:
            raise Damaged('a blob holds numbers of two types')
        if held != math.prod(shape):
            raise Damaged(f'a blob of shape {shape} holds {held} numbers instead of {math.prod(shape)}')
        self._shape = shape

    @staticmethod
    def _shape_in(header):
        if header.HasField('shape'):
            shape = tuple(header.shape.dim)
        elif any(map(header.HasField, ('num', 'channels', 'height', 'width'))):
            shape = (header.num, header.channels, header.height, header.width)
        else:
            shape = ()
        if len(shape) > RANK or any(d < 0 for d in shape) or math.prod(shape) > ELEMENTS:
            raise Damaged(f'a blob of shape {shape}')
        return shape

    def numbers(self):
        shape = self.shape
        if self._one_by_one:
            header = schema.message('BlobProto').FromString(self.extent.read())
            values = header.data or header.double_data
            return np.fromiter(values, np.float32, len(values)).reshape(shape)
        result = np.empty(math.prod(shape), np.float32)
        at = 0
        for dtype, part in self._parts:
            part.file.seek(part.start)
            for n in _pieces(len(part) // dtype.itemsize):
                data = part.file.read(n * dtype.itemsize)
                if len(data) != n * dtype.itemsize:
                    raise Damaged('the file ends in the middle of its numbers')
                result[at:at + n] = np.frombuffer(data, dtype)
                at += n
        return result.reshape(shape)


def _pieces(n, most=1 << 20):
    return [*(most for _ in range(n // most)), *([n % most] if n % most else [])]


class Hdf5Weights(_Weights):
    """Weights that Caffe wrote as HDF5: /data/<layer>/<number of the blob>."""

    def __init__(self, path):
        self.path = path
        with refusals.of_file(path):
            self._file = h5py().File(path, 'r')
            try:
                self._data = stored.group_at(self._file, 'data')
                self.names = set()
                self._seen = 0
                self._find(self._data, '')
            except BaseException:
                self._file.close()
                raise

    def _find(self, group, above):
        """Note the layers below a group; a name with a slash has become a group in a group."""
        for name in sorted(stored.names(group)):
            if above and name.isdigit():
                self.names.add(above[:-1])
                continue
            self._seen += 1
            if self._seen > LAYERS or above.count('/') > RANK:
                raise ModelFileError(f'the file is damaged, in the group {group.name!r}: it holds too many groups')
            self._find(stored.group_at(group, name), f'{above}{name}/')

    def shapes(self, layer):
        """The shape of each blob of a layer; None for a layer without."""
        if layer not in self.names:
            return None
        with refusals.of_file(self.path, f'layer {layer!r}'):
            group = stored.group_at(self._data, layer)
            numbers = sorted(int(n) for n in stored.names(group) if n.isdigit())
            if numbers != list(range(len(numbers))) or len(numbers) > RANK:
                raise ModelFileError(f'expected blobs numbered from 0, got {numbers[:40]}')
            return [stored.array_at(group, str(n)).shape for n in numbers]

    def read(self, layer, k):
        """Blob k of a layer as float32."""
        with refusals.of_file(self.path, f'layer {layer!r}'):
            array = stored.array_at(stored.group_at(self._data, layer), str(k))
            if array.dtype.kind != 'f':
                raise ModelFileError(f'expected blob {k} to hold floats, got {array.dtype}')
            return stored.read(array, np.float32)
