"""Steps that make little of much, such as the gradient of a weight with its update, are done as soon as they can be.

The order of a plan is that in which its trace made the nodes: an optimizer comes behind the whole backward part. What the
gradients of weights read would stand in memory until then.
"""

from .buffers import ARENA, FIXED, Step

LEAST = 1 << 16     # bytes read: what lets go of less stays where it is
FEWER = 4           # times as many bytes are read as are made
LINE = 64           # bytes of few numbers
START = (-1, -1)    # before all steps


def earlier(steps, updates):
    """The steps in their new order. updates: [(variable, buffer)], the new values."""
    olds = {}
    for variable, buffer in updates:
        olds.setdefault(id(buffer.root()[0]), []).append(id(variable.array))
    written_at, met_at, order = {}, {}, []
    for k, step in enumerate(steps):
        read, written = _places(step.read()), _places(step.written())
        # a new value may stand where the old one does: all that read that come first
        fresh = {*written, *(old for key in written for old in olds.get(key, ()))}
        at = (k, k)
        if isinstance(step, Step) and _lets_go(read, written, olds):
            behind = max([*(written_at.get(key, START) for key in read), *(met_at.get(key, START) for key in fresh)])
            at = (behind[0], k)
        for key in fresh:
            written_at[key] = max(at, written_at.get(key, at))
        for key in (*read, *fresh):
            met_at[key] = max(at, met_at.get(key, at))
        order.append((at, step))
    return [step for _, step in sorted(order, key=lambda item: item[0])]


def _lets_go(read, written, olds):
    """Whether a step reads so much more than it leaves beside the new values of variables, or makes single numbers that
    such steps read, as the rate of an optimizer is."""
    if all(b.nbytes <= LINE for b in (*read.values(), *written.values())):
        return True
    taken = sum(b.nbytes for key, b in read.items() if b.kind == ARENA and key not in written)
    made = sum(b.nbytes for key, b in written.items() if b.kind == ARENA and key not in olds)
    return taken >= LEAST and taken > made * FEWER


def _places(buffers):
    """What owns the memory of these buffers, by what tells it from others."""
    found = {}
    for b in buffers:
        root = b.root()[0]
        found[id(root.array) if root.kind == FIXED else id(root)] = root
    return found
