"""Optimizers that came with Keras 3.10 and later: Muon, AdamW without a schedule."""

import re

from fastkeras import ops
from fastkeras.optimizers.base import Optimizer
from fastkeras.optimizers.hyperparameters import Hyperparameter, one_minus_power, takes_common_options
from fastkeras.utils.quantities import finite, steps


class Muon(Optimizer):
    """Steps of matrices by their momentum made orthogonal, of all other weights by AdamW (Jordan 2024; Liu et al. 2025).

    Matrices but embeddings (exclude_embeddings) and those whose path a pattern of exclude_layers matches: the momentum
    m ← momentum · m + g, with nesterov g + momentum · m, is brought near the orthogonal matrix next to it by ns_steps steps of
    Newton and Schulz, x ← muon_a · x + (muon_b · xxᵀ + muon_c · (xxᵀ)²) · x; the step is that, times rate · rms_rate ·
    sqrt(larger side) (rms_rate=None: times rate). weight_decay is that of such matrices. The others: Adam with adam_beta_1,
    adam_beta_2, epsilon, adam_weight_decay, and rate · adam_lr_ratio.
    """

    _settings = ('adam_beta_1', 'adam_beta_2', 'adam_weight_decay', 'epsilon', 'exclude_layers', 'exclude_embeddings', 'muon_a',
                 'muon_b', 'muon_c', 'adam_lr_ratio', 'momentum', 'ns_steps', 'nesterov', 'rms_rate', 'weight_decay')

    @takes_common_options
    def __init__(self, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, adam_weight_decay=0.004, epsilon=1e-7,
                 weight_decay=0.004, clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 exclude_layers=None, exclude_embeddings=True, muon_a=3.4445, muon_b=-4.7750, muon_c=2.0315, adam_lr_ratio=1,
                 momentum=0.95, ns_steps=5, nesterov=True, rms_rate=0.2, **kwargs):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.adam_beta_1 = finite('Muon', 'adam_beta_1', adam_beta_1, 0)
        self.adam_beta_2 = finite('Muon', 'adam_beta_2', adam_beta_2, 0)
        self.adam_weight_decay = adam_weight_decay and finite('Muon', 'adam_weight_decay', adam_weight_decay, 0)
        self.epsilon = finite('Muon', 'epsilon', epsilon, 0)
        self.muon_a, self.muon_b, self.muon_c = (finite('Muon', f'muon_{k}', v) for k, v in (
            ('a', muon_a), ('b', muon_b), ('c', muon_c)))
        self.adam_lr_ratio = finite('Muon', 'adam_lr_ratio', adam_lr_ratio, 0)
        self.momentum = finite('Muon', 'momentum', momentum, 0)
        self.ns_steps = steps('Muon', 'ns_steps', ns_steps, 1)
        self.nesterov = bool(nesterov)
        self.rms_rate = None if rms_rate is None else finite('Muon', 'rms_rate', rms_rate, 0)
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = bool(exclude_embeddings)

    def _by_adam(self, variable):
        path = variable.path
        return (len(variable.shape) != 2 or self.exclude_embeddings and 'embedding' in path.lower()
                or any(re.search(pattern, path) for pattern in self.exclude_layers))

    def slot_groups(self):
        return (('momentum', 'velocity'),)

    def slot_initial(self, name, variable):
        return None if name == 'velocity' and not self._by_adam(variable) else super().slot_initial(name, variable)

    def _decay_of(self, variable):
        return self.adam_weight_decay if self._by_adam(variable) else self.weight_decay

    def prepare(self, learning_rate):
        t = self._step_number()
        self._adam_rate = (learning_rate * self.adam_lr_ratio * ops.sqrt(one_minus_power(self.adam_beta_2, t))
                           / one_minus_power(self.adam_beta_1, t))

    def update_step(self, gradient, variable, learning_rate):
        momentum, velocity = self.slot('momentum', variable), self.slot('velocity', variable)
        if velocity is not None:
            m = momentum.value + (1.0 - self.adam_beta_1) * (gradient - momentum.value)
            v = velocity.value + (1.0 - self.adam_beta_2) * (ops.square(gradient) - velocity.value)
            velocity.assign(v)
            step = self._adam_rate * m / (ops.sqrt(v) + self.epsilon)
        else:
            m = self.momentum * momentum.value + gradient
            wanted = gradient + self.momentum * m if self.nesterov else m
            step = self.lr_adjust(learning_rate * self.zeropower_via_newtonschulz5(wanted, self.ns_steps))
        momentum.assign(m)
        variable.assign(variable.value - step)

    def transpose_last_axis(self, X):
        """X with its last two axes exchanged."""
        return ops.swapaxes(X, -1, -2)

    def lr_adjust(self, x):
        """A step as long as one of Adam's: times sqrt(larger side) · rms_rate (Liu et al. 2025)."""
        return x if self.rms_rate is None else x * (max(x.shape) ** 0.5 * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """About the orthogonal matrix next to x. ValueError for what is no matrix."""
        if len(x.shape) < 2:
            raise ValueError(f'Muon: expected a matrix, got shape {tuple(x.shape)}')
        tall = x.shape[-2] > x.shape[-1]
        x = self.transpose_last_axis(x) if tall else x
        x = x / (ops.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
        for _ in range(steps):
            square = ops.matmul(x, x, transpose_b=True)
            x = self.muon_a * x + ops.matmul(self.muon_b * square + self.muon_c * ops.matmul(square, square), x)
        return self.transpose_last_axis(x) if tall else x


class ScheduleFreeAdamW(Optimizer):
    """AdamW on z, whose weights y = (1 - beta_1) · z + beta_1 · (average of all z) need no schedule (Defazio et al. 2024).

    z ← z - rate · g / (sqrt(v / (1 - beta_2^t)) + epsilon); v: average of g² by beta_2. warmup_steps: the rate rises over so
    many steps.
    """

    beta_1, beta_2 = Hyperparameter(), Hyperparameter()
    _settings = ('beta_1', 'beta_2', 'epsilon', 'warmup_steps')

    @takes_common_options
    def __init__(self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = finite('ScheduleFreeAdamW', 'beta_1', beta_1, above=0)
        self.beta_2 = beta_2
        self.epsilon = finite('ScheduleFreeAdamW', 'epsilon', epsilon, 0)
        self.warmup_steps = steps('ScheduleFreeAdamW', 'warmup_steps', warmup_steps, 0)

    def slot_groups(self):
        return (('momentum',), ('velocity',))

    def slot_initial(self, name, variable):
        return variable.numpy() if name == 'momentum' else super().slot_initial(name, variable)

    def prepare(self, learning_rate):
        t = self._step_number()
        self._rate_t = learning_rate * ops.minimum(t * (1.0 / self.warmup_steps), 1.0) if self.warmup_steps else learning_rate
        self._root_scale = one_minus_power(self.beta_2, t)
        self._weight = 1.0 / t

    def update_step(self, gradient, variable, learning_rate):
        momentum, velocity = self.slot('momentum', variable), self.slot('velocity', variable)
        z, y = momentum.value, variable.value
        v = velocity.value + (1.0 - self.beta_2) * (ops.square(gradient) - velocity.value)
        new = z - self._rate_t * gradient / (ops.sqrt(v / self._root_scale) + self.epsilon)
        average = (y - (1.0 - self.beta_1) * z) / self.beta_1
        average = average + self._weight * (new - average)
        velocity.assign(v)
        momentum.assign(new)
        variable.assign((1.0 - self.beta_1) * new + self.beta_1 * average)
