"""Batches that are run a few rows at a time."""

from .. import _core
from ..compiler.executor import settings
from ..compiler.rows import alike


def in_parts(function, plan, specs):
    """Parts in place of a plan that would be faster so, or None: where the function makes something else of fewer rows, or
    cannot take them."""
    rows = specs[0][0][0]
    count = -(-rows // plan.part)
    bounds = [rows * k // count for k in range(count + 1)]
    for size in {b - a for a, b in zip(bounds, bounds[1:])}:
        try:
            part = function.traced_of([((size, *shape[1:]), dtype) for shape, dtype in specs])
        except Exception:  # whatever the user's code raises for so many rows: it is never asked for them
            return None
        if not alike(plan.graph, part.graph):
            return None
    return Parts(function, plan, bounds)


class Parts:
    """Runs the plans of parts of a batch one after the other. The rows are the same, bit for bit. All parts have as many rows
    as each other, or one less."""

    def __init__(self, function, plan, bounds):
        self.function, self.bounds = function, bounds
        self.graph, self.build, self.shapes, self.settings = plan.graph, plan.build, plan.shapes, plan.settings
        self.outs, self.result = plan.outs, plan.result
        self.held, self.used = 0, False     # the plans of the parts have entries of their own

    def is_stale(self):
        return self.settings != settings()

    def release(self):
        """Be made anew where it is still known."""
        self.settings = None

    def open_way(self, container):
        """None: there are several plans to run."""

    def run(self, arrays, outs=None):
        self.used = True
        if outs is None:
            outs = [_core.empty(shape, dtype) for shape, dtype in self.shapes]
        for a, b in zip(self.bounds, self.bounds[1:]):
            self.function.run_into([x[a:b] for x in arrays], [y[a:b] for y in outs])
        return outs
