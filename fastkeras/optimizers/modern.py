"""Optimizers that came with Keras 3."""

import numpy as np

from fastkeras import ops
from fastkeras.optimizers.base import Optimizer
from fastkeras.optimizers.classic import Adam, adam_moments
from fastkeras.optimizers.hyperparameters import Hyperparameter, one_minus_power, takes_common_options
from fastkeras.utils.quantities import finite


class AdamW(Adam):
    """Adam after taking weight_decay · rate · w off the weights (Loshchilov and Hutter 2017)."""

    _settings = (*Adam._settings, 'weight_decay')       # its default is not that of the others

    @takes_common_options
    def __init__(self, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False,
                 **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad=amsgrad, weight_decay=weight_decay, **kwargs)


class Lion(Optimizer):
    """w ← w - rate · sign(beta_1 · m + (1 - beta_1) · g); m: average of g by beta_2 (Chen et al. 2023)."""

    beta_1, beta_2 = Hyperparameter(), Hyperparameter()
    _settings = ('beta_1', 'beta_2')

    @takes_common_options
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if not 0 < finite('Lion', 'beta_1', beta_1) <= 1:
            raise ValueError(f'Lion: expected beta_1 above 0 and up to 1, got {beta_1!r}')
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def slot_groups(self):
        return (('momentum',),)

    def update_step(self, gradient, variable, learning_rate):
        momentum = self.slot('momentum', variable)
        m = momentum.value
        variable.assign(variable.value - learning_rate * ops.sign(self.beta_1 * m + (1.0 - self.beta_1) * gradient))
        momentum.assign(self.beta_2 * m + (1.0 - self.beta_2) * gradient)


class Lamb(Optimizer):
    """Adam whose step has, for each variable, the norm of the variable times the rate (You et al. 2019)."""

    beta_1, beta_2, epsilon = Hyperparameter(), Hyperparameter(), Hyperparameter()
    _settings = ('beta_1', 'beta_2', 'epsilon')

    @takes_common_options
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slot_groups(self):
        return (('momentum', 'velocity'),)

    def prepare(self, learning_rate):
        t = self._step_number()
        self._mean_scale = 1.0 / one_minus_power(self.beta_1, t)
        self._root_scale = ops.rsqrt(one_minus_power(self.beta_2, t))

    def update_step(self, gradient, variable, learning_rate):
        m, v = adam_moments(self, gradient, variable)
        w = variable.value
        step = m * self._mean_scale / (ops.sqrt(v) * self._root_scale + self.epsilon)
        w_norm, step_norm = ops.sqrt(ops.sum(ops.square(w))), ops.sqrt(ops.sum(ops.square(step)))
        both = ops.logical_and(w_norm > 0.0, step_norm > 0.0)
        ratio = ops.where(both, w_norm / ops.where(both, step_norm, 1.0), 1.0)
        variable.assign(w - (ratio * learning_rate) * step)


