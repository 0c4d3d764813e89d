"""Noise in training."""

import numpy as np
import pytest

from fastkeras import generation, layers
from tests.layer_harness import run_layer_test


@pytest.mark.parametrize('cls, kwargs', [
    (layers.GaussianNoise, {'stddev': 0.5}), (layers.GaussianDropout, {'rate': 0.4, 'seed': 3}),
    (layers.AlphaDropout, {'rate': 0.2, 'seed': 3}), (layers.AlphaDropout, {'rate': 0.2, 'noise_shape': (None, 1)})])
def test_noise(cls, kwargs):
    run_layer_test(cls, kwargs, (3, 4), expected=lambda x: x, trains=False)
    run_layer_test(cls, {**kwargs, 'seed': 2}, (3, 4), stochastic=True)
    run_layer_test(cls, kwargs, (3, 4, 2), trains=False, expected_mask=True) if 'noise_shape' not in kwargs else None
    x = np.random.default_rng(1).standard_normal((300, 200)).astype(np.float32)
    layer = cls(**{**kwargs, 'seed': 5})
    y, z = layer(x, training=True), layer(x, training=True)
    assert (y != z).any() and layer.weights == []
    np.testing.assert_array_equal(cls(**{**kwargs, 'seed': 5})(x, training=True), y)
    np.testing.assert_array_equal(layer(x), x)
    nothing = cls(0)
    np.testing.assert_array_equal(nothing(x, training=True), x)


def test_what_noise_is_added():
    x = np.full((300, 200), 2, np.float32)
    noise = layers.GaussianNoise(0.5, seed=1)(x, training=True) - x
    assert abs(noise.mean()) < 0.01 and abs(noise.std() - 0.5) < 0.01
    factor = layers.GaussianDropout(0.2, seed=1)(x, training=True) / x
    assert abs(factor.mean() - 1) < 0.01 and abs(factor.std() - 0.5) < 0.01


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(1).standard_normal((300, 200)).astype(np.float32)
    y = layers.AlphaDropout(0.3, seed=1)(x, training=True)
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02
    least = -1.0507009873554805 * 1.6732632423543772
    a = (0.7 * (1 + 0.3 * least ** 2)) ** -0.5
    kept = np.abs(y - (a * x - a * 0.3 * least)) < 1e-5
    assert abs(kept.mean() - 0.7) < 0.01
    np.testing.assert_allclose(y[~kept], a * least * 0.7, rtol=1e-5)
    row = layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=1)(np.ones((50, 6), np.float32), training=True)
    assert (np.ptp(row, axis=1) == 0).all()


@pytest.mark.parametrize('cls, value', [(layers.GaussianNoise, -1), (layers.GaussianNoise, 'much'), (layers.GaussianDropout, 1),
                                        (layers.AlphaDropout, 1), (layers.AlphaDropout, 1.5)])
def test_bad_noise(cls, value):
    with pytest.raises(ValueError, match=f'{cls.__name__} layer'):
        cls(value)


@pytest.mark.parametrize('cls, key', [(layers.GaussianNoise, 'stddev'), (layers.GaussianDropout, 'rate')])
def test_configurations_that_keras_2_reads(cls, key):
    assert set(cls(0.5, name='noise').get_config()) == {'name', 'trainable', key}
    assert cls(0.5, seed=3).get_config()['seed'] == 3
    with generation.scope(3):
        assert cls(0.5).get_config()['seed'] is None
