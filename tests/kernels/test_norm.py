import numpy as np
import pytest
import step
from sweep import sweep

RNG = np.random.default_rng(13)
SHAPES = [(1, 1), (1, 40), (2, 3), (5, 17), (15, 1), (16, 1), (37, 10), (33, 15), (300, 16), (1000, 33), (40, 4096),
          (7, 5000),
          (100_000, 1), (70_001, 3), (6000, 64), (2000, 1030), (129, 100), (50_000, 12)]


def moments(x):
    """Mean and variance by both steps, on every instruction set."""
    rows, c = x.shape
    parts = step.parts('moments', rows=rows, c=c, parts=0)
    yield from moments_of_shares(x, step.bounds(rows, parts))


def moments_of_shares(x, bounds):
    (rows, c), parts = x.shape, len(bounds) - 1
    how, shape = {'rows': rows, 'c': c, 'parts': parts}, (2, c) if parts == 1 else (parts, 3, c)
    for isa, (y,) in sweep('moments', [x, bounds], [(shape, np.float32)], **how):
        if parts > 1:
            merged = {i: y for i, (y,) in sweep('moments_merge', [y, bounds], [((2, c), np.float32)], **how)}
            y = merged[isa]
        yield y


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('mean, std', [(0, 1), (3, 2), (1e3, 1e-2), (-50, 1e-3)])
def test_against_float64(shape, mean, std):
    x = (mean + std * RNG.normal(size=shape)).astype(np.float32)
    wide = x.astype(np.float64)
    spread = np.abs(wide - wide.mean(0)).max()
    for y in moments(x):
        np.testing.assert_allclose(y[0], wide.mean(0), rtol=2.4e-7, atol=1e-6 * spread)
        # what a mean rounded to float32 leaves of the spread
        np.testing.assert_allclose(y[1], wide.var(0), rtol=2e-5 + 1e-8 * abs(mean) / std, atol=1e-12)


@pytest.mark.parametrize('mean, std', [(0, 1), (1e3, 1e-2), (-50, 1e-3)])
@pytest.mark.parametrize('bounds', [(0, 200), (0, 1, 3, 200), (0, 0, 70, 70, 131, 200, 200), tuple(range(0, 201, 25))])
def test_shares_of_any_length(bounds, mean, std):
    x = (mean + std * RNG.normal(size=(200, 48))).astype(np.float32)
    wide = x.astype(np.float64)
    spread = np.abs(wide - wide.mean(0)).max()
    for y in moments_of_shares(x, np.array(bounds)):
        np.testing.assert_allclose(y[0], wide.mean(0), rtol=2.4e-7, atol=1e-6 * spread)
        np.testing.assert_allclose(y[1], wide.var(0), rtol=2e-5 + 1e-8 * abs(mean) / std)


def test_columns_of_very_different_scales():
    scale = 10.0 ** RNG.integers(-6, 6, 50)
    x = (RNG.normal(size=(900, 50)) * scale + RNG.normal(size=50) * scale * 100).astype(np.float32)
    wide = x.astype(np.float64)
    for y in moments(x):
        np.testing.assert_allclose(y[0], wide.mean(0), rtol=1e-5)
        np.testing.assert_allclose(y[1], wide.var(0), rtol=1e-4)


def test_a_first_row_far_from_the_rest():
    x = RNG.normal(size=(5000, 20)).astype(np.float32)
    x[0] += 1e4
    wide = x.astype(np.float64)
    for y in moments(x):
        np.testing.assert_allclose(y[0], wide.mean(0), atol=1e-5 * wide.std(0).max())
        np.testing.assert_allclose(y[1], wide.var(0), rtol=1e-4)


@pytest.mark.parametrize('c', [3, 20])
def test_nan_and_inf_stay_in_their_columns(c):
    x = RNG.normal(size=(4000, c)).astype(np.float32)
    x[5, 0], x[3000, 1], x[0, 2] = np.nan, np.inf, -np.inf
    with np.errstate(invalid='ignore'):
        mean, var = x.mean(0), x.var(0)
    for y in moments(x):
        np.testing.assert_allclose(y[0], mean, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(y[1], var, rtol=1e-3)


def test_constant_columns_have_no_variance():
    for y in moments(np.full((3000, 21), 0.1, np.float32)):
        np.testing.assert_array_equal(y, np.float32([[0.1] * 21, [0] * 21]))


@pytest.mark.parametrize('c', [0, 5, 100])
def test_no_rows(c):
    for y in moments(np.zeros((0, c), np.float32)):
        assert np.isnan(y).all()
