"""State passed in and given back: layers, optimizers and metrics on values of their variables."""

import numpy as np
import pytest

from fastkeras import metrics, ops, optimizers, value_and_grad
from fastkeras.layers import BatchNormalization, Dense, Dropout
from fastkeras.models import Sequential

X = np.random.RandomState(0).rand(6, 3).astype('float32')


def network():
    return Sequential([Dense(4, input_shape=(3,), kernel_regularizer='l2', activity_regularizer='l1'),
                       BatchNormalization(momentum=0.5), Dense(1)])


def values(variables):
    return [v.numpy() for v in variables]


def test_a_call_with_other_weights():
    model, other = network(), network()
    expected = other.predict(X)
    kept = values(model.weights)
    y, rest = model.stateless_call(values(other.trainable_variables), values(other.non_trainable_variables), X)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    y, rest, losses = model.stateless_call(other.trainable_variables, other.non_trainable_variables, X, training=True,
                                           return_losses=True)
    hidden = other.layers[0](X)
    np.testing.assert_allclose(rest[0], hidden.mean(0) / 2, rtol=1e-5)
    kernel = other.layers[0].kernel.numpy()
    assert sum(map(float, losses)) == pytest.approx(0.01 * np.sum(kernel ** 2) + 0.01 * np.abs(hidden).sum(), rel=1e-5)
    for a, b in zip(values(model.weights), kept):
        np.testing.assert_array_equal(a, b)


def test_random_draws_go_on():
    layer = Dropout(0.5)
    layer.build((None, 50))
    first, second = (layer.stateless_call([], [], np.ones((4, 50)), training=True)[0] for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize('make', [lambda: optimizers.SGD(0.1, momentum=0.9), optimizers.Adam, optimizers.RMSprop,
                                  lambda: optimizers.Adam(use_ema=True, gradient_accumulation_steps=2)])
def test_steps_of_an_optimizer(make):
    one, two = network(), network()
    two.set_weights(one.get_weights())
    grads = [np.full(v.shape, 0.3, 'float32') for v in one.trainable_variables]
    stateful, stateless = make(), make()
    stateful.build(one.trainable_variables)
    stateless.build(two.trainable_variables)
    trained, state = values(two.trainable_variables), values(stateless.variables)
    for _ in range(3):
        stateful.apply(grads, one.trainable_variables)
        trained, state = stateless.stateless_apply(state, grads, trained)
    for a, b in zip(trained, values(one.trainable_variables)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    for a, b in zip(state, values(stateful.variables)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert int(stateless.variables[0]) == 0


def test_states_of_metrics():
    metric, other = metrics.MeanSquaredError(), metrics.MeanSquaredError()
    state = metric.stateless_reset_state()
    for k in range(3):
        state = metric.stateless_update_state(state, np.zeros((2, 1)), np.full((2, 1), k))
        other.update_state(np.zeros((2, 1)), np.full((2, 1), k))
    assert float(metric.stateless_result(state)) == pytest.approx(float(other.result())) and metric.result() == 0
    auc = metrics.AUC()
    state = auc.stateless_update_state(auc.stateless_reset_state(), np.array([0, 1]), np.array([0.2, 0.8]))
    assert float(auc.stateless_result(state)) == pytest.approx(1.0, abs=1e-3)


def test_a_training_step_without_state():
    """As loops for JAX are written."""
    model, optimizer = network(), optimizers.SGD(0.05)
    optimizer.build(model.trainable_variables)
    y = X.sum(1, keepdims=True)

    def loss_and_updates(trainable, rest, x, y):
        predicted, rest = model.stateless_call(trainable, rest, x, training=True)
        return ops.mean(ops.square(predicted - y)), rest

    step = value_and_grad(loss_and_updates, has_aux=True)
    trainable, rest = values(model.trainable_variables), values(model.non_trainable_variables)
    state, seen = values(optimizer.variables), []
    for _ in range(40):
        (loss, rest), grads = step(trainable, rest, X, y)
        trainable, state = optimizer.stateless_apply(state, grads, trainable)
        seen.append(float(loss))
    assert seen[-1] < 0.2 * seen[0] and int(state[0]) == 40
    assert np.all(model.layers[1].moving_mean.numpy() == 0)


def test_what_does_not_fit_is_said():
    model, optimizer = network(), optimizers.SGD()
    with pytest.raises(ValueError, match='expected values of 6 trainable and 2 other variables, got 1 and 0'):
        model.stateless_call([X], [], X)
    with pytest.raises(ValueError, match='not built'):
        Dense(2).stateless_call([], [], X)
    with pytest.raises(ValueError, match='build'):
        optimizer.stateless_apply([], [], [])
    optimizer.build(model.trainable_variables)
    with pytest.raises(ValueError, match='a value for each of the 6 trainable'):
        optimizer.stateless_apply([0, 0.1], [X], [X])
    with pytest.raises(ValueError, match='expected a value for each of 2 variables'):
        metrics.Mean().stateless_result([1.0])
