"""Event files as TensorBoard reads them: records framed as TFRecord, each an `Event` in the wire format of protocol buffers.

Field numbers are those of TensorFlow's event.proto, summary.proto, graph.proto and tensor.proto. What is written here is
little, so that it needs no library: numbers, text and nested messages.
"""

from __future__ import annotations

import io
import itertools
import os
import socket
import struct
import time
from typing import Any

import numpy as np

_numbers = itertools.count()


# ---- protocol buffers

def varint(value):
    """A whole number, seven bits a byte; a negative one as its 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def whole(field, value):
    """A field that holds an integer or a truth value."""
    return varint(field << 3) + varint(int(value))


def double(field, value):
    """A field that holds a double."""
    return varint(field << 3 | 1) + struct.pack('<d', value)


def single(field, value):
    """A field that holds a float."""
    return varint(field << 3 | 5) + struct.pack('<f', value)


def block(field, value):
    """A field that holds bytes, text or another message."""
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def doubles(field, values):
    """A packed field of doubles."""
    return block(field, np.asarray(values, '<f8').tobytes())


# ---- TFRecord

def _table():
    rows = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        rows.append(n)
    return rows


_TABLE = _table()


def crc32c(data):
    """The checksum of Castagnoli's polynomial."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data):
    """The checksum as TFRecord stores it, four bytes."""
    crc = crc32c(data)
    return struct.pack('<I', ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(data):
    """One record."""
    length = struct.pack('<Q', len(data))
    return length + masked(length) + data + masked(data)


# ---- summaries

def scalar(tag, value):
    """A number under a tag."""
    return block(1, block(1, tag) + single(2, float(value)))


def histogram(tag, values, buckets=30):
    """The distribution of an array; what is not finite is left out."""
    values = np.asarray(values, 'float64').ravel()
    values = values[np.isfinite(values)]
    counts, edges = np.histogram(values, buckets) if values.size else (np.zeros(1), np.array([0.0, 0.0]))
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    message = (double(1, low) + double(2, high) + double(3, values.size) + double(4, values.sum())
               + double(5, np.square(values).sum()) + doubles(6, edges[1:]) + doubles(7, counts))
    return block(1, block(1, tag) + block(5, message))


def image(tag, pixels):
    """An image of bytes, of shape (height, width, channels)."""
    from PIL import Image
    height, width, channels = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(file, 'PNG')
    message = whole(1, height) + whole(2, width) + whole(3, channels) + block(4, file.getvalue())
    return block(1, block(1, tag) + block(4, message))


def text(tag, plugin, value):
    """Text for a plugin of TensorBoard: a string tensor without axes."""
    tensor = whole(1, 7) + block(2, b'') + block(8, value)
    metadata = block(1, block(1, plugin) + block(2, b''))
    return block(1, block(1, tag) + block(8, tensor) + block(9, metadata))


def graph(nodes):
    """A GraphDef of rows (name, operation, names of inputs, shapes of the results with None for unknown sizes)."""
    out = b''
    for name, op, inputs, shapes in nodes:
        listed = b''.join(block(7, b''.join(block(2, whole(1, -1 if d is None else d)) for d in shape)) for shape in shapes)
        attribute = block(1, '_output_shapes') + block(2, block(1, listed))
        out += block(1, block(1, name) + block(2, op) + b''.join(block(3, i) for i in inputs) + block(5, attribute))
    return out + block(4, whole(1, 27))


class EventFile:
    """An event file in a folder, which is made; its name begins as TensorBoard expects. Events are written when `flush` or
    `close` is called, or some have gathered."""

    def __init__(self, folder: Any) -> None:
        os.makedirs(folder, exist_ok=True)
        now = time.time()
        name = f'events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}'
        self.path = os.path.join(folder, name)
        self._file = open(self.path, 'wb')      # noqa: SIM115
        self._file.write(framed(double(1, now) + block(3, 'brain.Event:2')))
        self._file.flush()

    def summaries(self, step: int, *values: bytes) -> None:
        """Write summaries of a step."""
        self._event(step, block(5, b''.join(values)))

    def graph(self, definition: bytes) -> None:
        """Write a graph."""
        self._event(0, block(4, definition))

    def _event(self, step, content):
        self._file.write(framed(double(1, time.time()) + whole(2, step) + content))

    def flush(self) -> None:
        """Let readers see what was written."""
        self._file.flush()

    def close(self) -> None:
        """Write what has gathered, and let go of the file."""
        self._file.close()
