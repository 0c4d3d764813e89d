"""Activations that have arguments or weights, as layers."""

from __future__ import annotations

from typing import Any

from fastkeras import activations, constraints, initializers, ops, regularizers

from .base import InputSpec, Layer
from .checks import number, whole
from .input_spec import title

__all__ = ['ELU', 'LeakyReLU', 'PReLU', 'ReLU', 'Softmax', 'ThresholdedReLU']


class ReLU(Layer):
    """max(x, 0) in general form: x from `threshold` up to `max_value` (None: no bound), negative_slope · (x -
    threshold) below. ValueError for negative arguments."""

    supports_masking = True

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else number(self, 'max_value', max_value)
        self.negative_slope = number(self, 'negative_slope', negative_slope)
        self.threshold = number(self, 'threshold', threshold)
        for name in ('max_value', 'negative_slope', 'threshold'):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f'{title(self)}: expected {name} of 0 or more, got {getattr(self, name)}')

    def call(self, inputs: Any) -> Any:
        return ops.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('max_value', 'negative_slope', 'threshold')


class LeakyReLU(Layer):
    """x above 0, alpha · x below (Maas et al. 2013). Keras 3 calls alpha `negative_slope`."""

    supports_masking = True

    def __init__(self, alpha: float = 0.3, negative_slope: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = number(self, 'alpha', alpha if negative_slope is None else negative_slope)

    negative_slope = property(lambda self: self.alpha, doc='alpha, as Keras 3 calls it.')

    def call(self, inputs: Any) -> Any:
        return ops.leaky_relu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('alpha')


class PReLU(Layer):
    """x above 0, alpha · x below, alpha a weight of the input's shape without the batch (He et al. 2015).

    shared_axes: axes (from 1) along which alpha is one number; [1, 2] for one per channel of images.
    """

    supports_masking = True

    def __init__(self, alpha_initializer: Any = 'zeros', alpha_regularizer: Any = None, alpha_constraint: Any = None,
                 shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = None if shared_axes is None else list(
            shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes])

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis <= len(shape):
                raise ValueError(f'{title(self)}: expected shared_axes from 1 to {len(shape)} for an input of shape '
                                 f'{tuple(input_shape)}, got {self.shared_axes}')
            shape[axis - 1] = 1
        self.alpha = self._weight('alpha', shape)
        fixed = {k: d for k, d in enumerate(input_shape) if k and k not in (self.shared_axes or ())}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('alpha_initializer', 'alpha_regularizer', 'alpha_constraint', 'shared_axes')


class ELU(Layer):
    """x above 0, alpha · (exp(x) - 1) below (Clevert et al. 2015)."""

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = number(self, 'alpha', alpha)

    def call(self, inputs: Any) -> Any:
        return ops.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('alpha')


class ThresholdedReLU(Layer):
    """x above theta, else 0 (Konda et al. 2014)."""

    supports_masking = True

    def __init__(self, theta: Any = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = number(self, 'theta', theta)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return inputs * ops.cast(ops.greater(inputs, self.theta), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('theta')


class Softmax(Layer):
    """exp(x) over its sum along `axis`, an int or several.

    call: `mask`, an argument of the call alone: booleans (or numbers, above 0.5) that broadcast to the input; what they
    leave out gets 0, as Keras 3 has it. A mask of steps that comes with the input is passed on and not used.
    """

    supports_masking = True
    _mask_by_argument_alone = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        several = isinstance(axis, (list, tuple))
        self.axis = [whole(self, 'axis', a) for a in axis] if several else whole(self, 'axis', axis)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        if mask is None:
            return activations.softmax(inputs, axis=axis)
        n = len(mask.shape)
        if n > len(inputs.shape) or any(None not in (m, d) and m not in (1, d)
                                        for m, d in zip(mask.shape, inputs.shape[len(inputs.shape) - n:])):
            raise ValueError(f'{title(self)}: expected a mask that broadcasts to its input of shape '
                             f'{tuple(inputs.shape)}, got shape {tuple(mask.shape)}')
        mask = mask if mask.dtype == 'bool' else ops.greater(mask, 0.5)
        y = ops.softmax(ops.where(mask, inputs, -1e9), axis=axis)
        return ops.where(mask, y, 0.0)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis')
