"""The optimizers of Keras 2. Defaults, and where they differ formulas, go by the generation (see fastkeras.generation).

Scalars that every variable needs are computed once in `prepare`; what is left for a variable is one pass of elementwise
operations, without a division where a scalar factor does.
"""

import numpy as np

from fastkeras import config, generation, ops
from fastkeras.generation import (
    ADADELTA_RATE,
    ADAGRAD_FIRST_ACCUMULATOR,
    ADAGRAD_RATE,
    ADAMAX_RATE,
    NADAM_RATE,
    NADAM_SCHEDULE_DECAY,
    chosen,
)
from fastkeras.optimizers.base import Optimizer
from fastkeras.optimizers.hyperparameters import Hyperparameter, is_zero, one_minus_power, takes_common_options
from fastkeras.runtime import Variable
from fastkeras.utils.quantities import finite


def _epsilon(value):
    return config.epsilon() if value is None else value


class _Classic(Optimizer):
    epsilon = Hyperparameter()

    def _inside_root(self):
        return generation.of('optimizer.epsilon_inside_root', self.generation)


class SGD(_Classic):
    """Gradient descent: v ← momentum · v - rate · g; w ← w + v, or w + momentum · v - rate · g with nesterov.

    A third positional argument that is True or False is `nesterov`, as in Keras 3.
    """

    momentum = Hyperparameter()
    _settings = ('momentum', 'nesterov')
    _keras2_weights = ('iterations', 'momentum')

    @takes_common_options
    def __init__(self, lr=0.01, momentum=0.0, decay=0.0, nesterov=False, **kwargs):
        if isinstance(decay, bool):
            decay, nesterov = 0.0, decay
        super().__init__(lr=lr, decay=decay, **kwargs)
        self.momentum = momentum
        self.nesterov = bool(nesterov)
        if not 0 <= float(self.momentum) <= 1:
            raise ValueError(f'SGD: expected momentum from 0 to 1, got {momentum!r}')

    def slot_groups(self):
        return () if is_zero(self.momentum) else (('momentum',),)

    def update_step(self, gradient, variable, learning_rate):
        if is_zero(self.momentum):
            variable.assign(variable.value - learning_rate * gradient)
            return
        step = learning_rate * gradient
        m = self.slot('momentum', variable)
        v = self.momentum * m.value - step
        m.assign(v)
        variable.assign(variable.value + (self.momentum * v - step if self.nesterov else v))


class RMSprop(_Classic):
    """w ← w - rate · g / (sqrt(a) + epsilon), a the moving average of g² with factor rho (Hinton 2012).

    momentum: steps add up with that factor; centered: the square of g's average is taken off a. In generation 3 epsilon
    is inside the root, as it is always with momentum or centered.
    """

    rho, momentum = Hyperparameter(), Hyperparameter()
    _settings = ('rho', 'epsilon')
    _newer = {'momentum': 0.0, 'centered': False}
    _keras2_weights = ('velocity',)

    @takes_common_options
    def __init__(self, lr=0.001, rho=0.9, epsilon=None, decay=0.0, momentum=0.0, centered=False, **kwargs):
        super().__init__(lr=lr, decay=decay, **kwargs)
        self.rho = rho
        self.epsilon = _epsilon(epsilon)
        self.momentum = momentum
        self.centered = bool(centered)

    def slot_groups(self):
        groups = [('velocity',)]
        groups += [] if is_zero(self.momentum) else [('momentum',)]
        return groups + ([('average_gradient',)] if self.centered else [])

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.slot('velocity', variable)
        a = self.rho * velocity.value + (1.0 - self.rho) * ops.square(gradient)
        velocity.assign(a)
        plain = is_zero(self.momentum) and not self.centered
        if plain and not self._inside_root():
            variable.assign(variable.value - learning_rate * gradient / (ops.sqrt(a) + self.epsilon))
            return
        if self.centered:
            average = self.slot('average_gradient', variable)
            mean = self.rho * average.value + (1.0 - self.rho) * gradient
            average.assign(mean)
            a = a - ops.square(mean)
        step = learning_rate * gradient * ops.rsqrt(a + self.epsilon)
        if not is_zero(self.momentum):
            m = self.slot('momentum', variable)
            step = self.momentum * m.value + step
            m.assign(step)
        variable.assign(variable.value - step)

    def get_config(self):
        out = super().get_config()
        if self.generation == 3:
            out.update(momentum=float(self.momentum), centered=self.centered)
        return out


