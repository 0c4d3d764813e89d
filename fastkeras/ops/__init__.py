"""Operations, by their Keras 3 names: on symbolic tensors they append a node, on arrays they run at once."""

from . import core, create, elementwise, index, move, reduce, slices
from .create import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .index import *  # noqa: F403
from .move import *  # noqa: F403
from .reduce import *  # noqa: F403
from .slices import *  # noqa: F403
from .tensor import Tensor

__all__ = ['Tensor', 'core', *create.__all__, *elementwise.__all__, *index.__all__, *move.__all__, *reduce.__all__,
           *slices.__all__]
