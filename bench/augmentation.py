"""Images transformed at random, from arrays and from files, beside keras-preprocessing.

    python -m bench images --only augmentation

keras-preprocessing uses one thread. Ours makes the same batches of the same seeds; what the two make first is compared.
Turns are interleaved, one batch each.
"""
import contextlib
import importlib.util
import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.cases import matches
from bench.report import quantity

ROUNDS = 25
BATCH = 32
SIDE = 224                                  # of the images in memory
FILES, SIZE, TARGET = 96, (500, 375), (150, 150)   # pictures in a folder
TOLERANCE = 0.01                            # of 1, the largest value, between the batches of the two, on average
MOVES = dict(rotation_range=30, width_shift_range=0.1, height_shift_range=0.1, shear_range=15, zoom_range=0.2,
             horizontal_flip=True)
BOUNDS = {1: 1 / 6, 2: 1 / 15}              # by threads: of keras-preprocessing's time, for `flow`
FROM_FILES, OF_DECODING = 1 / 6, 1.25       # for `flow_from_directory`; of decoding alone on all processors


@contextlib.contextmanager
def threads(number):
    from fastkeras import config
    before = config.get_num_threads()
    config.set_num_threads(number)
    try:
        yield
    finally:
        config.set_num_threads(before)


@contextlib.contextmanager
def pictures():
    """A folder with a folder for each of two classes, of JPEG files, which lasts as long as the context."""
    from PIL import Image
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as where:
        for i in range(FILES):
            coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
            noisy = np.asarray(coarse, np.int16) + rng.integers(-8, 9, (SIZE[1], SIZE[0], 3))
            path = Path(where, ('cats', 'dogs')[i % 2], f'{i}.jpg')
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        yield where


def compared(ways, ours, theirs):
    """Medians of milliseconds per image of each way, a function that makes a batch; the first batches of two of them must be
    the same."""
    first = {name: np.asarray(way()) for name, way in ways.items()}
    if theirs in ways:
        difference = float(np.abs(first[ours] - first[theirs]).mean())
        if not difference <= TOLERANCE:
            raise RuntimeError(f'augmentation: the batches of {ours} and {theirs} differ by {difference:.2g} on average')
    taken = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begin = time.perf_counter()
            made = way()
            taken[name].append((time.perf_counter() - begin) * 1e3 / len(made))
    return {name: statistics.median(times) for name, times in taken.items()}


def single(iterator, number):
    """The way of `next` with so many threads."""
    def way():
        with threads(number):
            return next(iterator)
    return way


def in_memory(peer, processors):
    from fastkeras.preprocessing.image import ImageDataGenerator
    x = np.random.default_rng(1).integers(0, 256, (4 * BATCH, SIDE, SIDE, 3), np.uint8)
    counts = sorted({1, min(2, processors)})
    settings = dict(MOVES, rescale=1 / 255)
    ways = {f'{n} threads': single(ImageDataGenerator(**settings).flow(x, batch_size=BATCH, seed=1), n) for n in counts}
    if peer:
        iterator = peer.ImageDataGenerator(**settings).flow(x.astype(np.float32), batch_size=BATCH, seed=1)
        ways['keras-preprocessing'] = lambda: next(iterator)
    return compared(ways, '1 threads', 'keras-preprocessing')


def decoder(folder):
    """Pillow alone on all processors: open, convert, resize."""
    from PIL import Image

    from fastkeras.preprocessing.image.reading import each
    paths = sorted(map(str, Path(folder).rglob('*.jpg')))

    def decoded(path):
        with Image.open(path) as image:
            return image.convert('RGB').resize(TARGET[::-1], Image.Resampling.NEAREST).tobytes()

    def way():
        each(decoded, paths[:BATCH])
        return range(BATCH)
    return way


def from_files(folder, peer):
    from fastkeras.preprocessing.image import ImageDataGenerator
    settings = dict(MOVES, rescale=1 / 255)

    def flow(generator):
        with contextlib.redirect_stdout(io.StringIO()):
            return generator(**settings).flow_from_directory(folder, TARGET, class_mode=None, batch_size=BATCH, seed=1)
    anew, kept = flow(ImageDataGenerator), flow(ImageDataGenerator)
    anew.kept.limit = 0
    for _ in range(2 * len(kept)):
        next(kept)
    ways = {'every image decoded': lambda: next(anew), 'decoded images kept': lambda: next(kept),
            'decoding alone': decoder(folder)}
    if peer:
        iterator = flow(peer.ImageDataGenerator)
        ways['keras-preprocessing'] = lambda: next(iterator)
    return compared(ways, 'every image decoded', 'keras-preprocessing')


def rows(only, processors):
    if not matches(only, 'augmentation'):
        return
    peer = None
    if importlib.util.find_spec('keras_preprocessing') and importlib.util.find_spec('scipy'):
        import keras_preprocessing.image as peer
    else:
        print('absent: keras-preprocessing or scipy (pip install -r bench/requirements.txt)')
    found = in_memory(peer, processors)
    what = f'augmentation: {SIDE} x {SIDE} x 3 in memory'
    yield from _rows(what, found, {f'{n} threads': ('keras-preprocessing', bound) for n, bound in BOUNDS.items()})
    with pictures() as folder:
        found = from_files(folder, peer)
    what = f'augmentation: JPEGs of {SIZE[0]} x {SIZE[1]} to {TARGET[1]} x {TARGET[0]}'
    yield from _rows(what, found, {'every image decoded': ('keras-preprocessing', FROM_FILES)})
    yield quantity(f'{what}, every image decoded: share of decoding alone',
                   found['every image decoded'] / found['decoding alone'], '', OF_DECODING)


def _rows(what, found, bounds):
    for name, ms in found.items():
        yield quantity(f'{what}, {name}', 1e3 / ms, 'images/s')
        peer, bound = bounds.get(name, (None, None))
        if peer in found:
            yield quantity(f'{what}, {name}: share of the time of {peer}', ms / found[peer], '', bound)
