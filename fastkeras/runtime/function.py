"""Functions: Python written in ops, traced once per shapes and run as one plan."""

import sys
import weakref

import numpy as np

from .. import _core
from ..compiler import stages
from ..compiler.cache import StaticCache
from ..compiler.executor import settings
from ..compiler.pipeline import compile_graph
from ..compiler.profile import printed_at_exit
from ..compiler.rows import at_a_time
from ..compiler.switches import debug, disabled
from ..graph import Graph, toposort
from ..ops import core
from ..ops.tensor import Tensor
from ..turns import Turns, turn
from ..utils.errors import warn
from . import collection
from .parts import in_parts
from .plans import PlanCache
from .settled import Settled
from .trace import Trace

_statics = StaticCache(compile_graph)
MAX_TRACED = 64  # of one Function


class Function:
    """fn(*Tensors) → any nesting of lists, tuples and dicts of Tensors, called with arrays.

    Each call runs one plan without the GIL; a plan is traced and compiled at the first call with given shapes and types.
    reuse_outputs: the same result arrays at each call (a training step then allocates nothing); else new ones.
    by_rows: a long batch may be run a few rows at a time, where each row of the results depends on that of the inputs alone
    and that is faster (see compiler/rows.py).
    """

    def __init__(self, fn, name=None, reuse_outputs=False, by_rows=False):
        self.fn = fn
        self.name = name or getattr(fn, '__name__', 'function')
        self.reuse_outputs, self.by_rows = reuse_outputs, by_rows
        self._traced = PlanCache(MAX_TRACED)

    def __call__(self, *arrays):
        for a in arrays:
            if type(a) is not np.ndarray or not a.flags.c_contiguous:
                arrays = [np.asarray(x, order='C') for x in arrays]
                break
        traced = self.traced_for(arrays)
        outs = traced.outs
        try:
            done = traced.run(arrays, outs)
        except ValueError:
            plain = [core.to_array(a) for a in arrays]
            if all(a is b for a, b in zip(plain, arrays)):
                raise
            done = traced.run(plain, outs)      # they were not aligned, or of the other byte order, which is rare
        return traced.build(done) if outs is None else traced.result

    def run_into(self, arrays, outs):
        """Run with the flat list of result arrays to write to."""
        return self.traced_for(arrays).run(arrays, outs)

    def traced_for(self, arrays):
        """The compiled trace for arrays of these shapes and types (made when there is none yet)."""
        key = tuple([(a.shape, a.dtype.char) for a in arrays])
        traced = self._traced.get(key)
        if traced is None or traced.is_stale():
            traced = self._made(key, [(a.shape, a.dtype.name) for a in arrays])
        return traced

    def traced_of(self, specs):
        """The same for [(shape, name of the type)]."""
        key = tuple([(shape, np.dtype(dtype).char) for shape, dtype in specs])
        traced = self._traced.get(key)
        return self._made(key, specs) if traced is None or traced.is_stale() else traced

    def _made(self, key, specs):
        if 'times' not in debug():
            return self._traced.put(key, self._new(specs))
        with stages.watched() as found:
            traced = self._traced.put(key, self._new(specs))
        print(f'{self.name} {specs}: {stages.text(found)}', file=sys.stderr)
        return traced

    def _new(self, specs):
        with collection.paused():
            traced = Traced(self, specs)
            return (in_parts(self, traced, specs) if traced.part else None) or traced

    def clear(self):
        """Forget all traces, so that the next call traces anew."""
        self._traced.clear()


