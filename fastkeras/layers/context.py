"""What the call of a layer knows of its surroundings: training or inference, frozen or not, who collects losses.

All of it is per thread. It acts while a graph is traced; what was decided then is part of the plan.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any

from fastkeras.ops import random
from fastkeras.runtime import SeedGenerator
from fastkeras.runtime.trace import outside_trace


class _State(threading.local):
    training = None     # of the enclosing call; None outside of all calls
    fixed = None        # what set_learning_phase had said when the call that is running was described
    does_updates = None     # whether what layers update is to be done; None: as `training`
    frozen = False      # inside a layer that is not trainable
    resting = False     # the same by the flags that say which layers update what they keep
    losses = None       # the LossCollection that layers add to
    drawing = None      # the layer whose call is running
    drawn = 0           # how many random ops without a seed that call has had so far
    scope = ()          # names of the layers being built, for the names of weights
    remat = None        # the innermost RematScope
    callers = ()        # who opened the name_scopes among them
    building = ()       # the layers being built
    trainable = None    # id(layer) → bool, which counts instead of the layers' own attribute
    updating = None     # the same for `resting`
    calling = None      # layers made by the `call` that is running; None outside of calls, and in a build
    trial = None        # the Trial that makes weights on approval


_state = _State()
_phase = {'training': None}


# ---- training or inference

def learning_phase() -> Any:
    """Whether layers are to act as in training: of the enclosing call, else what `set_learning_phase` said, else
    False.
    """
    if _state.training is not None:
        return _state.training
    return bool(_phase['training'])


def told() -> bool:
    """Whether anything has said if layers are to act as in training: an enclosing call, or `set_learning_phase`."""
    return _state.training is not None or _phase['training'] is not None


def set_learning_phase(value: Any) -> Any:
    """What calls take that are not told `training`, for the whole process: 0 or False, 1 or True, None for the
    default.
    """
    if value not in (0, 1, None):
        raise ValueError(f'set_learning_phase: expected 0 or 1, got {value!r}')
    _phase['training'] = None if value is None else bool(value)


@contextmanager
def learning_phase_scope(value: Any) -> Any:
    """set_learning_phase inside a `with` block."""
    before = _phase['training']
    set_learning_phase(value)
    try:
        yield
    finally:
        _phase['training'] = before


@contextmanager
def phase(training: Any) -> Any:
    """What calls take in this block, and this thread, that are not told `training`."""
    before, _state.training = _state.training, training
    try:
        yield
    finally:
        _state.training = before


def said() -> Any:
    """What `set_learning_phase` said: True, False, or None for nothing."""
    return _phase['training']


@contextmanager
def fixed_phase(training: Any) -> Any:
    """In this block, and this thread, calls act as `training` says, since that was said when they were described, whatever step
    they are part of."""
    before, _state.training, _state.fixed = (_state.training, _state.fixed), training, training
    try:
        yield
    finally:
        _state.training, _state.fixed = before


def is_fixed() -> bool:
    """Whether the phase is that of the description, not that of the step."""
    return _state.fixed is not None


@contextmanager
def updates_as(wanted: Any) -> Any:
    """Whether what layers update is done in this block, and this thread, whatever phase they are in."""
    before, _state.does_updates = _state.does_updates, wanted
    try:
        yield
    finally:
        _state.does_updates = before


def does_updates() -> Any:
    """Whether what layers update is to be done: in steps of training, elsewhere where they act as in training."""
    return learning_phase() if _state.does_updates is None else _state.does_updates


def frozen() -> Any:
    """Whether the layer being called, or one around it, is not trainable."""
    return _state.frozen


def resting() -> Any:
    """Whether the layer being called, or one around it, was not trainable when the first step of training was made. Keras 2.2.4
    asks then whether moving averages follow, and at `compile` what is trained."""
    return _state.resting


def inside() -> Any:
    """Whether the call of a layer is running."""
    return _state.drawing is not None


def trainable_state(layers: Any) -> Any:
    """id(layer) → whether it is trainable now, for `trainable_as`."""
    return {id(layer): bool(layer.trainable) for layer in layers}


@contextmanager
def trainable_as(state: Any, updating: Any = None) -> Any:
    """Calls inside see the `trainable` of layers as `trainable_state` took it, whatever was set since. updating: the same for
    `resting`."""
    before = _state.trainable, _state.updating
    _state.trainable, _state.updating = state, updating
    try:
        yield
    finally:
        _state.trainable, _state.updating = before


def is_trainable(layer: Any) -> Any:
    """The layer's `trainable`, as the enclosing `trainable_as` has it."""
    if _state.trainable is not None:
        return _state.trainable.get(id(layer), layer.trainable)
    return layer.trainable


class entered:
    """The surroundings inside the call of `layer`; gives the value of `training` that holds there."""

    __slots__ = ('layer', 'training', 'outer')

    def __init__(self, layer: Any, training: Any = None) -> None:
        self.layer, self.training = layer, training

    def __enter__(self):
        self.outer = _state.training, _state.fixed, _state.frozen, _state.resting, _state.drawing, _state.drawn
        _state.drawing, _state.drawn = self.layer, 0
        if self.training is None:
            self.training = learning_phase()
        else:
            _state.fixed = None
        _state.training = self.training
        _state.frozen = _state.frozen or not is_trainable(self.layer)
        updating = _state.updating
        _state.resting = _state.resting or not (self.layer.trainable if updating is None else
                                                updating.get(id(self.layer), self.layer.trainable))
        if _state.losses is not None:
            _state.losses.depth += 1
        return self.training

    def __exit__(self, kind, *rest):
        _state.training, _state.fixed, _state.frozen, _state.resting, _state.drawing, _state.drawn = self.outer
        losses = _state.losses
        if losses is not None:
            losses.depth -= 1
            if not losses.depth and kind is None:
                losses.add_regularization(self.layer)


