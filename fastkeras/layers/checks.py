"""Checks of the arguments of layers, and the arithmetic of windows that their shapes need."""

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.windows import outputs
from fastkeras.utils.quantities import as_number, as_whole

from .input_spec import UnknownSize, title


def count(layer, name, value, least=1):
    """value, a whole number of at least `least`, as an int."""
    number = as_whole(value)
    if number is None or number < least:
        raise ValueError(f'{title(layer)}: expected {name} to be a whole number of at least {least}, got {value!r}')
    return number


def whole(layer, name, value):
    """value, any whole number, as an int: the number of an axis."""
    if isinstance(value, bool) or not hasattr(value, '__index__'):
        raise ValueError(f'{title(layer)}: expected {name} to be a whole number, got {value!r}')
    return int(value)


def number(layer, name, value, least=None, most=None):
    """value, a number between the bounds, as a float."""
    number = as_number(value)
    if number is None or number != number or least is not None and number < least or most is not None and number > most:
        between = '' if least is None else f' of at least {least}' if most is None else f' from {least} to {most}'
        raise ValueError(f'{title(layer)}: expected {name} to be a number{between}, got {value!r}')
    return number


def sequence(layer, name, value):
    """value, a sequence of whole numbers or a single one, as a tuple of ints."""
    items = value if hasattr(value, '__iter__') and not isinstance(value, (str, bytes)) else (value,)
    items = tuple(items)
    if not all(hasattr(d, '__index__') and not isinstance(d, bool) for d in items):
        raise ValueError(f'{title(layer)}: expected {name} to hold whole numbers, got {value!r}')
    return tuple(int(d) for d in items)


def numbers(layer, name, value, n, least=1):
    """value, a whole number or n of them, as a tuple."""
    items = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    if len(items) != n:
        raise ValueError(f'{title(layer)}: the `{name}` argument must be a tuple of {n} integers, or one whole number, got '
                         f'{value!r}')
    return tuple(count(layer, name, v, least) for v in items)


def pairs(layer, name, value, n):
    """value as n pairs (before, after): a number, n numbers, or n pairs of numbers of 0 or more."""
    items = value if isinstance(value, (tuple, list)) else (value,) * n
    if n == 1 and len(items) == 2 and all(hasattr(v, '__index__') for v in items):
        items = (items,)
    if len(items) != n:
        raise ValueError(f'{title(layer)}: expected {name} to be one whole number, {n} of them or {n} pairs (before, '
                         f'after), got {value!r}')
    return tuple(numbers(layer, name, v, 2, least=0) for v in items)


def one_of(layer, name, value, choices):
    """value, which must be one of the choices; words in any case."""
    low = value.lower() if isinstance(value, str) else value
    if low not in choices:
        raise ValueError(f'{title(layer)}: the `{name}` argument must be one of {", ".join(map(repr, choices))}, got '
                         f'{value!r}')
    return low


def last_axis(layer, shape, axis=-1):
    """The size of an axis of the input's shape, which must be known."""
    if len(shape) < 2:
        raise ValueError(f'{title(layer)}: expected an input with at least 2 dimensions, got shape {tuple(shape)}')
    size = shape[axis]
    if size is None:
        raise UnknownSize(f'{title(layer)}: the shape of the inputs is not fully defined: expected a known size on axis '
                          f'{axis}, got shape {tuple(shape)}; give the first layer a whole input_shape')
    return int(size)


def as_float(layer, x):
    """x, integers as numbers of the layer's float type."""
    return x if core.dtype_of(x) in core.FLOATS else ops.cast(x, layer.compute_dtype)


def check_mask(layer, mask, x, want, of='inputs'):
    """ValueError unless `mask`, a tensor, has the shape `want` of the steps of `x`, as far as both are known."""
    got, want = tuple(mask.shape), tuple(want)
    if len(got) != len(want) or any(None not in (a, b) and a != b for a, b in zip(got, want)):
        raise ValueError(f'{title(layer)}: expected a mask of shape {want}, one truth value for each step of the {of} '
                         f'of shape {tuple(x.shape)}, got {got}')


def window_counts(layer, sizes, window, strides, padding, dilation):
    """How many windows fit along each axis; None for one of unknown size."""
    with core.named(layer.name):
        return outputs('same' if padding == 'causal' else padding, sizes, window, strides, dilation, type(layer).__name__)


def with_spatial(shape, sizes, data_format, channels=None):
    """The shape with other spatial sizes, and other channels unless None."""
    first = data_format == 'channels_first'
    c = (shape[1] if first else shape[-1]) if channels is None else channels
    return (shape[0], c, *sizes) if first else (shape[0], *sizes, c)
