"""Operations, by their Keras 3 names: on symbolic tensors they append a node, on arrays they run at once."""

from . import (
    arrange,
    bitwise,
    contraction,
    control,
    convolution,
    core,
    create,
    elementwise,
    index,
    linalg,
    logits,
    math,
    move,
    nan,
    nn,
    normalization,
    patches,
    pool,
    random,
    reduce,
    slices,
    sorting,
)
from .arrange import *  # noqa: F403
from .bitwise import *  # noqa: F403
from .contraction import *  # noqa: F403
from .control import *  # noqa: F403
from .convolution import *  # noqa: F403
from .create import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .index import *  # noqa: F403
from .linalg import *  # noqa: F403
from .logits import *  # noqa: F403
from .math import *  # noqa: F403
from .move import *  # noqa: F403
from .nan import *  # noqa: F403
from .nn import *  # noqa: F403
from .normalization import *  # noqa: F403
from .patches import *  # noqa: F403
from .pool import *  # noqa: F403
from .random import *  # noqa: F403
from .reduce import *  # noqa: F403
from .slices import *  # noqa: F403
from .sorting import *  # noqa: F403
from .tensor import Tensor

_modules = (arrange, bitwise, contraction, control, convolution, create, elementwise, index, linalg, logits, math,
            move, nan, nn, normalization, patches, pool, random, reduce, slices, sorting)
__all__ = ['Tensor', 'core', *(name for m in _modules for name in m.__all__)]
