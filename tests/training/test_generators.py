"""Generators, Sequences and iterables in fit, evaluate and predict, and in their siblings for generators."""

import inspect
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras.callbacks import LambdaCallback
from fastkeras.layers import Dense
from fastkeras.models import Model, Sequential
from fastkeras.utils import Sequence

from .models_for_tests import LABELS, ONE_HOT, X, Y, classifier, regressor, same_weights, seeded, two_by_two

READING = [{'workers': 0}, {'workers': 1}, {'workers': 3, 'max_queue_size': 2},
           {'workers': 2, 'use_multiprocessing': True}, {}]
names = ['here', 'one', 'three', 'processes', 'free']


def alive():
    """Threads and processes of readers that there are now."""
    return [t for t in threading.enumerate() if 'fastkeras' in t.name] + multiprocessing.active_children()


@pytest.fixture(autouse=True)
def nothing_stays():
    yield
    assert not alive()


class Batches(Sequence):
    """The 40 samples, 8 at a time. read: called with each index. The samples move on by one at each epoch's end."""

    def __init__(self, read=lambda k: None, moves=False):
        self.read, self.moves, self.ends = read, moves, 0

    def __getitem__(self, k):
        self.read(k)
        at = (np.arange(8 * k, 8 * k + 8) + self.moves * self.ends) % 40
        return X[at], Y[at]

    def __len__(self):
        return 5

    def on_epoch_end(self):
        self.ends += 1


def forever():
    while True:
        yield from Batches()


def test_signatures():
    def order(method):
        return [*inspect.signature(method).parameters][1:]
    assert order(Model.fit_generator)[:13] == [
        'generator', 'steps_per_epoch', 'epochs', 'verbose', 'callbacks', 'validation_data', 'validation_steps',
        'class_weight', 'max_queue_size', 'workers', 'use_multiprocessing', 'shuffle', 'initial_epoch']
    assert order(Model.evaluate_generator) == order(Model.predict_generator) == [
        'generator', 'steps', 'max_queue_size', 'workers', 'use_multiprocessing', 'verbose']


@pytest.mark.parametrize('reading', READING, ids=names)
def test_they_agree_with_fit_evaluate_and_predict(reading):
    a, b, c = regressor(), regressor(), regressor()
    want = a.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y)).history
    got = b.fit_generator(Batches(), None, 2, verbose=0, shuffle=False, validation_data=Batches(), **reading).history
    if 'use_multiprocessing' not in reading:
        same = c.fit(forever(), steps_per_epoch=5, epochs=2, verbose=0, validation_data=forever(), validation_steps=5,
                     **reading).history
        assert same == got
    for name in ('loss', 'val_loss'):
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5)
    loss = pytest.approx(a.evaluate(X, Y, verbose=0), rel=1e-5)
    assert b.evaluate_generator(Batches(), **reading) == loss and b.evaluate(Batches(), verbose=0, **reading) == loss
    np.testing.assert_array_equal(b.predict_generator(Batches(), **reading), b.predict(X))
    np.testing.assert_array_equal(b.predict(Batches(), **reading), b.predict(X))
    if 'use_multiprocessing' not in reading:
        assert b.evaluate_generator(forever(), 5, **reading) == loss
        np.testing.assert_array_equal(b.predict_generator(forever(), 5, **reading), b.predict(X))
    assert b.fit_generator(Batches(), epochs=3, initial_epoch=2, verbose=0, **reading).epoch == [2]


def test_arguments_by_position():
    a, b = regressor(), regressor()
    a.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    weights = {0: 1.0}
    b.fit_generator(forever(), 5, 3, 0, [], forever(), 5, None, 3, 1, False, True, 1)
    same_weights(a, b)
    with pytest.raises(ValueError, match='no classes'):
        b.fit_generator(forever(), 5, 3, 0, [], None, None, weights)
    assert b.evaluate_generator(forever(), 5, 3, 1, False, 0) == b.evaluate_generator(Batches(), None, 3, 0)


@pytest.mark.parametrize('reading', READING, ids=names)
def test_what_an_epoch_changes_reaches_the_workers(reading):
    losses = []
    for kwargs in ({'workers': 0}, reading):
        np.random.seed(2)
        model, batches = regressor(), Batches(moves=True)
        move = LambdaCallback(on_epoch_end=lambda epoch, logs, b=batches: setattr(b, 'ends', b.ends + epoch))
        losses.append(model.fit_generator(batches, epochs=4, verbose=0, callbacks=[move],
                                          **kwargs).history['loss'])
        assert batches.ends == 4 + 0 + 1 + 2 + 3
    assert losses[0] == losses[1]