class Adagrad(_Classic):
    """w ← w - rate · g / (sqrt(a) + epsilon), a the sum of g² from initial_accumulator_value on (Duchi et al. 2011)."""

    _settings = ('epsilon',)
    _keras2_weights = ('accumulator',)

    @takes_common_options
    def __init__(self, lr=ADAGRAD_RATE, epsilon=None, decay=0.0, initial_accumulator_value=ADAGRAD_FIRST_ACCUMULATOR,
                 **kwargs):
        super().__init__(lr=lr, decay=decay, **kwargs)
        self.epsilon = _epsilon(epsilon)
        self.initial_accumulator_value = finite('Adagrad', 'initial_accumulator_value',
                                                chosen(initial_accumulator_value, self.generation), 0)

    def slot_groups(self):
        return (('accumulator',),)

    def slot_initial(self, name, variable):
        return super().slot_initial(name, variable) + self.initial_accumulator_value

    def update_step(self, gradient, variable, learning_rate):
        accumulator = self.slot('accumulator', variable)
        a = accumulator.value + ops.square(gradient)
        accumulator.assign(a)
        root = ops.sqrt(a + self.epsilon) if self._inside_root() else ops.sqrt(a) + self.epsilon
        variable.assign(variable.value - learning_rate * gradient / root)

    def get_config(self):
        out = super().get_config()
        if self.generation == 3 or self.initial_accumulator_value:
            out['initial_accumulator_value'] = self.initial_accumulator_value
        return out


class Adadelta(_Classic):
    """w ← w - rate · u, u = g · sqrt((d + epsilon) / (a + epsilon)); a, d: averages of g², u² (Zeiler 2012)."""

    rho = Hyperparameter()
    _settings = ('rho', 'epsilon')
    _keras2_weights = ('accumulated_grad', 'accumulated_delta_var')

    @takes_common_options
    def __init__(self, lr=ADADELTA_RATE, rho=0.95, epsilon=None, decay=0.0, **kwargs):
        super().__init__(lr=lr, decay=decay, **kwargs)
        self.rho = rho
        self.epsilon = _epsilon(epsilon)

    def slot_groups(self):
        return (('accumulated_grad', 'accumulated_delta_var'),)

    def update_step(self, gradient, variable, learning_rate):
        accumulator, delta = self.slot('accumulated_grad', variable), self.slot('accumulated_delta_var', variable)
        a = self.rho * accumulator.value + (1.0 - self.rho) * ops.square(gradient)
        accumulator.assign(a)
        d = delta.value
        u = gradient * ops.sqrt((d + self.epsilon) / (a + self.epsilon))
        delta.assign(self.rho * d + (1.0 - self.rho) * ops.square(u))
        variable.assign(variable.value - learning_rate * u)


def adam_moments(optimizer, gradient, variable):
    """The means of the gradient and of its square, forgotten with factors beta_1 and beta_2; both slots take them."""
    momentum, velocity = optimizer.slot('momentum', variable), optimizer.slot('velocity', variable)
    m = optimizer.beta_1 * momentum.value + (1.0 - optimizer.beta_1) * gradient
    v = optimizer.beta_2 * velocity.value + (1.0 - optimizer.beta_2) * ops.square(gradient)
    momentum.assign(m)
    velocity.assign(v)
    return m, v


