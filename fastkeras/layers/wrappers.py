"""Layers around a layer."""

from __future__ import annotations

import math
from typing import Any

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.saving import objects
from fastkeras.utils import nest

from . import registry
from .base import Layer
from .calls import masked
from .input_spec import title

__all__ = ['TimeDistributed', 'Wrapper']


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


def _check_layer(owner, name, layer):
    if not isinstance(layer, Layer):
        hint = '; a class must be called to make a layer' if isinstance(layer, type) else ''
        raise ValueError(f'{owner}: expected {name} to be a layer, such as {owner}(Dense(8)), got '
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
            raise ValueError(f'{title(self)}: expected an input with at least 3 dimensions, (batch, steps, …), got shape '
                             f'{tuple(shape)}' + ('; the layer before it may lack return_sequences=True'
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
        inner = [_fold(m) if m is not None and len(m.shape) > 2 else None for m in masks]
        of_steps = None
        for m in (m for m in masks if m is not None):
            m = ops.any(m, axis=tuple(range(2, len(m.shape)))) if len(m.shape) > 2 else m
            of_steps = m if of_steps is None else ops.logical_and(of_steps, m)
        return nest.map_structure(_fold, inputs), nest.pack(inputs, inner), of_steps

    def _unfold(self, inputs):
        """The function that gives a result of the layer its axis of steps back."""
        batch, steps = (next((d for d in sizes if d is not None), None)
                        for sizes in zip(*(x.shape[:2] for x in nest.flatten(inputs))))
        return lambda y: _shaped(y, (batch, steps, *y.shape[1:]))

    def _limited_inputs(self, inputs):
        return self.layer._limited_inputs(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        steps = next((s[1] for s in nest.flatten_shapes(input_shape) if s[1] is not None), None)
        shapes = self.layer.compute_output_shape(nest.map_shapes(self._step_shape, input_shape))
        return nest.map_shapes(lambda s: (s[0], steps, *s[1:]), shapes)


def _fold(x):
    return _shaped(x, (None if None in x.shape[:2] else math.prod(x.shape[:2]), *x.shape[2:]))


def _shaped(x, shape):
    """x under another shape. Where more than one of its sizes is unknown, a model is being described, and what has the
    shape will do."""
    if shape.count(None) > 1:
        return Tensor('input', (), {}, shape, x.dtype)
    return ops.reshape(x, tuple(-1 if d is None else d for d in shape))
