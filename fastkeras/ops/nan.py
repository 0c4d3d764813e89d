"""Functions that put NaN aside."""

import math

import numpy as np

from . import core
from .arrange import cumprod
from .core import FLOATS
from .elementwise import (
    cast,
    divide,
    equal,
    isnan,
    logical_not,
    maximum,
    minimum,
    multiply,
    sqrt,
    square,
    subtract,
    where,
)
from .reduce import all, argmax, argmin, cumsum, max, min, prod, sum

__all__ = ['fmax', 'fmin', 'nan_to_num', 'nanargmax', 'nanargmin', 'nancumprod', 'nancumsum', 'nanmax', 'nanmean',
           'nanmin',
           'nanprod', 'nanstd', 'nansum', 'nanvar']


def _floating(x):
    x = core.as_tensor(x)
    return x if core.dtype_of(x) in FLOATS else multiply(x, 1.0)


def _filled(x, value):
    """x as a float with NaN replaced."""
    x = core.as_tensor(x)
    if core.dtype_of(x) not in FLOATS:
        return x
    return where(isnan(x), value, x)


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with NaN and the infinities replaced (None: the largest and smallest finite numbers)."""
    x = core.as_tensor(x)
    dtype = core.dtype_of(x)
    if dtype not in FLOATS:
        return x
    top = float(np.finfo(dtype).max)
    x = where(isnan(x), nan, x)
    x = where(equal(x, math.inf), top if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -top if neginf is None else neginf, x)


def fmax(x1, x2):
    """The larger of x1 and x2; where one is NaN, the other."""
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


def fmin(x1, x2):
    """The smaller of x1 and x2; where one is NaN, the other."""
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


def nansum(x, axis=None, keepdims=False):
    """Sum of what is not NaN."""
    return sum(_filled(x, 0.0), axis, keepdims)


def _nan_extreme(x, axis, keepdims, reduce, worst):
    x = _floating(x)
    found = reduce(where(isnan(x), worst, x), axis, keepdims)
    return where(all(isnan(x), axis, keepdims), math.nan, found)


def nanmax(x, axis=None, keepdims=False):
    """Largest of what is not NaN; NaN where nothing is."""
    return _nan_extreme(x, axis, keepdims, max, -math.inf)


def nanmin(x, axis=None, keepdims=False):
    """Smallest of what is not NaN; NaN where nothing is."""
    return _nan_extreme(x, axis, keepdims, min, math.inf)


def nanmean(x, axis=None, keepdims=False):
    """Mean of what is not NaN; NaN where nothing is."""
    x = _floating(x)
    n = sum(cast(logical_not(isnan(x)), core.dtype_of(x)), axis, keepdims)
    return divide(nansum(x, axis, keepdims), n)


def nanvar(x, axis=None, keepdims=False):
    """Population variance of what is not NaN."""
    x = _floating(x)
    return nanmean(square(subtract(x, nanmean(x, axis, True))), axis, keepdims)


def nanstd(x, axis=None, keepdims=False):
    """Population standard deviation of what is not NaN."""
    return sqrt(nanvar(x, axis, keepdims))


def nanprod(x, axis=None, keepdims=False):
    """Product of what is not NaN."""
    return prod(_filled(x, 1.0), axis, keepdims)


def nancumsum(x, axis=None, dtype=None):
    """Running sum with NaN as 0."""
    return cumsum(_filled(x, 0.0), axis, dtype)


def nancumprod(x, axis=None, dtype=None):
    """Running product with NaN as 1."""
    return cumprod(_filled(x, 1.0), axis, dtype)


def nanargmax(x, axis=None, keepdims=False):
    """Index of the largest of what is not NaN, along the axis (None: of the flattened x)."""
    return argmax(_filled(x, -math.inf), axis, keepdims)


def nanargmin(x, axis=None, keepdims=False):
    """Index of the smallest of what is not NaN, along the axis (None: of the flattened x)."""
    return argmin(_filled(x, math.inf), axis, keepdims)
