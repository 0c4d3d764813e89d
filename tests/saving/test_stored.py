"""HDF5 files that say what they should not: an error that names the file, nothing else opened, nothing read in vain."""

import json
import os
import tracemalloc

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential, load_model
from fastkeras.saving import ModelFileError, legacy_h5, stored

h5py = legacy_h5.h5py()
KERNEL = 'model_weights/d/d/kernel:0'


def network():
    model = Sequential([Dense(4, input_shape=(3,), name='d'), Dense(2, name='e')])
    model.compile('adam', 'mse')
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    return model


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp('good') / 'good.h5'
    network().save(path)
    return path


@pytest.fixture
def path(good, tmp_path):
    (tmp_path / 'm.h5').write_bytes(good.read_bytes())
    return tmp_path / 'm.h5'


def changed(path, change):
    with h5py.File(path, 'r+') as file:
        change(file)
    return path


def replaced(name, make):
    """A change that puts make(group, last part of the name) in the place of `name`."""
    def change(file):
        del file[name]
        folder, _, last = name.rpartition('/')
        make(file[folder] if folder else file, last)
    return change


def attribute(name, value, where=None):
    def change(file):
        (file if where is None else file[where]).attrs[name] = value
    return change


def outside(tmp_path):
    with h5py.File(tmp_path / 'other.h5', 'w') as file:
        file['x'] = np.ones((3, 4), 'float32')
        file.create_group('g')
    (tmp_path / 'raw').write_bytes(b'\0' * 48)
    return tmp_path / 'other.h5', tmp_path / 'raw'


def virtual(group, name, other):
    layout = h5py.VirtualLayout((3, 4), 'float32')
    layout[:] = h5py.VirtualSource(str(other), 'x', shape=(3, 4))
    group.create_virtual_dataset(name, layout)


@pytest.mark.parametrize('name', ['model_weights', 'model_weights/d', 'model_weights/d/d', KERNEL])
def test_links_are_not_followed(path, tmp_path, name, good):
    other, _ = outside(tmp_path)
    for link in (h5py.ExternalLink(str(other), '/x'), h5py.ExternalLink(str(tmp_path / 'none.h5'), '/x'),
                 h5py.SoftLink('/' + name), h5py.SoftLink('/model_weights/e')):
        path.write_bytes(good.read_bytes())
        changed(path, replaced(name, lambda group, last, link=link: group.__setitem__(last, link)))
        with pytest.raises(ValueError, match=r'm\.h5: the file is damaged.* is a link to elsewhere, which is not followed'):
            load_model(path)
        with pytest.raises(ValueError, match='is a link to elsewhere'):
            network().load_weights(path)


def test_a_link_to_a_pipe_does_not_wait(path, tmp_path):
    os.mkfifo(tmp_path / 'pipe.h5')
    with h5py.File(path) as file:
        state = [name for name in file if name.startswith('optimizer')]
    for name in state:
        changed(path, replaced(name, lambda group, last: group.__setitem__(
            last, h5py.ExternalLink(str(tmp_path / 'pipe.h5'), '/x'))))
    with pytest.raises(ValueError, match='is a link to elsewhere'):
        load_model(path)
    with pytest.raises(ValueError, match='a pipe or a device'):
        load_model(tmp_path / 'pipe.h5')
    with pytest.raises(ValueError, match='a pipe or a device'):
        load_model('/dev/zero')


@pytest.mark.parametrize('make', [
    lambda group, name, other, raw: group.create_dataset(name, (3, 4), 'float32', external=[(str(raw), 0, 48)]),
    lambda group, name, other, raw: virtual(group, name, other)], ids=['external', 'virtual'])
def test_arrays_that_are_kept_in_other_files(path, tmp_path, make):
    other, raw = outside(tmp_path)
    changed(path, replaced(KERNEL, lambda group, name: make(group, name, other, raw)))
    with pytest.raises(ValueError, match=r"m\.h5: .*'d/kernel:0' are in another file, which is not opened"):
        load_model(path)


