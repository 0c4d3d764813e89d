"""Recurrent layers whose products are convolutions: ConvLSTM of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.generation import RECURRENT_ACTIVATION
from fastkeras.ops.tensor import Tensor
from fastkeras.ops.windows import spatial
from fastkeras.utils import nest

from .base import InputSpec
from .checks import as_float, last_axis, numbers, one_of, window_counts, with_spatial
from .folding import folded, shaped
from .input_spec import title
from .recurrent_cells import LSTMCell, given
from .recurrent_layers import _OwnCell, cell_attributes
from .rnn import RNN

__all__ = ['ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM2DCell', 'ConvLSTM3D', 'ConvRNN2D']


def output_of(cell, shape, channels):
    """The shape of what a cell makes of the inputs of one step, (batch, …), with so many channels."""
    sizes = window_counts(cell, spatial(shape, cell.data_format), cell.kernel_size, cell.strides, cell.padding,
                          cell.dilation_rate)
    return with_spatial(shape, sizes, cell.data_format, channels)


class _ConvLSTMCell(LSTMCell):
    """The cell of ConvLSTM, of images of `rank` axes."""

    rank = 2
    _size = 'filters'
    _attributes = ('filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate', 'activation',
                   'recurrent_activation', 'use_bias', 'kernel_initializer', 'recurrent_initializer', 'bias_initializer',
                   'unit_forget_bias', 'kernel_regularizer', 'recurrent_regularizer', 'bias_regularizer',
                   'kernel_constraint', 'recurrent_constraint', 'bias_constraint', 'dropout', 'recurrent_dropout')

    def __init__(self, filters, kernel_size, strides=1, padding='valid', data_format=None, dilation_rate=1,
                 activation='tanh', recurrent_activation=RECURRENT_ACTIVATION, use_bias=True,
                 kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal', bias_initializer='zeros',
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, seed=None, **kwargs):
        arguments = given(locals())
        windows = [arguments.pop(k) for k in ('kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate')]
        # each gate has a mask of its own, as in both Kerases
        super().__init__(arguments.pop('filters'), **arguments, implementation=1)
        kernel_size, strides, padding, data_format, dilation_rate = windows
        self.filters = self.units
        self.kernel_size = numbers(self, 'kernel_size', kernel_size, self.rank)
        self.strides = numbers(self, 'strides', strides, self.rank)
        self.padding = one_of(self, 'padding', padding, ('valid', 'same'))
        self.data_format = settings.standardize_data_format(data_format)
        self.dilation_rate = numbers(self, 'dilation_rate', dilation_rate, self.rank)
        self._shape = None      # of the inputs of a step

    @property
    def _channels(self):
        return 1 if self.data_format == 'channels_first' else -1

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        size = last_axis(self, shape, self._channels)
        self._shape = tuple(shape)
        self.kernel = self._weight('kernel', (*self.kernel_size, size, 4 * self.filters))
        self.recurrent_kernel = self._weight('recurrent_kernel', (*self.kernel_size, self.filters, 4 * self.filters),
                                             'recurrent')
        self.bias = self._bias() if self.use_bias else None
        self.built = True

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Two tensors of zeros, of the shape of the output. inputs: of one step or of several; without them the sizes are
        those the cell was built for."""
        if inputs is None and self._shape is None:
            raise ValueError(f'{title(self)}: the shape of its states follows from its inputs; give them, or build it first')
        shape = (self._shape if inputs is None else tuple(inputs.shape))[-self.rank - 1:]
        batch = inputs.shape[0] if batch_size is None else batch_size
        return [zeros(output_of(self, (batch, *shape), self.filters), dtype or self.compute_dtype) for _ in range(2)]

    def _image_masks(self, shape, rate, training):
        if not training or not 0 < rate < 1:
            return None
        return [ops.dropout_mask(shape, rate, dtype=self.compute_dtype, seed=self.seed_generator.next()) for _ in range(4)]

    def _convolved(self, x, masks, kernel, strides=1, padding='same', dilation_rate=1):
        """x, for each gate times its mask, convolved with the kernel."""
        def conv(x, kernel):
            return ops.conv(x, kernel, strides, padding, self.data_format, dilation_rate)
        if masks is None:
            return conv(x, kernel)
        parts = [kernel[..., k * self.filters:(k + 1) * self.filters] for k in range(4)]
        return ops.concatenate([conv(x * m, part) for m, part in zip(masks, parts)], axis=self._channels)

    def input_conv(self, x: Any, w: Any, b: Any = None, padding: str = 'valid') -> Any:
        """x convolved with w as the inputs are, plus the bias b."""
        y = self._convolved(x, None, w, self.strides, padding, self.dilation_rate)
        return y if b is None else y + self._beside(b)

    def recurrent_conv(self, x: Any, w: Any) -> Any:
        """x convolved with w as the state is."""
        return self._convolved(x, None, w)

    def _beside(self, bias):
        """A bias of the channels, of a shape that goes with images."""
        return ops.reshape(bias, (-1,) + (1,) * self.rank) if self._channels == 1 else bias

    def before_loop(self, sequences: Any, training: Any = None) -> Any:
        """As that of the other cells: the convolution of the inputs is one for all steps."""
        x = as_float(self, sequences)
        steps, step = x.shape[0], tuple(x.shape[1:])
        masks = self._image_masks(step, self.dropout, training)
        if masks is not None:       # the same for all steps
            masks = [folded(ops.broadcast_to(m, x.shape)) for m in masks]
        rows = self._convolved(folded(x), masks, self.kernel, self.strides, self.padding, self.dilation_rate)
        if self.bias is not None:
            rows = rows + self._beside(self.bias)
        rows = shaped(rows, (steps, step[0], *rows.shape[1:]))
        recurrent = self._image_masks(output_of(self, step, self.filters), self.recurrent_dropout, training)
        return rows, lambda row, states: self._step(row, states, recurrent)

    def _step(self, row, states, masks):
        h, c = states
        z = row + self._convolved(h, masks, self.recurrent_kernel)
        i, f, new, o = (self._gates(z, k) for k in range(4))
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(new)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]

    def _gates(self, x, k):
        """The channels of gate k."""
        key = slice(k * self.filters, (k + 1) * self.filters)
        return x[:, key] if self._channels == 1 else x[..., key]


