"""Weights as .npz of Keras 3: pickles that are read without running anything."""

import io
import pickle
import sys
import zipfile

import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import Dense, Input
from fastkeras.models import Sequential
from fastkeras.saving import ModelFileError, npz_weights
from fastkeras.saving.zips import Members


def store(**parts):
    memory = io.BytesIO()
    np.savez(memory, **{name.replace('__', '/') if name != '__root__' else name: v for name, v in parts.items()})
    return npz_weights.NpzStore(Members(memory))


def store_of(pickled, head=b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"):
    """A file whose one array has these bytes for its pickle."""
    head = head.ljust(117) + b'\n'
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w') as archive:
        archive.writestr('layers/dense.npy', b'\x93NUMPY\x01\x00' + len(head).to_bytes(2, 'little') + head + pickled)
    return npz_weights.NpzStore(Members(memory))


class Variable:
    """As Keras's: pickled whole."""

    def __init__(self, value):
        self._value, self._name = value, 'kernel'


ARRAYS = [np.arange(6, dtype='float32').reshape(2, 3), np.arange(6, dtype='>f8').reshape(3, 2).T, np.zeros((0, 2), 'int16'),
          np.array(3, 'int64'), np.float32(2.5), np.arange(300, dtype='uint8'), np.array([True, False])]


@pytest.mark.parametrize('k', range(len(ARRAYS)))
def test_arrays(k):
    found = store(layers__dense={'0': ARRAYS[k], '1': Variable(ARRAYS[k])}, __root__={})
    for value in found.at('layers/dense').values():
        np.testing.assert_array_equal(value, ARRAYS[k])
        assert value.dtype == np.asarray(ARRAYS[k]).dtype and value.shape == np.shape(ARRAYS[k])
    assert found.paths() == ['layers/dense'] and found.at('') == {} and found.at('x') == {} and found.has('layers')
    assert found.inside('layers') == ['dense'] and found.inside('') == ['layers']


@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
def test_protocols(protocol):
    """2 has no bytes of its own, 5 others."""
    whole = np.array({'0': np.arange(4.0)}, object)
    try:
        found = store_of(pickle.dumps(whole, protocol)).at('layers/dense')
    except ModelFileError as error:
        assert protocol in (2, 5), error
    else:
        np.testing.assert_array_equal(found['0'], np.arange(4.0))


def test_load_weights(tmp_path):
    with generation.scope(3):
        model = Sequential([Input((3,)), Dense(4), Dense(2)])
        values = [np.random.RandomState(k).standard_normal(w.shape).astype('f') for k, w in enumerate(model.get_weights())]
        np.savez(tmp_path / 'w.npz', **{'__root__': {}, 'layers/dense': {'0': values[0], '1': values[1]},
                                        'layers/dense_1': {'0': values[2], '1': values[3]}})
        assert model.load_weights(tmp_path / 'w.npz').complete
        for a, b in zip(values, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        np.savez(tmp_path / 'plain.npz', *values)
        with pytest.raises(ModelFileError, match=r'arr_0\.npy.*set_weights'):
            model.load_weights(tmp_path / 'plain.npz')
        np.savez(tmp_path / 'bare.npz', **{'layers/dense': values[0]})
        with pytest.raises(ModelFileError, match=r'layers/dense\.npy.*numpy\.load'):
            model.load_weights(tmp_path / 'bare.npz')


class Call:
    def __reduce__(self):
        return print, ('called',)


def test_nothing_is_called_or_imported(capsys):
    before = set(sys.modules)
    for harm in (Call(), {'0': Call()}, [Call()]):
        with pytest.raises(ModelFileError):
            store_of(pickle.dumps(np.array({'0': harm}, object), 4)).at('layers/dense')
    with pytest.raises(ModelFileError):
        store_of(b'cthis\nantigravity\n(tR.').at('layers/dense')
    assert not capsys.readouterr().out and set(sys.modules) == before


@pytest.mark.parametrize('pickled', [
    b'', b'.', b'N.', b'\x80\x04', b'(', b'K\x01K\x02a.', b'h\x05.', b'R.', b'b.', b'}K\x01K\x02s.', b'\x80\x04\x8c\x05ab',
    b'N0.', b'B\xff\xff\xff\x7fabc.', b'\x8e' + b'\xff' * 7 + b'\x7f.', b'r\xff\xff\xff\x7f.', b'](lp0\ng0\ne.', b'\x94' * 9,
    b'(' * 100_000, b']' + b'(]' * 50_000 + b'e' * 50_000 + b'.', pickle.dumps({'0': np.arange(3)}),
    pickle.dumps(np.array([{'0': 1}, {}], object)), pickle.dumps(np.array({'0': 'text'}, object)),
    pickle.dumps(np.array({'0': [np.arange(2), np.arange(3)]}, object)),
    pickle.dumps(np.array({'0': Variable((np.arange(2), np.arange(3)))}, object)),
    pickle.dumps(np.array({'0': np.array(['a'])}, object)), pickle.dumps(np.array({'0': np.array([1j])}, object)),
    pickle.dumps(np.array({'0': np.arange(7)}, object)).replace(b'K\x07\x85', b'K\x08\x85')])
def test_what_is_no_dictionary_of_arrays_is_refused(pickled):
    with pytest.raises(ModelFileError, match=r'layers/dense\.npy'):
        store_of(pickled).at('layers/dense')


def test_every_cut_is_refused_and_no_bit_does_harm():
    whole = pickle.dumps(np.array({'0': Variable(np.arange(3.0)), '1': np.arange(2)}, object), 4)
    for k in range(len(whole)):
        with pytest.raises(ModelFileError):
            store_of(whole[:k]).at('layers/dense')
    random = np.random.default_rng(0)
    for _ in range(2000):
        changed = bytearray(whole)
        changed[random.integers(len(whole))] ^= 1 << random.integers(8)
        try:
            store_of(bytes(changed)).at('layers/dense')
        except ModelFileError:
            continue