def test_nothing_is_read_beyond_the_end_of_an_epoch():
    model = regressor()
    source = (batch for _ in range(100) for batch in Batches())
    counts = []
    model.fit(source, steps_per_epoch=3, epochs=2, verbose=0, workers=1)
    after = model.predict(next(source)[0])
    np.testing.assert_array_equal(after, model.predict(X[8:16]))    # six were taken, so this is the seventh
    read = []
    model.fit(Batches(read.append), epochs=3, verbose=0, workers=2,
              callbacks=[LambdaCallback(on_epoch_end=lambda *a: counts.append(len(read)))])
    assert counts == [5, 10, 15]


def test_a_generator_needs_a_number_of_steps():
    model = regressor()
    with pytest.raises(ValueError, match='steps_per_epoch.*no length'):
        model.fit_generator(forever(), verbose=0)
    with pytest.raises(ValueError, match='validation_steps.*no length'):
        model.fit_generator(forever(), 5, verbose=0, validation_data=forever())
    for method in (model.evaluate, model.evaluate_generator, model.predict, model.predict_generator):
        with pytest.raises(ValueError, match='steps.*no length'):
            method(forever())

    class Endless(Batches):
        num_batches = None
    with pytest.raises(ValueError, match='steps_per_epoch.*no end'):
        model.fit(Endless(), verbose=0)


def test_a_fraction_of_a_step_is_one_more():
    """`len(x) / batch_size`: the documentation of Keras 2 (preprocessing/image) has it, and Python 3 makes it a fraction."""
    taken = []
    batches = ((taken.append(k), (X[:16], Y[:16]))[1] for k in itertools.count())
    model = regressor()
    model.fit_generator(batches, steps_per_epoch=40 / 16, epochs=2, validation_data=forever(), validation_steps=0.5,
                        verbose=0)
    assert taken == list(range(6))
    assert len(model.predict_generator(itertools.repeat(X[:16]), steps=np.float32(1.5))) == 32
    model.evaluate_generator(forever(), steps=np.ceil(1.5))


def test_what_can_be_iterated_over():
    class Loader:
        def __iter__(self):
            return iter(Batches())

    class Sized(Loader):
        def __len__(self):
            return 5
    for source in (Loader(), Sized()):
        a, b = regressor(), regressor()
        a.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        b.fit(source, epochs=2, verbose=0, validation_data=Loader())
        same_weights(a, b)
        assert b.evaluate(source, verbose=0) == pytest.approx(a.evaluate(X, Y, verbose=0), rel=1e-6)
        np.testing.assert_array_equal(b.predict(source), b.predict(X))
    c = regressor()
    c.fit(itertools.chain(forever()), steps_per_epoch=5, epochs=2, verbose=0)
    same_weights(a, c)


@pytest.mark.parametrize('reading', [r for r in READING if 'use_multiprocessing' not in r])
def test_a_generator_that_ends_early(reading):
    model = regressor()
    ends = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(epoch),
                           on_train_end=lambda logs: ends.append('end'))
    with pytest.warns(UserWarning, match=r'ran out of data after 2 of the 5 batches of epoch 2.* 15 batches in all'):
        history = model.fit(iter([*Batches(), *Batches()][:7]), steps_per_epoch=5, epochs=3, verbose=0,
                            callbacks=[watch], validation_data=(X, Y), **reading)
    assert ends == [0, 1, 'end'] and len(history.history['loss']) == len(history.history['val_loss']) == 2
    with pytest.warns(UserWarning, match='after 0 of the 5 batches of epoch 2'):
        assert model.fit(iter(Batches()), steps_per_epoch=5, epochs=3, verbose=0, **reading).epoch == [0]
    with pytest.warns(UserWarning, match='evaluate: .* after 5 of 6 batches'):
        want = model.evaluate(Batches(), verbose=0)
        assert model.evaluate(iter(Batches()), steps=6, verbose=0, **reading) == want
    with pytest.warns(UserWarning, match='predict: .* after 5 of 6 batches'):
        assert len(model.predict(iter(Batches()), steps=6, **reading)) == 40
    with pytest.warns(UserWarning, match='after 0 of 5'):
        history = model.fit(X, Y, epochs=2, verbose=0, validation_data=iter(Batches()), validation_steps=5).history
    assert len(history['loss']) == 2 and len(history['val_loss']) == 1
    for method in (model.evaluate, model.predict):
        with pytest.warns(UserWarning), pytest.raises(ValueError, match='before its first batch'):
            method(iter(()), steps=2)


