"""Methods of tf.data on what Keras's dataset functions return, written for Keras 3 on TensorFlow and fastkeras.
`record_pipelines.py` runs CASES with Keras 3, tests/preprocessing/test_pipelines.py with fastkeras."""

import numpy as np


def series(k, n=10, batch_size=None, length=1, targets=True, **how):
    """Windows of 0, 1, 2, … and ten times their beginnings."""
    x = np.arange(n, dtype='float32')
    return k.utils.timeseries_dataset_from_array(x, x * 10 if targets else None, length, batch_size=batch_size, **how)


def plain(x):
    if isinstance(x, dict):
        return {key: plain(v) for key, v in x.items()}
    if isinstance(x, (tuple, list)):
        return [plain(v) for v in x]
    if isinstance(x, bytes):
        return x.decode()
    return plain(x.tolist()) if hasattr(x, 'tolist') else x


def spec(s):
    if isinstance(s, dict):
        return {key: spec(v) for key, v in s.items()}
    if not hasattr(s, 'dtype'):
        return [spec(v) for v in s]
    return [list(s.shape), s.dtype if isinstance(s.dtype, str) else s.dtype.name]


def told(ds, passes=1, most=40):
    """Elements of passes, cardinality, element_spec."""
    found = []
    for _ in range(passes):
        found.append([plain(e) for _, e in zip(range(most), ds.as_numpy_iterator())])
    count = int(ds.cardinality())
    try:
        length = len(ds)
    except TypeError:
        length = 'TypeError'
    return [found, count, length, spec(ds.element_spec)]


CASES = {
    'as it is': lambda k: told(series(k, batch_size=4)),
    'single': lambda k: told(series(k)),
    'take': lambda k: [told(series(k, batch_size=3).take(n)) for n in (2, 0, -1, 99)],
    'skip': lambda k: [told(series(k, batch_size=3).skip(n)) for n in (2, 0, -1, 99)],
    'map': lambda k: [told(series(k, batch_size=4).map(f, num_parallel_calls=-1)) for f in (
        lambda x, y: (x / 2, y), lambda x, y: {'a': x, 'b': (y, x)}, lambda x, y: x[:, 0] + y, lambda x, y: ((x, y), y))],
    'map of one': lambda k: told(series(k, targets=False).map(lambda x: x + 1)),
    'map to a constant': lambda k: told(series(k, n=3).map(lambda x, y: 7)),
    'batch': lambda k: [told(series(k, n=7).batch(n, drop_remainder=d)) for n in (3, 7, 9) for d in (False, True)],
    'batch of batches': lambda k: told(series(k, n=8, batch_size=2).batch(2)),
    'batch of dicts': lambda k: told(series(k, n=4).map(lambda x, y: {'x': x, 'y': y}).batch(3)),
    'unbatch': lambda k: told(series(k, n=7, batch_size=3).unbatch()),
    'unbatch of a batch of known size': lambda k: told(series(k, n=7).batch(3, drop_remainder=True).unbatch()),
    'rebatch': lambda k: [told(series(k, n=10, batch_size=4).rebatch(n, drop_remainder=d)) for n in (3, 5, 20)
                          for d in (False, True)],
    'shuffle': lambda k: [told(series(k, n=12, targets=False).shuffle(b, seed=s), 3) for b, s in ((4, 7), (100, 1), (1, 3))],
    'shuffle that stays': lambda k: told(series(k, n=12, targets=False).shuffle(4, seed=7, reshuffle_each_iteration=False), 2),
    'shuffle, repeat': lambda k: told(series(k, n=6, targets=False).shuffle(3, seed=5).repeat(3)),
    'repeat, shuffle': lambda k: told(series(k, n=6, targets=False).repeat(2).shuffle(8, seed=5)),
    'shuffle of many': lambda k: told(series(k, n=300, targets=False).shuffle(50, seed=9), most=400),
    'repeat': lambda k: [told(series(k, n=3).repeat(n), most=8) for n in (2, 0, None, -1)],
    'repeat of nothing': lambda k: told(series(k, n=3).take(0).repeat(2)),
    'cache': lambda k: told(series(k, n=6, targets=False).shuffle(6, seed=2).cache(), 3),
    'cache of batches': lambda k: told(series(k, n=6, batch_size=4).cache().prefetch(2), 2),
    'prefetch': lambda k: told(series(k, n=6, batch_size=4).prefetch(buffer_size=-1)),
    'enumerate': lambda k: [told(series(k, n=3).enumerate(s)) for s in (0, 5)],
    'filter': lambda k: told(series(k, n=6).filter(lambda x, y: y > 25)),
    'filter of all': lambda k: told(series(k, n=6, targets=False).filter(lambda x: x[0] < 0).repeat(2)),
    'concatenate': lambda k: [told(series(k, n=3).concatenate(series(k, n=2))),
                              told(series(k, n=3).repeat().concatenate(series(k, n=2)), most=5)],
    'concatenate of other lengths': lambda k: told(series(k, n=4, length=2).concatenate(series(k, n=4, length=3))),
    'zip': lambda k: [told(z) for z in zipped(k)],
    'apply': lambda k: told(series(k, n=5).apply(lambda ds: ds.take(2))),
    'chain': lambda k: told(series(k, n=9, batch_size=4).unbatch().map(lambda x, y: (x, y + 1)).cache().shuffle(
        20, seed=3).batch(2).prefetch(1), 2),
    'take of filtered': lambda k: told(series(k, n=9).filter(lambda x, y: y >= 0).take(3)),
    'skip of endless': lambda k: told(series(k, n=3).repeat().skip(2), most=4),
    'batch of endless': lambda k: told(series(k, n=3).repeat().batch(2), most=4),
    'texts': lambda k: told(series(k, n=3).map(lambda x, y: 'ab')),
}


def zipped(k):
    ds = series(k, n=3, targets=False)
    join = type(ds).zip
    return [join((ds, series(k, n=2))), join({'a': ds, 'b': ds.repeat()}), join((ds.repeat(), ds.repeat(2)))]
