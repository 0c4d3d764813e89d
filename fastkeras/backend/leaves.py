"""Variables, placeholders and constants of the backend, and what is known of symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config, initializers, ops
from fastkeras.layers.history import keras_tensor
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.optimizers.own_updates import slots_in_use
from fastkeras.runtime import Variable, active_trace
from fastkeras.utils.seed import as_seed

from . import symbolic
from .graph_functions import eval
from .sparse_tensors import dense
from .symbolic import as_symbol, deferred, lifted

__all__ = ['cast_to_floatx', 'constant', 'count_params', 'dtype', 'eye', 'get_variable_shape', 'identity', 'int_shape',
           'is_keras_tensor', 'is_placeholder', 'is_tensor', 'ndim', 'ones', 'ones_like', 'placeholder',
           'random_normal_variable', 'random_uniform_variable', 'shape', 'variable', 'zeros', 'zeros_like']


class GraphVariable(Variable):
    """A Variable whose arithmetic is symbolic, as all that Keras 2 made of variables: `K.gradients(x ** 2, [x])`.
    An attribute of a layer that holds one does not make it a weight."""

    of_graph = True

    def __getitem__(self, idx):
        return self.__fastkeras_tensor__()[as_symbol(idx)]

    def assign_add(self, value: Any) -> Any:
        return self.assign(self.__fastkeras_tensor__() + value if active_trace() is not None else self.array + value)

    def assign_sub(self, value: Any) -> Any:
        return self.assign(self.__fastkeras_tensor__() - value if active_trace() is not None else self.array - value)


def _symbolic(name):
    def method(self, *args):
        return getattr(self.__fastkeras_tensor__(), name)(*args)
    return method


for _name in ('add', 'sub', 'mul', 'truediv', 'floordiv', 'mod', 'pow', 'matmul'):
    setattr(GraphVariable, f'__{_name}__', _symbolic(f'__{_name}__'))
    setattr(GraphVariable, f'__r{_name}__', _symbolic(f'__r{_name}__'))
for _name in ('lt', 'le', 'gt', 'ge', 'neg', 'abs', 'pos'):
    setattr(GraphVariable, f'__{_name}__', _symbolic(f'__{_name}__'))


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A Variable with a value: an array or number, or a symbol, of which it begins with the value.

    dtype: floatx, unless the value is of integers or truth values. constraint: applied by optimizers after an update.
    """
    value = eval(value) if isinstance(value, Tensor) else dense(value)
    array = np.asarray(value)
    if dtype is None and array.dtype.kind in 'f':
        dtype = config.floatx()
    elif dtype is None and not isinstance(value, (np.ndarray, np.generic, Variable)):
        dtype = config.floatx()         # a number or list: Keras makes floats of it
    dtype = core.dtype_name(dtype or core.to_array(array).dtype)

    def make():
        return GraphVariable(array, dtype=dtype, name=name or 'Variable', constraint=constraint)
    slots = slots_in_use()
    return make() if slots is None else slots.take(array.shape, dtype, make)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A symbol of a fixed value, of floatx unless dtype says otherwise. shape: a single number fills it."""
    array = np.asarray(value, dtype or config.floatx())
    if shape is not None:
        array = np.broadcast_to(array, shape) if array.size == 1 else array.reshape(shape)
    return core.tensor(np.asarray(array, order='C'))


def placeholder(shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False,
                name: str | None = None) -> Any:
    """A symbol that `function` is fed with. shape: None for unknown sizes; or ndim, the number of axes of unknown sizes.
    sparse: it may be fed a matrix of scipy.sparse; here it is dense all the same. ValueError without shape and ndim."""
    if shape is None and ndim is None:
        raise ValueError('K.placeholder: expected a shape, such as (None, 32), or ndim, the number of its axes')
    shape = tuple(shape) if shape is not None else (None,) * ndim
    leaf = keras_tensor(shape, core.dtype_name(dtype or config.floatx()), name or 'Placeholder')
    leaf.attrs['placeholder'] = True
    if sparse:
        leaf.attrs['sparse'] = True
    return leaf


def _filled(title, shape, number, dtype, name):
    shape = tuple(entries(shape))
    dtype = core.dtype_name(dtype or config.floatx())
    if all(d is not None and not isinstance(d, Tensor) for d in shape):
        if active_trace() is not None and slots_in_use() is None:
            return core.tensor(np.full(shape, number, dtype))
        return variable(np.full(shape, number, dtype), dtype, name)
    return deferred(title, lambda *sizes: core.tensor(np.full(sizes_of(title, sizes), number, dtype)), shape,
                    (static_shape(shape), dtype))


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of zeros; of a shape that holds symbols, a symbol."""
    return _filled('zeros', shape, 0, dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of ones; of a shape that holds symbols, a symbol."""
    return _filled('ones', shape, 1, dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable, the identity matrix."""
    sizes = size if isinstance(size, (tuple, list)) else (size,)
    return variable(np.eye(*sizes, dtype=dtype or config.floatx()), dtype, name)


def random_uniform_variable(shape: Any, low: Any, high: Any, dtype: Any = None, name: str | None = None,
                            seed: int | None = None) -> Variable:
    """A Variable that begins with uniform numbers in [low, high)."""
    made = initializers.RandomUniform(low, high, seed=as_seed(seed))(tuple(shape), dtype or config.floatx())
    return variable(np.asarray(made), dtype, name)


def random_normal_variable(shape: Any, mean: Any, scale: Any, dtype: Any = None, name: str | None = None,
                           seed: int | None = None) -> Variable:
    """A Variable that begins with normal numbers of that mean and standard deviation."""
    made = initializers.RandomNormal(mean, scale, seed=as_seed(seed))(tuple(shape), dtype or config.floatx())
    return variable(np.asarray(made), dtype, name)


@lifted
def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros of the shape and, unless dtype says otherwise, type of x."""
    return ops.zeros_like(x, dtype)


@lifted
def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones of the shape and, unless dtype says otherwise, type of x."""
    return ops.ones_like(x, dtype)


@lifted
def identity(x: Any, name: str | None = None) -> Any:
    """A symbol of the same value."""
    if not isinstance(x, Tensor):
        return np.array(x)
    return core.apply('reshape', (x,), shape=tuple(-1 if d is None else d for d in x.shape)) if (
        tuple(x.shape).count(None) <= 1) else ops.multiply(x, 1)


# ---- shapes and types
def entries(shape: Any) -> list[Any]:
    """The sizes of a shape that is a number, a sequence in which symbols may stand, or a symbol, as of `shape`."""
    if isinstance(shape, Tensor):
        return [shape[k] for k in range(shape.shape[0])] if shape.shape else [shape]
    return [shape] if hasattr(shape, '__index__') and not np.ndim(shape) else list(shape)


def sizes_of(title: str, sizes: Any) -> tuple[int, ...]:
    """The numbers of a shape in which tensors of a trace may stand; ValueError where one is not known in the trace."""
    found = []
    for d in sizes:
        value = symbolic.static_value(d) if isinstance(d, Tensor) else d
        if value is None:
            raise ValueError(f'K.{title}: the shape depends on numbers that are computed; in a plan sizes are known, so '
                             f'expected numbers, and sizes by K.shape or K.int_shape')
        found.append(int(value))
    return tuple(found)


def static_shape(shape: Any) -> tuple[Any, ...]:
    """A shape with None in place of symbols."""
    return tuple(None if d is None or isinstance(d, Tensor) else int(d) for d in shape)


@lifted
def shape(x: Any) -> Any:
    """The sizes of x as a tensor of int32; in a trace and of arrays, where they are known, as an array."""
    if not isinstance(x, Tensor):
        return np.array(np.shape(x), np.int32)
    if None not in x.shape:
        known = np.array(x.shape, np.int32)
        return known if active_trace() is not None else core.tensor(known)

    def sizes(x):
        if None in x.shape:
            raise ValueError('K.shape: a size is not known while a model is described')
        return core.tensor(np.array(x.shape, np.int32))
    return deferred('shape', sizes, [x], ((len(x.shape),), 'int32'))


def int_shape(x: Any) -> Any:
    """The shape as a tuple of numbers, None for unknown sizes; None for what has no shape."""
    if hasattr(x, '_keras_shape'):
        return x._keras_shape
    try:
        return tuple(None if d is None else int(d) for d in x.shape)
    except (AttributeError, TypeError):
        return None


def get_variable_shape(x: Any) -> Any:
    """As `int_shape`."""
    return int_shape(x)


def ndim(x: Any) -> int | None:
    """The number of axes."""
    found = int_shape(x)
    return None if found is None else len(found)


def dtype(x: Any) -> str:
    """The name of the type: 'float32'."""
    return core.dtype_name(x.dtype)


def count_params(x: Any) -> int:
    """The number of elements of a Variable or of a symbol of known size."""
    return int(np.prod(int_shape(x)))


def cast_to_floatx(x: Any) -> Any:
    """An array of the type of floats (`floatx`)."""
    if isinstance(x, Tensor):
        return ops.cast(x, config.floatx())
    return np.asarray(x, config.floatx())


def is_tensor(x: Any) -> bool:
    """Whether x is a symbol or a Variable."""
    return isinstance(x, (Tensor, Variable))


def is_keras_tensor(x: Any) -> bool:
    """Whether x was made by Input or a layer. ValueError for what is no symbol."""
    if not is_tensor(x):
        raise ValueError(f'Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic tensor instance.')
    history = x._keras_history if isinstance(x, Tensor) else None
    return history is not None and history.layer._makes_keras_tensors


def is_placeholder(x: Any) -> bool:
    """Whether x is a placeholder, of `placeholder` or Input."""
    return isinstance(x, Tensor) and x.op == 'input' and 'mask_of' not in x.attrs and (
        x._keras_history is None or symbolic.source_of(x) is None)


