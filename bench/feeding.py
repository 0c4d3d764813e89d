"""Training from a folder of photos beside training on one and the same batch: what the generator costs a step.

    python -m bench images --only feeding

The cats and dogs below FASTKERAS_ARTIFACTS, or as many pictures of the same sizes that are made up; the network of
examples/finetune_1_small_convnet.py. Rounds of one epoch take turns; the first three of each, in which images are decoded
for the first times, are not counted.
"""
import contextlib
import io
import os
import statistics
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from bench.cases import matches
from bench.report import quantity

BATCH, SIDE, COUNT = 20, 150, 200
WARM, ROUNDS = 3, 9
BOUND = 1.10    # of the step on a fixed batch


@contextlib.contextmanager
def photos():
    """A folder with a folder for each of two classes, of 200 JPEG files in all, which lasts as long as the context."""
    real = Path(os.environ.get('FASTKERAS_ARTIFACTS', '../shared/artifacts'), 'data', 'cats_dogs_200_80.zip')
    with tempfile.TemporaryDirectory() as where:
        if real.exists():
            with zipfile.ZipFile(real) as file:
                file.extractall(where)
            yield str(Path(where, 'data', 'train'))
            return
        from PIL import Image
        rng = np.random.default_rng(0)
        for i in range(COUNT):
            coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((360, 300))
            path = Path(where, ('cats', 'dogs')[i % 2], f'{i}.jpg')
            path.parent.mkdir(exist_ok=True)
            noisy = np.asarray(coarse, np.int16) + rng.integers(-8, 9, (300, 360, 3))
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        yield where


def network():
    from fastkeras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
    from fastkeras.models import Sequential
    model = Sequential([
        Conv2D(32, 3, activation='relu', input_shape=(SIDE, SIDE, 3)), MaxPooling2D(),
        Conv2D(32, 3, activation='relu'), MaxPooling2D(),
        Conv2D(64, 3, activation='relu'), MaxPooling2D(),
        Flatten(), Dense(64, activation='relu'), Dropout(0.5), Dense(1, activation='sigmoid')])
    model.compile('rmsprop', 'binary_crossentropy', metrics=['accuracy'])
    return model


def fixed(batch, steps):
    from fastkeras.utils import Sequence

    class Fixed(Sequence):
        def __len__(self):
            return steps

        def __getitem__(self, k):
            return batch
    return Fixed()


def flow(folder, keep=True):
    from fastkeras.preprocessing.image import ImageDataGenerator
    generator = ImageDataGenerator(rescale=1 / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)
    with contextlib.redirect_stdout(io.StringIO()):
        iterator = generator.flow_from_directory(folder, (SIDE, SIDE), class_mode='binary', batch_size=BATCH, seed=1)
    if not keep:
        iterator.kept.limit = 0
    return iterator


def milliseconds(call):
    """(wall, processor) time of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def measure(folder):
    """{name: (wall, processor) milliseconds of a step}, medians over the rounds."""
    model, first = network(), flow(folder)
    batch, steps = first[0], len(first)
    ways = {'fixed batch': (fixed(batch, steps), {'workers': 0}),
            'workers as by default': (flow(folder), {}),
            '2 workers': (flow(folder), {'workers': 2}),
            'every image decoded anew': (flow(folder, keep=False), {})}
    taken = {name: [] for name in ways}
    for _ in range(WARM + ROUNDS):
        for name, (source, reading) in ways.items():
            taken[name].append(milliseconds(lambda s=source, r=reading: model.fit(s, epochs=1, verbose=0, **r)))
    found = {name: [statistics.median(v) / steps for v in zip(*times[WARM:])] for name, times in taken.items()}
    for name, keep in (('a batch alone', True), ('a batch alone, decoded anew', False)):
        iterator = flow(folder, keep)
        times = [milliseconds(lambda it=iterator: next(it)) for _ in range((WARM + 1) * steps)]
        found[name] = [statistics.median(v) for v in zip(*times[WARM * steps:])]
    return found


def rows(only):
    if not matches(only, 'feeding'):
        return
    with photos() as folder:
        found = measure(folder)
    what = f'feeding: {SIDE} x {SIDE} photos, batch {BATCH}'
    base = found['fixed batch']
    for name, (wall, cpu) in found.items():
        yield quantity(f'{what}, {name}', wall, 'ms')
        yield quantity(f'{what}, {name}: processor time', cpu, 'ms')
        if name != 'fixed batch' and 'alone' not in name:
            bound = BOUND if 'workers' in name else None
            yield quantity(f'{what}, {name}: share of the fixed batch', wall / base[0], '', bound)
