"""Files that Keras 3 writes beside archives and HDF5 models, recorded by record_weight_files.py, and such files for Keras 3,
read by it where KERAS3_PYTHON names a Python that has it."""

import os
import subprocess
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import LSTM, BatchNormalization, Dense, Dropout, Input
from fastkeras.models import Sequential, load_model

HERE = Path(__file__).parent
X = np.linspace(-1, 1, 12, dtype='float32').reshape(4, 3)


@pytest.fixture(autouse=True)
def keras3():
    with generation.scope(3):
        yield


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp('keras3')
    with tarfile.open(HERE / 'weight_files_keras3.tar.xz') as tar:
        for member in tar.getmembers():
            (folder / member.name).parent.mkdir(exist_ok=True)
            (folder / member.name).write_bytes(tar.extractfile(member).read())
    with np.load(folder / 'results.npz') as results:
        return folder, dict(results)


def stack(*names):
    return Sequential([Input((3,)), *(Dense(3, name=name) for name in names)])


@pytest.mark.parametrize('order', ['abc', 'bca', 'cba', 'xyz'])
def test_names_of_layers(recorded, order):
    """In another order, or under other names, in which place decides."""
    folder, results = recorded
    model = stack(*order)
    model.load_weights(folder / 'order.weights.h5')
    right = stack(*'abc')
    layers = [model.get_layer(name) for name in ('xyz' if order == 'xyz' else 'abc')]
    for layer, own in zip(right.layers, layers, strict=True):
        layer.set_weights(own.get_weights())
    np.testing.assert_allclose(right.predict(X), results['order'], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('name', ['folder', 'npz.keras'])
def test_training_goes_on(recorded, name):
    folder, results = recorded
    model = load_model(folder / name)
    np.testing.assert_allclose(model.predict(X), results['trained'], rtol=1e-5, atol=1e-6)
    assert model.optimizer.iterations.numpy() == 2
    np.testing.assert_allclose([model.train_on_batch(X, X) for _ in range(3)], results['losses'], rtol=1e-5)


def test_bfloat16(recorded):
    folder, results = recorded
    model = Sequential([Input((3,)), Dense(3)])
    assert model.load_weights(folder / 'bfloat16.weights.h5').complete
    np.testing.assert_array_equal(model.get_weights()[0], results['bfloat16'])


def arrays(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item.shape}) if hasattr(item, 'shape') else None)
    return found


def test_no_states_in_files(recorded, tmp_path):
    """Neither of recurrent layers, nor of metrics and seeds: the arrays are those that Keras writes."""
    folder, _ = recorded
    model = Sequential([Input((5, 3), batch_size=4), LSTM(2, stateful=True), Dropout(0.5)])
    model.compile('sgd', 'mse', metrics=['mae'])
    model.train_on_batch(np.ones((4, 5, 3)), np.ones((4, 2)))
    assert np.any(model.layers[-2].states[0].numpy())
    model.save_weights(tmp_path / 'w.weights.h5')
    assert arrays(tmp_path / 'w.weights.h5') == arrays(folder / 'stateful.weights.h5')
    model.load_weights(folder / 'stateful.weights.h5')
    model.save(tmp_path / 'm.keras')
    for path in ('m.keras', 'm.h5'):
        model.save(tmp_path / path)
        assert not np.any(load_model(tmp_path / path).layers[-2].states[0].numpy())


def test_read_by_keras3(tmp_path):
    python = os.environ.get('KERAS3_PYTHON')
    if not python:
        pytest.skip('needs a Python that has Keras 3, which KERAS3_PYTHON names')
    model = Sequential([Input((3,)), Dense(4, activation='tanh'), BatchNormalization(), Dense(3)])
    model.compile('adam', 'mse')
    model.train_on_batch(X, X)
    results = {'trained': model.predict(X)}
    model.save(tmp_path / 'folder', zipped=False)
    results['losses'] = [model.train_on_batch(X, X) for _ in range(3)]
    model = stack(*'abc')
    model.save_weights(tmp_path / 'order.weights.h5')
    np.savez(tmp_path / 'results.npz', order=model.predict(X), **results)
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run([python, HERE / 'record_weight_files.py', tmp_path], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines()[-1:] == ['the same'], f'{done.stdout}\n{done.stderr[-3000:]}'
