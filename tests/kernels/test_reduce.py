"""Reductions, their indices and running sums against NumPy in float64; the same for any threads and batch."""
import numpy as np
import pytest
from step import ISAS, parts, run

FUNCTIONS = [np.sum, np.max, np.min, np.prod]
SUM, MAX, MIN, PROD = range(4)
SHAPES = [(1, 1, 1), (3, 5, 1), (7, 17, 1), (5, 100, 1), (4, 127, 1), (3, 1000, 1), (2, 1025, 1), (2, 5000, 1),
          (1, 300_003, 1), (300, 10, 1), (3, 70, 3), (1, 50_000, 3), (2, 333, 10), (1, 20_000, 10), (5, 49, 13),
          (2, 40, 64), (1, 3000, 100), (1, 401, 2048), (2, 9, 5000), (1, 9000, 64), (3, 300, 37), (2, 30, 17),
          (1, 77, 300), (2, 1, 9), (1, 128, 1024), (0, 5, 3), (2, 5, 0)]
SOME = [(3, 5, 1), (2, 100, 1), (2, 5000, 1), (1, 200_000, 1), (2, 333, 10), (2, 40, 64), (1, 9, 5000)]
RNG = np.random.default_rng(11)


def reduce(x, kind, isa, threads=2):
    """As lowering does it: the parts, if any, are reduced once more."""
    outer, r, inner = x.shape
    n = parts('reduce', kind=kind, outer=outer, r=r, inner=inner)
    y = np.full((outer, n, inner), 7, np.float32)
    run('reduce', [x, y], kind=kind, outer=outer, r=r, inner=inner, isa=isa, threads=threads)
    if n == 1:
        return y[:, 0]
    assert parts('reduce', kind=kind, outer=outer, r=n, inner=inner) == 1
    return reduce(y, kind, isa, threads)


def arg_reduce(x, kind, isa):
    outer, r, inner = x.shape
    y = np.full((outer, inner), -1, np.int32)
    run('arg_reduce', [x, y], kind=kind, outer=outer, r=r, inner=inner, isa=isa, threads=2)
    return y


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('kind', range(4))
@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_reduce(shape, kind, isa):
    x = RNG.normal(size=shape).astype(np.float32)
    if kind == PROD:
        x = np.exp(x * np.float32(.01))
    got, want = reduce(x, kind, isa), FUNCTIONS[kind](x.astype(np.float64), axis=1)
    np.testing.assert_array_equal(got, reduce(x, kind, isa, threads=1))
    if kind in (MAX, MIN):
        np.testing.assert_array_equal(got, want)
    elif kind == SUM:
        assert (np.abs(got - want) <= 5e-7 * np.abs(x).sum(axis=1, dtype=np.float64)).all()
    else:
        np.testing.assert_allclose(got, want, rtol=1e-7 * (10 + shape[1] ** .5))  # one rounding per factor
    for k in range(1, min(shape[0], 5)):
        np.testing.assert_array_equal(reduce(x[k:k + 1].copy(), kind, isa)[0], got[k])


@pytest.mark.parametrize('isa', ISAS)
def test_nothing_to_reduce(isa):
    for kind, want in ((SUM, 0), (PROD, 1), (MAX, -np.inf), (MIN, np.inf)):
        np.testing.assert_array_equal(reduce(np.zeros((2, 0, 3), np.float32), kind, isa), np.full((2, 3), want))


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('kind', range(4))
@pytest.mark.parametrize('shape', SOME, ids=str)
def test_nan_and_infinity(shape, kind, isa):
    outer, r, inner = shape
    for at in (0, r // 2, r - 1):
        x = RNG.uniform(.999, 1.001, shape).astype(np.float32)
        x[0, at, inner // 2] = np.nan
        got = reduce(x, kind, isa)
        assert np.isnan(got[0, inner // 2]) and np.isnan(got).sum() == 1
        x[0, at, inner // 2] = -np.inf
        got = reduce(x, kind, isa)
        if kind != MAX:
            assert got[0, inner // 2] == -np.inf and np.isinf(got).sum() == 1


@pytest.mark.parametrize('isa', ISAS)
def test_a_long_sum_stays_accurate(isa):
    for x in (np.full((1, 3_000_000, 1), .1, np.float32), RNG.random((1, 3_000_000, 1), np.float32),
              RNG.random((1, 300_000, 10), np.float32)):
        np.testing.assert_allclose(reduce(x, SUM, isa), x.sum(axis=1, dtype=np.float64), rtol=5e-7)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('kind', [MAX, MIN])
@pytest.mark.parametrize('shape', [s for s in SHAPES if np.prod(s) < 1e6], ids=str)
def test_arg_reduce_takes_the_first(shape, kind, isa):
    outer, r, inner = shape
    function = np.argmax if kind == MAX else np.argmin
    x = RNG.integers(-4, 4, shape).astype(np.float32)
    np.testing.assert_array_equal(arg_reduce(x, kind, isa), function(x, axis=1))
    if x.size:
        x[0, r // 2:, inner // 2] = np.nan
        np.testing.assert_array_equal(arg_reduce(x, kind, isa), function(x, axis=1))
        x[:] = -np.inf if kind == MAX else np.inf
        assert not arg_reduce(x, kind, isa).any()


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('reverse', [0, 1])
@pytest.mark.parametrize('exclusive', [0, 1])
@pytest.mark.parametrize('shape', [(1, 1, 1), (3, 50, 1), (2, 1000, 1), (2, 30, 5), (3, 7, 64), (2, 5, 700), (0, 3, 2)])
def test_cumsum(shape, exclusive, reverse, isa):
    outer, r, inner = shape
    x = RNG.integers(-5, 5, shape).astype(np.float32)
    y = np.empty_like(x)
    run('cumsum', [x, y], outer=outer, r=r, inner=inner, exclusive=exclusive, reverse=reverse, isa=isa, threads=2)
    along = x[:, ::-1] if reverse else x
    want = np.cumsum(along, axis=1) - (along if exclusive else 0)
    np.testing.assert_array_equal(y, want[:, ::-1] if reverse else want)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('shape', [(1, 1, 1), (3, 50, 16), (2, 40, 37), (2, 5000, 20), (1, 9, 5000), (2, 4097, 130), (0, 5, 3),
                                   (2, 0, 3), (2, 5, 0)], ids=str)
def test_the_gradient_of_an_extreme_is_shared_by_equal_ones(shape, isa):
    outer, r, inner = shape
    x = RNG.integers(-5, 5, shape).astype(np.float32)
    y = x.max(axis=1) if r else np.zeros((outer, inner), np.float32)
    dy = RNG.normal(size=y.shape).astype(np.float32)
    one, two = (np.full(shape, 7, np.float32) for _ in range(2))
    for dx, threads in ((one, 1), (two, 2)):
        run('extreme_dx', [x, y, dy, dx], outer=outer, r=r, inner=inner, isa=isa, threads=threads)
    np.testing.assert_array_equal(one, two)
    chosen = (x == y[:, None]).astype(np.float32)
    np.testing.assert_array_equal(one, chosen * (dy / np.maximum(chosen.sum(axis=1), 1))[:, None])
    there = x.copy()
    run('extreme_dx', [there, y, dy, there], outer=outer, r=r, inner=inner, isa=isa, threads=2)
    np.testing.assert_array_equal(there, one)
    if x.size:
        x[0, 0, 0] = y[0, 0] = np.nan
        run('extreme_dx', [x, y, dy, one], outer=outer, r=r, inner=inner, isa=isa)
        assert np.isnan(one[0, :, 0]).all() and np.isnan(one).sum() == r
