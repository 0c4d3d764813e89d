"""Operations, by their Keras 3 names: on symbolic tensors they append a node, on arrays they run at once. One line for each
file of them."""

from types import ModuleType as _ModuleType

from . import core as core
from . import image as image
from . import linalg as _linalg
from . import nn as _nn
from . import numpy as _numpy
from . import topics as _topics
from .arrange import *  # noqa: F403
from .attention import *  # noqa: F403
from .bitwise import *  # noqa: F403
from .contraction import *  # noqa: F403
from .control import *  # noqa: F403
from .convolution import *  # noqa: F403
from .create import *  # noqa: F403
from .ctc import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .enlarge import *  # noqa: F403
from .factorization import *  # noqa: F403
from .flow import *  # noqa: F403
from .fourier import *  # noqa: F403
from .index import *  # noqa: F403
from .lifted import *  # noqa: F403
from .linalg import *  # noqa: F403
from .logits import *  # noqa: F403
from .math import *  # noqa: F403
from .measures import *  # noqa: F403
from .move import *  # noqa: F403
from .nan import *  # noqa: F403
from .nn import *  # noqa: F403
from .normalization import *  # noqa: F403
from .numpy_dispatch import public as _public
from .on_host import *  # noqa: F403
from .patches import *  # noqa: F403
from .pool import *  # noqa: F403
from .random import *  # noqa: F403
from .reduce import *  # noqa: F403
from .slices import *  # noqa: F403
from .sorting import *  # noqa: F403
from .spectra import *  # noqa: F403
from .tensor import Tensor as Tensor
from .unshared import *  # noqa: F403
from .views import *  # noqa: F403

__all__ = ['core', *(name for name, value in globals().items() if name[0] != '_' and not isinstance(value, _ModuleType))]
_public.update((name, globals()[name]) for name in __all__ if callable(globals()[name]))
for _module, _names in ((_nn, _topics.NN), (_linalg, _topics.LINALG), (_numpy, __all__)):
    _topics.fill(_module, _names, {name: globals()[name] for name in __all__})