@pytest.mark.parametrize('shape', [(3 << 28,), (1 << 50,), (4, 3), (), (3, 4, 1)])
def test_shapes_are_compared_before_anything_is_read(path, shape):
    packed = {'compression': 'gzip', 'chunks': (1 << 10,)} if len(shape) == 1 else {}
    changed(path, replaced(KERNEL, lambda group, name: group.create_dataset(name, shape, 'float32', **packed)))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"m\.h5: Dense layer 'd': its weight 'd/kernel:0' has shape \(3, 4\), the file"):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_the_state_of_an_optimizer_too(path):
    with h5py.File(path) as file:
        name = f'optimizer_weights/{legacy_h5.read_names(file["optimizer_weights"], "weight_names")[1]}'
    changed(path, replaced(name, lambda group, last: group.create_dataset(
        last, (3 << 28,), 'float32', compression='gzip', chunks=(1 << 10,))))
    changed(path, lambda file: file.__delitem__('optimizer_variables') if 'optimizer_variables' in file else None)
    tracemalloc.start()
    with pytest.warns(UserWarning, match='the state of the optimizer could not be restored'):
        load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


@pytest.mark.parametrize('dtype', ['S8', h5py.string_dtype(), [('a', 'f4')], 'c8', np.dtype('(2,)f4')], ids=str)
def test_arrays_of_other_things_than_numbers(path, dtype):
    changed(path, replaced(KERNEL, lambda group, name: group.create_dataset(name, (3, 4), dtype)))
    with pytest.raises(ValueError, match=r"m\.h5: .*('d/kernel:0' is an array of .*, not of numbers|has shape \(3, 4\))"):
        load_model(path)


STRUCTURE = {
    'a group for an array': (replaced(KERNEL, lambda g, n: g.create_group(n)), "'d/kernel:0' is no array"),
    'an array for a group': (replaced('model_weights/d', lambda g, n: g.__setitem__(n, [1])), "'d' is no group"),
    'a type for an array': (replaced(KERNEL, lambda g, n: g.__setitem__(n, np.dtype('f4'))), "'d/kernel:0' is no array"),
    'nothing': (replaced(KERNEL, lambda g, n: None), "lacks 'd/kernel:0'"),
    'no weights': (replaced('model_weights', lambda g, n: None), "lacks 'model_weights'"),
    'weights for a group': (replaced('model_weights', lambda g, n: g.__setitem__(n, 5)), "'model_weights' is no group"),
    'a layer of which nothing is there': (attribute('layer_names', [b'd', b'zzz'], 'model_weights'), "lacks 'zzz'"),
    'a way up': (attribute('layer_names', [b'd', b'../e'], 'model_weights'), "lacks '../e'"),
    'names that are a number': (attribute('layer_names', 5, 'model_weights'), "'layer_names' are no list of names"),
    'names that are numbers': (attribute('layer_names', [5, 6], 'model_weights'), "'layer_names' are no list of names"),
    'names that are one': (attribute('layer_names', 'de', 'model_weights'), "'layer_names' are no list of names"),
    'names in two axes': (attribute('layer_names', [[b'd', b'e']], 'model_weights'), "'layer_names' are no list of names"),
    'names that are no text': (attribute('layer_names', [b'\xff', b'e'], 'model_weights'), 'is no text'),
    'weights by numbers': (attribute('weight_names', [1., 2.], 'model_weights/d'), "'weight_names' are no list of names"),
    'a configuration that is a number': (attribute('model_config', 5), "'model_config' is no text"),
    'numbers': (attribute('model_config', np.arange(5)), "'model_config' is no text"),
    'no text': (attribute('model_config', np.bytes_(b'\xff\xfe{')), "'model_config' is no text"),
    'half of one': (attribute('model_config', '{"a":'), "'model_config' is no JSON"),
    'a deep one': (attribute('model_config', '[' * 20000 + ']' * 20000), "'model_config' is no JSON"),
    'a list': (attribute('model_config', '[]'), "'model_config' is no dictionary but list"),
    'null': (attribute('model_config', 'null'), "'model_config' is no dictionary but NoneType"),
    'an empty one': (attribute('model_config', '{}'), ''),
    'a training that is a list': (attribute('training_config', '[]'), "'training_config' is no dictionary"),
    'a training of nothing': (attribute('training_config', '{}'), 'optimizer_config'),
    'a version that is none': (attribute('keras_version', [1, 2]), "'keras_version' is no text"),
}


