"""Locally connected layers: convolutions whose weights are not shared between places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras import constraints, initializers, ops, regularizers
from fastkeras.ops.windows import spatial, taps, windows

from .checks import as_float, count
from .input_spec import title
from .sliding import _Sliding

__all__ = ['LocallyConnected1D', 'LocallyConnected2D']


class _LocallyConnected(_Sliding):
    """The kernel, by `implementation`: 1: [places, elements of a window, filters]; 2: [*input, *output], dense, of which
    what no window meets counts for nothing; 3: the numbers of that which count, by output, then input."""

    def __init__(self, filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
                 bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
                 bias_constraint, implementation, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = count(self, 'filters', filters)
        self._set(kernel_size, strides, padding, data_format, 1, activation, use_bias, bias_initializer, bias_regularizer,
                  bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        if implementation not in (1, 2, 3):
            raise ValueError(f'{title(self)}: expected implementation to be 1, 2 or 3, got {implementation!r}')
        self.implementation = implementation
        if implementation == 1 and self.padding != 'valid':
            raise ValueError(f"{title(self)}: expected padding to be 'valid' (or implementation to be 2 or 3), got "
                             f'{self.padding!r}')

    def build(self, input_shape):
        channels, size = self._channels(input_shape), spatial(input_shape, self.data_format)
        if None in size:
            raise ValueError(f'{title(self)}: expected an input of known size, since each place has its own weights, got '
                             f'shape {tuple(input_shape)}')
        places = spatial(self._output(input_shape, self.filters), self.data_format)
        if self.implementation == 1:
            shape = (math.prod(places), math.prod(self.kernel_size) * channels, self.filters)
        elif self.implementation == 2:
            shape = (*input_shape[1:], *self._output(input_shape, self.filters)[1:])
            self._mask = self._dense_mask(size, channels).reshape(shape)
        else:
            self._indices, total = self._sparse_indices(size, channels)
            shape = (total,)
        self.kernel = self._weight('kernel', shape)
        self.bias = self._weight('bias', (*places, self.filters)) if self.use_bias else None
        self.input_spec = type(self.input_spec)(ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.built = True

    def _pairs(self, size):
        """(place, element of the window, pixel of the input) of all pixels that windows meet, as three arrays."""
        g = windows(size, self.kernel_size, self.strides, self.padding)
        around = np.full([n + k + s for n, k, s in zip(size, self.kernel_size, self.strides)], -1)
        around = np.pad(around, [(b, 0) for b in g.before], constant_values=-1)
        around[tuple(slice(b, b + n) for b, n in zip(g.before, size))] = np.arange(math.prod(size)).reshape(size)
        pixels = np.stack([around[index[1:]].reshape(-1) for _, index in taps(g)], 1)    # [places, window]
        places, window = np.nonzero(pixels >= 0)
        return places, window, pixels[places, window], pixels.shape

    def _numbered(self, at, channel, n, channels):
        """Where a channel of a place stands in a flat input or output."""
        return at * channels + channel if self.data_format == 'channels_last' else channel * n + at

    def _dense_mask(self, size, channels):
        places, _, pixels, (total, _) = self._pairs(size)
        mask = np.zeros((math.prod(size) * channels, total * self.filters), np.float32)
        for c in range(channels):
            rows = self._numbered(pixels, c, math.prod(size), channels)
            for f in range(self.filters):
                mask[rows, self._numbered(places, f, total, self.filters)] = 1
        return mask

    def _sparse_indices(self, size, channels):
        """For the kernel of implementation 1, which number of implementation 3 is meant, one more than there are for 0;
        and how many there are."""
        places, window, pixels, (total, taps_) = self._pairs(size)
        p, c, f = (a.reshape(-1) for a in np.meshgrid(np.arange(len(places)), np.arange(channels), np.arange(self.filters),
                                                      indexing='ij'))
        outputs = self._numbered(places[p], f, total, self.filters)
        order = np.lexsort((self._numbered(pixels[p], c, math.prod(size), channels), outputs))
        element = window[p] * channels + c if self.data_format == 'channels_last' else c * taps_ + window[p]
        indices = np.full((total, taps_ * channels, self.filters), len(order), np.int32)
        indices[places[p][order], element[order], f[order]] = np.arange(len(order))
        return indices, len(order)

    def call(self, inputs):
        x = as_float(self, inputs)
        if self.implementation == 2:
            out = self._output(tuple(x.shape), self.filters)[1:]
            kernel = ops.reshape(self.kernel * ops.cast(self._mask, self.kernel.dtype), (-1, math.prod(out)))
            y = ops.reshape(ops.matmul(ops.reshape(x, (-1, math.prod(x.shape[1:]))), kernel), (-1, *out))
        else:
            kernel = self.kernel
            if self.implementation == 3:
                kernel = ops.take(ops.concatenate([kernel, ops.zeros((1,), kernel.dtype)]), self._indices)
            y = ops.unshared_conv(x, kernel, self.kernel_size, self.strides, self.padding, self.data_format)
        if self.bias is not None:
            bias = self.bias
            if self.data_format == 'channels_first':
                # the numbers in their order, as Keras 2 takes them: its files mean that
                bias = ops.reshape(bias, (self.filters, *bias.shape[:-1]))
            y = y + bias
        return self.activation(y)

    def compute_output_shape(self, input_shape):
        return self._output(input_shape, self.filters)

    def get_config(self):
        shown = self.rank > 1 or self.data_format != 'channels_last'
        return self._config_with('filters', 'kernel_size', 'strides', 'padding', *(['data_format'] if shown else []),
                                 'activation', 'use_bias', 'kernel_initializer', 'bias_initializer', 'kernel_regularizer',
                                 'bias_regularizer', 'activity_regularizer', 'kernel_constraint', 'bias_constraint',
                                 *(['implementation'] if self.implementation != 1 else []))


class LocallyConnected1D(_LocallyConnected):
    """As Conv1D of sequences (batch, steps, channels), with other weights at each step of the result.

    padding: 'valid', or 'same' with implementation 2 or 3. data_format: 'channels_last', also by default, or
    'channels_first'. implementation: 1 keeps the weights of each window; 2 keeps a matrix from all inputs to all outputs,
    fit for short sequences alone; 3 keeps one list of the numbers in it that count. Kernel [new steps, kernel_size ·
    channels, filters] (implementation 1), bias [new steps, filters]. The steps of the input must be known.
    """

    rank = 1

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: Any = 'valid', data_format: Any = None,
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform',
                 bias_initializer: Any = 'zeros', kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 implementation: int = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format or 'channels_last', activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, implementation, **kwargs)


class LocallyConnected2D(_LocallyConnected):
    """As Conv2D of images, with other weights at each place of the result. See LocallyConnected1D.

    Kernel [new rows · new columns, elements of a window, filters] (implementation 1), where the elements run over rows,
    columns, channels, or channels_first over channels, rows, columns; bias [new rows, new columns, filters].
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: Any = 'valid',
                 data_format: Any = None, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros', kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, implementation: int = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
                         bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
                         bias_constraint, implementation, **kwargs)