def zeros(shape, dtype):
    """Zeros; where a size is unknown, as while a model is described, what has the shape."""
    return Tensor('input', (), {}, shape, dtype) if None in shape else ops.zeros(shape, dtype)


def shapes_of_images(layer, cell, input_shape):
    """What a recurrent layer of images gives. cell: has the attributes of the window, and filters."""
    shape = nest.flatten_shapes(input_shape)[0]
    output = output_of(cell, (shape[0], *shape[2:]), cell.filters)
    states = [output] * len(layer.states) if layer.return_state else []
    if layer.return_sequences:
        output = (*shape[:2], *output[1:])
    return nest.unpack([output, *states])


class ConvLSTM2DCell(_ConvLSTMCell):
    """The cell of ConvLSTM2D (Shi et al. 2015): that of LSTM, with convolutions for its two products.

    Arguments as ConvLSTM2D. Inputs of one step: images in the data format; two states of the shape of the output. Weights,
    channels in the order i, f, candidate, o: kernel (*kernel_size, channels, 4 · filters), recurrent_kernel (*kernel_size,
    filters, 4 · filters), bias (4 · filters,).
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = 'valid',
                 data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = 'tanh',
                 recurrent_activation: Any = RECURRENT_ACTIVATION, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**given(locals()))


class _ConvLSTM1DCell(_ConvLSTMCell):
    rank = 1


class _ConvLSTM3DCell(_ConvLSTMCell):
    rank = 3


class _ConvRNN(RNN):
    """RNN over cells whose inputs, outputs and states are images of `rank` axes."""

    rank = 2

    def __init__(self, cell, return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
                 **kwargs):
        if isinstance(cell, (list, tuple)):
            raise ValueError(f'{type(self).__name__}: expected one cell, got a list of {len(cell)}; put several layers on top '
                             f'of each other')
        if kwargs.get('time_major'):
            raise ValueError(f'{type(self).__name__}: expected time_major to be False: images come batch first')
        for name in ('data_format', 'kernel_size', 'strides', 'padding', 'dilation_rate'):
            if not hasattr(cell, name):
                raise ValueError(f'{type(self).__name__}: expected a cell with an attribute {name}, as ConvLSTM2DCell has it, '
                                 f'got {cell!r:.80}')
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)
        self._ndim = self.rank + 3
        self._sequences = ('(batch, steps, rows, channels)', '(batch, steps, rows, columns, channels)',
                           '(batch, steps, depth, rows, columns, channels)')[self.rank - 1]
        self.input_spec = [InputSpec(ndim=self._ndim)]

    def _make_states(self, batch, step):
        if None in step[1:]:
            raise ValueError(f'{title(self)}: a stateful layer needs inputs of known sizes, got steps of shape {tuple(step)}; '
                             f'give batch_input_shape={self._sequences} to the first layer of a Sequential model, or '
                             f'batch_shape to Input')
        super()._make_states(batch, step)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The states in which a batch begins that is given none, a list: zeros, of the shape of the output, in each as many
        channels as the cell's state_size says. inputs: the sequences, or a batch size (Keras 3)."""
        if isinstance(inputs, (int, np.integer)):
            inputs, batch_size = None, int(inputs)
        shape = list(self.input_spec[0].shape if inputs is None else inputs.shape)
        del shape[1]
        shape[0] = shape[0] if batch_size is None else batch_size
        channels = self.cell.state_size if isinstance(self.cell.state_size, (list, tuple)) else [self.cell.state_size]
        return [zeros(output_of(self.cell, tuple(shape), n), dtype or self.compute_dtype) for n in channels]

    def compute_output_shape(self, input_shape: Any, initial_state_shape: Any = None) -> Any:
        return shapes_of_images(self, self.cell, input_shape)


