"""The random kernels against Philox as its authors wrote it down, in Python's integers."""
import numpy as np
import pytest
from step import ISAS, run

SEEDS = [(1, 0), (-7, 3), (2 ** 31 - 1, -1)]
WORD = 0xffffffff


def philox(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & WORD, (p0 >> 32) ^ c3 ^ k1, p0 & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def uniform(seed, n, draw=0):
    words = [philox((b & WORD, b >> 32, seed[1] & WORD, draw), (seed[0] & WORD, 0)) for b in range(-(-n // 4))]
    return (np.array(words, np.int64) >> 8).reshape(-1) * 2.0 ** -24


def normal(seed, n, draw=0):
    u = uniform(seed, n, draw).reshape(-1, 2)
    r, angle = np.sqrt(-2 * np.log1p(-u[:, 0])), 2 * np.pi * u[:, 1]
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1).reshape(-1)[:n]


def draw(op, seed, n, isa, threads=2, **attrs):
    y = np.full(n + 40, 7, np.float32)
    run(op, [np.array(seed, np.int32), y], n=n, isa=isa, threads=threads, **attrs)
    assert (y[n:] == 7).all()
    return y[:n]


def test_the_reference_gives_the_published_answers():
    assert philox((0, 0, 0, 0), (0, 0)) == (0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)
    assert philox((WORD, WORD, WORD, WORD), (WORD, WORD)) == (0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd)
    assert philox((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0)) == (
        0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', [0, 1, 3, 4, 31, 32, 33, 4999])
def test_numbers(n, isa):
    for seed in SEEDS:
        u, z = uniform(seed, n)[:n], normal(seed, n)
        np.testing.assert_array_equal(draw('random_uniform', seed, n, isa, low=0., high=1.), u)
        np.testing.assert_allclose(draw('random_uniform', seed, n, isa, low=-2., high=3.), 5 * u - 2, atol=5e-7)
        np.testing.assert_allclose(draw('random_normal', seed, n, isa, mean=0., stddev=1., truncated=0), z, rtol=2e-6,
                                   atol=1e-6)
        for rate in (0., .3, .5):
            keep = np.where(u >= np.float32(rate), 1 / (1 - rate), 0).astype(np.float32)
            np.testing.assert_array_equal(draw('dropout_mask', seed, n, isa, rate=rate), keep)
        for k in range(1, 17):
            if n:
                z = np.where(np.abs(z) > 2, normal(seed, n, k), z)
        got = draw('random_normal', seed, n, isa, mean=1., stddev=2., truncated=1)
        np.testing.assert_allclose(got, 1 + 2 * z, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize('isa', ISAS)
def test_chunks_and_threads_do_not_show(isa):
    n = 50_001
    for op, attrs in (('random_uniform', {'low': 0., 'high': 1.}), ('dropout_mask', {'rate': .4}),
                      ('random_normal', {'mean': 0., 'stddev': 1., 'truncated': 1})):
        whole = draw(op, (3, 4), n, isa, **attrs)
        np.testing.assert_array_equal(whole, draw(op, (3, 4), n, isa, threads=1, **attrs))
        np.testing.assert_array_equal(whole[:777], draw(op, (3, 4), 777, isa, **attrs))
