"""Pixels that nobody looks at are not made.

Windows of one pixel that lie apart, as in the first layers of a residual network's stages, see one pixel in four. What they
alone read is made of these pixels: elementwise operations and windows of one pixel pass that on to what they read, and larger
windows in front of them move as far apart. Backwards, such a layer's gradient is 0 at the other pixels. It stays the few pixels
while gradients are added, gated and summed up, and is put among zeros once, where something reads all pixels.
"""

from ..graph import LEAVES, Graph, Node, remake
from ..ops import core, facts
from ..ops.windows import extent, pads
from . import sums

WORTH = 4  # pixels of which one is looked at, from which on a larger window does less than one whose tiles are transformed


def pixels(graph):
    return _seen_alone(_added_apart(graph))


# ---- steps: from one pixel to the next along each axis between batch and channels
def _key(steps):
    whole = (None, None, 1)
    return (whole, *((None, None, s) for s in steps), whole)


def _fewer(shape, steps):
    return (shape[0], *(-(-d // s) for d, s in zip(shape[1:-1], steps)), shape[-1])


def _slice(node, steps):
    return Node('slice', (node,), {'key': _key(steps)}, _fewer(node.shape, steps), node.dtype, node.name)


def _times(a, b):
    return tuple(x * y for x, y in zip(a, b))


def _apart(steps):
    return any(s > 1 for s in steps)


def _meets(operand, node, steps):
    """Whether an operand has the node's pixels (True) or is the same for all that `steps` tell apart (False); else None."""
    lead = node.ndim - operand.ndim
    there = [(1 if a < lead else operand.shape[a - lead]) == node.shape[a] for a, s in enumerate(steps, 1) if s > 1]
    spread = [(1 if a < lead else operand.shape[a - lead]) == 1 for a, s in enumerate(steps, 1) if s > 1]
    return True if all(there) and not lead else False if all(spread) else None


def _elementwise(node, steps):
    return (core.record(node.op).micro is not None and node.ndim == len(steps) + 2 and
            all(_meets(i, node, steps) is not None for i in node.inputs))


# ---- backwards: values that are 0 but for pixels apart
def _added_apart(graph):
    nodes, apart = graph.nodes(), {}
    for n in nodes:
        steps = _zero_between(n, apart)
        if steps is not None:
            apart[id(n)] = steps
    if not apart:
        return graph
    few, all_of, by_operand = _forms(graph, nodes, apart)
    whole, part, sliced = {}, {}, {}

    def taken(node, steps):
        """The pixels of a value that is not 0 between them."""
        key = id(node), steps
        if key not in sliced:
            sliced[key] = _slice(whole[id(node)], steps)
        return sliced[key]

    for n in nodes:
        k, steps = id(n), apart.get(id(n))
        if k in few:
            shape, attrs = _fewer(n.shape, steps), n.attrs
            if core.record(n.op).micro is None:
                attrs, inputs = core.record(n.op).apart(n), [whole[id(i)] for i in n.inputs]
            else:
                inputs = [part[id(i)] if id(i) in apart else taken(i, steps) if _meets(i, n, steps) else whole[id(i)]
                          for i in n.inputs]
            part[k] = Node(n.op, inputs, attrs, shape, n.dtype, n.name)
        if steps is not None and k not in all_of:
            continue
        if k in few and k not in by_operand:
            whole[k] = Node('place', (part[k],), {'key': _key(steps), 'shape': n.shape}, n.shape, n.dtype, n.name)
        elif n.op in LEAVES:
            whole[k] = n
        else:
            whole[k] = remake(n, [part[id(i)] if _adds_up(n, apart.get(id(i))) else whole[id(i)] for i in n.inputs])
    return Graph([whole.get(id(n), n) for n in graph.inputs], [whole[id(n)] for n in graph.outputs],
                 [(v, whole[id(n)]) for v, n in graph.updates])


def _zero_between(node, apart):
    """The steps between the pixels of a node that may differ from 0, or None. apart: what is known of those before it."""
    record = core.record(node.op)
    if node.op in LEAVES:
        return None
    if record.apart is not None:
        return node.attrs['strides'] if record.apart(node) is not None else None
    found = {apart[id(i)] for i in node.inputs if id(i) in apart}
    if record.zeros is None or len(found) != 1:
        return None
    steps, = found
    flags = [id(i) in apart and _meets(i, node, steps) is True or facts.number(i) == 0 for i in node.inputs]
    which = record.zeros(flags)
    stays = which == facts.ZERO or which is not None and flags[which]
    return steps if stays and _elementwise(node, steps) and not any(
        id(i) in apart and not f for i, f in zip(node.inputs, flags)) else None


def _adds_up(node, steps):
    """Whether a node sums over all axes along which there are zeros between pixels."""
    return steps is not None and node.op == 'sum' and all(
        a in node.attrs['axis'] for a, s in enumerate(steps, 1) if s > 1)


def _forms(graph, nodes, apart):
    """ids of the values of which the pixels apart are made, and of those, zeros between them included, that something reads;
    and which of the latter are made of an operand that is there with its zeros."""
    read = {id(n) for n in graph.roots()} | {
        id(i) for n in nodes if id(n) not in apart for i in n.inputs if not _adds_up(n, apart.get(id(i)))}
    few, all_of, by_operand = set(), set(read), set()
    for n in reversed(nodes):
        k = id(n)
        if k not in apart:
            few.update(id(i) for i in n.inputs if _adds_up(n, apart.get(id(i))))
            continue
        if k in all_of and core.record(n.op).micro is not None:
            full = [i for i in n.inputs if i.size == n.size]
            if core.record(n.op).light and len(full) == 1 and id(full[0]) in read:
                by_operand.add(k)
                all_of.add(id(full[0]))
            else:
                few.add(k)
        if k in few:
            few.update(id(i) for i in n.inputs if id(i) in apart)
    return few, all_of, by_operand


# ---- forwards: values of which pixels apart are read
def _single(node):
    """The steps between a node's windows, where each is one pixel, the first the image's, and none is left out; else None."""
    record = core.record(node.op)
    if node.op in LEAVES or record.window is None or record.images not in ((0, -1), (0, 1)) or (
            node.attrs['data_format'] != 'channels_last' or any(k != 1 for k in record.window(node))):
        return None
    steps, size = node.attrs['strides'], node.inputs[0].shape[1:-1]
    count = (node if -1 in record.images else node.inputs[1]).shape[1:-1]
    first = all(before == 0 for before, _ in pads(node.attrs['padding'], size, record.window(node), steps))
    return tuple(steps) if first and _fewer((0, *size, 0), steps)[1:-1] == tuple(count) else None


def _cut(node):
    """The steps of a slice that takes pixels apart, from the first on; else None."""
    if node.op != 'slice' or node.ndim < 3:
        return None
    steps = tuple(step for _, _, step in node.attrs['key'][1:-1])
    return steps if _apart(steps) and node.attrs['key'] == _key(steps) else None


def _wider(node, steps):
    """The attributes of windows `steps` times as far apart, or None."""
    record = core.record(node.op)
    if node.op in LEAVES or record.window is None or record.border is None or record.images != (0, -1) or (
            node.attrs['data_format'] != 'channels_last'):
        return None
    window, size, a = record.window(node), node.inputs[0].shape[1:-1], node.attrs
    count, pixels_left = _fewer(node.shape, steps)[1:-1], 1
    for s in steps:
        pixels_left *= s
    if len(window) != len(steps) or pixels_left < WORTH:
        return None
    dilation, strides = a.get('dilation') or (1,) * len(window), _times(a['strides'], steps)
    around = pads(a['padding'], size, window, a['strides'], dilation)
    padding = tuple((before, (m - 1) * s + extent(k, d) - n - before) for (before, _), m, s, k, d, n in
                    zip(around, count, strides, window, dilation, size))
    return dict(a, strides=strides, padding=padding)


class _Seen:
    """Which pixels of each node are read, and the nodes that make them. forms: id → steps of what is made of a node; None
    among them: all pixels. single, cut: id → what `_single` and `_cut` know of a node."""

    def __init__(self, graph, nodes, single, cut):
        self.graph, self.nodes, self.single, self.cut = graph, nodes, single, cut
        leaves = [n for n in nodes if n.op in LEAVES]
        self.forms, self.made = {id(n): {None} for n in leaves}, {(id(n), None): n for n in leaves}
        self.kept = sums.materialised(nodes, {id(n) for n in graph.roots()},
                                      {n.serial for n in nodes if core.record(n.op).micro is not None})
        self.asked, self.offered = {}, {}  # id → steps that must be had, and that are taken where they are made in any case
        for n in graph.roots():
            self._ask(n, None)
        for n in reversed(nodes):
            if n.op not in LEAVES:
                self._look(n)

    def _ask(self, node, steps):
        self.asked.setdefault(id(node), set()).add(steps)

    def _look(self, node):
        asked, offered = self.asked.get(id(node), set()), self.offered.get(id(node), set())
        alone = len(asked | offered) == 1
        forms = self.forms[id(node)] = set()
        for steps in asked | offered:
            fewer = steps is not None and (alone or steps in asked and self._light(node)) and self._passes(node, steps)
            forms.add(steps if fewer else None)
        for steps in forms:
            self._read(node, steps)

    def _light(self, node):
        """Whether a node is made again of some pixels of a value that stands in memory, rather than read itself."""
        full = [i for i in node.inputs if i.size == node.size]
        return core.record(node.op).light and len(full) == 1 and id(full[0]) in self.kept and id(node) not in self.kept

    def _passes(self, node, steps):
        if node.ndim != len(steps) + 2:
            return False
        single = id(node) in self.single and -1 in core.record(node.op).images
        return single or id(node) in self.cut or bool(_elementwise(node, steps) or _wider(node, steps))

    def _read(self, node, steps):
        single, cut = self.single.get(id(node)), self.cut.get(id(node))
        if single is not None and (steps is not None or _apart(single)):
            self.offered.setdefault(id(node.inputs[0]), set()).add(_times(single, steps) if steps else single)
            rest = node.inputs[1:]
        elif cut is not None:
            self._ask(node.inputs[0], _times(cut, steps) if steps else cut)
            return
        elif steps is not None and _elementwise(node, steps):
            for i in node.inputs:
                self._ask(i, steps if _meets(i, node, steps) else None)
            return
        else:
            rest = node.inputs
        for i in rest:
            self._ask(i, None)

    def _get(self, node, steps):
        """What was made of a node, or taken from all of it."""
        key = id(node), steps
        if key not in self.made:
            self.made[key] = _slice(self.made[id(node), None], steps)
        return self.made[key]

    def _make(self, node, steps):
        whole = [self.made.get((id(i), None)) for i in node.inputs]
        single, cut = self.single.get(id(node)), self.cut.get(id(node))
        shape = _fewer(node.shape, steps) if steps else node.shape
        if single is not None and (steps is not None or _apart(single)):
            x, wanted = node.inputs[0], _times(single, steps) if steps else single
            if wanted in self.forms[id(x)]:
                if len(whole) == 1:  # the window of a pool
                    return self.made[id(x), wanted]
                attrs = dict(node.attrs, strides=(1,) * len(wanted), padding='valid')
                return Node(node.op, [self.made[id(x), wanted], *whole[1:]], attrs, shape, node.dtype, node.name)
            return Node(node.op, whole, dict(node.attrs, strides=wanted), shape, node.dtype, node.name) if steps else (
                remake(node, whole))
        if cut is not None:
            return self._get(node.inputs[0], _times(cut, steps) if steps else cut)
        if steps is None:
            return remake(node, whole)
        if _elementwise(node, steps):
            inputs = [self._get(i, steps if _meets(i, node, steps) else None) for i in node.inputs]
            return Node(node.op, inputs, node.attrs, shape, node.dtype, node.name)
        return Node(node.op, whole, _wider(node, steps), shape, node.dtype, node.name)

    def graph_made(self):
        graph, made = self.graph, self.made
        for n in self.nodes:
            for steps in sorted(self.forms[id(n)], key=lambda s: s or ()) if n.op not in LEAVES else ():
                made[id(n), steps] = self._make(n, steps)
        return Graph([made.get((id(n), None), n) for n in graph.inputs], [made[id(n), None] for n in graph.outputs],
                     [(v, made[id(n), None]) for v, n in graph.updates])


def _seen_alone(graph):
    nodes = graph.nodes()
    single, cut = ({id(n): steps for n in nodes if (steps := of(n)) is not None} for of in (_single, _cut))
    if not cut and not any(map(_apart, single.values())):
        return graph
    return _Seen(graph, nodes, single, cut).graph_made()
