"""`fastkeras.random`: the moments of the distributions, and what a seed says."""

import math

import numpy as np
import pytest

from fastkeras import config, random
from fastkeras.runtime import Function

N = 40000


def near(x, mean, variance, kurtosis=3.0):
    """Whether the sample's mean and variance are within four standard errors of the true ones."""
    x = np.asarray(x, np.float64).ravel()
    assert abs(x.mean() - mean) < 4 * math.sqrt(variance / x.size) + 1e-12, (x.mean(), mean)
    assert abs(x.var() - variance) < 4 * variance * math.sqrt((kurtosis - 1) / x.size) + 1e-12, (x.var(), variance)


def test_moments():
    near(random.normal((N,), 2.0, 0.5, seed=1), 2.0, 0.25)
    near(random.uniform((N,), -1, 3, seed=2), 1.0, 16 / 12)
    near(random.truncated_normal((N,), 1.0, 2.0, seed=3), 1.0, 4 * 0.7737)
    near(random.randint((N,), -3, 4, seed=4), 0.0, 4.0)


@pytest.mark.parametrize('alpha', [0.2, 1.0, 3.5, 80.0])
def test_gamma(alpha):
    near(random.gamma((N,), alpha, seed=5), alpha, alpha, 3 + 6 / alpha)


@pytest.mark.parametrize('a, b', [(2.0, 5.0), (0.5, 0.5), (30.0, 1.0)])
def test_beta(a, b):
    near(random.beta((N,), a, b, seed=6), a / (a + b), a * b / (a + b) ** 2 / (a + b + 1), 9)


@pytest.mark.parametrize('n, p', [(1, 0.3), (30, 0.5), (33, 0.9), (1000, 0.02), (100000, 0.6), (7, 0.0), (7, 1.0)])
def test_binomial(n, p):
    x = random.binomial((N,), n, p, seed=7)
    assert x.dtype == np.float32 and x.min() >= 0 and x.max() <= n and (x == np.floor(x)).all()
    near(x, n * p, n * p * (1 - p))


def test_counts_and_shapes_may_be_tensors():
    f = Function(lambda n, a: (random.binomial((3,), n, 0.5), random.gamma((2, 3), a)))
    x, g = f(np.array([0, 40, 5000], 'int32'), np.array([0.5, 1, 9], 'float32'))
    assert x[0] == 0 and 5 < x[1] < 35 and 2200 < x[2] < 2800 and g.shape == (2, 3) and (g > 0).all()
    again, _ = f(np.array([0, 40, 5000], 'int32'), np.array([0.5, 1, 9], 'float32'))
    assert again[2] != x[2]         # a stream that goes on from run to run


def test_seeds():
    draw = {'normal': lambda s: random.normal((4,), seed=s), 'gamma': lambda s: random.gamma((4,), 2.0, seed=s),
            'binomial': lambda s: random.binomial((4,), 50, 0.5, seed=s),
            'shuffle': lambda s: random.shuffle(np.arange(9), seed=s),
            'randint': lambda s: random.randint((4,), 0, 2 ** 31 - 1, seed=s)}
    for name, f in draw.items():
        assert np.array_equal(f(3), f(3)), name
        generator = random.SeedGenerator(3)
        a, b = f(generator), f(generator)
        assert not np.array_equal(a, b), name
        generator.reset()
        assert np.array_equal(f(generator), a), name
        assert not np.array_equal(f(None), f(None)), name


def test_whole_numbers_of_a_large_range():
    x = random.randint((N,), -2 ** 31, 2 ** 31 - 1, seed=8)
    assert x.dtype == np.int32
    near(x / 2.0 ** 31, 0.0, 1 / 3, 1.8)
    assert len(set((x & 0xFF).tolist())) == 256         # the low bits are drawn too
    y = random.randint((N,), 0, 3, dtype='int64', seed=8)
    assert y.dtype == np.int64 and set(y.tolist()) == {0, 1, 2}


def test_the_rest():
    assert set(random.categorical(np.log([[0.5, 0.5, 1e-30]]), 100, seed=1).ravel().tolist()) == {0, 1}
    x = np.arange(12).reshape(3, 4)
    y = random.shuffle(x, axis=1, seed=2)
    assert sorted(y[0].tolist()) == [0, 1, 2, 3] and np.array_equal(np.sort(y, axis=1), x) and (y[1] - y[0] == 4).all()
    kept = random.dropout(np.ones((N,), np.float32), 0.25, seed=3)
    near(kept, 1.0, 1 / 0.75 - 1, 4)
    config.set_floatx('float64')
    try:
        assert random.gamma((2,), 1.0).dtype == np.float64
    finally:
        config.set_floatx('float32')


@pytest.mark.parametrize('call, said', [
    (lambda: random.randint((2,), 3, 3), 'maxval above minval'),
    (lambda: random.randint((2,), 0, 3, dtype='float32'), 'whole numbers'),
    (lambda: random.gamma((2,), 1.0, dtype='int32'), 'float32 or float64'),
])
def test_mistakes(call, said):
    with pytest.raises(ValueError, match=said):
        call()
