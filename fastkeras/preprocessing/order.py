"""The order in which tf.data's `shuffle(buffer_size, seed)` gives its elements, epoch by epoch: what data sets of Keras 3
have. Numbers come from Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
"""

import numpy as np

_DEFAULT_SEED = 87654321       # that TensorFlow puts beside the seed of an operation
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _BITS = np.uint64(0xFFFFFFFF), np.uint64(32)


def _philox(key, stream, count):
    """The first `count` numbers of 32 bits of the generator with this key and stream, whole numbers of 64 bits."""
    key, stream = (np.uint64(int(number) % 2 ** 64) for number in (key, stream))
    block = np.arange(-(-count // 4), dtype=np.uint64)
    c = [block & _LOW, block >> _BITS, np.full_like(block, stream & _LOW), np.full_like(block, stream >> _BITS)]
    k = [key & _LOW, key >> _BITS]
    for _ in range(10):
        first, second = _FACTORS[0] * c[0], _FACTORS[1] * c[2]
        c = [(second >> _BITS) ^ c[1] ^ k[0], second & _LOW, (first >> _BITS) ^ c[3] ^ k[1], first & _LOW]
        k = [(number + step) & _LOW for number, step in zip(k, _STEPS)]
    return np.stack(c, axis=1).reshape(-1)[:count]


def shuffled(n, buffer_size, seed, epoch):
    """The order of 0 … n - 1 in this epoch (from 0), an array.

    Each element is drawn from those that are in a buffer, which the next ones fill up: it comes at most buffer_size - 1
    places before its own.
    """
    seeds = _philox(_DEFAULT_SEED, seed, 2 * epoch + 2)[-2:]
    drawn = _philox(*seeds, n).tolist()
    buffer, order, begin = list(range(min(n, buffer_size))), np.empty(n, np.intp), 0
    for i in range(n):
        size = len(buffer) if i + buffer_size <= n else n - i   # how many are in it
        place = (begin + drawn[i] % size) % len(buffer)
        order[i], buffer[place] = buffer[place], buffer[begin]
        if i + buffer_size < n:
            buffer[begin] = i + buffer_size
        begin = (begin + 1) % len(buffer)
    return order
