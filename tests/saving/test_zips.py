"""Archives that were made to do harm, or are damaged: each is refused by name, quickly, and nothing is written or opened."""

import io
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential, load_model
from fastkeras.saving.zips import Members
from fastkeras.utils.errors import ModelFileError

pytest.importorskip('h5py')


@pytest.fixture
def model():
    return Sequential([Dense(2, input_shape=(3,))])


@pytest.fixture
def good(model, tmp_path):
    model.save(tmp_path / 'good.keras')
    return tmp_path / 'good.keras'


def again(good, path, change=None, extra=(), **kwargs):
    """The archive with members changed (name → data) and others added (ZipInfo or name, data)."""
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, 'w', **kwargs) as new:
        for name in old.namelist():
            data = (change or {}).get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
        for info, data in extra:
            new.writestr(info, data)
    return path


def refused(path, match):
    with pytest.raises(ModelFileError, match=match) as error:
        load_model(path)
    assert str(path) in str(error.value)


def test_deflated(model, good, tmp_path):
    """As one who packs an archive again makes it."""
    path = again(good, tmp_path / 'm.keras', compression=zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(load_model(path).get_weights()[0], model.get_weights()[0])


def test_bomb(good, tmp_path):
    config = zipfile.ZipFile(good).read('config.json')
    path = again(good, tmp_path / 'm.keras', {'config.json': config + b' ' * (200 << 20)}, compression=zipfile.ZIP_DEFLATED)
    refused(path, 'config.json: .* bytes that unpack to .* are refused')
    path = again(good, tmp_path / 'm.keras', {'model.weights.h5': bytes(200 << 20)}, compression=zipfile.ZIP_DEFLATED)
    refused(path, r'model\.weights\.h5: .* bytes that unpack to')


@pytest.mark.parametrize('name', ['../x', '/x', 'a/../../x', 'C:/x', 'a\\x', 'a//b', './x', 'a\tb', 'x' * 2000])
def test_names_that_lead_elsewhere(good, tmp_path, name):
    refused(again(good, tmp_path / 'm.keras', extra=[(name, b'')]), 'a member of the name')


def test_nul_in_a_name(good, tmp_path):
    path = again(good, tmp_path / 'm.keras', extra=[('aXb', b'')])
    path.write_bytes(path.read_bytes().replace(b'aXb', b'a\0b'))
    refused(path, 'a member of the name')


@pytest.mark.filterwarnings('ignore:Duplicate name')
@pytest.mark.parametrize('name', ['config.json', 'CONFIG.json'])
def test_names_twice(good, tmp_path, name):
    refused(again(good, tmp_path / 'm.keras', extra=[(name, b'{}')]), 'twice')


def test_links(good, tmp_path):
    info = zipfile.ZipInfo('assets/x')
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(again(good, tmp_path / 'm.keras', extra=[(info, b'/etc/passwd')]), 'assets/x: the member is a link')


def test_encrypted(good, tmp_path):
    data = bytearray(good.read_bytes())
    at = data.rfind(b'PK\x01\x02')
    data[at + 8] |= 1
    (tmp_path / 'm.keras').write_bytes(data)
    refused(tmp_path / 'm.keras', 'is encrypted')


def test_method(good, tmp_path):
    refused(again(good, tmp_path / 'm.keras', compression=zipfile.ZIP_BZIP2), 'packed by method 12')


def test_checksum(good, tmp_path):
    data = bytearray(good.read_bytes())
    at = data.find(b'"class_name"')
    data[at + 1:at + 6] = b'xlass'
    (tmp_path / 'm.keras').write_bytes(data)
    refused(tmp_path / 'm.keras', 'config.json: the member is damaged')


def directory(data, name):
    """Where the entry of a member begins in the directory."""
    at = data.find(b'PK\x01\x02')
    while name not in data[at:at + 46 + len(name)]:
        at = data.find(b'PK\x01\x02', at + 4)
    return at


@pytest.mark.parametrize('offset,value', [(24, 10), (24, 1 << 31), (20, 1 << 31), (42, 0), (42, 1 << 30), (16, 1)])
def test_entries_that_lie(good, tmp_path, offset, value):
    """Sizes, places and the checksum of an entry."""
    data = bytearray(good.read_bytes())
    at = directory(data, b'config.json') + offset
    data[at:at + 4] = struct.pack('<L', value)
    (tmp_path / 'm.keras').write_bytes(data)
    with pytest.raises(ModelFileError, match=r'm\.keras'):
        load_model(tmp_path / 'm.keras')


def test_directory_that_lies(good, tmp_path):
    data = bytearray(good.read_bytes())
    at = data.rfind(b'PK\x05\x06')
    data[at + 12:at + 16] = struct.pack('<L', 1 << 30)
    (tmp_path / 'm.keras').write_bytes(data)
    refused(tmp_path / 'm.keras', 'its directory has 1073741824 bytes')


def test_truncation(good, tmp_path):
    """At any byte: a model or a named error."""
    data = good.read_bytes()
    path = tmp_path / 'm.keras'
    for size in [*range(0, len(data), max(1, len(data) // 60)), *range(len(data) - 60, len(data))]:
        path.write_bytes(data[:size])
        with pytest.raises(ModelFileError, match=r'm\.keras'):
            load_model(path)


def test_lacking_members(good, tmp_path):
    refused(again(good, tmp_path / 'm.keras', {'config.json': None}), "lacks 'config.json'")
    refused(again(good, tmp_path / 'm.keras', {'model.weights.h5': None}), r"lacks 'model\.weights\.h5'")
    refused(again(good, tmp_path / 'm.keras', {'model.weights.h5': b'no'}), 'model.weights.h5')
    refused(again(good, tmp_path / 'm.keras', {'config.json': b'[1]'}), 'config.json is no dictionary')


def test_many_members():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w') as archive:
        for k in range(20_001):
            archive.writestr(str(k), b'')
    with pytest.raises(ModelFileError, match='20001 members'):
        Members(memory)


def test_members_over_each_other(good, tmp_path):
    """The entry of one leads into another: a small file of which much comes out."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(bytes(900_000)) + packed.flush()
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a', bytes(900_000))
    assert len(data) < 2000
    raw = memory.getvalue()
    entry, end = raw[raw.find(b'PK\x01\x02'):raw.rfind(b'PK\x05\x06')], bytearray(raw[raw.rfind(b'PK\x05\x06'):])
    entries = b''.join(entry[:46] + bytes([97 + k]) + entry[47:] for k in range(10))
    end[8:12] = struct.pack('<HH', 10, 10)
    end[12:16] = struct.pack('<L', len(entries))
    (tmp_path / 'm.keras').write_bytes(raw[:raw.find(b'PK\x01\x02')] + entries + end)
    refused(tmp_path / 'm.keras', 'lies over')


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / 'none.keras')
    (tmp_path / 'empty.keras').touch()
    refused(tmp_path / 'empty.keras', 'an empty file')
    refused(tmp_path, 'got a folder')
    with pytest.raises(ModelFileError, match='a pipe or a device'):
        load_model('/dev/zero')


# ---- members that are read where they stand
def archived(data, method=zipfile.ZIP_STORED, name='m'):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w', method) as archive:
        archive.writestr('before', b'x' * 77)
        archive.writestr(name, data)
    return memory


DATA = np.random.default_rng(0).integers(0, 200, 3_000_001, dtype=np.uint8).tobytes()


@pytest.mark.parametrize('on_disk', [True, False])
@pytest.mark.parametrize('name', ['m', 'Ω é'])
def test_parts_are_read_in_any_order_and_checked(tmp_path, on_disk, name):
    memory = archived(DATA, name=name)
    (tmp_path / 'a').write_bytes(memory.getvalue())
    with open(tmp_path / 'a', 'rb') if on_disk else memory as file:
        members = Members(file)
        for order in ([], [(0, 3_000_001)], [(2_000_000, 500_000), (10, 1_500_000), (1_500_010, 7)], [(5, 100), (50, 100)],
                      [(100, 50), (0, 120)], [(7, 9), (7, 9)]):
            part = members.open(name)
            for at, size in order:
                block = bytearray(size)
                assert part.into(memoryview(block), at) == size and block == DATA[at:at + size]
            part.check()
        assert part.seek(-3, 2) == 2_999_998 and part.read() == DATA[-3:] and part.read() == b''
        assert part.into(memoryview(bytearray(5)), 2_999_999) == 0


@pytest.mark.parametrize('place', [0, 1000, 2_100_000, 3_000_000])
@pytest.mark.parametrize('order', [[], [(0, 3_000_001)], [(2_000_000, 500_000)]])
def test_a_bit_that_has_changed_is_found(place, order):
    data = bytearray(archived(DATA).getvalue())
    data[data.index(DATA[:64]) + place] ^= 4
    part = Members(io.BytesIO(data)).open('m')
    for at, size in order:
        part.into(memoryview(bytearray(size)), at)
    with pytest.raises(ModelFileError, match='checksum'):
        part.check()


def test_packed_members_are_unpacked_first():
    assert Members(archived(DATA, zipfile.ZIP_DEFLATED)).open('m').read() == DATA


@pytest.mark.parametrize('change', [lambda d, at: d.__setitem__(at, 0), lambda d, at: d.__setitem__(at + 30, ord('n')),
                                    lambda d, at: d.__setitem__(slice(at + 26, at + 28), b'\xff\xff'),
                                    lambda d, at: d.__setitem__(slice(at + 28, at + 30), b'\xff\xff')])
def test_a_member_begins_with_its_name(change):
    data = bytearray(archived(b'abc').getvalue())
    change(data, data.index(b'PK\x03\x04', 5))
    with pytest.raises(ModelFileError, match='damaged|longer'):
        Members(io.BytesIO(data)).open('m')