class Ftrl(Optimizer):
    """Follow the regularised leader, for sparse models (McMahan et al. 2013)."""

    _settings = ('learning_rate_power', 'initial_accumulator_value', 'l1_regularization_strength',
                 'l2_regularization_strength', 'l2_shrinkage_regularization_strength', 'beta')

    @takes_common_options
    def __init__(self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0,
                 l2_shrinkage_regularization_strength=0.0, beta=0.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if finite('Ftrl', 'learning_rate_power', learning_rate_power) > 0:
            raise ValueError(f'Ftrl: expected learning_rate_power to be at most 0, got {learning_rate_power!r}')
        finite('Ftrl', 'initial_accumulator_value', initial_accumulator_value, 0)
        finite('Ftrl', 'l1_regularization_strength', l1_regularization_strength, 0)
        finite('Ftrl', 'l2_regularization_strength', l2_regularization_strength, 0)
        finite('Ftrl', 'l2_shrinkage_regularization_strength', l2_shrinkage_regularization_strength, 0)
        finite('Ftrl', 'beta', beta, 0)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def slot_groups(self):
        return (('accumulator', 'linear'),)

    def slot_initial(self, name, variable):
        zeros = super().slot_initial(name, variable)
        return zeros + self.initial_accumulator_value if name == 'accumulator' else zeros

    def _power(self, a):
        return ops.sqrt(a) if self.learning_rate_power == -0.5 else ops.power(a, -self.learning_rate_power)

    def prepare(self, learning_rate):
        self._per_rate = 1.0 / learning_rate
        self._l2 = 2.0 * self.l2_regularization_strength + self.beta * self._per_rate

    def update_step(self, gradient, variable, learning_rate):
        accumulator, linear = self.slot('accumulator', variable), self.slot('linear', variable)
        w, old = variable.value, accumulator.value
        shrunk = gradient
        if self.l2_shrinkage_regularization_strength:
            shrunk = gradient + (2.0 * self.l2_shrinkage_regularization_strength) * w
        new = old + ops.square(gradient)
        z = linear.value + shrunk - (self._power(new) - self._power(old)) * self._per_rate * w
        quadratic = self._power(new) * self._per_rate + self._l2
        l1 = self.l1_regularization_strength
        accumulator.assign(new)
        linear.assign(z)
        variable.assign(((ops.clip(z, -l1, l1) - z) if l1 else -z) / quadratic)


class Adafactor(Optimizer):
    """Adam with a matrix's second moment kept as a row and a column, and relative steps (Shazeer, Stern 2018)."""

    _settings = ('beta_2_decay', 'epsilon_1', 'epsilon_2', 'clip_threshold', 'relative_step')

    @takes_common_options
    def __init__(self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0,
                 relative_step=True, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = finite('Adafactor', 'beta_2_decay', beta_2_decay)
        self.epsilon_1 = finite('Adafactor', 'epsilon_1', epsilon_1, 0)
        self.epsilon_2 = finite('Adafactor', 'epsilon_2', epsilon_2, 0)
        self.clip_threshold = finite('Adafactor', 'clip_threshold', clip_threshold, above=0)
        self.relative_step = relative_step

    def slot_groups(self):
        return (('r', 'c', 'velocity'),)

    def slot_initial(self, name, variable):
        shape = tuple(variable.shape)
        if name == 'velocity':
            return np.zeros(shape, variable.dtype)
        if len(shape) < 2:
            return np.zeros((), variable.dtype)
        return np.zeros(shape[:-1] if name == 'r' else shape[:-2] + shape[-1:], variable.dtype)

    def prepare(self, learning_rate):
        t = self._step_number()
        self._step_size = ops.minimum(learning_rate, ops.rsqrt(t))
        self._beta = 1.0 - ops.power(t, self.beta_2_decay)

    def update_step(self, gradient, variable, learning_rate):
        r, c, velocity = (self.slot(n, variable) for n in ('r', 'c', 'velocity'))
        w, beta = variable.value, self._beta
        square = ops.square(gradient) + self.epsilon_1
        if len(variable.shape) >= 2:
            rows = beta * r.value + (1.0 - beta) * ops.mean(square, axis=-1)
            columns = beta * c.value + (1.0 - beta) * ops.mean(square, axis=-2)
            r.assign(rows)
            c.assign(columns)
            rows = rows / ops.mean(rows, axis=-1, keepdims=True)
            v = ops.expand_dims(rows, -1) * ops.expand_dims(columns, -2)
        else:
            v = beta * velocity.value + (1.0 - beta) * square
        velocity.assign(v)
        step = gradient * ops.rsqrt(v)
        scale = ops.maximum(self.epsilon_2, _rms(w)) * self._step_size
        scale = scale / ops.maximum(1.0, _rms(step) * (1.0 / self.clip_threshold))
        variable.assign(w - scale * step)


def _rms(x):
    return ops.sqrt(ops.mean(ops.square(x)))
