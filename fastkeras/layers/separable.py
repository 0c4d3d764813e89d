"""Convolutions of each channel on its own, and of all channels after that."""

from __future__ import annotations

from typing import Any

from fastkeras import constraints, initializers, ops, regularizers
from fastkeras.generation import ONE_AXIS_FORMAT

from .checks import as_float, count
from .sliding import _Sliding

__all__ = ['DepthwiseConv1D', 'DepthwiseConv2D', 'DepthwiseConvolution2D', 'SeparableConv1D', 'SeparableConv2D',
           'SeparableConvolution1D', 'SeparableConvolution2D']


class _Depthwise(_Sliding):
    """Each channel with `depth_multiplier` windows of its own: kernel [*window, channels, depth_multiplier]."""

    _elsewhere = {**_Sliding._elsewhere, 'groups': 1}
    _acts_in_training = False

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


class _Separable(_Sliding):
    """A depthwise convolution, then one over single elements that mixes the channels (Chollet 2016)."""

    _elsewhere = {**_Sliding._elsewhere, 'groups': 1, 'kernel_initializer': ..., 'kernel_regularizer': ...,
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
                 data_format: Any = ONE_AXIS_FORMAT, dilation_rate: Any = 1, depth_multiplier: Any = 1,
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
DepthwiseConvolution2D = DepthwiseConv2D
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
