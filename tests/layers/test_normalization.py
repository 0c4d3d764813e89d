"""BatchNormalization."""

import numpy as np
import pytest

from fastkeras import generation, layers
from fastkeras.layers import Input
from fastkeras.models import Model, Sequential
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


def test_masks_leave_the_statistics():
    x = np.random.default_rng(0).normal(3, 2, (4, 5, 3)).astype('float32')
    mask = np.random.default_rng(1).random((4, 5)) > 0.4
    layer = layers.BatchNormalization(momentum=0.0)
    y = layer(x, training=True, mask=mask)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x[mask].mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x[mask].var(0), rtol=1e-5)
    np.testing.assert_allclose(y, (x - x[mask].mean(0)) / np.sqrt(x[mask].var(0) + 1e-3), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match='expected a mask of 2 dimensions'):
        layer(x, training=True, mask=mask[0])
    given = Input((5, 3))
    for number in 2, 3:     # a mask that comes with the input
        with generation.scope(number):
            own = layers.BatchNormalization(momentum=0.0)
            out = own(layers.Masking(-9.0)(given), training=True)
            Model(given, out)(np.where(mask[..., None], x, -9).astype('float32'))
            same = np.allclose(own.moving_mean.numpy(), x[mask].mean(0), rtol=1e-4)
            assert same == (number == 3)


def test_renormalisation_is_refused():
    with pytest.raises(ValueError, match='batch renormalisation'):
        layers.BatchNormalization(renorm=True)


# ---- along features

def standardized(x, axes, epsilon, gamma=1, beta=0, centred=True):
    middle = x.mean(axes, keepdims=True)
    return (x - middle * centred) / np.sqrt(x.var(axes, keepdims=True) + epsilon) * gamma + beta


@pytest.mark.parametrize('shape, axis', [((4, 6), -1), ((2, 3, 33), 2), ((2, 3, 5), 1), ((2, 3, 4, 5), [1, 3]),
                                         ((2, 3, 4), [-1, -2]), ((3, 300), -1)])
def test_layer_normalization(shape, axis):
    axes = tuple(sorted(a % len(shape) for a in (axis if isinstance(axis, list) else [axis])))

    def expected(x, gamma, beta):
        sizes = [d if k in axes else 1 for k, d in enumerate(shape)]
        return standardized(x, axes, 1e-3, gamma.reshape(sizes), beta.reshape(sizes))
    kwargs = {'axis': axis, 'gamma_initializer': 'uniform', 'beta_initializer': 'uniform'}
    run_layer_test(layers.LayerNormalization, kwargs, shape, expected=expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('kwargs, expected', [
    ({'center': False}, lambda x, gamma: standardized(x, -1, 1e-3, gamma)),
    ({'scale': False, 'epsilon': 0.1}, lambda x, beta: standardized(x, -1, 0.1, 1, beta)),
    ({'scale': False, 'center': False}, lambda x: standardized(x, -1, 1e-3)),
    ({'rms_scaling': True}, lambda x, gamma: standardized(x, -1, 1e-3, gamma, 0, False)),
])
def test_parts_of_layer_normalization(kwargs, expected):
    run_layer_test(layers.LayerNormalization, kwargs, (3, 4, 6), expected=expected, rtol=1e-4, atol=1e-5,
                   expected_mask=True)


def test_rows_far_from_zero():
    x = (1000 + np.random.default_rng(0).standard_normal((4, 64))).astype('float32')
    y = layers.LayerNormalization()(x)
    np.testing.assert_allclose(y, standardized(x.astype(float), -1, 1e-3), rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize('groups, shape, axis', [(2, (2, 3, 3, 4), -1), (3, (2, 6, 2, 2), 1), (-1, (2, 5, 4), -1),
                                                 (2, (3, 4), -1), (1, (2, 3, 4), 2)])
def test_group_normalization(groups, shape, axis):
    def expected(x, gamma, beta):
        x = np.moveaxis(x, axis, -1)
        n = x.shape[-1] if groups == -1 else groups
        split = x.reshape(*x.shape[:-1], n, -1)
        axes = (*range(1, x.ndim - 1), x.ndim)
        return np.moveaxis(standardized(split, axes, 1e-3).reshape(x.shape) * gamma + beta, -1, axis)
    kwargs = {'groups': groups, 'axis': axis, 'gamma_initializer': 'uniform', 'beta_initializer': 'uniform'}
    run_layer_test(layers.GroupNormalization, kwargs, shape, expected=expected, rtol=1e-4, atol=1e-5)


def test_rms_and_unit_normalization():
    def rms(x, scale):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * scale

    def unit(x):
        return x / np.sqrt((x * x).sum((1, 2), keepdims=True))
    run_layer_test(layers.RMSNormalization, {}, (3, 4, 6), expected=rms, expected_mask=True)
    run_layer_test(layers.UnitNormalization, {'axis': [1, 2]}, (3, 4, 6), expected=unit, expected_mask=True)
    run_layer_test(layers.Identity, {}, (3, 4, 6), expected=lambda x: x, expected_mask=True)
    assert (layers.UnitNormalization()(np.zeros((2, 3))) == 0).all()


@pytest.mark.parametrize('call, said', [
    (lambda: layers.LayerNormalization(axis=2)(np.ones((2, 3))), 'axis to name different axes'),
    (lambda: layers.LayerNormalization(axis=[1, -1])(np.ones((2, 3))), 'axis to name different axes'),
    (lambda: layers.LayerNormalization(axis='x'), 'axis to be a whole number'),
    (lambda: layers.LayerNormalization()(Input((None,))), 'known size on axis 1'),
    (lambda: layers.GroupNormalization(groups=3)(np.ones((2, 4))), 'groups to divide the 4 channels'),
    (lambda: layers.GroupNormalization(groups=0), 'groups'),
    (lambda: layers.GroupNormalization(1, axis=0)(np.ones((2, 4))), 'behind that of the batch'),
    (lambda: layers.Softmax()(np.ones((2, 3), 'float32'), mask=np.ones((2, 2), bool)), 'mask that broadcasts'),
])
def test_mistakes(call, said):
    with pytest.raises(ValueError, match=said):
        call()
