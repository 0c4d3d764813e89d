"""Random numbers by Keras 3's names.

seed, in all of them: an int, which always draws the same; a `SeedGenerator`, which goes on from draw to draw; None, a new seed
from NumPy's global generator (see `fastkeras.utils.set_random_seed`), in a traced function a stream that goes on from run to
run. The numbers are those of Philox, the same on every machine; they are not those of another backend for the same seed. There
is no gradient with respect to the parameters of a distribution.
"""

import math

import numpy as np

from fastkeras import config, ops
from fastkeras.ops import core
from fastkeras.ops.random import as_seed
from fastkeras.runtime import SeedGenerator

__all__ = ['SeedGenerator', 'beta', 'binomial', 'categorical', 'dropout', 'gamma', 'normal', 'randint', 'shuffle',
           'truncated_normal', 'uniform']

REDRAWS = 8         # of gamma: each is taken with a probability of at least 0.95
DIRECT = 32         # trials of a binomial that are made one by one
SPLITS = 27         # halvings from 2^31 trials to that


def _seed(seed):
    return seed.next() if isinstance(seed, SeedGenerator) else as_seed(seed)


def _other(seed, k):
    """The seed of the k-th further stream of a draw: another key, so that no later draw of a generator meets it."""
    step = np.array([k * 0x9E3779B9 & 0xFFFFFFFF, 0], np.uint32).view(np.int32)
    return ops.add(seed, step)


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers of this mean and standard deviation."""
    return ops.random_normal(shape, mean, stddev, dtype, _seed(seed))


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers, drawn again where they are more than two standard deviations from the mean."""
    return ops.truncated_normal(shape, mean, stddev, dtype, _seed(seed))


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers from minval up to, not including, maxval, equally likely. Whole numbers are those of `randint`."""
    return ops.random_uniform(shape, minval, maxval, dtype, _seed(seed))


def randint(shape, minval, maxval, dtype='int32', seed=None):
    """Whole numbers from minval up to, not including, maxval, equally likely. Raises ValueError where there are none."""
    minval, maxval = int(minval), int(maxval)
    if maxval <= minval:
        raise ValueError(f'randint: expected maxval above minval, got minval={minval}, maxval={maxval}')
    if core.dtype_name(dtype) in core.FLOATS:
        raise ValueError(f'randint: expected a type of whole numbers, got dtype={dtype!r}; `uniform` draws floats')
    seed = _seed(seed)
    if maxval - minval <= 1 << 20:
        return ops.random_integers(shape, minval, maxval, dtype, seed)
    # 24 bits of one draw are too few: 48 of two, in float64
    high, low = (ops.random_uniform(shape, dtype='float64', seed=s) for s in (seed, _other(seed, 1)))
    u = ops.add(high, ops.multiply(low, np.float64(2.0 ** -24)))
    drawn = ops.floor(ops.multiply(u, np.float64(maxval - minval)))
    return ops.cast(ops.add(drawn, np.float64(minval)), dtype)


def categorical(logits, num_samples, dtype='int32', seed=None):
    """Classes drawn with the probabilities softmax(logits), with replacement: logits (batch, classes) → (batch,
    num_samples)."""
    return ops.random_categorical(logits, num_samples, dtype, _seed(seed))


def dropout(inputs, rate, noise_shape=None, seed=None):
    """inputs with a share `rate` of the elements set to 0 and the others divided by 1 - rate. noise_shape: shape of the mask, 1
    where it is the same along an axis."""
    return ops.dropout(inputs, rate, noise_shape, _seed(seed))


def shuffle(x, axis=0, seed=None):
    """x with its entries along the axis in a random order."""
    x = core.as_tensor(x)
    n = ops.shape(x)[axis]
    return ops.take(x, ops.argsort(ops.random_uniform((n,), seed=_seed(seed))), axis=axis)


def _float(name, dtype):
    dtype = dtype or config.floatx()
    if dtype not in core.FLOATS:
        raise ValueError(f'{name}: dtype: expected float32 or float64, got {dtype!r}')
    return dtype


def _shape(shape):
    return tuple(shape) if hasattr(shape, '__iter__') else (shape,)


def gamma(shape, alpha, dtype=None, seed=None):
    """Numbers of the gamma distribution of shape alpha > 0 (a number, or a tensor that broadcasts to `shape`) and scale 1.

    By Marsaglia and Tsang (2000, "A simple method for generating gamma variables").
    """
    found, boost = _gamma_parts('gamma', shape, alpha, dtype, seed)
    return ops.stop_gradient(ops.multiply(found, ops.exp(boost)))


def _gamma_parts(name, shape, alpha, dtype, seed):
    """(x, y), where x · exp(y) is of the gamma distribution: of a small alpha, the product may be less than floats hold."""
    dtype = _float(name, dtype)
    shape, seed = _shape(shape), _seed(seed)
    alpha = ops.broadcast_to(ops.cast(core.as_tensor(alpha), dtype), shape)
    small = ops.less(alpha, 1.0)
    raised = ops.where(small, ops.add(alpha, 1.0), alpha)
    d = ops.subtract(raised, 1 / 3)
    c = ops.divide(1 / 3, ops.sqrt(d))
    z = ops.random_normal((REDRAWS, *shape), dtype=dtype, seed=seed)
    u = ops.random_uniform((REDRAWS, *shape), dtype=dtype, seed=_other(seed, 1))
    root = ops.add(1.0, ops.multiply(c, z))
    v = ops.power(ops.maximum(root, 0.0), 3)
    safe = ops.where(ops.greater(v, 0.0), v, 1.0)
    bound = ops.add(ops.multiply(0.5, ops.square(z)), ops.multiply(d, ops.add(ops.subtract(1.0, v), ops.log(safe))))
    taken = ops.logical_and(ops.greater(v, 0.0), ops.less(ops.log(ops.subtract(1.0, u)), bound))
    found = ops.ones_like(d)        # about the mean, where no draw was taken: once in 10^10
    for k in reversed(range(REDRAWS)):
        found = ops.where(taken[k], v[k], found)
    found = ops.multiply(d, found)
    # below 1: gamma(alpha + 1) · u^(1 / alpha)
    w = ops.subtract(1.0, ops.random_uniform(shape, dtype=dtype, seed=_other(seed, 2)))
    return found, ops.where(small, ops.divide(ops.log(w), ops.where(small, alpha, 1.0)), 0.0)


def beta(shape, alpha, beta, dtype=None, seed=None):
    """Numbers of the beta distribution of alpha, beta > 0: numbers, or tensors that broadcast to `shape`."""
    dtype, seed = _float('beta', dtype), _seed(seed)
    (a, p), (b, q) = _gamma_parts('beta', shape, alpha, dtype, seed), _gamma_parts('beta', shape, beta, dtype, _other(seed, 3))
    most = ops.maximum(p, q)
    a, b = ops.multiply(a, ops.exp(ops.subtract(p, most))), ops.multiply(b, ops.exp(ops.subtract(q, most)))
    return ops.stop_gradient(ops.divide(a, ops.add(a, b)))


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """How many of `counts` trials succeed, each with its probability: floats of the type `dtype`. Both broadcast to `shape`.

    Many trials are halved by the beta distribution of their middle order statistic (Devroye 1986, X.4.4), few are made one by
    one.
    """
    dtype, shape, seed = _float('binomial', dtype), _shape(shape), _seed(seed)
    most = None if core.is_symbolic(counts) else float(np.max(core.to_array(counts), initial=0))
    splits = SPLITS if most is None else max(0, math.ceil(math.log2(max(most, 1) / DIRECT)) + 1 if most > DIRECT else 0)
    n = ops.broadcast_to(ops.cast(core.as_tensor(counts), dtype), shape)
    p = ops.broadcast_to(ops.cast(core.as_tensor(probabilities), dtype), shape)
    hits = ops.multiply(n, 0.0)

    def halve(k, state):
        n, p, hits = state
        # of n uniform numbers the middle one is y: either those below it all succeed, or none above it does
        many = ops.greater(n, float(DIRECT))
        middle = ops.where(many, ops.floor(ops.divide(ops.add(n, 1.0), 2.0)), 1.0)
        y = beta(shape, middle, ops.maximum(ops.subtract(ops.add(n, 1.0), middle), 1.0), dtype,
                 ops.add(_other(seed, 7), ops.multiply(ops.cast(k, 'int32'), np.array([7919, 0], np.int32))))
        low = ops.less_equal(y, p)
        rest = ops.where(low, ops.divide(ops.subtract(p, y), ops.maximum(ops.subtract(1.0, y), 1e-30)),
                         ops.divide(p, ops.maximum(y, 1e-30)))
        fewer = ops.where(low, ops.subtract(n, middle), ops.subtract(middle, 1.0))
        more = ops.where(low, ops.add(hits, middle), hits)
        return (ops.where(many, fewer, n), ops.where(many, ops.clip(rest, 0.0, 1.0), p), ops.where(many, more, hits))
    if splits:
        n, p, hits = ops.fori_loop(0, splits, halve, (n, p, hits))
    trials = DIRECT if most is None else int(min(most, DIRECT))
    u = ops.random_uniform((trials, *shape), dtype=dtype, seed=_other(seed, 11))
    numbers = np.arange(trials, dtype=dtype).reshape(trials, *[1] * len(shape))
    success = ops.logical_and(ops.less(u, p), ops.less(numbers, n))
    return ops.stop_gradient(ops.add(hits, ops.sum(ops.cast(success, dtype), axis=0)))