@pytest.mark.parametrize('reading', READING, ids=names)
def test_errors_of_a_worker_end_the_training(reading):
    def fail(k):
        if k == 3:
            raise LookupError('no such file')
    model = regressor()
    for run in (lambda: model.fit(Batches(fail), verbose=0, shuffle=False, **reading),
                lambda: model.evaluate(Batches(fail), verbose=0, **reading),
                lambda: model.predict(Batches(fail), **reading),
                lambda: model.fit(Batches(), verbose=0, validation_data=Batches(fail), **reading)):
        with pytest.raises(LookupError, match='no such file') as e:
            run()
        assert 'in fail' in ''.join(traceback.format_exception(e.value))
        assert not alive()


@pytest.mark.parametrize('reading', READING, ids=names)
def test_all_workers_end_when_training_ends_early(reading):
    model = regressor()
    present = []

    def stop(k, logs):
        present.append(len(alive()))
        if k == 1:
            model.stop_training = True

    def fail(k, logs):
        raise KeyboardInterrupt
    history = model.fit_generator(Batches(), epochs=3, verbose=0, callbacks=[LambdaCallback(on_batch_end=stop)],
                                  **reading)
    assert len(history.history['loss']) == 1 and not alive()
    assert len(present) == 2
    for method, hook in ((model.fit, 'on_train_batch_end'), (model.evaluate, 'on_test_batch_end'),
                         (model.predict, 'on_predict_batch_end')):
        with pytest.raises(KeyboardInterrupt):
            method(Batches(), verbose=0, callbacks=[LambdaCallback(**{hook: fail})], **reading)
        assert not alive()


CTRL_C = '''
import multiprocessing, os, signal, sys, threading
import numpy as np
from tests.training.test_generators import Batches, alive
from tests.training.models_for_tests import regressor

def read(k):
    if k == 3:
        print('waiting', flush=True)
        threading.Event().wait(%s)

def forever():
    while True:
        yield from Batches(read)

source, reading = %s
try:
    regressor().fit(source, verbose=0, shuffle=False, steps_per_epoch=5, **reading)
except KeyboardInterrupt:
    print('interrupted', len(alive()), flush=True)
'''


@pytest.mark.parametrize('source, wait', [
    ("Batches(read), {'workers': 2}", 0.3), ("forever(), {'workers': 1}", 0.3),
    ("Batches(read), {'workers': 2, 'use_multiprocessing': True}", 600)], ids=['threads', 'generator', 'processes'])
