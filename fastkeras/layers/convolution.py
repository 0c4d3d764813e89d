"""Convolutions of sequences and images."""

from __future__ import annotations

from typing import Any

from fastkeras import activations, constraints, initializers, ops, regularizers
from fastkeras import config as settings
from fastkeras.ops.windows import spatial

from .base import InputSpec, Layer
from .checks import as_float, count, last_axis, numbers, one_of, window_counts, with_spatial
from .input_spec import title

__all__ = ['Conv1D', 'Conv1DTranspose', 'Conv2D', 'Conv2DTranspose', 'Convolution1D', 'Convolution1DTranspose',
           'Convolution2D', 'Convolution2DTranspose', 'Deconv2D', 'Deconvolution2D', 'DepthwiseConv1D', 'DepthwiseConv2D',
           'DepthwiseConvolution2D', 'SeparableConv1D', 'SeparableConv2D', 'SeparableConvolution1D',
           'SeparableConvolution2D']


class _Windows(Layer):
    """What all convolutions share: windows, bias and activation. rank: number of spatial axes."""

    rank = 2

    def _set(self, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
             bias_regularizer, bias_constraint, paddings=('valid', 'same')):
        n = self.rank
        self.kernel_size = numbers(self, 'kernel_size', kernel_size, n)
        self.strides = numbers(self, 'strides', strides, n)
        self.padding = one_of(self, 'padding', padding, paddings)
        self.data_format = settings.standardize_data_format(data_format)
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


