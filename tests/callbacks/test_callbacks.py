"""Callbacks driven by hand: a stand-in for the model records what they do to it."""

import csv
import warnings

import numpy as np
import pytest

from fastkeras import callbacks
from fastkeras.callbacks import CallbackList, LambdaCallback
from fastkeras.callbacks.base import HOOKS
from fastkeras.callbacks.logs import Logs


class Optimizer:
    def __init__(self, rate):
        self.lr = rate


class Model:
    """What callbacks use of a model."""

    def __init__(self, rate=1.0):
        self.optimizer = Optimizer(rate)
        self.stop_training = False
        self.saved = []
        self.weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite):
        self.saved.append(('model', path))

    def save_weights(self, path, overwrite):
        self.saved.append(('weights', path))


def run(callback, values, model=None, monitor='val_loss', **logs):
    """One epoch for each value, until the model is told to stop; the model's weights are the epoch's number."""
    model = model or Model()
    calls = CallbackList([callback], model=model, metrics=['loss', 'val_loss'], epochs=len(values), verbose=0)
    calls.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        model.weights = epoch
        calls.on_epoch_begin(epoch)
        calls.on_epoch_end(epoch, Logs({monitor: value, **logs}))
        rates.append(model.optimizer.lr)
        if model.stop_training:
            break
    calls.on_train_end()
    return model, rates


