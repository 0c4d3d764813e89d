from . import eager as _eager  # noqa: F401  installs the evaluator of ops on arrays
from .function import Function
from .variable import Variable, active_trace, outside_trace

__all__ = ['Function', 'Variable', 'active_trace', 'outside_trace']
