"""Lowering: a graph as a list of steps on buffers."""

from functools import cache, partial

import numpy as np

from .. import _core
from ..ops import core
from ..ops.lowering import REDUCE
from . import lower_loops, tile
from .behind import shares
from .buffers import ARENA, FIXED, INPUT, Buffer, Host, Step, itemsize
from .executor import copy_step, encode, kernels, parts


@cache
def _tensors(kernel):
    """How many tensors a kernel takes, and the indices of those that it writes."""
    names = kernels()[kernel][1]
    return len(names), [i for i, n in enumerate(names) if n.startswith('*')]


class Context:
    """What an op's `lower` works with: emits steps, makes temporaries, packs weights."""

    level = 0  # loops around it
    kept = True  # whether others read the value of the present node than the program behind it

    def __init__(self, cache):
        self.steps = []
        self.name = None
        self._cache = cache
        self._in_plan = {}
        self._graph = None

    parts = staticmethod(parts)

    def step(self, kernel, refs, **attrs):
        count, writes = _tensors(kernel)
        if len(refs) != count:
            raise TypeError(f'kernel {kernel!r} takes the tensors {kernels()[kernel][1]}, got {len(refs)}')
        step = Step(kernel, refs, encode(kernel, attrs), writes, self.name)
        self.steps.append(step)
        return step

    def shares(self, kernel, read, elsewhere=(), width=1, **attrs):
        """What a step of this kernel is to be given, (parts, bounds), and the step that it may follow: see behind.py."""
        return shares(self.steps, kernel, read, elsewhere, width, attrs)

    def temp(self, shape, dtype='float32'):
        shape = (shape,) if isinstance(shape, int) else shape
        return Buffer(shape, dtype)

    def packed_once(self, x):
        """Whether x is a weight that no step of the plan changes, which `packed` would pack outside of it."""
        root, _ = x.root()
        return root.kind == FIXED and self._cache is not None and id(root.array) not in self._cache.changing

    def packed(self, x, kernel, **attrs):
        """x in the layout that `kernel` writes: made once per version of a weight, or in the plan when x changes in it."""
        count = parts(kernel, **attrs) * attrs.get('batch', 1)
        root, offset, moves = x.place()
        if root.kind == FIXED and self._cache is not None:
            array = self._cache.packed(root.array, offset, x.dtype, kernel, tuple(sorted(attrs.items())), count)
            if array is not None:
                return Buffer((count,), 'float32', FIXED, array=array)
        key = (id(root), offset, *moves, kernel, tuple(sorted(attrs.items())))
        if key not in self._in_plan:
            out = self.temp((count,))
            self.step(kernel, [x, out], **attrs)
            self._in_plan[key] = (out, x)
        return self._in_plan[key][0]

    def copy(self, x, y):
        """A contiguous copy."""
        self.steps.append(copy_step(x, y))

    def move(self, node, x, target):
        """x, the value of an input of the present node, into a buffer that the node may change: it is made there where nothing
        else reads it."""
        if self._read_once(node) and x.base is None and x.kind == ARENA and x.nbytes == target.nbytes:
            x.base, x.offset = target, 0
        else:
            self.copy(x, target)

    def made_in_rows(self, node, x, target, offset, run, pitch):
        """Whether x, the value of an input of the present node and of nothing else, is now made as rows of `run` elements,
        `pitch` apart from the element `offset` of target on: by the tile program that makes it."""
        if x.base is not None or x.kind != ARENA or not self._read_once(node):
            return False
        for step in reversed(self.steps):
            written = step.written()
            if any(b is x for b in written):
                break
        else:
            return False
        k = next((k for k, b in enumerate(step.tile_out) if b is x), None) if isinstance(step, Step) else None
        if k is None or any(b is x for b in step.refs):
            return False
        if x.size != run and run != pitch:
            step.program = step.program.in_rows(k - len(step.tile_out), run, pitch)
        x.base, x.offset = target, offset * itemsize(x.dtype)
        return True

    def _read_once(self, node):
        return len(self._graph.users()[id(node)]) == 1 and all(node is not r for r in self._graph.roots())

    def host_step(self, function, reads, writes):
        """A step in Python: function(*arrays) → array, or a tuple of them where there are several to write."""
        self.steps.append(Host(function, reads, writes, self.name))

    # ---- nodes
    def host(self, node, ins, outs):
        self.host_step(partial(core.record(node.op).ref, **node.attrs), ins, outs)

    def nodes(self, graph, place):
        """Steps for all nodes of a graph. place: id(node) → buffer, of those that have one; the others are added."""
        several, self._graph = {}, graph
        for node in graph.nodes():
            if id(node) in place:
                continue
            self.name = node.name
            if node.op == 'const':
                place[id(node)] = Buffer(node.shape, node.dtype, FIXED, array=_constant(node))
            elif node.op == 'variable':
                place[id(node)] = Buffer(node.shape, node.dtype, FIXED, array=node.attrs['var'].array)
            elif node.op == 'fused':
                several[id(node)] = _lower_region(self, node, place)
            elif node.op == 'part':     # tile programs read it by the strides that it says
                place[id(node)] = place[id(node.inputs[0])].view(node.shape, node.attrs['offset'])
            elif node.op == 'result':
                place[id(node)] = several[id(node.inputs[0])][node.attrs['index']]
            elif core.record(node.op).several:
                several[id(node)] = _lower_several(self, node, [place[id(i)] for i in node.inputs])
            else:
                place[id(node)] = self.node(node, [place[id(i)] for i in node.inputs])

    def node(self, node, ins):
        """The buffer of the result of one node."""
        return _lower_node(self, node, ins)

    def inside(self, steady):
        """A context for the body of a loop; steady: the buffers from outside that no round changes."""
        return Inside(self, steady)

    def scan(self, node, ins):
        return lower_loops.lower_scan(self, node, ins)

    def while_loop(self, node, ins):
        return lower_loops.lower_while(self, node, ins)

    def choose(self, node, ins):
        return lower_loops.lower_choice(self, node, ins)

    def tile(self, region, ins, outs, last=None):
        """The region's program as an epilogue of the step `last`, or as a step of its own."""
        program = region.program
        tile_in = [ins[id(s)] for s in program.sources]
        if last is None:
            last = self.step('tile', [], n=region.size)
        last.program, last.tile_in, last.tile_out = program, tile_in, outs
        return last


