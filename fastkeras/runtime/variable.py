"""State: an array with a name that plans read and write in place."""

import contextlib
import math
import threading

import numpy as np

from .. import _core, late
from ..ops import core
from ..ops.dtypes import name_of
from ..ops.tensor import Tensor
from ..utils.quantities import checked_name
from .trace import active_trace

AGGREGATIONS = ('none', 'mean', 'sum', 'only_first_replica')
_scopes = threading.local()     # .noted: what is called before an assignment outside of traces; .later: see weights_later
_making = threading.RLock()     # held while the values of a variable that waited for them are made


class Variable:
    """An array that plans read and update in place.

    initializer: array or number, or a callable (shape, dtype) → array, or the name of one, together with `shape`. dtype: float
    arrays become float32 unless said otherwise. trainable: whether optimizers may change it. autocast: accepted, since layers
    compute in the type of their weights. aggregation ('none', 'mean', 'sum', 'only_first_replica'), synchronization: how
    replicas of Keras 3's clusters would join theirs; kept, there is one. layout: None, there are no devices to lay it out on.
    constraint: applied by optimizers after an update; regularizer: its penalty joins the loss. fill: in place of `initializer`,
    a function that writes the values into the variable's own array of `shape`: they exist once. later=True: it is called, and
    memory taken, when the values are first asked for.
    """

    __array_priority__ = 200
    _aggregation, _synchronization = 'none', 'auto'
    overwrite_with_gradient = False     # an optimizer puts the gradient in its place
    _drawn_by = None        # what writes first values into an array
    of_graph = False        # ops on it are symbolic in any case, and it is no weight of a layer that has it as an attribute

    def __init__(self, initializer=None, shape=None, dtype=None, trainable=True, autocast=True, aggregation='none',
                 synchronization='auto', name=None, layout=None, *, constraint=None, regularizer=None, fill=None,
                 overwrite_with_gradient=False, later=False):
        if layout is not None:
            raise ValueError(f'variable {name!r}: expected layout to be None, as there are no devices to lay it out on, got '
                             f'{layout!r}')
        if aggregation not in (None, *AGGREGATIONS):
            raise ValueError(f'variable {name!r}: expected aggregation to be one of {", ".join(map(repr, AGGREGATIONS))}, got '
                             f'{aggregation!r}')
        self.name = checked_name('Variable', name) if name else 'variable'
        if fill is not None:
            self._drawn_by = fill
            shape, dtype = tuple(shape), np.dtype(dtype or 'float32')
            if later:
                self._fill = fill
            else:
                self.array = _core.empty(shape, dtype)
                fill(self.array)
        else:
            value = self._initial_value(initializer, shape, dtype, name)
            shape, dtype = value.shape, value.dtype
            self.array = _core.empty(shape, dtype)
            self.array[...] = value
        self.trainable = trainable
        self.constraint = constraint
        self.regularizer = regularizer
        if aggregation not in (None, 'none'):
            self._aggregation = aggregation
        if synchronization != 'auto':
            self._synchronization = synchronization
        if overwrite_with_gradient:
            self.overwrite_with_gradient = True
        self.version = 0
        self._leaf = Tensor('variable', (), {'var': self}, shape, name_of(dtype), self.name)

    def __getattr__(self, name):
        # asked for only what is not there: the array of a variable whose values are made later
        if name != 'array' or '_fill' not in self.__dict__:
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        with _making:
            if 'array' not in self.__dict__:
                try:
                    array = _core.empty(self.shape, self.dtype)
                    self._fill(array)
                except MemoryError as error:
                    raise MemoryError(f'no memory for the weight {self.name!r} of shape {self.shape}: {error}') from None
                self.array = array
                del self._fill
        return self.__dict__['array']

    @property
    def waits(self):
        """Whether the values are yet to be made."""
        return 'array' not in self.__dict__

    def adopt(self, array):
        """Take an array of the engine's own memory (`_core.empty`), of the same shape and type, which nobody else keeps; a
        variable that waits for its values takes it as it is."""
        with _making:
            if self.waits:
                self.array = array
                del self._fill
                self.touch()
                return
        self.assign(array)

    def adopt_number(self, number):
        """Take a number for all elements; a variable that waits for its values goes on waiting."""
        with _making:
            if self.waits:
                self._fill = lambda array: array.fill(number)
                self.touch()
                return
        self.assign(np.full(self.shape, number, self.dtype))

    @staticmethod
    def _initial_value(initial, shape, dtype, name):
        if isinstance(initial, str):
            initial = late.part('initializers').get(initial)
        if callable(initial) and not isinstance(initial, np.ndarray):
            if shape is None:
                raise ValueError(f'variable {name!r}: a shape is needed with an initializer')
            initial = initial(tuple(shape), dtype or 'float32')
        value = np.asarray(core.to_array(initial, dtype))
        return value.astype(np.float32) if dtype is None and value.dtype == np.float64 else value

    @property
    def path(self):
        """Its name without the number of an output: 'dense_1/kernel'."""
        return self.name.partition(':')[0]

    @property
    def aggregation(self):
        """How replicas would join their updates."""
        return self._aggregation

    @property
    def synchronization(self):
        """When replicas would join their updates."""
        return self._synchronization

    shape = property(lambda self: self._leaf.shape)
    ndim = property(lambda self: len(self._leaf.shape))
    dtype = property(lambda self: self._leaf.dtype)
    size = property(lambda self: math.prod(self._leaf.shape))

    @property
    def value(self):
        """Inside a trace the present Tensor, outside the array itself."""
        return self.__fastkeras_tensor__() if active_trace() else self.array

    def __fastkeras_tensor__(self):
        trace = active_trace()
        if trace is not None:
            tensor = trace.current.get(id(self))
            if tensor is not None:
                return tensor
            return trace.leaf(self)
        return self._leaf

    def __array__(self, dtype=None, copy=None):
        return self.array.astype(dtype) if dtype is not None and dtype != self.array.dtype else self.array

    @property
    def initializer(self):
        """What draws the values anew, `run()`; of weights of layers. AttributeError for a variable that was given a value."""
        if self._drawn_by is None:
            raise AttributeError(f'variable {self.name!r} was given a value, not an initializer that could be run again')
        return Redrawn(self)

    def eval(self, session=None):
        """A copy of the value, as variables of TensorFlow 1 gave it. session: any, there is one."""
        return self.numpy()

    def get_shape(self):
        """The shape, as `Tensor.get_shape`."""
        return self._leaf.get_shape()

    _keras_shape = property(lambda self: self.shape)

    def numpy(self):
        """A copy of the value."""
        return self.array.copy()

    def assign(self, value):
        """Set the value: at once, or, inside a trace, at the end of each run of the plan. The shape must be equal.

        No gradient flows through an assignment to what the value was made of: as if it had been done in an earlier step.
        """
        if active_trace() is not None:
            tensor = core.tensor(value, self.dtype)
            return self.hold(core.apply('stop_gradient', (tensor,)) if self.dtype in core.FLOATS else tensor)
        self._check_fits(value)
        value = numbers(value, self.name)
        noted = getattr(_scopes, 'noted', None)
        if noted is not None:
            noted(self)
        if self.waits:          # for these values, as it turns out
            array = _core.empty(self.shape, self.dtype)
            array[...] = value
            self.adopt(array)
            return self
        self.array[...] = value
        self.touch()
        return self

    def hold(self, value):
        """`assign` inside a trace, with gradients: what is computed of the variable depends on what the value was made of."""
        self._check_fits(value)
        tensor = core.apply('cast', (core.tensor(value, self.dtype),), dtype=self.dtype)
        if tensor.shape != self.shape:
            tensor = core.apply('broadcast_to', (tensor,), shape=self.shape)
        trace = active_trace()
        trace.current[id(self)] = tensor
        trace.assigned[id(self)] = self
        return tensor

    def _check_fits(self, value):
        shape = tuple(value.shape) if hasattr(value, 'shape') else np.shape(value)
        if shape != self.shape and shape != ():
            raise ValueError(f'variable {self.name!r} has shape {self.shape}, it cannot take a value of shape {shape}')

    def touch(self):
        """Say that the array was changed in place."""
        self.version = _core.changed()

    def assign_add(self, value):
        return self.assign(core.apply('add', (self, value)))

    def assign_sub(self, value):
        return self.assign(core.apply('subtract', (self, value)))

    def __getitem__(self, idx):
        if active_trace() is None and not isinstance(idx, Tensor):
            return self.array[np.asarray(idx) if isinstance(idx, Variable) else idx]
        return self.__fastkeras_tensor__()[idx]

    def __repr__(self):
        return f'<Variable {self.name!r} {self.dtype}{list(self.shape)}>'

    def __len__(self):
        return len(self.array)

    def __bool__(self):
        return bool(self.array)

    def __float__(self):
        return float(self.array)

    def __int__(self):
        return int(self.array)

    def __deepcopy__(self, memo):
        return type(self)(self.array.copy(), dtype=self.dtype, trainable=self.trainable, name=self.name,
                          constraint=self.constraint, regularizer=self.regularizer)


