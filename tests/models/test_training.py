"""What layers are told to do to training, they do."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, Lambda, Layer
from fastkeras.models import Model, Sequential
from fastkeras.optimizers import SGD
from fastkeras.utils import set_random_seed

RNG = np.random.default_rng(0)
X = RNG.standard_normal((16, 3)).astype('float32')
Y = RNG.standard_normal((16, 2)).astype('float32')


def step(layer, rate=0.5, y=Y):
    """Weights before and after one step of SGD on the mean squared error."""
    model = Sequential([layer])
    before = model.get_weights()
    model.compile(SGD(rate), 'mse')
    loss = model.train_on_batch(X, y)
    return before, model.get_weights(), loss


def gradient(w, b):
    error = X @ w + b - Y
    return X.T @ error * 2 / Y.size, (error * 2 / Y.size).sum(0)


def test_plain_step():
    (w, b), (v, c), loss = step(Dense(2, input_shape=(3,)))
    dw, db = gradient(w, b)
    np.testing.assert_allclose(v, w - 0.5 * dw, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(c, b - 0.5 * db, rtol=1e-4, atol=1e-6)
    assert loss == pytest.approx(((X @ w + b - Y) ** 2).mean(), rel=1e-5)


def test_regularizers():
    layer = Dense(2, input_shape=(3,), kernel_regularizer='l2', bias_regularizer='l1', bias_initializer='ones')
    (w, b), (v, c), loss = step(layer)
    dw, db = gradient(w, b)
    np.testing.assert_allclose(v, w - 0.5 * (dw + 0.02 * w), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(c, b - 0.5 * (db + 0.01), rtol=1e-4, atol=1e-6)
    assert loss == pytest.approx(((X @ w + b - Y) ** 2).mean() + 0.01 * (w ** 2).sum() + 0.02, rel=1e-5)


def test_activity_regularizer():
    (w, b), (v, _), loss = step(Dense(2, input_shape=(3,), activity_regularizer='l2'), 0.1)
    dw, _ = gradient(w, b)
    np.testing.assert_allclose(v, w - 0.1 * (dw + 0.02 * X.T @ (X @ w + b)), rtol=1e-4, atol=1e-5)
    assert loss == pytest.approx(((X @ w + b - Y) ** 2).mean() + 0.01 * ((X @ w + b) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize('constraint, holds', [
    ('non_neg', lambda w: (w >= 0).all()), ('unit_norm', lambda w: np.allclose(np.linalg.norm(w, axis=0), 1,
                                                                               atol=1e-4)),
    ('max_norm', lambda w: (np.linalg.norm(w, axis=0) <= 2.001).all())])
def test_constraints(constraint, holds):
    _, (v, _), _ = step(Dense(2, input_shape=(3,), kernel_constraint=constraint, kernel_initializer='ones'), 5.0)
    assert holds(v)


def test_frozen_layer():
    (w, b), (v, c), _ = step(Dense(2, input_shape=(3,), trainable=False))
    assert (w == v).all() and (b == c).all()


def test_moving_averages():
    model = Sequential([BatchNormalization(momentum=0.5, input_shape=(3,)), Dense(2)])
    model.compile('sgd', 'mse')
    model.train_on_batch(X + 3, Y)
    np.testing.assert_allclose(model.layers[0].moving_mean.numpy(), (X + 3).mean(0) / 2, rtol=1e-4)
    np.testing.assert_allclose(model.layers[0].moving_variance.numpy(), 0.5 + X.var(0) / 2, rtol=1e-4)
    before = model.layers[0].moving_mean.numpy()
    model.test_on_batch(X, Y)
    model.predict(X)
    np.testing.assert_array_equal(model.layers[0].moving_mean.numpy(), before)


def test_dropout_differs_from_step_to_step():
    model = Sequential([Dropout(0.5, input_shape=(3,), seed=1), Dense(2)])
    model.compile(SGD(0.0), 'mse')
    assert len({float(model.train_on_batch(X, Y)) for _ in range(5)}) == 5
    assert model.test_on_batch(X, Y) == model.test_on_batch(X, Y)


def test_flag_changed_after_compile_counts_from_the_next():
    """Adversarial pairs are trained so: the critic was compiled before it was frozen inside the other model."""
    critic = Sequential([Dense(4, input_shape=(2,)), BatchNormalization(), Dense(1)])
    critic.compile(SGD(0.1), 'mse')
    critic.trainable = False
    maker = Sequential([Dense(2, input_shape=(3,))])
    pair = Sequential([maker, critic])
    pair.compile(SGD(0.1), 'mse')
    frozen = critic.get_weights()
    pair.train_on_batch(X, np.ones((16, 1)))
    for a, b in zip(critic.get_weights(), frozen):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match='trainable'):
        critic.train_on_batch(Y, np.ones((16, 1)))
    assert all((a != b).any() for a, b in zip(critic.get_weights(), frozen))


def test_variational_autoencoder():
    """Noise in a Lambda, a loss added to the model, shared decoder."""
    set_random_seed(2)
    inputs = Input((3,))
    mean, spread = Dense(2)(inputs), Dense(2)(inputs)
    z = Lambda(lambda t: t[0] + ops.exp(t[1] / 2) * ops.random_normal(ops.shape(t[0])))([mean, spread])
    out = Dense(3)(z)
    model = Model(inputs, out)
    model.add_loss(ops.mean(ops.sum(ops.square(inputs - out), axis=-1))
                   - 0.5 * ops.mean(ops.sum(1 + spread - ops.square(mean) - ops.exp(spread), axis=-1)))
    model.compile('adam')
    losses = model.fit(X, epochs=150, verbose=0).history['loss']
    assert np.mean(losses[-20:]) < np.mean(losses[:20])
    assert model.predict(X).shape == (16, 3)


def test_layer_of_ones_own_in_numpy_functions():
    class Square(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(name='scale', shape=(), initializer='ones')

        def call(self, x):
            return np.square(x) * self.scale + np.maximum(x, 0)

    model = Sequential([Square(input_shape=(3,)), Dense(2)])
    model.compile(SGD(0.01), 'mse')
    before = float(model.layers[0].scale)
    assert model.train_on_batch(X, Y) > model.train_on_batch(X, Y)
    assert float(model.layers[0].scale) != before


@pytest.mark.parametrize('first', ['channels_first', 'channels_last'])
def test_images_of_both_layouts(first):
    x = RNG.standard_normal((8, 6, 6, 2)).astype('float32')
    y = RNG.standard_normal((8, 2)).astype('float32')
    losses = []
    for layout in ('channels_last', first):
        given = x if layout == 'channels_last' else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        model = Sequential([Conv2D(4, 3, data_format=layout, input_shape=given.shape[1:], activation='relu'),
                            BatchNormalization(axis=-1 if layout == 'channels_last' else 1),
                            Flatten(data_format=layout), Dense(2)])
        rng = np.random.default_rng(5)
        model.set_weights([np.abs(rng.standard_normal(w.shape)) / 5 for w in model.get_weights()])
        model.compile(SGD(0.01), 'mse')
        losses.append([model.train_on_batch(given, y) for _ in range(4)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
