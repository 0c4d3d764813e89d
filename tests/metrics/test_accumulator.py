"""Sums and counts beyond what one float32 can count."""

import copy

import numpy as np
import pytest

from fastkeras import metrics, ops
from fastkeras.layers import Dense
from fastkeras.metrics.accumulator import Accumulator
from fastkeras.models import Sequential
from fastkeras.runtime import Function

LIMIT = 2 ** 24


def adding(v):
    return Function(lambda x: v.assign_add(x))


@pytest.mark.parametrize('traced', [True, False])
def test_ones_are_counted_beyond_2_to_the_24(traced):
    v = Accumulator(np.float32([LIMIT, 0, -LIMIT]))
    add = adding(v) if traced else v.assign_add
    for _ in range(101):
        add(np.float32([1, 1, -1]))
    np.testing.assert_array_equal(v.exact(), [LIMIT + 101, 101, -LIMIT - 101])
    np.testing.assert_array_equal(v.numpy(), np.float32([LIMIT + 101, 101, -LIMIT - 101]))
    add(np.float32([-LIMIT, 0, LIMIT]))
    np.testing.assert_array_equal(v.numpy(), [101, 101, -101])
    again = copy.deepcopy(v)
    np.testing.assert_array_equal(again.exact(), v.exact())
    v.assign(np.zeros(3))
    np.testing.assert_array_equal(v.exact(), 0)


@pytest.mark.parametrize('traced', [True, False])
def test_sums_of_shares(traced):
    v = Accumulator(np.float32(0))
    add = adding(v) if traced else v.assign_add
    given = np.random.default_rng(0).uniform(0, 100, 5000).astype('float32')
    for x in given:
        add(x)
    assert v.exact() == pytest.approx(given.astype('float64').sum(), rel=1e-13)
    assert v.numpy() == np.float32(given.astype('float64').sum())


@pytest.mark.parametrize('traced', [True, False])
def test_what_is_no_number_stays(traced):
    v = Accumulator(np.float32([1, 1, 1, 3e38]))
    add = adding(v) if traced else v.assign_add
    with np.errstate(over='ignore'):
        add(np.float32([np.inf, -np.inf, np.nan, 3e38]))
        add(np.float32([1, 1, 1, 1]))
    np.testing.assert_array_equal(v.numpy(), [np.inf, -np.inf, np.nan, np.inf])


@pytest.mark.parametrize('make', [metrics.TruePositives, metrics.Sum, lambda: metrics.TruePositives(thresholds=[0.1, 0.5])])
def test_counters(make):
    m = make()
    v = m.variables[0]
    v.assign(np.full(v.shape, LIMIT, 'float32'))
    update = Function(lambda y, p: [m.update_state(y, p) if 'Sum' not in type(m).__name__ else m.update_state(y), y][1])
    ones = np.ones(3, 'float32')
    for _ in range(7):
        update(ones, ones)
    np.testing.assert_array_equal(v.exact(), LIMIT + 21)
    m.update_state(*([ones, ones] if 'Sum' not in type(m).__name__ else [ones]))
    np.testing.assert_array_equal(v.exact(), LIMIT + 24)
    np.testing.assert_array_equal(m.result(), LIMIT + 24)
    m.reset_state()
    np.testing.assert_array_equal(m.result(), 0)


def test_a_mean_of_more_than_2_to_the_24_samples():
    m = metrics.Mean()
    m.total.assign(np.float32(0))
    m.count.assign(np.float32(LIMIT))
    for _ in range(1000):
        m.update_state(np.ones(1, 'float32'))
    assert m.count.exact() == LIMIT + 1000 and len(m.variables) == 2
    before = m.count.exact()
    values = m.stateless_update_state([np.float32(0), np.float32(0)], np.ones(5, 'float32'))
    assert [float(v) for v in values] == [5, 5] and m.count.exact() == before


def test_in_a_training():
    model = Sequential([Dense(1, input_shape=(1,), use_bias=False, kernel_initializer='ones', trainable=False)])
    counted = metrics.TruePositives(name='tp')
    model.compile('sgd', 'mse', metrics=[counted])
    x = np.ones((64, 1), 'float32')
    model.train_on_batch(x, x)
    used = model._steps.objective.states[0]
    used.accumulator.assign(np.float32([LIMIT]))
    for _ in range(3):
        result = model.train_on_batch(x[:1], x[:1])
    assert used.accumulator.exact() == LIMIT + 3 and result[1] == np.float32(LIMIT + 3)
    assert ops.shape(used.result()) == ()
