"""Random numbers by counter: the same numbers for the same seed on every machine, whatever the thread count.

The seed is an int32[2] tensor: seed[0] is the key of a stream, seed[1] the number of the draw in it; a caller that
draws often keeps it in a Variable and adds one to seed[1] each time. There is no gradient.

The exact mapping, for the kernel and the reference alike. Element e of the flattened result takes one word of
Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"):

    counter  (low 32 bits of e // 4, high 32 bits of e // 4, seed[1], round), round 0 but for redraws
    key      (seed[0], 0)
    word     number e % 4 of the four results

    u        (word >> 8) · 2^-24, in [0, 1)
    uniform  low + u · (high - low)
    normal   Box and Muller on the two words of the pair that e belongs to, lanes (0, 1) or (2, 3):
             r = sqrt(-2 · ln(1 - u_even)), θ = 2π · u_odd; the even lane is r · cos θ, the odd lane r · sin θ;
             then mean + stddev · z
    truncated  where |z| > 2 the element is drawn again in rounds 1, 2, … 16, and clipped to [-2, 2] if even that fails
    dropout  0 where u < rate (as float32), else 1 / (1 - rate)
"""

import numpy as np

from .. import config
from ..utils import seed as seeds
from .core import Sample, apply, as_tensor, error, register, tensor, tracing
from .elementwise import cast, floor, less, log, negative, subtract
from .move import expand_dims
from .reduce import argmax

__all__ = ['dropout_mask', 'random_bernoulli', 'random_categorical', 'random_integers', 'random_normal',
           'random_uniform',
           'truncated_normal']

ROUNDS = 10
REDRAWS = 16