class Inside(Context):
    """The context of a body: packs what no round changes in front of the loop."""

    def __init__(self, parent, steady):
        super().__init__(None)
        self.parent, self.level = parent, parent.level + 1
        self._steady = {id(b.root()[0]) for b in steady}
        self.read = []      # what was packed in front of the loop

    def _outside(self, x):
        root, _, moves = x.place()
        return not moves and (root.kind == FIXED or id(root) in self._steady)

    def packed_once(self, x):
        return self._outside(x) or super().packed_once(x)

    def packed(self, x, kernel, **attrs):
        if not self._outside(x):
            return super().packed(x, kernel, **attrs)
        made = self.parent.packed(x, kernel, **attrs)
        self.read.append(made)
        return made


def lower(graph, cache=None):
    """Returns (steps, buffer of each graph output, [(variable, buffer)] of the updates, input buffers)."""
    ctx = Context(cache)
    place = {}
    inputs = []
    for k, node in enumerate(graph.inputs):
        place[id(node)] = Buffer(node.shape, node.dtype, INPUT, index=k)
        inputs.append(place[id(node)])
    ctx.nodes(graph, place)
    return (ctx.steps, [place[id(n)] for n in graph.outputs], [(v, place[id(n)]) for v, n in graph.updates], inputs)


def _constant(node):
    value = np.asarray(node.attrs['value'], dtype=node.dtype)
    array = _core.empty(node.shape, node.dtype)
    array[...] = value
    return array


def _lower_node(ctx, node, ins):
    record = core.record(node.op)
    if record.view is not None:
        offset = record.view(node)
        if offset is not None:
            return ins[0].view(node.shape, offset)
    out = Buffer(node.shape, node.dtype, ARENA)
    if record.micro is not None and tile.micro_of(node) is not None and fuse_types(node):
        region = tile_region(node)
        ctx.tile(region, {id(i): b for i, b in zip(node.inputs, ins)}, [out])
    elif record.lower is not None and record.native(node):
        _emit(ctx, record, node, ins, out)
    else:
        ctx.host(node, ins, [out])
    return out


def _lower_several(ctx, node, ins):
    record = core.record(node.op)
    if record.lower is not None and record.native(node):
        return record.lower(ctx, node, ins)
    outs = [Buffer(shape, dtype) for shape, dtype in record.spec(*node.inputs, **node.attrs)]
    ctx.host(node, ins, outs)
    return outs


def _emit(ctx, record, node, ins, out):
    step = record.lower(ctx, node, ins, out)
    if record.flops is not None:
        step.flops = record.flops(node)


def fuse_types(node):
    return node.size > 0 and all(n.dtype in tile.DTYPES for n in (node, *node.inputs))


def tile_region(node):
    """A single elementwise node as a region."""
    from .region import Region
    return Region(None, [node], [node], list(node.inputs), (), tile.program([node], [node], None))


def _lower_sums(ctx, region, values, outs):
    """The region's program before the sums of its rows: one step, and one more for partial results."""
    count, inner = len(region.sums), region.sums[0].size
    attrs = {'rows': region.size // inner, 'inner': inner, 'count': count}
    program = region.program
    read = [(values[id(s)], flat and s.size == region.size) for s, flat in zip(program.sources, program.flat)]
    parts, bounds, leader = ctx.shares('sums', [b for b, rows in read if rows], [b for b, rows in read if not rows], inner,
                                       **attrs)
    made = ctx.temp((parts, count, inner))
    step = ctx.step('sums', [bounds, made], parts=parts, **attrs)
    step.behind = leader if not outs else None
    ctx.tile(region, values, outs, step)
    if parts > 1:
        partial, made = made, ctx.temp((count, inner))
        ctx.step('reduce', [partial, made], kind=REDUCE['sum'], outer=1, r=parts, inner=count * inner)
    return outs + [made.view(s.shape, k * inner) for k, s in enumerate(region.sums)]


def _lower_region(ctx, node, place):
    region = node.attrs['region']
    nroot = len(region.root.inputs) if region.root is not None else 0
    ins = [place[id(i)] for i in node.inputs]
    outs = [Buffer(o.shape, o.dtype) for o in region.outputs]
    if region.sums:
        return _lower_sums(ctx, region, {id(s): b for s, b in zip(region.sources, ins)}, outs)
    values = {id(s): b for s, b in zip(region.sources, ins[nroot:])}
    last = None
    if region.root is not None:
        root = region.root
        raw = next((b for o, b in zip(region.outputs, outs) if o is root), None)
        ctx.kept = raw is not None
        if raw is None:
            raw = Buffer(root.shape, root.dtype)
        _emit(ctx, core.record(root.op), root, ins[:nroot], raw)
        ctx.kept = True
        values[id(root)] = raw
        last = ctx.steps[-1]
        if not kernels()[last.kernel][3] or last.program is not None or not any(b is raw for b in last.written()):
            last = None
    ctx.tile(region, values, [b for o, b in zip(region.outputs, outs) if o is not region.root], last)
    return outs
