"""Elementwise functions and small numerical ones written in other ops: gradients and fusion come by themselves."""

import math

import numpy as np

from . import core
from .core import FLOATS, apply
from .elementwise import (
    absolute,
    add,
    cast,
    clip,
    divide,
    equal,
    exp,
    expm1,
    greater,
    isfinite,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    rint,
    sign,
    sqrt,
    square,
    subtract,
    trunc,
    where,
)
from .move import moveaxis, squeeze
from .reduce import all, max, mean, min, sum
from .shapes import one_axis, shape_of
from .slices import along, cut

__all__ = ['abs', 'allclose', 'angle', 'arccosh', 'arcsinh', 'arctanh', 'average', 'cbrt', 'conj', 'conjugate',
           'cosh', 'cross', 'deg2rad', 'diff', 'divide_no_nan', 'erfc', 'erfinv', 'exp2', 'fabs', 'fmod',
           'heaviside', 'hypot', 'i0', 'imag', 'isclose', 'isinf', 'isneginf', 'isposinf', 'isreal', 'ldexp',
           'log10', 'log2', 'logaddexp', 'logaddexp2', 'ptp', 'rad2deg', 'real', 'round', 'saturate_cast',
           'select', 'signbit', 'sinc', 'sinh', 'trapezoid', 'true_divide']


# ---- other names
def abs(x):
    """|x|."""
    return absolute(x)


def fabs(x):
    """|x|, a float also for integers."""
    return absolute(_floating(x))


def true_divide(x1, x2):
    """As `divide`."""
    return divide(x1, x2)


def conj(x):
    """x: the numbers of this engine are real."""
    return core.as_tensor(x)


def conjugate(x):
    """As `conj`."""
    return core.as_tensor(x)


def real(x):
    """x: the numbers of this engine are real."""
    return core.as_tensor(x)


def imag(x):
    """Zeros: the numbers of this engine are real."""
    return multiply(x, 0)


def angle(x):
    """The angle of a real number in the complex plane: 0, or π where x is negative."""
    return where(less(x, 0), multiply(_ones(x), math.pi), multiply(_ones(x), 0.0))


def isreal(x):
    """True everywhere."""
    x = core.as_tensor(x)
    return logical_or(equal(x, x), isnan(x))


def _floating(x):
    """x as a float."""
    x = core.as_tensor(x)
    return x if core.dtype_of(x) in FLOATS else multiply(x, 1.0)


def _ones(x):
    x = _floating(x)
    return apply('full_like', (x,), value=1.0, dtype=core.dtype_of(x))


# ---- exponentials and hyperbolic functions
def exp2(x):
    """2 to the power of x."""
    return exp(multiply(x, math.log(2.0)))


def log2(x):
    """Logarithm to the base 2."""
    return multiply(log(x), 1.0 / math.log(2.0))


def log10(x):
    """Logarithm to the base 10."""
    return multiply(log(x), 1.0 / math.log(10.0))


def sinh(x):
    """Hyperbolic sine."""
    e = expm1(absolute(_floating(x)))  # exact near 0
    return multiply(sign(_floating(x)), multiply(add(e, divide(e, add(e, 1.0))), 0.5))


def cosh(x):
    """Hyperbolic cosine."""
    e = exp(absolute(_floating(x)))
    return multiply(add(e, divide(1.0, e)), 0.5)


def arcsinh(x):
    """Inverse hyperbolic sine."""
    x = _floating(x)
    a = absolute(x)
    s = square(a)
    return multiply(sign(x), log1p(add(a, divide(s, add(sqrt(add(s, 1.0)), 1.0)))))


def arccosh(x):
    """Inverse hyperbolic cosine, of numbers of at least 1."""
    t = subtract(_floating(x), 1.0)
    return log1p(add(t, sqrt(multiply(t, add(t, 2.0)))))


def arctanh(x):
    """Inverse hyperbolic tangent, of numbers between -1 and 1."""
    x = _floating(x)
    return multiply(log1p(divide(multiply(x, 2.0), subtract(1.0, x))), 0.5)


