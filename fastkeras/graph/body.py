"""Graphs inside of nodes: the body of a loop, the branches of a choice."""

import numpy as np

from .graph import Graph


class Body(Graph):
    """A graph without updates that stands in an attribute of a node. Two are equal where they compute the same in the same
    way, so that nodes that hold them can be compared. It reads nothing but its inputs."""

    __slots__ = ('_rows', '_hash')

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self._rows = self._hash = None

    def numbered(self, known=None):
        """id(node) → number, equal for equal computations on equal inputs; known: the numbers that other bodies gave."""
        numbers, known = {}, {} if known is None else known
        for k, node in enumerate(self.inputs):
            numbers[id(node)] = known.setdefault(('input', k, node.dtype, node.shape), len(known))
        for node in self.nodes():
            if id(node) not in numbers:
                numbers[id(node)] = known.setdefault(_row(node, numbers), len(known))
        self._rows = tuple(known)
        return numbers

    def key(self):
        """A hashable form."""
        numbers = self.numbered()
        return self._rows, tuple(numbers[id(n)] for n in self.outputs)

    def __eq__(self, other):
        return self is other or isinstance(other, Body) and hash(self) == hash(other) and self.key() == other.key()

    def __hash__(self):
        if self._hash is None:
            self._hash = hash(self.key())
        return self._hash


def _row(node, numbers):
    if node.op == 'const':
        value = np.asarray(node.attrs['value'])
        return 'const', node.dtype, node.shape, value.tobytes() if value.size <= 64 else id(node)
    if node.op in ('input', 'variable'):
        return node.op, id(node)
    row = node.op, node.dtype, node.shape, tuple(sorted(node.attrs.items())), tuple(numbers[id(i)] for i in node.inputs)
    try:
        hash(row)
    except TypeError:
        return node.op, id(node)
    return row