class Traced:
    """One trace of a Function, compiled."""

    def __init__(self, function, specs):
        with stages.stage('trace'):
            graph, self.build = trace(function.fn, specs)
        self.settings = settings()
        self.compiled = compile_graph(graph, _statics)
        parted = function.by_rows and 'rows' not in disabled()
        with stages.stage('rows'):
            self.part = at_a_time(graph, self.compiled, _core.threads()) if parted else None
        self.graph = graph if parted else None  # what parts are compared by
        self.function = weakref.ref(function)   # who runs this holds it
        self.execute = None
        self.settled = None if self.compiled.tables is None else Settled(
            self.compiled.tables, lambda: self._settle(graph), self._runner)
        self.statics, self.updated, self.threads = self.compiled.statics, self.compiled.updated, self.compiled.threads
        self.shapes = [(n.shape, n.dtype) for n in graph.outputs]
        self.name = function.name
        self.outs = self.result = None
        self._refreshed = -1
        if function.reuse_outputs:
            self.outs = [_core.empty(s, d) for s, d in self.shapes]
            self.result = self.build(self.outs)
        own = [s.array for s in self.statics if s.key is None]  # the others are shared by plans, and go with the last
        self.held = self.compiled.arena_bytes + sum(a.nbytes for a in (*own, *(self.outs or ())))
        self._way = _core.Way(self.threads or 0)
        self._is_plan_alone = (self.outs is None and self.settled is None and not self.updated and 'profile' not in debug()
                               and self.compiled.executor.only is not None and _is_flat(self.build, len(self.shapes)))

    @property
    def used(self):
        return self._way.used

    @used.setter
    def used(self, value):
        self._way.used = value

    def open_way(self, container):
        """The way (`_core.Way`) by which this is run again, until something changes, for arrays just like those of the run
        before; None where a run is more than that of one plan. container: list or tuple, in which they come, or ndarray for
        one."""
        now, compiled = _core.latest_change(), self.compiled
        if not self._is_plan_alone or self._refreshed != now or compiled is None or Turns.gate is not None or self.is_stale():
            return None
        self._way.open(compiled.executor, now, container)
        if self.settings is None:   # released meanwhile
            self._way.close()
        return self._way

    def release(self):
        """Let go of the memory. Who still holds this and runs it gets what is kept for such arrays then."""
        self.settings = self.execute = self.compiled = self.settled = None
        self.statics = ()
        self._way.close()

    def _of_another(self, arrays, outs):
        function = self.function()
        traced = function.traced_for(arrays)
        if traced.is_stale():           # threads that need the room have taken it already: one for this run alone
            traced = function._new([(a.shape, a.dtype.name) for a in arrays])
        return traced.run(arrays, outs)

    def is_stale(self):
        """Whether it was compiled under other settings than those of now, or released."""
        return self.settings != settings() or self.threads is not None and self.threads != _core.threads()

    def run(self, arrays, outs=None):
        self.used = True
        now = _core.latest_change()
        if self._refreshed != now:
            for s in self.statics:
                s.refresh()
            self._refreshed = now  # as it was before: what changed meanwhile is seen by the next run
        execute, gate, settled = self.execute or self._first(), Turns.gate, self.settled
        if settled is not None:
            execute = settled.chosen() or execute
        try:
            if gate is None:
                return execute(arrays, outs)
            with turn(gate):
                return execute(arrays, outs)
        except IndexError as e:
            raise self._explain(*e.args) from None
        finally:
            if self.updated:
                now = _core.changed()
                for v in self.updated:
                    v.version = now

    def _first(self):
        """What runs it, from the first run on."""
        compiled = self.compiled
        if compiled is None:    # released
            return self._of_another
        execute = self._runner(compiled)
        if self.settings is not None:
            self.execute = execute
        return execute

    def _settle(self, graph):
        with collection.paused():
            compiled = compile_graph(graph, _statics, settled=True)
        self.held += compiled.arena_bytes
        return compiled

    def _runner(self, compiled):
        return printed_at_exit(self.name, compiled).run if 'profile' in debug() else compiled.executor.run

    def _explain(self, segment, index):
        """The ValueError for a step whose index was out of range."""
        settled = self.settled
        plans = [self.compiled, settled.compiled if settled is not None else None]
        found = [p.steps_of[segment] for p in plans if p is not None and segment in p.steps_of]
        if not found:
            return ValueError(f'an index was out of range in {self.name!r}')
        step = found[0][index]
        where = f" in layer '{step.name}'" if step.name else ''
        return ValueError(f'[{step.kernel}]{where}: an index is outside the range of the array it points into of shape '
                          f'{step.refs[0].shape}; check the integers that are fed (0 ≤ index < size)')


def trace(fn, specs):
    """(Graph, build): run fn on placeholders of [(shape, dtype)]; build(flat results) restores its nesting."""
    inputs = [Tensor('input', (), {'index': i}, shape, dtype) for i, (shape, dtype) in enumerate(specs)]
    with Trace() as t:
        leaves = []
        build = flatten(fn(*inputs), leaves)
        outputs = [core.tensor(x) for x in leaves]
        t.settle()
        if t.offered or t.beside:
            _take_offered(t, outputs)
        updates = [(v, t.current[k]) for k, v in t.assigned.items()]
    return Graph(inputs, outputs, updates), build


def _is_flat(build, count):
    """Whether the nesting that `build` restores is the list of the values itself."""
    values = [object() for _ in range(count)]
    return build(values) == values


def _take_offered(trace, outputs):
    """Do the assignments whose value something reads that is computed; warn of those that nobody asked for."""
    read = {id(n) for n in toposort([*outputs, *(trace.current[k] for k in trace.assigned)])}
    for key, (variable, tensor) in trace.beside.items():
        if key in read:
            variable.hold(tensor)
    for key, (variable, tensor) in trace.offered.items():
        if key in read:
            variable.hold(tensor)
        else:
            warn(f'an update of the variable {variable.name!r} is made in a call, and nothing does it: give what K.update '
                 f'returns to self.add_update(…), whose updates are done in training')


def flatten(structure, leaves):
    """Append the leaves of nested lists, tuples and dicts to `leaves`; returns values → the same nesting of values."""
    if isinstance(structure, dict):
        parts = {k: flatten(v, leaves) for k, v in structure.items()}
        return lambda values: {k: part(values) for k, part in parts.items()}
    if isinstance(structure, (list, tuple)):
        kind, parts = type(structure), [flatten(v, leaves) for v in structure]
        if hasattr(structure, '_fields'):
            return lambda values: kind(*[part(values) for part in parts])
        return lambda values: kind([part(values) for part in parts])
    if structure is None:
        return lambda values: None
    index = len(leaves)
    leaves.append(structure)
    return lambda values: values[index]


def run_once(fn, arrays):
    """fn of these arrays by a plan that is made for this call."""
    return Function(fn)(*arrays)


core.set_run(run_once)