class _Conv(_Windows):
    """Correlation with a kernel [*window, channels / groups, filters]."""

    def __init__(self, filters, kernel_size, strides=1, padding='valid', data_format=None, dilation_rate=1,
                 activation=None, use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros',
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, groups=1, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = count(self, 'filters', filters)
        self.groups = count(self, 'groups', groups)
        if self.filters % self.groups:
            raise ValueError(f'{title(self)}: expected filters to be a multiple of groups={self.groups}, got {filters}')
        self._set(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
                  bias_regularizer, bias_constraint, ('valid', 'same', 'causal')[:3 if self.rank == 1 else 2])
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(f'{title(self)}: expected an input of a multiple of groups={self.groups} channels, got '
                             f'{channels} in the shape {tuple(input_shape)} ({self.data_format})')
        self.kernel = self._weight('kernel', (*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias_weight(self.filters, channels)

    def call(self, inputs):
        return self._finished(ops.conv(as_float(self, inputs), self.kernel, self.strides, self.padding,
                                       self.data_format, self.dilation_rate))

    def compute_output_shape(self, input_shape):
        return self._output(input_shape, self.filters)

    def get_config(self):
        names = ['filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate', 'activation',
                 'use_bias', 'kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'bias_regularizer',
                 'activity_regularizer', 'kernel_constraint', 'bias_constraint']
        return self._config_with(*names, *(['groups'] if self.groups != 1 else []))


class Conv1D(_Conv):
    """Convolution of sequences (batch, steps, channels) with `filters` windows of `kernel_size` steps.

    padding: 'valid', 'same', or 'causal': all zeros before the first step. groups: the channels are split into so many
    parts, each with filters of its own. Result (batch, new steps, filters).
    """

    rank = 1

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: Any = 'valid',
                 data_format: Any = 'channels_last', dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros', kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, groups: Any = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, groups, **kwargs)


class Conv2D(_Conv):
    """Convolution of images (batch, rows, columns, channels), or channels_first, with `filters` windows.

    kernel_size, strides, dilation_rate: a number or (rows, columns). padding: 'valid' or 'same'. groups: the channels
    are split into so many parts, each with filters of its own. Result (batch, new rows, new columns, filters).
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: Any = 'valid',
                 data_format: Any = None, dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros', kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, groups: Any = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, groups, **kwargs)


# ---- transposed

class _ConvTranspose(_Conv):
    """The gradient of a convolution by its input, as a layer: kernel [*window, filters, channels]."""

    def __init__(self, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, *args,
                 **kwargs):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        if self.padding == 'causal' or self.groups != 1:
            raise ValueError(f"{title(self)}: expected padding to be 'valid' or 'same' and groups to be 1, got "
                             f'{self.padding!r} and {self.groups}')
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = numbers(self, 'output_padding', output_padding, self.rank, least=0)
            if any(p >= s for p, s in zip(self.output_padding, self.strides)):
                raise ValueError(f'{title(self)}: expected output_padding below the strides {self.strides}, got '
                                 f'{self.output_padding}')

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.kernel = self._weight('kernel', (*self.kernel_size, self.filters, channels))
        self._add_bias_weight(self.filters, channels)

    def call(self, inputs):
        return self._finished(ops.conv_transpose(as_float(self, inputs), self.kernel, self.strides, self.padding,
                                                 self.output_padding, self.data_format, self.dilation_rate))

    def compute_output_shape(self, input_shape):
        sizes = []
        for k, n in enumerate(spatial(input_shape, self.data_format)):
            window, stride = (self.kernel_size[k] - 1) * self.dilation_rate[k] + 1, self.strides[k]
            same = self.padding == 'same'
            if n is None:
                sizes.append(None)
            elif self.output_padding is None:
                sizes.append(n * stride + (0 if same else max(window - stride, 0)))
            else:
                sizes.append((n - 1) * stride + window + self.output_padding[k] - (2 * (window // 2) if same else 0))
        return with_spatial(input_shape, sizes, self.data_format, self.filters)

    def get_config(self):
        config = super().get_config()
        config['output_padding'] = self.output_padding
        return config


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution of sequences, see Conv2DTranspose."""

    rank = 1

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: Any = 'valid', output_padding: Any = None,
                 data_format: Any = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros', kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
                         use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, **kwargs)


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of images: each element spreads over a window of the larger result.

    strides: how much larger. Under 'same' the result has size · stride rows, under 'valid' size · stride + max(window -
    stride, 0); with output_padding, (size - 1) · stride + window + output_padding, less 2 · (window // 2) under 'same'.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: Any = 'valid',
                 output_padding: Any = None, data_format: Any = None, dilation_rate: Any = (1, 1), activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
                         use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, **kwargs)


# ---- depthwise and separable

class _Depthwise(_Windows):
    """Each channel with `depth_multiplier` windows of its own: kernel [*window, channels, depth_multiplier]."""

    _elsewhere = {**_Windows._elsewhere, 'groups': 1}

    def __init__(self, kernel_size, strides, padding, depth_multiplier, data_format, activation, use_bias,
                 depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
                 depthwise_constraint, bias_constraint, dilation_rate, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
                  bias_regularizer, bias_constraint)
        self.depth_multiplier = count(self, 'depth_multiplier', depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.depthwise_kernel = self._weight('depthwise_kernel', (*self.kernel_size, channels, self.depth_multiplier),
                                             'depthwise')
        self._add_bias_weight(channels * self.depth_multiplier, channels)

    def call(self, inputs, training=None):
        return self._finished(ops.depthwise_conv(as_float(self, inputs), self.depthwise_kernel, self.strides,
                                                 self.padding, self.data_format, self.dilation_rate))

    def compute_output_shape(self, input_shape):
        return self._output(input_shape, self._channels(input_shape) * self.depth_multiplier)

    def get_config(self):
        return self._config_with('kernel_size', 'strides', 'padding', 'depth_multiplier', 'data_format',
                                 'dilation_rate', 'activation', 'use_bias', 'depthwise_initializer', 'bias_initializer',
                                 'depthwise_regularizer', 'bias_regularizer', 'activity_regularizer',
                                 'depthwise_constraint', 'bias_constraint')


class DepthwiseConv1D(_Depthwise):
    """Convolution of each channel of sequences on its own, see DepthwiseConv2D."""

    rank = 1

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: Any = 'valid', depth_multiplier: Any = 1,
                 data_format: Any = None, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, bias_constraint: Any = None, dilation_rate: Any = 1,
                 **kwargs: Any) -> None:
        super().__init__(kernel_size, strides, padding, depth_multiplier, data_format, activation, use_bias,
                         depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
                         activity_regularizer, depthwise_constraint, bias_constraint, dilation_rate, **kwargs)


class DepthwiseConv2D(_Depthwise):
    """Convolution of each channel of images on its own, with `depth_multiplier` windows each.

    Result (batch, new rows, new columns, channels · depth_multiplier), or channels_first.
    """

    def __init__(self, kernel_size: Any, strides: Any = (1, 1), padding: Any = 'valid', depth_multiplier: Any = 1,
                 data_format: Any = None, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, bias_constraint: Any = None, dilation_rate: Any = (1, 1),
                 **kwargs: Any) -> None:
        super().__init__(kernel_size, strides, padding, depth_multiplier, data_format, activation, use_bias,
                         depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
                         activity_regularizer, depthwise_constraint, bias_constraint, dilation_rate, **kwargs)


class _Separable(_Windows):
    """A depthwise convolution, then one over single elements that mixes the channels (Chollet 2016)."""

    _elsewhere = {**_Windows._elsewhere, 'groups': 1, 'kernel_initializer': ..., 'kernel_regularizer': ...,
                  'kernel_constraint': ...}       # tf.keras writes them, and does not use them

    def __init__(self, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation,
                 use_bias, depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
                 pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint,
                 pointwise_constraint, bias_constraint, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = count(self, 'filters', filters)
        self._set(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
                  bias_regularizer, bias_constraint, ('valid', 'same', 'causal')[:3 if self.rank == 1 else 2])
        self.depth_multiplier = count(self, 'depth_multiplier', depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.depthwise_kernel = self._weight('depthwise_kernel', (*self.kernel_size, channels, self.depth_multiplier),
                                             'depthwise')
        ones = (1,) * self.rank
        self.pointwise_kernel = self._weight('pointwise_kernel', (*ones, channels * self.depth_multiplier,
                                                                  self.filters),
                                             'pointwise')
        self._add_bias_weight(self.filters, channels)

    def call(self, inputs):
        return self._finished(ops.separable_conv(as_float(self, inputs), self.depthwise_kernel, self.pointwise_kernel,
                                                 self.strides, self.padding, self.data_format, self.dilation_rate))

    def compute_output_shape(self, input_shape):
        return self._output(input_shape, self.filters)

    def get_config(self):
        return self._config_with('filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate',
                                 'depth_multiplier', 'activation', 'use_bias', 'depthwise_initializer',
                                 'pointwise_initializer', 'bias_initializer', 'depthwise_regularizer',
                                 'pointwise_regularizer', 'bias_regularizer', 'activity_regularizer',
                                 'depthwise_constraint', 'pointwise_constraint', 'bias_constraint')


class SeparableConv1D(_Separable):
    """Depthwise separable convolution of sequences, see SeparableConv2D."""

    rank = 1

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: Any = 'valid',
                 data_format: Any = 'channels_last', dilation_rate: Any = 1, depth_multiplier: Any = 1,
                 activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = 'glorot_uniform',
                 pointwise_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                         activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
                         depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
                         depthwise_constraint, pointwise_constraint, bias_constraint, **kwargs)


class SeparableConv2D(_Separable):
    """Each channel of images convolved on its own, then all mixed by a convolution over single pixels (Chollet 2016).

    depth_multiplier: windows per channel in the first step. Result (batch, new rows, new columns, filters).
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: Any = 'valid',
                 data_format: Any = None, dilation_rate: Any = (1, 1), depth_multiplier: Any = 1, activation: Any = None,
                 use_bias: bool = True, depthwise_initializer: Any = 'glorot_uniform',
                 pointwise_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                         activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
                         depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
                         depthwise_constraint, pointwise_constraint, bias_constraint, **kwargs)


# other names of the same classes
Convolution1D, Convolution2D = Conv1D, Conv2D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Deconv2D = Deconvolution2D = Conv2DTranspose
DepthwiseConvolution2D = DepthwiseConv2D
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
