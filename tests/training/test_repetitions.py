"""Training again and again, with threads, with processes and with none: the same batches for a seed, and nothing that
stays behind, also where it is broken off.

    python -m pytest -s -m slow tests/training/test_repetitions.py     # 50 repetitions of 20 epochs; prints what was seen
"""

import contextlib
import faulthandler
import hashlib
import itertools
import multiprocessing
import os
import threading
import time
from collections import Counter

import numpy as np
import pytest

from fastkeras.callbacks import Callback, LambdaCallback
from fastkeras.layers import Dense, Flatten
from fastkeras.models import Sequential
from fastkeras.preprocessing.image import ImageDataGenerator, save_img
from fastkeras.training.batches import GivenBatches
from fastkeras.utils import Sequence

HANGS = 300     # seconds after which a single training is taken to hang: all stacks are printed and the process ends
READING = {'in the step': {'workers': 0}, '1 thread': {'workers': 1}, '3 threads': {'workers': 3, 'max_queue_size': 2},
           '1 process': {'workers': 1, 'use_multiprocessing': True},
           '3 processes': {'workers': 3, 'max_queue_size': 4, 'use_multiprocessing': True}}
STEPS = 5       # of an epoch
IMAGES = np.random.RandomState(0).randint(0, 256, (22, 6, 6, 3)).astype(np.uint8)
LABELS = np.arange(22.0)[:, np.newaxis]
FOLDER = None


class Noisy(Sequence):
    """Batches that depend on the index and on the number of epochs before; with noise from the state of its own."""

    def __init__(self):
        super().__init__()
        self.epoch = 0

    def __len__(self):
        return STEPS

    def __getitem__(self, k):
        random = np.random.RandomState(100 * self.epoch + k)
        rows = random.randint(0, 22, 4)
        return IMAGES[rows] + random.normal(size=(4, 6, 6, 3)), LABELS[rows]

    def on_epoch_end(self):
        self.epoch += 1


def noisy():
    return Noisy()


def generator():
    """The same batches from a generator."""
    source = Noisy()
    while True:
        yield from source
        source.on_epoch_end()


def varied():
    return ImageDataGenerator(rotation_range=30, zoom_range=0.2, horizontal_flip=True, brightness_range=(0.5, 1.0))


def images():
    """Images of an array, in an order and changed in ways that are drawn for each epoch."""
    return varied().flow(IMAGES, LABELS, batch_size=5, seed=7)


def folder():
    """Images of files, likewise."""
    return varied().flow_from_directory(FOLDER, target_size=(6, 6), class_mode='binary', batch_size=5, seed=7)


def model():
    net = Sequential([Flatten(input_shape=(6, 6, 3)), Dense(1, kernel_initializer='zeros')])
    net.compile('sgd', 'mae')
    return net


class Broken(Exception):
    """What is raised on purpose."""


class Failing(Sequence):
    """Another Sequence, whose batch 2 cannot be read once so many epochs are over."""

    def __init__(self, source, epochs):
        super().__init__()
        self.source, self.left = source, epochs

    def __len__(self):
        return len(self.source)

    def __getitem__(self, k):
        if not self.left and k == 2:
            raise Broken('here')
        return self.source[k]

    def on_epoch_end(self):
        self.left -= 1
        self.source.on_epoch_end()


def failing(source, epochs):
    """What gives the batches of `source` until, after so many epochs, one cannot be read."""
    return Failing(source, epochs) if isinstance(source, Sequence) else _failing(source, STEPS * epochs + 2)


def _failing(source, batches):
    yield from itertools.islice(source, batches)
    raise Broken('here')


def on_batch(error, at=12):
    """A callback that raises at the batch of this number."""
    left = iter(range(at))

    def act(k, logs):
        if next(left, None) is None:
            raise error
    return LambdaCallback(on_train_batch_end=act)


@pytest.fixture(scope='module', autouse=True)
def files(tmp_path_factory):
    """The images as files of two classes."""
    global FOLDER
    FOLDER = tmp_path_factory.mktemp('images')
    for i, image in enumerate(IMAGES):
        path = FOLDER / 'ab'[i % 2] / f'{i}.jpg'
        path.parent.mkdir(exist_ok=True)
        save_img(path, image)


