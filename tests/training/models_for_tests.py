"""Small models that several tests train, and a layer that updates what it keeps."""

import numpy as np

from fastkeras.layers import Concatenate, Dense, Input, Layer
from fastkeras.models import Model, Sequential

X = np.random.RandomState(0).standard_normal((40, 4)).astype('float32')
Y = np.random.RandomState(1).standard_normal((40, 1)).astype('float32')
LABELS = np.random.RandomState(2).randint(0, 3, 40)
ONE_HOT = np.eye(3, dtype='float32')[LABELS]


def seeded(model, seed=3):
    rng = np.random.RandomState(seed)
    model.set_weights([(rng.standard_normal(w.shape) * 0.3).astype('float32') for w in model.get_weights()])
    return model


def regressor(**kwargs):
    model = Sequential([Dense(5, activation='tanh', input_shape=(4,)), Dense(1, name='size')])
    model.compile(**{'optimizer': 'sgd', 'loss': 'mse', **kwargs})
    return seeded(model)


def classifier(**kwargs):
    model = Sequential([Dense(5, activation='tanh', input_shape=(4,)), Dense(3, activation='softmax', name='kind')])
    model.compile(**{'optimizer': 'sgd', 'loss': 'categorical_crossentropy', **kwargs})
    return seeded(model)


def two_by_two(**kwargs):
    left, right = Input((4,), name='left'), Input((2,), name='right')
    h = Dense(6, activation='tanh')(Concatenate()([left, right]))
    model = Model([left, right], [Dense(3, activation='softmax', name='kind')(h), Dense(1, name='size')(h)])
    model.compile(**{'optimizer': 'sgd', 'loss': {'kind': 'categorical_crossentropy', 'size': 'mse'}, **kwargs})
    return seeded(model)


def same_weights(a, b, **tolerance):
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, **{'rtol': 1e-6, 'atol': 1e-7, **tolerance})


def mse(model, x=X, y=Y):
    """Of what the model predicts, in float64."""
    return float(np.mean((model.predict(x).astype('f8') - y) ** 2))


class Counter(Layer):
    """Counts its calls, and gives the count where x is finite."""

    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer='zeros', trainable=False, name='count')

    def call(self, x):
        self.count.assign(self.count + 1.0)
        return x * 0.0 + self.count
