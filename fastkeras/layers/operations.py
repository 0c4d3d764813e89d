"""Keras 3's names for what models are made of: KerasTensor, Operation, Function."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest

from .base import Layer
from .described import LayerGraph
from .history import keras_tensor

__all__ = ['Function', 'KerasTensor', 'Operation']


class _AnyTensor(type):
    def __instancecheck__(cls, x):
        return isinstance(x, Tensor)


class KerasTensor(Tensor, metaclass=_AnyTensor):
    """A symbolic tensor: a shape, None for unknown sizes, and a type, without a value. Every symbolic tensor is an instance.

    sparse, ragged: False, tensors are dense; ValueError else. record_history: accepted, since nothing made it. name: for
    messages.
    """

    __slots__ = ()

    def __init__(self, shape: Any, dtype: Any = 'float32', sparse: bool = False, ragged: bool = False,
                 record_history: bool = True, name: str | None = None, **kwargs: Any) -> None:
        if sparse or ragged or any(v is not None for v in kwargs.values()):
            raise ValueError(f'KerasTensor {name!r}: tensors of this engine are dense; expected sparse and ragged to be False')
        leaf = keras_tensor(tuple(shape), str(dtype), name)
        Tensor.__init__(self, leaf.op, leaf.inputs, leaf.attrs, leaf.shape, leaf.dtype, leaf.name)

    def reshape(self, newshape: Any) -> Any:
        """See `ops.reshape`."""
        return ops.reshape(self, newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """See `ops.squeeze`."""
        return ops.squeeze(self, axis)

    sparse = property(lambda self: False, doc='False.')
    ragged = property(lambda self: False, doc='False.')
    ragged_rank = row_splits_dtype = property(lambda self: None, doc='None.')


class _AnyLayer(type):
    def __instancecheck__(cls, x):
        return type.__instancecheck__(cls, x) or cls.__dict__.get('_all_layers', False) and isinstance(x, Layer)


class Operation(Layer, metaclass=_AnyLayer):
    """A computation without weights: define `call`, in ops. Called on Keras tensors it becomes part of a model. All layers are
    instances."""

    _all_layers = True

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; each class has its own."""
        raise TypeError(f'{type(self).__name__} must define call')

    def rematerialized_call(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """fn(*args, **kwargs), of which a step of training keeps nothing but its arguments, see `remat`."""
        return super().rematerialized_call(fn, *args, **kwargs)


class Function(Operation):
    """What leads from Keras tensors to others, as a function: called on tensors or arrays of equal shapes, it does the same
    with them. inputs, outputs: Keras tensors, or nestings of them. The layers on the way keep their weights. ValueError where
    the outputs need something that is no input."""

    _all_layers = False

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self._described = LayerGraph(inputs, outputs, self.name)
        self._inputs, self._outputs = inputs, outputs
        self._inside = list(self._described.layers)

    @property
    def inputs(self) -> Any:
        """The Keras tensors that it begins with, as a list."""
        return nest.flatten(self._inputs)

    @property
    def outputs(self) -> Any:
        """The Keras tensors that it gives, as a list."""
        return nest.flatten(self._outputs)

    @property
    def operations(self) -> Any:
        """The layers on the way."""
        return list(self._inside)

    def call(self, inputs: Any) -> Any:
        """The outputs for these inputs."""
        return self._described.run(inputs, None, self)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape(s) of the outputs for the shape(s) of the inputs."""
        return self._inferred_shape(input_shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Keras tensors of the shapes and types of the outputs for such inputs."""
        return super().compute_output_spec(inputs)