def _next_seed():
    """What `seed=None` is inside a trace. In the call of a layer it comes from a stream that the layer keeps, one for each
    such op in the order of the call, so that another plan goes on with it and a file can hold it."""
    layer, k = _state.drawing, _state.drawn
    if layer is None:
        return SeedGenerator().next()
    streams = layer.__dict__.get('_streams', ())
    if k == len(streams):
        changing(layer)
        streams = layer.__dict__['_streams'] = [*streams, SeedGenerator()]
    _state.drawn = k + 1
    return streams[k].next()


random.set_stream(_next_seed)


class calling:
    """While the layer's own `call` runs: gives the list of the layers that it makes."""

    __slots__ = ('outer',)

    def __enter__(self):
        self.outer, _state.calling = _state.calling, []
        return _state.calling

    def __exit__(self, *exc):
        _state.calling = self.outer


def note_layer(layer: Any) -> Any:
    """A layer is being made."""
    if _state.calling is not None:
        _state.calling.append(layer)


# ---- weights on approval

class Trial:
    """A block in which layers may be built for sizes that are only a guess; `undo` makes them as they were before.

    shapes: of the weights that were made, in order.
    """

    def __init__(self) -> None:
        self.shapes = []
        self._before = {}

    def __enter__(self):
        self._outer, _state.trial = _state.trial, self
        return self

    def __exit__(self, *exc):
        _state.trial = self._outer

    def keep(self, layer: Any) -> Any:
        if id(layer) not in self._before:
            attributes = {k: list(v) if k == '_weights' else v for k, v in layer.__dict__.items()}
            self._before[id(layer)] = layer, attributes

    def undo(self) -> Any:
        for layer, attributes in self._before.values():
            layer.__dict__.clear()
            layer.__dict__.update(attributes)


def changing(layer: Any, shape: Any = None) -> Any:
    """A layer is about to be built or, where a shape is given, to get a weight."""
    if _state.trial is not None:
        _state.trial.keep(layer)
        if shape is not None:
            _state.trial.shapes.append(shape)


# ---- losses and metrics that layers add

class LossCollection(list):
    """Scalar tensors that the calls inside `collect_losses` added. metrics: pairs (name, scalar) by `add_metric`.
    values: id of a Keras tensor of a model that was called → its tensor in this trace."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics = []
        self.values = {}
        self.depth = 0
        self._seen = set()

    def add_regularization(self, layer: Any) -> Any:
        """The penalties on all weights of the layer, each weight once."""
        for v in layer.weights:
            if v.regularizer is not None and id(v) not in self._seen:
                self._seen.add(id(v))
                self.append(v.regularizer(v))
        for sub in layer._flatten_layers():
            for k, loss in enumerate(sub._callable_losses):
                if (id(sub), k) not in self._seen:
                    self._seen.add((id(sub), k))
                    self.append(loss())


@contextmanager
def collect_losses() -> Any:
    """`with collect_losses() as losses: y = model(x, training=True)`: the penalties on weights and activations and what
    `add_loss` added, as scalar tensors of the trace."""
    before, _state.losses = _state.losses, LossCollection()
    try:
        yield _state.losses
    finally:
        _state.losses = before


def collection() -> Any:
    """The LossCollection of the enclosing `collect_losses`, or None."""
    return _state.losses


@contextmanager
def no_collection() -> Any:
    """Losses added inside are dropped."""
    before, _state.losses = _state.losses, None
    try:
        yield
    finally:
        _state.losses = before


# ---- building

@contextmanager
def building(layer: Any, named: bool = True) -> Any:
    """Inside, weights are made: outside of any trace, and with the layer's name before theirs."""
    before = _state.scope, _state.building, _state.calling
    if named:
        _state.scope = (*_state.scope, layer.name)
    else:
        _state.scope = ()
    _state.building = (*_state.building, layer)
    _state.calling = None
    try:
        with outside_trace():
            yield
    finally:
        _state.scope, _state.building, _state.calling = before


def is_building(layer: Any) -> Any:
    """Whether the layer's own build is running."""
    return any(b is layer for b in _state.building)


def remat_scope() -> Any:
    """The innermost RematScope, or None."""
    return _state.remat


def set_remat_scope(scope: Any) -> None:
    _state.remat = scope


def names() -> Any:
    """(names of the layers being built and name_scopes, who opened the latter), for set_names."""
    return _state.scope, _state.callers


def set_names(scope: Any, callers: Any) -> None:
    _state.scope, _state.callers = scope, callers


def scope() -> str:
    """'outer/inner': the names of the layers being built."""
    return '/'.join(_state.scope)


def scope_of(layer: Any) -> Any:
    """'outer/inner': where a weight that the layer makes now belongs."""
    if is_building(layer):
        return '/'.join(_state.scope)
    return '/'.join((*_state.scope, layer.name))
