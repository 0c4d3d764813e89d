"""Weights: how they may be written, and files that are damaged."""

import h5py
import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.converters.caffe.blobs import open_weights
from fastkeras.utils.errors import ModelFileError

NET = '''input: "x" input_shape { dim: 1 dim: 3 }
layer { name: "a/i" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }'''
KERNEL, BIAS = np.arange(6, dtype='f4').reshape(2, 3), np.array([7, 8], 'f4')


def varint(n):
    made = b''
    while n > 127:
        made += bytes([n & 127 | 128])
        n >>= 7
    return made + bytes([n])


def block(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(array, data=None, shape=None):
    sizes = block(7, block(1, b''.join(map(varint, array.shape if shape is None else shape))))
    return block(7, sizes + (block(5, array.astype('<f4').tobytes()) if data is None else data))


def layer(*blobs, name=b'a/i'):
    return block(100, block(1, name) + block(2, b'InnerProduct') + b''.join(blobs))


def load(folder, data):
    (folder / 'n.prototxt').write_text(NET)
    (folder / 'w.caffemodel').write_bytes(data)
    return load_caffe(folder / 'n.prototxt', folder / 'w.caffemodel')


def one_by_one(array, number=5, dtype='<f4'):
    return b''.join(varint(number << 3 | (5 if dtype == '<f4' else 1)) + v.tobytes() for v in array.ravel().astype(dtype))


@pytest.mark.parametrize('data', [
    None, one_by_one(KERNEL), one_by_one(KERNEL, 8, '<f8'), block(8, KERNEL.astype('<f8').tobytes()),
    block(5, KERNEL[0].tobytes()) + block(5, KERNEL[1].tobytes()),
    b'\x50\x02' + block(12, KERNEL.astype('<f2').tobytes()), b'\x50\x01' + block(12, KERNEL.tobytes()),
    block(5, KERNEL.tobytes()) + block(6, KERNEL.tobytes())], ids=range(8))
def test_ways_to_write_numbers(tmp_path, data):
    """Packed, each a field of its own, in parts, as doubles, as halves (NVIDIA's branch), with gradients."""
    model = load(tmp_path, block(1, b'net') + layer(blob(KERNEL, data), blob(BIAS)))
    np.testing.assert_array_equal(model.get_weights()[0], KERNEL.T)
    np.testing.assert_array_equal(model.get_weights()[1], BIAS)


GOOD = layer(blob(KERNEL), blob(BIAS))


@pytest.mark.parametrize('data, message', [
    (b'', 'empty'), (b'no caffemodel at all', 'w.caffemodel'), (GOOD[:-1], 'w.caffemodel'), (b'\x00' * 100, 'w.caffemodel'),
    (layer(blob(KERNEL)), 'expected 2 blobs'), (layer(blob(KERNEL.T), blob(BIAS)), r'shape \(2, 3\).*got \(3, 2\)'),
    (layer(blob(KERNEL[:1], shape=(2, 3)), blob(BIAS)), 'holds 3 numbers instead of 6'),
    (layer(blob(KERNEL, block(5, KERNEL.tobytes()[:-1])), blob(BIAS)), 'no multiple'),
    (layer(blob(KERNEL, b'', shape=(2, 1 << 40)), blob(BIAS)), 'a blob of shape'),
    (layer(blob(KERNEL, shape=(2**64 - 2, 2**64 - 3)), blob(BIAS)), 'a blob of shape'),
    (layer(blob(KERNEL, block(5, KERNEL.tobytes()) + block(8, KERNEL.astype('f8').tobytes())), blob(BIAS)),
     'two types|12 numbers'),
    (layer(blob(KERNEL, b'\x50\x07' + block(12, KERNEL.tobytes())), blob(BIAS)), 'type 7'),
    (layer(*[blob(BIAS)] * 100), '100 blobs'), (block(100, b'\xa2\x06\x00' * 20000), 'more than 10000 fields'),
    (b'\xa2\x06\x00' * 10000, 'more than 5000 fields'), (block(100, block(1, b'n' * (2 << 20))), '1 MiB'),
    (GOOD[:3] + b'\xff' * 12, 'w.caffemodel'), (block(100, block(1, b'\xff\xfe') + blob(KERNEL)), 'no text'),
    (block(7, KERNEL.tobytes()), 'no layer'), (b'\x0b' + GOOD, 'wire type'), (b'\x89HDF\r\n\x1a\n', 'w.caffemodel')],
    ids=lambda v: v if isinstance(v, str) else 'file')
def test_damaged_files(tmp_path, data, message):
    with pytest.raises(ModelFileError, match=message) as raised:
        load(tmp_path, data)
    assert 'w.caffemodel' in str(raised.value)


def test_truncated_anywhere(tmp_path):
    for n in range(len(GOOD)):
        with pytest.raises(ModelFileError, match='w.caffemodel'):
            load(tmp_path, GOOD[:n])


def test_changed_anywhere(tmp_path):
    """A changed byte gives a model or that error."""
    (tmp_path / 'n.prototxt').write_text(NET)
    rng = np.random.default_rng(0)
    for n in range(len(GOOD)):
        data = bytearray(GOOD)
        data[n] ^= int(rng.integers(1, 256))
        (tmp_path / 'w.caffemodel').write_bytes(bytes(data))
        try:
            load_caffe(tmp_path / 'n.prototxt', tmp_path / 'w.caffemodel')
        except ModelFileError as error:
            assert 'w.caffemodel' in str(error)


def test_nan_among_the_weights_is_told_of(tmp_path):
    kernel = KERNEL.copy()
    kernel[0, 0] = np.nan
    with pytest.warns(UserWarning, match="layer 'a_i'.*NaN"):
        load(tmp_path, layer(blob(kernel), blob(BIAS)))


def hdf5(path, make=lambda file: None, **arrays):
    with h5py.File(path, 'w') as file:
        for name, array in {'data/a/i/0': KERNEL, 'data/a/i/1': BIAS, **arrays}.items():
            if array is not None:
                file[name] = array
        make(file)


def test_hdf5(tmp_path):
    (tmp_path / 'n.prototxt').write_text(NET)
    hdf5(tmp_path / 'w.caffemodel.h5', **{'diff/a/i/0': KERNEL * 0})
    model = load_caffe(tmp_path / 'n.prototxt', tmp_path / 'w.caffemodel.h5')
    np.testing.assert_array_equal(model.get_weights()[0], KERNEL.T)
    with open_weights(tmp_path / 'w.caffemodel.h5') as weights:
        assert weights.names == {'a/i'} and weights.shapes('a/i') == [(2, 3), (2,)] and weights.shapes('other') is None


def link(file):
    del file['data/a/i/1']
    file['data/a/i/1'] = h5py.SoftLink('/data/a/i/0')


def outside(file):
    del file['data/a']
    file['data/a'] = h5py.ExternalLink('/dev/zero', '/x')


def circle(file):
    for k in range(4):
        file[f'data/round{k}'] = file['data']


@pytest.mark.parametrize('make, arrays, message', [
    (link, {}, 'link to elsewhere'), (outside, {}, 'link to elsewhere'), (circle, {}, 'too many groups'),
    (lambda f: None, {'data/a/i/1': None}, 'expected 2 blobs'), (lambda f: None, {'data/a/i/0': KERNEL.T},
                                                                 'expected blob 0 of shape'),
    (lambda f: None, {'data/a/i/0': np.zeros((2, 3), 'S4')}, 'not of numbers'),
    (lambda f: None, {'data/a/i/0': np.zeros((2, 3), 'i4')}, 'floats'), (lambda f: f.pop('data'), {}, "lacks 'data'"),
    (lambda f: None, {'data/a/i/0': None, 'data/a/i/7': KERNEL}, 'numbered from 0')])
def test_damaged_hdf5(tmp_path, make, arrays, message):
    (tmp_path / 'n.prototxt').write_text(NET)
    hdf5(tmp_path / 'w.h5', make, **arrays)
    with pytest.raises(ModelFileError, match=message) as raised:
        load_caffe(tmp_path / 'n.prototxt', tmp_path / 'w.h5')
    assert 'w.h5' in str(raised.value)


