"""Layers with weights that only Caffe has. `axis` counts the axes of the tensor, the samples first.
"""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.layers import Layer
from fastkeras.layers.checks import as_float, count, number, whole
from fastkeras.layers.input_spec import title

__all__ = ['CaffeBias', 'CaffeNormalize', 'CaffeScale']


class CaffeScale(Layer):
    """Inputs times gamma plus beta, weights of the shape of the input's axes `axis` to `axis` + `num_axes`. center: whether
    there is beta."""

    scale = True

    def __init__(self, axis: int = 1, num_axes: int = 1, center: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.num_axes, self.center = whole(self, 'axis', axis), count(self, 'num_axes', num_axes, 0), bool(center)

    def build(self, input_shape: Any) -> None:
        n = len(input_shape)
        start = self.axis + n if self.axis < 0 else self.axis
        if not 1 <= start <= n - self.num_axes:
            raise ValueError(f'{title(self)}: expected axes of an input of shape {tuple(input_shape)} behind the samples, got '
                             f'axis={self.axis}, num_axes={self.num_axes}')
        shape = tuple(input_shape[start:start + self.num_axes])
        self._broadcast = (*shape, *(1,) * (n - start - self.num_axes))
        self.gamma = self.add_weight('gamma', shape, initializer='ones') if self.scale else None
        self.beta = self.add_weight('beta', shape, initializer='zeros') if self.center else None
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        if self.gamma is not None:
            x = x * ops.reshape(self.gamma, self._broadcast)
        return x if self.beta is None else x + ops.reshape(self.beta, self._broadcast)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'num_axes', *(['center'] if self.scale else []))


class CaffeBias(CaffeScale):
    """Inputs plus beta, see CaffeScale."""

    scale = False

    def __init__(self, axis: int = 1, num_axes: int = 1, **kwargs: Any) -> None:
        super().__init__(axis, num_axes, **kwargs)


class CaffeNormalize(Layer):
    """Inputs over their Euclidean norm, times a weight (Liu et al. 2015, SSD's Normalize).

    The norm, √(sum of squares + epsilon), is over the channels, axis `axis`; with across_spatial over all of a sample.
    channel_shared: one weight for all channels, else one for each.
    """

    def __init__(self, axis: int = 1, across_spatial: bool = True, channel_shared: bool = True, epsilon: float = 1e-10,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.across_spatial = whole(self, 'axis', axis), bool(across_spatial)
        self.channel_shared, self.epsilon = bool(channel_shared), number(self, 'epsilon', epsilon, 0)

    def build(self, input_shape: Any) -> None:
        n = len(input_shape)
        axis = self.axis % n
        if not -n <= self.axis < n or axis == 0:
            raise ValueError(f'{title(self)}: expected an axis behind the samples of an input of shape {tuple(input_shape)}, '
                             f'got {self.axis}')
        size = 1 if self.channel_shared else input_shape[axis]
        self._broadcast = (size, *(1,) * (n - axis - 1))
        self.scale = self.add_weight('scale', (size,), initializer='ones')
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        axes = tuple(range(1, len(x.shape))) if self.across_spatial else self.axis
        norm = ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True) + self.epsilon)
        return x / norm * ops.reshape(self.scale, self._broadcast)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'across_spatial', 'channel_shared', 'epsilon')
