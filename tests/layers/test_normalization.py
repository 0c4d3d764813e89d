"""BatchNormalization."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Sequential
from tests.layer_harness import run_layer_test


@pytest.mark.parametrize('shape, axis', [((8, 3), -1), ((4, 5, 3), -1), ((4, 5, 6, 3), -1), ((4, 3, 5, 6), 1)])
def test_inference(shape, axis):
    def expected(x, gamma, beta, mean, variance):
        x = np.moveaxis(x, axis, -1)
        return np.moveaxis((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, -1, axis)
    kwargs = {'axis': axis, **{f'{n}_initializer': 'uniform' for n in ('beta', 'gamma', 'moving_mean')}}
    run_layer_test(layers.BatchNormalization, kwargs, shape, expected=expected)


@pytest.mark.parametrize('shape, axis', [((8, 3), -1), ((4, 5, 6, 3), -1), ((4, 3, 5, 6), 1)])
def test_training(shape, axis):
    def expected(x, gamma, beta, mean, variance):
        axes = tuple(a for a in range(x.ndim) if a != axis % x.ndim)
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)
    run_layer_test(layers.BatchNormalization, {'axis': axis}, shape, training=True, expected=expected, rtol=1e-4,
                   atol=1e-5)


def test_moving_averages_follow_the_population_variance():
    x = np.random.default_rng(0).normal(3, 2, (16, 4)).astype('float32')
    layer = layers.BatchNormalization(momentum=0.8)
    for _ in range(3):
        layer(x, training=True)
    share = 1 - 0.8 ** 3
    np.testing.assert_allclose(layer.moving_mean.numpy(), share * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 1 - share + share * x.var(0), rtol=1e-4)
    before = layer.moving_mean.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), before)


@pytest.mark.parametrize('center, scale, names', [(True, False, ['beta']), (False, True, ['gamma']),
                                                  (False, False, [])])
def test_parts(center, scale, names):
    run_layer_test(layers.BatchNormalization, {'center': center, 'scale': scale}, (5, 3))
    layer = layers.BatchNormalization(center=center, scale=scale)
    layer(np.ones((2, 3)))
    assert [v.name.split('/')[-1].split(':')[0] for v in layer.weights] == [*names, 'moving_mean', 'moving_variance']


@pytest.mark.parametrize('outer', [False, True])
def test_not_trainable_is_inference(outer):
    layer = layers.BatchNormalization(input_shape=(3,))
    model = Sequential([layer])
    (model if outer else layer).trainable = False
    x = np.random.default_rng(0).normal(3, 2, (16, 3)).astype('float32')
    np.testing.assert_allclose(model(x, training=True), x / np.sqrt(1 + 1e-3), rtol=1e-5)
    assert (layer.moving_mean.numpy() == 0).all()
    (model if outer else layer).trainable = True
    assert abs(model(x, training=True).mean()) < 1e-5


@pytest.mark.parametrize('make, words', [
    (lambda: layers.BatchNormalization(axis=3)(np.ones((2, 3))), ['axis', '(2, 3)', '3']),
    (lambda: layers.BatchNormalization(momentum=2), ['momentum', '2']),
    (lambda: layers.BatchNormalization()(layers.Input((4, None))), ['known size'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)