class Adam(_Classic):
    """w ← w - rate · m / (sqrt(v) + epsilon), the rate times sqrt(1 - beta_2^t) / (1 - beta_1^t) (Kingma, Ba 2014).

    m, v: moving averages of g, g² with factors beta_1, beta_2; amsgrad: the largest v so far (Reddi et al. 2018).
    """

    beta_1, beta_2 = Hyperparameter(), Hyperparameter()
    _settings = ('beta_1', 'beta_2', 'epsilon', 'amsgrad')
    _keras2_weights = ('iterations', 'momentum', 'velocity', 'velocity_hat')

    @takes_common_options
    def __init__(self, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, amsgrad=False, **kwargs):
        if isinstance(decay, bool):         # Keras 3's fifth positional argument is amsgrad
            decay, amsgrad = 0.0, decay
        super().__init__(lr=lr, decay=decay, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = _epsilon(epsilon)
        self.amsgrad = bool(amsgrad)

    def slot_groups(self):
        return (('momentum', 'velocity'), ('velocity_hat',)) if self.amsgrad else (('momentum', 'velocity'),)

    def _filler(self, name, variable):
        return [0.0]                        # what Keras 2 has for velocity_hat without amsgrad

    def prepare(self, learning_rate):
        t = self._step_number()
        self._rate_t = learning_rate * ops.sqrt(one_minus_power(self.beta_2, t)) / one_minus_power(self.beta_1, t)

    def update_step(self, gradient, variable, learning_rate):
        m, v = adam_moments(self, gradient, variable)
        if self.amsgrad:
            largest = self.slot('velocity_hat', variable)
            v = ops.maximum(largest.value, v)
            largest.assign(v)
        variable.assign(variable.value - self._rate_t * m / (ops.sqrt(v) + self.epsilon))


class Adamax(_Classic):
    """Adam by the largest |g| seen, forgotten with factor beta_2, in place of the root of v (Kingma and Ba 2014)."""

    beta_1, beta_2 = Hyperparameter(), Hyperparameter()
    _settings = ('beta_1', 'beta_2', 'epsilon')
    _keras2_weights = ('iterations', 'momentum', 'norm')

    @takes_common_options
    def __init__(self, lr=ADAMAX_RATE, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, **kwargs):
        super().__init__(lr=lr, decay=decay, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = _epsilon(epsilon)

    def slot_groups(self):
        return (('momentum', 'norm'),)

    def prepare(self, learning_rate):
        self._rate_t = learning_rate / one_minus_power(self.beta_1, self._step_number())

    def update_step(self, gradient, variable, learning_rate):
        momentum, norm = self.slot('momentum', variable), self.slot('norm', variable)
        m = self.beta_1 * momentum.value + (1.0 - self.beta_1) * gradient
        u = ops.maximum(self.beta_2 * norm.value, ops.absolute(gradient))
        momentum.assign(m)
        norm.assign(u)
        variable.assign(variable.value - self._rate_t * m / (u + self.epsilon))


class Nadam(_Classic):
    """Adam with Nesterov's momentum, whose factor grows as beta_1 · (1 - 0.96^(schedule_decay · t) / 2) (Dozat 2016).

    schedule_decay: 0.004 in Keras 2, 1 in Keras 3.
    """

    beta_1, beta_2, schedule_decay = Hyperparameter(), Hyperparameter(), Hyperparameter()
    _settings = ('beta_1', 'beta_2', 'epsilon')
    _keras2_weights = ('iterations', 'momentum', 'velocity')
    decays = False

    @takes_common_options
    def __init__(self, lr=NADAM_RATE, beta_1=0.9, beta_2=0.999, epsilon=None, schedule_decay=NADAM_SCHEDULE_DECAY,
                 **kwargs):
        super().__init__(lr=lr, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = _epsilon(epsilon)
        self.schedule_decay = chosen(schedule_decay, self.generation)
        self.m_schedule = Variable(1.0, dtype=config.floatx(), trainable=False, name=f'{self.name}/m_schedule')
        self._extra.append(('m_schedule', self.m_schedule))

    def slot_groups(self):
        return (('momentum', 'velocity'),)

    def _factor(self, t):
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, t * self.schedule_decay))

    def prepare(self, learning_rate):
        t = self._step_number()
        now, following = self._factor(t), self._factor(t + 1.0)
        product = self.m_schedule.value * now
        self.m_schedule.assign(product)
        self._of_gradient = learning_rate * (1.0 - now) / (1.0 - product)
        self._of_momentum = learning_rate * following / (1.0 - product * following)
        self._root_scale = ops.rsqrt(one_minus_power(self.beta_2, t))

    def update_step(self, gradient, variable, learning_rate):
        m, v = adam_moments(self, gradient, variable)
        step = self._of_gradient * gradient + self._of_momentum * m
        variable.assign(variable.value - step / (ops.sqrt(v) * self._root_scale + self.epsilon))

    def restored(self, targets):
        """Files of Keras 2 lack the product of the factors: it follows from the number of steps."""
        if any(v is self._iterations for v in targets) and all(v is not self.m_schedule for v in targets):
            t = np.arange(1, int(self._iterations.numpy()) + 1)
            factors = float(self.beta_1) * (1 - 0.5 * 0.96 ** (t * float(self.schedule_decay)))
            self.m_schedule.assign(np.multiply.reduce(factors.astype(self.m_schedule.dtype)))

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """As that of any optimizer. The `decay` of tf.keras's first one is its schedule_decay."""
        if 'decay' in config and 'learning_rate' in config:
            config = dict(config)
            config['schedule_decay'] = config.pop('decay')
        return super().from_config(config, custom_objects)

    def get_config(self):
        out = super().get_config()
        if self.generation != 3 or float(self.schedule_decay) != 1.0:
            out['schedule_decay'] = float(self.schedule_decay)
        return out
