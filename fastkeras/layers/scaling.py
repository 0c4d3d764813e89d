"""Numbers brought to another scale: Normalization and Rescaling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.ops import core
from fastkeras.saving import objects

from .base import Layer
from .checks import as_float, whole
from .host_layer import Adapting
from .input_spec import title

__all__ = ['Normalization', 'Rescaling']


def _numbers(layer, name, value):
    """A number, or an array of them, as a float64 array; None stays."""
    if value is None:
        return None
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise ValueError(f'{title(layer)}: expected {name} to be a number or an array of them, got {value!r:.60}')
    return array


def _plain(array):
    """An array as a configuration has it."""
    return None if array is None else array.tolist()


class Normalization(Adapting, Layer):
    """(inputs - mean) / sqrt(variance), the standard deviation at least epsilon() (1e-7).

    axis: number or numbers of the axes that have a mean and variance for each index, of sizes that are known; None for
    one of all. mean, variance: numbers, or arrays that fit these axes; None: `adapt` takes the population's from data.
    invert: inputs · sqrt(variance) + mean instead. Inputs of any shape, the same comes out.

    Weights, without `mean`: mean, variance (the sizes of the axes) and count (); 0 and 1 before `adapt`. Raises
    ValueError for axes the input has not, unknown sizes, and mean without variance.
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else tuple(whole(self, 'axis', a) for a in (
            axis if isinstance(axis, (list, tuple)) else (axis,)))
        self.invert = bool(invert)
        self.input_mean, self.input_variance = _numbers(self, 'mean', mean), _numbers(self, 'variance', variance)
        if (mean is None) != (variance is None):
            raise ValueError(f'{title(self)}: expected both mean and variance or neither, got mean={mean!r:.60}, '
                             f'variance={variance!r:.60}')
        if mean is not None:
            shapes = self.input_mean.shape, self.input_variance.shape
            if shapes[0] != shapes[1]:
                raise ValueError(f'{title(self)}: expected mean and variance of one shape, got {shapes[0]} and {shapes[1]}')
            if len(shapes[0]) > len(self.axis) and math.prod(shapes[0]) > 1:
                raise ValueError(f'{title(self)}: expected a mean with at most one axis for each of axis={self.axis}, got '
                                 f'shape {shapes[0]}')
        self._kept = self._broadcast = None
        self._sums = None       # (count, mean, sum of squares of differences)

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape)
        n = len(shape)
        if any(not -n <= a < n for a in self.axis):
            raise ValueError(f'{title(self)}: expected axes of an input of shape {shape}, got axis={self.axis}')
        self._kept = tuple(sorted({a % n for a in self.axis}))
        unknown = [a for a in self._kept if shape[a] is None]
        if unknown:
            raise ValueError(f'{title(self)}: expected a known size of axis {unknown[0]}, which axis={self.axis} keeps, got '
                             f'inputs of shape {shape}')
        self._broadcast = tuple(shape[a] if a in self._kept else 1 for a in range(n))
        if self.input_mean is None:
            sizes = tuple(shape[a] for a in self._kept)
            self.adapt_mean = self.add_weight('mean', sizes, initializer='zeros', trainable=False)
            self.adapt_variance = self.add_weight('variance', sizes, initializer='ones', trainable=False)
            self.count = self.add_weight('count', (), dtype='int32', initializer='zeros', trainable=False)
        else:
            self._given = self._aligned(self.input_mean, n), self._aligned(self.input_variance, n)
        self.built = True

    def _aligned(self, value, n):
        """mean or variance with the axes of the input: its last axis lies along the last of those kept."""
        value = value.reshape(()) if value.size == 1 and value.ndim > len(self._kept) else value
        shape = [1] * n
        for k in range(1, value.ndim + 1):
            shape[self._kept[-k]] = value.shape[-k]
        try:
            return np.broadcast_to(value.reshape(shape), self._broadcast)
        except ValueError:
            raise ValueError(f'{title(self)}: expected a mean that fits the sizes {self._broadcast}, got shape {value.shape}'
                             ) from None

    # ---- learning
    def _is_list_of_batches(self, data):
        return isinstance(data, (list, tuple)) and any(hasattr(d, 'shape') for d in data)

    def reset_state(self) -> None:
        """Forget what was learnt from batches."""
        self._sums = None

    def update_state(self, data: Any) -> None:
        """Take a batch into account."""
        if self.input_mean is not None:
            raise ValueError(f'{title(self)}: it was made with a mean and a variance, which adapt would replace; leave them '
                             f'out')
        batch = np.asarray(data)
        if batch.dtype.kind not in 'biuf':
            raise ValueError(f'{title(self)}: adapt: expected numbers, got an array of {batch.dtype}')
        if not self.built:
            self.build(batch.shape)
        n = len(self._broadcast)
        if batch.ndim != n or any(batch.shape[a] != self._broadcast[a] for a in self._kept):
            raise ValueError(f'{title(self)}: adapt: expected data of the sizes {self._broadcast} (1 for any), got shape '
                             f'{batch.shape}')
        axes = tuple(a for a in range(n) if a not in self._kept)
        batch = batch.astype(np.float64)
        count, mean = math.prod(batch.shape[a] for a in axes), batch.mean(axis=axes)
        spread = np.square(batch - batch.mean(axis=axes, keepdims=True)).sum(axis=axes)
        if self._sums is not None:      # Chan, Golub and LeVeque 1979
            before, old, old_spread = self._sums
            delta, total = mean - old, before + count
            mean = old + delta * (count / total)
            spread, count = old_spread + spread + np.square(delta) * (before * count / total), total
        self._sums = count, mean, spread

    def finalize_state(self) -> None:
        """Make mean and variance of the batches seen since reset_state."""
        if self._sums is not None:
            count, mean, spread = self._sums
            self.adapt_mean.assign(mean.astype(self.adapt_mean.dtype))
            self.adapt_variance.assign((spread / count).astype(self.adapt_variance.dtype))
            self.count.assign(min(count, 2 ** 31 - 1))

    # ---- computing
    def _moments(self):
        """mean and variance with the axes of the input."""
        if self.input_mean is not None:
            return self._given
        return tuple(ops.reshape(v, self._broadcast) for v in (self.adapt_mean, self.adapt_variance))

    mean = property(lambda self: self._known(0), doc='The mean with the axes of the input, an array; None before `build`.')
    variance = property(lambda self: self._known(1), doc='The variance with the axes of the input, an array.')

    def _known(self, which):
        if not self.built:
            return None
        value = self._moments()[which]
        return np.asarray(value, self.compute_dtype) if isinstance(value, np.ndarray) else value

    def call(self, inputs: Any) -> Any:
        inputs = as_float(self, inputs)
        mean, variance = (core.tensor(np.asarray(v, core.dtype_of(inputs))) if isinstance(v, np.ndarray) else v
                          for v in self._moments())
        scale = ops.maximum(ops.sqrt(variance), settings.epsilon())
        return mean + inputs * scale if self.invert else (inputs - mean) / scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with('axis', 'invert'), 'mean': _plain(self.input_mean), 'variance': _plain(self.input_variance)}

    def get_build_config(self) -> Any:
        """What build_from_config takes: {'input_shape': sizes of the axes that are kept, None for the others}."""
        if self._kept is None:
            return None
        return {'input_shape': tuple(d if a in self._kept else None for a, d in enumerate(self._broadcast))}

    def build_from_config(self, config: Any) -> None:
        """Build for the shape that get_build_config gave."""
        if config and not self.built:
            self.build(tuple(config['input_shape']))


class Rescaling(Layer):
    """inputs · scale + offset, as floats. scale, offset: numbers, or arrays that fit the last axes of the inputs; with
    image_data_format 'channels_first', a vector for the channels. Inputs of any shape and type, the same shape comes
    out."""

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if scale is None or offset is None:
            raise ValueError(f'{title(self)}: expected scale and offset to be numbers or arrays, got {scale!r} and {offset!r}')
        self.scale, self.offset = _numbers(self, 'scale', scale).tolist(), _numbers(self, 'offset', offset).tolist()

    def call(self, inputs: Any) -> Any:
        inputs = as_float(self, inputs)
        scale, offset = (np.asarray(v, core.dtype_of(inputs)) for v in (self.scale, self.offset))
        if scale.ndim and settings.image_data_format() == 'channels_first':
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        return inputs * scale + offset

    def get_config(self) -> dict[str, Any]:
        return self._config_with('scale', 'offset')

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer of a configuration; in those of Keras 3, an array is an object of its own."""
        config = dict(config)
        for key in ('scale', 'offset'):
            if isinstance(config.get(key), dict):
                config[key] = objects.deserialize_keras_object(config[key], custom_objects=custom_objects)
        return super().from_config(config)
