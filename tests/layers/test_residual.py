"""Layers of the applications' residual branches."""

import numpy as np
import pytest

from fastkeras import generation, layers
from fastkeras.saving import objects
from tests.layer_harness import data_of, run_layer_test


def test_custom_scale_layer():
    run_layer_test(layers.CustomScaleLayer, {'scale': 0.17}, [(2, 3, 4, 5), (2, 3, 4, 5)],
                   expected=lambda x: x[0] + 0.17 * x[1], layouts=False)
    with pytest.raises(ValueError, match='list of two tensors'):
        layers.CustomScaleLayer(0.1)(data_of((2, 3)))
    with pytest.raises(ValueError, match='scale to be a number'):
        layers.CustomScaleLayer('much')


def test_layer_scale():
    run_layer_test(layers.LayerScale, {'init_values': 0.5, 'projection_dim': 5}, (2, 3, 4, 5), layouts=False,
                   expected=lambda x, gamma: x * gamma)
    with pytest.raises(ValueError, match='expected 4 channels'):
        layers.LayerScale(0.5, 4)(data_of((2, 5)))


def test_stochastic_depth():
    run_layer_test(layers.StochasticDepth, {'drop_path_rate': 0.3}, (2, 3, 4, 5), expected=lambda x: x, trains=False,
                   layouts=False)
    x = np.ones((2000, 3, 2), np.float32)
    y = layers.StochasticDepth(0.25)(x, training=True)
    assert {float(f'{v:.4g}') for v in np.unique(y)} == {0, 1.333} and (y == y[:, :1, :1]).all()
    assert abs((y == 0).mean() - 0.25) < 0.05


def test_configurations_name_the_modules_of_keras_3():
    with generation.scope(3):
        config = layers.serialize(layers.LayerScale(0.5, 4))
    assert (config['module'], config['class_name']) == ('keras.src.applications.convnext', 'LayerScale')
    assert isinstance(objects.deserialize_keras_object(config), layers.LayerScale)
