"""A layer that was called already, and then changed, is not computed as it was."""

import numpy as np

from fastkeras import layers, models

X = np.random.default_rng(0).standard_normal((3, 4)).astype('float32')


class Scaled(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_attributes_count_in_the_next_call():
    layer = Scaled(2.0)
    inputs = layers.Input((4,))
    model = models.Model(inputs, layer(inputs))
    outer = models.Sequential([model])
    for factor in 2.0, 3.0, -1.0:
        layer.factor = factor
        for each in layer, model, outer:
            np.testing.assert_allclose(each(X), X * factor, rtol=1e-6)
    drop = layers.Dropout(0.5)
    assert not drop(np.ones((20, 20)), training=True).all()
    drop.rate = 0.0
    assert drop(np.ones((20, 20)), training=True).all()
    dense = layers.Dense(2)
    dense(X)
    dense.activation = np.negative
    np.testing.assert_allclose(dense(X), -(X @ dense.kernel.numpy()), rtol=1e-5, atol=1e-6)


def test_plans_stay_while_nothing_changes():
    layer, other = Scaled(2.0), Scaled(1.0)
    layer(X), other(X)
    kept = dict(layer._functions)
    other.factor = 5.0
    layer.factor = layer.factor
    layer(X)
    assert layer._functions == kept
    model = models.Sequential([layers.Dense(1)])
    model(X)
    model.compile('sgd', 'mse')
    kept = dict(model._functions)
    model.fit(X, X[:, :1], verbose=0)
    model(X)
    assert kept.items() <= model._functions.items()


def test_low_rank_updates_reach_called_models():
    model = models.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(2)])
    before = model(X)
    first = model.layers[0]
    first.enable_lora(2)
    first.lora_kernel_b.assign(np.ones((2, 3)))
    assert not np.allclose(model(X), before)
    model.compile('sgd', 'mse')
    np.testing.assert_allclose(model.predict(X, verbose=0), model(X), rtol=1e-5, atol=1e-6)


def test_weights_are_of_one_kind():
    weight = np.ones(3)
    assert layers.Normalization(mean=1.0, variance=4.0).convert_weight(weight) is weight


def test_layers_taken_from_an_inner_model():
    inner = models.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(2)])

    class Outer(models.Model):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def call(self, inputs):
            return self.inner(inputs)
    outer = Outer()
    assert outer(X).shape == (3, 2)
    inner.pop()
    assert outer(X).shape == (3, 3)
