"""The arguments of an ImageDataGenerator, checked."""

import math
import numbers

import numpy as np

from fastkeras.utils.errors import warn


def error(argument, expected, got):
    return ValueError(f'ImageDataGenerator: {argument} must be {expected}, got {got!r}')


def is_number(value):
    return isinstance(value, numbers.Real) and math.isfinite(value)


def number(argument, value):
    if not is_number(value):
        raise error(argument, 'a number', value)
    return value


def shift(argument, value):
    """A number, or a list of numbers to choose from."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if is_number(value) or (isinstance(value, (list, tuple)) and all(map(is_number, value))):
        return value
    raise error(argument, 'a number (a fraction below 1, pixels from there on) or a list of numbers', value)


def pair(argument, value, expected='a pair of numbers'):
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not (isinstance(value, (list, tuple)) and len(value) == 2 and all(map(is_number, value))):
        raise error(argument, expected, value)
    return value


def zoom(value):
    """[least, most]; a number z stands for [1 - z, 1 + z]."""
    if is_number(value):
        return [1 - value, 1 + value]
    return list(pair('zoom_range', value, 'a number or a pair (least, most) of numbers'))


def split(value):
    if value and not (is_number(value) and 0 < value < 1):
        raise error('validation_split', 'a number between 0 and 1, both excluded, or 0 for none', value)
    return value or 0.


def function(value):
    if value is not None and not callable(value):
        raise error('preprocessing_function', 'a function of one image, or None', value)
    return value


def number_type(value, changes_range):
    """The dtype's name. changes_range: whether images are rescaled or standardized, which whole numbers cannot hold."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise error('dtype', "the name of a number type, such as 'float32'", value) from None
    if dtype.kind not in 'fiu':
        raise error('dtype', "a type of real numbers, such as 'float32'", value)
    if dtype.kind in 'iu' and changes_range:
        raise error('dtype', "a float type when images are rescaled or standardized, such as 'float32'", value)
    return dtype.name


def warn_of_channels(function, shape, data_format):
    """Warn if a batch of this shape has neither 1, 3 nor 4 channels: the data format may be the wrong one."""
    axis = 3 if data_format == 'channels_last' else 1
    if shape[axis] not in (1, 3, 4):
        warn(f'{function}: the data format is {data_format!r} (channels on axis {axis}), but an array of shape '
             f'{shape} has {shape[axis]} channels there, not 1, 3 or 4')
