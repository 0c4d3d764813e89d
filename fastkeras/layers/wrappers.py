"""Layers around a layer."""

from __future__ import annotations

from typing import Any

from fastkeras import generation, ops
from fastkeras.ops import core
from fastkeras.saving import objects
from fastkeras.utils import nest

from . import registry
from .array_masks import masked
from .base import Layer
from .checks import one_of
from .folding import folded, shaped
from .given_states import GivenStates
from .input_spec import title

__all__ = ['Bidirectional', 'TimeDistributed', 'Wrapper']


class Wrapper(Layer):
    """Base of layers around another layer, which stands in their attribute `layer`. One of one's own defines `call`, in
    which it calls that.

    layer: the layer inside; its weights are the wrapper's too. A float type as `dtype` holds for it as well, unless it
    has one of its own. ValueError for what is no layer.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        _check_layer(type(self).__name__, 'layer', layer)
        super().__init__(**kwargs)
        self._inside('layer', layer)

    def _inside(self, name, layer):
        """Keep a layer that is part of this one."""
        if self._given_dtype in core.FLOATS and layer._given_dtype is None and not layer.built:
            layer.dtype = self._given_dtype
        setattr(self, name, layer)

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for inputs of this shape, unless None is given or it is built."""
        if input_shape is not None and not self.layer.built:
            self.layer.build(input_shape)
        self.built = True

    def get_losses_for(self, inputs: Any = None) -> Any:
        return super().get_losses_for(inputs)

    def get_updates_for(self, inputs: Any = None) -> Any:
        return super().get_updates_for(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with(), 'layer': registry.serialize(self.layer)}

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The wrapper that a configuration describes. custom_objects: name → class of what is not of this package."""
        return super().from_config(revived(cls, config, ('layer',), custom_objects))


def revived(cls, config, names, custom_objects):
    """A configuration with layers in place of their configurations."""
    config = dict(objects.checked_config(cls, config))
    for name in names:
        if isinstance(config.get(name), dict):
            config[name] = registry.deserialize(config[name], custom_objects)
    return config


def _check_layer(owner, name, layer, example='Dense(8)'):
    if not isinstance(layer, Layer):
        hint = '; a class must be called to make a layer' if isinstance(layer, type) else ''
        raise ValueError(f'{owner}: expected {name} to be a layer, such as {owner}({example}), got '
                         f'{type(layer).__name__}: {layer!r:.80}{hint}')


class TimeDistributed(Wrapper):
    """A layer, or model, applied to each step of its input alike: (batch, steps, …) to (batch, steps, …).

    layer: is called once, on (batch · steps, …), so that what it takes from the whole batch, such as the statistics of
    BatchNormalization, it takes from all samples and steps, as Keras 2 does. Inputs have 3 axes at least; of several,
    nested as the layer takes them, each has the steps on axis 1. Steps, batch and other sizes may be unknown.

    A mask (batch, steps) leaves the computation as it is, and is the result's; one of more axes, (batch, steps, …), as
    a TimeDistributed Masking or Embedding gives, is the mask of the layer's input. The result's mask is the one that
    the layer gives, else of those steps of which the input's mask keeps anything.
    """

    supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        # the layer meets batches of samples times steps
        shapes = None if input_shape is None else nest.map_shapes(lambda s: (None, *self._step_shape(s)[1:]), input_shape)
        super().build(shapes)

    def _step_shape(self, shape):
        """The shape of a batch of single steps."""
        if len(shape) < 3:
            raise ValueError(f'{title(self)}: it should be passed an input_shape with at least 3 dimensions, (batch, '
                             f'steps, …), got shape {tuple(shape)}' + ('; the layer before it may lack return_sequences=True'
                                                  if len(shape) == 2 else ''))
        return (shape[0], *shape[2:])

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        steps, masks, mask_of_steps = self._folded(inputs, mask)
        steps = nest.pack(steps, map(masked, nest.flatten(steps), nest.flatten(masks)))
        unfold = self._unfold(inputs)

        def result(y):
            if y is None:
                return None
            m = y._keras_mask
            return masked(unfold(y), mask_of_steps if m is None else unfold(m))
        return nest.map_structure(result, self.layer(steps, training=training))

    def _with_masks(self, inputs, outputs, mask):
        # call has seen to it: the layer gave the masks with its results
        return outputs if type(self).compute_mask is TimeDistributed.compute_mask else super()._with_masks(
            inputs, outputs, mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        steps, masks, mask_of_steps = self._folded(inputs, mask)
        unfold = self._unfold(inputs)
        return nest.map_structure(lambda m: mask_of_steps if m is None else unfold(m), self.layer.compute_mask(steps, masks))

    def _folded(self, inputs, mask):
        """The inputs of all steps as one batch, the masks that are for these, and the mask (batch, steps)."""
        tensors = nest.flatten(inputs)
        masks = nest.flatten(mask) if mask is not None else [None] * len(tensors)
        for x, m in zip(tensors, masks):
            self._step_shape(x.shape)
            if m is not None and (len(m.shape) < 2 or any(None not in (a, b) and a != b for a, b in zip(x.shape, m.shape[:2]))):
                raise ValueError(f'{title(self)}: expected a mask of shape (batch, steps, …) for an input of shape '
                                 f'{tuple(x.shape)}, got shape {tuple(m.shape)}')
        if len({x.shape[1] for x in tensors} - {None}) > 1:
            raise ValueError(f'{title(self)}: expected inputs of the same number of steps, got shapes '
                             f'{", ".join(str(tuple(x.shape)) for x in tensors)}')
        inner = [folded(m) if m is not None and len(m.shape) > 2 else None for m in masks]
        of_steps = None
        for m in (m for m in masks if m is not None):
            m = ops.any(m, axis=tuple(range(2, len(m.shape)))) if len(m.shape) > 2 else m
            of_steps = m if of_steps is None else ops.logical_and(of_steps, m)
        return nest.map_structure(folded, inputs), nest.pack(inputs, inner), of_steps

    def _unfold(self, inputs):
        """The function that gives a result of the layer its axis of steps back."""
        batch, steps = (next((d for d in sizes if d is not None), None)
                        for sizes in zip(*(x.shape[:2] for x in nest.flatten(inputs))))
        return lambda y: shaped(y, (batch, steps, *y.shape[1:]))

    def _limited_inputs(self, inputs):
        return self.layer._limited_inputs(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        steps = next((s[1] for s in nest.flatten_shapes(input_shape) if s[1] is not None), None)
        shapes = self.layer.compute_output_shape(nest.map_shapes(self._step_shape, input_shape))
        return nest.map_shapes(lambda s: (s[0], steps, *s[1:]), shapes)


_MERGED = {'sum': ops.add, 'mul': ops.multiply, 'concat': lambda a, b: ops.concatenate([a, b], axis=-1),
           'ave': lambda a, b: (a + b) * 0.5}


class Bidirectional(GivenStates, Wrapper):
    """A recurrent layer that goes through its inputs forwards, and one that goes backwards, side by side (Schuster and
    Paliwal 1997).

    layer: an RNN, LSTM, GRU, …, or a recurrent layer of one's own with the attributes go_backwards, return_sequences,
    return_state and stateful. It stays as it is: `forward_layer` and `backward_layer` are made of its configuration.
    backward_layer: taken as the one that goes backwards; it must agree with `layer` in all of these but go_backwards.
    merge_mode: what is made of the two outputs at each step, 'concat' (features behind each other), 'sum', 'mul', 'ave', or
    None: a list of both. weights: the first values of the weights, those of the forward layer first.

    Inputs, mask, initial_state, constants: as the layer's; initial_state holds the states of both, those of the forward
    layer first, constants go to both. With return_state the result is [output, *states of the forward layer, *states of the
    backward layer]. Weights: forward_layer's, then backward_layer's. In generation 3 the outputs of masked steps are 0, as
    Keras 3 has it. Raises ValueError for a layer that is not recurrent, an unknown merge_mode, layers that do not go together.
    """

    supports_masking = True
    _untracked = frozenset(('layer',))
    _common = ('return_sequences', 'return_state', 'stateful')

    def __init__(self, layer: Any, merge_mode: Any = 'concat', weights: Any = None, backward_layer: Any = None,
                 **kwargs: Any) -> None:
        for name, given in (('layer', layer), ('backward_layer', backward_layer)):
            if given is not None or name == 'layer':
                _check_layer('Bidirectional', name, given, 'LSTM(8)')
                lacking = [a for a in ('go_backwards', *self._common) if not hasattr(given, a)]
                if lacking:
                    raise ValueError(f'Bidirectional: expected {name} to be a recurrent layer, such as LSTM(8), got '
                                     f'{title(given)}, which has no {", no ".join(lacking)}')
        super().__init__(layer, **kwargs)
        self.merge_mode = merge_mode if merge_mode is None else one_of(self, 'merge_mode', merge_mode, tuple(_MERGED))
        own = layer.name.removeprefix('forward_')
        self._inside('forward_layer', _again(layer, name=f'forward_{own}'))
        self.forward_layer._initial_weights = layer._initial_weights
        self._given_backward = backward_layer is not None
        self._inside('backward_layer', backward_layer if self._given_backward else _again(
            layer, name=f'backward_{own}', go_backwards=not layer.go_backwards))
        self._check_both()
        if generation.of('bidirectional.masked_outputs_are_zero'):
            for one in (self.forward_layer, self.backward_layer):
                if hasattr(one, 'zero_output_for_mask'):
                    one.zero_output_for_mask = one.return_sequences
        if weights is not None:
            if len(weights) % 2:
                raise ValueError(f'{title(self)}: expected weights to be a list of the arrays of the forward layer and as many '
                                 f'of the backward layer, got {len(weights)}')
            half = len(weights) // 2
            self.forward_layer._initial_weights = list(weights[:half])
            self.backward_layer._initial_weights = list(weights[half:])

    def _check_both(self):
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(f'{title(self)}: both layers have go_backwards={forward.go_backwards}; make backward_layer with '
                             f'go_backwards={not forward.go_backwards}')
        for name in self._common:
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(f'{title(self)}: expected both layers to have the same {name}, got {getattr(forward, name)} '
                                 f'for the forward layer and {getattr(backward, name)} for the backward layer')

    return_sequences = property(lambda self: self.forward_layer.return_sequences, doc='Whether all steps give outputs.')
    return_state = property(lambda self: self.forward_layer.return_state, doc='Whether the states are given too.')
    stateful = property(lambda self: self.forward_layer.stateful, doc='Whether states are kept from batch to batch.')
    _steps_axis = property(lambda self: 0 if getattr(self.forward_layer, 'time_major', False) else 1)

    # ---- states
    @property
    def states(self) -> Any:
        """The states from batch to batch, those of the forward layer first; a list of None where none are kept."""
        return [*self.forward_layer.states, *self.backward_layer.states]

    def reset_states(self, states: Any = None) -> None:
        """Let the next batch begin with zeros, or with `states`, those of the forward layer first."""
        if states is None:
            parts = None, None
        else:
            half = self._half('states', states)
            parts = states[:half], states[half:]
        self.forward_layer.reset_states(parts[0])
        self.backward_layer.reset_states(parts[1])

    reset_state = reset_states

    def _half(self, name, states):
        if len(states) % 2:
            raise ValueError(f'{title(self)}: expected {name} to hold the states of the forward layer and as many of the '
                             f'backward layer, got {len(states)}')
        return len(states) // 2

    # ---- building and computing
    def assert_input_compatibility(self, inputs: Any) -> Any:
        self.forward_layer.assert_input_compatibility(inputs)

    def build(self, input_shape: Any, initial_state_shape: Any = None) -> None:
        """Build both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            layer._num_constants = self._num_constants
            if not layer.built:
                layer.build(input_shape)
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None,
             constants: Any = None) -> Any:
        x, initial_state, constants = self._separated(inputs, initial_state, constants)
        options = {} if constants is None else {'constants': constants}
        states = [{}, {}]
        if initial_state is not None:
            half = self._half('initial_state', initial_state)
            if half != len(self.forward_layer.states):
                raise ValueError(f'{title(self)}: expected initial_state to hold {len(self.forward_layer.states)} states of '
                                 f'the forward layer and as many of the backward layer, got {len(initial_state)}')
            states = [{'initial_state': part} for part in (initial_state[:half], initial_state[half:])]
        x = masked(x, mask[0] if isinstance(mask, (list, tuple)) and len(mask) else mask)
        a = self.forward_layer(x, training=training, **states[0], **options)
        b = self.backward_layer(x, training=training, **states[1], **options)
        (a, *more), (b, *rest) = (a, b) if self.return_state else ([a], [b])
        if self.return_sequences:
            b = ops.flip(b, self._steps_axis)
        output = [a, b] if self.merge_mode is None else [_MERGED[self.merge_mode](a, b)]
        return nest.unpack([*output, *more, *rest])

    def compute_output_shape(self, input_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(input_shape)
        shape, *states = shape if self.return_state else [shape]
        if self.merge_mode == 'concat':
            shape = (*shape[:-1], 2 * shape[-1])
        return nest.unpack([*([shape] if self.merge_mode else [shape, shape]), *states, *states])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) and len(mask) else mask
        mask = mask if self.return_sequences else None
        states = len(self.states) if self.return_state else 0
        return nest.unpack([*([mask] if self.merge_mode else [mask, mask]), *([None] * states)])

    # ---- configuration
    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), 'merge_mode': self.merge_mode}
        if generation.of('config.module_and_registered_name'):
            config['layer'] = registry.serialize(self.forward_layer)
        if self._given_backward or generation.of('config.module_and_registered_name'):
            config['backward_layer'] = registry.serialize(self.backward_layer)
        if self._num_constants is not None:
            config['num_constants'] = self._num_constants
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer that a configuration describes, in the form of either generation."""
        config = dict(config)
        number = config.pop('num_constants', None)
        layer = super().from_config(revived(cls, config, ('backward_layer',), custom_objects), custom_objects)
        layer._num_constants = number
        return layer


def _again(layer, **changes):
    """A new layer of the same configuration, with some changes. Classes of a user's inside it are known."""
    inside = [*layer._flatten_layers(), getattr(layer, 'cell', layer), *getattr(getattr(layer, 'cell', None), 'cells', ())]
    own = {type(one).__name__: type(one) for one in inside if not type(one).__module__.startswith('fastkeras.')}
    with objects.CustomObjectScope(own):
        return type(layer).from_config({**layer.get_config(), **changes})
