"""The base of all layers: a computation with weights."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import constraints, generation, initializers, ops, regularizers, work
from fastkeras.ops import core
from fastkeras.ops.dtypes import name_of
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable, active_trace, outside_trace
from fastkeras.runtime.variable import assign_all, left_for_later
from fastkeras.saving import objects
from fastkeras.utils import nest
from fastkeras.utils.errors import keywords, unknown_argument
from fastkeras.utils.quantities import as_whole, checked_name

from . import construction, context, naming, present, registry, tracking
from .calls import Calls, takes
from .configured import Configured
from .connections import Connected
from .context import collect_losses
from .history import Node
from .input_spec import InputSpec, UnknownSize, check_inputs, title
from .keeping import Keeping
from .typed import Typed, policy_and_type
from .updates import Updating

__all__ = ['InputSpec', 'Layer', 'Node', 'collect_losses']

_KEYWORDS = ('name', 'trainable', 'dtype', 'input_shape', 'batch_input_shape', 'batch_size', 'input_dim',
             'input_length', 'input_dtype', 'weights', 'activity_regularizer', 'autocast')


def either_order(method: Any) -> Any:
    """Let add_weight take the positions of Keras 2, which begin with a name, or those of Keras 3, with a shape."""
    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        if args and not isinstance(args[0], str) and args[0] is not None:
            kwargs.update(zip(('shape', 'initializer', 'dtype', 'trainable'), args))
            args = ()
        return method(self, *args, **kwargs)
    return wrapper


class Layer(Calls, Connected, Configured, Typed, Keeping, Updating):
    """Base of all layers. A layer of one's own defines `call(inputs)`, in ops or NumPy functions, and may define
    `build(input_shape)`, which makes weights by `add_weight`, and `get_config()`.

    name: by default made from the class: 'dense_1'. trainable: whether training changes the weights. dtype: of the
    weights and of the input that the layer makes when it begins a Sequential model; a name or a DTypePolicy.
    activity_regularizer: penalty on the outputs. input_shape (without the batch), batch_input_shape, batch_size,
    input_dim, input_length, input_dtype: the input that the layer expects when it begins a model. weights: list of
    arrays, the first values of the weights. autocast: accepted, without effect. Raises TypeError for an unknown
    keyword.

    The layer is called on Keras tensors to describe a model, on arrays to compute (an ndarray comes back), on the
    tensors of a trace inside the call of another layer. `call` may take `training` (True or False) and `mask`.
    """

    supports_masking = False
    _begins = False     # whether it stands for an input of a model
    _makes_keras_tensors = True     # not so for what the backend describes
    input_spec: Any = None
    # attributes whose layers and variables are not the layer's own
    _untracked = frozenset()
    # whether the input it begins a model with has an unknown length because nobody said another
    _takes_any_length = False
    _names_its_weights = True
    _was_called = False
    _losses_of_call = ()        # what was added in the last call on arrays
    _weights_of_call = None     # (name, which of that name) → a weight that `call` made

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        construction.wrap(cls)
        registry.note(cls)

    def __init__(self, activity_regularizer: Any = None, trainable: bool = True, dtype: Any = None, autocast: bool = True,
                 name: str | None = None, **kwargs: Any) -> None:
        unknown = [k for k in kwargs if k not in _KEYWORDS]
        if unknown:
            own = {name for cls in type(self).__mro__[:-1] if '__init__' in vars(cls) for name in keywords(cls.__init__)[0]}
            raise unknown_argument(type(self).__name__, unknown[0], own | set(_KEYWORDS))
        work.done(work.CALL)
        kind = type(self).__name__
        self.name = checked_name(kind, name) if name else naming.auto_name(naming.to_snake_case(kind))
        self.trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._outer_scope = context.scope()
        if context.remat_scope() is not None:
            self._remat = context.remat_scope()
        self._take_dtype(dtype)
        self.built = False
        self._weights = []
        self._asked_in_call = {}
        self._callable_losses = []
        self._inbound_nodes = []
        self._outbound_nodes = []
        self._functions = {}
        self._initial_weights = kwargs.get('weights')
        context.note_layer(self)
        shape = _first_shape(title(self), kwargs)
        if shape is not None:
            self.batch_input_shape = shape
            self._given_dtype = self._given_dtype or policy_and_type(kwargs.get('input_dtype'))[1] or settings.floatx()

    # ---- building
    def build(self, input_shape: Any) -> None:
        """Make the weights. input_shape: a tuple, None for unknown sizes, or the nesting of tuples of several
        inputs.
        """
        self.built = True

    def _after_build(self, input_shape):
        self.built = True
        if self._initial_weights is not None:
            weights, self._initial_weights = self._initial_weights, None
            self.set_weights(weights)

    @either_order
    def add_weight(self, name: str | None = None, shape: Any = None, dtype: Any = None, initializer: Any = None,
                   regularizer: Any = None, trainable: bool = True, constraint: Any = None, autocast: bool = True,
                   aggregation: Any = 'none', overwrite_with_gradient: bool = False) -> Any:
        """A new weight: a Variable, listed in `weights`.

        Positions are those of Keras 2 (name, shape, dtype, initializer) when the first is a name, else those of Keras 3
        (shape, initializer, dtype). initializer: by default 'glorot_uniform', or 'zeros' for integers. regularizer: its
        penalty joins the loss. constraint: applied after each update. In `call`, which runs once per trace, a weight is
        made the first time only; later calls get the same one. Raises ValueError for unknown sizes in the shape, for
        sizes that no machine holds (MemoryError: this one does not), and where a later call wants another shape.
        """
        shape = (shape,) if hasattr(shape, '__index__') else tuple(shape or ())
        if any(d is None for d in shape):
            raise UnknownSize(f'{title(self)}: the weight {name!r} needs a shape of known sizes, got {shape}; give the '
                              f'model an input of known sizes')
        shape = tuple(int(d) for d in shape)
        if active_trace() is not None:
            return self._weight_in_call(name, shape, lambda: self.add_weight(
                name, shape, dtype, initializer, regularizer, trainable, constraint, autocast, aggregation,
                overwrite_with_gradient))
        context.changing(self, shape)
        dtype = core.dtype_name(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = 'glorot_uniform' if dtype in core.FLOATS else 'zeros'
        initializer = initializers.get(initializer)
        core.check_size(shape, f'{title(self)}: the weight {name!r}')
        options = dict(dtype=dtype, trainable=bool(trainable), name=self._weight_name(name or 'variable'),
                       constraint=constraints.get(constraint), regularizer=regularizers.get(regularizer),
                       aggregation=aggregation, overwrite_with_gradient=overwrite_with_gradient)
        try:
            later = left_for_later()
            if later == 'drawn':
                initializer, later = initializers.drawn(initializer)
            v = Variable(shape=shape, later=bool(later), **options, fill=initializer.fill if initializers.fills(initializer)
                         else lambda array: self._initialise(array, initializer, name))
        except MemoryError as e:
            raise MemoryError(f'{title(self)}: no memory for the weight {name!r} of shape {shape}: {e}') from None
        self._weights.append(v)
        return v

    def _initialise(self, array, initializer, name):
        value = np.asarray(initializer(array.shape, dtype=name_of(array.dtype)) if takes(initializer, 'dtype')
                           else initializer(array.shape))
        if value.shape != array.shape:
            raise ValueError(f'{title(self)}: the initializer of the weight {name!r} gave an array of shape {value.shape}, '
                             f'expected {array.shape}')
        array[...] = core.to_array(value, name_of(array.dtype))

    def _weight_in_call(self, name, shape, make):
        """The weight that an add_weight in `call` means: the one made there by an earlier call, if there was one."""
        known = self._weights_of_call or {}
        key = name, self._asked_in_call.get(name, 0)
        self._asked_in_call[name] = key[1] + 1
        if key not in known:
            with outside_trace():
                made = make()
            self._weights_of_call = {**known, key: made}
            return made
        if known[key].shape != shape:
            raise ValueError(f'{title(self)}: its call made the weight {name!r} with shape {known[key].shape}, and now '
                             f'asks for shape {shape}; a weight keeps the shape of the first call')
        return known[key]

    def _weight(self, name, shape, prefix=None, trainable=True):
        """A new weight with the initializer, regularizer and constraint that the layer's attributes of its name (or of
        `prefix`) say: kernel_initializer and so on."""
        parts = {k: getattr(self, f'{prefix or name}_{k}', None) for k in ('initializer', 'regularizer', 'constraint')}
        return self.add_weight(name, shape, trainable=trainable, **parts)

    def add_variable(self, shape: Any, initializer: Any, dtype: Any = None, trainable: bool = True, autocast: bool = True,
                     regularizer: Any = None, constraint: Any = None, name: str | None = None) -> Any:
        """add_weight, by the name and positions of older tf.keras."""
        return self.add_weight(name, shape, dtype, initializer, regularizer, trainable, constraint)

    def _weight_name(self, name):
        scope = context.scope_of(self)
        taken = {v.name for v in self._weights}
        full, k = f'{scope}/{name}:0', 0
        while full in taken:
            k += 1
            full = f'{scope}/{name}_{k}:0'
        return full

    # ---- weights
    def _sublayers(self):
        return tracking.found(self, Layer)

    def _flatten_layers(self):
        """The layer and all layers inside it, each once, the outer first."""
        out, seen, stack = [], set(), [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                out.append(layer)
                stack.extend(reversed(layer._sublayers()))
        return out

    @property
    def weights(self) -> Any:
        """All weights, layer by layer: the layer's own (trainable first), then those of the layers inside. In the generation
        '2.2.4' all trainable ones first."""
        if generation.of('weights.trainable_first'):
            first, others = self._halves_of_weights()
            return tracking.unique([*first, *others])
        own = tracking.variables(self)
        out = [v for v in own if v.trainable] + [v for v in own if not v.trainable]
        for layer in self._sublayers():
            out.extend(layer.weights)
        return tracking.unique(out)

    def _halves_of_weights(self):
        """(what training changes, the other weights), in the order in which Keras 2 lists them."""
        own = tracking.variables(self)
        first, others = [v for v in own if v.trainable], [v for v in own if not v.trainable]
        for layer in self._sublayers():
            some, rest = layer._halves_of_weights()
            first += some
            others += rest
        return (first, others) if context.is_trainable(self) else ([], first + others)

    def _weights_as_listed(self):
        """The weights in the order of get_weights and set_weights."""
        return self.weights

    @property
    def trainable_weights(self) -> Any:
        """The weights that training changes: none when `trainable` is False. What is put into the list, or it is set to, is one
        of the layer's own from then on."""
        if not context.is_trainable(self):
            return []
        own = [v for v in tracking.variables(self) if v.trainable]
        out = tracking.unique([*own, *(v for layer in self._sublayers() for v in layer.trainable_weights)])
        return tracking.Weights(out, self._take_trained)

    @trainable_weights.setter
    def trainable_weights(self, variables: Any) -> None:
        self._set_own(variables, True)

    def _take_trained(self, variables):
        inside = {id(v) for layer in self._sublayers() for v in layer.weights}
        self._set_own([v for v in variables if id(v) not in inside], True)

    @property
    def non_trainable_weights(self) -> Any:
        """The weights that training leaves alone, or changes by other means than gradients; a list as `trainable_weights`."""
        trained = {id(v) for v in self.trainable_weights}
        return tracking.Weights([v for v in self.weights if id(v) not in trained], self._take_others)

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables: Any) -> None:
        self._set_own(variables, False)

    def _take_others(self, variables):
        inside = {id(v) for layer in self._sublayers() for v in layer.weights}
        known = {id(v) for v in self._weights if v.trainable}
        self._set_own([v for v in variables if id(v) not in inside | known], False)

    def _own_list(self, trainable):
        return tracking.Weights([v for v in tracking.variables(self) if v.trainable == trainable],
                                lambda variables: self._set_own(variables, trainable))

    # what layers for Keras 2 put weights into
    _trainable_weights = property(lambda self: self._own_list(True), lambda self, variables: self._set_own(variables, True))
    _non_trainable_weights = property(lambda self: self._own_list(False),
                                      lambda self, variables: self._set_own(variables, False))

    def _set_own(self, variables, trainable):
        for v in variables:
            v.trainable = trainable
        new = {id(v) for v in variables}
        kept = [v for v in self._weights if v.trainable != trainable and id(v) not in new]
        self._weights = [*variables, *kept] if trainable else [*kept, *variables]

    variables = property(lambda self: self.weights, doc='The weights.')
    trainable_variables = property(lambda self: self.trainable_weights, doc='The trainable weights.')
    non_trainable_variables = property(lambda self: self.non_trainable_weights, doc='The other weights.')

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the values of `weights`, a list of arrays."""
        return [v.numpy() for v in self._weights_as_listed()]

    def set_weights(self, weights: Any) -> None:
        """Take values for all `weights`, in their order. ValueError for another number of arrays or other shapes."""
        variables = self._weights_as_listed()
        if not isinstance(weights, (list, tuple, np.ndarray)):
            raise ValueError(f'{title(self)}: expected a list of {len(variables)} arrays for its weights, got '
                             f'{weights!r}')
        weights = [np.asarray(w) for w in weights]
        if len(variables) != len(weights):
            hint = '' if self.built else '; it is not built yet: call it on an input, or build(input_shape), first'
            raise ValueError(f'{title(self)}: set_weights(weights) was called with a weight list of length '
                             f'{len(weights)}, but the '
                             f'layer was expecting {len(variables)} weights {[tuple(v.shape) for v in variables]}, got shapes '
                             f'{[w.shape for w in weights]}{hint}')
        for v, w in zip(variables, weights):
            if tuple(v.shape) != w.shape:
                raise ValueError(f'{title(self)}: the weight {v.name!r}: Layer weight shape {tuple(v.shape)} not '
                                 f'compatible with provided weight shape {w.shape}')
        with outside_trace():
            assign_all(variables, weights)

    def count_params(self) -> int:
        """The number of numbers in the weights. ValueError before they exist."""
        if not self.built and not self.weights:
            raise ValueError(f"{title(self)}: You tried to call `count_params`, but the layer isn't built and has no weights "
                             'yet; call it on an input, or build(input_shape), first')
        return sum(int(np.prod(v.shape, dtype=np.int64)) for v in self.weights)

    # ---- losses, metrics, updates
    def add_loss(self, losses: Any, inputs: Any = None, **kwargs: Any) -> None:
        """Add to the loss that training minimises: a scalar tensor computed in `call` (larger ones are summed), a list
        of them, or a function without arguments, called whenever losses are collected. inputs: accepted, without
        effect."""
        for loss in nest.to_list(losses):
            if loss is None:
                continue
            if callable(loss) and not isinstance(loss, (Tensor, Variable, np.ndarray)):
                self._callable_losses.append(loss)
            else:
                self._collect_loss(loss)

    def _collect_loss(self, loss):
        collected = context.collection()
        if active_trace() is None and isinstance(loss, Tensor):     # of Variables of the backend: computed in every step
            self._callable_losses.append(lambda: self._loss_in_step(loss))
        elif collected is not None and not context.is_building(self):
            loss = core.tensor(loss)
            collected.append(ops.sum(loss) if loss.shape else loss)
        elif active_trace() is not None:
            loss = core.tensor(loss)
            active_trace().losses.append((self, ops.sum(loss) if loss.shape else loss))
        elif context.is_building(self):
            self._callable_losses.append(lambda: loss)

    @staticmethod
    def _loss_in_step(loss):
        collected = context.collection()
        loss = loss if active_trace() is None else present.in_trace(loss, {} if collected is None else collected.values)
        return ops.sum(loss) if loss.shape else loss

    def add_metric(self, value: Any, name: str | None = None, aggregation: Any = 'mean') -> None:
        """Report a scalar tensor computed in `call` as a metric: its mean over the batches of an epoch."""
        collected, trace = context.collection(), active_trace()
        kept = collected.metrics if collected is not None else trace.reported if trace is not None else None
        if kept is not None:
            value = core.tensor(value)
            kept.append((name or self.name, ops.mean(value) if value.shape else value))

    @property
    def losses(self) -> Any:
        """Penalties now, as scalars: in a `collect_losses` block, all that was collected; else what add_loss and
        activity_regularizer added in the last call, in a trace that call's, and the penalties on the weights."""
        collected = context.collection()
        if collected is not None:
            return list(collected)
        layers, trace = self._flatten_layers(), active_trace()
        if trace is None:
            out = [loss for layer in layers for loss in layer._losses_of_call]
        else:
            own = {id(layer) for layer in layers}
            out = [loss for layer, loss in trace.losses if id(layer) in own]
        out += [v.regularizer(v) for v in self.weights if v.regularizer is not None]
        return out + [loss() for layer in layers for loss in layer._callable_losses]

    def get_losses_for(self, inputs: Any = None) -> Any:
        """The penalties that depend on no input, for inputs=None; else none: those exist only while a call is
        traced.
        """
        if inputs is not None:
            return []
        added = {id(loss) for layer in self._flatten_layers() for loss in layer._losses_of_call}
        return [loss for loss in self.losses if id(loss) not in added]

    def _penalize_activity(self, outputs):
        if self.activity_regularizer is None:
            return
        for y in nest.flatten(outputs):
            if y is not None:
                penalty = self.activity_regularizer(y)
                if generation.of('activity_regularizer.divided_by_batch') and y.shape:
                    penalty = penalty / float(y.shape[0])
                self._collect_loss(penalty)

    # ---- checks and inference
    def assert_input_compatibility(self, inputs: Any) -> Any:
        """Raise ValueError where the inputs do not meet `input_spec`."""
        check_inputs(self, self.input_spec, inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the result: the input's, in a layer that supports masking.

        Raises TypeError when the input has a mask and the layer does not support masking; in generation 3 the mask is
        dropped instead.
        """
        if self.supports_masking:
            return mask
        if any(m is not None for m in nest.flatten(mask)) and generation.of('masking.unsupported_is_an_error'):
            raise TypeError(f'{title(self)} does not support masking, but its input has a mask; put it before the '
                            f'layer that makes the mask, or behind one that consumes it')
        return None

    def __repr__(self):
        return f'<{type(self).__name__} name={self.name}, built={self.built}>'


construction.wrap(Layer)
registry.note(Layer)


def _first_shape(owner, kwargs):
    """The batch_input_shape that the keywords of a layer stand for; None when they say none. ValueError, naming the
    keyword, for what is no shape or no size. owner: the layer, for messages."""
    if kwargs.get('batch_input_shape') is not None:
        return _sizes(owner, 'batch_input_shape', kwargs['batch_input_shape'])
    shape = kwargs.get('input_shape')
    if shape is not None:
        shape = _sizes(owner, 'input_shape', shape)
    elif kwargs.get('input_dim') is not None:
        shape = (_size(owner, 'input_dim', kwargs['input_dim']),)
        if kwargs.get('input_length') is not None:
            shape = (_size(owner, 'input_length', kwargs['input_length']), *shape)
    if shape is None:
        return None
    return (_size(owner, 'batch_size', kwargs.get('batch_size')), *shape)


def _sizes(owner, name, shape):
    if hasattr(shape, '__index__') or isinstance(shape, (str, bytes, dict)) or not hasattr(shape, '__iter__'):
        raise ValueError(f'{owner}: expected {name} to be a tuple of sizes, such as {name}=(8,), got {shape!r}')
    return tuple(_size(owner, name, d, shape) for d in shape)


def _size(owner, name, size, shape=None):
    number = None if size is None else as_whole(size)
    if size is not None and (number is None or number < 0):
        raise ValueError(f'{owner}: expected {name} to {"be" if shape is None else "hold"} whole numbers of 0 or more, or '
                         f'None, got {(size if shape is None else shape)!r}')
    return number


objects.add_slot('layer', Layer)
objects.add_slot('activation function', Layer, functions=True)     # a layer may stand there, too
