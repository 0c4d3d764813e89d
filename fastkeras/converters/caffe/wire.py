"""The outermost levels of protobuf's binary form, walked through without reading what they hold.

Weights are most of a caffemodel, and its messages may be too many for any memory. So a file is cut into layers and blobs
first, by their places; what is left of each is small, and protobuf reads that.
"""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Damaged(ValueError):
    """What is wrong with the bytes, in words."""


class Extent:
    """Bytes start to end of an open file."""

    __slots__ = ('file', 'start', 'end')

    def __init__(self, file, start, end):
        self.file, self.start, self.end = file, start, end

    def __len__(self):
        return self.end - self.start

    def read(self):
        self.file.seek(self.start)
        data = self.file.read(len(self))
        if len(data) != len(self):
            raise Damaged(f'the file ends at byte {self.start + len(data)}, in the middle of a field')
        return data

    def fields(self, most):
        """(number, wire type, Extent of the contents, whole Extent) of each field. Damaged where there are more than `most`."""
        at, count = self.start, 0
        while at < self.end:
            count += 1
            if count > most:
                raise Damaged(f'more than {most} fields from byte {self.start} on')
            first = at
            key, at = self._varint(at)
            number, kind = key >> 3, key & 7
            if kind == BYTES:
                size, at = self._varint(at)
            elif kind == VARINT:
                begin = at
                _, at = self._varint(at)
                at, size = begin, at - begin
            elif kind in (FIXED32, FIXED64):
                size = 4 if kind == FIXED32 else 8
            else:
                raise Damaged(f'byte {first} begins no field (wire type {kind})')
            if number == 0 or at + size > self.end:
                raise Damaged(f'the field at byte {first} (number {number}, {size} bytes) does not fit into the '
                              f'{len(self)} bytes around it')
            yield number, kind, Extent(self.file, at, at + size), Extent(self.file, first, at + size)
            at += size

    def _varint(self, at):
        self.file.seek(at)
        value = 0
        for k, byte in enumerate(self.file.read(min(10, self.end - at))):
            value |= (byte & 127) << 7 * k
            if byte < 128:
                return value & 0xffffffffffffffff, at + k + 1
        raise Damaged(f'byte {at} begins no number')
