"""Callbacks at work in fit, on a real model, with real files."""

import csv

import numpy as np
import pytest

from fastkeras import callbacks, optimizers
from fastkeras.layers import Dense
from fastkeras.models import Model, Sequential, load_model
from tests.training.models_for_tests import LABELS, ONE_HOT, X, Y, classifier, regressor, same_weights


def test_checkpoints_of_weights_and_of_models(tmp_path):
    pytest.importorskip('h5py')
    model = classifier(metrics=['accuracy'])
    seen = []
    model.fit(X, ONE_HOT, epochs=3, verbose=0, validation_split=0.25, callbacks=[
        callbacks.ModelCheckpoint(str(tmp_path / 'w{epoch:02d}-{val_accuracy:.2f}.hdf5'), save_weights_only=True),
        callbacks.ModelCheckpoint(tmp_path / 'm.h5'),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()))])
    files = sorted(p.name for p in tmp_path.glob('w*.hdf5'))
    assert [f[:4] for f in files] == ['w01-', 'w02-', 'w03-']
    other = classifier()
    other.load_weights(str(tmp_path / files[1]))
    for a, b in zip(other.get_weights(), seen[1]):
        np.testing.assert_array_equal(a, b)
    same_weights(load_model(str(tmp_path / 'm.h5')), model, rtol=0, atol=0)


def test_the_best_model_is_kept(tmp_path):
    pytest.importorskip('h5py')
    model = regressor(optimizer=optimizers.SGD(lr=0.05))
    path = str(tmp_path / 'best.h5')
    rates = [0.05, 0.05, 3.0, 3.0]
    history = model.fit(X, Y, epochs=4, verbose=0, shuffle=False, callbacks=[
        callbacks.LearningRateScheduler(lambda epoch: rates[epoch]),
        callbacks.ModelCheckpoint(path, monitor='loss', save_best_only=True, save_weights_only=True)]).history
    best = int(np.argmin(history['loss']))
    other = regressor(optimizer=optimizers.SGD(lr=0.05))
    other.fit(X, Y, epochs=best + 1, verbose=0, shuffle=False)
    again = regressor()
    again.load_weights(path)
    same_weights(again, other)


def test_early_stopping_gives_the_best_weights_back():
    model = regressor(optimizer=optimizers.SGD(lr=0.05))
    rates = [0.05, 0.05, 4.0, 4.0, 4.0]
    seen = []
    model.fit(X, Y, epochs=5, verbose=0, shuffle=False, callbacks=[
        callbacks.LearningRateScheduler(lambda epoch: rates[epoch]),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((logs['loss'], model.get_weights()))),
        callbacks.EarlyStopping(monitor='loss', patience=2, restore_best_weights=True)])
    best = min(seen, key=lambda pair: pair[0])[1]
    for a, b in zip(model.get_weights(), best):
        np.testing.assert_array_equal(a, b)


def test_a_csv_file_of_a_run(tmp_path):
    path = tmp_path / 'run.csv'
    history = regressor(metrics=['mae']).fit(X, Y, epochs=2, verbose=0, validation_split=0.25,
                                             callbacks=[callbacks.CSVLogger(str(path))]).history
    with path.open() as f:
        rows = list(csv.DictReader(f))
    assert list(rows[0]) == ['epoch', 'loss', 'mean_absolute_error', 'val_loss', 'val_mean_absolute_error']
    assert [float(r['val_loss']) for r in rows] == history['val_loss']


def test_training_ends_at_a_loss_that_is_no_number(capsys):
    y = Y.copy()
    y[20] = np.nan
    with pytest.warns(RuntimeWarning, match='nan at batch 2 of epoch 1'):
        history = regressor().fit(X, y, batch_size=10, epochs=5, verbose=0, shuffle=False,
                                  callbacks=[callbacks.TerminateOnNaN()])
    assert history.epoch == [0] and capsys.readouterr().out == 'Batch 2: Invalid loss, terminating training\n'