@pytest.mark.parametrize('change, words', STRUCTURE.values(), ids=STRUCTURE)
def test_what_is_not_as_a_model_has_it(path, change, words):
    changed(path, change)
    with pytest.raises(ValueError) as error:
        load_model(path)
    assert str(path) in str(error.value) and words in str(error.value)


CONFIGURATIONS = [
    lambda c: c['config'].pop('layers'), lambda c: c['config'].update(layers=5), lambda c: c['config'].update(layers=[None]),
    lambda c: c['config']['layers'][0].pop('config'), lambda c: c['config']['layers'][0].update(config=3),
    lambda c: c['config']['layers'][0].update(class_name=None), lambda c: c['config']['layers'][0].update(class_name=['a']),
    lambda c: c['config']['layers'][0]['config'].update(units={}), lambda c: c.update(config=None),
    lambda c: c.update(class_name=7)]


@pytest.mark.parametrize('k', range(len(CONFIGURATIONS)))
def test_configurations_of_the_wrong_kind(path, k):
    with h5py.File(path, 'r+') as file:
        config = json.loads(file.attrs['model_config'])
        CONFIGURATIONS[k](config)
        file.attrs['model_config'] = json.dumps(config)
    with pytest.raises(ValueError, match=r'm\.h5'):
        load_model(path)


def test_a_file_that_is_cut_off(path):
    data = path.read_bytes()
    for size in range(8, len(data), 512):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match=r'm\.h5'):
            load_model(path)


def test_a_good_file_is_read_after_all_that(good):
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(load_model(good).predict(x), load_model(good).predict(x))
    with h5py.File(good) as file:
        assert stored.array_at(file, KERNEL).shape == (3, 4)
        assert stored.configuration(file, 'model_config')['class_name'] == 'Sequential'
        assert stored.configuration(file, 'none') is None and stored.text_of(file, 'none', 'x') == 'x'
        assert 'model_weights' in stored.names(file)


def test_compressed_weights_are_read(path):
    """By the filters that HDF5 and h5py have themselves."""
    value = np.arange(12, dtype=np.float32).reshape(3, 4)
    for packed in ({'compression': 'gzip', 'shuffle': True, 'fletcher32': True}, {'compression': 'lzf'}):
        changed(path, replaced(KERNEL, lambda group, name, packed=packed: group.create_dataset(name, data=value, **packed)))
        np.testing.assert_array_equal(load_model(path).get_weights()[0], value)


@pytest.mark.parametrize('options', [{}, {'chunks': (2, 3), 'compression': 'gzip'}, {'chunks': (4, 5)}])
def test_bfloat16_of_keras3(tmp_path, options):
    """Upper halves of float32, as ml_dtypes' type goes into HDF5: bytes of no type."""
    values = np.random.default_rng(0).standard_normal((4, 5)).astype('float32')
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    with h5py.File(tmp_path / 'f.h5', 'w') as file:
        file.create_dataset('v', data=upper.view('V2'), **options).attrs['dtype'] = 'bfloat16'
        file['e'] = np.zeros((0, 3), 'V2')
        file['other'] = np.zeros(3, 'V3')
    with h5py.File(tmp_path / 'f.h5', 'r') as file, stored.counted():
        found = stored.array_at(file, 'v')
        assert found.dtype == np.float32 and found.shape == (4, 5)
        np.testing.assert_array_equal(np.asarray(found), (upper.astype(np.uint32) << 16).view(np.float32))
        assert stored.read(found, 'float64').dtype == np.float64
        assert stored.read(stored.array_at(file, 'e')).shape == (0, 3)
        with pytest.raises(ModelFileError, match='not of numbers'):
            stored.array_at(file, 'other')
