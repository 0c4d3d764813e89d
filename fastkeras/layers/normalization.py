"""Normalisation of activations."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import constraints, generation, initializers, ops, regularizers

from . import context, moving_averages
from .base import InputSpec, Layer
from .checks import as_float, count, last_axis, number, whole
from .input_spec import title

__all__ = ['BatchNormalization', 'GroupNormalization', 'LayerNormalization', 'RMSNormalization', 'UnitNormalization']


class BatchNormalization(Layer):
    """Each channel brought to mean 0 and variance 1, then scaled by gamma and moved by beta (Ioffe and Szegedy 2015).

    In training by mean and variance over the batch, which the moving averages then follow: moving · momentum + batch's
    · (1 - momentum), the population variance. In inference, and always when `trainable` is False for the layer or one
    around it, by the moving averages. (The generation '2.2.4' has other moving averages, and takes the batch's mean and
    variance of a frozen layer too, see docs/generations.md.) axis: of the channels. epsilon: added to the variance. center,
    scale: whether there are beta and gamma. Weights: gamma, beta, moving_mean, moving_variance. synchronized:
    accepted, there is one process. renorm and its two arguments (batch renormalisation, Ioffe 2017): ValueError.

    call: `mask`, booleans of the input's shape without its last axis, leaves elements out of mean and variance of the
    batch (of Keras 3; there a mask that comes with the input does so as well, generation 2 passes that on unused).
    """

    supports_masking = True
    _untracked = frozenset((*Layer._untracked, '_averages'))
    _mask_by_argument_alone = property(lambda self: not generation.of('masking.leaves_statistics'))

    def __init__(self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
                 scale: bool = True, beta_initializer: Any = 'zeros', gamma_initializer: Any = 'ones',
                 moving_mean_initializer: Any = 'zeros', moving_variance_initializer: Any = 'ones',
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
                 renorm_momentum: float = 0.99, synchronized: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if renorm or renorm_clipping:
            raise ValueError(f'{title(self)}: batch renormalisation is not part of this engine, got renorm={renorm!r}, '
                             f'renorm_clipping={renorm_clipping!r}; leave both out, or use GroupNormalization where '
                             f'batches are small')
        number(self, 'renorm_momentum', renorm_momentum)
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
        self._averages = moving_averages.no_state()
        self.input_spec = InputSpec(ndim=n, axes={self.axis: size})
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        inputs = as_float(self, inputs)
        axis = self.axis % len(inputs.shape)
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(f'{title(self)}: expected a mask of {len(inputs.shape) - 1} dimensions for an input of shape '
                             f'{tuple(inputs.shape)}, got shape {tuple(mask.shape)}')
        mean, variance = self.moving_mean, self.moving_variance
        # as in Keras 2, a learning phase that was set to 0 keeps no step of training from moving the averages
        moves = context.does_updates() and (training or context.is_fixed())
        frozen_is_inference = generation.of('batch_normalization.frozen_is_inference')
        if (training or moves) and not (context.frozen() and frozen_is_inference):
            axes = tuple(a for a in range(len(inputs.shape)) if a != axis)
            now = ops.moments(inputs, axes) if mask is None else _masked_moments(inputs, axes, mask)
            if training:
                mean, variance = now
            if moves and (not context.resting() or frozen_is_inference):
                moving_averages.follow(self, (self.moving_mean, self.moving_variance), (
                    now[0], moving_averages.followed_variance(self, now[1], inputs.shape, axis)))
        return ops.batch_normalization(inputs, mean, variance, axis, self.beta, self.gamma,
                                       moving_averages.epsilon_of(self, inputs.shape, axis))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'momentum', 'epsilon', 'center', 'scale', 'beta_initializer',
                                 'gamma_initializer', 'moving_mean_initializer', 'moving_variance_initializer',
                                 'beta_regularizer', 'gamma_regularizer', 'beta_constraint', 'gamma_constraint')


def _masked_moments(x, axes, mask):
    """Mean and variance over the elements that the mask, of one axis less, keeps; 0 and 0 where it keeps none."""
    kept = ops.expand_dims(ops.cast(mask, 'bool'), -1)
    # the mask is the same for all channels, or, where these are not last, for all of the last axis
    weights = ops.broadcast_to(ops.cast(kept, x.dtype), tuple(x.shape))
    total = ops.sum(weights, axis=axes, keepdims=True) + settings.epsilon()
    mean = ops.sum(ops.where(kept, x, 0.0), axis=axes, keepdims=True) / total
    variance = ops.sum(ops.square(ops.where(kept, x - mean, 0.0)), axis=axes, keepdims=True) / total
    return ops.squeeze(mean, axes), ops.squeeze(variance, axes)


class _Scaled(Layer):
    """What layer and group normalisation share: gamma and beta, and the arguments that make them."""

    supports_masking = True

    def __init__(self, axis, epsilon, center, scale, parts, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = number(self, 'epsilon', epsilon, 0)
        self.center = center
        self.scale = scale
        for name, get in (('initializer', initializers.get), ('regularizer', regularizers.get),
                          ('constraint', constraints.get)):
            for weight in ('beta', 'gamma'):
                setattr(self, f'{weight}_{name}', get(parts[f'{weight}_{name}']))

    def compute_output_shape(self, input_shape: Any) -> Any:
        _axes(self, self.axis, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'epsilon', 'center', 'scale', 'beta_initializer', 'gamma_initializer',
                                 'beta_regularizer', 'gamma_regularizer', 'beta_constraint', 'gamma_constraint')


def _axes(layer, axis, shape):
    """Sorted axes of an input of this shape, counted from the front."""
    given = axis if isinstance(axis, list) else [axis]
    n = len(shape)
    axes = sorted({a % n for a in given if -n <= a < n})
    if len(axes) < len(given) or not axes:
        raise ValueError(f'{title(layer)}: expected axis to name different axes of an input of shape {tuple(shape)}, got '
                         f'{axis!r}')
    return axes


def _sizes(layer, axes, shape):
    for a in axes:
        if shape[a] is None:
            raise ValueError(f'{title(layer)}: expected a known size on axis {a} of its input, got shape {tuple(shape)}')
    return tuple(int(shape[a]) for a in axes)


def _axis_argument(layer, axis):
    return [whole(layer, 'axis', a) for a in axis] if isinstance(axis, (list, tuple)) else whole(layer, 'axis', axis)


class LayerNormalization(_Scaled):
    """Each sample brought to mean 0 and variance 1 along `axis`, then scaled by gamma and moved by beta (Ba et al. 2016).

    axis: one or several; gamma and beta have their sizes, which must be known. epsilon: added to the variance. center,
    scale: whether there are beta and gamma. rms_scaling: x · gamma over the root of variance plus epsilon, without taking
    the mean away and without beta, which is what Keras 3 calls so (RMSNormalization divides by the root mean square).
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = 'zeros', gamma_initializer: Any = 'ones', beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
                 rms_scaling: bool = False, **kwargs: Any) -> None:
        super().__init__(-1, epsilon, center, scale, locals(), **kwargs)
        self.axis = _axis_argument(self, axis)
        self.rms_scaling = bool(rms_scaling)

    def build(self, input_shape: Any) -> None:
        axes = _axes(self, self.axis, input_shape)
        sizes = _sizes(self, axes, input_shape)
        self.gamma = self._weight('gamma', sizes) if self.scale or self.rms_scaling else None
        self.beta = self._weight('beta', sizes) if self.center and not self.rms_scaling else None
        self.input_spec = InputSpec(ndim=len(input_shape), axes=dict(zip(axes, sizes)))
        self.built = True

    def call(self, inputs: Any) -> Any:
        inputs = as_float(self, inputs)
        axes = _axes(self, self.axis, inputs.shape)
        return ops.layer_normalization(inputs, self.gamma, self.beta, axes, self.epsilon, rms_scaling=self.rms_scaling)

    def get_config(self) -> dict[str, Any]:
        return self._with_newer(super().get_config(), {'rms_scaling': (self.rms_scaling, False)})


