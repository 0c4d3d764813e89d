"""How optimizers hold their numbers, and the keywords that all of them take."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

from fastkeras import config, ops
from fastkeras.runtime import Variable
from fastkeras.utils.quantities import finite


class _Number(float):
    """A hyperparameter as it is read: a float that `K.set_value` may also set."""

    __slots__ = ('_home',)

    def assign(self, value):
        optimizer, name = self._home
        setattr(optimizer, name, value)


class Hyperparameter:
    """An attribute that is a constant of the compiled step until someone sets it to another value.

    From then on it is a Variable: the first change costs one compilation (`optimizer.version` goes up, which those who
    cache a step look at), further ones nothing.
    """

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, optimizer, owner=None):
        if optimizer is None:
            return self
        try:
            value = optimizer._numbers[self.name]
        except KeyError:
            raise AttributeError(f'{type(optimizer).__name__} has no {self.name!r} yet') from None
        if isinstance(value, float):
            value = _Number(value)
            value._home = (optimizer, self.name)
        return value

    def __set__(self, optimizer, value):
        numbers = optimizer._numbers
        if isinstance(value, Variable):
            numbers[self.name] = value
            return
        value = finite(type(optimizer).__name__, self.name, value, 0)
        old = numbers.get(self.name)
        if isinstance(old, Variable):
            old.assign(value)
        elif old is None or not optimizer.built:
            numbers[self.name] = value
        elif value != old:
            numbers[self.name] = Variable(value, dtype=config.floatx(), trainable=False,
                                          name=f'{optimizer.name}/{self.name}')
            optimizer.version += 1


def is_zero(number):
    """Whether a hyperparameter is the constant 0, so that what it multiplies can be left out."""
    return isinstance(number, float) and number == 0.0


def one_minus_power(base, t):
    """1 - base^t, without float32's cancellation near 1. base: number or Variable; t: scalar tensor."""
    if isinstance(base, float) and 0.0 < base < 1.0:
        return -ops.expm1(t * math.log(base))
    return 1.0 - ops.power(base, t)


# Keras 3's keywords of every optimizer; `decay` and `lr` are Keras 2's
COMMON = {'learning_rate': None, 'weight_decay': None, 'clipnorm': None, 'clipvalue': None, 'global_clipnorm': None,
          'use_ema': False, 'ema_momentum': 0.99, 'ema_overwrite_frequency': None, 'loss_scale_factor': None,
          'gradient_accumulation_steps': None, 'name': None}


F = TypeVar('F', bound=Callable[..., Any])     # what a decorator gives has the signature of what it got


def takes_common_options(init: F) -> F:
    """Let a constructor (…, **kwargs) take the rate by either name, and show the keywords it hands on to Optimizer."""
    signature = inspect.signature(init)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in own}
    rate, other = ('lr', 'learning_rate') if 'lr' in names else ('learning_rate', 'lr')
    keyword = inspect.Parameter.KEYWORD_ONLY
    common = [inspect.Parameter(k, keyword, default=v) for k, v in COMMON.items() if k not in names]
    rest = [p for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]

    @functools.wraps(init)
    def wrapper(self, *args, **kwargs):
        if other in kwargs and kwargs[other] is not None:
            if rate in kwargs or args:
                raise TypeError(f'{type(self).__name__}: `lr` and `learning_rate` are the same; give one of them')
            kwargs[rate] = kwargs.pop(other)
        init(self, *args, **kwargs)

    wrapper.__signature__ = signature.replace(parameters=[*own, *common, *rest])
    return wrapper