def test_ctrl_c(source, wait):
    root = str(Path(fastkeras.__file__).parents[1])
    process = subprocess.Popen([sys.executable, '-c', CTRL_C % (wait, source)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, cwd=root, start_new_session=True,
                               env={**os.environ, 'PYTHONPATH': root})
    try:
        assert process.stdout.readline() == 'waiting\n'
        os.killpg(process.pid, signal.SIGINT)       # as a terminal does: to the children, too
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert out == 'interrupted 0\n', (out, err)
    assert err == '' and process.returncode == 0
    with pytest.raises(ProcessLookupError):     # nobody of its group is left
        os.killpg(process.pid, 0)


@pytest.mark.parametrize('reading', READING, ids=names)
def test_a_source_may_use_its_buffers_again(reading):
    class Reused(Batches):
        buffers = np.empty((8, 4), 'float32'), np.empty((8, 1), 'float32'), np.empty(8, 'float32')

        def __getitem__(self, k):
            x, y = super().__getitem__(k)
            for buffer, values in zip(self.buffers, (x, y, k + 1.0)):
                buffer[:] = values
            return self.buffers

    def reuse():
        while True:
            yield from Reused()
    if reading.get('workers', 1) > 1 and 'use_multiprocessing' not in reading:
        reading = {**reading, 'workers': 1}     # several threads in one buffer are beyond help
    a, b, c = regressor(), regressor(), regressor()
    a.fit(X, Y, 8, 3, shuffle=False, verbose=0, sample_weight=np.repeat(np.arange(1.0, 6), 8))
    b.fit(Reused(), epochs=3, shuffle=False, verbose=0, **reading)
    same_weights(a, b)
    if 'use_multiprocessing' not in reading:
        c.fit(reuse(), steps_per_epoch=5, epochs=3, verbose=0, **reading)
        same_weights(a, c)


@pytest.mark.parametrize('reading', [{}, {'workers': 2}])
def test_batches_of_all_kinds(reading):
    # by name, of several sizes, with weights in some
    a, b = two_by_two(), two_by_two()
    cuts = [(0, 10), (10, 13), (13, 40)]

    def batch(a, z, weights):
        x = {'left': X[a:z], 'right': X[a:z, :2]}
        y = {'kind': ONE_HOT[a:z], 'size': Y[a:z]}
        return (x, y, {'kind': np.full(z - a, 2.0), 'size': np.ones(z - a)}) if weights else (x, y)
    batches = [batch(*cut, weights=i == 1) for i, cut in enumerate(cuts)]
    for x, y, *w in batches:
        a.train_on_batch([x['left'], x['right']], [y['kind'], y['size']], *w)
    history = b.fit(iter(batches), steps_per_epoch=3, verbose=0, **reading).history
    same_weights(a, b)
    assert sorted(history) == ['kind_loss', 'loss', 'size_loss']
    want = b.predict([X, X[:, :2]])
    for got, w in zip(b.predict((x for x, *_ in batches), steps=3, **reading), want):
        np.testing.assert_array_equal(got, w)
    # class weights count where a batch has no weights of its own
    c, d = classifier(), classifier()
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    c.fit(X, ONE_HOT, 10, shuffle=False, verbose=0, class_weight=weights)
    d.fit_generator(((X[k:k + 10], ONE_HOT[k:k + 10]) for k in range(0, 40, 10)), 4, class_weight=weights, verbose=0,
                    **reading)
    same_weights(c, d)
    e = classifier()
    own = np.array([weights[k] for k in LABELS])
    e.fit(((X[k:k + 10].tolist(), ONE_HOT[k:k + 10].astype('float64'), own[k:k + 10]) for k in range(0, 40, 10)),
          steps_per_epoch=4, verbose=0, **reading)
    same_weights(c, e)


@pytest.mark.parametrize('reading', [{}, {'workers': 2}])
@pytest.mark.parametrize('item, words', [
    (X, ['(x, y)', 'array of shape (40, 4)']), ((X,), ['tuple `(x, y, sample_weight)` or `(x, y)`', 'a tuple of 1']),
    (None, ['(x, y)', 'None']), ({'x': X}, ['(x, y)', "'x'"]), ((X, Y, Y, Y), ['a tuple of 4']),
    ((X[:, :3], Y), ['input', '(samples, 4)', '(40, 3)']), ((X, Y[:3]), ['same number of samples']),
    ((X, Y, np.ones(3)), ['sample_weight', '(3,)'])])
def test_a_generator_that_gives_wrong_things(item, words, reading):
    with pytest.raises(ValueError) as e:
        regressor().fit(iter([item]), steps_per_epoch=1, verbose=0, **reading)
    assert all(word in str(e.value) for word in words), str(e.value)


@pytest.mark.parametrize('kwargs, words', [
    ({'workers': -1}, ['workers', 'at least 0', '-1']), ({'workers': 1.5}, ['1.5']), ({'workers': True}, ['True']),
    ({'max_queue_size': -1}, ['max_queue_size', 'at least 0']), ({'max_queue_size': 'many'}, ["'many'"]),
    ({'use_multiprocessing': 'yes'}, ['use_multiprocessing', 'True or False', "'yes'"])])
def test_arguments_of_the_queue(kwargs, words):
    model = regressor()
    for method in (model.fit, model.evaluate, model.predict, model.fit_generator, model.evaluate_generator):
        with pytest.raises(ValueError) as e:
            method(Batches(), verbose=0, **kwargs)
        assert all(word in str(e.value) for word in words), str(e.value)
    with pytest.raises(TypeError, match="'worker'"):
        model.predict(Batches(), worker=1)


def test_a_sequence_says_how_it_is_read():
    threads = set()

    class Own(Batches):
        def __init__(self):
            super().__init__(lambda k: threads.add(threading.current_thread()))
            Sequence.__init__(self, workers=2, max_queue_size=4)
    regressor().fit(Own(), verbose=0)
    assert threads and threading.main_thread() not in threads
    threads.clear()
    regressor().fit(Own(), verbose=0, workers=0)
    assert threads == {threading.main_thread()}


def test_a_model_is_built_from_the_first_batch():
    for source in (Batches(), forever(), iter(Batches())):
        model = Sequential([Dense(1, kernel_initializer='ones')])
        model.compile('sgd', 'mse')
        history = model.fit(source, steps_per_epoch=5, epochs=1, verbose=0, shuffle=False).history
        want = Sequential([Dense(1, kernel_initializer='ones', input_shape=(4,))])
        want.compile('sgd', 'mse')
        assert history['loss'] == pytest.approx(want.fit(X, Y, 8, shuffle=False, verbose=0).history['loss'], rel=1e-6)
    with pytest.raises(ValueError, match='at least one batch'):
        Sequential([Dense(1)]).predict(iter(()), steps=1)


def test_a_sequence_without_batches():
    class Empty(Batches):
        def __len__(self):
            return 0
    for steps in (None, 1):
        with pytest.raises(ValueError, match='Empty: expected a Sequence of at least one batch'):
            regressor().fit(Empty(), steps_per_epoch=steps, verbose=0)


def test_a_model_with_a_loss_of_its_own_needs_no_targets():
    def make():
        model = Sequential([Dense(1, input_shape=(4,))])
        model.add_loss(fastkeras.ops.mean(model.output ** 2))
        model.compile('sgd')
        return seeded(model)
    a, b = make(), make()
    a.fit(X, batch_size=8, shuffle=False, verbose=0)
    b.fit((x if k % 2 else (x,) for k, (x, _) in enumerate(Batches())), steps_per_epoch=5, verbose=0)
    same_weights(a, b)


def test_words_of_keras_1():
    with pytest.warns(UserWarning, match='fit_generator'):
        history = regressor().fit_generator(forever(), samples_per_epoch=5, nb_epoch=2, verbose=0, nb_worker=2,
                                            max_q_size=3)
    assert len(history.history['loss']) == 2


@pytest.mark.parametrize('workers, size', [(1, 1), (2, 3)])
def test_no_more_is_read_ahead_than_max_queue_size(workers, size):
    read, most = [], []
    full = threading.Event()

    def note(k):
        read.append(k)
        if len(read) >= min(len(most) + 1 + size, 5):
            full.set()

    def wait(k, logs):      # batch k is in use: as many as the queue holds are begun beside it, and no more
        assert full.wait(30)
        most.append(len(read))
        full.clear()
        if len(read) == 5:
            full.set()
    regressor().fit(Batches(note), verbose=0, shuffle=False, workers=workers, max_queue_size=size,
                    callbacks=[LambdaCallback(on_batch_begin=wait)])
    assert most == [min(k + 1 + size, 5) for k in range(5)]


@pytest.mark.parametrize('reading', READING, ids=names)
def test_validation_data_of_a_sequence(reading):
    """Looked at batch by batch, in order, with its hooks between the epochs; validation_steps of them where given."""
    model, held = regressor(), Batches(moves=True)
    logs = model.fit(X, Y, epochs=3, verbose=0, shuffle=False, validation_data=held, **reading).history
    assert held.ends == 3 and logs['val_loss'][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-6)
    short = Batches()
    losses = model.fit(Batches(), epochs=1, verbose=0, validation_data=short, validation_steps=2, **reading).history
    assert losses['val_loss'] == pytest.approx([model.evaluate(X[:16], Y[:16], verbose=0)], rel=1e-6)
    assert short.ends == 0
    freq = Batches()
    model.fit_generator(Batches(), epochs=4, verbose=0, validation_data=freq, validation_freq=2, **reading)
    assert freq.ends == 2


def test_the_order_does_not_depend_on_how_batches_are_read():
    """By one seed, whatever the workers: of the whole training with validation, and of what is drawn after it."""
    seen = set()
    for reading in READING:
        np.random.seed(6)
        model = regressor()
        logs = model.fit(Batches(), epochs=3, verbose=0, validation_data=Batches(), **reading).history
        seen.add((*logs['loss'], *logs['val_loss'], np.random.random()))
    assert len(seen) == 1
