"""What is computed lazily outside of a trace: a trace that stays open, whose tensors have values when they are asked for."""

import numpy as np

from ..graph import Body
from ..ops import core
from ..ops.bodies import inlined, written_out
from ..ops.tensor import Tensor
from .bounded import Bounded
from .function import Function
from .trace import Trace, active_trace, outside_trace
from .variable import Variable

_functions = Bounded(64)    # graph without its arrays → the Function that computes it


class Recording(Trace):
    """A trace outside of all Functions. A Variable is read once: a leaf that keeps what it held. Assignments wait until
    something is computed, or `commit`."""

    def __init__(self):
        super().__init__()
        self.leaves = {}        # id(Variable) → leaf
        self.results = []       # what layers gave to the user
        self.values = {}        # id(node) → (node, array)
        self._committed = {}

    def leaf(self, variable):
        found = self.leaves.get(id(variable))
        if found is None:
            found = self.leaves[id(variable)] = self.input(variable.array.copy(), variable)
        return found

    def input(self, array, variable=None):
        """A leaf of this value."""
        attrs = {'index': None, 'recording': self, 'value': array, 'variable': variable}
        return Tensor('input', (), attrs, array.shape, core.dtype_name(array.dtype), getattr(variable, 'name', None))

    def _pending(self):
        return [(v, self.current[k]) for k, v in self.assigned.items() if self.current[k] is not self._committed.get(k)]

    def computed(self, tensors, others=()):
        """Arrays of the tensors (None stays). What layers gave, the `others`, and the assignments that wait, are computed in
        the same run."""
        pending = self._pending()
        wanted = [t for t in (*tensors, *others, *self.results, *(t for _, t in pending)) if t is not None]
        self.results = []
        missing = list({id(t): t for t in wanted if id(t) not in self.values}.values())
        if missing:
            arrays = evaluated(missing, self.values)
            self.values.update((id(t), (t, a)) for t, a in zip(missing, arrays))
        self._write(pending)
        return [None if t is None else self.values[id(t)][1] for t in tensors]

    def commit(self):
        """Do the assignments that wait."""
        if self._pending():
            self.computed([])

    def _write(self, pending):
        with outside_trace():
            for v, t in pending:
                Variable.assign(v, self.values[id(t)][1])
                self._committed[id(v)] = t


def evaluated(tensors, values):
    """Arrays of tensors; None where one depends on what only a run will feed. values: id(node) → (node, array) that is
    known."""
    inputs, arrays, known, seen, stack = [], [], {}, set(), list(tensors)[::-1]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        array = values[id(node)][1] if id(node) in values else node.attrs.get('value') if not node.inputs else None
        if node.op == 'input' and array is None:
            return None
        if array is None:
            stack.extend(reversed(node.inputs))
            continue
        array = np.asarray(array)
        if node.op == 'const' and not array.ndim:      # a number belongs to the form of what is computed
            continue
        if node.op == 'const' and not any(array.strides):
            known[id(node)] = core.apply('broadcast_to', (core.constant(array.flat[0], node.dtype),), shape=node.shape)
            continue
        known[id(node)] = core.placeholder(len(inputs), node.shape, node.dtype)
        inputs.append(known[id(node)])
        arrays.append(np.asarray(array, node.dtype, order='C'))
    with outside_trace():
        body = Body(inputs, written_out(tensors, known))
        function = _functions.get(body)
        if function is None:
            function = _functions.put(body, Function(lambda *given: inlined(body, given)[0], 'recorded'))
        return function(*arrays)


def value_of(tensor):
    """The array of a tensor that was computed of arrays and Variables alone, as in the block of a tape; else None."""
    stack, seen, recording = [tensor], set(), None
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op == 'input':
            recording = node.attrs.get('recording')
            if recording is None:
                return None
        elif node.op == 'variable' and active_trace() is not None:
            return None
        stack.extend(node.inputs)
    if recording is not None:
        return recording.computed([tensor])[0]
    found = evaluated([tensor], {})
    return None if found is None else found[0]


core.set_value_of(value_of)
