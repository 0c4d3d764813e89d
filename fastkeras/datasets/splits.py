"""Samples mixed by a seed and cut in two, in the order that Keras has them."""

import numpy as np

from fastkeras.utils.seed import make_seed


def check_test_split(function, test_split):
    """ValueError unless it is a share that leaves something to train on."""
    if isinstance(test_split, bool) or not isinstance(test_split, (int, float, np.number)) or not 0 <= test_split < 1:
        raise ValueError(f'{function}: test_split: expected a share of the samples from 0 up to, but not with, 1, '
                         f'got {test_split!r}')


def stream(seed):
    """The random numbers that Keras gets from this seed; NumPy's global state is left alone. None: fresh ones."""
    return np.random.RandomState(make_seed() if seed is None else seed)


def order(random, count):
    """A random order of `count` samples."""
    indices = np.arange(count)
    random.shuffle(indices)
    return indices


def split(x, y, test_split, seed):
    """`(x_train, y_train), (x_test, y_test)` of two arrays: mixed, and the last share `test_split` of them for tests."""
    indices = order(stream(seed), len(x))
    train = int(len(x) * (1 - test_split))
    return (x[indices[:train]], y[indices[:train]]), (x[indices[train:]], y[indices[train:]])
