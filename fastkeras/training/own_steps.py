"""Steps that a user's model defines: train_step and its kin, on data of any nesting."""

import inspect
import math

import numpy as np

from fastkeras.layers import tracking
from fastkeras.ops import core
from fastkeras.optimizers import Optimizer
from fastkeras.runtime import Function, active_trace, nested
from fastkeras.runtime.trace import Trace
from fastkeras.training import data, weights
from fastkeras.training.methods import StepMethods
from fastkeras.training.objective import answered
from fastkeras.utils.batch_tuples import pack_x_y_sample_weight, unpack_x_y_sample_weight
from fastkeras.utils.part_of import PartOf

# which methods, defined by the user, make the steps of a kind the model's own
_DECIDING = {'train': ('train_step', 'compute_loss', 'compute_metrics', 'make_train_function'),
             'test': ('test_step', 'compute_loss', 'compute_metrics', 'make_test_function'),
             'predict': ('predict_step', 'make_predict_function')}


def defines(model, name):
    """Whether the model's class, or the model itself, has a method of its own for this one of Keras's."""
    return name in vars(model) or getattr(type(model), name) is not getattr(StepMethods, name)


def overridden(model, kind):
    """Whether steps of kind 'train', 'test' or 'predict' are the user's."""
    return any(defines(model, name) for name in _DECIDING[kind])


class FreeStandard:
    """Turns what a user passes into a flat list of arrays, for a step that says itself what it takes. `key` of a batch is
    the description of its nesting."""

    def __init__(self):
        self.inputs = self.slots = ()
        self.front = None
        self._layout = None

    @property
    def given(self):
        """What the arrays are that a user gives: what a step is fed with."""
        return self.slots

    def fed(self, arrays):
        """The arrays of a batch, as the step is fed with them."""
        return arrays

    def __call__(self, x, y=None, sample_weight=None, class_weight=None):
        """(arrays, [], []), checked; not yet converted."""
        if class_weight is not None and sample_weight is None:
            sample_weight = weights.class_weights(np.asarray(y), class_weight, 'y')
        return self._taken(pack_x_y_sample_weight(x, y, sample_weight)), [], []

    def _taken(self, batch):
        arrays, self.slots = [], []
        self._layout = nested.described([_with_arrays(batch)], arrays, lambda a: a is not None)
        for k, array in enumerate(arrays):
            slot = data.Slot('input', f'{k + 1} of {len(arrays)}' if len(arrays) > 1 else 'x')
            arrays[k] = array = data.as_array(array, slot)
            slot.dtype = _fed_type(array)
            self.slots.append(slot)
            if not array.shape[0]:
                raise slot.error('at least one sample', f'an empty array of shape {tuple(array.shape)}')
        data.check_lengths(arrays)
        return arrays

    def key(self, given):
        """What a step has to know of the data besides shapes."""
        return self._layout

    def parts(self, item, class_weight):
        """A batch of a generator as the arguments of `batch`."""
        if class_weight is None:
            return (item,)
        x, y, w = unpack_x_y_sample_weight(item)
        return x, y, w, class_weight

    def batch(self, *args, own=False):
        """(arrays ready for a step, key, number of samples)."""
        arrays = self(*args)[0] if len(args) > 1 else self._taken(args[0])
        fed = data.converted(arrays, self.slots, own)
        return fed, self._layout, len(fed[0]) if fed else 0


