"""What makes numbers of symbols: functions, gradients, updates, and values."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from fastkeras import generation, ops
from fastkeras.compiler import autodiff
from fastkeras.layers import context, moving_averages
from fastkeras.layers.present import in_trace, is_open
from fastkeras.ops import core
from fastkeras.ops.on_host import on_host
from fastkeras.ops.tensor import Tensor
from fastkeras.optimizers.own_updates import slots_in_use
from fastkeras.runtime import Function as Traced
from fastkeras.runtime import Variable, active_trace
from fastkeras.runtime.seed_generator import SeedState

from . import symbolic
from .sparse_tensors import SparseLabels, dense
from .symbolic import as_symbol, deferred, lifted

__all__ = ['Function', 'batch_get_value', 'batch_set_value', 'eval', 'function', 'get_value', 'gradients',
           'moving_average_update', 'print_tensor', 'set_value', 'stop_gradient', 'update', 'update_add', 'update_sub']


class Function:
    """Outputs, and updates of Variables, as a function of inputs: `f = K.function([x], [y]); y, = f([array])`.

    inputs: list of placeholders, or other Keras tensors, in whose place the arrays stand; `K.learning_phase()` among them takes
    0 or 1. outputs: list of symbols. updates: list of pairs (Variable, new value) or of what `update` and its kin gave; they
    are done after the outputs are computed. Calling it returns the list of outputs as arrays.
    TypeError where one of the three is no list; ValueError for an output that needs a placeholder not among the inputs.
    """

    def __init__(self, inputs: Any, outputs: Any, updates: Any = None, name: str | None = None, **session_kwargs: Any) -> None:
        for what, given in (('inputs', inputs), ('outputs', outputs), ('updates', updates or [])):
            if not isinstance(given, (list, tuple)):
                raise TypeError(f'`{what}` to a function of the backend should be a list or tuple, got '
                                f'{type(given).__name__}: {given!r:.80}')
        if session_kwargs:
            raise ValueError(f'K.function: expected inputs, outputs, updates and name, got also {", ".join(session_kwargs)}: '
                             f'there is no session whose run would take them')
        self.inputs, self.name = list(inputs), name or 'function'
        for x in self.inputs:
            if not isinstance(x, Tensor) or x.op == 'const':
                raise TypeError(f'K.function: expected its inputs to be placeholders or other Keras tensors, got {x!r:.80}')
        self.outputs = [as_symbol(y) for y in outputs]
        self.updates = [(u[0], as_symbol(u[1])) if isinstance(u, (tuple, list)) else u for u in updates or ()]
        for u in self.updates:
            if isinstance(u, tuple) and (len(u) != 2 or not isinstance(u[0], Variable)):
                raise TypeError(f'K.function: expected an update to be a pair (Variable, new value), got {u!r:.80}')
        ends = [t for t in (*_ends(self.outputs), *(u[1] if isinstance(u, tuple) else u for u in self.updates))
                if isinstance(t, Tensor)]
        self._described = symbolic.Described(ends, self.inputs)
        self._functions = {}

    def __call__(self, inputs: Any = ()) -> list[Any]:
        if not isinstance(inputs, (list, tuple)):
            raise TypeError('`inputs` should be a list or tuple.')
        if len(inputs) != len(self.inputs):
            raise ValueError(f'K.function {self.name!r}: expected {len(self.inputs)} inputs, got {len(inputs)}')
        phase, arrays = context.learning_phase(), []
        for x, given in zip(self.inputs, inputs):
            if symbolic.is_phase(x):
                phase = bool(given)
            else:
                arrays.append(_fed(x, given))
        traced = self._functions.get(phase)
        if traced is None:
            traced = self._functions[phase] = Traced(lambda *tensors: self._run(phase, tensors), name=self.name)
        values = iter(traced(*arrays))
        return [_finished(y, values) for y in self.outputs]

    def _run(self, phase, tensors):
        fed = iter(tensors)
        values = {id(x): core.constant(np.bool_(phase)) if symbolic.is_phase(x) else next(fed) for x in self.inputs}
        trace = active_trace()
        with context.phase(phase), context.no_collection(), symbolic.asked() as allowed:
            value = self._described.run(values, 'K.function')
            found = [core.tensor(symbolic.constant_of(value(y) if isinstance(y, Tensor) else y)) for y in _ends(self.outputs)]
            # what layers assign is theirs to ask for: Keras updates nothing but what `updates` says
            for key in [k for k, v in trace.assigned.items() if k not in allowed and not isinstance(v, SeedState)]:
                del trace.assigned[key]
            trace.later.clear()
            new = [(u[0], value(u[1]) if isinstance(u[1], Tensor) else u[1]) for u in self.updates if isinstance(u, tuple)]
            for variable, x in new:
                variable.assign(core.tensor(x, variable.dtype))
        return found


def _ends(outputs):
    """The symbols that are computed for the outputs."""
    return [t for y in outputs for t in (y.parts() if isinstance(y, SparseLabels) else (y,))]


def _finished(y, values):
    if isinstance(y, SparseLabels):
        return y.value(*(next(values) for _ in y.parts()))
    value = next(values)
    filler = y.attrs.get('filler') if isinstance(y, Tensor) else None
    if filler is not None:
        value = symbolic.trimmed(value, filler)
    return value if value.shape else value[()]


def _fed(x, given):
    """An array for a placeholder, of its type; ValueError where the shape does not fit."""
    array = np.asarray(dense(given), x.dtype)
    if len(array.shape) != len(x.shape) or any(d is not None and d != n for d, n in zip(x.shape, array.shape)):
        raise ValueError(f'Cannot feed value of shape {array.shape} for the placeholder {x.name!r}, which has shape '
                         f'{tuple(x.shape)}')
    return array


def function(inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> Function:
    """A `Function` of the inputs, lists all three. kwargs: name."""
    return Function(inputs, outputs, updates=updates, **kwargs)


def eval(x: Any) -> Any:
    """The value of a symbol, Variable or array. ValueError for one that depends on a placeholder: use `function`."""
    if isinstance(x, Variable):
        return _plain(x.numpy())
    if isinstance(x, SparseLabels):
        return Function([], [x], name='eval')([])[0]
    if isinstance(x, Tensor):
        known = getattr(x, '_evaluated', None)      # kept by the symbol itself: it goes when the symbol does
        if known is None:
            known = x._evaluated = Function([], [x], name='eval')
        return known([])[0]
    return _plain(np.asarray(dense(x)))


def _plain(array):
    return array if array.shape else array[()]


def get_value(x: Any) -> Any:
    """The value of a Variable, as `eval`."""
    return eval(x)


def batch_get_value(ops: Any) -> list[Any]:
    """The values of several Variables or symbols."""
    return [eval(x) for x in ops]


def set_value(x: Any, value: Any) -> None:
    """Set a Variable to an array or number, at once. ValueError where its shape is another."""
    if not isinstance(x, Variable):
        raise TypeError(f'K.set_value: expected a Variable, got {type(x).__name__}: {x!r:.80}')
    x.assign(np.asarray(value, x.dtype))


def batch_set_value(tuples: Any) -> None:
    """Set Variables to values, pairs of the two."""
    for x, value in tuples:
        set_value(x, value)


# ---- updates
def updated(title: str, x: Variable, operands: Any, new: Any) -> Any:
    """The symbol that sets a Variable to new(what it holds, *values of the operands) whenever it is evaluated."""
    def update(*values):
        value = core.tensor(new(x.__fastkeras_tensor__(), *values), x.dtype)
        symbolic.note_update(x)
        x.assign(value)
        return x.__fastkeras_tensor__()
    return deferred(title, update, operands, (x.shape, x.dtype))


def _updated(title, x, operand, new):
    if not isinstance(x, Variable):
        raise TypeError(f'K.{title}: expected a Variable, got {type(x).__name__}: {x!r:.80}')
    trace = active_trace()
    if slots_in_use() is not None:      # an optimizer says what is to be done, all of it of the values before
        return x, core.tensor(new(x.__fastkeras_tensor__(), as_symbol(operand)), x.dtype)
    if trace is None or not context.inside():
        return updated(title, x, [as_symbol(operand)], new)
    # in the call of a layer, whose updates are done where add_update has them, or something is computed of them
    value = core.tensor(new(x.__fastkeras_tensor__(), as_symbol(operand)), x.dtype)
    value = ops.reshape(value if tuple(value.shape) == x.shape else ops.broadcast_to(value, x.shape), x.shape)
    trace.offered[id(value)] = x, value
    return value


def update(x: Any, new_x: Any) -> Any:
    """x ← new_x: done each time the result is evaluated, or a function has it among its outputs or updates."""
    return _updated('update', x, new_x, lambda now, value: value)


def update_add(x: Any, increment: Any) -> Any:
    """x ← x + increment, as `update`."""
    return _updated('update_add', x, increment, ops.add)


def update_sub(x: Any, decrement: Any) -> Any:
    """x ← x - decrement, as `update`."""
    return _updated('update_sub', x, decrement, ops.subtract)


def moving_average_update(x: Any, value: Any, momentum: Any) -> Any:
    """x ← x · momentum + value · (1 - momentum), as `update`. In the generation '2.2.4' as if x had held nothing at first."""
    if generation.of('batch_normalization.debiases'):
        inside = active_trace() is not None and context.inside()
        # the call of a layer is traced again and again: what is kept is kept with its variable
        kept = x.__dict__.setdefault('_averages', moving_averages.no_state()) if inside else moving_averages.no_state()
        return _updated('moving_average_update', x, value, lambda now, new: moving_averages.debiased(kept, x, new, momentum))
    return _updated('moving_average_update', x, value,
                    lambda now, new: ops.add(ops.multiply(now, momentum), ops.multiply(new, 1 - momentum)))


# ---- gradients
def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of a loss with respect to a list of Variables or of symbols on the way to it.

    loss: its sum counts where it is no scalar, and that of all where it is a list. None for one that it does not depend on.
    """
    many = isinstance(variables, (list, tuple))
    wrt = [as_symbol(v) for v in (variables if many else [variables])]
    loss = as_symbol(loss)
    if isinstance(loss, (list, tuple)) and loss and all(isinstance(x, Tensor) for x in loss):
        loss = functools.reduce(ops.add, map(ops.sum, loss))
    if not isinstance(loss, Tensor):
        raise TypeError(f'K.gradients: expected the loss to be a symbolic tensor, got {type(loss).__name__}: a value does not '
                        f'know what it was made of; make it of Variables by functions of the backend')

    def found(loss, *wrt):
        return autodiff.gradients(ops.sum(loss) if loss.shape else loss, list(wrt))
    if active_trace() is not None:
        loss, *wrt = map(in_trace, (loss, *wrt))
        grads = found(loss, *wrt)
        if None in grads and is_open([loss, *wrt]):     # a model is being described: how they hang together is not seen
            grads = [Tensor('input', (), {}, t.shape, t.dtype) if g is None else g for t, g in zip(wrt, grads)]
        return grads

    def reached(value):
        return [g is not None for g in found(*(value(t) for t in (loss, *wrt)))]
    there = symbolic.tried([loss, *wrt], reached)
    kept = [t for t, is_there in zip(wrt, there) if is_there]
    if not kept:
        return [None] * len(wrt)
    results = iter(deferred('gradients', found, [loss, *kept], [(t.shape, t.dtype) for t in kept]))
    return [next(results) if is_there else None for is_there in there]


@lifted
def stop_gradient(variables: Any) -> Any:
    """A symbol, or each of a list, as a constant to `gradients`."""
    if isinstance(variables, (list, tuple)):
        return list(map(ops.stop_gradient, variables))
    return ops.stop_gradient(variables)


class _Print:
    def __init__(self, message):
        self.message = message

    def __call__(self, x):
        print(f'{self.message}{x}', file=sys.stderr, flush=True)
        return x


@lifted
def print_tensor(x: Any, message: str = '') -> Any:
    """x, which is printed with the message, on stderr, each time it is evaluated. Gradients go through."""
    x = symbolic.constant_of(x)
    if not isinstance(x, Tensor):
        return _Print(message)(x)

    def printed(x):
        shown = on_host([ops.stop_gradient(x)], _Print(message), x.shape, x.dtype)
        if x.dtype not in core.FLOATS:
            return shown
        return ops.custom_gradient(lambda x: (shown, lambda ct: ct))(x)
    return deferred('print_tensor', printed, [x], (x.shape, x.dtype))
