"""Normalisation of activations."""

from __future__ import annotations

from typing import Any

from fastkeras import constraints, initializers, ops, regularizers

from . import context
from .base import InputSpec, Layer
from .checks import as_float, last_axis, number, whole
from .input_spec import title

__all__ = ['BatchNormalization']


class BatchNormalization(Layer):
    """Each channel brought to mean 0 and variance 1, then scaled by gamma and moved by beta (Ioffe and Szegedy 2015).

    In training by mean and variance over the batch, which the moving averages then follow: moving · momentum + batch's
    · (1 - momentum), the population variance. In inference, and always when `trainable` is False for the layer or one
    around it, by the moving averages. axis: of the channels. epsilon: added to the variance. center, scale: whether
    there are beta and gamma. Weights: gamma, beta, moving_mean, moving_variance. synchronized: accepted, there is one
    process.
    """

    supports_masking = True
    _elsewhere = {**Layer._elsewhere, 'renorm': False, 'renorm_clipping': ..., 'renorm_momentum': ...}

    def __init__(self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
                 scale: bool = True, beta_initializer: Any = 'zeros', gamma_initializer: Any = 'ones',
                 moving_mean_initializer: Any = 'zeros', moving_variance_initializer: Any = 'ones',
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, synchronized: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        one = isinstance(axis, (list, tuple)) and len(axis) == 1
        self.axis = whole(self, 'axis', axis[0] if one else axis)
        self.momentum = number(self, 'momentum', momentum, 0, 1)
        self.epsilon = number(self, 'epsilon', epsilon, 0)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape: Any) -> None:
        n = len(input_shape)
        if not -n <= self.axis < n:
            raise ValueError(f'{title(self)}: expected an axis of an input of shape {tuple(input_shape)}, got '
                             f'{self.axis!r}')
        size = last_axis(self, input_shape, self.axis)
        self.gamma = self._weight('gamma', (size,)) if self.scale else None
        self.beta = self._weight('beta', (size,)) if self.center else None
        self.moving_mean = self._weight('moving_mean', (size,), trainable=False)
        self.moving_variance = self._weight('moving_variance', (size,), trainable=False)
        self.input_spec = InputSpec(ndim=n, axes={self.axis: size})
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        inputs = as_float(self, inputs)
        axis = self.axis % len(inputs.shape)
        if not training or context.frozen():
            mean, variance = self.moving_mean, self.moving_variance
        else:
            axes = tuple(a for a in range(len(inputs.shape)) if a != axis)
            mean, variance = ops.moments(inputs, axes)
            for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return ops.batch_normalization(inputs, mean, variance, axis, self.beta, self.gamma, self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'momentum', 'epsilon', 'center', 'scale', 'beta_initializer',
                                 'gamma_initializer', 'moving_mean_initializer', 'moving_variance_initializer',
                                 'beta_regularizer', 'gamma_regularizer', 'beta_constraint', 'gamma_constraint')
