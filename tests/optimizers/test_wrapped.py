"""Optimizers around others: the scale of the loss, parts of the weights."""

import numpy as np
import pytest

from fastkeras import Input, Sequential, Variable, optimizers
from fastkeras.layers import Dense
from fastkeras.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap
from fastkeras.utils import set_random_seed

X = np.random.default_rng(0).standard_normal((64, 4)).astype('float32')
Y = X[:, :1] * 2


def trained(optimizer, x=X, epochs=3):
    set_random_seed(0)
    model = Sequential([Input((4,)), Dense(8, activation='tanh', name='enc'), Dense(1, name='dec')])
    model.compile(optimizer, 'mse')
    return model, model.fit(x, Y, epochs=epochs, verbose=0, shuffle=False).history['loss']


def test_a_scaled_loss_trains_as_a_plain_one():
    want = trained(SGD(0.1))[1]
    optimizer = LossScaleOptimizer(SGD(0.1), dynamic_growth_steps=2)
    np.testing.assert_allclose(trained(optimizer)[1], want, rtol=1e-5)
    assert optimizer.dynamic_scale.numpy() == 2.0 ** 18 and optimizer.step_counter.numpy() == 0
    assert int(optimizer.iterations) == 6 and optimizer.learning_rate.numpy() == np.float32(0.1)
    optimizer.learning_rate = 0.01
    assert optimizer.inner_optimizer.learning_rate.numpy() == np.float32(0.01)
    weights = optimizer.get_weights()
    optimizer.set_weights(weights)
    assert len(weights) == len(optimizer.variables) == 4 + len(optimizer.inner_optimizer.variables)


def test_a_step_without_finite_gradients_is_left_out():
    optimizer = LossScaleOptimizer(SGD(0.1), initial_scale=1024.0)
    model, _ = trained(optimizer, epochs=1)
    before, bad = model.get_weights(), X.copy()
    bad[0, 0] = np.inf
    model.train_on_batch(bad, Y)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert optimizer.dynamic_scale.numpy() == 512 and int(optimizer.iterations) == 2
    v = Variable([1.0, 2.0])                        # at once, outside of a trace
    other = LossScaleOptimizer(SGD(0.5), initial_scale=2.0)
    other.apply([np.float32([2, np.nan])], [v])
    assert v.numpy().tolist() == [1, 2] and other.dynamic_scale.numpy() == 1
    other.apply([np.float32([2, 2])], [v])
    assert v.numpy().tolist() == [0, 1]


def test_an_optimizer_for_each_part():
    slow, quick = SGD(0.0), SGD(0.1)
    optimizer = MultiOptimizer(OptimizerMap(quick, {'enc/.*': slow}))
    model, _ = trained(optimizer)
    set_random_seed(0)
    first = Sequential([Input((4,)), Dense(8, activation='tanh', name='enc'), Dense(1, name='dec')])
    same = [np.array_equal(a, b) for a, b in zip(model.get_weights(), first.get_weights())]
    assert same == [True, True, False, False] and optimizer.optimizers == [slow, quick]
    assert int(optimizer.iterations) == int(quick.iterations) == 6
    np.testing.assert_allclose(trained(MultiOptimizer(lambda v: quick))[1], trained(SGD(0.1))[1], rtol=1e-6)
    with pytest.raises(AttributeError, match='`optimizers`'):
        print(optimizer.learning_rate)
    with pytest.raises(AttributeError, match='`optimizers`'):
        optimizer.learning_rate = 1.0


def test_a_scale_for_all_parts():
    optimizer = MultiOptimizer(OptimizerMap(SGD(0.1), {'enc/.*': Adam(0.01)}), loss_scale_factor=8.0)
    assert all(o.loss_scale_factor == 8 for o in optimizer.optimizers)
    plain = MultiOptimizer(OptimizerMap(SGD(0.1), {'enc/.*': Adam(0.01)}))
    np.testing.assert_allclose(trained(optimizer)[1], trained(plain)[1], rtol=1e-5)
    values = [v + 1 for v in plain.get_weights()]
    plain.set_weights(values)
    assert all(np.array_equal(a, b) for a, b in zip(values, plain.get_weights()))


def test_configurations():
    for o in (LossScaleOptimizer(Adam(0.01), 8.0, 5), MultiOptimizer(OptimizerMap(SGD(), {'a/.*': Adam()}), 2.0)):
        again = optimizers.deserialize(optimizers.serialize(o))
        assert type(again) is type(o) and again.get_config() == o.get_config()
    with pytest.raises(ValueError, match='OptimizerMap'):
        MultiOptimizer(lambda v: SGD()).get_config()


def test_a_map():
    a, b = SGD(), Adam()
    found = OptimizerMap(a, {'enc/.*': b})
    assert found['enc/kernel'] is b and found['dec/kernel'] is a and found.default_optimizer is a and list(found) == ['enc/.*']
    assert found(Variable(1.0, name='enc/kernel:0')) is b and len(found) == 1
    found['.*/kernel'] = a
    with pytest.raises(ValueError, match='matched by'):
        found['enc/kernel']
    del found['.*/kernel']


@pytest.mark.parametrize('make, error', [
    (lambda: LossScaleOptimizer('sgd'), ValueError), (lambda: LossScaleOptimizer(SGD(), clipnorm=1.0), ValueError),
    (lambda: LossScaleOptimizer(SGD(), dynamic=False), ValueError),
    (lambda: LossScaleOptimizer(SGD(), inital_scale=1), TypeError),
    (lambda: OptimizerMap('sgd'), TypeError), (lambda: OptimizerMap(SGD(), {'a': LossScaleOptimizer(SGD())}), ValueError),
    (lambda: OptimizerMap(SGD(), {1: SGD()}), ValueError), (lambda: MultiOptimizer(3), ValueError),
    (lambda: MultiOptimizer(lambda v: 3).build([Variable(1.0)]), ValueError),
])
def test_mistakes(make, error):
    with pytest.raises(error):
        make()
