"""Values derived from weights alone, made once per version and shared by all plans: packed kernels, hoisted nodes."""

import threading
import weakref

import numpy as np

from .. import _core
from ..graph import toposort
from .buffers import FIXED, Buffer
from .executor import settings, single_step
from .hoist import static_graph, variables_of

_filling = threading.RLock()


class Static:
    """An array that an executor of one result fills from sources (Variables or Statics); it is stale when one of them has a
    later version than at the last fill. Looks like a Variable to a graph."""

    trainable = False

    def __init__(self, sources, shape, dtype, key, name=None):
        self.sources = sources
        self.array = _core.empty(tuple(shape), dtype)
        self.key = key
        self.name = name or 'static'
        self.version = 0
        self._seen = None
        self.executor = None

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype.name)

    def refresh(self):
        """Bring the array up to date. Once a plan may be reading it, it is computed aside and copied, so that a run in
        another thread hardly ever sees it half made; the first time it is filled in its place, in half the memory."""
        with _filling:
            for s in self.sources:
                if isinstance(s, Static):
                    s.refresh()
            now = [s.version for s in self.sources]
            if now != self._seen:
                if self._seen is None:
                    self.executor.run((), [self.array])
                else:
                    self.array[...] = self.executor.run(())[0]
                self._seen = now
                self.version += 1


class StaticCache:
    """One per process. Weak: a Static lives as long as a plan that reads it."""

    def __init__(self, compile_graph):
        self._known = weakref.WeakValueDictionary()
        self._compile = compile_graph

    def static(self, node):
        key = ('node', *settings(), _expression(node))
        value = self._known.get(key)
        if value is None:
            value = Static(variables_of(node), node.shape, node.dtype, key, node.name)
            value.executor = self._compile(static_graph(node), None).executor
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
        self.changing = {id(v.array) for v, _ in graph.updates}

    def packed(self, array, offset, dtype, kernel, attrs, count):
        if id(array) in self.changing:
            return None
        source = self.sources.get(id(array))
        if source is None:  # a constant of this plan
            value = Static([], (count,), 'float32', None, 'constant')
            value.executor = _packer(array, offset, dtype, kernel, dict(attrs), count)
            self.used.append(value)
            return value.array
        key = ('pack', _core.isa(), id(source), offset, kernel, attrs)
        value = self.cache._known.get(key)
        if value is None:
            value = Static([source], (count,), 'float32', key, source.name)
            value.executor = _packer(source.array, offset, dtype, kernel, dict(attrs), count)
            self.cache._known[key] = value
        if not any(value is u for u in self.used):
            self.used.append(value)
        return value.array


def _packer(array, offset, dtype, kernel, attrs, count):
    """An executor whose result is the packed array."""
    source = Buffer(array.shape, array.dtype.name, FIXED, array=array)
    view = source.view((max(1, array.size),), offset // array.itemsize) if offset else source
    return single_step(kernel, [view], ((count,), 'float32'), **attrs)


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
            row = (n.op, n.dtype, n.shape, tuple(sorted(n.attrs.items(), key=lambda kv: kv[0])))
        rows.append((*row, tuple(seen[id(i)] for i in n.inputs)))
    return tuple(rows)
