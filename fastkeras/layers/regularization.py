"""Layers that hold a model back in training: dropout, penalties on what passes."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import generation, ops, regularizers
from fastkeras.runtime import SeedGenerator

from .base import InputSpec, Layer
from .checks import as_float, count, number
from .input_spec import title

__all__ = ['ActivityRegularization', 'Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D']


class ActivityRegularization(Layer):
    """The inputs as they are, with l1 · sum |x| + l2 · sum x² of them added to the loss."""

    supports_masking = True

    def __init__(self, l1: Any = 0.0, l2: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        return self._config_with('l1', 'l2')


class Dropout(Layer):
    """In training, each element is 0 with probability `rate` and the others are multiplied by 1 / (1 - rate); nothing
    happens in inference (Srivastava et al. 2014).

    rate: from 0 to 1. noise_shape: the shape of the mask, which is broadcast; None in it stands for the input's size.
    seed: int, or None for a fresh one; equal seeds give equal masks, other ones at each run.
    """

    supports_masking = True

    def __init__(self, rate: Any, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = number(self, 'rate', rate, 0, 1)
        if noise_shape is not None:
            if not isinstance(noise_shape, (tuple, list)):
                raise ValueError(f'{title(self)}: expected noise_shape to be a tuple of sizes, or None, got '
                                 f'{noise_shape!r}')
            noise_shape = tuple(n if n is None else count(self, 'each size in noise_shape', n) for n in noise_shape)
        self.noise_shape = noise_shape
        self.seed = seed
        if self.rate:
            self.seed_generator = SeedGenerator(seed)

    def _get_noise_shape(self, inputs):
        """The shape of the mask, None for that of the inputs: what programs for Keras 2 override to drop in another pattern."""
        return self.noise_shape

    def _mask_shape(self, inputs):
        shape, wanted = tuple(inputs.shape), self._get_noise_shape(inputs)
        if wanted is None:
            return shape
        if len(wanted) != len(shape):
            raise ValueError(f'{title(self)}: expected a noise_shape of {len(shape)} axes for inputs of shape {shape}, '
                             f'got {wanted}')
        # a size that is computed is not known while a model is described
        return tuple(d if n is None or isinstance(n, ops.Tensor) else int(n) for d, n in zip(shape, wanted))

    def call(self, inputs: Any, training: Any = None) -> Any:
        inputs = as_float(self, inputs)
        if not training or not self.rate:
            return inputs
        if self.rate == 1:
            return ops.zeros_like(inputs)
        mask = ops.dropout_mask(self._mask_shape(inputs), self.rate, dtype=inputs.dtype,
                                seed=self.seed_generator.next())
        return inputs * mask

    def get_config(self) -> dict[str, Any]:
        return self._config_with('rate', 'noise_shape', 'seed')


def _spatial_config(layer, *names):
    """Keras 2 says the noise_shape of all dropouts, Keras 3 refuses it where it follows from the inputs."""
    names = names if generation.of('config.module_and_registered_name') else (*names, 'noise_shape')
    return layer._config_with(*names)


class SpatialDropout1D(Dropout):
    """Dropout of whole channels of (batch, steps, channels) (Tompson et al. 2014)."""

    _not_in_keras3 = ('trainable', 'noise_shape')

    def __init__(self, rate: Any, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _get_noise_shape(self, inputs):
        return (inputs.shape[0], 1, inputs.shape[2])

    def get_config(self) -> dict[str, Any]:
        return _spatial_config(self, 'rate', 'seed')


class _SpatialDropout(Dropout):
    rank = 2
    _not_in_keras3 = ('trainable', 'noise_shape')

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _get_noise_shape(self, inputs):
        shape, ones = tuple(inputs.shape), (1,) * self.rank
        return (*shape[:2], *ones) if self.data_format == 'channels_first' else (shape[0], *ones, shape[-1])

    def get_config(self):
        return _spatial_config(self, 'rate', 'seed', 'data_format')


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images, in either data format (Tompson et al. 2014)."""


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes, in either data format (Tompson et al. 2014)."""

    rank = 3
