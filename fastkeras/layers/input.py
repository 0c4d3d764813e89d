"""Where a model begins."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import generation
from fastkeras.graph import LEAVES
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable

from . import naming
from .base import Layer
from .history import History, Node, keras_tensor
from .typed import policy_and_type

__all__ = ['Input', 'InputLayer']


class InputLayer(Layer):
    """An input of a model.

    input_shape, shape: sizes without the batch, None for unknown ones; batch_size: of the batch; batch_input_shape,
    batch_shape: sizes with the batch. dtype: floatx unless given. input_tensor: a Keras tensor to take as the input; or a
    Variable or symbol of the backend, of which the input is made: it is not given with the data then.
    sparse, ragged, optional: only False. Raises ValueError when no shape, or two, are given.
    """

    supports_masking = True
    _begins = True

    def __init__(self, input_shape: Any = None, batch_size: int | None = None, batch_input_shape: Any = None,
                 dtype: Any = None, input_tensor: Any = None, sparse: bool = False, name: str | None = None,
                 shape: Any = None, batch_shape: Any = None, ragged: Any = None, optional: bool = False,
                 **kwargs: Any) -> None:
        name = name or naming.auto_name(generation.of('names.input'))
        super().__init__(name=name, **{k: kwargs[k] for k in ('trainable',) if k in kwargs})
        if sparse or ragged or optional:
            raise ValueError(f'InputLayer {name!r}: sparse, ragged and optional inputs are not part of this engine; '
                             'convert the data to a dense array')
        given = batch_input_shape if batch_input_shape is not None else batch_shape
        inner = input_shape if input_shape is not None else shape
        if input_tensor is not None:
            if isinstance(input_tensor, Variable) or isinstance(input_tensor, Tensor) and _is_made_by_backend(input_tensor):
                input_tensor = core.apply('multiply', (core.tensor(input_tensor), 1))   # a tensor that may get a history
            if not isinstance(input_tensor, Tensor):
                raise ValueError(f'InputLayer {name!r}: expected input_tensor to be a Keras tensor, got '
                                 f'{type(input_tensor).__name__}; an array is fed to the model, not built into it')
            given, dtype = input_tensor.shape, dtype or input_tensor.dtype
        elif given is None and inner is None:
            raise ValueError(f'InputLayer {name!r}: expected a shape: `shape` without the batch, or `batch_shape` with '
                             f'it')
        elif given is not None and inner is not None:
            raise ValueError(f'InputLayer {name!r}: expected either `shape` or `batch_shape`, got {inner} and {given}')
        if given is None:
            given = (batch_size, *_sizes(name, inner))
        self.batch_input_shape = _sizes(name, given)
        if any(d is not None and d < 0 for d in self.batch_input_shape):
            raise ValueError(f'InputLayer {name!r}: expected sizes of 0 or more, or None, got {self.batch_input_shape}')
        self._given_dtype = policy_and_type(dtype)[1] or settings.floatx()
        self.sparse = False
        self.built = True
        leaf = input_tensor if input_tensor is not None and input_tensor._keras_history is None else keras_tensor(
            self.batch_input_shape, self.dtype, name)
        leaf._keras_history = History(self, 0, 0)
        Node(self, [], {}, leaf)

    @property
    def batch_shape(self) -> Any:
        """The shape with the batch, as Keras 3 calls it."""
        return self.batch_input_shape

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_input_at(self, node_index: Any) -> Any:
        return self.get_output_at(node_index)

    def get_input_shape_at(self, node_index: Any) -> Any:
        return self.get_output_shape_at(node_index)

    def get_config(self) -> dict[str, Any]:
        if generation.of('config.module_and_registered_name'):
            return {'batch_shape': self.batch_input_shape, 'dtype': self.dtype, 'sparse': False, 'ragged': False,
                    'name': self.name}
        return {'batch_input_shape': self.batch_input_shape, 'dtype': self.dtype, 'sparse': False, 'name': self.name}


def _is_made_by_backend(tensor):
    return tensor.op == 'const' or tensor._keras_history is not None and not tensor._keras_history.layer._makes_keras_tensors


def is_fed(tensor: Any) -> bool:
    """Whether an input of a model is given with the data; not so one that was made of a Variable or of what is computed of
    some."""
    return tensor.op in LEAVES


def _sizes(owner, shape):
    owner = f'InputLayer {owner!r}'
    try:
        sizes = tuple(shape)
        if any(isinstance(d, (bool, str)) or isinstance(d, float) and not d.is_integer() for d in sizes):
            raise ValueError
        return tuple(None if d is None else int(d) for d in sizes)
    except (TypeError, ValueError, OverflowError):
        such = f', such as shape=({shape!r},)' if hasattr(shape, '__index__') else ''
        raise ValueError(f'{owner}: expected a tuple of whole numbers or None for the shape{such}, got {shape!r}'
                         ) from None


def Input(shape: Any = None, batch_shape: Any = None, name: str | None = None, dtype: Any = None, sparse: bool = False,
          tensor: Any = None, batch_size: int | None = None, ragged: Any = None, optional: bool = False,
          batch_input_shape: Any = None) -> Any:
    """A Keras tensor where a model begins.

    shape: sizes without the batch, None for unknown ones. batch_shape: sizes with the batch; as the second positional
    argument a number is batch_size. name: by default input_1, input_2, …. dtype: floatx unless given. tensor: a Keras
    tensor to take instead of a new one. Raises ValueError when no shape, or two, are given.
    """
    if hasattr(batch_shape, '__index__'):
        batch_size, batch_shape = batch_shape, None
    if batch_input_shape is not None:
        batch_shape = batch_input_shape
    if shape is None and batch_shape is None and tensor is None:
        raise ValueError('Input: expected `shape`, the sizes without the batch (such as shape=(32,)), or `batch_shape` '
                         'with it')
    layer = InputLayer(input_shape=shape if tensor is None else None, batch_size=batch_size,
                       batch_input_shape=batch_shape
                       if tensor is None else None, dtype=dtype, input_tensor=tensor, sparse=sparse, name=name,
                       ragged=ragged, optional=optional)
    return layer._inbound_nodes[0].outputs
