"""SpectralNormalization."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Sequential
from tests.layer_harness import data_of, run_layer_test


class Spectral(layers.SpectralNormalization):
    """Around a Dense of its own, so that the harness can make it from plain arguments."""

    def __init__(self, units=3, **kwargs):
        kwargs.setdefault('layer', layers.Dense(units, bias_initializer='uniform'))
        super().__init__(**kwargs)


def test_inference_is_the_layer():
    run_layer_test(Spectral, {}, (4, 5), expected=lambda x, kernel, u, bias: x @ kernel + bias)


@pytest.mark.parametrize('inner, shape', [(lambda: layers.Dense(3), (4, 5)), (lambda: layers.Conv2D(4, 3), (1, 5, 5, 2)),
                                          (lambda: layers.Embedding(6, 4), None)])
def test_training_brings_the_largest_singular_value_to_1(inner, shape):
    layer = layers.SpectralNormalization(inner(), power_iterations=3)
    x = data_of(shape) if shape else np.array([[0, 3, 5]])
    for _ in range(8):
        layer(x, training=True)
    kernel = layer.kernel.numpy()
    assert abs(np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[1][0] - 1) < 1e-2
    np.testing.assert_allclose(layer(x, training=True), layer(x), rtol=1e-2, atol=1e-3)


def test_fit():
    x, y = data_of((32, 5)), data_of((32, 3), seed=1)
    model = Sequential([layers.SpectralNormalization(layers.Dense(3), input_shape=(5,))])
    model.compile('adam', 'mse')
    history = model.fit(x, y, epochs=5, verbose=0).history['loss']
    assert np.isfinite(history).all() and history[-1] < history[0]
    kernel = model.layers[-1].layer.kernel.numpy()
    assert np.linalg.svd(kernel)[1][0] < 1.2


def test_zeros_stay_and_mistakes():
    layer = layers.SpectralNormalization(layers.Dense(3, kernel_initializer='zeros'))
    assert (layer(np.ones((2, 4)), training=True) == 0).all()
    with pytest.raises(ValueError, match='weight kernel or embeddings'):
        layers.SpectralNormalization(layers.Flatten())(np.ones((2, 4)))
    with pytest.raises(ValueError, match='power_iterations'):
        layers.SpectralNormalization(layers.Dense(3), power_iterations=0)
