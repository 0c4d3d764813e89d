"""A second plan of a trace, for weights that stay: it reads products of a table's rows from a table of them
(compiler/tables.py). Making that takes as long as reading all its rows by products."""

from .. import _core

PATIENCE = 2    # times all rows of the tables, read since the weights last changed: then they are taken to stay


class Settled:
    """worth: what tables.worth says of the graph. compile: () → its Compiled with tables. runner: what runs a Compiled."""

    def __init__(self, worth, compile, runner):
        self.sources, rows, self.read = worth
        self.enough = PATIENCE * rows
        self.compile, self.runner = compile, runner
        self.compiled = self.execute = self.versions = None
        self.rows, self.clock, self.fresh = 0, -1, False

    def chosen(self):
        """What runs the second plan, once enough rows were read by the first, until a weight changes; else None."""
        clock = _core.latest_change()
        if clock != self.clock:
            versions = [v.version for v in self.sources]
            if versions != self.versions:
                self.versions, self.rows = versions, 0
            self.clock, self.fresh = clock, False
        if self.rows < self.enough:
            self.rows += self.read
            return None
        if self.execute is None:
            self.compiled = self.compile()
            self.execute = self.runner(self.compiled)
        if not self.fresh:
            for s in self.compiled.statics:
                s.refresh()
            self.fresh = True
        return self.execute
