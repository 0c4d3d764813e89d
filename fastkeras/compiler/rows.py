"""Which graphs treat each row of a batch alone, and how many rows at a time keep what they pass on in the cache.

A long batch writes each result to the main memory and reads it back from there for the next step. Few rows at a time leave
it in the cache; they read the weights more often.
"""

import functools

import numpy as np

from .. import _core
from ..graph import LEAVES
from ..ops import core
from .buffers import FIXED
from .profile import traffic

LARGEST_CACHE = 24 << 20  # bytes; a larger one, on machines that have it, is shared by many processors


@functools.cache
def cache_bytes():
    """What a plan may keep in the cache that all processors share: three quarters of it, if it is known."""
    shared = _core.caches()['L3']
    return min(LARGEST_CACHE, shared * 3 // 4) if shared else LARGEST_CACHE


def at_a_time(graph, compiled, threads):
    """How many rows at a time to run a long batch with, so that what its steps hand on to each other stays in the cache;
    None to run it at once, because
    - all of it fits in the cache, or
    - rows depend on each other, or
    - a part, which has at least one row for each thread, would be the whole batch, or
    - each part reads the weights again, and the steps of a part hand on less than eight times as many bytes: the second
      reading would cost what the cache saves.
    """
    rows = graph.inputs[0].shape[0] if graph.inputs and graph.inputs[0].shape else 0
    if rows < 2 or compiled.arena_bytes <= cache_bytes() or not alone(graph, rows):
        return None
    part = max(threads, cache_bytes() * rows // compiled.arena_bytes)
    weights = {id(b.root()[0].array): b.root()[0].nbytes
               for step in compiled.steps for b in step.read() if b.root()[0].kind == FIXED}
    weights = sum(weights.values())
    moved = sum(map(traffic, compiled.steps)) - weights
    return part if part < rows and moved * part >= 8 * weights * rows else None


def alone(graph, rows):
    """Whether each output's row i depends on row i of the inputs alone, in a way that does not depend on i; what is not
    known to do so does not."""
    if graph.updates or any(not n.shape or n.shape[0] != rows for n in (*graph.inputs, *graph.outputs)):
        return False
    found = fed(graph, {id(n) for n in graph.inputs}, rows)
    return found is not None and all(id(n) in found for n in graph.outputs)


def fed(graph, moving, rows):
    """ids of the nodes that have a row for each of the inputs with ids in `moving`, made of that alone; None where rows meet,
    or may meet, or chance is in it."""
    found = set(moving)
    for node in graph.nodes():
        if node.op in LEAVES:
            continue
        if core.record(node.op).random:
            return None
        moves = [id(i) in found for i in node.inputs]
        if any(moves):
            if not _keeps_rows(node, moves, rows):
                return None
            found.add(id(node))
    return found


def alike(whole, part):
    """Whether two traces of a function differ in the number of rows alone. Where it met the size of the batch as a number, or
    went another way for it, they do not."""
    rows, fewer = whole.inputs[0].shape[0], part.inputs[0].shape[0]
    a, b = whole.nodes(), part.nodes()
    place = [{id(n): k for k, n in enumerate(nodes)} for nodes in (a, b)]

    def shape(x, y):
        return x.shape == y.shape or (x.shape[:1] == (rows,) and y.shape == (fewer, *x.shape[1:]))

    def inputs(nodes, where):
        return [where[id(n)] for n in nodes]
    return (alone(part, fewer) and len(a) == len(b) and inputs(whole.outputs, place[0]) == inputs(part.outputs, place[1]) and
            all(x.op == y.op and x.dtype == y.dtype and shape(x, y) and _same(x, y) and
                inputs(x.inputs, place[0]) == inputs(y.inputs, place[1]) for x, y in zip(a, b)))


def _same(x, y):
    if x.op == 'const':
        return np.array_equal(x.attrs['value'], y.attrs['value'])
    if x.attrs == y.attrs:
        return True
    sized = core.record(x.op).sized if x.op not in LEAVES else ()
    return bool(sized) and all(v == y.attrs[k] for k, v in x.attrs.items() if k not in sized)


def _keeps_rows(node, moving, rows):
    """Whether the result has a row for each of the inputs that are `moving`, made of that alone."""
    if node.op == 'result':     # of a node that has them in all its results
        return True
    record = core.record(node.op)
    rule = record.rows
    if record.several:
        have = all(i.shape and i.shape[0] == rows for i, m in zip(node.inputs, moving) if m)
        made = rule is not None and [shape for shape, _ in record.spec(*node.inputs, **node.attrs)]
        return have and bool(made) and all(s and s[0] == rows for s in made) and rule(node, moving)
    have = all(i.shape and i.shape[0] == rows for i, m in zip(node.inputs, moving) if m)
    return rule is not None and have and bool(node.shape) and node.shape[0] == rows and rule(node, moving)
