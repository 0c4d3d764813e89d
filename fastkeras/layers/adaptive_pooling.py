"""Pooling to a size that is given, whatever the input's: the windows adapt."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import ops

from .base import InputSpec, Layer
from .checks import as_float, numbers, with_spatial

__all__ = ['AdaptiveAveragePooling1D', 'AdaptiveAveragePooling2D', 'AdaptiveAveragePooling3D', 'AdaptiveMaxPooling1D',
           'AdaptiveMaxPooling2D', 'AdaptiveMaxPooling3D']


class _AdaptivePooling(Layer):
    """rank: number of spatial axes; pool: the op."""

    rank = 2

    def __init__(self, output_size: Any, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = numbers(self, 'output_size', output_size, self.rank)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return self.pool(as_float(self, inputs), self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return with_spatial(input_shape, self.output_size, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('output_size', 'data_format')


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The means over output_size equal shares of the steps: (batch, steps, features) → (batch, output_size, features).

    Share i of n reaches from ⌊i · steps / n⌋ to ⌈(i + 1) · steps / n⌉, so that neighbours may overlap, as in PyTorch.
    """

    rank = 1
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The means over equal shares of images. output_size: a number or (rows, columns). See AdaptiveAveragePooling1D."""

    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The means over equal shares of volumes. output_size: a number or three. See AdaptiveAveragePooling1D."""

    rank = 3
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The largest of each of output_size equal shares of the steps, which are those of AdaptiveAveragePooling1D."""

    rank = 1
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The largest of equal shares of images. output_size: a number or (rows, columns)."""

    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The largest of equal shares of volumes. output_size: a number or three."""

    rank = 3
    pool = staticmethod(ops.adaptive_max_pool)
