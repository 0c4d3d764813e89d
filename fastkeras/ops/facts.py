"""Facts that several operations share, as their records tell them to the passes: see `registry.register`.

Rows are the entries along the first axis: a batch's examples.
"""

import numpy as np

from ..graph import Node

ZERO = -1  # what `zeros` answers where the result is 0


def number(node):
    """The value of a constant that is one number everywhere, else None."""
    if node.op != 'const':
        return None
    value = np.asarray(node.attrs['value'])
    if value.size == 0:
        return None
    first = value.reshape(-1)[0]
    return first if value.size == 1 or (value.size <= 4096 and (value == first).all()) else None


# ---- rows: rule(node, moving) → whether row i of the result is made of row i of the inputs that are `moving`, and of the
# others whole
def each_element(node, moving):
    """Of elementwise operations: what does not move is broadcast along the rows."""
    return all(len(i.shape) == len(node.shape) if m else len(i.shape) < len(node.shape) or i.shape[0] == 1
               for i, m in zip(node.inputs, moving))


def first_moves(node, moving):
    """The first input has the rows, and all others are weights."""
    return moving[0] and not any(moving[1:])


def all_move(node, moving):
    """Every input has the rows."""
    return all(moving)


def beside_axis(node, moving):
    """The attribute `axis` names what meets, one axis or several, counted from the start."""
    axis = node.attrs['axis']
    return moving[0] and (0 not in axis if isinstance(axis, tuple) else axis != 0)


def last_axis_meets(node, moving):
    return len(node.shape) > 1


# ---- sink: rule(node, order) → (attributes, order of the result) with which the operation does before a transpose what it
# does behind it; None where it cannot
def inverse(order):
    """The order of axes that undoes another."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def axis_moves(node, order):
    """The result has the input's axes, and the attribute `axis` names one."""
    return dict(node.attrs, axis=order[node.attrs['axis']]), order


def axes_move(*names):
    """The result has the input's axes, and these attributes have an entry for each."""
    def rule(node, order):
        back = inverse(order)
        return dict(node.attrs, **{n: tuple(node.attrs[n][a] for a in back) for n in names}), order
    return rule


def axes_vanish(node, order):
    """The axes that the attribute `axis` names, one or several, are reduced; `keepdims` leaves them, of size 1."""
    axis = node.attrs['axis']
    axes = axis if isinstance(axis, tuple) else (axis,)
    moved = tuple(sorted(order[a] for a in axes))
    attrs = dict(node.attrs, axis=moved if isinstance(axis, tuple) else moved[0])
    if node.attrs['keepdims']:
        return attrs, order
    left = [order[a] for a in range(len(order)) if a not in axes]  # of the result's axes, where they are in the source
    place = sorted(left)
    return attrs, tuple(place.index(a) for a in left)


# ---- simplify: rule(node, inputs) → a simpler node of the same value, or None
def the_input(node, inputs):
    """What may be all that the operation does; the pass checks that shape and type are the result's."""
    return inputs[0]


def neutral(value, *sides):
    """Of two operands, the one on such a side changes nothing where it is this number."""
    def rule(node, inputs):
        for side in sides:
            if number(inputs[side]) == value:
                return inputs[1 - side]
        return None
    return rule


def first_of(*rules):
    """The first simpler node that one of the rules knows."""
    def rule(node, inputs):
        for r in rules:
            simpler = r(node, inputs)
            if simpler is not None:
                return simpler
        return None
    return rule


def pieces_joined(node, inputs):
    """Of a sum: pieces that are put side by side into zeros, as the gradients of the parts of a tensor are, are one after the
    other."""
    pieces, stack = [], list(inputs)
    while stack:
        x = stack.pop()
        if x.op == 'add' and all(i.shape == node.shape for i in x.inputs):
            stack.extend(x.inputs)
        elif x.op == 'place' and x.shape == node.shape:
            pieces.append(x)
        else:
            return None
    placed = []
    for x in pieces:
        key = [cut.indices(d) for cut, d in zip((slice(*k) for k in x.attrs['key']), x.shape)]
        along = [a for a, (cut, d) in enumerate(zip(key, x.shape)) if cut != (0, d, 1)]
        if len(along) != 1 or key[along[0]][2] != 1:
            return None
        placed.append((along[0], *key[along[0]][:2], x.inputs[0]))
    placed.sort(key=lambda p: p[:3])
    axis, ends = placed[0][0], [0, *(end for _, _, end, _ in placed)]
    if any(p[0] != axis or p[1] != end for p, end in zip(placed, ends)) or ends[-1] != node.shape[axis]:
        return None
    return made('concatenate', [p[3] for p in placed], node, axis=axis)


def made(op, inputs, node, **attrs):
    """A node of another operation in the place of this one."""
    return Node(op, inputs, attrs, node.shape, node.dtype, node.name)


def leading_order(axes, n):
    """The order that `axes` gives the first n axes, where it leaves the others where they are; else None."""
    first = tuple(axes[:n])
    return first if n > 1 and sorted(first) == list(range(n)) and tuple(axes[n:]) == tuple(range(n, len(axes))) else None


def transposed(x, axes):
    """The node of x with its axes in another order."""
    return Node('transpose', (x,), {'axes': axes}, tuple(x.shape[a] for a in axes), x.dtype, x.name)


def always(node):
    return True


def sums_rows(node):
    """Of a sum: whether it is over the first axis too."""
    return 0 in node.attrs['axis'] and not node.attrs['keepdims']
