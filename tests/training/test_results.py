"""What loss and metric functions may return, and close over."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Dense, Input, Lambda
from fastkeras.losses import Loss
from fastkeras.models import Model, Sequential

X = np.random.default_rng(0).random((64, 4)).astype('float32')
Y = X.sum(axis=1, keepdims=True)


def model_with(loss, metrics=None):
    model = Sequential([Dense(1, input_shape=(4,), name='head')])
    model.compile('sgd', loss, metrics=metrics)
    return model


def half(y_true, y_pred):
    return 0.5


def array(y_true, y_pred):
    return np.full(4, 0.25)


def whole(y_true, y_pred):
    return 3


def nothing(y_true, y_pred):
    pass


def test_metrics_may_be_constants():
    model = model_with('mse', [half, array, whole])
    history = model.fit(X, Y, verbose=0).history
    assert [history[k][0] for k in ('half', 'array', 'whole')] == [0.5, 0.25, 3.0]
    assert model.evaluate(X, Y, verbose=0)[1:] == [0.5, 0.25, 3.0]


class Constant(Loss):
    def call(self, y_true, y_pred):
        return 1.0


@pytest.mark.parametrize('loss', [half, array, whole, Constant(name='half'), lambda y, p: ops.mean(ops.square(y))])
def test_a_loss_that_does_not_depend_on_the_model_cannot_be_trained(loss):
    model = model_with(loss)
    with pytest.raises(ValueError, match="the loss '.*' of model .* does not depend on"):
        model.fit(X, Y, verbose=0)
    assert np.isfinite(model.evaluate(X, Y, verbose=0))


def test_a_function_that_returns_no_numbers_is_named():
    with pytest.raises(ValueError, match="the loss 'nothing' of output 'head' returned None"):
        model_with(nothing).fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="the metric 'nothing' of output 'head' returned None"):
        model_with('mse', [nothing]).fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="the loss '.*' of output 'head' must return a tensor"):
        model_with(lambda y, p: 'mse').fit(X, Y, verbose=0)


def autoencoder(nested):
    x = Input((4,))
    hidden = Dense(3, activation='tanh', name='hidden')(x)
    mu, log_var = Dense(2, name='mu')(hidden), Dense(2, name='log_var')(hidden)
    z = Lambda(lambda t: t[0] + 0.1 * ops.exp(t[1] / 2))([mu, log_var])
    decode = Dense(4, name='out')
    if nested:
        encoder = Model(x, [mu, log_var, z])
        y = decode(encoder(x)[2])
    else:
        y = decode(z)
    return Model(x, y), mu, log_var


@pytest.mark.parametrize('nested', [False, True])
def test_a_loss_may_use_tensors_inside_the_model(nested):
    model, mu, log_var = autoencoder(nested)

    def loss(y_true, y_pred):
        kl = -0.5 * ops.mean(1 + log_var - ops.square(mu) - ops.exp(log_var), axis=-1)
        return ops.mean(ops.square(y_true - y_pred), axis=-1) + kl

    def mean_mu(y_true, y_pred):
        return ops.mean(mu)

    other, its_mu, its_log_var = autoencoder(nested)
    other.set_weights(model.get_weights())
    parts = Model(other.inputs, [*other.outputs, its_mu, its_log_var]) if not nested else Model(
        other.layers[1].inputs, [other.layers[2](other.layers[1].outputs[2]), *other.layers[1].outputs[:2]])
    out, m, v = parts.predict(X)
    want = ((X - out) ** 2).mean() - 0.5 * (1 + v - m ** 2 - np.exp(v)).mean()
    model.compile('adam', loss, metrics=[mean_mu])
    first, measured = model.evaluate(X, X, verbose=0)
    assert first == pytest.approx(want, rel=1e-5) and measured == pytest.approx(m.mean(), abs=1e-5)
    model.fit(X, X, epochs=20, verbose=0)
    assert model.evaluate(X, X, verbose=0)[0] < first


def test_a_loss_with_a_tensor_beside_the_model():
    """As in Keras 2, what the inputs of the model lead to is computed; its weights are not the model's, and stay."""
    x, layer = Input((4,)), Dense(2)
    aside = layer(x)
    model = Model(x, Dense(1)(x))
    model.compile('sgd', lambda y, p: ops.mean(ops.square(y - p), axis=-1) + ops.mean(aside, axis=-1))
    plain = ((model.predict(X) - Y.reshape(len(Y), -1)) ** 2).mean()
    before = layer.get_weights()
    beside = (X @ before[0] + before[1]).mean()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(plain + beside, rel=1e-5)
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(before[0], layer.get_weights()[0])


def test_a_loss_with_a_tensor_of_another_input_is_named():
    x = Input((4,))
    aside = Dense(2)(Input((4,)))
    model = Model(x, Dense(1)(x))
    model.compile('sgd', lambda y, p: ops.mean(ops.square(y - p), axis=-1) + ops.mean(aside, axis=-1))
    with pytest.raises(ValueError, match=r"the loss '<lambda>' of output .* uses the Keras tensor .*another"):
        model.fit(X, Y, verbose=0)
