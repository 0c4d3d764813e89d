"""Weights and layers that a `call` makes: a call is traced more than once, what it makes must be made once."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Dense, Dropout, Input, Lambda, Layer
from fastkeras.models import Model, Sequential

X = np.random.default_rng(0).random((64, 4)).astype('float32')
Y = X.sum(axis=1, keepdims=True)


class InCall(Layer):
    def call(self, x):
        w = self.add_weight(name='w', shape=(x.shape[-1], 1), initializer='ones')
        b = self.add_weight(name='w', shape=(1,), initializer='zeros')
        return ops.matmul(x, w) + b


def test_a_weight_made_in_call_is_made_once_and_trained():
    model = Sequential([InCall(input_shape=(4,))])
    model.compile('sgd', 'mse')
    assert [w.shape for w in model.trainable_weights] == [(4, 1), (1,)]
    np.testing.assert_allclose(model.predict(X), Y, rtol=1e-5)
    model.set_weights([np.zeros((4, 1)), np.zeros(1)])
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(float((Y ** 2).mean()), rel=1e-5)
    model.fit(X, Y, epochs=30, verbose=0)
    assert len(model.weights) == 2
    np.testing.assert_allclose(model.predict(X), X @ model.get_weights()[0] + model.get_weights()[1], rtol=1e-4)
    assert model.evaluate(X[:10], Y[:10], verbose=0) < 0.5


def test_a_call_on_arrays_and_a_shared_layer_use_the_same_weight():
    layer = InCall()
    layer(X)
    layer(X[:3])
    a, b = Input((4,)), Input((4,))
    Model([a, b], [layer(a), layer(b)])
    assert len(layer.weights) == 2
    with pytest.raises(ValueError, match=r"its call made the weight 'w' with shape \(4, 1\)"):
        layer(X[:, :3])


class Fresh(Model):
    def call(self, x):
        return Dense(1)(x)


class Stored(Layer):
    def call(self, x):
        self.inner = Dense(1)
        return self.inner(x)


class Lazy(Layer):
    inner = None

    def call(self, x):
        if self.inner is None:
            self.inner = Sequential([Dense(3), Dense(1)])
        return self.inner(x)


def test_a_layer_with_weights_made_in_call_is_an_error():
    model = Fresh()
    model.compile('sgd', 'mse')
    with pytest.raises(ValueError, match=r"the layer 'dense_\d+' \(Dense\).*__init__ or build"):
        model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match='__init__ or build'):
        Lambda(lambda x: Dense(2)(x))(Input((4,)))
    with pytest.raises(ValueError, match='__init__ or build'):
        Lambda(lambda x: Dense(2)(x))(X)
    layer = Stored()
    with pytest.raises(ValueError, match='__init__ or build'):
        layer(X)
        layer(X[:3])


def test_layers_that_are_kept_or_have_no_weights_may_be_made_in_call():
    model = Sequential([Lazy(input_shape=(4,)), Lambda(lambda x: Dropout(0.5)(x))])
    model.compile('sgd', 'mse')
    model.fit(X, Y, verbose=0)
    assert len(model.trainable_weights) == 4
    outer = Dense(2)
    assert Lambda(lambda x: outer(x))(X).shape == (64, 2)


class Open(Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name='w', shape=(input_shape[1], 2))

    def call(self, x):
        return ops.matmul(x, self.w)


class Steps(Layer):
    """Cannot be described while the number of steps is open, before its inner layer is built."""

    def __init__(self, axis, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.inner = Dense(2)

    def call(self, x):
        x = ops.stack([x[:, t] for t in range(x.shape[1])], axis=self.axis)
        return self.inner(x)


def test_weights_are_not_made_for_guessed_sizes():
    with pytest.raises(ValueError, match='known size'):
        Open()(Input((None,)))
    layer = Steps(axis=1)
    assert layer(Input((None, 4))).shape == (None, None, 2)
    assert [w.shape for w in layer.weights] == [(4, 2), (2,)]
    layer = Steps(axis=2)       # the steps are the last axis now
    with pytest.raises((TypeError, ValueError)):
        layer(Input((None, 4)))
    assert not layer.weights
    assert layer(np.ones((1, 5, 4), 'float32')).shape == (1, 4, 2)
    assert layer.inner.kernel.shape == (5, 2)
