"""Learning rates as functions of the step, for any optimizer. Written in ops: they run inside the step."""

from __future__ import annotations

import math
from typing import Any

from fastkeras import config, ops
from fastkeras.saving import objects
from fastkeras.utils.errors import Spelled, shown
from fastkeras.utils.quantities import finite


class LearningRateSchedule(Spelled):
    """Base: define `__call__(step)` → rate (step: scalar tensor of the updates done) and `get_config()`."""

    def __call__(self, step: Any) -> Any:
        raise TypeError(f'{type(self).__name__} must define __call__(self, step)')

    def __repr__(self):
        return shown(self, self.get_config())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {k: v for k, v in vars(self).items() if not k.startswith('_')}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        return cls(**config)


def _float(step):
    return ops.cast(step, config.floatx())


def _positive(owner, name, value):
    finite(owner, name, value, above=0)
    return value


def _checked(owner, **numbers):
    """ValueError, naming it, for what is no finite number; for a rate below 0, too."""
    for name, value in numbers.items():
        if value is not None:
            finite(owner, name, value, 0 if name.endswith('rate') or name == 'warmup_target' else None)


class _SteadyDecay(LearningRateSchedule):
    """What grows by the same from one step to the next; staircase: in whole multiples of decay_steps only."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase, name):
        _checked(type(self).__name__, initial_learning_rate=initial_learning_rate, decay_rate=decay_rate)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(type(self).__name__, 'decay_steps', decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _progress(self, step):
        p = _float(step) / float(self.decay_steps)
        return ops.floor(p) if self.staircase else p


class ExponentialDecay(_SteadyDecay):
    """initial_learning_rate · decay_rate^(step / decay_steps); staircase: in whole steps only."""

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                 name: str | None = 'ExponentialDecay') -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate * ops.power(float(self.decay_rate), self._progress(step))


class InverseTimeDecay(_SteadyDecay):
    """initial_learning_rate / (1 + decay_rate · step / decay_steps); staircase: in whole steps only."""

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                 name: str | None = 'InverseTimeDecay') -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate / (self._progress(step) * float(self.decay_rate) + 1.0)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] while step ≤ boundaries[i], the last of `values` after them all. One value more than boundaries."""

    def __init__(self, boundaries: Any, values: Any, name: str | None = 'PiecewiseConstant') -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError('PiecewiseConstantDecay: expected one value more than boundaries, '
                             f'got {len(boundaries)} boundaries and {len(values)} values')
        for boundary, value in zip([*boundaries, 0], values):
            _checked('PiecewiseConstantDecay', boundaries=boundary)
            finite('PiecewiseConstantDecay', 'values', value, 0)
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = _float(step)
        rate = float(self.values[-1])
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1]):
            rate = ops.where(step <= float(boundary), float(value), rate)
        return rate if self.boundaries else ops.zeros_like(step) + rate


class PolynomialDecay(LearningRateSchedule):
    """From initial_learning_rate to end_learning_rate in decay_steps, by (1 - step / decay_steps)^power.

    cycle: after that, again and again over a multiple of decay_steps.
    """

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
                 cycle: bool = False, name: str | None = 'PolynomialDecay') -> None:
        _checked('PolynomialDecay', initial_learning_rate=initial_learning_rate, end_learning_rate=end_learning_rate,
                 power=power)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive('PolynomialDecay', 'decay_steps', decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        share = _float(step) / float(self.decay_steps)
        if self.cycle:
            share = share / ops.maximum(ops.ceil(share), 1.0)
        else:
            share = ops.minimum(share, 1.0)
        left = 1.0 - share
        if self.power != 1:
            left = ops.power(left, float(self.power))
        return (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the first rate down to `alpha` times it in decay_steps (Loshchilov and Hutter 2016).

    With warmup_target the rate first goes in a line from initial_learning_rate to it, in warmup_steps.
    """

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = 'CosineDecay',
                 warmup_target: Any = None, warmup_steps: Any = 0) -> None:
        _checked('CosineDecay', initial_learning_rate=initial_learning_rate, alpha=alpha, warmup_target=warmup_target,
                 warmup_steps=warmup_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive('CosineDecay', 'decay_steps', decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        step = _float(step)
        warm = self.warmup_target is not None
        start = self.warmup_target if warm else self.initial_learning_rate
        after = step - float(self.warmup_steps) if warm else step
        share = ops.clip(after * (1.0 / self.decay_steps), 0.0, 1.0)
        rate = start * ((0.5 - 0.5 * self.alpha) * (ops.cos(share * math.pi) + 1.0) + self.alpha)
        if warm and self.warmup_steps:
            slope = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
            rate = ops.where(step < float(self.warmup_steps), step * slope + self.initial_learning_rate, rate)
        return rate


class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay that starts again: each period t_mul times as long, from m_mul times the rate (SGDR)."""

    def __init__(self, initial_learning_rate: Any, first_decay_steps: Any, t_mul: Any = 2.0, m_mul: Any = 1.0,
                 alpha: float = 0.0, name: str | None = 'SGDRDecay') -> None:
        _checked('CosineDecayRestarts', initial_learning_rate=initial_learning_rate, t_mul=t_mul, m_mul=m_mul, alpha=alpha)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive('CosineDecayRestarts', 'first_decay_steps', first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Any:
        share = _float(step) * (1.0 / self.first_decay_steps)
        if self.t_mul == 1:
            period = ops.floor(share)
            share = share - period
        else:
            # the n-th period starts at (t_mul^n - 1) / (t_mul - 1)
            period = ops.floor(ops.log(share * (self.t_mul - 1.0) + 1.0) * (1.0 / math.log(self.t_mul)))
            length = ops.power(float(self.t_mul), period)
            share = (share - (length - 1.0) * (1.0 / (self.t_mul - 1.0))) / length
        top = ops.power(float(self.m_mul), period) if self.m_mul != 1 else 1.0
        wave = (0.5 - 0.5 * self.alpha) * (ops.cos(share * math.pi) + 1.0)
        return self.initial_learning_rate * (wave * top + self.alpha)


_TABLE = {c.__name__: c for c in (ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay,
                                  CosineDecay, CosineDecayRestarts)}
objects.add_family('optimizers.schedules', _TABLE)
objects.add_slot('learning rate schedule', LearningRateSchedule)


def serialize(learning_rate_schedule: Any) -> Any:
    """The configuration of a schedule."""
    return objects.serialize(learning_rate_schedule, form=3)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule of a configuration."""
    return objects.deserialize('learning rate schedule', config, _TABLE, custom_objects)