def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)) without overflow."""
    top = maximum(x1, x2)
    gap = negative(absolute(subtract(x1, x2)))
    return add(top, log1p(exp(where(isnan(gap), -math.inf, gap))))


def logaddexp2(x1, x2):
    """log2(2^x1 + 2^x2) without overflow."""
    k = math.log(2.0)
    return multiply(logaddexp(multiply(x1, k), multiply(x2, k)), 1.0 / k)


def ldexp(x1, x2):
    """x1 · 2^x2."""
    return multiply(x1, exp2(x2))


def erfc(x):
    """1 - erf(x)."""
    return subtract(1.0, apply('erf', (x,)))


# w = -log(1 - x²) → erfinv(x) / x, below w = 5 and above (Giles 2010, "Approximating the erfinv function")
_ERFINV_CENTRE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
                  -0.00417768164, 0.246640727, 1.50140941)
_ERFINV_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
                0.00943887047, 1.00167406, 2.83297682)


def _polynomial(t, coefficients):
    y = coefficients[0]
    for c in coefficients[1:]:
        y = add(multiply(y, t), c)
    return y


def erfinv(x):
    """Inverse of erf, of numbers between -1 and 1 (Giles's approximation, one Newton step)."""
    x = _floating(x)
    w = negative(log(multiply(subtract(1.0, x), add(1.0, x))))
    centre = _polynomial(subtract(minimum(w, 5.0), 2.5), _ERFINV_CENTRE)
    tail = _polynomial(subtract(sqrt(maximum(w, 5.0)), 3.0), _ERFINV_TAIL)
    y = multiply(x, where(less(w, 5.0), centre, tail))
    error = subtract(apply('erf', (y,)), x)
    better = subtract(y, multiply(multiply(error, exp(square(y))), math.sqrt(math.pi) / 2))
    return where(less(absolute(y), 3.0), better, where(equal(absolute(x), 1.0), multiply(x, math.inf), y))


def cbrt(x):
    """Cube root, of the sign of x."""
    x = _floating(x)
    return multiply(sign(x), power(absolute(x), 1.0 / 3.0))


def hypot(x1, x2):
    """sqrt(x1² + x2²) without overflow."""
    a, b = absolute(_floating(x1)), absolute(_floating(x2))
    big, small = maximum(a, b), minimum(a, b)
    ratio = divide(small, where(equal(big, 0.0), 1.0, big))
    return multiply(big, sqrt(add(square(ratio), 1.0)))


def sinc(x):
    """sin(πx) / (πx), 1 at 0."""
    t = multiply(_floating(x), math.pi)
    safe = where(equal(t, 0.0), 1.0, t)
    return where(equal(t, 0.0), 1.0, divide(apply('sin', (safe,)), safe))


def deg2rad(x):
    """Radians of degrees."""
    return multiply(x, math.pi / 180.0)


def rad2deg(x):
    """Degrees of radians."""
    return multiply(x, 180.0 / math.pi)


def heaviside(x1, x2):
    """0 where x1 is negative, 1 where it is positive, x2 where it is 0."""
    x1 = _floating(x1)
    return where(equal(x1, 0.0), x2, cast(greater(x1, 0.0), core.dtype_of(x1)))


# Abramowitz and Stegun (1964), 9.8.1 and 9.8.2
_I0_CENTRE = (0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0)
_I0_TAIL = (0.00392377, -0.01647633, 0.02635537, -0.02057706, 0.00916281, -0.00157565, 0.00225319, 0.01328592, 0.39894228)


def i0(x):
    """The modified Bessel function of the first kind and order 0, with a relative error of at most 3e-7."""
    a = absolute(_floating(x))
    centre = _polynomial(square(multiply(minimum(a, 3.75), 1 / 3.75)), _I0_CENTRE)
    large = maximum(a, 3.75)
    tail = multiply(_polynomial(divide(3.75, large), _I0_TAIL), divide(exp(large), sqrt(large)))
    return where(less(a, 3.75), centre, tail)


# ---- rounding and remainders
def round(x, decimals=0):
    """x to the nearest number of so many decimals, halves to the even one."""
    x = core.as_tensor(x)
    if core.dtype_of(x) not in FLOATS and decimals >= 0:
        return x
    if not decimals:
        return rint(x)
    scale = 10.0 ** decimals
    return divide(rint(multiply(x, scale)), scale)


def fmod(x1, x2):
    """What is left of x1 / x2, with the sign of x1."""
    return subtract(x1, multiply(trunc(divide(x1, x2)), x2))


def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0; so is the gradient."""
    x2 = _floating(x2)
    zero = equal(x2, 0.0)
    return where(zero, 0.0, divide(x1, where(zero, 1.0, x2)))


def saturate_cast(x, dtype):
    """x as another type, values out of its range brought to its nearest end."""
    dtype = core.dtype_name(dtype)
    x = core.as_tensor(x)
    if dtype in FLOATS or core.dtype_of(x) == 'bool':
        return cast(x, dtype)
    low, high = (0, 1) if dtype == 'bool' else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if core.dtype_of(x) in FLOATS:
        high = float(np.nextafter(np.float32(high), np.float32(0))) if high > 1 << 24 else high
        return cast(clip(x, float(low), float(high)), dtype)
    source = np.iinfo(core.dtype_of(x))
    return cast(clip(x, low if low > source.min else None, high if high < source.max else None), dtype)


# ---- questions
def isinf(x):
    """Where x is infinite."""
    return logical_not(logical_or(isfinite(x), isnan(x)))


def isposinf(x):
    """Where x is positive infinity."""
    return equal(x, math.inf)


def isneginf(x):
    """Where x is negative infinity."""
    return equal(x, -math.inf)


def signbit(x):
    """Where x is negative, -0 included."""
    x = _floating(x)
    return less(where(equal(x, 0.0), divide(1.0, x), x), 0.0)


def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Where |x1 - x2| ≤ atol + rtol · |x2|. equal_nan: two NaN are close."""
    near = less_equal(absolute(subtract(x1, x2)), add(multiply(absolute(x2), rtol), atol))
    near = where(logical_and(isfinite(x1), isfinite(x2)), near, equal(x1, x2))
    return logical_or(near, logical_and(isnan(x1), isnan(x2))) if equal_nan else near


def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close, see `isclose`."""
    return all(isclose(x1, x2, rtol, atol, equal_nan))


# ---- along axes
def average(x, axis=None, weights=None):
    """Mean weighted by `weights`, of the shape of x or, with an axis, of its size."""
    if weights is None:
        return mean(x, axis)
    x, weights = _floating(x), _floating(weights)
    if len(shape_of(weights)) == 1 and len(shape_of(x)) > 1:
        if axis is None:
            raise ValueError('[average] axis: needed with one-dimensional weights')
        lines = [1] * len(shape_of(x))
        lines[one_axis(axis, len(lines))] = -1
        weights = apply('reshape', (weights,), shape=tuple(lines))
    total = sum(multiply(x, weights), axis)
    spread = multiply(weights, _ones(x))
    return divide(total, sum(spread, axis))


def ptp(x, axis=None, keepdims=False):
    """Distance from the smallest to the largest element."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def diff(a, n=1, axis=-1):
    """n-th difference of neighbours along the axis."""
    a = core.as_tensor(a)
    ndim = len(shape_of(a))
    axis = one_axis(axis, ndim)
    for _ in range(n):
        step = not_equal if core.dtype_of(a) == 'bool' else subtract
        a = step(cut(a, along(ndim, axis, 1, None)), cut(a, along(ndim, axis, None, -1)))
    return a


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """Integral of y along the axis by the trapezoidal rule, over points x or steps of dx."""
    y = _floating(y)
    ndim = len(shape_of(y))
    axis = one_axis(axis, ndim)
    if x is not None:
        dx = diff(x)
        if len(shape_of(dx)) == 1:
            lines = [1] * ndim
            lines[axis] = -1
            dx = apply('reshape', (dx,), shape=tuple(lines))
    both = add(cut(y, along(ndim, axis, 1, None)), cut(y, along(ndim, axis, None, -1)))
    return sum(multiply(multiply(both, 0.5), dx), axis)


def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Cross product of vectors of 3 (or 2) numbers along an axis; of two vectors of 2 only the third component."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    sizes = shape_of(a)[-1], shape_of(b)[-1]
    if not set(sizes) <= {2, 3}:
        raise ValueError(f'[cross]: expected vectors of 2 or 3 numbers, got {sizes}')

    def part(v, i, n):
        return cut(v, along(len(shape_of(v)), len(shape_of(v)) - 1, i, i + 1)) if i < n else multiply(part(v, 0, n), 0)

    p, q = ([part(v, i, n) for i in range(3)] for v, n in ((a, sizes[0]), (b, sizes[1])))
    third = subtract(multiply(p[0], q[1]), multiply(p[1], q[0]))
    if sizes == (2, 2):
        return squeeze(third, -1)
    first = subtract(multiply(p[1], q[2]), multiply(p[2], q[1]))
    second = subtract(multiply(p[2], q[0]), multiply(p[0], q[2]))
    joined = apply('concatenate', (first, second, third), axis=len(shape_of(first)) - 1)
    return moveaxis(joined, -1, axisc)


def select(condlist, choicelist, default=0):
    """For each element the choice of the first condition that is true, else the default."""
    if len(condlist) != len(choicelist):
        raise ValueError(f'[select]: expected as many choices as conditions, got {len(condlist)} conditions and '
                         f'{len(choicelist)} choices')
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        y = where(condition, choice, y)
    return y
