"""Values derived from weights alone, made once per version and shared by all plans: packed kernels, hoisted nodes."""

import weakref

import numpy as np

from .. import _core
from ..graph import toposort
from . import memory
from .buffers import FIXED, Buffer, Step
from .hoist import static_graph, variables_of


class Static:
    """An array that a run function fills from sources (Variables or Statics); it is stale when one of them has a later
    version than at the last fill. Looks like a Variable to a graph."""

    trainable = False

    def __init__(self, sources, shape, dtype, key, name=None):
        self.sources = sources
        self.array = _core.empty(tuple(shape), dtype)
        self.key = key
        self.name = name or 'static'
        self.version = 0
        self._seen = None
        self._run = None

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype.name)

    def refresh(self):
        for s in self.sources:
            if isinstance(s, Static):
                s.refresh()
        now = [s.version for s in self.sources]
        if now != self._seen:
            self._run(self.array)
            self._seen = now
            self.version += 1


class StaticCache:
    """One per process. Weak: a Static lives as long as a plan that reads it."""

    def __init__(self, compile_graph):
        self._known = weakref.WeakValueDictionary()
        self._compile = compile_graph

    def static(self, node):
        key = ('node', _core.isa(), _expression(node))
        value = self._known.get(key)
        if value is None:
            value = Static(variables_of(node), node.shape, node.dtype, key, node.name)
            compiled = self._compile(static_graph(node), None)
            value._run = lambda array: compiled.executor.run((), [array])
            self._known[key] = value
        return value


class Packing:
    """The packed weights that one compilation asks for; those of variables that the graph updates are made in the plan."""

    def __init__(self, cache, graph):
        self.cache = cache
        self.used = []
        updated = {id(v) for v, _ in graph.updates}
        read = [n.attrs['var'] for n in graph.nodes() if n.op == 'variable']
        self.sources = {id(v.array): v for v in read if id(v) not in updated}

    def packed(self, array, offset, dtype, kernel, attrs, count):
        source = self.sources.get(id(array))
        if source is None:
            return None
        key = ('pack', _core.isa(), id(source), offset, kernel, attrs)
        value = self.cache._known.get(key)
        if value is None:
            value = Static([source], (count,), 'float32', key, source.name)
            value._run = _packer(source.array, offset, dtype, kernel, dict(attrs), value.array)
            self.cache._known[key] = value
        if not any(value is u for u in self.used):
            self.used.append(value)
        return value.array


def _packer(array, offset, dtype, kernel, attrs, out):
    from .lower import encode
    from .pipeline import _encode
    source = Buffer(array.shape, array.dtype.name, FIXED, array=array)
    target = Buffer(out.shape, 'float32', FIXED, array=out)
    view = source.view((max(1, array.size),), offset // array.itemsize) if offset else source
    step = Step(kernel, [view, target], encode(kernel, attrs), [1])
    executor = _encode([step], [], [], memory.plan_arena([step]))
    return lambda _: executor.run((), [])


def _expression(node):
    """A hashable form of a static node: equal for equal computations on the same variables."""
    seen, rows = {}, []
    for n in toposort([node]):
        seen[id(n)] = len(rows)
        if n.op == 'const':
            value = np.asarray(n.attrs['value'])
            row = ('const', n.dtype, n.shape, value.tobytes())
        elif n.op == 'variable':
            row = ('variable', id(n.attrs['var']))
        else:
            row = (n.op, tuple(sorted(n.attrs.items(), key=lambda kv: kv[0])))
        rows.append((*row, tuple(seen[id(i)] for i in n.inputs)))
    return tuple(rows)
