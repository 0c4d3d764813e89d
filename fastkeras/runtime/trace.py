"""What a trace records: the function of a user runs once, on symbolic tensors, and leaves a graph."""

import threading

from ..ops import core

_local = threading.local()


class Trace:
    """What one trace has recorded: the present value of each variable, and the variables assigned, in order; what layers
    added to the loss where nobody collects it, pairs (layer, scalar)."""

    def __init__(self):
        self.current = {}
        self.assigned = {}
        self.losses = []
        self.reported = []      # the same of metrics: pairs (name, scalar)
        self.results = None     # a list, where what layers give to the user is noted
        self.later = []         # pairs (variable, value), assigned at the end, so that nothing in the trace sees it; or None
        self.offered = {}       # id of a tensor → (variable, tensor): an assignment, if somebody reads it or asks for it
        self.beside = {}        # the same, of what an offered value is made of

    def leaf(self, variable):
        """What a Variable is that was not assigned yet."""
        return variable._leaf

    def settle(self):
        """Do what is left for the end; inside the trace."""
        for variable, value in self.later or ():
            variable.assign(value)

    def __enter__(self):
        _local.stack = [*getattr(_local, 'stack', ()), self]
        return self

    def __exit__(self, *exc):
        _local.stack = _local.stack[:-1]


class outside_trace:
    """Inside the block no trace is active: ops on arrays and variables are computed at once, `assign` acts at once."""

    def __enter__(self):
        self.stack = getattr(_local, 'stack', ())
        if self.stack:
            _local.stack = [*self.stack, None]

    def __exit__(self, *exc):
        if self.stack:
            _local.stack = self.stack


def active_trace():
    """The innermost trace of this thread, or None."""
    stack = getattr(_local, 'stack', None)
    return stack[-1] if stack else None


def inner_trace(values):
    """The trace of a body inside the present one: it begins with what variables hold there, those in `values` (id → Tensor)
    apart, and its assignments are its own."""
    trace, outer = Trace(), active_trace()
    if outer is not None:
        trace.current.update(outer.current)
        trace.losses, trace.reported, trace.offered, trace.leaf = outer.losses, outer.reported, outer.offered, outer.leaf
        trace.beside = outer.beside
    trace.current.update(values)
    trace.later = None
    return trace


core.set_inner_trace(inner_trace)
core.set_tracing(lambda: active_trace() is not None)