def philox(counter, key):
    """Philox 4x32-10: four arrays of uint64 words below 2^32 (broadcast together) and two keys → four arrays."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    for _ in range(ROUNDS):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> np.uint64(32)) ^ c1 ^ k0, p1 & low, (p0 >> np.uint64(32)) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c0, c1, c2, c3


def _uniform(seed, n, round=0):
    """u of the elements 0 … n-1 rounded up to whole blocks, as [blocks, 4] of float64."""
    key, stream = (np.uint64(int(v) & 0xFFFFFFFF) for v in np.asarray(seed).reshape(2))
    block = np.arange(-(-n // 4), dtype=np.uint64)
    counter = (block & np.uint64(0xFFFFFFFF), block >> np.uint64(32), np.full_like(block, stream),
               np.full_like(block, round))
    words = np.stack(philox(counter, (key, np.uint64(0))), axis=1)
    return (words >> np.uint64(8)).astype(np.float64) * 2.0 ** -24


def _normal(seed, n, round=0):
    u = _uniform(seed, n, round).reshape(-1, 2)
    r, angle = np.sqrt(-2 * np.log1p(-u[:, 0])), 2 * np.pi * u[:, 1]
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1).reshape(-1)[:n]


def _count(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def _check(op, seed, shape, dtype):
    if tuple(seed.shape) != (2,) or seed.dtype != 'int32':
        raise error(op, f'seed: expected int32 of shape (2,), got {seed.dtype} of shape {tuple(seed.shape)}')
    if any(d is not None and d < 0 for d in shape):
        raise error(op, f'shape: expected sizes of 0 or more, got {tuple(shape)}')
    if dtype not in ('float32', 'float64'):
        raise error(op, f'dtype: expected float32 or float64, got {dtype!r}')
    return tuple(shape), dtype


def _no_gradient(node, ct):
    return [None] * len(node.inputs)


def _samples(*attrs):
    return lambda: [Sample([np.array(seed, 'int32')], dict(a, shape=shape), grad=False)
                    for a, shape, seed in zip(attrs * 3, [(4099,), (3, 5), (0, 3), (1,), (2, 7, 17), (33,)],
                                              [(1, 0), (-7, 3), (5, 5), (2 ** 31 - 1, -1), (12345, 70000), (0, 9)])]


def _uniform_ref(seed, shape, low=0.0, high=1.0, dtype='float32'):
    u = _uniform(seed, _count(shape)).reshape(-1)[:_count(shape)]
    return (low + u * (high - low)).astype(dtype).reshape(shape)


def _uniform_lower(ctx, node, ins, out):
    ctx.step('random_uniform', [*ins, out], n=out.size, low=node.attrs['low'], high=node.attrs['high'])


@register('random_uniform', random=True, vjp=_no_gradient, ref=_uniform_ref, lower=_uniform_lower,
          samples=_samples({'low': 0.0, 'high': 1.0}, {'low': -2.0, 'high': 3.0}))
def random_uniform_spec(seed, *, shape, low=0.0, high=1.0, dtype='float32'):
    return _check('random_uniform', seed, shape, dtype)


def _normal_ref(seed, shape, mean=0.0, stddev=1.0, truncated=False, dtype='float32'):
    n = _count(shape)
    z = _normal(seed, n)
    for round in range(1, REDRAWS + 1):
        if not truncated or not (np.abs(z) > 2).any():
            break
        z = np.where(np.abs(z) > 2, _normal(seed, n, round), z)
    if truncated:
        z = np.clip(z, -2, 2)
    return (mean + stddev * z).astype(dtype).reshape(shape)


def _normal_lower(ctx, node, ins, out):
    a = node.attrs
    ctx.step('random_normal', [*ins, out], n=out.size, mean=a['mean'], stddev=a['stddev'],
             truncated=int(a['truncated']))


@register('random_normal', random=True, vjp=_no_gradient, ref=_normal_ref, lower=_normal_lower,
          samples=_samples({'mean': 0.0, 'stddev': 1.0, 'truncated': False},
                           {'mean': 3.0, 'stddev': 0.5, 'truncated': True}))
def random_normal_spec(seed, *, shape, mean=0.0, stddev=1.0, truncated=False, dtype='float32'):
    return _check('random_normal', seed, shape, dtype)


def _dropout_ref(seed, shape, rate, dtype='float32'):
    u = _uniform(seed, _count(shape)).reshape(-1)[:_count(shape)]
    return np.where(u >= np.float32(rate), 1 / (1 - rate), 0).astype(dtype).reshape(shape)


def _dropout_lower(ctx, node, ins, out):
    ctx.step('dropout_mask', [*ins, out], n=out.size, rate=node.attrs['rate'])


@register('dropout_mask', random=True, vjp=_no_gradient, ref=_dropout_ref, lower=_dropout_lower,
          samples=_samples({'rate': 0.5}, {'rate': 0.1}))
def dropout_mask_spec(seed, *, shape, rate, dtype='float32'):
    if not 0 <= rate < 1:
        raise error('dropout_mask', f'rate: expected a number in [0, 1), got {rate!r}')
    return _check('dropout_mask', seed, shape, dtype)


# ---- public functions

_stream = []        # fn() -> seed, of a new stream of seeds in the trace that is active


def set_stream(fn):
    """Install fn() -> int32[2] seed, what `seed=None` is inside a trace: without it, each run would draw the same."""
    _stream[:] = [fn]


def as_seed(seed):
    """An int32[2] seed from an int, a pair of ints or a tensor; None draws one from NumPy's global generator, or, inside a
    trace, takes a stream that goes on from run to run."""
    if seed is None and tracing():
        return _stream[0]()
    if seed is None:
        seed = int(seeds.source().randint(2 ** 31))
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        # all 64 bits count: the low ones are the key, the high ones the first draw
        return np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], np.uint32).view(np.int32)
    if isinstance(seed, (tuple, list)):
        return np.array(seed, np.int32)
    return as_tensor(seed)


def random_uniform(shape, low=0.0, high=1.0, dtype=None, seed=None):
    """Uniform numbers in [low, high). seed: int, int32[2] tensor, or None for a new one."""
    return _draw('random_uniform', shape, seed, dtype, low=float(low), high=float(high))


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers; seed as in random_uniform."""
    return _draw('random_normal', shape, seed, dtype, mean=float(mean), stddev=float(stddev), truncated=False)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers, drawn again beyond two standard deviations; seed as in random_uniform."""
    return _draw('random_normal', shape, seed, dtype, mean=float(mean), stddev=float(stddev), truncated=True)


def dropout_mask(shape, rate, dtype=None, seed=None):
    """0 with probability `rate` in [0, 1), else 1 / (1 - rate); seed as in random_uniform."""
    return _draw('dropout_mask', shape, seed, dtype, rate=float(rate))


def _draw(op, shape, seed, dtype, **attrs):
    seed, shape = as_seed(seed), _shape(op, shape)
    if None in shape:
        seed = tensor(seed)  # only to be described: numbers of an unknown count cannot be drawn now
    return apply(op, [seed], shape=shape, dtype=dtype or config.floatx(), **attrs)


def random_integers(shape, low, high, dtype='int32', seed=None):
    """Integers in [low, high), equally likely up to ranges of about 2^20; seed as in random_uniform."""
    return cast(floor(random_uniform(shape, low, high, seed=seed)), dtype)


def random_bernoulli(shape, probability=0.5, dtype=None, seed=None):
    """1 with that probability, else 0; seed as in random_uniform."""
    return cast(less(random_uniform(shape, seed=seed), probability), dtype or config.floatx())


def random_categorical(logits, num_samples, dtype='int32', seed=None):
    """Classes drawn by softmax(logits[n, classes]), with replacement: shape (n, num_samples). Gumbel's argmax."""
    logits = as_tensor(logits)
    if len(logits.shape) != 2:
        raise error('random_categorical', f'logits: expected 2 dimensions, got shape {tuple(logits.shape)}')
    n, classes = logits.shape
    u = random_uniform((n, num_samples, classes), dtype=logits.dtype, seed=seed)
    return cast(argmax(subtract(expand_dims(logits, 1), log(negative(log(u)))), axis=-1), dtype)


def _shape(op, shape):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(d is not None and (isinstance(d, bool) or not hasattr(d, '__index__')) for d in shape):
        raise error(op, f'shape: expected integers, got {shape!r}')
    return tuple(None if d is None else int(d) for d in shape)
