"""The elementary functions against NumPy and SciPy in float64: error in units of the last place, and special values."""
import numpy as np
import pytest
from scipy import special
from step import ISAS, micro

EDGES = np.array([0, -0., 1, -1, .5, -.5, 2, -2, 3, -3, 1e-45, -1e-45, 1e-38, -1e-38, 88.7, 88.8, -87.3, -103.9, -104.1,
                  1e6, 16777216, -16777217, 1e7, -1e30, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan], np.float32)


def everywhere(step=9973):
    """Floats of every exponent and sign."""
    return np.arange(0, 2 ** 32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def dense(low, high):
    return np.linspace(low, high, 200_001).astype(np.float32)


def sigmoid(x):
    return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))


# name: (function, densely sampled range, units in the last place)
UNARY = {
    'exp': (np.exp, (-105, 90), 1.1), 'expm1': (np.expm1, (-30, 90), 1.6), 'log': (np.log, (0, 10), 1.1),
    'log1p': (np.log1p, (-1, 10), 1.7), 'tanh': (np.tanh, (-12, 12), 2.5), 'sigmoid': (sigmoid, (-110, 110), 2.5),
    'softplus': (lambda x: np.logaddexp(0, x), (-110, 110), 2), 'erf': (special.erf, (-5, 5), 1.3),
    'sin': (np.sin, (-1e5, 1e5), 1.7), 'cos': (np.cos, (-1e5, 1e5), 1.7), 'tan': (np.tan, (-1e5, 1e5), 3.5),
    'asin': (np.arcsin, (-1, 1), 2.5), 'acos': (np.arccos, (-1, 1), 1.5), 'atan': (np.arctan, (-20, 20), 1.6),
    'sqrt': (np.sqrt, (0, 10), .51), 'rsqrt': (lambda x: 1 / np.sqrt(x), (0, 10), 1.6),
    'floor': (np.floor, (-9, 9), 0), 'ceil': (np.ceil, (-9, 9), 0), 'trunc': (np.trunc, (-9, 9), 0),
    'round': (np.round, (-9, 9), 0), 'sign': (np.sign, (-2, 2), 0), 'abs': (np.abs, (-2, 2), 0),
    'square': (np.square, (-2, 2), .51), 'reciprocal': (np.reciprocal, (-2, 2), .51),
    'relu': (lambda x: np.maximum(x, 0), (-2, 2), 0)}


def ulps(got, want):
    """|got - want| in the spacing of float32 at want; 0 where both round to the same infinity, zero or NaN."""
    with np.errstate(all='ignore'):
        rounded = want.astype(np.float32)
        spacing = np.maximum(np.spacing(np.abs(rounded)).astype(np.float64), 2.0 ** -149)
        error = np.abs(got - want) / spacing
    error[(got == rounded) & ~np.isfinite(rounded) | np.isnan(got) & np.isnan(rounded)] = 0
    return np.where(np.isnan(error), np.inf, error)


def check(name, got, want, bound):
    error = ulps(got, want)
    k = int(error.argmax())
    assert error[k] <= bound, f'{name}: {error[k]} ulp: got {got[k]!r}, true {want[k]!r}'
    zero = (want == 0) & (got == 0)
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(want[zero]))


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('name', UNARY)
def test_unary(name, isa):
    function, ends, bound = UNARY[name]
    parts = [dense(*ends), everywhere(), EDGES]
    if name in ('sin', 'cos', 'tan'):  # multiples of π/2 cancel all leading digits
        parts += [dense(-10, 10), (np.arange(-60000, 60000) * (np.pi / 2)).astype(np.float32)]
    x = np.concatenate(parts)
    with np.errstate(all='ignore'):
        want = function(x.astype(np.float64))
    if name == 'relu':
        want[x == 0] = x[x == 0]  # NumPy leaves the sign of max(-0, 0) open
    check(name, micro(name, x, isa=isa), want, bound)


def pairs():
    rng = np.random.default_rng(0)
    n = 100_000
    wide = np.exp(rng.uniform(-80, 80, (2, n)))
    whole = rng.integers(-20, 20, (2, n))
    near = np.stack([rng.uniform(0, 10, n), rng.uniform(-30, 30, n)])
    edges = np.array(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
    return np.concatenate([near, wide, wide * [[1], [-1]], whole, edges], axis=1).astype(np.float32)


# floordiv and mod in float32, as NumPy defines them there
BINARY = {'pow': (np.power, np.float64, .51), 'atan2': (np.arctan2, np.float64, 1.7),
          'floordiv': (np.floor_divide, np.float32, 2), 'mod': (np.mod, np.float32, 0),
          'maximum': (np.maximum, np.float64, 0), 'minimum': (np.minimum, np.float64, 0)}


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('name', BINARY)
def test_binary(name, isa):
    function, dtype, bound = BINARY[name]
    a, b = pairs()
    with np.errstate(all='ignore'):
        want = function(a.astype(dtype), b.astype(dtype)).astype(np.float64)
    got = micro(name, a, b, isa=isa)
    if name in ('maximum', 'minimum'):
        np.testing.assert_array_equal(got, want)
    else:
        check(name, got, want, bound)


@pytest.mark.skipif('v4' not in ISAS, reason='one vector length with FMA only')
@pytest.mark.parametrize('name', [*UNARY, *BINARY])
def test_vector_lengths_agree(name):
    args = [np.concatenate([everywhere(), dense(-12, 12)])] if name in UNARY else pairs()
    a, b = (micro(name, *args, isa=isa) for isa in ('v3', 'v4'))
    np.testing.assert_array_equal(a, b)
