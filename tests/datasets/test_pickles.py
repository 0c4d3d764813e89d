"""Pickles and arrays of objects: what is data is read, whatever else is refused and never run."""

import io
import os
import pickle
import tracemalloc

import numpy as np
import pytest

from fastkeras.datasets import npz, pickles
from tests.parity.load_data_files import as_objects, pickled_by_python_2


def load(data):
    return pickles.load(io.BytesIO(data))


def test_python_2():
    x = np.arange(6, dtype=np.uint8).reshape(2, 3)
    read = load(pickled_by_python_2({b'data': x, b'labels': [3, 300, 70000], b'name': b'abc'}))
    assert np.array_equal(read[b'data'].bytes(), x)
    assert (read[b'labels'], read[b'name']) == ([3, 300, 70000], b'abc')
    assert pickle.loads(pickled_by_python_2({b'd': x}), encoding='bytes')[b'd'].tolist() == x.tolist()      # a true pickle


@pytest.mark.parametrize('protocol', range(2, pickle.HIGHEST_PROTOCOL))
def test_python_3(protocol):
    x = np.arange(200, dtype=np.uint8).reshape(2, 100)
    assert np.array_equal(load(pickle.dumps({'x': x}, protocol))['x'].bytes(), x)
    assert load(pickle.dumps(as_objects([[1], [2, 3]]), protocol)).objects() == [[1], [2, 3]]


class Evil:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('value', [
    Evil(os.system, 'touch ran'), Evil(eval, '1'), Evil(getattr, [], 'append'), np.float64(3.0), slice(3), Exception('x'),
    {1: {2: [Evil(os.getpid)]}}])
def test_other_objects_are_refused(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(ValueError, match='cannot be read as pickled data: it asks for .*, which data has no use for'):
            load(pickle.dumps(value, protocol))
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('bomb', [
    b'\x80\x02]r\xff\xff\xff\x7f0.', b'\x80\x02]r\xff\xff\xff\xff.', b'\x80\x04\x8e' + b'\xff' * 7 + b'\x3f',
    b'\x80\x02T\xff\xff\xff\x7f', b'\x80\x04\x95' + b'\xff' * 7 + b'\x3f', b'\x80\x02\x8b\xff\xff\xff\x7f'])
def test_a_few_bytes_take_no_gigabytes(bomb):
    """`r` keeps a list as number 2^31 of what is to be used again: in C, that is an array of 32 GB."""
    tracemalloc.start()
    try:
        assert load(bomb) == []
    except ValueError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 20


RECONSTRUCT = b'cnumpy.core.multiarray\n_reconstruct\n'


@pytest.mark.parametrize('data', [
    b'', b'\x80\x02', b'no pickle', b'\x80\x63N.',
    b'\x80\x02' + RECONSTRUCT + b'}U\x08__call__K\x01sb.',              # to set an attribute of a stand-in
    b'\x80\x02' + RECONSTRUCT + b'N}U\x01aK\x01s\x86b.',
    b'\x80\x02ccopyreg\n_reconstructor\n.', b'\x80\x02c__main__\nx\n.', b'\x80\x04\x8c\x05numpy\x8c\x04load\x93.',
    b'\x80\x02\x82\x01.', b'\x80\x02U\x01aQ.', b'\x80\x04\x8e' + b'\xff' * 7 + b'\x7f.',
    b'\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00utf-7\x86R.'])
def test_damaged_and_devious(data):
    with pytest.raises(ValueError, match='cannot be read as pickled data'):
        load(data)


def array(state):
    made = pickles.PickledArray()
    if state is not None:
        made.__setstate__(state)
    return made


U1, OBJECT = pickles._Kind('u1'), pickles._Kind('O8')


@pytest.mark.parametrize('state', [
    None, 3, (1, (2,), U1, False), (1, (2,), U1, False, b'abc'), (1, (2,), U1, True, b'ab'), (1, (-2, -1), U1, False, b'ab'),
    (1, (2.0,), U1, False, b'ab'), (1, (2,), 'u1', False, b'ab'), (1, (2,), OBJECT, False, b'ab'), (1, (2,), U1, False, [1, 2]),
    (1, (2,), pickles._Kind('f8'), False, bytes(16)), (1, None, U1, False, b'')])
def test_arrays_are_not_believed(state):
    with pytest.raises(ValueError, match='expected'):
        array(state).bytes()


def test_arrays_of_objects_are_not_believed():
    assert array((1, (2,), OBJECT, False, [1, 'a'])).objects() == [1, 'a']
    for state in ((1, (2, 1), OBJECT, False, [1, 2]), (1, (2,), OBJECT, False, b'ab'), (1, (2,), U1, False, [1, 2])):
        with pytest.raises(ValueError, match='expected'):
            array(state).objects()


def test_npz(tmp_path):
    np.savez_compressed(tmp_path / 'a.npz', x=as_objects([[1, 2], []]), y=[3.5])
    assert npz.read_lists(tmp_path / 'a.npz', ['x']) == [[[1, 2], []]]
    assert npz.read_arrays(tmp_path / 'a.npz', ['y'])[0].tolist() == [3.5]


@pytest.mark.parametrize('x', [
    as_objects([[1], 'a']), as_objects([[1], [2.5]]), as_objects([[True], [1]]), as_objects([[[1]], [1]]),
    as_objects([Evil(os.getpid), [1]]), np.arange(3), np.array([[[1], [2]]], object)[..., 0], np.array([object]),
    as_objects([(1,), (2,)]), as_objects([np.arange(2), [1]])], ids=str)
def test_lists_of_ints_alone(tmp_path, x):
    np.savez(tmp_path / 'a.npz', x=x)
    with pytest.raises(ValueError, match='a.npz: cannot be read as the data set: '):
        npz.read_lists(tmp_path / 'a.npz', ['x'])


def test_objects_are_no_numbers(tmp_path):
    np.savez(tmp_path / 'a.npz', x=as_objects([Evil(os.getpid)]))
    with pytest.raises(ValueError, match='a.npz: cannot be read as the data set: .*allow_pickle'):
        npz.read_arrays(tmp_path / 'a.npz', ['x'])
    with pytest.raises(ValueError, match='a.npz: cannot be read as the data set: There is no item named'):
        npz.read_lists(tmp_path / 'a.npz', ['z'])
