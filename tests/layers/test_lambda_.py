"""Lambda."""

import numpy as np

from fastkeras import layers, ops
from fastkeras.models import Sequential
from tests.layer_harness import run_layer_test


def test_lambda():
    run_layer_test(layers.Lambda, {'function': lambda x: x * 2 + 1}, (3, 4), expected=lambda x: x * 2 + 1)
    run_layer_test(layers.Lambda, {'function': np.tanh}, (3, 4), expected=lambda x: np.tanh(x))
    run_layer_test(layers.Lambda, {'function': lambda xs: ops.concatenate([xs[0], -xs[1]], axis=1)}, [(3, 4), (3, 2)],
                   expected=lambda xs: np.concatenate([xs[0], -xs[1]], 1))


def test_lambda_arguments():
    def power(x, n):
        return x ** n
    layer = layers.Lambda(power, arguments={'n': 3})
    x = np.float32([[1, 2], [3, 4]])
    np.testing.assert_allclose(layer(x), x ** 3, rtol=1e-6)


def test_random_numbers_without_a_seed_differ_from_run_to_run():
    layer = layers.Lambda(lambda x: x + ops.random_normal(ops.shape(x)))
    model = Sequential([layers.InputLayer((200,)), layer])
    x = np.zeros((2, 200), np.float32)
    a, b = model.predict(x), model.predict(x)
    assert (a != b).all() and (a[0] != a[1]).all() and abs(a.std() - 1) < 0.2
    assert (layer(x) != layer(x)).all()
    np.random.seed(3)
    first = layers.Lambda(layer.function)(x)
    np.random.seed(3)
    np.testing.assert_array_equal(layers.Lambda(layer.function)(x), first)
