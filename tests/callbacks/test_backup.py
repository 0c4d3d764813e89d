"""A training that was interrupted goes on as if it had not been."""

import json

import numpy as np
import pytest

from fastkeras import utils
from fastkeras.callbacks import BackupAndRestore, LambdaCallback
from fastkeras.layers import Dense, Dropout
from fastkeras.models import Sequential
from fastkeras.optimizers import Adam

X = np.random.RandomState(0).rand(40, 3).astype('float32')
Y = X.sum(1, keepdims=True)


class Interrupted(Exception):
    pass


def made():
    utils.set_random_seed(5)
    model = Sequential([Dense(6, activation='relu', input_shape=(3,)), Dropout(0.2, seed=3), Dense(1)])
    model.compile(Adam(0.02), 'mse')
    return model


def run(model, folder, stop=None, epochs=5, **kwargs):
    def begin(epoch, logs):
        if epoch == stop:
            raise Interrupted
    calls = [BackupAndRestore(folder, **kwargs), LambdaCallback(on_epoch_begin=begin)]
    return model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=calls).history['loss']


def test_it_goes_on_with_the_same_numbers(tmp_path):
    expected = made()
    losses = expected.fit(X, Y, batch_size=8, epochs=5, verbose=0).history['loss']
    with pytest.raises(Interrupted):
        run(made(), tmp_path / 'b', stop=3)
    assert json.loads((tmp_path / 'b' / 'training_metadata.json').read_text())['epoch'] == 3
    model = made()
    np.random.seed(99)      # whatever happened meanwhile
    assert run(model, tmp_path / 'b') == pytest.approx(losses[3:], rel=1e-6)
    for a, b in zip(model.get_weights(), expected.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert not (tmp_path / 'b').exists()


def test_folders_that_are_kept(tmp_path):
    model = made()
    assert len(run(model, tmp_path / 'b', epochs=2, delete_checkpoint=False, double_checkpoint=True)) == 2
    assert (tmp_path / 'b' / 'latest.weights.h5.bkp').exists()
    (tmp_path / 'b' / 'latest.weights.h5').write_bytes(b'half of it')       # the last one was being written
    assert len(run(made(), tmp_path / 'b', epochs=4)) == 3


def test_backups_within_an_epoch(tmp_path):
    with pytest.raises(Interrupted):
        run(made(), tmp_path / 'b', stop=1, save_freq=3)
    metadata = json.loads((tmp_path / 'b' / 'training_metadata.json').read_text())
    assert metadata == {'epoch': 0, 'batch': 2}
    assert len(run(made(), tmp_path / 'b', epochs=2, save_freq=3)) == 2


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(ValueError, match='backup_dir'):
        BackupAndRestore('')
    with pytest.raises(ValueError, match='save_freq'):
        BackupAndRestore('a', save_freq=0)
    run(made(), tmp_path / 'b', epochs=1, delete_checkpoint=False)
    other = Sequential([Dense(1, input_shape=(3,))])
    other.compile('sgd', 'mse')
    with pytest.raises(ValueError, match='cannot be restored to the model'):
        run(other, tmp_path / 'b')
    unbuilt = Sequential([Dense(1)])
    unbuilt.compile('sgd', 'mse')
    calls = BackupAndRestore(tmp_path / 'c')
    calls.set_model(unbuilt)
    with pytest.raises(ValueError, match='has no weights yet'):
        calls.on_train_begin()
