"""64-bit fingerprints of texts, many at a time: those by which Keras's hashing layers choose a bin.

`fingerprints` is Fingerprint64 of FarmHash (Geoff Pike, 2014), `keyed` SipHash-2-4 (Aumasson and Bernstein, 2012),
`crossed` the way TensorFlow joins two fingerprints. Texts of one length are worked on together, a column of bytes or
words at a time.
"""

import numpy as np

_K0, _K1, _K2 = (np.uint64(k) for k in (0xc3a5c85c97cb3127, 0xb492b66fbe98f273, 0x9ae16a3b2f90404f))
_CROSS = np.uint64(0xc6a4a7935bd1e995)
CROSS_KEY = 0xdecafcaffe        # with which TensorFlow begins a cross of features


def _u(x):
    return np.uint64(x)


def _rotated(x, k):
    """Rotated to the right by k bits."""
    return (x >> _u(k)) | (x << _u(64 - k))


def _shifted(x):
    return x ^ (x >> _u(47))


def _joined(u, v, mul):
    """16 bytes to 8."""
    return _shifted((v ^ _shifted((u ^ v) * mul)) * mul) * mul


class _Rows:
    """Texts of one length as a matrix of bytes; `at(i)` is the column of little-endian words that begin at byte i,
    `at(i, 4)` of half words."""

    def __init__(self, texts, length):
        self.bytes = np.frombuffer(b''.join(texts), np.uint8).reshape(len(texts), length)

    def at(self, i, size=8):
        words = np.ascontiguousarray(self.bytes[:, i:i + size]).view(f'<u{size}')[:, 0]
        return words.astype(np.uint64)


def _farm(texts, n):
    """Fingerprints of texts of n bytes each."""
    if n == 0:
        return np.full(len(texts), _K2)
    rows, mul = _Rows(texts, n), _K2 + _u(2 * n)
    at = rows.at
    if n < 4:
        first, middle, last = (rows.bytes[:, i].astype(np.uint64) for i in (0, n >> 1, n - 1))
        return _shifted((first + (middle << _u(8))) * _K2 ^ (_u(n) + (last << _u(2))) * _K0) * _K2
    if n < 8:
        return _joined(_u(n) + (at(0, 4) << _u(3)), at(n - 4, 4), mul)
    if n <= 16:
        a, b = at(0) + _K2, at(n - 8)
        return _joined(_rotated(b, 37) * mul + a, (_rotated(a, 25) + b) * mul, mul)
    if n <= 64:
        a, b = at(0) * (_K1 if n <= 32 else _K2), at(8)
        c, d = at(n - 8) * mul, at(n - 16) * _K2
        y = _rotated(a + b, 43) + _rotated(c, 30) + d
        z = _joined(y, a + _rotated(b + _K2, 18) + c, mul)
        if n <= 32:
            return z
        e, f = at(16) * mul, at(24)
        g, h = (y + at(n - 32)) * mul, (z + at(n - 24)) * mul
        return _joined(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, mul)
    return _farm_long(at, n, len(texts))


def _farm_long(at, n, count):
    """Of more than 64 bytes: 56 bytes of state go over the text in steps of 64."""
    zeros = np.zeros(count, np.uint64)
    v, w = (zeros, zeros), (zeros, zeros)
    x, y = zeros + _u(81), zeros + _u(81) * _K1 + _u(113)
    z = _shifted(y * _K2 + _u(113)) * _K2
    x = x * _K2 + at(0)

    def weak(i, a, b):
        a = a + at(i)
        b = _rotated(b + a + at(i + 24), 21)
        c = a
        a = a + at(i + 8) + at(i + 16)
        return a + at(i + 24), b + _rotated(a, 44) + c

    def step(i, x, y, z, v, w, mul, times=1):
        x = _rotated(x + y + v[0] + at(i + 8), 37) * mul
        y = _rotated(y + v[1] + at(i + 48), 42) * mul
        x = x ^ w[1] * _u(times)
        y = y + v[0] * _u(times) + at(i + 40)
        z = _rotated(z + w[0], 33) * mul
        v = weak(i, v[1] * mul, x + w[0])
        w = weak(i + 32, z + w[1], y + at(i + 16))
        return z, y, x, v, w

    for i in range(0, (n - 1) // 64 * 64, 64):
        x, y, z, v, w = step(i, x, y, z, v, w, _K1)
    mul = _K1 + ((z & _u(0xff)) << _u(1))
    w = w[0] + _u((n - 1) & 63), w[1]
    v = v[0] + w[0], v[1]
    w = w[0] + v[0], w[1]
    x, y, z, v, w = step(n - 64, x, y, z, v, w, mul, 9)
    return _joined(_joined(v[0], w[0], mul) + _shifted(y) * _K0 + z, _joined(v[1], w[1], mul) + x, mul)


def _sip(texts, n, key):
    """SipHash-2-4 of texts of n bytes each, under two words of a key."""
    k0, k1 = (_u(k % 2 ** 64) for k in key)
    start = np.zeros(len(texts), np.uint64)
    v = [start + (k ^ _u(c)) for k, c in ((k0, 0x736f6d6570736575), (k1, 0x646f72616e646f6d), (k0, 0x6c7967656e657261),
                                          (k1, 0x7465646279746573))]

    def half(a, b, turn):
        v[a] = v[a] + v[b]
        v[b] = _rotated(v[b], 64 - turn) ^ v[a]

    def mix(rounds):
        for _ in range(rounds):
            half(0, 1, 13)
            v[0] = _rotated(v[0], 32)
            half(2, 3, 16)
            half(0, 3, 21)
            half(2, 1, 17)
            v[2] = _rotated(v[2], 32)

    padded = np.zeros((len(texts), n // 8 * 8 + 8), np.uint8)
    if n:
        padded[:, :n] = _Rows(texts, n).bytes
    padded[:, -1] = n % 256
    for word in padded.view('<u8').T.astype(np.uint64):
        v[3] = v[3] ^ word
        mix(2)
        v[0] = v[0] ^ word
    v[2] = v[2] ^ _u(0xff)
    mix(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _by_length(texts, hashed):
    """hashed(texts of one length, the length) for all lengths, in the order of the texts."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    order = np.argsort(lengths, kind='stable')
    ordered, lengths = [texts[i] for i in order.tolist()], lengths[order]
    starts = [0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(texts)]
    out = np.empty(len(texts), np.uint64)
    with np.errstate(over='ignore'):
        for start, end in zip(starts, starts[1:]):
            if start < end:
                out[order[start:end]] = hashed(ordered[start:end], int(lengths[start]))
    return out


def fingerprints(texts):
    """FarmHash's Fingerprint64 of a list of bytes, an array of uint64."""
    return _by_length(texts, _farm)


def keyed(texts, key):
    """SipHash-2-4 of a list of bytes under a key of two whole numbers, an array of uint64."""
    return _by_length(texts, lambda same, n: _sip(same, n, key))


def crossed(first, second):
    """One fingerprint of two, arrays of uint64."""
    with np.errstate(over='ignore'):
        result = first ^ _CROSS
        result = (result ^ _shifted(second * _CROSS) * _CROSS) * _CROSS
        return _shifted(_shifted(result) * _CROSS)
