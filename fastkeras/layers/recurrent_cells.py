"""Cells: what one step of SimpleRNN, GRU and LSTM computes.

A cell is called with the inputs of one step and a list of states, and gives (outputs, new states). A recurrent layer asks a
cell of this file for more: `before_loop` does at once for all steps what needs no state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import activations, constraints, initializers, ops, regularizers
from fastkeras.generation import IMPLEMENTATION, RECURRENT_ACTIVATION, RESET_AFTER, chosen, shown
from fastkeras.runtime import SeedGenerator, active_trace

from .base import Layer
from .checks import as_float, count, last_axis, number
from .input_spec import title

__all__ = ['GRUCell', 'LSTMCell', 'SimpleRNNCell']


def given(scope):
    """The arguments of an __init__, those of its **kwargs too, from its locals() at the beginning."""
    named = {k: v for k, v in scope.items() if k not in ('self', 'kwargs', '__class__')}
    return {**named, **scope['kwargs']}


class _RecurrentCell(Layer):
    """Base of the cells here. gates: how many blocks of `units` columns the kernels have. output_state: which of the states
    is the output."""

    gates = 1
    output_state = 0
    _size = 'units'     # what the argument is called
    _attributes = ('units', 'activation', 'use_bias', 'kernel_initializer', 'recurrent_initializer', 'bias_initializer',
                   'kernel_regularizer', 'recurrent_regularizer', 'bias_regularizer', 'kernel_constraint',
                   'recurrent_constraint', 'bias_constraint', 'dropout', 'recurrent_dropout')

    def __init__(self, units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
                 kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
                 bias_constraint, dropout, recurrent_dropout, seed, recurrent_activation=None, implementation=None,
                 **kwargs):
        super().__init__(**kwargs)
        self.units = count(self, self._size, units)
        self.activation = activations.get(activation)
        if recurrent_activation is not None:
            self.recurrent_activation = activations.get(chosen(recurrent_activation))
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = number(self, 'dropout', dropout, 0, 1)
        self.recurrent_dropout = number(self, 'recurrent_dropout', recurrent_dropout, 0, 1)
        self.seed = seed
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = SeedGenerator(seed)
        self.implementation = 2 if implementation is None else chosen(implementation)
        if self.implementation not in (0, 1, 2):
            raise ValueError(f'{title(self)}: expected implementation to be 1 or 2, got {implementation!r}')
        if not self.implementation or recurrent_dropout and chosen(IMPLEMENTATION) == 2:
            self.implementation = 1     # 0 means that in Keras 2; Keras 3 has no other way to drop the state
        self.state_size = self.output_size = self.units
        self._kept = {}         # masks that were asked for

    # ---- weights
    def build(self, input_shape: Any) -> None:
        size = last_axis(self, input_shape[0] if isinstance(input_shape, list) else input_shape)
        self.kernel = self._weight('kernel', (size, self.gates * self.units))
        self.recurrent_kernel = self._weight('recurrent_kernel', (self.units, self.gates * self.units), 'recurrent')
        self.bias = self._bias() if self.use_bias else None
        self.built = True

    def _bias(self):
        return self._weight('bias', (self.gates * self.units,))

    def get_initial_state(self, batch_size: Any = None, inputs: Any = None, dtype: Any = None) -> Any:
        """Zeros (batch, units), one for each state. inputs: a tensor whose first axis is the batch, where no batch_size is
        given."""
        if batch_size is None:
            batch_size = inputs.shape[0]
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return [ops.zeros((batch_size, n), dtype or self.compute_dtype) for n in sizes]

    # ---- dropout
    def _masks(self, batch, size, rate, training):
        """What the inputs of the gates are multiplied by, one mask for each or, with implementation 2, one for all; None
        outside of training. A rate of 1 drops nothing, as in both Kerases."""
        if not training or not 0 < rate < 1:
            return None
        return [ops.dropout_mask((batch, size), rate, dtype=self.compute_dtype, seed=self.seed_generator.next())
                for _ in range(self.gates if self.implementation == 1 else 1)]

    def get_dropout_mask(self, step_input: Any) -> Any:
        """A mask for the inputs (batch, features) of a step: a tensor or, with implementation 1, a list of one for each gate;
        None where nothing is dropped. On arrays it stays the same until `reset_dropout_mask`."""
        return self._mask('inputs', step_input, self.dropout)

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The same for the output of the last step."""
        return self._mask('state', step_input, self.recurrent_dropout)

    def reset_dropout_mask(self) -> None:
        """Let the next get_dropout_mask draw another mask. A recurrent layer draws by itself, once for each call."""
        self._kept.pop('inputs', None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Let the next get_recurrent_dropout_mask draw another mask."""
        self._kept.pop('state', None)

    def _mask(self, which, x, rate):
        if active_trace() is None and which in self._kept:
            return self._kept[which]
        masks = self._masks(*x.shape, rate, True)
        masks = masks if masks is None or self.implementation == 1 and self.gates > 1 else masks[0]
        if active_trace() is None:
            self._kept[which] = masks
        return masks

    # ---- products
    def _product(self, x, kernel, masks, first=0, end=None):
        """x times the columns of the gates first … end of a kernel, x dropped by the masks of the gates."""
        end = self.gates if end is None else end
        if masks is None or len(masks) == 1:
            x = x if masks is None else x * masks[0]
            return ops.matmul(x, self._columns(kernel, first, end))
        parts = [ops.matmul(x * masks[k], self._columns(kernel, k, k + 1)) for k in range(first, end)]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)

    def _columns(self, x, first, end):
        """The columns of the gates first … end."""
        if end - first == self.gates:
            return x
        return x[..., first * self.units:end * self.units]

    def before_loop(self, sequences: Any, training: Any = None) -> Any:
        """(rows, step) for inputs (steps, batch, features): rows[t] is what the function step(row, states) takes for step t.
        The product with the kernel is one for all steps."""
        if len(sequences.shape) != 3:
            raise ValueError(f'{title(self)}: expected steps of shape (batch, features), got {tuple(sequences.shape[1:])}')
        batch, size = sequences.shape[1:]
        masks = self._masks(batch, size, self.dropout, training)
        recurrent = self._masks(batch, self.units, self.recurrent_dropout, training)
        kernel, inner = self._kernels()
        rows = self._product(as_float(self, sequences), kernel, masks)
        bias = self._input_bias()
        if bias is not None:
            rows = rows + bias
        return rows, lambda row, states: self._step(row, states, inner, recurrent)

    def _kernels(self):
        """(the matrix of the inputs, that of the state)."""
        return self.kernel, self.recurrent_kernel

    def _input_bias(self):
        return self.bias

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        rows, step = self.before_loop(ops.expand_dims(inputs, 0), training)
        many = isinstance(states, (list, tuple))
        wanted = len(self.state_size) if isinstance(self.state_size, tuple) else 1
        if (len(states) if many else 1) != wanted:
            raise ValueError(f'{title(self)}: expected states to be a list of {wanted}, got {len(states) if many else 1}')
        output, new = step(rows[0], [as_float(self, s) for s in (states if many else [states])])
        return output, new if many else new[0]

    def get_config(self) -> dict[str, Any]:
        seed = () if self.seed is None else ('seed',)
        return self._config_with(*self._attributes, *seed)


class SimpleRNNCell(_RecurrentCell):
    """The cell of SimpleRNN: output = activation(inputs · kernel + state · recurrent_kernel + bias), which is the new state.

    units: size of output and state. dropout, recurrent_dropout: shares of the inputs and of the state that are 0 in training.
    seed: of these. Weights: kernel (features, units), recurrent_kernel (units, units), bias (units,).
    """

    def __init__(self, units: int, activation: Any = 'tanh', use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(**given(locals()))

    def _step(self, row, states, kernel, masks):
        h = self.activation(row + self._product(states[0], kernel, masks))
        return h, [h]


class GRUCell(_RecurrentCell):
    """The cell of GRU (Cho et al. 2014): gates z, r; candidate c = activation(x + r · h); the state becomes
    z · h + (1 - z) · c.

    units: size of output and state. recurrent_activation: of the gates; hard_sigmoid unless generation 3 is set, then
    sigmoid. reset_after: whether r comes behind the product with the recurrent kernel, as in cuDNN, or before it (Keras 2's
    default). dropout, recurrent_dropout, seed: as SimpleRNNCell. implementation: 1 drops other inputs for each gate, 2 the
    same for all. Weights, columns in the order z, r, c: kernel (features, 3 · units), recurrent_kernel (units, 3 · units),
    bias (3 · units,), with reset_after (2, 3 · units): of the inputs, of the state.
    """

    gates = 3
    _attributes = (*_RecurrentCell._attributes, 'recurrent_activation', 'implementation', 'reset_after')

    @shown
    def __init__(self, units: int, activation: Any = 'tanh', recurrent_activation: Any = RECURRENT_ACTIVATION,
                 use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform',
                 recurrent_initializer: Any = 'orthogonal', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, implementation: int = IMPLEMENTATION,
                 reset_after: bool = RESET_AFTER, seed: Any = None, **kwargs: Any) -> None:
        arguments = given(locals())
        reset_after = chosen(arguments.pop('reset_after'))
        if reset_after not in (True, False):
            raise ValueError(f'GRUCell: expected reset_after to be True or False, got {reset_after!r}')
        self.reset_after = bool(reset_after)
        super().__init__(**arguments)

    def _bias(self):
        return self._weight('bias', (2, 3 * self.units) if self.reset_after else (3 * self.units,))

    def _input_bias(self):
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def _state_bias(self):
        return self.bias[1]

    def _step(self, row, states, kernel, masks):
        h = states[0]
        if self.reset_after:
            inner = self._product(h, kernel, masks)
            if self.bias is not None:
                inner = inner + self._state_bias()
            gates = self.recurrent_activation(self._columns(row, 0, 2) + self._columns(inner, 0, 2))
            z, r = self._columns(gates, 0, 1), self._columns(gates, 1, 2)
            c = r * self._columns(inner, 2, 3)
        else:
            gates = self.recurrent_activation(self._columns(row, 0, 2) + self._product(h, kernel, masks, 0, 2))
            z, r = self._columns(gates, 0, 1), self._columns(gates, 1, 2)
            last = masks if masks is None or len(masks) == 1 else masks[2:]
            kept = h if last is None else h * last[0]
            c = ops.matmul(r * kept, self._columns(kernel, 2, 3))
        c = self.activation(self._columns(row, 2, 3) + c)
        if masks is not None and self.implementation == 2:
            h = h * masks[0]
        h = z * h + (1.0 - z) * c
        return h, [h]


class LSTMCell(_RecurrentCell):
    """The cell of LSTM (Hochreiter and Schmidhuber 1997): gates i, f, o; c becomes f · c + i · activation(candidate), and the
    output, which is the first state, o · activation(c).

    units: size of the output and of both states. recurrent_activation: of the gates; hard_sigmoid unless generation 3 is set,
    then sigmoid. unit_forget_bias: the bias of f begins at 1. dropout, recurrent_dropout, seed, implementation: as GRUCell.
    Weights, columns in the order i, f, candidate, o: kernel (features, 4 · units), recurrent_kernel (units, 4 · units), bias
    (4 · units,).
    """

    gates = 4
    _attributes = (*_RecurrentCell._attributes, 'recurrent_activation', 'implementation', 'unit_forget_bias')

    @shown
    def __init__(self, units: int, activation: Any = 'tanh', recurrent_activation: Any = RECURRENT_ACTIVATION,
                 use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform',
                 recurrent_initializer: Any = 'orthogonal', bias_initializer: Any = 'zeros', unit_forget_bias: bool = True,
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, implementation: int = IMPLEMENTATION,
                 seed: Any = None, **kwargs: Any) -> None:
        arguments = given(locals())
        self.unit_forget_bias = bool(arguments.pop('unit_forget_bias'))
        super().__init__(**arguments)
        self.state_size = (self.units, self.units)

    def _bias(self):
        return self._bias_of(4, forget=1)

    def _bias_of(self, blocks, forget):
        """A bias of so many blocks of `units`, of which the one of this number is the forget gate's."""
        initializer = self.bias_initializer
        if self.unit_forget_bias:
            initializer = forget_one(initializer, self.units, forget)
        return self.add_weight('bias', (blocks * self.units,), initializer=initializer, regularizer=self.bias_regularizer,
                               constraint=self.bias_constraint)

    def _step(self, row, states, kernel, masks):
        h, c = states
        z = row + self._product(h, kernel, masks)
        i, f, new, o = (self._columns(z, k, k + 1) for k in range(4))
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(new)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]


def forget_one(initializer, units, block):
    """An initializer of a bias, whose block of `units` of this number is 1, and the parts before and behind it are made by
    `initializer`."""
    def bias(shape, dtype=None):
        first, behind = block * units, shape[0] - (block + 1) * units
        return np.concatenate([initializer((first,), dtype=dtype), np.ones(units, dtype),
                               initializer((behind,), dtype=dtype)])
    return bias
