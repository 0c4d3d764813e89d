"""Steps that make more than they let go of are done right before what they made is first read.

The order of a plan is that in which its trace made the nodes. A large array that is made early and read late, such as the
gradient of a table, which only the optimizer at the end reads, would stand beside all that is worked on meanwhile.
"""

from .buffers import ARENA, FIXED, Step

LEAST = 1 << 16     # bytes: smaller arrays stay where they are


def later(steps):
    """The steps in their new order."""
    order = [(step, _places(step.read()), _places(step.written())) for step in steps]
    for k in range(len(order) - 2, -1, -1):
        step, read, written = order[k]
        if not isinstance(step, Step) or any(b.kind != ARENA for b in written.values()):
            continue
        made = sum(b.nbytes for b in written.values())
        if made < LEAST:
            continue
        end = k + 1
        while end < len(order) and not _meet(order[k], order[end]):
            end += 1
        if end == k + 1 or end == len(order):
            continue
        still = {key for _, reads, writes in order[end:] for key in (*reads, *writes)}
        held = sum(b.nbytes for key, b in read.items() if b.kind == ARENA and key not in still and key not in written)
        if made > held:
            order.insert(end - 1, order.pop(k))
    return [step for step, _, _ in order]


def _places(buffers):
    """What owns the memory of these buffers, by what tells it from others."""
    found = {}
    for b in buffers:
        root = b.root()[0]
        found[id(root.array) if root.kind == FIXED else id(root)] = root
    return found


def _meet(a, b):
    """Whether the second of two steps reads what the first writes, or writes what it reads or writes."""
    return not (a[2].keys().isdisjoint(b[1]) and a[2].keys().isdisjoint(b[2]) and a[1].keys().isdisjoint(b[2]))
