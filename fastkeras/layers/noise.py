"""Layers that hold a model back in training by noise."""

from __future__ import annotations

from typing import Any

from fastkeras import generation, ops
from fastkeras.runtime import SeedGenerator

from .base import Layer
from .checks import as_float, number
from .input_spec import title
from .regularization import Dropout

__all__ = ['AlphaDropout', 'GaussianDropout', 'GaussianNoise']

# of selu (Klambauer et al. 2017), scale · alpha: what it gives for very negative numbers is the negative of this
_SELU_LEAST = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


class AlphaDropout(Dropout):
    """Dropout for networks of selu: in training, each element becomes selu's least value, about -1.758, with probability
    `rate`, and the result is stretched and moved so that mean 0 and variance 1 stay what they are (Klambauer et al.
    2017). Nothing happens in inference.

    rate: from 0 up to, not including, 1. noise_shape, seed: as in Dropout.
    """

    def __init__(self, rate: Any, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        _below_one(self)

    def call(self, inputs: Any, training: Any = None) -> Any:
        inputs = as_float(self, inputs)
        if not training or not self.rate:
            return inputs
        kept = ops.dropout_mask(self._mask_shape(inputs), self.rate, dtype=inputs.dtype,
                                seed=self.seed_generator.next())
        stretch = ((1 - self.rate) * (1 + self.rate * _SELU_LEAST ** 2)) ** -0.5
        return ops.where(ops.greater(kept, 0.0), inputs, _SELU_LEAST) * stretch - stretch * self.rate * _SELU_LEAST


def _said_seed(layer):
    """The key of a configuration that Keras 2 does not read there: it is left out where it says nothing."""
    return () if layer.seed is None and not generation.of('config.module_and_registered_name') else ('seed',)


class GaussianNoise(Layer):
    """In training, normal numbers of mean 0 are added to the inputs; nothing happens in inference.

    stddev: their standard deviation, 0 or more. seed: int, or None for a fresh one; equal seeds give equal noise, other
    noise at each run.
    """

    supports_masking = True

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = number(self, 'stddev', stddev, 0)
        self.seed = seed
        if self.stddev:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: Any = None) -> Any:
        inputs = as_float(self, inputs)
        if not training or not self.stddev:
            return inputs
        return inputs + _normal(self, inputs, self.stddev)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('stddev', *_said_seed(self))


class GaussianDropout(Layer):
    """In training, the inputs are multiplied by normal numbers of mean 1 and standard deviation sqrt(rate / (1 - rate)),
    that of dropout (Srivastava et al. 2014); nothing happens in inference.

    rate: from 0 up to, not including, 1. seed: as in GaussianNoise.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = number(self, 'rate', rate, 0, 1)
        _below_one(self)
        self.seed = seed
        if self.rate:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: Any = None) -> Any:
        inputs = as_float(self, inputs)
        if not training or not self.rate:
            return inputs
        return inputs * (1.0 + _normal(self, inputs, (self.rate / (1 - self.rate)) ** 0.5))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('rate', *_said_seed(self))


def _normal(layer, x, stddev):
    return ops.random_normal(tuple(x.shape), stddev=stddev, dtype=x.dtype, seed=layer.seed_generator.next())


def _below_one(layer):
    if layer.rate == 1:
        raise ValueError(f'{title(layer)}: expected a rate below 1, got 1: nothing of the inputs would be left')
