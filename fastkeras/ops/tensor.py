"""The symbolic tensor: a node that can be computed with."""

import numpy as np

from .. import late
from ..graph import Node
from . import core
from .numpy_dispatch import function_call, public, ufunc_call
from .slices import get_item
from .static_shape import StaticShape


class Tensor(Node):
    """A value that is known when the graph runs. shape: tuple, None for an unknown batch; dtype: its name.

    Arithmetic, comparisons, indexing and NumPy's functions on it append nodes. `==` compares values too, like the
    other operators: `is` asks whether two names mean the same tensor. `_keras_history` and `_keras_mask` belong to
    the layers.
    """

    __slots__ = ('_keras_history', '_keras_mask', '_evaluated')
    __array_priority__ = 100

    def __init__(self, op, inputs, attrs, shape, dtype, name=None):
        Node.__init__(self, op, inputs, attrs, shape, dtype, name)
        self._keras_history = None
        self._keras_mask = None

    def __fastkeras_tensor__(self):
        return self

    # ---- what only a value can do
    def _no_value(self, what, instead):
        return TypeError(f'{what} needs a value, and {self!r} is symbolic: it has one only when the graph runs. '
                         + instead)

    def _value(self, what, instead):
        """The value of a tensor that was recorded by a tape; TypeError for any other."""
        value = core.value_of(self)
        if value is None:
            raise self._no_value(what, instead)
        return value

    def __bool__(self):
        return bool(self._value('a truth test (if, and, or, not, in)', 'Use ops.where, ops.logical_and and the like.'))

    def __array__(self, dtype=None, copy=None):
        value = self._value('a NumPy array', 'Use a function of fastkeras.ops, or predict with a model that gives it.')
        return value if dtype is None else value.astype(dtype, copy=False)

    def numpy(self):
        """The value, of a tensor that a tape recorded; TypeError for one that only a run of the graph gives."""
        return np.asarray(self)

    def item(self):
        """The value of a tensor of one element as a number of Python, as `numpy`."""
        return np.asarray(self).item()

    def __float__(self):
        return float(self._value('float()', 'Keep it a tensor.'))

    def __int__(self):
        return int(self._value('int()', 'Use ops.cast.'))

    def __index__(self):
        return self._value('an index or a size', 'Use ops.take to select by a tensor.').__index__()

    def __format__(self, spec):
        return format(np.asarray(self).item(), spec) if spec else str(self)

    # ---- what tensors of TensorFlow 1 and Keras 2 have
    def get_shape(self):
        """The shape, which has `as_list()` and `ndims`, and sizes with a `value`."""
        return StaticShape(self.shape)

    def eval(self, feed_dict=None, session=None):
        """The value of what depends on Variables alone, or on the placeholders in feed_dict; outside of traces."""
        return late.part('backend').get_session().run(self, feed_dict)

    _keras_shape = property(lambda self: self.shape, doc='The shape, as Keras 2 noted it down.')

    @_keras_shape.setter
    def _keras_shape(self, shape):
        want = tuple(shape)
        if len(want) != len(self.shape) or any(None not in (a, b) and a != b for a, b in zip(want, self.shape)):
            raise ValueError(f'_keras_shape of {self!r}: expected {tuple(self.shape)}, which is known, got {want}')

    @property
    def _uses_learning_phase(self):
        """Whether a layer on the way to it acts in training in another way than in inference."""
        seen, open_ends = set(), [self]
        while open_ends:
            tensor = open_ends.pop()
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            history = tensor._keras_history
            if history is None:
                open_ends += [t for t in tensor.inputs if isinstance(t, Tensor)]
                continue
            if history.layer.uses_learning_phase:
                return True
            open_ends += history.layer._inbound_nodes[history.node_index].input_tensors
        return False

    # ---- sequence
    def __len__(self):
        if not self.shape:
            raise TypeError(f'len() of {self!r}: it has no axes')
        if self.shape[0] is None:
            raise TypeError(f'len() of {self!r}: the size of the first axis is not known')
        return self.shape[0]

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            why = 'it has no axes' if not self.shape else 'the size of its first axis is not known'
            raise TypeError(f'a loop over {self!r}, which is symbolic: {why}. Use ops on the whole of it; where a loop over an '
                            'axis of known size is meant, over ops.unstack(x, axis=…)')
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, item):
        raise self._no_value("'in'", 'Use ops.any(x == item).')

    def __getitem__(self, key):
        return get_item(self, key)

    # ---- equality: by value between tensors and numbers, by identity otherwise
    def __eq__(self, other):
        return core.apply('equal', (self, other)) if _is_number(other) else NotImplemented

    def __ne__(self, other):
        return core.apply('not_equal', (self, other)) if _is_number(other) else NotImplemented

    __hash__ = object.__hash__

    # ---- NumPy
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc_call(ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        return function_call(func, args, kwargs)


def _is_number(x):
    return isinstance(x, (bool, int, float, np.ndarray, np.generic, Node)) or hasattr(x, '__fastkeras_tensor__')


def _is_operand(x):
    return _is_number(x) or isinstance(x, (list, tuple))


def _binary(op):
    def forward(self, other):
        return core.apply(op, (self, other)) if _is_operand(other) else NotImplemented

    def backward(self, other):
        return core.apply(op, (other, self)) if _is_operand(other) else NotImplemented

    return forward, backward


def _unary(op):
    return lambda self: core.apply(op, (self,))


for _name, _op in {'add': 'add', 'sub': 'subtract', 'mul': 'multiply', 'truediv': 'divide', 'floordiv': 'floor_divide',
                   'mod': 'mod', 'pow': 'power', 'matmul': 'matmul', 'and': 'bitwise_and', 'or': 'bitwise_or',
                   'xor': 'bitwise_xor', 'lshift': 'left_shift', 'rshift': 'right_shift'}.items():
    _forward, _backward = _binary(_op)
    setattr(Tensor, f'__{_name}__', _forward)
    setattr(Tensor, f'__r{_name}__', _backward)
for _name, _op in {'lt': 'less', 'le': 'less_equal', 'gt': 'greater', 'ge': 'greater_equal'}.items():
    setattr(Tensor, f'__{_name}__', _binary(_op)[0])
for _name, _op in {'neg': 'negative', 'abs': 'absolute', 'invert': 'bitwise_not'}.items():
    setattr(Tensor, f'__{_name}__', _unary(_op))
Tensor.__pos__ = lambda self: self


# ---- the methods of arrays

def _sizes(args):
    """Sizes or axes given one by one or as one sequence."""
    return args[0] if len(args) == 1 and (isinstance(args[0], (list, tuple)) or args[0] is None) else args


def _reshape(self, *shape, order='C'):
    if order != 'C':
        raise ValueError(f"reshape of a symbolic tensor: expected order 'C', got {order!r}")
    return public['reshape'](self, _sizes(shape))


def _transpose(self, *axes):
    return public['transpose'](self, _sizes(axes) or None)


def _clip(self, min=None, max=None):
    x = self if min is None else public['maximum'](self, min)
    return x if max is None else public['minimum'](x, max)


def _method(name):
    def method(self, *args, **kwargs):
        return public[name](self, *args, **kwargs)
    method.__doc__ = f'ops.{name} of the tensor.'
    return method


for _name in ('all', 'any', 'argmax', 'argmin', 'argsort', 'cumsum', 'cumprod', 'diagonal', 'dot', 'max', 'mean', 'min',
              'prod', 'ravel', 'repeat', 'round', 'squeeze', 'std', 'sum', 'swapaxes', 'take', 'trace', 'var'):
    setattr(Tensor, _name, _method(_name))
Tensor.flatten = lambda self: public['ravel'](self)
Tensor.astype = lambda self, dtype: public['cast'](self, core.dtype_name(dtype))
Tensor.copy = lambda self: self
Tensor.reshape, Tensor.transpose, Tensor.clip = _reshape, _transpose, _clip
Tensor.T = property(_transpose, doc='The tensor with its axes in reverse order.')

core.set_tensor(Tensor)