# ---- what there is
def present():
    """(number of threads, of child processes, of open files) of this process, as the system counts them, too."""
    files = len(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else 0
    return len(threading.enumerate()), len(multiprocessing.active_children()) + len(children()), files


def children():
    """Processes of which this is the parent, by /proc, whatever made them; those that have ended and were not waited for
    count."""
    found = []
    for name in os.listdir('/proc') if os.path.isdir('/proc/self') else ():
        if name.isdigit():
            with contextlib.suppress(OSError), open(f'/proc/{name}/stat') as f:
                if int(f.read().rpartition(')')[2].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


@pytest.fixture(autouse=True)
def guard():
    """A test that leaves something fails."""
    before = present()
    yield
    faulthandler.cancel_dump_traceback_later()
    after = present()
    assert after[:2] == before[:2] and after[2] <= before[2] + 2, (before, after)


@pytest.fixture
def digest(monkeypatch):
    """Called, gives the digest of all batches that steps were given since the last call, and their number."""
    state = [hashlib.sha256(), 0]
    epoch = GivenBatches.epoch

    def digested(self):
        with contextlib.closing(epoch(self)) as batches:
            for arrays, size in batches:
                for a in arrays:
                    state[0].update(f'{a.shape}{a.dtype}'.encode() + a.tobytes())
                state[1] += 1
                yield arrays, size
    monkeypatch.setattr(GivenBatches, 'epoch', digested)

    def take():
        got = state[0].hexdigest(), state[1]
        state[:] = hashlib.sha256(), 0
        return got
    return take


# ---- the runs. make: a function that makes a source anew
def fit(source, epochs, reading, **kwargs):
    net = model()
    net.fit(source, steps_per_epoch=STEPS, epochs=epochs, verbose=0, **reading, **kwargs)
    return net


def whole(make, epochs, reading):
    np.random.seed(3)
    net = fit(make(), epochs, reading, validation_data=make(), validation_steps=STEPS)
    return net.get_weights()[0].tobytes()


def error_of_a_batch(make, epochs, reading):
    with pytest.raises(Broken, match='here'):
        fit(failing(make(), epochs // 2), epochs, reading)


def error_of_a_callback(make, epochs, reading):
    with pytest.raises(Broken, match='there'):
        fit(make(), epochs, reading, callbacks=[on_batch(Broken('there'))])


def interrupted(make, epochs, reading):
    """As by Ctrl-C, in the middle of an epoch."""
    with pytest.raises(KeyboardInterrupt):
        fit(make(), epochs, reading, callbacks=[on_batch(KeyboardInterrupt())])


def stopped(make, epochs, reading):
    class Stop(Callback):
        def on_train_batch_end(self, k, logs=None):
            self.model.stop_training = k == 1
    assert fit(make(), epochs, reading, callbacks=[Stop()]).history.epoch == [0]


RUNS = [whole, error_of_a_batch, error_of_a_callback, interrupted, stopped]


def repeat(run, make, repetitions, epochs, digest):
    """Run so often in each way of reading; all of it must have ended each time, and the whole runs must have trained by
    the same batches to the same weights. Prints what there was."""
    ways, before, begin = SOURCES[make], present(), time.perf_counter()
    seen, total = Counter(), 0
    for _ in range(repetitions):
        for way in ways:
            faulthandler.dump_traceback_later(HANGS, exit=True)
            weights = run(make, epochs, READING[way])
            after = present()
            assert after[:2] == before[:2] and after[2] <= before[2] + 2, (way, before, after)
            batches, n = digest()
            total += n
            if run is whole:
                seen[batches, weights] += 1
    print(f'{make.__name__}, {run.__name__}: {repetitions} repetitions of {epochs} epochs in each of {len(ways)} ways '
          f'({", ".join(ways)}): {total} batches' + f', {len(seen)} digest(s) of them' * (run is whole) +
          f'; threads {before[0]} -> {after[0]}, child processes {before[1]} -> {after[1]}, open files {before[2]} -> '
          f'{after[2]}, {time.perf_counter() - begin:.1f} s', flush=True)
    assert len(seen) == (run is whole)


# a generator is read by one thread at most
SOURCES = {noisy: [*READING], images: [*READING], folder: [*READING], generator: [*READING][:3]}


each = pytest.mark.parametrize('run, make', [(r, m) for r in RUNS for m in SOURCES], ids=lambda f: f.__name__)


@each
def test_a_few(run, make, digest):
    repeat(run, make, 1, 4, digest)


@pytest.mark.slow
@each
def test_fifty_repetitions_of_twenty_epochs(run, make, digest):
    repeat(run, make, 50, 20, digest)
