"""Random numbers of the backend: drawn anew each time that they are evaluated."""

from __future__ import annotations

from typing import Any

from fastkeras import config, ops
from fastkeras.ops import core
from fastkeras.runtime import SeedGenerator

from .leaves import entries, sizes_of, static_shape
from .symbolic import constant_of, deferred, lifted

__all__ = ['dropout', 'random_binomial', 'random_normal', 'random_uniform', 'truncated_normal']


def _stream(seed):
    """What gives a seed for each evaluation: a stream of its own."""
    return SeedGenerator(None if seed is None else int(seed))


def _drawn(title, shape, dtype, seed, draw):
    dtype = core.dtype_name(dtype or config.floatx())
    shape, stream = entries(shape), _stream(seed)

    def drawn(*sizes):
        sizes = tuple(None if d is None else sizes_of(title, [d])[0] for d in sizes)
        return draw(sizes, dtype, stream.next())
    return deferred(title, drawn, shape, (static_shape(shape), dtype))


def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: int | None = None) -> Any:
    """Normal numbers. shape: numbers, in which sizes by K.shape may stand. seed: the same numbers in each process."""
    return _drawn('random_normal', shape, dtype, seed,
                  lambda sizes, dtype, seed: ops.random_normal(sizes, mean, stddev, dtype, seed))


def random_uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: int | None = None) -> Any:
    """Uniform numbers in [minval, maxval); whole ones for a type of integers. Otherwise as random_normal."""
    def draw(sizes, dtype, seed):
        if dtype in core.INTS:
            return ops.random_integers(sizes, minval, maxval, dtype, seed)
        return ops.random_uniform(sizes, minval, maxval, dtype, seed)
    return _drawn('random_uniform', shape, dtype, seed, draw)


def random_binomial(shape: Any, p: Any = 0.0, dtype: Any = None, seed: int | None = None) -> Any:
    """1 with probability p, else 0. Otherwise as random_normal."""
    return _drawn('random_binomial', shape, dtype, seed,
                  lambda sizes, dtype, seed: ops.random_bernoulli(sizes, p, dtype, seed))


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: int | None = None) -> Any:
    """Normal numbers, drawn again beyond two standard deviations. Otherwise as random_normal."""
    return _drawn('truncated_normal', shape, dtype, seed,
                  lambda sizes, dtype, seed: ops.truncated_normal(sizes, mean, stddev, dtype, seed))


@lifted
def dropout(x: Any, level: Any, noise_shape: Any = None, seed: int | None = None) -> Any:
    """x with the share `level` of its elements set to 0 and the others divided by 1 - level, whatever the learning phase.
    noise_shape: 1 for the axes along which elements go together."""
    x, stream = constant_of(x), _stream(seed)
    shape = None if noise_shape is None else tuple(noise_shape)
    return deferred('dropout', lambda x: ops.dropout(x, level, shape, stream.next()), [x], (tuple(x.shape), core.dtype_of(x)))
