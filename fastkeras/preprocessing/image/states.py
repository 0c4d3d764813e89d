"""Where the random numbers of a batch come from: a state of the batch's own, or NumPy's global one."""

import contextlib
import hashlib
import threading

import numpy as np

_GLOBAL = threading.RLock()


def seeded(seed, number):
    """The state of batch `number` of a stream with this seed: `numpy.random.RandomState(seed + number)`."""
    return np.random.RandomState((seed + number) % 2 ** 32)


def checked_seed(function, seed):
    """`seed` as an int, or None. ValueError unless NumPy takes it."""
    if seed is None:
        return None
    if isinstance(seed, bool) or not hasattr(seed, '__index__') or not 0 <= seed.__index__() < 2 ** 32:
        raise ValueError(f'{function}: seed must be None or a whole number from 0 to 2**32 - 1, got {seed!r}')
    return seed.__index__()


def random_source(function, seed):
    """What draws: a RandomState of its own for a seed, `numpy.random` for None."""
    seed = checked_seed(function, seed)
    return np.random if seed is None else np.random.RandomState(seed)


def digest():
    """Eight whole numbers that depend on all of NumPy's global state, which is not changed."""
    _, key, position, *_ = np.random.get_state()
    text = hashlib.sha256(key.tobytes() + position.to_bytes(4, 'little')).digest()
    return [int(word) for word in np.frombuffer(text, '<u4')]


@contextlib.contextmanager
def as_global(random):
    """NumPy's global state is that of `random` for a while: for a user's code that calls `numpy.random`.

    What the code draws is missing from `random` afterwards, and the global state is what it was. One thread at a time.
    """
    if random is np.random:
        yield
        return
    with _GLOBAL:
        saved = np.random.get_state()
        np.random.set_state(random.get_state())
        try:
            yield
        finally:
            random.set_state(np.random.get_state())
            np.random.set_state(saved)
