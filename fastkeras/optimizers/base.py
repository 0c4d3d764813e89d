"""What all optimizers share: state, rate, clipping, the order of a step, configurations and weights.

A step is written in ops on Variables. Inside a trace it becomes part of the traced function; outside it runs at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import generation, ops
from fastkeras.generation import chosen
from fastkeras.ops import all_reduce
from fastkeras.optimizers import clipping, schedules
from fastkeras.optimizers.hyperparameters import COMMON
from fastkeras.optimizers.own_updates import Updates
from fastkeras.optimizers.state import State
from fastkeras.runtime import Variable, active_trace, stateless
from fastkeras.utils.errors import shown, unknown_argument, warn
from fastkeras.utils.quantities import checked_name, finite, steps

# keywords of other Keras versions that change nothing here
_IGNORED = ('jit_compile', 'is_legacy_optimizer', 'dynamic')


def _snake(name):
    return ''.join('_' + c.lower() if c.isupper() and i and not name[i - 1].isupper() else c.lower()
                   for i, c in enumerate(name))


class Optimizer(State, Updates):
    """Base of optimizers.

    Keywords of all of them. learning_rate (or `lr`): a number or a schedule. decay: the rate is divided by 1 + decay
    · iterations, except in generation 3. clipnorm: bound on the norm of all gradients together, in generation 3 of
    each. global_clipnorm: of all together. clipvalue: bound on each element. weight_decay: a step first takes that
    share, times the rate, off the weights. use_ema, ema_momentum, ema_overwrite_frequency: keep moving averages of
    the weights, and put them in their place every so many steps and at the end of training. loss_scale_factor:
    multiplies the loss; gradients are divided by it again. gradient_accumulation_steps: one update in so many steps,
    by the mean.

    A subclass defines `update_step(gradient, variable, learning_rate)`, which assigns; `slot_groups`; and `prepare`,
    for scalars that all variables share. One written for Keras 2 may define `get_updates(loss, params)` instead.
    """

    # what Keras 2's configuration has of the class's own; _newer: what is added to it unless it has this value
    _settings = ()
    _newer = {}
    decays = True
    replaced = None     # the weights that finalize_variable_values replaced

    def __init__(self, learning_rate: Any = None, weight_decay: Any = None, clipnorm: Any = None, clipvalue: Any = None,
                 global_clipnorm: Any = None, use_ema: bool = False, ema_momentum: Any = 0.99,
                 ema_overwrite_frequency: Any = None, loss_scale_factor: Any = None, gradient_accumulation_steps: Any = None,
                 name: str | None = None, lr: Any = None, decay: Any = 0.0, **kwargs: Any) -> None:
        for key in kwargs:
            if key not in _IGNORED:
                raise unknown_argument(type(self).__name__, key, [*COMMON, 'lr', 'decay', *self._settings])
        owner = type(self).__name__
        self.generation = settings.generation()
        self.name = checked_name(owner, name or _snake(owner))
        self._no_state()
        self._numbers = {}          # see Hyperparameter
        self._not_decayed = []
        self.updates = []
        self.clipnorm = self._bound('clipnorm', clipnorm)
        self.clipvalue = self._bound('clipvalue', clipvalue)
        self.global_clipnorm = self._bound('global_clipnorm', global_clipnorm)
        if self.generation == 3 and sum(b is not None for b in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(f'{owner}: expected at most one of clipnorm, clipvalue and global_clipnorm')
        self.weight_decay = weight_decay if weight_decay is None else finite(owner, 'weight_decay', weight_decay, 0)
        self.use_ema = use_ema
        self.ema_momentum = finite(owner, 'ema_momentum', ema_momentum, 0)
        self.ema_overwrite_frequency = steps(owner, 'ema_overwrite_frequency', ema_overwrite_frequency, 1)
        self.loss_scale_factor = (None if loss_scale_factor is None else
                                  finite(owner, 'loss_scale_factor', loss_scale_factor, above=0))
        self.gradient_accumulation_steps = steps(owner, 'gradient_accumulation_steps', gradient_accumulation_steps, 2)
        self._iterations = Variable(np.int32(0), trainable=False, name=f'{self.name}/iteration')
        self._rate = None
        self.decay = self.initial_decay = finite(owner, 'decay', decay, 0)
        rate = learning_rate if learning_rate is not None else chosen(lr, self.generation)
        if rate is not None:
            self.learning_rate = rate

    def _bound(self, name, value):
        return None if value is None else finite(type(self).__name__, name, value, 0)

    # ---- rate and steps
    @property
    def iterations(self) -> Any:
        """Number of updates done: a Variable."""
        steps = self.gradient_accumulation_steps
        return self._iterations if not steps else self._iterations // steps

    @iterations.setter
    def iterations(self, value: Any) -> None:
        if isinstance(value, Variable):
            self._iterations = value
        else:
            self._iterations.assign(value)

    @property
    def learning_rate(self) -> Any:
        """The rate, a Variable; with a schedule, its value at the present step. Set it to a number or a schedule."""
        if isinstance(self._rate, schedules.LearningRateSchedule):
            return self._rate(self.iterations)
        return self._rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if isinstance(rate, dict):
            rate = schedules.deserialize(rate)
        if isinstance(rate, (Variable, schedules.LearningRateSchedule)):
            if rate is not self._rate:
                self._rate = rate
                self.version += 1
            return
        if callable(rate):
            rate = rate()
        rate = finite(type(self).__name__, 'learning_rate', rate, 0)
        if isinstance(self._rate, Variable):
            self._rate.assign(rate)
        else:
            self._rate = Variable(np.asarray(rate, settings.floatx()), dtype=settings.floatx(), trainable=False,
                                  name=f'{self.name}/learning_rate')
            self.version += self.built

    lr = learning_rate

    def _decayed_rate(self):
        """The rate of this step, as a scalar tensor."""
        if self._rate is None:
            raise ValueError(f'{type(self).__name__}: expected a learning rate, none was given')
        rate = self.learning_rate
        rate = rate.value if isinstance(rate, Variable) else rate
        if self.initial_decay and generation.of('optimizer.decay', self.generation):
            rate = rate / (ops.cast(self.iterations, settings.floatx()) * self.decay + 1.0)
        return rate

    def _step_number(self):
        """1 in the first step, as a float scalar."""
        return ops.cast(self.iterations, settings.floatx()) + 1.0

    # ---- what a subclass writes
    def prepare(self, learning_rate: Any) -> Any:
        """Compute scalars that the updates of all variables share; called once a step, before `update_step`."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Any:
        """Assign the new values of one variable and its state."""
        raise TypeError(f'{type(self).__name__} must define update_step(self, gradient, variable, learning_rate) '
                        'or get_updates(self, loss, params)')

    def assign(self, variable: Any, value: Any) -> Any:
        """variable ← value, for update_step."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> Any:
        """variable ← variable + value."""
        variable.assign(variable + value)

    def assign_sub(self, variable: Any, value: Any) -> Any:
        """variable ← variable - value."""
        variable.assign(variable - value)

    # ---- a step
    def minimize(self, loss: Any, variables: Any, tape: Any = None) -> Any:
        """One step down the gradient of a scalar loss, inside a trace: what a training step calls. tape: the GradientTape that
        recorded the loss; it is needed outside of a trace."""
        variables = list(variables)
        if self._has_own_updates():
            self._step_by_updates(loss, variables)
            return
        if tape is not None:
            grads = tape.gradient(self.scale_loss(loss), variables)
            self.apply(all_reduce.all_reduce(grads) if active_trace() is not None else grads, variables)
            return
        if active_trace() is None:
            raise ValueError(f'{type(self).__name__}.minimize: outside of a trained step it needs the tape that recorded the '
                             'loss: with GradientTape() as tape: …, then minimize(loss, variables, tape=tape)')
        self._step_down(loss, variables)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times loss_scale_factor."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def apply_gradients(self, grads_and_vars: Any) -> Any:
        """One step by pairs (gradient, variable). Returns `iterations`."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """One step by gradients of `trainable_variables` (those it was built for unless given), in order.

        A gradient of None leaves its variable alone, with a warning; ValueError when all are None or numbers differ.
        """
        grads = list(grads)
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f'{type(self).__name__}: expected a gradient for each of {len(variables)} variables, '
                             f'got {len(grads)}')
        without = [v.name for g, v in zip(grads, variables) if g is None]
        if without and len(without) == len(grads):
            raise ValueError(f'{type(self).__name__}: the loss has no gradient with respect to any variable')
        if without:
            warn(f'the loss has no gradient with respect to {", ".join(map(repr, without))}; not updated')
        self.build(variables)
        pairs = [(g, v) for g, v in zip(grads, variables) if g is not None]
        for g, v in pairs:
            if v.overwrite_with_gradient:
                v.assign(g)
        pairs = [(g, v) for g, v in pairs if not v.overwrite_with_gradient]
        if self.loss_scale_factor is not None:
            pairs = [(g * (1.0 / self.loss_scale_factor), v) for g, v in pairs]
        if self.gradient_accumulation_steps:
            self._accumulate(pairs)
        else:
            self._step(pairs)
        if self.use_ema:
            self._average(variables)
        self._iterations.assign_add(1)

    def stateless_apply(self, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        """One step on values: (new values of the trainable variables, new values of the state), both lists.

        optimizer_variables: values of `variables`, in order. grads: gradients. trainable_variables: values of the Variables
        that the optimizer was built for. Arrays or, inside a trace, tensors; the Variables themselves stay as they are.
        ValueError before `build`, and for numbers that do not fit.
        """
        if not self.built:
            raise ValueError(f'{type(self).__name__}.stateless_apply: it has no state yet: call build(variables) first')
        return stateless.compiled(self, ('apply', self.version), Optimizer._applied, list(optimizer_variables), list(grads),
                                  list(trainable_variables))

    def _applied(self, state, grads, values):
        trained = list(self._trainable_variables)
        if len(values) != len(trained):
            raise ValueError(f'{type(self).__name__}.stateless_apply: expected a value for each of the {len(trained)} '
                             f'trainable variables it was built for, got {len(values)}')
        _, held = stateless.with_values([*trained, *self.variables], [*values, *state], lambda: self.apply(grads, trained))
        return held[:len(trained)], held[len(trained):]

    def _clip(self, grads):
        if self._are_clipped:
            return list(grads)
        over_all = generation.of('optimizer.clipnorm_over_all', self.generation)
        return clipping.clip(list(grads), self.clipnorm, self.clipvalue, self.global_clipnorm, over_all)

    def _step(self, pairs):
        rate = self._decayed_rate()
        grads = self._clip([g for g, _ in pairs])
        self.prepare(rate)
        # those of the last layers first, whose gradients are made first: a plan then lets go of each before it makes the next
        for g, (_, v) in reversed(list(zip(grads, pairs))):
            decay = self._decay_of(v)
            if decay and not any(v is w for w in self._not_decayed):
                v.assign(v.value * (1.0 - decay * rate))
            self.update_step(g, v, rate)
            if getattr(v, 'constraint', None) is not None:
                v.assign(v.constraint(v.value))

    def _decay_of(self, variable):
        """The weight decay of a variable."""
        return self.weight_decay

    def _every(self, steps):
        """Whether the present step is the last of each `steps`: a scalar of truth."""
        return ops.equal((self._iterations + 1) % steps, 0)

    def _accumulate(self, pairs):
        steps = self.gradient_accumulation_steps
        due = self._every(steps)
        sums = [(self.slot('gradient_accumulator', v), g, v) for g, v in pairs]
        if active_trace() is None:                  # at once: an ordinary choice
            for total, g, _ in sums:
                total.assign(total + g)
            if due:
                self._step([(total.numpy() * (1.0 / steps), v) for total, _, v in sums])
                for total, _, _ in sums:
                    total.assign(np.zeros(total.shape, total.dtype))
            return
        totals = [(total, total + g, v) for total, g, v in sums]
        touched = [v for _, v in pairs] + [v for v in self._state() if all(v is not t for t, _, _ in sums)]
        before = [v.value for v in touched]
        self._step([(s * (1.0 / steps), v) for _, s, v in totals])
        for v, old in zip(touched, before):
            if v.value is not old:
                v.assign(ops.where(due, v.value, old))
        for total, s, _ in totals:
            total.assign(ops.where(due, ops.zeros_like(s), s))

    def _average(self, variables):
        m = self.ema_momentum
        averages = [(self.slot('average', v), v) for v in variables]
        first = ops.equal(self._iterations.value, 0)
        for average, v in averages:
            average.assign(ops.where(first, v.value, average.value * m + v.value * (1.0 - m)))
        if self.ema_overwrite_frequency:
            due = self._every(self.ema_overwrite_frequency)
            for average, v in averages:
                v.assign(ops.where(due, average.value, v.value))

    def finalize_variable_values(self, var_list: Any) -> Any:
        """Put the moving averages in place of the variables, at the end of training with use_ema. What they replace is
        kept, see `put_back`."""
        if self.use_ema:
            self.replaced = [v.numpy() for v in var_list]
            for v in var_list:
                v.assign(self.slot('average', v).numpy())

    def put_back(self, var_list: Any) -> Any:
        """Undo finalize_variable_values, for a training that goes on; variables that were changed since stay."""
        replaced, self.replaced = self.replaced, None
        if replaced is not None and len(replaced) == len(var_list) and self._slots.get('average'):
            for v, value in zip(var_list, replaced):
                if v.shape == value.shape and np.array_equal(v.array, self.slot('average', v).array):
                    v.assign(value)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> Any:
        """Variables, or words in names of variables, that weight_decay leaves alone. Call it before the first step."""
        words = list(var_names or ())
        self._not_decayed += list(var_list or ())
        self._not_decayed += [v for v in self._trainable_variables if any(w in v.name for w in words)]

    # ---- configuration
    def __repr__(self):
        rate = self._rate if isinstance(self._rate, schedules.LearningRateSchedule) else self.learning_rate
        said = {name: getattr(self, name, None) for name in self._settings}
        said |= {name: getattr(self, name) for name, default in COMMON.items()
                 if name not in ('learning_rate', 'name') and getattr(self, name) != default}
        return shown(self, {'learning_rate': rate, **said})

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: in the words of Keras 2, or, in generation 3, of Keras 3."""
        return self._config_of(self.generation)

    def _config_of(self, which):
        """The arguments in the words of a generation, 2 or 3."""
        scheduled = isinstance(self._rate, schedules.LearningRateSchedule)
        rate = self._rate
        if rate is not None:
            rate = schedules.serialize(rate) if scheduled else float(rate.numpy())
        own = {name: self._plain(getattr(self, name)) for name in self._settings}
        common = {k: getattr(self, k) for k in COMMON if k not in ('learning_rate', 'name')}
        if which == 3:
            newer = {k: self._plain(getattr(self, k)) for k in self._newer}
            return {'name': self.name, 'learning_rate': rate, **common, **own, **newer}
        out = {} if rate is None else {'lr': rate}
        out.update(own)
        if self.decays and rate is not None:
            out['decay'] = float(self.decay)
        out.update({k: self._plain(getattr(self, k)) for k, v in self._newer.items() if getattr(self, k) != v})
        out.update({k: v for k, v in common.items() if v not in (None, False) and k != 'ema_momentum'})
        if self.use_ema:
            out['ema_momentum'] = self.ema_momentum
        return out

    @staticmethod
    def _plain(value):
        return float(value) if isinstance(value, (float, Variable)) else value

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The optimizer of a configuration of either generation, by whose formulas it then goes."""
        config = dict(config)
        rate = config.get('learning_rate', config.get('lr'))
        if isinstance(rate, dict):
            config['lr' if 'lr' in config else 'learning_rate'] = schedules.deserialize(rate, custom_objects)
        # only Keras 3, and the later optimizers of tf.keras, which became those of Keras 3, write one of these
        keras3 = 'learning_rate' in config and ('gradient_accumulation_steps' in config or 'is_legacy_optimizer' in config)
        with generation.scope(3 if keras3 else settings.generation()):
            return cls(**config)
