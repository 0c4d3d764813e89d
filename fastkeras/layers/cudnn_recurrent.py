"""CuDNNGRU and CuDNNLSTM: GRU and LSTM under the weights that cuDNN takes, so that models made for it run here."""

from __future__ import annotations

from typing import Any

from fastkeras import ops

from .input_spec import title
from .recurrent_cells import GRUCell, LSTMCell, given
from .recurrent_layers import _OwnCell, cell_attributes

__all__ = ['CuDNNGRU', 'CuDNNLSTM']

_WEIGHTS = ('units', 'kernel_initializer', 'recurrent_initializer', 'bias_initializer', 'kernel_regularizer',
            'recurrent_regularizer', 'bias_regularizer', 'kernel_constraint', 'recurrent_constraint', 'bias_constraint')


def _turned(kernel, gates):
    """The matrix of all gates that a kernel of cuDNN stands for. cuDNN reads the numbers of each gate's block (size, units),
    row after row, as a matrix (units, size)."""
    size, units = kernel.shape[0], kernel.shape[1] // gates
    blocks = ops.transpose(ops.reshape(kernel, (size, gates, units)), (1, 0, 2))
    return ops.reshape(ops.transpose(ops.reshape(blocks, (gates, units, size)), (2, 0, 1)), (size, gates * units))


class _CuDNNCell:
    """What both cells have of cuDNN's: the order of the numbers in the kernels, and two biases in a row."""

    def _kernels(self):
        return _turned(self.kernel, self.gates), _turned(self.recurrent_kernel, self.gates)

    def _half(self, k):
        n = self.gates * self.units
        return self.bias[k * n:(k + 1) * n]


class _CuDNNGRUCell(_CuDNNCell, GRUCell):
    _attributes = _WEIGHTS

    def __init__(self, units, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
                 recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint,
                 **kwargs):
        super().__init__(recurrent_activation='sigmoid', reset_after=True, **given(locals()))

    def _bias(self):
        return self._weight('bias', (6 * self.units,))

    def _input_bias(self):
        return self._half(0)

    def _state_bias(self):
        return self._half(1)


class _CuDNNLSTMCell(_CuDNNCell, LSTMCell):
    _attributes = (*_WEIGHTS, 'unit_forget_bias')

    def __init__(self, units, kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
                 kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
                 bias_constraint, **kwargs):
        super().__init__(recurrent_activation='sigmoid', **given(locals()))

    def _bias(self):
        return self._bias_of(8, forget=5)

    def _input_bias(self):
        return self._half(0) + self._half(1)


class _CuDNNRNN(_OwnCell):
    """Base of both: no masks, no argument for activations or dropout."""

    supports_masking = False
    _exactly = 3
    _flags = tuple(f for f in _OwnCell._flags if f != 'unroll')

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        if mask is not None and any(m is not None for m in (mask if isinstance(mask, (list, tuple)) else [mask])):
            raise ValueError(f'{title(self)}: it takes no mask, as in Keras 2; {type(self).__name__[5:]} does, with '
                             f'recurrent_activation=\'sigmoid\'')
        return super().call(inputs, training=training, initial_state=initial_state)

    kernel = property(lambda self: self.cell.kernel, doc='The kernel of the inputs, in the order of cuDNN.')
    recurrent_kernel = property(lambda self: self.cell.recurrent_kernel, doc='The kernel of the state.')
    bias = property(lambda self: self.cell.bias, doc='The biases of the inputs, then those of the state.')


@cell_attributes
class CuDNNGRU(_CuDNNRNN):
    """The network of GRU(units, recurrent_activation='sigmoid', reset_after=True), with the weights in the order of cuDNN:
    kernel (features, 3 · units) and recurrent_kernel (units, 3 · units), of which each gate's block holds the rows of a matrix
    (units, features), and bias (6 · units,): of the inputs, of the state.

    Arguments as GRU; no dropout, no masks (ValueError). Runs on the CPU like all layers here. go_backwards: as RNN.
    """

    cell_class = _CuDNNGRUCell

    def __init__(self, units: int, kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None, return_sequences: bool = False,
                 return_state: bool = False, stateful: bool = False, **kwargs: Any) -> None:
        super().__init__(given(locals()))


@cell_attributes
class CuDNNLSTM(_CuDNNRNN):
    """The network of LSTM(units, recurrent_activation='sigmoid'), with the weights in the order of cuDNN: kernel (features,
    4 · units) and recurrent_kernel (units, 4 · units), of which each gate's block holds the rows of a matrix (units,
    features), and bias (8 · units,), whose halves are added.

    Arguments as LSTM; no dropout, no masks (ValueError). Runs on the CPU like all layers here. go_backwards: as RNN.
    """

    cell_class = _CuDNNLSTMCell

    def __init__(self, units: int, kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 return_sequences: bool = False, return_state: bool = False, stateful: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(given(locals()))
