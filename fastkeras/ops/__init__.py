"""Operations, by their Keras 3 names: on symbolic tensors they append a node, on arrays they run at once."""

from . import core, tensor
from .tensor import Tensor

__all__ = ['Tensor', 'core', 'tensor']
