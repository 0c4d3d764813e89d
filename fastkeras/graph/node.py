"""The one kind of thing a graph is made of."""

import itertools
import math

_serial = itertools.count()


class Node:
    """One operation's one result. Immutable once made.

    op: the operation's name; inputs: tuple of Nodes; attrs: dict of hashable values (an array only in 'const', a Variable
    only in 'variable'); shape: tuple of ints, None where unknown; size: number of elements, None where a size is unknown;
    dtype: its name; serial: order of creation, so that a sort by it is topological.
    """

    __slots__ = ('op', 'inputs', 'attrs', 'shape', 'size', 'dtype', 'name', 'serial', '__weakref__')

    def __init__(self, op, inputs, attrs, shape, dtype, name=None):
        self.op = op
        self.inputs = tuple(inputs)
        self.attrs = attrs
        self.shape = shape = tuple(shape)
        self.size = None if None in shape else math.prod(shape)
        self.dtype = dtype
        self.name = name
        self.serial = next(_serial)

    @property
    def ndim(self):
        return len(self.shape)

    def __repr__(self):
        name = f' {self.name!r}' if self.name else ''
        return f'<{type(self).__name__}{name} {self.op} {self.dtype}{list(self.shape)}>'