# ---- the list
def test_hooks_of_both_generations():
    seen = []

    class Old(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(('old', batch, logs['loss']))

    class New(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(('new', batch, logs['loss']))

    calls = CallbackList([Old(), New()])
    calls.on_batch_end(3, {'loss': 1.0})
    calls.on_train_batch_end(4, {'loss': 2.0})
    assert seen == [('old', 3, 1.0), ('new', 3, 1.0), ('old', 4, 2.0), ('new', 4, 2.0)]


def test_only_those_that_define_a_hook_are_called():
    calls = CallbackList([callbacks.History(), callbacks.Callback(),
                          LambdaCallback(on_batch_end=lambda batch, logs: None)])
    assert [len(calls.methods(h)) for h in ('on_train_batch_begin', 'on_train_batch_end', 'on_epoch_end')] == [0, 1, 1]
    calls.append(callbacks.TerminateOnNaN())
    assert len(calls.methods('on_train_batch_end')) == 2


def test_every_hook_reaches_a_callback():
    seen = []
    calls = CallbackList([LambdaCallback(**{h: (lambda *args, h=h: seen.append(h)) for h in HOOKS})])
    for hook in HOOKS:
        getattr(calls, hook)(*([0] if 'batch' in hook or 'epoch' in hook else []))
    # a batch hook of Keras 2 is reached through that of Keras 3 only when the latter is not defined
    assert set(seen) == set(HOOKS) - {'on_batch_begin', 'on_batch_end'}


def test_lists_make_what_they_are_asked_for():
    calls = CallbackList(add_history=True, add_progbar=True, model='m', epochs=3)
    assert [type(c).__name__ for c in calls] == ['ProgbarLogger', 'History']
    assert all(c.model == 'm' and c.params == {'epochs': 3} for c in calls)
    assert len(CallbackList(callbacks.History())) == 1


def test_wrong_things_in_the_list():
    with pytest.raises(TypeError, match=r'the class History; call it'):
        CallbackList([callbacks.History])
    with pytest.raises(TypeError, match='expected objects of type Callback'):
        CallbackList(['history'])


def test_slow_callbacks_are_reported_once():
    calls = CallbackList([LambdaCallback(on_batch_end=lambda batch, logs: None)])
    with pytest.warns(UserWarning, match='the callbacks take 0.500 s'):
        calls._watch(0.5, 0.01)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        calls._watch(0.05, 0.01)


def test_lambda_callback_checks_its_names():
    with pytest.raises(TypeError, match="unknown argument 'on_epoch_ends'; did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match='must be a function'):
        LambdaCallback(on_epoch_end=3)
    assert LambdaCallback(tag='x').tag == 'x'


# ---- loggers
def test_base_logger_weighs_by_batch_size():
    logger = callbacks.BaseLogger(stateful_metrics=['auc'])
    logger.set_params({'metrics': ['loss', 'auc', 'val_loss']})
    logger.on_epoch_begin(0)
    for size, loss, auc in ((30, 1.0, 0.1), (10, 5.0, 0.9)):
        logger.on_batch_end(0, {'size': size, 'loss': loss, 'auc': auc})
    logs = {}
    logger.on_epoch_end(0, logs)
    assert logs == {'loss': 2.0, 'auc': 0.9}


def test_history():
    history = callbacks.History()
    run(history, [3.0, 2.0], acc=0.5)
    assert history.epoch == [0, 1] and history.history == {'val_loss': [3.0, 2.0], 'acc': [0.5, 0.5]}
    assert history.history['accuracy'] == [0.5, 0.5]


def test_progbar_logger_needs_a_known_mode():
    with pytest.raises(ValueError, match="'batches'"):
        callbacks.ProgbarLogger('batches')


def test_csv_logger(tmp_path):
    path = tmp_path / 'log.csv'
    run(callbacks.CSVLogger(path, separator=';'), [3.0, 2.0], acc=0.5, vector=np.array([1, 2]))
    run(callbacks.CSVLogger(path, separator=';', append=True), [1.0], acc=0.25, vector=[3])
    rows = list(csv.reader(path.open(), delimiter=';'))
    assert rows == [['epoch', 'acc', 'val_loss', 'vector'], ['0', '0.5', '3.0', '"[1, 2]"'],
                    ['1', '0.5', '2.0', '"[1, 2]"'], ['0', '0.25', '1.0', '"[3]"']]


def test_csv_logger_writes_na_for_what_is_missing(tmp_path):
    logger = callbacks.CSVLogger(tmp_path / 'log.csv')
    logger.set_model(Model())
    logger.on_train_begin()
    logger.on_epoch_end(0, {'loss': 1.0, 'val_loss': 2.0})
    logger.on_epoch_end(1, {'loss': 1.0})
    logger.on_train_end()
    assert (tmp_path / 'log.csv').read_text().splitlines()[-1] == '1,1.0,NA'


# ---- stopping and rates
@pytest.mark.parametrize('kwargs, monitor, values, stop', [
    ({}, 'val_loss', [3, 2, 2, 1], 2),
    ({'patience': 2}, 'val_loss', [3, 2, 2, 1, 1, 1, 1], 5),
    ({'min_delta': 0.5}, 'val_loss', [3, 2, 1.6, 1], 2),
    ({'monitor': 'val_acc'}, 'val_acc', [1, 2, 3, 3, 4], 3),
    ({'monitor': 'val_accuracy'}, 'val_acc', [1, 2, 3, 3, 4], 3),
    ({'monitor': 'gain', 'mode': 'max'}, 'gain', [1, 2, 1], 2),
    ({'baseline': 2.0}, 'val_loss', [3, 1], 0),
    ({'baseline': 4.0}, 'val_loss', [3, 2, 1], None),
    ({'start_from_epoch': 3}, 'val_loss', [1, 2, 3, 4, 5], 4),
])
def test_early_stopping(kwargs, monitor, values, stop):
    stopping = callbacks.EarlyStopping(**kwargs)
    model, _ = run(stopping, values, monitor=monitor)
    assert model.stop_training == (stop is not None)
    assert stopping.stopped_epoch == (stop or 0)


def test_early_stopping_restores_the_best(capsys):
    stopping = callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    model, _ = run(stopping, [3, 1, 2, 2])
    assert model.weights == 1 and stopping.best == 1
    assert capsys.readouterr().out == ('Restoring model weights from the end of the best epoch\n'
                                       'Epoch 00004: early stopping\n')
    model, _ = run(callbacks.EarlyStopping(baseline=0.5, patience=2, restore_best_weights=True), [3, 1])
    assert model.weights == 0


def test_early_stopping_can_be_used_again():
    stopping = callbacks.EarlyStopping()
    run(stopping, [1, 1])
    model, _ = run(stopping, [5, 4, 3])
    assert not model.stop_training


@pytest.mark.parametrize('callback', [callbacks.EarlyStopping(), callbacks.ReduceLROnPlateau(),
                                      callbacks.ModelCheckpoint('x', save_best_only=True)])
def test_a_missing_quantity_is_reported(callback):
    with pytest.warns(RuntimeWarning, match="no 'val_loss'.*'loss'"):
        run(callback, [1.0], monitor='loss')


@pytest.mark.parametrize('make', [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau,
                                  lambda mode: callbacks.ModelCheckpoint('x', mode=mode)])
def test_an_unknown_mode_is_reported(make):
    with pytest.warns(RuntimeWarning, match="unknown mode 'up'"):
        assert make(mode='up').mode == 'auto'


@pytest.mark.parametrize('kwargs, values, rates', [
    ({'patience': 2, 'factor': 0.5}, [3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.25]),
    ({'patience': 1, 'factor': 0.5, 'cooldown': 2}, [3, 3, 3, 3, 3], [1, 0.5, 0.5, 0.25, 0.25]),
    ({'patience': 1, 'factor': 0.5, 'min_lr': 0.4}, [3, 3, 3, 3], [1, 0.5, 0.4, 0.4]),
    ({'patience': 1, 'factor': 0.5, 'min_delta': 0.2}, [3, 2.9, 2.7], [1, 0.5, 0.5]),
    ({'patience': 1, 'factor': 0.5, 'mode': 'max'}, [1, 2, 3], [1, 1, 1]),
])
def test_reduce_on_plateau(kwargs, values, rates):
    assert run(callbacks.ReduceLROnPlateau(**kwargs), values)[1] == pytest.approx(rates)


def test_reduce_on_plateau_arguments(capsys):
    with pytest.raises(ValueError, match='below 1, got 1.0'):
        callbacks.ReduceLROnPlateau(factor=1.0)
    with pytest.raises(TypeError, match='patients'):
        callbacks.ReduceLROnPlateau(patients=1)
    with pytest.warns(UserWarning, match='min_delta'):
        assert callbacks.ReduceLROnPlateau(epsilon=0.25).min_delta == 0.25
    history = callbacks.History()
    reduce = callbacks.ReduceLROnPlateau(patience=1, verbose=1)
    model = Model(0.5)
    calls = CallbackList([reduce, history], model=model)
    calls.on_train_begin()
    for epoch in range(3):
        calls.on_epoch_end(epoch, Logs(val_loss=1.0))
    assert history.history['lr'] == history.history['learning_rate'] == pytest.approx([0.5, 0.5, 0.05])
    assert 'Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.05.' in capsys.readouterr().out


def test_schedules(capsys):
    by_epoch = callbacks.LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1))
    assert run(by_epoch, [0] * 3)[1] == pytest.approx([1, 0.5, 1 / 3])
    assert run(callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.5, verbose=1), [0] * 2)[1] == [0.5, 0.25]
    assert 'Epoch 00002: LearningRateScheduler setting learning rate to 0.25.' in capsys.readouterr().out
    with pytest.raises(ValueError, match="must give a float, got 'fast'"):
        run(callbacks.LearningRateScheduler(lambda epoch: 'fast'), [0])
    with pytest.raises(TypeError, match='expected a function'):
        callbacks.LearningRateScheduler(0.1)


