"""Constraints against numbers recorded from Keras 2.2.4."""

import numpy as np
import pytest

from fastkeras import constraints
from fastkeras.runtime import Function

from .parity.recorded import KERAS2, arrays


@pytest.mark.parametrize('name,kwargs,expected', KERAS2['constraints'], ids=lambda x: x if isinstance(x, str) else '')
def test_follows_keras(name, kwargs, expected):
    x = arrays('x')[0]
    constraint = getattr(constraints, name)(**kwargs)
    np.testing.assert_allclose(constraint(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(Function(lambda x: constraint(x))(x), expected, rtol=1e-5, atol=1e-6)
    again = constraints.deserialize(constraints.serialize(constraint))
    assert type(again) is type(constraint) and again.get_config() == constraint.get_config()


def test_norms_over_several_axes():
    w = np.random.RandomState(0).normal(size=(3, 3, 2, 5)).astype('float32')
    got = np.asarray(constraints.UnitNorm(axis=[0, 1, 2])(w))
    np.testing.assert_allclose((got ** 2).sum((0, 1, 2)), np.ones(5), rtol=1e-5)


@pytest.mark.parametrize('call', [
    lambda: constraints.MaxNorm('2'), lambda: constraints.MaxNorm(float('nan')), lambda: constraints.MaxNorm(-1),
    lambda: constraints.MaxNorm(True), lambda: constraints.MaxNorm(axis='0'), lambda: constraints.UnitNorm('0'),
    lambda: constraints.UnitNorm([0, 0.5]), lambda: constraints.MinMaxNorm('0'), lambda: constraints.MinMaxNorm(2.0, 1.0),
    lambda: constraints.MinMaxNorm(rate=None)])
def test_refuses(call):
    with pytest.raises(ValueError, match='Norm: expected (axis|max_value|min_value|rate) to be a '):
        call()


def test_names():
    for name, cls in (('maxnorm', 'MaxNorm'), ('max_norm', 'MaxNorm'), ('non_neg', 'NonNeg'), ('nonneg', 'NonNeg'),
                      ('unitnorm', 'UnitNorm'), ('min_max_norm', 'MinMaxNorm'), ('UnitNorm', 'UnitNorm')):
        assert type(constraints.get(name)).__name__ == cls
    assert constraints.maxnorm(2.0).max_value == 2.0
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match="Unknown constraint: 'max_nrom'.*'max_norm'"):
        constraints.get('max_nrom')
