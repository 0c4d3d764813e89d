"""Operations on the bits of integers; on truth values they are the logical ones; divisors, multiples. NumPy computes them,
steps on the host."""

import numpy as np

from .core import FLOATS, Sample, apply, register
from .facts import each_element
from .shapes import broadcast

__all__ = ['bitwise_and', 'bitwise_invert', 'bitwise_left_shift', 'bitwise_not', 'bitwise_or', 'bitwise_right_shift',
           'bitwise_xor', 'gcd', 'lcm', 'left_shift', 'right_shift']


def _whole(x):
    if x.dtype in FLOATS:
        raise ValueError(f'expected integers or truth values, got {x.dtype}; convert them with cast')


def _samples():
    rng = np.random.default_rng(5)
    a, b = (rng.integers(0, 20, (3, 5)).astype(np.int32) for _ in range(2))
    return [Sample([a, b], grad=False), Sample([a, b[0]], grad=False)]


def _bits(name, ref, logical=None):
    def spec(x1, x2):
        _whole(x1)
        return broadcast(x1.shape, x2.shape), x1.dtype

    def compose(x1, x2):
        return apply(logical, (x1, x2)) if logical and x1.dtype == 'bool' else None

    register(name, ref=ref, samples=_samples, promote=0, compose=compose, rows=each_element)(spec)


_bits('bitwise_and', np.bitwise_and, 'logical_and')
_bits('bitwise_or', np.bitwise_or, 'logical_or')
_bits('bitwise_xor', np.bitwise_xor, 'logical_xor')
_bits('gcd', np.gcd)
_bits('lcm', np.lcm)
_bits('left_shift', np.left_shift)
_bits('right_shift', np.right_shift)


@register('bitwise_not', ref=np.bitwise_not, samples=lambda: [Sample([np.arange(-3, 4, dtype=np.int32)], grad=False)],
          compose=lambda x: apply('logical_not', (x,)) if x.dtype == 'bool' else None, rows=each_element)
def _not_spec(x):
    _whole(x)
    return x.shape, x.dtype


def bitwise_and(x, y):
    """The bits set in both."""
    return apply('bitwise_and', (x, y))


def bitwise_or(x, y):
    """The bits set in at least one."""
    return apply('bitwise_or', (x, y))


def bitwise_xor(x, y):
    """The bits set in exactly one."""
    return apply('bitwise_xor', (x, y))


def bitwise_not(x):
    """All bits turned over."""
    return apply('bitwise_not', (x,))


def bitwise_invert(x):
    """As `bitwise_not`."""
    return apply('bitwise_not', (x,))


def left_shift(x, y):
    """The bits of x moved up by y places."""
    return apply('left_shift', (x, y))


def right_shift(x, y):
    """The bits of x moved down by y places, the sign kept."""
    return apply('right_shift', (x, y))


def bitwise_left_shift(x, y):
    """As `left_shift`."""
    return left_shift(x, y)


def bitwise_right_shift(x, y):
    """As `right_shift`."""
    return right_shift(x, y)


def gcd(x1, x2):
    """The greatest common divisor of whole numbers, elementwise."""
    return apply('gcd', (x1, x2))


def lcm(x1, x2):
    """The least common multiple of whole numbers, elementwise."""
    return apply('lcm', (x1, x2))