def test_a_rate_in_single_precision_reads_as_it_was_written():
    from fastkeras.callbacks.schedule import get_rate, set_rate

    class Variable:
        value = np.float32(0.1)

        def numpy(self):
            return self.value

        def assign(self, value):
            self.value = np.float32(value)

    model = Model(Variable())
    assert get_rate(model) == 0.1
    set_rate(model, 0.3)
    assert get_rate(model) == 0.3
    with pytest.raises(ValueError, match='no learning rate'):
        get_rate(object())


def test_terminate_on_nan(capsys):
    model = Model()
    calls = CallbackList([callbacks.TerminateOnNaN()], model=model)
    calls.on_batch_end(0, {'loss': 1.0})
    assert not model.stop_training
    calls.on_batch_end(7, {'loss': float('inf')})
    assert model.stop_training and capsys.readouterr().out == 'Batch 7: Invalid loss, terminating training\n'
    with pytest.raises(RuntimeError, match='Batch 7'):
        CallbackList([callbacks.TerminateOnNaN(raise_error=True)]).on_batch_end(7, {'loss': float('nan')})


# ---- checkpoints
@pytest.mark.parametrize('kwargs, saved', [
    ({}, [1, 2, 3, 4, 5]),
    ({'period': 2}, [2, 4]),
    ({'save_best_only': True}, [1, 2, 4]),
    ({'save_best_only': True, 'period': 2}, [2, 4]),
    ({'save_best_only': True, 'mode': 'max'}, [1, 3]),
    ({'save_best_only': True, 'initial_value_threshold': 1.5}, [4]),
])
def test_checkpoints(kwargs, saved):
    model, _ = run(callbacks.ModelCheckpoint('m{epoch}', **kwargs), [3.0, 2.0, 4.0, 1.0, 2.0])
    assert model.saved == [('model', f'm{e}') for e in saved]


def test_names_of_checkpoints():
    name = 'w.{epoch:02d}-{val_loss:.2f}-{val_accuracy:.1f}.hdf5'
    model, _ = run(callbacks.ModelCheckpoint(name, save_weights_only=True), [0.125], val_acc=0.5)
    assert model.saved == [('weights', 'w.01-0.12-0.5.hdf5')]
    with pytest.raises(ValueError, match="asks for 'val_auc'.*'val_loss'"):
        run(callbacks.ModelCheckpoint('{val_auc}'), [1.0])


def test_checkpoints_say_what_they_do(capsys):
    run(callbacks.ModelCheckpoint('m', verbose=1, save_best_only=True), [2.0, 3.0])
    run(callbacks.ModelCheckpoint('m', verbose=1), [2.0])
    assert capsys.readouterr().out == (
        '\nEpoch 00001: val_loss improved from inf to 2.00000, saving model to m\n'
        '\nEpoch 00002: val_loss did not improve from 2.00000\n'
        '\nEpoch 00001: saving model to m\n')


def test_checkpoints_by_batches():
    model = Model()
    calls = CallbackList([callbacks.ModelCheckpoint('m{epoch}-{batch}', save_freq=2)], model=model)
    for epoch in range(2):
        calls.on_epoch_begin(epoch)
        for batch in range(3):
            calls.on_batch_end(batch, Logs(loss=1.0))
        calls.on_epoch_end(epoch, Logs(loss=1.0))
    assert [p for _, p in model.saved] == ['m1-2', 'm2-1', 'm2-3']
    with pytest.raises(ValueError, match='save_freq'):
        callbacks.ModelCheckpoint('m', save_freq='batch')
