"""What every layer has of Keras 3's: weights in a store, shapes it was built for, metrics, results without values."""

import numpy as np
import pytest

from fastkeras import metrics, ops
from fastkeras.layers import BatchNormalization, Dense, Input, Layer
from fastkeras.models import Model

X = np.random.default_rng(0).standard_normal((4, 3)).astype('float32')


def test_weights_in_a_store():
    layer = BatchNormalization()
    layer.build((None, 3))
    layer.moving_mean.assign(np.full(3, 5.0))
    store = {}
    layer.save_own_variables(store)
    assert sorted(store) == ['0', '1', '2', '3'] and (store['2'] == 5).all()
    other = BatchNormalization()
    with pytest.raises(ValueError, match='not built yet'):
        other.load_own_variables(store)
    other.build((None, 3))
    other.load_own_variables(store)
    assert all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), other.get_weights()))
    store['1'] = np.zeros(4, 'float32')
    with pytest.raises(ValueError, match=r'has shape \(3,\)'):
        other.load_own_variables(store)


class Two(Layer):
    def build(self, a_shape, b_shape):
        self.kernel = self.add_weight(shape=(a_shape[-1], b_shape[-1]), initializer='ones', name='kernel')

    def call(self, a, b):
        return ops.sum(ops.matmul(a, self.kernel) * b, axis=-1)


def test_built_again():
    layer = Dense(2)
    assert layer.get_build_config() is None
    layer(X)
    config = layer.get_build_config()
    assert config == {'input_shape': (4, 3)}
    again = Dense.from_config(layer.get_config())
    again.build_from_config({'input_shape': [None, 3]})
    assert again.kernel.shape == (3, 2)
    two = Two()
    two(X, b=X)
    assert two.get_build_config() == {'shapes_dict': {'a_shape': (4, 3), 'b_shape': (4, 3)}}
    other = Two()
    other.build_from_config({'shapes_dict': {'a_shape': [4, 3], 'b_shape': [4, 5]}})
    assert other.kernel.shape == (3, 5)
    with pytest.raises(ValueError, match="'input_shape' or 'shapes_dict'"):
        Dense(2).build_from_config({'shape': (3,)})


def test_results_without_values():
    x = Input((3,))
    layer = Dense(2)
    spec = layer.compute_output_spec(x)
    assert spec.shape == (None, 2) and spec.dtype == 'float32' and not layer._inbound_nodes
    y = layer.symbolic_call(x)
    assert Model(x, y).predict(X).shape == (4, 2)


def test_metrics_and_names_of_a_layers_own():
    class Measured(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Dense(2)
            self.inner.seen = metrics.Mean(name='inner_seen')
            self.seen = metrics.Mean()

        def call(self, x):
            return self.inner(x)
    layer = Measured()
    assert layer.metrics == [layer.seen, layer.inner.seen] and len(layer.metrics_variables) == 4
    assert not layer.weights

    class Older(Layer):     # Keras 2 left these names free
        def __init__(self):
            super().__init__()
            self.path, self.metrics = 'a file', ['acc']

        def call(self, x):
            return x
    older = Older()
    assert older.path == 'a file' and older.metrics == ['acc'] and older(X).shape == X.shape
