"""What functions of the backend take: arrays, Variables and symbolic tensors, and what they describe outside of a trace.

In Keras 2 everything that the backend gives is symbolic. Here a function of arrays alone computes at once; one of Variables or
Keras tensors appends to the description that `function` and `gradients` work on. In a trace it is an op, as in any layer.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np

from fastkeras.graph import toposort
from fastkeras.layers import Layer, context, naming
from fastkeras.layers.history import Node, keras_tensor
from fastkeras.layers.present import source_of
from fastkeras.layers.substitute import is_described, made_by, steps_to, substitute
from fastkeras.ops import core
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import active_trace
from fastkeras.runtime.trace import Trace

_local = threading.local()


def as_symbol(x: Any) -> Any:
    """x with Variables as the tensors that stand for them; lists and tuples of such too."""
    if hasattr(x, '__fastkeras_tensor__'):
        return x.__fastkeras_tensor__()
    if type(x) in (list, tuple):
        return type(x)(map(as_symbol, x))
    return x


def lifted(function: Any) -> Any:
    """The function on the tensors that stand for Variables, so that what it gives depends on them."""
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        return function(*map(as_symbol, args), **{k: as_symbol(v) for k, v in kwargs.items()})
    return wrapped


def constant_of(x: Any) -> Any:
    """An array or number as an array of floatx or integers; a symbol as it is."""
    return x if isinstance(x, Tensor) else core.to_array(x)


class _Deferred(Layer):
    """What is done whenever a graph runs, in place of being an op of it: a draw, an update, a gradient, a choice by the
    learning phase. function: of the tensors of the trace."""

    supports_masking = True
    _makes_keras_tensors = False
    uses_learning_phase = property(lambda self: self.title == 'in_train_phase')

    def __init__(self, function: Any, title: str) -> None:
        super().__init__(name=f'K.{title}_{naming.get_uid(f"K.{title}")}', autocast=False)
        self.function, self.title = function, title
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.function(*inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        raise ValueError(f'the result of K.{self.title} stands between the layers of a model, and no file can hold it; put it '
                         f'into the function of a Lambda layer')


def deferred(title: str, function: Any, inputs: Any = (), spec: Any = None) -> Any:
    """function(*tensors): at once in a trace, else when what is described runs. inputs: symbols and arrays. spec: (shape,
    dtype) of the result, or a list of such; without it the function is traced for them."""
    if active_trace() is not None:
        return function(*inputs)
    places = [k for k, x in enumerate(inputs) if isinstance(x, Tensor) and x.op not in ('variable', 'const')]
    fixed = [None if k in places else x for k, x in enumerate(inputs)]

    def call(*tensors):
        given = [as_present(x) for x in fixed]
        for k, x in zip(places, tensors):
            given[k] = x
        return function(*given)

    layer = _Deferred(call, title)
    tensors = [inputs[k] for k in places]
    if spec is None:
        return layer._describe(tensors, {})
    many = isinstance(spec, list)
    leaves = [keras_tensor(shape, dtype, layer.name) for shape, dtype in (spec if many else [spec])]
    outputs = leaves if many else leaves[0]
    Node(layer, tensors, {}, outputs)
    return outputs


def as_present(x: Any) -> Any:
    """The leaf of a Variable as what the Variable is in the trace."""
    return x.attrs['var'].__fastkeras_tensor__() if isinstance(x, Tensor) and x.op == 'variable' else x


# ---- the learning phase

def phase_leaf() -> Any:
    """The tensor that stands for the learning phase where nothing has said what it is."""
    if 'leaf' not in _phase:
        _phase['leaf'] = keras_tensor((), 'bool', 'keras_learning_phase')
    return _phase['leaf']


_phase = {}


def is_phase(x: Any) -> bool:
    """Whether x is the tensor of the learning phase."""
    return isinstance(x, Tensor) and x is _phase.get('leaf')


# ---- running what is described

class Described:
    """What is computed of symbols: `ends`, whenever it is `run` with values for the leaves below them. given: symbols that have
    values then, whatever they are made of."""

    def __init__(self, ends: Any, given: Any = ()) -> None:
        known = {id(t) for t in given}

        def source(tensor):
            return None if id(tensor) in known else source_of(tensor)
        self.steps, _ = steps_to(ends, source)
        met = [*ends, *(t for step in self.steps
                        for t in (step.input_tensors if isinstance(step, Node) else made_by(step)[0].inputs))]
        seen = {id(t): t for t in met}
        self.leaves = [t for t in seen.values() if source(t) is None and is_described(t) and 'mask_of' not in t.attrs]

    def run(self, values: Any, what: str) -> Any:
        """The function symbol → tensor of the trace. values: id of a leaf → its tensor; more is added."""
        def missing(tensor):
            name = f'{tensor.name!r} of shape {tuple(tensor.shape)}' if tensor.name else repr(tensor)
            return ValueError(f'{what}: its outputs need the placeholder {name}, which is not among its inputs')
        for leaf in self.leaves:
            if id(leaf) not in values:
                if not is_phase(leaf):
                    raise missing(leaf)
                values[id(leaf)] = core.constant(np.bool_(context.learning_phase()))
        value = substitute(self.steps, values, missing=missing)
        return lambda x: as_present(x) if isinstance(x, Tensor) and x.op == 'variable' else value(x)


SIZES = None, 2, 8, 32, 128, 512        # the last: what the deepest stacks of windows without padding need


def tried(ends: Any, function: Any) -> Any:
    """function(symbol → tensor) of a trial trace in which all leaves are placeholders: sizes that are not known stay so or,
    where that does not work, are the first of SIZES with which it does."""
    described = Described(ends)
    sizes = SIZES if any(None in t.shape for t in described.leaves) else SIZES[:1]
    for size in sizes:
        values = {id(t): Tensor('input', (), {'index': -1}, [size if d is None else d for d in t.shape], t.dtype)
                  for t in described.leaves if not is_phase(t)}
        try:
            with Trace(), context.no_collection():
                return function(described.run(values, 'a trial'))
        except (TypeError, ValueError):
            if size == sizes[-1]:
                raise


def static_value(x: Any) -> Any:
    """The value of a tensor that depends on constants alone, as an array; None for any other."""
    if not isinstance(x, Tensor):
        return np.asarray(x)
    try:
        return evaluate([x], {})[0] if not _reads(x) else None
    except ValueError:
        return None


def _reads(tensor):
    return any(n.op in ('input', 'variable') or core.record(n.op).random for n in toposort([tensor]))


def trimmed(rows: Any, filler: Any) -> Any:
    """An array (batch, steps) without the last columns that hold the filler alone."""
    used = np.nonzero((rows != filler).any(axis=0))[0]
    return rows[:, :used[-1] + 1 if len(used) else 0]


# ---- updates that somebody asked for

class asked:
    """In the block: the ids of Variables that updates of the backend assign are gathered in the set that it gives."""

    def __enter__(self):
        self.before = getattr(_local, 'asked', None)
        _local.asked = set()
        return _local.asked

    def __exit__(self, *exc):
        _local.asked = self.before


def note_update(variable: Any) -> None:
    """An update of the backend assigns this Variable in the present trace."""
    if getattr(_local, 'asked', None) is not None:
        _local.asked.add(id(variable))