class GroupNormalization(_Scaled):
    """Groups of channels of each sample brought to mean 0 and variance 1, then scaled by gamma and moved by beta, one
    number a channel (Wu and He 2018).

    groups: how many; must divide the channels; -1: each channel is one (instance normalisation, Ulyanov et al. 2016).
    axis: of the channels, not that of the batch. epsilon: added to the variance. center, scale: whether there are beta
    and gamma.
    """

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = 'zeros', gamma_initializer: Any = 'ones', beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(-1, epsilon, center, scale, locals(), **kwargs)
        self.axis = whole(self, 'axis', axis)
        self.groups = groups if groups == -1 else count(self, 'groups', groups)

    def build(self, input_shape: Any) -> None:
        axis, = _axes(self, self.axis, input_shape)
        if axis == 0:
            raise ValueError(f'{title(self)}: expected axis to name an axis behind that of the batch, got {self.axis}')
        size, = _sizes(self, [axis], input_shape)
        if self.groups == -1:
            self.groups = size
        if size % self.groups:
            raise ValueError(f'{title(self)}: expected groups to divide the {size} channels of its input of shape '
                             f'{tuple(input_shape)}, got {self.groups}')
        self.gamma = self._weight('gamma', (size,)) if self.scale else None
        self.beta = self._weight('beta', (size,)) if self.center else None
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self.built = True

    def call(self, inputs: Any) -> Any:
        inputs = as_float(self, inputs)
        shape = tuple(inputs.shape)
        n, axis = len(shape), self.axis % len(shape)
        split = (*shape[:axis], self.groups, shape[axis] // self.groups, *shape[axis + 1:])
        if sum(d is None for d in split) > 1:       # only the shape is asked for
            return inputs
        x = ops.reshape(inputs, split)
        mean, variance = ops.moments(x, [a for a in range(1, n + 1) if a != axis], keepdims=True)
        along = (self.groups, -1, *(1,) * (n - 1 - axis))
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.reshape(self.gamma, along)
        y = (x - mean) * factor
        return ops.reshape(y if self.beta is None else y + ops.reshape(self.beta, along), shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), 'groups': self.groups}


class RMSNormalization(Layer):
    """x / sqrt(mean(x²) + epsilon) · scale along `axis`, one or several (Zhang and Sennrich 2019). scale: a weight of
    the sizes of these axes, which must be known."""

    supports_masking = True

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axis_argument(self, axis)
        self.epsilon = number(self, 'epsilon', epsilon, 0)

    def build(self, input_shape: Any) -> None:
        axes = _axes(self, self.axis, input_shape)
        sizes = _sizes(self, axes, input_shape)
        self.scale = self.add_weight('scale', sizes, initializer='ones')
        self.input_spec = InputSpec(ndim=len(input_shape), axes=dict(zip(axes, sizes)))
        self.built = True

    def call(self, x: Any) -> Any:
        x = as_float(self, x)
        return ops.rms_normalization(x, self.scale, _axes(self, self.axis, x.shape), self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        _axes(self, self.axis, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'epsilon')


class UnitNormalization(Layer):
    """Each sample over its Euclidean norm along `axis`, one or several; the norm is taken as at least 1e-12."""

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axis_argument(self, axis)

    def call(self, inputs: Any) -> Any:
        inputs = as_float(self, inputs)
        return ops.normalize(inputs, axis=_axes(self, self.axis, inputs.shape), order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        _axes(self, self.axis, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis')
