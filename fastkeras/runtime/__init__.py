from . import eager as _eager  # noqa: F401  installs the evaluator of ops on arrays
from .function import Function
from .seed_generator import SeedGenerator
from .trace import active_trace, outside_trace
from .variable import Variable

__all__ = ['Function', 'SeedGenerator', 'Variable', 'active_trace', 'outside_trace']
