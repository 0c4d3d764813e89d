"""The registry of operations: a record says all that the house knows of one.

The rule of its shape and type, its gradient, its NumPy reference, its lowering, and the cases it is tested with.
"""

import numpy as np

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
                 'promote', 'floating', 'compose', 'supports')

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
             random=False, promote=None, floating=False, compose=None, supports=None):
    """Decorator of an op's `spec(*inputs, *, **attrs) -> (shape, dtype)`, which raises ValueError on unfit shapes. Attributes
    that a caller leaves out take the spec's defaults: a node has all of them.

    vjp(node, ct) -> list: for each input a Tensor, or None where there is no gradient. None: not differentiable.
    ref(*arrays, **attrs) -> array. lower(ctx, node, ins, out) emits kernel steps. view(node) -> element offset or None.
    samples() -> [Sample]. micro: name of a tile micro-operation, or a function of the node that gives it or None.
    epilogue: the kernel of the last step carries a tile program. random: equal nodes need not have equal values.
    promote: index of the first of the inputs that are brought to one type (weak typing of numbers); None: none are.
    floating: integers become floats first. compose(*inputs, **attrs) -> Tensor or None: the op written in others, taken
    instead of a node once all shapes are known. supports(node) -> bool: what `lower` can do beside float32.
    """
    def add(spec):
        if name in _records:
            raise ValueError(f'the op {name!r} is registered twice')
        quiet = None if ref is None else np.errstate(all='ignore')(ref)  # inf and NaN say enough, as from a kernel
        _records[name] = Record(name, spec, vjp=vjp, ref=quiet, lower=lower, view=view, samples=samples, micro=micro,
                                epilogue=epilogue, random=random, promote=promote, floating=floating, compose=compose,
                                supports=supports)
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