def _with_arrays(x):
    """The nesting with arrays, or None, as leaves; plain numbers in lists are one array."""
    if isinstance(x, dict):
        return {k: _with_arrays(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        if x and all(isinstance(v, (bool, int, float)) for v in x):
            return np.asarray(x)
        parts = [_with_arrays(v) for v in x]
        return type(x)(*parts) if hasattr(x, '_fields') else type(x)(parts)
    return x


def _fed_type(array):
    kind = np.dtype(array.dtype).kind
    if kind == 'f':
        return core.dtype_name(nested.config.floatx())
    if array.dtype == np.uint8 or kind == 'b':
        return array.dtype.name
    return 'int32' if data.is_lazy(array) or nested.as_fed(array).dtype == np.int32 else core.dtype_name(array.dtype)


class Reported:
    """The numbers that own steps give: names, in the order in which they first came. In place of an Objective."""

    _model = PartOf()

    def __init__(self, model):
        self._model = model
        self.names, self.stateful, self.stateful_names = [], [], set()

    def answer(self, values, return_dict=False):
        """The numbers as they are given to the user: the only one, a list, or a dict by name."""
        return answered(values, self.names, self.names_listed(), return_dict)

    def names_listed(self):
        """The names in the order in which numbers are listed."""
        told = self._model._own_objective
        return self.names if told is None else told.names_listed(self.names)

    def values(self, found):
        """The numbers of a step, in the order of `names`. found: triples (name, value, whether it is a result so far)."""
        for name, _, stateful in found:
            if name not in self.names:
                self.names.append(name)
                self.stateful.append(stateful)
                if stateful:
                    self.stateful_names.add(name)
        by_name = {name: value for name, value, _ in found}
        return [by_name.get(name, math.nan) for name in self.names]

    def reset(self):
        """The model's own `metrics` are set back by the model."""


class OwnSteps:
    """The steps of one kind of a model that defines them. In place of a step.Steps."""

    model = PartOf()

    def __init__(self, model, kind):
        self.model, self.kind = model, kind
        self.objective = Reported(model)
        self.optimizer = model.optimizer
        self._functions = {}
        self._version = None

    @property
    def trainable(self):
        """The weights that are trained."""
        return list(self.model.trainable_weights)

    def function(self, kind, layout=None):
        """arrays → list of the numbers of objective.names, for data of this layout."""
        version = [(id(o), o.version) for o in tracking.found(self.model, Optimizer)]
        version.append(getattr(self.optimizer, 'version', None))
        if version != self._version:
            self._version, self._functions = version, {}
        if layout not in self._functions:
            self._functions[layout] = self._made(layout)
        self._last = layout
        return self._functions[layout]

    def _made(self, layout):
        run = self._runner(layout)
        if self.kind == 'predict':
            return Predicting(run)
        return lambda *arrays: self.objective.values(self._named(run(*arrays)))

    def arranged(self, arrays):
        """Arrays of all batches, in the nesting that predict_step gives."""
        return self._functions[self._last].build(arrays)

    def _runner(self, layout):
        """arrays → what the step gives, nested."""
        model, kind = self.model, self.kind
        if defines(model, f'make_{kind}_function'):
            function = getattr(model, f'make_{kind}_function')() or getattr(model, f'{kind}_function')
            return lambda *arrays: function(iter([nested.rebuilt(layout, iter(arrays))[0]]))
        step = self._step(layout)
        return step if model.run_eagerly else Function(step, kind)

    def _step(self, layout):
        with_state = takes_state(getattr(self.model, f'{self.kind}_step'))

        def step(*tensors):
            method = getattr(self.model, f'{self.kind}_step')
            batch, = nested.rebuilt(layout, iter(tensors))
            result = self._stateless(method, batch) if with_state else method(batch)
            if self.kind == 'predict':
                return result
            if result is not None and not isinstance(result, dict):
                raise ValueError(f'{type(self.model).__name__}.{self.kind}_step: expected a dict of names and numbers, such as '
                                 f"{{'loss': loss}}, got {result!r:.80}")
            trace = active_trace()
            return result or {}, dict(trace.reported) if trace is not None else {}

        return step

    def _stateless(self, method, batch):
        """What a step in the style of Keras on JAX gives: it takes and gives back the values of all variables."""
        model, kinds = self.model, [self.model.trainable_variables, self.model.non_trainable_variables]
        if self.kind == 'train':
            self.optimizer.build(model.trainable_variables)
            kinds.append(self.optimizer.variables)
        if self.kind != 'predict':
            kinds.append(model.metrics_variables)
        with active_trace() or Trace():
            state = tuple([core.tensor(v) for v in kind] for kind in kinds)
            result, new = method(state, batch)
        if self.kind == 'predict':
            new = [state[0], new]
        for variables, values in zip(kinds, new):
            if len(variables) != len(values):
                raise ValueError(f'{type(model).__name__}.{self.kind}_step: expected the state with {len(variables)} values in '
                                 f'the place of {len(variables)} variables, got {len(values)}')
            for v, value in zip(variables, values):
                if core.symbolic(value) is not core.tensor(v):
                    v.assign(value)
        return result

    @staticmethod
    def _named(found):
        """(name, value, stateful) of what a step gave; a dict inside stands for its members."""
        result, added = found if isinstance(found, tuple) else (found, {})
        rows = []
        for name, value in (result or {}).items():
            rows += [(k, v, True) for k, v in value.items()] if isinstance(value, dict) else [(name, value, True)]
        return [(k, np.asarray(v), s) for k, v, s in rows] + [(k, np.asarray(v), False) for k, v in added.items()]


def takes_state(method):
    """Whether a step is of the style (state, data)."""
    try:
        required = [p for p in inspect.signature(method).parameters.values()
                    if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        return False
    return len(required) == 2


class Predicting:
    """Own predictions, in place of a Function: arrays → list of arrays, in the nesting that `build` gives back."""

    shapes = ((), 'float32'),   # rows are put together at the end

    def __init__(self, run):
        self._run = run
        self.nesting = None

    def traced_for(self, arrays):
        return self

    def run(self, arrays):
        found = []
        self.nesting = nested.described(self._run(*arrays), found, lambda a: a is not None)
        return [np.asarray(a) for a in found]

    def build(self, arrays):
        """What the step gives, with the arrays of all batches."""
        return nested.rebuilt(self.nesting, iter(arrays))
