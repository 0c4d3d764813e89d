"""Moving averages in place of weights."""

import numpy as np
import pytest

from fastkeras.callbacks import LambdaCallback, SwapEMAWeights
from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.optimizers import SGD

X = np.random.RandomState(0).rand(40, 3).astype('float32')
Y = X.sum(1, keepdims=True)


def made(**kwargs):
    model = Sequential([Dense(1, input_shape=(3,), kernel_initializer='ones')])
    model.compile(SGD(0.1, use_ema=True, ema_momentum=0.9, **kwargs), 'mse')
    return model


def reference(epochs):
    """Weights and averages after each epoch of one batch, in NumPy."""
    w, b = np.ones((3, 1)), np.zeros(1)
    average, out = None, []
    for _ in range(epochs):
        error = 2 * (X @ w + b - Y) / len(X)
        w, b = w - 0.1 * X.T @ error, b - 0.1 * error.sum(0)
        average = (w, b) if average is None else tuple(0.9 * a + 0.1 * v for a, v in zip(average, (w, b)))
        out.append((w, average[0], average[1]))
    return out


@pytest.mark.parametrize('on_epoch', [False, True])
def test_evaluations_see_the_averages(on_epoch):
    seen, expected, model = [], reference(4), made()
    last = LambdaCallback(on_epoch_end=lambda e, logs: seen.append(model.layers[0].kernel.numpy()))
    history = model.fit(X, Y, batch_size=40, epochs=4, shuffle=False, verbose=0, validation_data=(X, Y),
                        callbacks=[SwapEMAWeights(on_epoch), last]).history
    losses = [np.mean((X @ a + c - Y) ** 2) for _, a, c in expected]
    assert history['val_loss'] == pytest.approx(losses, rel=1e-4)
    for kernel, (w, average, _) in zip(seen, expected):
        np.testing.assert_allclose(kernel, average if on_epoch else w, rtol=1e-4)
    np.testing.assert_allclose(model.layers[0].kernel.numpy(), expected[-1][1], rtol=1e-4)


def test_alone_and_refused():
    model = made()
    model.fit(X, Y, batch_size=40, epochs=1, verbose=0)
    model.train_on_batch(X, Y)
    before = model.get_weights()
    average = model.optimizer.slot('average', model.layers[0].kernel).numpy()
    found = model.predict(X, callbacks=[SwapEMAWeights()])
    bias = model.optimizer.slot('average', model.layers[0].bias).numpy()
    np.testing.assert_allclose(found, X @ average + bias, rtol=1e-5)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    model.compile('sgd', 'mse')
    with pytest.raises(ValueError, match='use_ema=True'):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights()])
