"""The registry of operations: a record says all that the house knows of one.

The rule of its shape and type, its gradient, its NumPy reference, its lowering, and the cases it is tested with.
"""

import numpy as np

from . import facts

_records = {}


class Sample:
    """One case that tests and benches use. inputs: arrays (float32, or int32 for indices); attrs: the op's; rtol, atol:
    of the kernel against the float64 reference; grad: whether finite differences check its gradient (they need
    smoothness)."""

    __slots__ = ('inputs', 'attrs', 'rtol', 'atol', 'grad')

    def __init__(self, inputs, attrs=None, rtol=1e-5, atol=1e-5, grad=True):
        self.inputs, self.attrs, self.rtol, self.atol, self.grad = list(inputs), dict(attrs or {}), rtol, atol, grad


class Record:
    """What is known of one operation. The fields are those of `register`."""

    __slots__ = ('name', 'spec', 'defaults', 'vjp', 'ref', 'lower', 'view', 'samples', 'micro', 'epilogue', 'random',
                 'promote', 'floating', 'compose', 'supports', 'images', 'window', 'border', 'rows', 'sized', 'sink',
                 'affine', 'linear', 'flops', 'simplify', 'zeros', 'nonnegative', 'light', 'several',
                 'over_rows', 'bodies', 'rounds', 'strided', 'shares', 'steps', 'apart', 'cropped')

    def __init__(self, name, spec, **fields):
        self.name, self.spec = name, spec
        self.defaults = spec.__kwdefaults__ or {}  # of attributes: `apply` gives them to every node
        for field, value in fields.items():
            setattr(self, field, value)

    def native(self, node):
        """Whether `lower` can run this node; the reference does otherwise."""
        if self.lower is None:
            return False
        if self.supports is not None:
            return self.supports(node)
        return node.dtype == 'float32' and all(i.dtype in ('float32', 'int32') for i in node.inputs)

    def __repr__(self):
        return f'<Record {self.name}>'


