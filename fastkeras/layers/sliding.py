"""What convolutions and locally connected layers share: windows that slide over sequences, images or volumes."""

from fastkeras import activations, constraints, initializers, ops, regularizers
from fastkeras import config as settings
from fastkeras.generation import chosen
from fastkeras.ops.windows import spatial

from .base import InputSpec, Layer
from .checks import last_axis, numbers, one_of, window_counts, with_spatial


class _Sliding(Layer):
    """What all convolutions share: windows, bias and activation. rank: number of spatial axes."""

    rank = 2

    def _set(self, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
             bias_regularizer, bias_constraint, paddings=('valid', 'same')):
        n = self.rank
        self.kernel_size = numbers(self, 'kernel_size', kernel_size, n)
        self.strides = numbers(self, 'strides', strides, n)
        self.padding = one_of(self, 'padding', padding, paddings)
        self.data_format = settings.standardize_data_format(chosen(data_format))
        self.dilation_rate = numbers(self, 'dilation_rate', dilation_rate, n)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=n + 2)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == 'channels_first' else -1

    def _channels(self, input_shape):
        return last_axis(self, input_shape, self._channel_axis)

    def _add_bias_weight(self, size, input_channels):
        self.bias = self._weight('bias', (size,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: input_channels})
        self.built = True

    def _finished(self, y):
        """y with bias and activation."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == 'channels_first':
                bias = ops.reshape(bias, (-1,) + (1,) * self.rank)
            y = y + bias
        return self.activation(y)

    def _output(self, input_shape, filters):
        sizes = window_counts(self, spatial(input_shape, self.data_format), self.kernel_size, self.strides, self.padding,
                              self.dilation_rate)
        return with_spatial(input_shape, sizes, self.data_format, filters)
