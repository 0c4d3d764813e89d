"""Layers of the applications on their residual branches: scales, and branches that are left out in training."""

from __future__ import annotations

from typing import Any

from fastkeras.initializers import Constant

from .base import Layer
from .checks import count, number
from .input_spec import title
from .regularization import Dropout

__all__ = ['CustomScaleLayer', 'LayerScale', 'StochasticDepth']


class CustomScaleLayer(Layer):
    """The first input plus `scale` times the second, two tensors of one shape: the sum of Inception-ResNet (Szegedy et al.
    2016). The name is Keras 3's."""

    _keras3_class = ('keras.src.applications.inception_resnet_v2', 'CustomScaleLayer')

    def __init__(self, scale: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = number(self, 'scale', scale)

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
            raise ValueError(f'{title(self)}: expected a list of two tensors')
        return inputs[0] + inputs[1] * self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('scale')


class LayerScale(Layer):
    """A weight for each channel, the last axis (Touvron et al. 2021).

    init_values: what the weights begin with. projection_dim: the number of channels.
    """

    _keras3_class = ('keras.src.applications.convnext', 'LayerScale')

    def __init__(self, init_values: Any, projection_dim: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = number(self, 'init_values', init_values)
        self.projection_dim = count(self, 'projection_dim', projection_dim)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] != self.projection_dim:
            raise ValueError(f'{title(self)}: expected {self.projection_dim} channels, got inputs of shape '
                             f'{tuple(input_shape)}')
        self.gamma = self.add_weight(name='gamma', shape=(self.projection_dim,), initializer=Constant(self.init_values))
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        return inputs * self.gamma

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('init_values', 'projection_dim')


class StochasticDepth(Dropout):
    """In training, each sample is 0 with probability `drop_path_rate`, and the others are divided by the rest; nothing
    happens in inference (Huang et al. 2016)."""

    _keras3_class = ('keras.src.applications.convnext', 'StochasticDepth')

    def __init__(self, drop_path_rate: Any, **kwargs: Any) -> None:
        super().__init__(drop_path_rate, **kwargs)
        self.drop_path_rate = self.rate

    def _get_noise_shape(self, inputs):
        return (inputs.shape[0],) + (1,) * (len(inputs.shape) - 1)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('drop_path_rate')
