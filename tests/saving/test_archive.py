"""The .keras archive: what is kept, where it may come from, hooks of layers, all or nothing."""

import io
import json
import os
import zipfile

import numpy as np
import pytest

import fastkeras
from fastkeras import generation
from fastkeras.layers import LSTM, BatchNormalization, Dense, Dropout, Input, Layer, StringLookup
from fastkeras.models import Model, Sequential, load_model, save_model
from fastkeras.saving import ModelFileError, load_weights, register_keras_serializable, save_weights

pytest.importorskip('h5py')
X = np.random.RandomState(0).standard_normal((16, 3)).astype('float32')
Y = X[:, :1] * 2


def network():
    return Sequential([Dense(4, 'hard_sigmoid', input_shape=(3,)), Dropout(0.3), BatchNormalization(), Dense(1)])


def member(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


@pytest.mark.parametrize('which', [2, 3])
@pytest.mark.parametrize('optimizer', ['sgd', 'adam', 'nadam', 'rmsprop'])
def test_resumed_training_is_bitwise(tmp_path, which, optimizer):
    """Weights, the optimizer, seeds of dropout and the order of samples."""
    with generation.scope(which):
        model = network()
        model.compile(optimizer, 'mse', metrics=['mae'])
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
        model.save(tmp_path / 'm.keras')
    again = load_model(tmp_path / 'm.keras')
    histories = [m.fit(X, Y, batch_size=4, epochs=4, initial_epoch=2, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]
    for a, b in zip(model.get_weights() + model.optimizer.get_weights(),
                    again.get_weights() + again.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_low_rank_training_goes_on(tmp_path):
    model = Sequential([Dense(4, input_shape=(3,)), Dense(1)])
    model.layers[0].enable_lora(2)
    model.compile('adam', 'mse')
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / 'm.keras')
    again = load_model(tmp_path / 'm.keras')
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert model.train_on_batch(X, Y) == again.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


def test_members(tmp_path):
    model = network()
    model.compile('adam', 'mse')
    model.save(tmp_path / 'm.keras')
    with zipfile.ZipFile(tmp_path / 'm.keras') as archive:
        assert archive.namelist() == ['metadata.json', 'config.json', 'model.weights.h5']
    config = json.loads(member(tmp_path / 'm.keras', 'config.json'))
    assert config['module'] == 'keras.models' and config['compile_config']['optimizer']['class_name'] == 'Adam'
    model.save(tmp_path / 'm.keras', include_optimizer=False)
    assert 'compile_config' not in json.loads(member(tmp_path / 'm.keras', 'config.json'))
    assert load_model(tmp_path / 'm.keras').optimizer is None


def test_where_files_may_be(tmp_path, monkeypatch):
    """Paths as text, bytes and path-like, with ~ and in any script; open files; the bytes themselves. Content decides."""
    model = network()
    monkeypatch.setenv('HOME', str(tmp_path))
    path = tmp_path / 'Ω é.keras'
    model.save('~/Ω é.keras')
    memory = io.BytesIO()
    model.save(memory)
    with open(tmp_path / 'open.keras', 'wb') as file:
        save_model(model, file)
    model.save(tmp_path / 'm.h5')
    os.rename(tmp_path / 'm.h5', tmp_path / 'other.keras')
    with open(path, 'rb') as file:
        for source in (path, str(path), os.fsencode(path), '~/Ω é.keras', file, memory, memory.getvalue(), path.read_bytes(),
                       tmp_path / 'open.keras', tmp_path / 'other.keras', (tmp_path / 'other.keras').read_bytes(),
                       io.BytesIO((tmp_path / 'other.keras').read_bytes())):
            np.testing.assert_array_equal(load_model(source, compile=False).predict(X), model.predict(X))
    model.save(tmp_path / 'plain', save_format='keras')
    assert load_model(tmp_path / 'plain', compile=False).count_params() == model.count_params()


def test_forms_that_cannot_be_written(tmp_path):
    model = network()
    for kwargs, match in (({'save_format': 'tf'}, "'keras' or 'h5'"), ({'zipped': False}, 'zipped=False'),
                          ({'signatures': 1}, 'SavedModel'), ({'include_optimiser': True}, None)):
        with pytest.raises((ValueError, TypeError), match=match):
            model.save(tmp_path / 'm.keras', **kwargs)
    assert not list(tmp_path.iterdir())


def test_hard_sigmoid_of_each_generation(tmp_path):
    """A file says which it is, for readers that know only one."""
    for which in (2, 3):
        with generation.scope(which):
            model = Sequential([LSTM(3, recurrent_activation='hard_sigmoid', input_shape=(4, 3))])
        model.save(tmp_path / 'm.keras')
        config = json.loads(member(tmp_path / 'm.keras', 'config.json'))['config']['layers'][1]['config']
        assert isinstance(config['recurrent_activation'], dict) == (which == 2)
        x = np.stack([X[:8], X[8:], X[:8], X[8:]], 1)
        for now in (2, 3):
            with generation.scope(now):
                np.testing.assert_array_equal(load_model(tmp_path / 'm.keras').predict(x), model.predict(x))


@register_keras_serializable('test_archive')
class Hooked(Layer):
    """Keeps its weight under a name of its own, and a file."""

    def build(self, input_shape):
        self.scale = self.add_weight(name='scale', shape=(input_shape[-1],), initializer='ones')
        self.note = b'new'

    def call(self, inputs):
        return inputs * self.scale

    def save_own_variables(self, store):
        store['scale'] = self.scale.numpy()

    def load_own_variables(self, store):
        if 'scale' not in store:
            raise ValueError('no scale')
        self.scale.assign(store['scale'])

    def save_assets(self, dir_path):
        with open(os.path.join(dir_path, 'note.txt'), 'wb') as file:
            file.write(self.note)

    def load_assets(self, dir_path):
        with open(os.path.join(dir_path, 'note.txt'), 'rb') as file:
            self.note = file.read()


def test_hooks(tmp_path):
    model = Sequential([Hooked(input_shape=(3,)), Dense(2)])
    model.layers[0].scale.assign([1, 2, 3])
    model.layers[0].note = b'old'
    model.save(tmp_path / 'm.keras')
    assert member(tmp_path / 'm.keras', 'assets/layers/hooked/note.txt') == b'old'
    again = load_model(tmp_path / 'm.keras')
    assert again.layers[0].note == b'old' and again.layers[0].scale.numpy().tolist() == [1, 2, 3]
    save_weights(model, tmp_path / 'm.weights.h5')
    again.layers[0].scale.assign([0, 0, 0])
    load_weights(again, tmp_path / 'm.weights.h5')
    assert again.layers[0].scale.numpy().tolist() == [1, 2, 3]


def test_all_or_nothing(tmp_path):
    """An error at the last layer leaves the first as it was, also where code of the user's takes part."""
    save_weights(Sequential([Dense(3, input_shape=(3,)), Dense(5)]), tmp_path / 'm.weights.h5')
    for first in Dense(3, input_shape=(3,)), Hooked(input_shape=(3,)):
        model = Sequential([first, Dense(2)])
        before = model.get_weights()
        with pytest.raises(ModelFileError, match=r'm\.weights\.h5: '):
            model.load_weights(tmp_path / 'm.weights.h5')
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_skip_mismatch(tmp_path):
    other = Sequential([Dense(3, input_shape=(3,)), Dense(5)])
    other.save_weights(tmp_path / 'm.weights.h5')
    model = Sequential([Dense(3, input_shape=(3,)), Dense(2)])
    kept = model.layers[1].get_weights()
    with pytest.warns(UserWarning, match='weights are left out: layers/dense_1'):
        report = model.load_weights(tmp_path / 'm.weights.h5', skip_mismatch=True)
    assert len(report.used) == 2 and len(report.missing) == 2
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], other.layers[0].get_weights()[0])
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], kept[0])
    model.load_weights(tmp_path / 'm.weights.h5', objects_to_skip=[model.layers[1]])
    with pytest.raises(ValueError, match='by_name is for HDF5 files of the layout of Keras 2'):
        model.load_weights(tmp_path / 'm.weights.h5', by_name=True)
    with pytest.raises(TypeError, match='unknown argument'):
        model.load_weights(tmp_path / 'm.weights.h5', skip_missmatch=True)


