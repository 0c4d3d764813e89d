"""Batches that are run a few rows at a time."""

from .. import _core
from ..compiler.cache import settings


class Parts:
    """In place of the plan of a long batch: runs the plans of its parts, one after the other. The rows are the same, bit for
    bit. A part has `size` rows at most; all have as many as each other, or one less."""

    outs = result = None

    def __init__(self, function, plan, rows):
        self.function = function
        self.build, self.shapes, self.settings = plan.build, plan.shapes, plan.settings
        count = -(-rows // plan.part)
        self.bounds = [rows * k // count for k in range(count + 1)]
        self.size = max(b - a for a, b in zip(self.bounds, self.bounds[1:]))

    def is_stale(self):
        return self.settings != settings()

    def run(self, arrays, outs=None):
        if outs is None:
            outs = [_core.empty(shape, dtype) for shape, dtype in self.shapes]
        for a, b in zip(self.bounds, self.bounds[1:]):
            self.function.run_into([x[a:b] for x in arrays], [y[a:b] for y in outs])
        return outs
