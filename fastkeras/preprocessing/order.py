"""The order in which tf.data's `shuffle(buffer_size, seed)` gives its elements, epoch by epoch: what data sets of Keras 3
have. Numbers come from Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
"""

import itertools

import numpy as np

_DEFAULT_SEED = 87654321       # that TensorFlow puts beside the seed of an operation
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _BITS = np.uint64(0xFFFFFFFF), np.uint64(32)


def _philox(key, stream, count, first=0):
    """`count` numbers of 32 bits of the generator with this key and stream, from the number `first` on (a multiple of 4), whole
    numbers of 64 bits."""
    key, stream = (np.uint64(int(number) % 2 ** 64) for number in (key, stream))
    block = np.arange(first // 4, first // 4 + -(-count // 4), dtype=np.uint64)
    c = [block & _LOW, block >> _BITS, np.full_like(block, stream & _LOW), np.full_like(block, stream >> _BITS)]
    k = [key & _LOW, key >> _BITS]
    for _ in range(10):
        first, second = _FACTORS[0] * c[0], _FACTORS[1] * c[2]
        c = [(second >> _BITS) ^ c[1] ^ k[0], second & _LOW, (first >> _BITS) ^ c[3] ^ k[1], first & _LOW]
        k = [(number + step) & _LOW for number, step in zip(k, _STEPS)]
    return np.stack(c, axis=1).reshape(-1)[:count]


def _numbers(key, stream):
    """All numbers of that generator, one after the other."""
    given, size = 0, 64
    while True:
        yield from _philox(key, stream, size, given).tolist()
        given, size = given + size, min(4 * size, 1 << 16)


def shuffled_items(items, buffer_size, seed, epoch):
    """What an iterator gives in the order of this epoch (from 0); None: of every epoch that is not to have an order of its own.

    Each is drawn from those that are in a buffer, which the next ones fill up: it comes at most buffer_size - 1 places before
    its own.
    """
    seeds = (_DEFAULT_SEED, seed) if epoch is None else _philox(_DEFAULT_SEED, seed, 2 * epoch + 2)[-2:]
    drawn = _numbers(*seeds)
    buffer = list(itertools.islice(items, buffer_size))
    size, begin = len(buffer), 0
    while size:
        place = (begin + next(drawn) % size) % len(buffer)
        found, buffer[place] = buffer[place], buffer[begin]
        try:
            buffer[begin] = next(items)
        except StopIteration:
            size -= 1
        begin = (begin + 1) % len(buffer)
        yield found


def shuffled(n, buffer_size, seed, epoch):
    """The order of 0 … n - 1 in this epoch (from 0), an array."""
    return np.fromiter(shuffled_items(iter(range(n)), buffer_size, seed, epoch), np.intp, n)
