"""The recurrent layers that only Caffe has: sequences go through them one behind the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import ops
from fastkeras.layers import Layer
from fastkeras.layers.checks import as_float, count
from fastkeras.layers.input_spec import title

from .caffe_windows import described

__all__ = ['CaffeLSTM', 'CaffeRNN']


class _Marked(Layer):
    """What both have in common: inputs, and what of the gates needs no state.

    Inputs: sequences (samples, steps, features); marks (samples, steps), 0 where a sequence begins, else 1; with static=True
    also features of all steps, (samples, features). Result (samples, steps, units).
    """

    gates = 1

    def __init__(self, units: int, static: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.static = count(self, 'units', units), bool(static)

    def build(self, input_shape: Any) -> None:
        shapes = self._checked(input_shape)
        wide = self.gates * self.units
        self.kernel = self.add_weight('kernel', (shapes[0][2], wide))
        self.bias = self.add_weight('bias', (wide,), initializer='zeros')
        self.static_kernel = self.add_weight('static_kernel', (shapes[2][1], wide)) if self.static else None
        self.recurrent_kernel = self.add_weight('recurrent_kernel', (self.units, wide), initializer='orthogonal')
        self._more_weights()
        self.built = True

    def _more_weights(self):
        """Weights behind those that both have."""

    def _checked(self, shapes):
        shapes = [tuple(s) for s in shapes]
        if len(shapes) != 2 + self.static or [len(s) for s in shapes] != [3, 2, 2][:len(shapes)] or any(
                None not in (a, b) and a != b for a, b in zip(shapes[0][:2], shapes[1])):
            raise ValueError(f'{title(self)}: expected sequences (samples, steps, features), marks (samples, steps)'
                             f'{" and features (samples, features)" if self.static else ""}, got shapes {shapes}')
        return shapes

    def call(self, inputs: Any) -> Any:
        x, marks = as_float(self, inputs[0]), as_float(self, inputs[1])
        shape = self.compute_output_shape([tuple(v.shape) for v in inputs])
        if None in shape[:2]:
            return described(self, shape, x.dtype)
        given = ops.matmul(x, self.kernel) + self.bias
        if self.static:
            given = given + ops.expand_dims(ops.matmul(as_float(self, inputs[2]), self.static_kernel), 1)
        zeros = ops.broadcast_to(np.zeros((1, self.units), x.dtype), (x.shape[0], self.units))
        rows = ops.transpose(given, (1, 0, 2)), ops.expand_dims(ops.transpose(marks, (1, 0)), 2)
        return ops.transpose(self._scanned(zeros, rows), (1, 0, 2))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*self._checked(input_shape)[0][:2], self.units)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('units', *(['static'] if self.static else []))


class CaffeLSTM(_Marked):
    """LSTM (Hochreiter and Schmidhuber 1997) whose states begin anew where a mark says so (Donahue et al. 2015).

    Gates of the weights: input, forget, output, new values. Weights: kernel [features, 4 · units], bias, static_kernel,
    recurrent_kernel. Inputs: sequences, marks and, with static=True, features of all steps.
    """

    gates = 4

    def _scanned(self, zeros, rows):
        def step(states, row):
            h, c = states
            given, mark = row
            gates = given + ops.matmul(h * mark, self.recurrent_kernel)
            i, f, o, g = ops.split(gates, 4, axis=-1)
            c = ops.sigmoid(f) * (c * mark) + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(c)
            return (h, c), h
        return ops.scan(step, (zeros, zeros), rows)[1]


class CaffeRNN(_Marked):
    """h = tanh(x · kernel + bias + mark · h · recurrent_kernel) of each step, and of it tanh(h · output_kernel + output_bias).

    h begins anew where a mark says so. Inputs: sequences, marks and, with static=True, features of all steps.
    """

    def _more_weights(self):
        self.output_kernel = self.add_weight('output_kernel', (self.units, self.units))
        self.output_bias = self.add_weight('output_bias', (self.units,), initializer='zeros')

    def _scanned(self, zeros, rows):
        def step(h, row):
            given, mark = row
            h = ops.tanh(given + ops.matmul(h * mark, self.recurrent_kernel))
            return h, h
        return ops.tanh(ops.matmul(ops.scan(step, zeros, rows)[1], self.output_kernel) + self.output_bias)
