"""Choices and loops of the backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import ops
from fastkeras.layers import context
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import active_trace
from fastkeras.utils import nest

from . import symbolic
from .symbolic import as_symbol, deferred

__all__ = ['foldl', 'foldr', 'in_test_phase', 'in_train_phase', 'learning_phase', 'map_fn', 'rnn', 'set_learning_phase',
           'switch']


def learning_phase() -> Any:
    """Whether layers act as in training: 1 or 0 in a call and where `set_learning_phase` said it; else a symbol, which may
    stand among the inputs of a function and is 0 unless it does."""
    if active_trace() is not None or context.told():
        return int(context.learning_phase())
    return symbolic.phase_leaf()


def set_learning_phase(value: Any) -> None:
    """Say what layers are, for the whole process: 1 training, 0 inference. ValueError for anything else."""
    if value not in (0, 1):
        raise ValueError('Expected learning phase to be 0 or 1.')
    context.set_learning_phase(value)


def _called(x):
    return as_symbol(x() if callable(x) and not isinstance(x, Tensor) and not hasattr(x, '__fastkeras_tensor__') else x)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """x in training, else alt; both symbols or functions that give them. training: instead of the learning phase."""
    if training is None or symbolic.is_phase(training):
        training = learning_phase()
    if isinstance(training, Tensor) and not symbolic.is_phase(training):
        return switch(training, x, alt)
    if not isinstance(training, Tensor):
        return _called(x if training else alt)
    x, alt = symbolic.constant_of(_called(x)), symbolic.constant_of(_called(alt))
    shape = tuple(a if a == b else None for a, b in zip(x.shape, alt.shape))
    return deferred('in_train_phase', lambda x, alt: x if context.learning_phase() else alt, [x, alt],
                    (shape, core.dtype_of(x)))


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """x in inference, else alt, as in_train_phase."""
    return in_train_phase(alt, x, training=training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """then_expression where the condition holds, else the other: as a whole for a single truth value (functions are then called
    only for their branch), element by element for as many as there are elements or rows."""
    condition = as_symbol(condition)
    if not isinstance(condition, Tensor) and np.ndim(condition) == 0:
        return _called(then_expression if condition else else_expression)
    if core.dtype_of(condition) != 'bool':
        condition = ops.not_equal(condition, 0)
    if len(condition.shape) == 0:
        return ops.cond(condition, lambda: _called(then_expression), lambda: _called(else_expression))
    then, other = _called(then_expression), _called(else_expression)
    rank = len(np.shape(then) if not hasattr(then, 'shape') else then.shape)
    if len(condition.shape) > rank:
        raise ValueError('Rank of `condition` should be less than or equal to rank of `then_expression` and '
                         f'`else_expression`. ndim(condition)={len(condition.shape)}, ndim(then_expression)={rank}')
    for _ in range(rank - len(condition.shape)):
        condition = ops.expand_dims(condition, -1)
    return ops.where(condition, then, other)


# ---- loops
def map_fn(fn: Any, elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """fn of each element along the first axis, as one tensor. elems: a tensor, or a list of them, whose elements fn takes
    together. dtype: of the result."""
    elems = as_symbol(elems)
    if _is_open(elems):
        return _when_known('map_fn', lambda elems: map_fn(fn, elems, dtype=dtype), elems)
    found = ops.map(fn, elems)
    return found if dtype is None else ops.cast(found, core.dtype_name(dtype))


def _is_open(elems):
    """Whether the number of elements is not known, outside of a trace, in which it will be."""
    return active_trace() is None and any(isinstance(t, Tensor) and t.shape[:1] == (None,) for t in nest.flatten(elems))


def _when_known(title, function, given):
    """function(given) as a symbol, whose shape is found by trials."""
    return deferred(title, lambda *flat: function(nest.pack(given, flat)), nest.flatten(given))


def foldl(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """fn(accumulator, element) over the first axis, from the first element on. initializer: the first accumulator; else the
    first element is it."""
    return _folded(fn, elems, initializer, False)


def foldr(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """As foldl, from the last element on."""
    return _folded(fn, elems, initializer, True)


def _folded(fn, elems, first, backwards):
    elems, first = as_symbol(elems), as_symbol(first)
    if _is_open(elems):
        return _when_known('foldr' if backwards else 'foldl',
                           lambda given: _folded(fn, given[0], given[1], backwards), [elems, first])
    if first is None:
        first, elems = (elems[-1], elems[:-1]) if backwards else (elems[0], elems[1:])
    elif not hasattr(first, 'shape'):
        first = core.to_array(first)
    if isinstance(elems, Tensor) and not isinstance(first, Tensor):
        first = core.tensor(first)
    last, _ = ops.scan(lambda carry, x: (fn(carry, x), None), first, elems, reverse=backwards)
    return last


def rnn(step_function: Any, inputs: Any, initial_states: Any, go_backwards: bool = False, mask: Any = None,
        constants: Any = None, unroll: bool = False, input_length: int | None = None) -> Any:
    """Take a step function along the steps of inputs: (last output, outputs, list of last states).

    inputs: (batch, steps, …). step_function(input of a step, states + constants) gives (output, new states). initial_states:
    list of tensors. go_backwards: from the last step on; outputs are then in that order. mask: (batch, steps), where it does
    not hold, states stay and the output is the first of them or, where that has another shape and with unroll, the output of
    the step before (zeros at first). unroll: a loop all the same, in which nothing is slower for that. input_length: the number
    of steps, where the inputs do not say it.
    ValueError for inputs of less than three axes, and for unroll where the number of steps is not known.
    """
    inputs, mask, constants = as_symbol(inputs), as_symbol(mask), as_symbol(list(constants or []))
    states = [as_symbol(s) for s in initial_states]
    if len(inputs.shape) < 3:
        raise ValueError('Input should be at least 3D.')
    if unroll and inputs.shape[1] is None:
        raise ValueError('Unrolling requires a fixed number of timesteps.')
    if input_length is not None and inputs.shape[1] is not None and inputs.shape[1] != input_length:
        raise ValueError(f'K.rnn: expected inputs of input_length {input_length} steps, got shape {tuple(inputs.shape)}')
    x = ops.swapaxes(inputs, 0, 1)
    if go_backwards:
        x = ops.flip(x, 0)
    holds = None
    if mask is not None:
        if len(mask.shape) == 3 and mask.shape[-1] == 1:
            mask = ops.squeeze(mask, -1)
        mask = mask if core.dtype_of(mask) == 'bool' else ops.not_equal(mask, 0)
        holds = ops.swapaxes(mask, 0, 1)
        holds = ops.flip(holds, 0) if go_backwards else holds

    def chosen(m, new, old):
        for _ in range(len(new.shape) - len(m.shape)):
            m = ops.expand_dims(m, -1)
        return ops.where(m, new, old)

    before = None
    if holds is not None:
        output, _ = step_function(x[0], [*states, *constants])
        if unroll or tuple(output.shape) != tuple(states[0].shape):
            before = ops.zeros_like(output)

    def round_(carry, row):
        states, before = carry
        now, m = row
        output, new = step_function(now, [*states, *constants])
        new = [as_symbol(s) for s in new]
        if m is not None:
            output = chosen(m, output, states[0] if before is None else before)
            new = [chosen(m, n, s) for n, s in zip(new, states)]
        return (new, None if before is None else output), output

    (last, _), outputs = ops.scan(round_, (states, before), (x, holds))
    return outputs[-1], ops.swapaxes(outputs, 0, 1), list(last)
