"""What counts as a number and as a name, for all that take one from a user. It imports nothing of the package."""

import math
import numbers

import numpy as np


def as_number(value):
    """value as a float: of a number, or of an array or Variable of no dimensions; None for anything else, text, True and
    False among it."""
    if isinstance(value, (bool, np.bool_, str, bytes)):
        return None
    if isinstance(value, numbers.Real) or getattr(value, 'shape', None) == () and hasattr(value, '__float__'):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            return None
    return None


def as_whole(value):
    """value as an int; None for what is no whole number. A float such as 3.0 is one."""
    if isinstance(value, (bool, np.bool_)):
        return None
    if hasattr(value, '__index__'):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else None


def finite(owner, name, value, low=None, above=None):
    """`value` as a float; ValueError unless it is a finite number, at least `low` and above `above`."""
    number = as_number(value)
    if number is None or not math.isfinite(number) or low is not None and number < low or above is not None and (
            number <= above):
        least = f' of {low} or more' if low is not None else f' above {above}' if above is not None else ''
        raise ValueError(f'{owner}: expected {name} to be a finite number{least}, got {value!r}')
    return number


def steps(owner, name, value, least):
    """value as an int, None as it is; ValueError unless it is a whole number of at least `least`."""
    number = None if value is None else as_whole(value)
    if value is not None and (number is None or number < least):
        raise ValueError(f'{owner}: expected {name} of {least} or more, or None, got {value!r}')
    return number


def checked_name(owner, name):
    """A name as text; ValueError for one with a NUL, at which a file would cut it off."""
    name = str(name)
    if '\0' in name:
        raise ValueError(f'{owner}: expected a name without NUL characters, got {name!r}')
    return name