def test_a_rate_that_is_reduced_acts_at_once():
    model = regressor(optimizer=optimizers.SGD(lr=0.5))
    reduce = callbacks.ReduceLROnPlateau(monitor='loss', patience=1, factor=0.1, min_delta=100.0)
    history = model.fit(X, Y, epochs=4, verbose=0, callbacks=[reduce]).history
    assert history['lr'] == pytest.approx([0.5, 0.5, 0.05, 0.005])
    assert float(model.optimizer.lr.numpy()) == pytest.approx(0.0005)


def test_what_callbacks_are_told():
    class Look(callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.told = self.params, self.model, self.validation_data

    look = Look()
    model = classifier(metrics=['accuracy'])
    model.fit(X, ONE_HOT, verbose=0, batch_size=8, epochs=2, validation_data=(X[:5], ONE_HOT[:5]), callbacks=[look])
    params, told, data = look.told
    assert told is model and [a.shape for a in data] == [(5, 4), (5, 3), (5,)]
    assert params == {'batch_size': 8, 'epochs': 2, 'steps': None, 'samples': 40, 'verbose': 0, 'do_validation': True,
                      'metrics': ['loss', 'acc', 'val_loss', 'val_acc']}
    model.fit(X, ONE_HOT, verbose=0, steps_per_epoch=2, callbacks=[look])
    assert look.told[0]['steps'] == 2 and look.told[2] is None and not look.told[0]['do_validation']


def test_the_bar_counts_steps_when_they_make_an_epoch(capsys):
    model = classifier(loss='sparse_categorical_crossentropy')
    model.fit(X, LABELS, batch_size=10, steps_per_epoch=3, validation_split=0.25, validation_steps=1)
    out = capsys.readouterr().out
    assert out.startswith('Train on 30 samples, validate on 10 samples\nEpoch 1/1\n')
    assert '3/3 [==============================]' in out and '- val_loss:' in out


@pytest.mark.parametrize('make', [
    lambda f: callbacks.ModelCheckpoint(f / 'nodir' / 'w.h5'), lambda f: callbacks.ModelCheckpoint(f / 'nodir' / '{epoch}.h5'),
    lambda f: callbacks.ModelCheckpoint(f / 'file' / 'w.h5'), lambda f: callbacks.ModelCheckpoint(f),
    lambda f: callbacks.CSVLogger(f / 'nodir' / 'log.csv'), lambda f: callbacks.CSVLogger(f)],
    ids=['checkpoint', 'field', 'in_a_file', 'folder', 'csv', 'csv_folder'])
def test_where_nothing_can_be_written_is_said_before_the_first_epoch(make, tmp_path):
    (tmp_path / 'file').write_text('')
    model, epochs = regressor(), []
    count = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    callback = make(tmp_path)
    with pytest.raises(OSError, match=f'{type(callback).__name__}: file.*{tmp_path.name}'):
        model.fit(X, Y, verbose=0, callbacks=[count, callback])
    assert epochs == []


def test_fields_of_a_file_name_are_parsed_when_the_callback_is_made():
    with pytest.raises(ValueError, match=r'ModelCheckpoint: filepath: expected fields such as \{epoch:02d\}'):
        callbacks.ModelCheckpoint('w{epoch.h5')


def test_checkpoint_says_before_the_first_epoch_what_cannot_be_saved(tmp_path):
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, x):
            return self.dense(x)

    pytest.importorskip('h5py')
    x, epochs = np.ones((4, 3)), []
    count = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    for model, name, weights_only, message in (
            (Sequential([Dense(1, input_shape=(3,))]), 'm.keras', True, 'archive holds a model, which save writes'),
            (Own(), 'm.h5', False, 'a file could not be loaded')):
        model.compile('sgd', 'mse')
        save = callbacks.ModelCheckpoint(str(tmp_path / name), save_weights_only=weights_only)
        with pytest.raises(ValueError, match=message):
            model.fit(x, x[:, :1], verbose=0, callbacks=[save, count])
    assert not epochs
    model.fit(x, x[:, :1], verbose=0, callbacks=[callbacks.ModelCheckpoint(str(tmp_path / 'm.h5'), save_weights_only=True)])
