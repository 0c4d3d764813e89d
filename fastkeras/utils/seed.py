"""Where random numbers on the host come from: initializers, shuffles, and the seeds of the engine's random ops."""

from __future__ import annotations

import contextlib
import random
import threading
from typing import Any

import numpy as np

_local = threading.local()      # .apart: what is drawn from in place of NumPy's global state


def source() -> Any:
    """What numbers are drawn from: NumPy's global state or, inside `apart`, a copy of it."""
    return getattr(_local, 'apart', np.random)


@contextlib.contextmanager
def apart() -> Any:
    """Inside the block, what this thread draws leaves NumPy's global state as it is: the numbers that it would give are drawn
    from a copy."""
    before = source()
    _local.apart = np.random.RandomState(0)
    _local.apart.set_state(before.get_state())
    try:
        yield
    finally:
        _local.apart = before


def set_random_seed(seed: Any) -> Any:
    """Seed Python's `random`, NumPy's global state and, through it, all that fastkeras draws without a seed of its own.

    seed: int from 0 to 2**32 - 1. Seed before making the model: a layer takes its seed when it is made.
    """
    if isinstance(seed, bool) or not hasattr(seed, '__index__') or not 0 <= seed < 2**32:
        raise ValueError(f'set_random_seed: expected an int from 0 to 2**32 - 1, got {seed!r}')
    random.seed(int(seed))
    np.random.seed(int(seed))


def make_seed() -> Any:
    """A fresh seed. Drawn from NumPy's global state, so `np.random.seed`, as old scripts have it, decides it too."""
    return int(source().randint(0, 2**31 - 1, dtype=np.int64))


def as_seed(seed: Any) -> Any:
    """The int that `seed` stands for: an int, None for a fresh one, or a generator of seeds with a method `next`."""
    if seed is None:
        return make_seed()
    if hasattr(seed, 'next'):
        words = np.asarray(seed.next()).astype(np.uint64).ravel()
        return int(sum(int(w) << (32 * i) for i, w in enumerate(words[:4])))
    if isinstance(seed, bool) or not hasattr(seed, '__index__'):
        raise ValueError(f'seed: expected an int or None, got {seed!r}')
    return int(seed)


def generator(seed: Any = None) -> Any:
    """A NumPy Generator; the same numbers every time for the same int seed, fresh ones for None."""
    return np.random.Generator(np.random.PCG64(as_seed(seed) % 2**128))
