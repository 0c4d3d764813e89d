"""`apply`, the one door to the operations: it evaluates one (all inputs are arrays) or appends a node."""

import threading

import numpy as np

from .. import config, late, work
from ..graph import Node
from .dtypes import FLOATS, dtype_name, met, name_of, promoted, to_array
from .registry import record

LARGEST = 2 ** 45   # elements of one array: of float32, more than an address space holds

_local = threading.local()


# ---- hooks that the runtime installs
def _first_value(op, arrays, attrs):
    """The evaluator until the runtime has installed its own, which it does when the first value is wanted."""
    late.part('runtime')
    return _hooks['eager'](op, arrays, attrs)


def _first_run(fn, arrays):
    """The same for functions that are traced whole."""
    late.part('runtime')
    return _hooks['run'](fn, arrays)


_hooks = {'eager': _first_value, 'run': _first_run, 'tracing': lambda: False, 'tensor': Node, 'pullback': None,
          'inner_trace': None, 'value_of': lambda tensor: None}


def set_eager(fn):
    """Install the evaluator fn(op, arrays, attrs) -> array of ops on arrays."""
    _hooks['eager'] = fn


def set_tracing(fn):
    """Install fn() -> bool: whether a trace is active, in which Variables are symbolic."""
    _hooks['tracing'] = fn


def set_tensor(cls):
    """Install the class of the nodes that `apply` makes."""
    _hooks['tensor'] = cls


def set_run(fn):
    """Install fn(function, arrays) -> nesting of arrays, which traces the function and runs its plan once."""
    _hooks['run'] = fn


def run(fn, arrays):
    """fn(*Tensors) for these arrays, traced and run as one plan."""
    return _hooks['run'](fn, arrays)


def set_pullback(fn):
    """Install fn(outputs, cotangents, wrt) -> list of Tensors or None: reverse-mode differentiation."""
    _hooks['pullback'] = fn


def pullback(outputs, cotangents, wrt):
    """Gradients with respect to the Tensors `wrt` of the sum of outputs times their cotangents."""
    return _hooks['pullback'](outputs, cotangents, wrt)


def set_inner_trace(fn):
    """Install fn(values) -> context manager of a trace inside the present one, as of the body of a loop: see
    runtime/trace.py."""
    _hooks['inner_trace'] = fn


def inner_trace(values=None):
    """A trace of its own for a body. values: id(Variable) -> Tensor that it holds at the beginning."""
    if _hooks['inner_trace'] is None:
        late.part('runtime')
    return _hooks['inner_trace'](values or {})


def set_value_of(fn):
    """Install fn(tensor) -> array, or None: the value of a Tensor that was computed of arrays and Variables alone."""
    _hooks['value_of'] = fn


def value_of(tensor):
    """The array of a Tensor that has a value outside of a run; else None."""
    return _hooks['value_of'](tensor)


def tracing():
    """Whether a trace is active."""
    return _hooks['tracing']()