def test_weights_without_a_place(tmp_path):
    Sequential([Dense(3, input_shape=(3,)), Dense(5)]).save_weights(tmp_path / 'm.weights.h5')
    with pytest.warns(UserWarning, match='no place for: layers/dense_1'):
        report = Sequential([Dense(3, input_shape=(3,))]).load_weights(tmp_path / 'm.weights.h5')
    assert report.unused == ['layers/dense_1/vars/0', 'layers/dense_1/vars/1'] and not report.complete


def test_vocabulary_of_the_archive(tmp_path):
    lookup = StringLookup()
    lookup.adapt(np.array(['a', 'b', 'b'], object))
    model = Sequential([Input((1,), dtype='string'), lookup])
    model.save(tmp_path / 'm.keras')
    again = load_model(tmp_path / 'm.keras')
    assert again.layers[0].get_vocabulary() == lookup.get_vocabulary()


def test_compile_config():
    model = network()
    assert model.get_compile_config() is None
    model.compile('adam', 'mse', metrics=['mae'], loss_weights=[2.0])
    config = json.loads(json.dumps(model.get_compile_config()))
    other = network()
    other.set_weights(model.get_weights())
    with generation.scope(3):
        other.compile_from_config(config)
    assert other.loss == 'mse' and other.loss_weights == [2.0] and type(other.optimizer).__name__ == 'Adam'


def test_models_that_share_and_nest(tmp_path):
    """Calls of a model inside are counted as Keras 3 does, in nodes from 0, in outputs from 1."""
    i = Input((3,))
    inner = Model(i, Dense(3)(i), name='inner')
    j = Input((3,))
    first = inner(j)
    model = Model(j, [inner(first), first])
    model.save(tmp_path / 'm.keras')
    config = json.loads(member(tmp_path / 'm.keras', 'config.json'))['config']
    assert config['output_layers'] == [['inner', 2, 0], ['inner', 1, 0]]
    for a, b in zip(load_model(tmp_path / 'm.keras').predict(X), model.predict(X), strict=True):
        np.testing.assert_array_equal(a, b)


def test_front():
    assert fastkeras.saving.load_weights is load_weights
