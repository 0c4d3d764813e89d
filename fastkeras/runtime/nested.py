"""Functions of nested arguments: what in them is an array is fed, what is none decides which trace is meant."""

import numpy as np

from .. import config
from ..ops import core
from ..ops.tensor import Tensor
from .function import Function
from .trace import active_trace

FED = ('array',)    # stands for an array in a description


class Static:
    """What in an argument is no array. Two are equal where they are of one class and equal."""

    __slots__ = ('value',)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Static) and type(self.value) is type(other.value) and (
            self.value is other.value or bool(self.value == other.value))

    def __hash__(self):
        try:
            return hash((type(self.value), self.value))
        except TypeError:
            raise TypeError(f'expected arrays, numbers, text or None in nested lists, tuples and dicts, got '
                            f'{self.value!r:.80}, which cannot be told from its like') from None


def is_fed(x):
    """Whether x is fed to a plan: an array, or a number with a fraction. Whole numbers and truth values decide sizes, axes
    and ways, so that they belong to the trace."""
    return isinstance(x, (np.ndarray, np.generic, float)) or hasattr(x, '__array__') and not hasattr(x, '__fastkeras_tensor__')


def described(structure, arrays, fed=is_fed):
    """A hashable description of a nesting; what is fed is appended to `arrays`."""
    if isinstance(structure, dict):
        return dict, tuple([(key, described(value, arrays, fed)) for key, value in structure.items()])
    if isinstance(structure, (list, tuple)):
        return type(structure), tuple([described(value, arrays, fed) for value in structure])
    if fed(structure):
        arrays.append(structure)
        return FED
    return Static(structure)


def rebuilt(description, values):
    """The nesting of a description, with `values`, an iterator, in place of its arrays."""
    if description is FED:
        return next(values)
    if isinstance(description, Static):
        return description.value
    kind, parts = description
    if kind is dict:
        return {key: rebuilt(part, values) for key, part in parts}
    parts = [rebuilt(part, values) for part in parts]
    return kind(*parts) if hasattr(kind, '_fields') else kind(parts)


class Nested:
    """fn of nested arrays, traced and compiled once for each description, shapes and types. Inside a trace, or given
    tensors, fn runs as it is. double: feed float64 arrays as they are, not as floatx."""

    def __init__(self, fn, name=None, double=False):
        self.fn = fn
        self.name = name or getattr(fn, '__name__', 'function')
        self.double = double
        self._functions = {}

    def __call__(self, *args, **kwargs):
        if active_trace() is not None:
            return self.fn(*args, **kwargs)
        arrays = []
        description = described([args, kwargs], arrays, lambda x: isinstance(x, Tensor) or is_fed(x))
        if any(isinstance(x, Tensor) for x in arrays):
            return self.fn(*args, **kwargs)
        function = self._functions.get(description)
        if function is None:
            def call(*tensors):
                args, kwargs = rebuilt(description, iter(tensors))
                return self.fn(*args, **kwargs)
            function = self._functions[description] = Function(call, self.name)
        return function(*[core.to_array(a) if self.double else as_fed(a) for a in arrays])


def as_fed(x):
    """An array or number in a type that kernels take: NumPy's defaults, float64 and int64, as floatx and, where they fit, as
    int32."""
    x = core.to_array(x)
    if x.dtype == np.float64:
        return x.astype(config.floatx(), copy=False)
    if x.dtype == np.int64 and (not x.size or x.min() >= -2 ** 31 and x.max() < 2 ** 31):
        return x.astype(np.int32)
    return x
