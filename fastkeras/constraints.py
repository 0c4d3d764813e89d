"""Constraints on weights: callables from a weight to the weight that the optimizer keeps instead, after each update."""

from fastkeras import config, ops
from fastkeras.saving import objects
from fastkeras.utils.errors import Spelled
from fastkeras.utils.quantities import as_whole, finite


class Constraint(Spelled):
    """Base: define `__call__(w)` → tensor of the same shape and, to be saved, `get_config()`."""

    def __call__(self, w):
        return w

    def get_config(self):
        """The constructor's arguments; a subclass with arguments returns them."""
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _checked_axis(owner, axis):
    """The axis, or the axes, as they were given; ValueError for what is no whole number."""
    given = axis if isinstance(axis, (list, tuple)) else [axis]
    if axis is not None and any(as_whole(a) is None for a in given):
        raise ValueError(f'{owner}: expected axis to be a whole number, a list of them or None, got {axis!r}')
    return axis


def _norms(w, axis):
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms along `axis` of at most `max_value`, 0 or more (Srivastava et al. 2014).

    axis: int or list of ints. 0 for a Dense kernel (inputs, units); [0, 1, 2] for a Conv2D kernel (rows, columns, in,
    out).
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value = finite('MaxNorm', 'max_value', max_value, low=0)
        self.axis = _checked_axis('MaxNorm', axis)

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0.0, self.max_value) / (norms + config.epsilon()))

    def get_config(self):
        return {'max_value': self.max_value, 'axis': self.axis}


class NonNeg(Constraint):
    """Weights of 0 or more: the negative ones become 0."""

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        return ops.where(w >= 0.0, w, ops.zeros_like(w))


class UnitNorm(Constraint):
    """Norms of 1 along `axis` (see MaxNorm)."""

    def __init__(self, axis=0):
        self.axis = _checked_axis('UnitNorm', axis)

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        return w * (1.0 / (_norms(w, self.axis) + config.epsilon()))

    def get_config(self):
        return {'axis': self.axis}


class MinMaxNorm(Constraint):
    """Norms along `axis` (see MaxNorm) between `min_value` and `max_value`.

    rate: how much of the way to there a norm outside goes at each update; 1 goes all of it.
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = finite('MinMaxNorm', 'min_value', min_value, low=0)
        self.max_value = finite('MinMaxNorm', 'max_value', max_value, low=self.min_value)
        self.rate = finite('MinMaxNorm', 'rate', rate)
        self.axis = _checked_axis('MinMaxNorm', axis)

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (norms + config.epsilon()))

    def get_config(self):
        return {'min_value': self.min_value, 'max_value': self.max_value, 'rate': self.rate, 'axis': self.axis}


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm

_TABLE = {c.__name__: c for c in (Constraint, MaxNorm, NonNeg, UnitNorm, MinMaxNorm)}
_TABLE.update(max_norm=MaxNorm, maxnorm=MaxNorm, non_neg=NonNeg, nonneg=NonNeg, unit_norm=UnitNorm, unitnorm=UnitNorm,
              min_max_norm=MinMaxNorm)
objects.add_family('constraints', _TABLE)
objects.add_slot('constraint', Constraint, functions=True)


def serialize(constraint):
    """The configuration of a constraint, or the name of a function."""
    return objects.serialize(constraint, table=_TABLE)


def deserialize(config, custom_objects=None):
    """The constraint of a configuration."""
    return objects.deserialize('constraint', config, _TABLE, custom_objects)


def get(identifier):
    """A constraint by name, configuration or itself; None stays None. ValueError for an unknown name."""
    return objects.resolve('constraint', identifier, _TABLE)