class Redrawn:
    """The initializer of a variable, bound to it."""

    def __init__(self, variable):
        self.variable = variable

    def run(self, feed_dict=None, session=None):
        """Give the variable values anew."""
        array = _core.empty(self.variable.shape, self.variable.dtype)
        self.variable._drawn_by(array)
        self.variable.assign(array)


def numbers(value, name):
    """A value for the variable `name` as an array; ValueError for text, objects such as None, and complex numbers."""
    array = np.asarray(value)
    if array.dtype.kind in 'OSUcMm':
        such = f', such as {array.reshape(-1)[0]!r:.40}' if array.size else ''
        raise ValueError(f'variable {name!r}: expected numbers, got {array.dtype}{such}')
    return array


def assign_all(variables, values):
    """Assign values, which have the variables' shapes: an error leaves all variables as they were."""
    values = [numbers(value, v.name) for v, value in zip(variables, values)]
    for v, value in zip(variables, values):
        v.assign(value)


@contextlib.contextmanager
def weights_later(drawn=True):
    """Inside the block, in this thread, layers leave the values of their weights, and the memory, for when they are asked for,
    as others may take their place. drawn: the seeds of those that are random are drawn all the same, so that the values are
    those that would have been made at once; else they are drawn only where they are needed."""
    before = getattr(_scopes, 'later', None)
    _scopes.later = 'drawn' if drawn and before != 'undrawn' else 'undrawn'
    try:
        yield
    finally:
        _scopes.later = before


def left_for_later():
    """None, 'drawn' or 'undrawn': how weights are made now, see weights_later."""
    return getattr(_scopes, 'later', None)


def noted_by(function):
    """Let function(variable) be called before each assignment of this thread outside of traces; None: nothing. Gives what was
    called before."""
    before, _scopes.noted = getattr(_scopes, 'noted', None), function
    return before


def _delegate(name):
    operator = getattr(Tensor, name)

    def method(self, *args):
        if active_trace() is None and not any(isinstance(a, Tensor) for a in args):
            return getattr(self.array, name)(*(np.asarray(a) if isinstance(a, Variable) else a for a in args))
        return operator(self.__fastkeras_tensor__(), *args)

    method.__name__ = name
    return method


_OPERATORS = ('add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul neg abs '
              'lt le gt ge')
for _name in _OPERATORS.split():
    setattr(Variable, f'__{_name}__', _delegate(f'__{_name}__'))