class ConvRNN2D(_ConvRNN):
    """A cell applied to the steps of sequences of images (batch, steps, rows, columns, channels), one after another; with
    data_format 'channels_first' (batch, steps, channels, rows, columns).

    cell: as ConvLSTM2DCell, or one of one's own with the attributes data_format, kernel_size, strides, padding,
    dilation_rate and filters, from which the sizes of states and outputs follow, and state_size, the channels of each
    state. The other arguments, and those of a call, as RNN. The result is (batch, rows, columns, filters), with
    return_sequences (batch, steps, rows, columns, filters). Raises ValueError for a list of cells.
    """

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 stateful: bool = False, unroll: bool = False, **kwargs: Any) -> None:
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)


@cell_attributes
class ConvLSTM2D(_OwnCell, ConvRNN2D):
    """LSTM of images, with convolutions for its two products (Shi et al. 2015).

    filters: channels of outputs and states. kernel_size: of both convolutions. strides, padding ('valid' or 'same'),
    dilation_rate: of that of the inputs; that of the state has stride 1 and keeps the size. data_format: 'channels_last',
    sequences (batch, steps, rows, columns, channels), or 'channels_first', (batch, steps, channels, rows, columns); the
    global setting unless given. dropout, recurrent_dropout: shares of the inputs and of the output before that are 0 in
    training, others for each gate, the same for all steps of a batch. The others as LSTM and RNN; weights as ConvLSTM2DCell.
    The result is (batch, rows, columns, filters), with return_sequences (batch, steps, rows, columns, filters).
    """

    cell_class = ConvLSTM2DCell

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = 'valid',
                 data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = 'tanh',
                 recurrent_activation: Any = RECURRENT_ACTIVATION, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 return_sequences: bool = False, go_backwards: bool = False, stateful: bool = False, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, seed: Any = None, return_state: bool = False, **kwargs: Any) -> None:
        super().__init__(given(locals()))


class _ConvLSTM(_OwnCell, _ConvRNN):
    """Base of those that Keras 3 brought, with its order of arguments."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = 'valid',
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = 'tanh',
                 recurrent_activation: Any = RECURRENT_ACTIVATION, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None, return_sequences: bool = False,
                 return_state: bool = False, go_backwards: bool = False, stateful: bool = False, **kwargs: Any) -> None:
        super().__init__(given(locals()))


@cell_attributes
class ConvLSTM1D(_ConvLSTM):
    """ConvLSTM2D for sequences of rows of numbers: (batch, steps, rows, channels) to (batch, rows, filters), with
    return_sequences (batch, steps, rows, filters). Arguments as ConvLSTM2D."""

    rank = 1
    cell_class = _ConvLSTM1DCell


@cell_attributes
class ConvLSTM3D(_ConvLSTM):
    """ConvLSTM2D for sequences of volumes: (batch, steps, depth, rows, columns, channels) to (batch, depth, rows, columns,
    filters), with return_sequences (batch, steps, depth, rows, columns, filters). Arguments as ConvLSTM2D."""

    rank = 3
    cell_class = _ConvLSTM3DCell