def register(name, *, vjp=None, ref=None, lower=None, view=None, samples=None, micro=None, epilogue=False,
             random=False, promote=None, floating=False, compose=None, supports=None, images=(), window=None, border=None,
             rows=None, sized=(), sink=None, affine=None, linear=None, flops=None, simplify=None, zeros=None,
             nonnegative=None, light=False, several=False, over_rows=None,
             bodies=None, rounds=False, strided=None, shares=False, steps=None, apart=None,
             cropped=None):
    """Decorator of an op's `spec(*inputs, *, **attrs) -> (shape, dtype)`, which raises ValueError on unfit shapes. Attributes
    that a caller leaves out take the spec's defaults: a node has all of them.

    vjp(node, ct) -> list: for each input a Tensor, or None where there is no gradient. None: not differentiable.
    ref(*arrays, **attrs) -> array. lower(ctx, node, ins, out) emits kernel steps. view(node) -> element offset or None.
    samples() -> [Sample]. micro: name of a tile micro-operation, or a function of the node that gives it or None.
    epilogue: the kernel of the last step carries a tile program. random: equal nodes need not have equal values.
    promote: index of the first of the inputs that are brought to one type (weak typing of numbers); None: none are.
    floating: integers become floats first. compose(*inputs, **attrs) -> Tensor or None: the op written in others, taken
    instead of a node once all shapes are known. supports(node) -> bool: what `lower` can do beside float32.
    several: there is more than one result: spec gives a list of (shape, dtype), ref a tuple of arrays, vjp(node, cts) takes a
    dictionary of a cotangent for the results that have one, lower(ctx, node, ins) returns their buffers; in a graph a node
    'result' takes one of them.

    What follows are facts for the passes of the compiler. Each may be left out: the pass then lets the operation alone.

    images: which inputs are images, whose axes the attribute data_format names; -1 among them: the result is one. The
    kernels know channels_last.
    window(node) -> sizes of the window that slides over the first input's spatial axes, by the attributes strides, padding
    and, where there is one, dilation. border: what the window meets in the padding: 'zero', or 'least', what no element is
    below; None: something else.
    rows(node, moving) -> bool: whether row i of the result is made of row i alone of the inputs that moving[k] says have the
    batch's rows, in a way that does not depend on i or their number; the others are the same for all. Elementwise operations
    have theirs (facts.each_element). sized: attributes that say the result's shape.
    sink(node, order) -> (attrs, result's order) or None: op(transpose(x, order), …, attributes of the node) is
    transpose(op(x, …, attrs), result's order), all inputs being transposed alike. Elementwise operations need none.
    affine(node) -> (k, shape) or None: factors on the channels (the last axis) of the result may go, reshaped to `shape`, into
    input k.
    linear: {k: fn(scale, shift, v) -> (scale, shift)}: what becomes of scale · x + shift when it is operand k of two and v the
    other; None stands for 1 and for 0.
    flops(node) -> multiplications and additions, of products; `lower` then returns the step that does them.
    simplify(node, inputs) -> a simpler node of the same value on these inputs, or None.
    zeros(flags) -> facts.ZERO where the result is 0 when the inputs with a flag are, or the index of the input that it then
    is, or None.
    nonnegative(node) -> bool: whether no element can be below 0.
    light: so cheap that computing it again where it is read beats keeping it.
    bodies: the attribute that holds a Body, or a tuple of them; the attribute `made` takes what the passes make of them:
    (first row, behind the last, graph) for each. rounds: it is a scan, whose rounds may be shared, joined and shortened.
    strided(node) -> (element strides, offset): the result's elements are those of input 0 that stand so.
    shares: the inputs are x, y, dy, and the result holds shares of dy where x equals y, else 0 (shares.py).
    steps(node) -> (k, m) or None: along the first axis, each part of the result is this operation, with the same attributes, of
    that part of input k and of the whole of input m.
    apart(node) -> attrs or None: with these attributes the operation makes those pixels of the result, `strides` of the node
    apart from the first on, that may differ from 0.
    cropped(node, around) -> attrs or None: with these attributes the operation makes the image that the result is without so
    many outer pixels, a pair for each spatial axis.
    over_rows(node) -> bool: whether the result is a sum over the first axis of all inputs alike, as of a weight's gradient.
    """
    def add(spec):
        if name in _records:
            raise ValueError(f'the op {name!r} is registered twice')
        quiet = None if ref is None else np.errstate(all='ignore')(ref)  # inf and NaN say enough, as from a kernel
        _records[name] = Record(
            name, spec, vjp=vjp, ref=quiet, lower=lower, view=view, samples=samples, micro=micro, epilogue=epilogue,
            random=random, promote=promote, floating=floating, compose=compose, supports=supports, images=images,
            window=window, border=border, rows=rows or (facts.each_element if micro is not None else None), sized=sized,
            sink=sink, affine=affine, linear=linear, flops=flops, simplify=simplify, zeros=zeros, nonnegative=nonnegative,
            light=light, several=several, over_rows=over_rows, bodies=bodies, rounds=rounds, strided=strided, shares=shares,
            steps=steps, apart=apart, cropped=cropped)
        return spec
    return add


def record(name):
    """The Record of an op; ValueError for an unknown name."""
    try:
        return _records[name]
    except KeyError:
        raise ValueError(f'unknown op {name!r}') from None


def records():
    """name → Record of all ops."""
    return _records


# ---- leaves: they are never applied, only made
def _leaf_spec(**attrs):
    raise ValueError('a leaf of the graph is made by Input, a constant or a Variable; it cannot be applied')


for _name in ('input', 'const', 'variable'):
    register(_name)(_leaf_spec)


def _part_ref(x, *, shape, strides, offset):
    flat = np.ascontiguousarray(x).reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(flat, shape, [s * x.itemsize for s in strides])


@register('part', ref=_part_ref)
def _part_spec(x, *, shape, strides, offset):
    """Elements of x that tile programs read where they are: made by fusion alone."""
    return shape, x.dtype


@register('result', ref=lambda values, *, index: values[index])
def _result_spec(node, *, index):
    """One result of a node that has several."""
    return record(node.op).spec(*node.inputs, **node.attrs)[index]
