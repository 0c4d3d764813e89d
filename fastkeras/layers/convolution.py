"""Convolutions of sequences, images and volumes, and transposed ones."""

from __future__ import annotations

from typing import Any

from fastkeras import constraints, initializers, ops, regularizers
from fastkeras.generation import ONE_AXIS_FORMAT
from fastkeras.ops.windows import spatial

from .checks import as_float, count, numbers, with_spatial
from .input_spec import title
from .low_rank import LowRank
from .sliding import _Sliding

__all__ = ['Conv1D', 'Conv1DTranspose', 'Conv2D', 'Conv2DTranspose', 'Conv3D', 'Conv3DTranspose', 'Convolution1D',
           'Convolution1DTranspose', 'Convolution2D', 'Convolution2DTranspose', 'Convolution3D', 'Convolution3DTranspose',
           'Deconv2D', 'Deconv3D', 'Deconvolution2D', 'Deconvolution3D']


class _Conv(_Sliding):
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

    def compute_output_shape(self, input_shape):
        return self._output(input_shape, self.filters)

    def get_config(self):
        names = ['filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate', 'activation',
                 'use_bias', 'kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'bias_regularizer',
                 'activity_regularizer', 'kernel_constraint', 'bias_constraint']
        return self._config_with(*names, *(['groups'] if self.groups != 1 else []))


class _Forward(LowRank, _Conv):
    """Keywords beside those of the constructors: lora_rank, lora_alpha (see enable_lora), quantization_config (only None)."""

    _elsewhere = {}     # all that Keras 3 writes are arguments here

    def __init__(self, *args, lora_rank=None, lora_alpha=None, quantization_config=None, **kwargs):
        super().__init__(*args, **kwargs)
        self._set_low_rank(lora_rank, lora_alpha, quantization_config)

    def build(self, input_shape):
        super().build(input_shape)
        self._build_low_rank()

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """`inputs` convolved with a kernel of the shape of the layer's, without bias and activation: for layers that make
        their own, as `call` does with the layer's."""
        return ops.conv(as_float(self, inputs), kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def call(self, inputs):
        return self._finished(self.convolution_op(inputs, self._adapted(self.kernel)))

    def get_config(self):
        return {**super().get_config(), **self._low_rank_config()}


class Conv1D(_Forward):
    """Convolution of sequences (batch, steps, channels) with `filters` windows of `kernel_size` steps.

    padding: 'valid', 'same', or 'causal': all zeros before the first step. groups: the channels are split into so many
    parts, each with filters of its own. Result (batch, new steps, filters).
    """

    rank = 1

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: Any = 'valid',
                 data_format: Any = ONE_AXIS_FORMAT, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros', kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, groups: Any = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, groups, **kwargs)


class Conv2D(_Forward):
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


class Conv3D(_Forward):
    """Convolution of volumes (batch, depth, rows, columns, channels), or channels_first, with `filters` windows.

    kernel_size, strides, dilation_rate: a number or (depth, rows, columns). padding: 'valid' or 'same'. groups: the
    channels are split into so many parts, each with filters of its own. Result (batch, new depth, new rows, new columns,
    filters).
    """

    rank = 3

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = 'valid',
                 data_format: Any = None, dilation_rate: Any = (1, 1, 1), activation: Any = None, use_bias: bool = True,
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


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution of volumes, see Conv2DTranspose."""

    rank = 3

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = 'valid',
                 output_padding: Any = None, data_format: Any = None, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, dilation_rate: Any = (1, 1, 1),
                 **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
                         use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, **kwargs)


# other names of the same classes
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Deconv2D = Deconvolution2D = Conv2DTranspose
Deconv3D = Deconvolution3D = Convolution3DTranspose = Conv3DTranspose
