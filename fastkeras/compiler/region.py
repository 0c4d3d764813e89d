"""A region: elementwise nodes that run as one tile program, behind the kernel of one heavy node or on their own.

In a graph it stands as one node 'fused' (attrs region; inputs: those of the root, then those of the program), and each of
its results as a node 'result' (attrs index) of it.
"""

from functools import lru_cache

from .. import _core
from ..graph import Node

_limits = _core.limits()
MAX_REGISTERS, MAX_REFS, MAXDIM = (_limits['sizes'][n] for n in ('registers', 'program_refs', 'axes'))
# what tile programs compute; int64 would wrap in their 32-bit registers, so it is left to the reference
DTYPES = {name: code for name, code in _limits['dtype'].items() if name != 'int64'}
FLAT, SCALAR, MOD, DIV, STRIDED = (_limits['access'][n] for n in ('flat', 'scalar', 'mod', 'div', 'strided'))
EVERY = FLAT, 0, (), ()  # a source of the region's own shape


class Region:
    """root: heavy Node or None. nodes: the elementwise Nodes in order. outputs: the Nodes (root or elementwise) whose values
    leave the region, in order. sources: the Nodes that the elementwise part reads from outside, in order. sums: 'sum' Nodes
    over the rows of values that the program makes or reads; there is no root then. program: the tile program of them all
    (tile.py)."""

    __slots__ = ('root', 'nodes', 'outputs', 'sources', 'sums', 'program')

    def __init__(self, root, nodes, outputs, sources, sums, program):
        self.root, self.nodes, self.outputs, self.sources, self.sums = root, nodes, outputs, sources, sums
        self.program = program

    @property
    def size(self):
        return self.outputs[0].size if self.outputs else self.sums[0].inputs[0].size

    @property
    def results(self):
        return [*self.outputs, *self.sums]

    def __repr__(self):
        parts = ([self.root.op] if self.root is not None else []) + [n.op for n in [*self.nodes, *self.sums]]
        return f"<{'+'.join(parts)}>"


def fused_nodes(region, inputs):
    """The 'fused' node and the 'result' node of each output."""
    first = region.results[0]
    name = next((n.name for n in [region.root, *reversed([*region.nodes, *region.sums])] if n is not None and n.name), None)
    fused = Node('fused', inputs, {'region': region}, first.shape, first.dtype, name)
    return fused, [Node('result', (fused,), {'index': i}, o.shape, o.dtype, o.name) for i, o in enumerate(region.results)]


def access(source_shape, shape):
    """As `_access`, quickly for what is most frequent."""
    return EVERY if source_shape == shape else _access(source_shape, shape)


@lru_cache(maxsize=4096)
def _access(source_shape, shape):
    """How element i of the flattened `shape` reads a source broadcast to it: (kind, p, dims, strides)."""
    size = 1
    for d in source_shape:
        size *= d
    total = 1
    for d in shape:
        total *= d
    if size == total:
        return FLAT, 0, (), ()
    if size == 1:
        return SCALAR, 0, (), ()
    source_shape = (1,) * (len(shape) - len(source_shape)) + tuple(source_shape)
    # neighbours that are both kept or both broadcast become one axis
    dims, kept = [], []
    for s, d in zip(source_shape, shape):
        if d == 1:
            continue
        keep = s != 1
        if kept and kept[-1] == keep:
            dims[-1] *= d
        else:
            dims.append(d)
            kept.append(keep)
    if kept == [False, True]:
        return MOD, dims[1], (), ()
    if kept == [True, False]:
        return DIV, dims[1], (), ()
    strides, step = [], 1
    for d, keep in zip(reversed(dims), reversed(kept)):
        strides.append(step if keep else 0)
        if keep:
            step *= d
    if len(dims) > MAXDIM:
        raise ValueError(f'a broadcast from {source_shape} to {shape} has too many axes')
    return STRIDED, 0, tuple(dims), tuple(reversed(strides))
