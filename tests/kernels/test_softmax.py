"""softmax and log_softmax against NumPy in float64."""
import numpy as np
import pytest
from step import ISAS, run

RNG = np.random.default_rng(13)


def compute(op, x, isa, threads=2):
    y = np.empty_like(x)
    run(op, [x, y], rows=x.shape[0], n=x.shape[1], isa=isa, threads=threads)
    return y


def both(x):
    with np.errstate(all='ignore'):
        shifted = x.astype(np.float64) - x.max(axis=1, keepdims=True)
        terms = np.exp(shifted)
        total = terms.sum(axis=1, keepdims=True)
        return terms / total, shifted - np.log(total)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('rows, n', [(5, 1), (5, 2), (7, 3), (5, 7), (200, 10), (5, 16), (5, 17), (9, 100), (64, 1000),
                                     (5, 4097), (1, 300_000), (0, 4), (3, 0)])
def test_rows(rows, n, isa):
    x = (RNG.normal(size=(rows, n)) * 5).astype(np.float32)
    if n == 0:
        assert compute('softmax', x, isa).shape == (rows, 0)
        return
    share, log_share = both(x)
    got, log_got = compute('softmax', x, isa), compute('log_softmax', x, isa)
    # x - max is rounded in float32: its error, at most half a unit of 50, is an error of the exponential
    np.testing.assert_allclose(got, share, rtol=4e-6)
    np.testing.assert_allclose(log_got, log_share, rtol=1e-6, atol=4e-6)
    np.testing.assert_array_equal(got, compute('softmax', x, isa, threads=1))
    for k in range(1, min(rows, 4)):
        np.testing.assert_array_equal(compute('softmax', x[k:k + 1].copy(), isa)[0], got[k])
        np.testing.assert_array_equal(compute('log_softmax', x[k:k + 1].copy(), isa)[0], log_got[k])


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', [2, 3, 10, 16, 40, 5000])
def test_infinities_and_nan(n, isa):
    x = RNG.normal(size=(6, n)).astype(np.float32)
    x[0, n // 2] = np.nan
    x[1] = -np.inf
    x[2, n - 1] = -np.inf
    x[3, 0] = np.inf
    x[4] *= np.float32(1e37)
    share, log_share = both(x)
    np.testing.assert_allclose(compute('softmax', x, isa), share, rtol=4e-6)
    np.testing.assert_allclose(compute('log_softmax', x, isa), log_share, rtol=1e-6, atol=4e-6)
