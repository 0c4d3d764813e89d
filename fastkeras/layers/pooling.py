"""Pooling of sequences, images and volumes: the largest or the mean of windows, or of everything."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.generation import ONE_AXIS_FORMAT, chosen
from fastkeras.ops.windows import spatial

from .base import InputSpec, Layer
from .checks import as_float, check_mask, numbers, one_of, window_counts, with_spatial

__all__ = ['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D', 'AvgPool1D', 'AvgPool2D', 'AvgPool3D',
           'GlobalAveragePooling1D', 'GlobalAveragePooling2D', 'GlobalAveragePooling3D',
           'GlobalAvgPool1D', 'GlobalAvgPool2D', 'GlobalAvgPool3D', 'GlobalMaxPool1D', 'GlobalMaxPool2D',
           'GlobalMaxPool3D', 'GlobalMaxPooling1D', 'GlobalMaxPooling2D', 'GlobalMaxPooling3D',
           'MaxPool1D', 'MaxPool2D', 'MaxPool3D', 'MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D']


class _Pooling(Layer):
    """rank: number of spatial axes; pool: the op. What a class of a user's has in its place is `_pooling_function`, by which
    programs for Keras 2 derive pooling of their own."""

    rank = 2

    def __init__(self, pool_size, strides, padding, data_format, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = numbers(self, 'pool_size', pool_size, self.rank)
        self.strides = self.pool_size if strides is None else numbers(self, 'strides', strides, self.rank)
        self.padding = one_of(self, 'padding', padding, ('valid', 'same'))
        self.data_format = settings.standardize_data_format(chosen(data_format))
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        return self._pooling_function(inputs=as_float(self, inputs), pool_size=self.pool_size, strides=self.strides,
                                      padding=self.padding, data_format=self.data_format)

    def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
        return self.pool(inputs, pool_size, strides, padding, data_format)

    def compute_output_shape(self, input_shape):
        sizes = window_counts(self, spatial(input_shape, self.data_format), self.pool_size, self.strides, self.padding,
                              (1,) * self.rank)
        return with_spatial(input_shape, sizes, self.data_format)

    def get_config(self):
        return self._config_with('pool_size', 'strides', 'padding', 'data_format')


# Keras 2's names of what programs derive pooling of their own from
class _Pooling1D(_Pooling):
    rank = 1

    def __init__(self, pool_size=2, strides=None, padding='valid', data_format=ONE_AXIS_FORMAT, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def call(self, inputs):
        if type(self)._pooling_function is _Pooling._pooling_function:
            return super().call(inputs)
        axis = 2 if self.data_format == 'channels_last' else 3      # a function of a user's is given images
        y = self._pooling_function(inputs=ops.expand_dims(as_float(self, inputs), axis), pool_size=(*self.pool_size, 1),
                                   strides=(*self.strides, 1), padding=self.padding, data_format=self.data_format)
        return ops.squeeze(y, axis)


class _Pooling2D(_Pooling):
    def __init__(self, pool_size=(2, 2), strides=None, padding='valid', data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _Pooling3D(_Pooling):
    rank = 3

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding='valid', data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling1D(_Pooling1D):
    """The largest of each window of `pool_size` steps of (batch, steps, features). strides: by default pool_size."""

    pool = staticmethod(ops.max_pool)

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = 'valid', data_format: Any = ONE_AXIS_FORMAT,
                 **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling1D(_Pooling1D):
    """The mean of each window of `pool_size` steps of (batch, steps, features). strides: by default pool_size."""

    pool = staticmethod(ops.average_pool)

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = 'valid', data_format: Any = ONE_AXIS_FORMAT,
                 **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling2D(_Pooling2D):
    """The largest of each window of images. pool_size, strides (by default pool_size): a number or (rows, columns)."""

    pool = staticmethod(ops.max_pool)

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: Any = 'valid', data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling2D(_Pooling2D):
    """The mean of each window of images, of what is inside the image under 'same'. Arguments as MaxPooling2D."""

    pool = staticmethod(ops.average_pool)

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: Any = 'valid', data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling3D(_Pooling3D):
    """The largest of each window of volumes. pool_size, strides (by default pool_size): a number or (depth, rows, columns)."""

    pool = staticmethod(ops.max_pool)

    def __init__(self, pool_size: Any = (2, 2, 2), strides: Any = None, padding: Any = 'valid', data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling3D(_Pooling3D):
    """The mean of each window of volumes, of what is inside the volume under 'same'. Arguments as MaxPooling3D."""

    pool = staticmethod(ops.average_pool)

    def __init__(self, pool_size: Any = (2, 2, 2), strides: Any = None, padding: Any = 'valid', data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


# ---- over everything

class _GlobalPooling(Layer):
    rank = 2

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(chosen(data_format))
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _axes(self):
        first = 2 if self.data_format == 'channels_first' else 1
        return tuple(range(first, first + self.rank))

    def compute_output_shape(self, input_shape):
        if self.keepdims:
            return with_spatial(input_shape, (1,) * self.rank, self.data_format)
        return (input_shape[0], input_shape[1 if self.data_format == 'channels_first' else -1])

    def get_config(self):
        return self._config_with('data_format', *(['keepdims'] if self.keepdims else []))


# Keras 2's names of what programs derive pooling of their own from
_GlobalPooling2D = _GlobalPooling


class _GlobalPooling1D(_GlobalPooling):
    rank = 1


class _GlobalPooling3D(_GlobalPooling):
    rank = 3


class _GlobalMax(_GlobalPooling):
    def call(self, inputs):
        return ops.max(inputs, axis=self._axes, keepdims=self.keepdims)


class _GlobalAverage(_GlobalPooling):
    def call(self, inputs):
        return ops.mean(as_float(self, inputs), axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax):
    """The largest over all steps: (batch, steps, features) → (batch, features)."""

    rank = 1

    def __init__(self, data_format: Any = ONE_AXIS_FORMAT, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)


class GlobalAveragePooling1D(_GlobalAverage):
    """The mean over all steps, or those that the mask leaves: (batch, steps, features) → (batch, features)."""

    rank = 1
    supports_masking = True

    def __init__(self, data_format: Any = ONE_AXIS_FORMAT, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        inputs = as_float(self, inputs)
        axis = self._axes[0]
        check_mask(self, mask, inputs, (inputs.shape[0], inputs.shape[axis]))
        kept = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(inputs * kept, axis=axis, keepdims=self.keepdims)
        return total / ops.sum(kept, axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class GlobalMaxPooling2D(_GlobalMax):
    """The largest over all pixels: (batch, channels)."""


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean over all pixels: (batch, channels)."""


class GlobalMaxPooling3D(_GlobalMax):
    """The largest over all voxels: (batch, channels)."""

    rank = 3


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean over all voxels: (batch, channels)."""

    rank = 3


# other names of the same classes
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
GlobalAvgPool2D, GlobalMaxPool2D = GlobalAveragePooling2D, GlobalMaxPooling2D
GlobalAvgPool3D, GlobalMaxPool3D = GlobalAveragePooling3D, GlobalMaxPooling3D
