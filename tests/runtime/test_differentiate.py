"""Gradients as functions and by a tape: against differences in float64, and by hand."""

import numpy as np
import pytest

import fastkeras
from fastkeras import GradientTape, Variable, config, grad, losses, metrics, ops, optimizers, value_and_grad
from fastkeras.layers import BatchNormalization, Dense, Dropout
from fastkeras.models import Sequential

X = np.random.RandomState(0).rand(6, 3).astype('float32')
Y = X.sum(1, keepdims=True)


def network(*more):
    return Sequential([Dense(4, activation='tanh', input_shape=(3,)), *more, Dense(1)])


def mse(model, x, y, **kwargs):
    return ops.mean(ops.square(model(x, **kwargs) - y))


def by_differences(function, variable, step=1e-6):
    value, out = variable.numpy(), np.zeros(variable.shape)
    for at in np.ndindex(value.shape):
        for sign in (1, -1):
            moved = value.copy()
            moved[at] += sign * step
            variable.assign(moved)
            out[at] += sign * float(function()) / (2 * step)
    variable.assign(value)
    return out


def test_value_and_grad_equals_differences_in_float64():
    config.set_floatx('float64')
    try:
        model = network()
        x, y = X.astype('float64'), Y.astype('float64')
        value, gradients = value_and_grad(lambda x, y: mse(model, x, y), model.trainable_variables)(x, y)
        assert value == pytest.approx(float(np.mean((model.predict(x) - y) ** 2)), rel=1e-12)
        for v, g in zip(model.trainable_variables, gradients):
            expected = by_differences(lambda: np.mean((model.predict(x) - y) ** 2), v)
            np.testing.assert_allclose(g, expected, rtol=1e-6, atol=1e-8)
    finally:
        config.set_floatx('float32')


