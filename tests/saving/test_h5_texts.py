"""Texts of any length in HDF5 files: what HDF5 itself reads, and nothing that is not there."""

import io
import struct

import h5py
import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential, load_model
from fastkeras.saving import KerasFileEditor, ModelFileError, h5_texts, limits, stored
from tests.saving.hostile_box import Case, check

LONG = 'long ' * 20_000


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp('texts')
    model = Sequential([Dense(4, input_shape=(3,), name='the_first_layer'), Dense(2, name='second')])
    model.compile('adam', 'mse')
    model.save(made / 'good.h5')
    model.save(made / 'good.keras')
    model.save_weights(made / 'good.weights.h5')
    model.save_weights(made / 'names.h5')
    loose = h5py.string_dtype()
    for name, root in (('good.h5', 'model_weights'), ('names.h5', '/')):      # the lists of names in this form too
        with h5py.File(made / name, 'r+') as file:
            group = file[root]
            group.attrs.create('layer_names', ['the_first_layer', 'second'], dtype=loose)
            weights = [f'the_first_layer/{name}:0' for name in ('kernel', 'bias')]
            group['the_first_layer'].attrs.create('weight_names', weights, dtype=loose)
    return made


@pytest.mark.parametrize('libver', ['earliest', 'latest', 'v108', 'v110'])
@pytest.mark.parametrize('block', [0, 512])
def test_as_hdf5_reads_them(tmp_path, libver, block):
    texts = {'short': 'a', 'none': '', 'long': LONG, 'other letters': 'ä€𝄞'}
    with h5py.File(tmp_path / 'x.h5', 'w', libver=libver, userblock_size=block) as file:
        group = file.create_group('g')
        for name, text in texts.items():
            group.attrs.create(name, text, dtype=h5py.string_dtype())
        group.attrs.create('many', [f'name {k}' for k in range(1000)], dtype=h5py.string_dtype())
        group.attrs['fixed'] = np.bytes_('fixed')

    def look(file):
        group = file['g']
        for name in texts:
            assert stored.text_of(group, name) == group.attrs[name], name
        assert stored.read_names(group, 'many') == list(group.attrs['many'])
        assert stored.text_of(group, 'fixed') == 'fixed'
    for driver in ({}, {'driver': 'core', 'backing_store': False}, {'driver': 'stdio'}):
        with h5py.File(tmp_path / 'x.h5', 'r', **driver) as file:
            look(file)
    data = (tmp_path / 'x.h5').read_bytes()
    for source in (data, io.BytesIO(data)):
        with h5py.File(io.BytesIO(data), 'r') as file, h5_texts.bytes_from(file, source):
            look(file)
    with h5py.File(io.BytesIO(data), 'r') as file:
        look(file)


def test_a_file_that_is_being_written(tmp_path):
    model = Sequential([Dense(4, input_shape=(3,))])
    for target in (tmp_path / 'x.h5', io.BytesIO()):
        with h5py.File(target, 'w') as file:
            model.save(file)
            np.testing.assert_array_equal(load_model(file).get_weights()[0], model.get_weights()[0])


def test_many_attributes(tmp_path):
    """Attributes that the later form keeps apart from their object: those of no fixed length are not read, the others are."""
    with h5py.File(tmp_path / 'x.h5', 'w', libver='latest') as file:
        for k in range(20):
            file.attrs[f'a{k}'] = 'x'
        file.attrs['fixed'] = np.bytes_('text')
    with h5py.File(tmp_path / 'x.h5') as file:
        assert stored.text_of(file, 'fixed') == 'text'
        with pytest.raises(ModelFileError, match='store it with a fixed length'):
            stored.text_of(file, 'a3')


def places(data, text):
    """Where the descriptors of a text of no fixed length are in a file: its length, address of the heap, number there."""
    found, start = [], data.find(b'GCOL')
    while start >= 0:
        mark, at = struct.pack('<Q', start), data.find(struct.pack('<Q', start))
        while at >= 0:
            if struct.unpack_from('<I', data, at - 4)[0] == len(text):
                found.append(at - 4)
            at = data.find(mark, at + 1)
        start = data.find(b'GCOL', start + 1)
    return found


def lies(data, text):
    """(what is wrong, bytes) of files in which what is said of a text is no more so."""
    for at in places(data, text):
        for name, where, form, values in (
                ('length', 0, '<I', (0x33000000, 0xffffffff, len(text) + 1, 1)),
                ('heap', 4, '<Q', (1 << 40, 1 << 63, 8, len(data) - 4)),
                ('number', 12, '<I', (0xffffffff, 999))):
            for value in values:
                changed = bytearray(data)
                struct.pack_into(form, changed, at + where, value)
                yield f'{name} {value:#x} at {at}', bytes(changed)


def test_lengths_that_lie(folder):
    cases = []

    def case(name, data, suffix, how, **options):
        path = folder / f'{len(cases)}{suffix}'
        path.write_bytes(data)
        cases.append(Case(f'{name} ({how}{suffix})', path, how, **options))
    good = (folder / 'good.h5').read_bytes()
    with h5py.File(folder / 'good.h5') as file:
        config = file.attrs['model_config']
    case('as it is', good, '.h5', 'model', loads=True)
    for text in (config, b'the_first_layer', b'the_first_layer/kernel:0'):
        found = list(lies(good, text))
        assert found
        for name, data in found:
            case(f'{text[:9]}: {name}', data, '.h5', 'model')
    for name, data in lies((folder / 'names.h5').read_bytes(), b'the_first_layer'):
        case(name, data, '.h5', 'weights')
    kept = (folder / 'good.weights.h5').read_bytes()
    case('as it is', kept, '.weights.h5', 'editor', loads=True)
    found = list(lies(kept, b'the_first_layer'))
    assert found
    for name, data in found:
        case(name, data, '.weights.h5', 'editor')
        case(name, data, '.weights.h5', 'weights', either=True)
    check(folder, cases)


def test_many_texts_in_one_place(tmp_path):
    """Names that all stand in one place of the file, and would take more memory than it has."""
    count = 4000
    with h5py.File(tmp_path / 'x.h5', 'w') as file:
        file.attrs.create('layer_names', [LONG] + ['x'] * (count - 1), dtype=h5py.string_dtype())
    data = bytearray((tmp_path / 'x.h5').read_bytes())
    at = places(data, LONG.encode())[0]
    data[at:at + 16 * count] = data[at:at + 16] * count
    with h5py.File(io.BytesIO(data), 'r') as file, h5_texts.bytes_from(file, data), \
            pytest.raises(ModelFileError, match='beyond the limit attribute_bytes'):
        stored.read_names(file, 'layer_names')


def test_a_limit_that_is_raised(tmp_path):
    with h5py.File(tmp_path / 'x.h5', 'w') as file:
        file.attrs['text'] = 'x' * (9 << 20)
    with h5py.File(tmp_path / 'x.h5') as file:
        with pytest.raises(ModelFileError, match='attribute_bytes=9437184'):
            stored.text_of(file, 'text')
        with limits.raised(attribute_bytes=10 << 20):
            assert len(stored.text_of(file, 'text')) == 9 << 20


def test_labels(folder):
    assert KerasFileEditor(folder / 'good.keras').object_metadata['layers/dense'] == {'name': 'the_first_layer'}