class named:
    """`with named('dense_1'):` nodes made inside carry the name of their layer, for messages and profiles."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.outer = getattr(_local, 'name', None)
        if self.name:
            _local.name = self.name
        return self

    def __exit__(self, *exc):
        _local.name = self.outer


def current_name():
    """Name of the layer whose call is being traced, or None."""
    return getattr(_local, 'name', None)


# ---- values
def is_symbolic(x):
    """Whether an op on x gives a node: a Tensor, a Variable inside a trace, or one of the backend anywhere."""
    return isinstance(x, Node) or hasattr(x, '__fastkeras_tensor__') and (tracing() or getattr(x, 'of_graph', False))


def symbolic(x):
    """The Tensor that x (a Tensor or a Variable) stands for, or None for anything else."""
    if isinstance(x, Node):
        return x
    return x.__fastkeras_tensor__() if hasattr(x, '__fastkeras_tensor__') else None


def dtype_of(x):
    """Name of the type of a Tensor, Variable, array or number (floats: floatx)."""
    if isinstance(x, Node):
        return x.dtype
    dtype = getattr(x, 'dtype', None)
    return dtype_name(dtype) if dtype is not None else name_of(to_array(x).dtype)


def as_tensor(x):
    """x as something with shape and dtype that ops take: a Tensor, a Variable (its Tensor inside a trace), or an
    array."""
    if isinstance(x, Node):
        return x
    if hasattr(x, '__fastkeras_tensor__'):
        return x.__fastkeras_tensor__() if is_symbolic(x) else x
    return to_array(x)


def constant(value, dtype=None, shape=None):
    """A 'const' Tensor of a number or array, broadcast to `shape` without being copied."""
    value = to_array(value, dtype)
    if shape is not None and value.shape != tuple(shape):
        value = np.broadcast_to(value, tuple(shape))
    return _make('const', (), {'value': value}, value.shape, name_of(value.dtype))


def tensor(x, dtype=None):
    """x as a Tensor: itself, the leaf of a Variable, or a constant; cast to dtype where one is given."""
    t = symbolic(x)
    if t is None:
        return constant(x, dtype)
    return t if dtype is None or t.dtype == dtype else apply('cast', (t,), dtype=dtype_name(dtype))


def _common(inputs):
    """The type in which operands meet; in this order, whoever is there decides:

    1. Tensors, by the highest of their types. An array beside them can make floats of integers and int32 of smaller
       types, no more: float64 and int64 are only NumPy's defaults, so that x * np.ones(3) stays float32.
    2. Arrays with axes, by the highest of their types.
    3. Arrays without axes, in the same way. Beside 1 or 2 they count as Python's numbers do.
    4. Python's numbers alone, as NumPy has them.

    A number takes the type that was decided, unless that cannot hold it: a fraction makes floats of integers, a whole
    number beside truth values, or outside of 0 … 255 beside uint8, makes int32.
    """
    firm = soft = scalar = None
    numbers = []
    for x in inputs:
        if isinstance(x, Node) or hasattr(x, '__fastkeras_tensor__'):
            firm = x.dtype if firm is None else promoted(firm, x.dtype)
        elif not isinstance(x, np.ndarray):
            numbers.append(x)
        elif x.ndim:
            soft = met(soft, name_of(x.dtype))
        else:
            numbers.append(x)
            scalar = met(scalar, name_of(x.dtype))
    if firm is not None and soft is not None:
        if soft in FLOATS:
            firm = firm if firm in FLOATS else config.floatx()
        elif firm not in FLOATS:
            firm = promoted(firm, 'int32' if soft == 'int64' else soft)
    dtype = firm or soft or scalar
    if dtype is None:
        return to_array(numbers).dtype.name
    for x in numbers:
        if dtype in FLOATS:
            return dtype
        kind = x.dtype.kind if isinstance(x, np.ndarray) else np.asarray(x).dtype.kind
        if kind == 'f':
            return dtype if dtype in FLOATS else config.floatx()
        if kind in 'iu' and (dtype == 'bool' or dtype == 'uint8' and not 0 <= x <= 255):
            dtype = 'int32'
    return dtype


def _to_type(x, dtype):
    if isinstance(x, Node):
        return x if x.dtype == dtype else apply('cast', (x,), dtype=dtype)
    if not isinstance(x, np.ndarray):
        return np.array(x, dtype)
    return x if name_of(x.dtype) == dtype else x.astype(dtype)


def operands(inputs, promote=None, floating=False):
    """(inputs as Tensors or else all as arrays, whether they are symbolic), brought to one type as `register` says."""
    if _agree(inputs, promote, floating):
        return tuple(inputs), True
    lively = False
    for x in inputs:
        if is_symbolic(x):
            lively = True
            break
    values = []
    for k, x in enumerate(inputs):
        if isinstance(x, Node):
            values.append(x)
        elif hasattr(x, '__fastkeras_tensor__'):
            values.append(x.__fastkeras_tensor__() if lively else to_array(x))
        elif promote is not None and k >= promote and type(x) in (float, int, bool):
            values.append(x)
        else:
            values.append(to_array(x))
    if promote is not None:
        dtype = _common(values[promote:])
        if floating and dtype not in FLOATS:
            dtype = config.floatx()
        for i in range(promote, len(values)):
            values[i] = _to_type(values[i], dtype)
    if lively:
        values = [v if isinstance(v, Node) else constant(v) for v in values]
    return tuple(values), lively


def _agree(inputs, promote, floating):
    """Whether all are Tensors of the type in which they meet: nothing is to be done, as most often in a trace."""
    for x in inputs:
        if not isinstance(x, Node):
            return False
    if promote is None or promote >= len(inputs):
        return bool(inputs)
    dtype = inputs[promote].dtype
    for x in inputs[promote:]:
        if x.dtype != dtype:
            return False
    return not floating or dtype in FLOATS


def _make(op, inputs, attrs, shape, dtype):
    work.done(1)
    return _hooks['tensor'](op, inputs, attrs, shape, dtype, getattr(_local, 'name', None))


class _Shaped:
    """What a spec needs to know of an array."""

    __slots__ = ('shape', 'dtype')

    def __init__(self, array):
        self.shape, self.dtype = array.shape, name_of(array.dtype)

    ndim = property(lambda self: len(self.shape))


def apply(op, inputs, **attrs):
    """The op on Tensors, Variables, arrays and numbers. Only arrays: the value, as an array; else a Tensor.

    attrs: hashable. Raises ValueError, with the name of the op and of the layer being traced, where shapes do not fit.
    """
    rec = record(op)
    attrs = {**rec.defaults, **attrs}
    inputs, lively = operands(inputs, rec.promote, rec.floating)
    try:
        if rec.several:
            return _several_applied(rec, inputs, lively, attrs)
        if not lively:
            shape, dtype = rec.spec(*[_Shaped(x) for x in inputs], **attrs)
            check_size(shape)
            value = np.asarray(_hooks['eager'](op, inputs, attrs))
            return value if name_of(value.dtype) == dtype else value.astype(dtype)
        shape, dtype = rec.spec(*inputs, **attrs)
        check_size(shape)
        if rec.compose is not None and not any(None in x.shape for x in inputs):
            made = rec.compose(*inputs, **attrs)
            if made is not None:
                return made
        return _make(op, inputs, attrs, shape, dtype)
    except ValueError as e:
        raise _explained(op, e) from None


def _several_applied(rec, inputs, lively, attrs):
    if not lively:
        rec.spec(*[_Shaped(x) for x in inputs], **attrs)
        return tuple(_hooks['eager'](rec.name, inputs, attrs))
    made = None
    if rec.compose is not None and not any(None in x.shape for x in inputs):
        made = rec.compose(*inputs, **attrs)
    return several(rec.name, inputs, attrs) if made is None else made


def several(op, inputs, attrs):
    """The results of an op that has several, as Tensors: projections of one node, whose own shape is ()."""
    results = record(op).spec(*inputs, **attrs)
    node = _make(op, inputs, attrs, (), results[0][1] if results else 'float32')
    return tuple([_make('result', (node,), {'index': i}, shape, dtype) for i, (shape, dtype) in enumerate(results)])


def remade(node, inputs):
    """The same operation on other inputs of the same shapes and types, as a Tensor."""
    return _hooks['tensor'](node.op, inputs, node.attrs, node.shape, node.dtype, node.name)


def placeholder(index, shape, dtype):
    """A leaf that is fed."""
    return _hooks['tensor']('input', (), {'index': index}, shape, dtype)


def check_size(shape, what='the result'):
    """ValueError where the known sizes of a shape make more elements than any machine holds."""
    n = 1
    for d in shape:
        if d is not None:
            if d > LARGEST:
                n = d
                break
            n *= d
    if n > LARGEST:
        raise ValueError(f'{what} would have the shape {tuple(shape)}; expected at most {LARGEST} elements, got at '
                         f'least {n}: the sizes asked for are too large')


def _explained(op, failure):
    text = str(failure)
    return failure if text.startswith('[') else error(op, text)


def error(op, text):
    """A ValueError that begins with the op and, while a layer is being traced, the layer's name."""
    name = current_name()
    return ValueError(f'[{op}]' + (f' in layer {name!r}' if name else '') + f': {text}')
