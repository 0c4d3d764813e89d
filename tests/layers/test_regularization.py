"""Dropouts, and penalties on what passes."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model
from tests.layer_harness import run_layer_test


def test_activity_regularization():
    run_layer_test(layers.ActivityRegularization, {'l1': 0.1, 'l2': 0.2}, (3, 4), expected=lambda x: x)


def test_dropout_in_inference():
    run_layer_test(layers.Dropout, {'rate': 0.5, 'seed': 3}, (3, 4), expected=lambda x: x, trains=False)


@pytest.mark.parametrize('cls, shape, same', [
    (layers.Dropout, (40, 50), ()), (layers.SpatialDropout1D, (20, 6, 30), (1,)),
    (layers.SpatialDropout2D, (20, 4, 5, 30), (1, 2)), (layers.SpatialDropout3D, (20, 2, 2, 2, 30), (1, 2, 3))])
def test_dropout_in_training(cls, shape, same):
    layer = cls(0.3, seed=5)
    x = np.ones(shape, np.float32)
    y, z = layer(x, training=True), layer(x, training=True)
    assert set(np.unique(y)) == {0, np.float32(1 / 0.7)}
    assert abs((y == 0).mean() - 0.3) < 0.06
    assert (y != z).any()
    for axis in same:
        assert (np.ptp(y, axis=axis) == 0).all()
    np.testing.assert_array_equal(cls(0.3, seed=5)(x, training=True), y)


def test_dropout_noise_shape():
    y = layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(np.ones((50, 6), np.float32), training=True)
    assert (np.ptp(y, axis=1) == 0).all() and 0 < (y[:, 0] == 0).sum() < 50


def test_dropout_keeps_its_mask_for_the_gradient_and_its_state_out_of_the_weights():
    layer = layers.Dropout(0.5, seed=2)
    layer(np.ones((2, 3)))
    run_layer_test(layers.Dropout, {'rate': 0.5, 'seed': 2}, (8, 9), stochastic=True)
    assert layer.weights == [] and layer.count_params() == 0
    assert (layers.Dropout(1.0)(np.ones((2, 3)), training=True) == 0).all()


@pytest.mark.parametrize('base', ['Dropout', 'SpatialDropout1D', 'AlphaDropout'])
def test_a_noise_shape_of_ones_own(base):
    """Programs for Keras 2 override _get_noise_shape, with sizes from K.shape."""
    from fastkeras import backend as K

    class OfRows(getattr(layers, base)):
        def _get_noise_shape(self, inputs):
            sizes = K.shape(inputs)
            return (sizes[0], sizes[1], 1)
    begin = layers.Input((6, 5))
    model = Model(begin, OfRows(0.5)(begin))
    found = K.function([model.input, K.learning_phase()], [model.output])([np.ones((4, 6, 5), 'float32'), 1])[0]
    np.testing.assert_array_equal(found, np.repeat(found[:, :, :1], 5, 2))
    assert len(np.unique(found)) == 2