def test_a_tape_on_arrays_gives_the_same():
    model = network()
    expected = value_and_grad(lambda: mse(model, X, Y), model.trainable_variables)()
    with GradientTape() as tape:
        loss = mse(model, X, Y)
    found = tape.gradient(loss, model.trainable_variables)
    assert float(loss) == pytest.approx(float(expected[0]), rel=1e-6)
    for a, b in zip(found, expected[1]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_it_is_traced_once_and_nested_as_the_variables_are():
    w, calls = Variable([1.0, 2.0]), []

    def product(batch, scale=2):
        calls.append(1)
        return ops.sum(w * batch['x']) * scale, {'twice': batch['x'] * 2}

    f = value_and_grad(product, {'w': [w]}, has_aux=True)
    for k in range(3):
        (value, aux), gradients = f({'x': np.array([1.0, k])})
        assert value == 2 + 4 * k and aux['twice'][1] == 2 * k
        np.testing.assert_array_equal(gradients['w'][0], [2, 2 * k])
    assert len(calls) == 1
    assert f({'x': np.array([1.0, 1.0])}, scale=3)[0][0] == 9 and len(calls) == 2


def test_without_variables_the_first_argument_counts():
    gradients = grad(lambda p, x: ops.sum(p['w'] * x) + p['b'])({'w': np.ones(3), 'b': 2.0}, np.arange(3.0))
    np.testing.assert_array_equal(gradients['w'], [0, 1, 2])
    assert gradients['b'] == 1
    assert grad(lambda x: x * x * x)(3.0) == 27
    gradients, aux = grad(lambda x: (x * x, x + 1), has_aux=True)(3.0)
    assert (gradients, aux) == (6, 4)


def test_state_is_updated_once_a_call():
    model = network(BatchNormalization(momentum=0.5))
    moving = model.layers[1].moving_mean
    hidden = model.layers[0](X).mean(0)
    value_and_grad(lambda: mse(model, X, Y, training=True), model.trainable_variables)()
    np.testing.assert_allclose(moving.numpy(), hidden / 2, rtol=1e-5)
    moving.assign(np.zeros(4))
    with GradientTape() as tape:
        loss = mse(model, X, Y, training=True)
    tape.gradient(loss, model.trainable_variables)
    np.testing.assert_allclose(moving.numpy(), hidden / 2, rtol=1e-5)


def test_values_are_those_of_the_block_whatever_is_updated_behind_it():
    model, optimizer = network(), optimizers.SGD(1.0)
    before = model.predict(X)
    with GradientTape() as tape:
        y = model(X)
        half = y * 0.5
        loss = ops.mean(ops.square(y - Y))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    assert not np.allclose(model.predict(X), before)
    np.testing.assert_allclose(np.asarray(y), before, rtol=1e-5)
    np.testing.assert_allclose(half.numpy(), before / 2, rtol=1e-5)
    assert f'{loss:.3f}' == f'{np.mean((before - Y) ** 2):.3f}' and loss.item() == float(loss)


@pytest.mark.parametrize('recorded', [True, False])
def test_a_loop_of_ones_own_learns(recorded):
    fastkeras.utils.set_random_seed(3)
    model, optimizer, loss_fn = network(Dropout(0.1)), optimizers.Adam(0.05), losses.MeanSquaredError()
    error = metrics.MeanSquaredError()
    variables = model.trainable_variables
    step = value_and_grad(lambda x, y: loss_fn(y, model(x, training=True)), variables)
    first = float(np.mean((model.predict(X) - Y) ** 2))
    for _ in range(60):
        if recorded:
            with GradientTape() as tape:
                predicted = model(X, training=True)
                loss = loss_fn(Y, predicted)
            gradients = tape.gradient(loss, variables)
            error.update_state(Y, predicted)
        else:
            loss, gradients = step(X, Y)
            error.update_state(Y, model(X))
        optimizer.apply_gradients(zip(gradients, variables))
    assert float(np.mean((model.predict(X) - Y) ** 2)) < 0.05 * first and 0 < error.result() < first


def test_plans_of_a_tape_are_kept():
    from fastkeras.runtime import recording
    model = network()
    for k in range(3):
        with GradientTape() as tape:
            loss = mse(model, X + k, Y)
        tape.gradient(loss, model.trainable_variables)
        if k == 0:
            kept = len(recording._functions)
    assert len(recording._functions) == kept


def test_second_derivatives_and_watched_arrays():
    with GradientTape() as outer:
        with GradientTape() as inner:
            x = outer.watch(np.float32(3.0))
            y = x * x * x
        first = inner.gradient(y, x)
    assert (float(outer.gradient(first, x)), float(first), float(y)) == (18, 27, 27)
    w = Variable(np.float32(3.0))
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = w * w * w
        first = inner.gradient(y, w)
    assert (float(outer.gradient(first, w)), float(first)) == (18, 27)
    given = np.arange(3, dtype='float32')
    with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        x, w = tape.watch(given), Variable([1.0, 2.0, 3.0])
        y = w * x * x
    np.testing.assert_array_equal(tape.gradient(y, given), [0, 4, 12])
    np.testing.assert_array_equal(tape.gradient(y, given, output_gradients=np.array([1.0, 0, 2])), [0, 0, 24])
    assert tape.gradient(y, w) is None
    np.testing.assert_array_equal(tape.gradient(y, [w], unconnected_gradients='zero')[0], [0, 0, 0])


def test_python_may_decide_by_values_of_the_block():
    w = Variable([2.0])
    with GradientTape() as tape:
        y = ops.sum(w * w)
        loss = y * 3.0 if y > 3 else y
    assert tape.gradient(loss, [w])[0] == 12 and tape.watched_variables() == [w]


def test_a_gradient_penalty_inside_a_compiled_function():
    critic = network()

    def penalty(x):
        with GradientTape() as tape:
            tape.watch(x)
            score = critic(x)
        slope = tape.gradient(score, x)
        return ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=1)) - 1.0))

    value, gradients = value_and_grad(penalty, critic.trainable_variables)(X)
    kernel, bias, last = (v.numpy() for v in critic.trainable_variables[:3])
    slope = ((1 - np.tanh(X @ kernel + bias) ** 2) * last[:, 0]) @ kernel.T
    assert value == pytest.approx(np.mean((np.sqrt((slope ** 2).sum(1)) - 1) ** 2), rel=1e-5)
    assert gradients[0].shape == (3, 4) and gradients[3] is None


def test_what_cannot_be_is_said():
    w = Variable([1.0, 2.0])
    with pytest.raises(ValueError, match='expected a scalar'):
        value_and_grad(lambda: w * 2.0, [w])()
    with pytest.raises(ValueError, match='has_aux'):
        value_and_grad(lambda: ops.sum(w), [w], has_aux=True)()
    with pytest.raises(TypeError, match='expected Variables'):
        value_and_grad(lambda: ops.sum(w), [np.ones(2)])
    with pytest.raises(ValueError, match='expected floats in the first argument'):
        grad(lambda i: ops.sum(w) * i)(3)
    with GradientTape() as tape:
        loss = ops.sum(w * w)
        y = np.ones(2) * 2
    with pytest.raises(ValueError, match='watch'):
        tape.gradient(y, [w])
    tape = GradientTape()
    with pytest.raises(RuntimeError, match='nothing is recorded'):
        tape.gradient(loss, [w])
    with GradientTape() as tape:
        loss = ops.sum(w * w)
    with pytest.raises(ValueError, match='expected Variables, tensors or watched arrays'):
        tape.gradient(loss, [np.ones(2)])
    with pytest.raises(RuntimeError, match='persistent=True'):
        tape.gradient(loss, [w])
