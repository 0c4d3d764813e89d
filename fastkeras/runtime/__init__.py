from .._core import Ways, changed
from ..compiler import autodiff as _autodiff  # noqa: F401  installs differentiation, for ops that contain it
from . import eager as _eager  # noqa: F401  installs the evaluator of ops on arrays
from . import stateless as stateless
from .differentiate import GradientTape, grad, value_and_grad
from .function import Function
from .seed_generator import SeedGenerator
from .trace import active_trace, outside_trace
from .variable import Variable

__all__ = ['Function', 'GradientTape', 'SeedGenerator', 'Variable', 'Ways', 'active_trace', 'changed', 'grad', 'outside_trace',
           'value_and_grad']
