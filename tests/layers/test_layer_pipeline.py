"""Pipeline."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model

from ..layer_harness import run_layer_test

X = np.random.default_rng(2).normal(size=(40, 6)).astype(np.float32)


def test_layers_one_after_another():
    parts = [layers.Rescaling(2.0), layers.Dense(3), layers.Activation('tanh')]
    run_layer_test(layers.Pipeline, {'layers': parts}, (4, 6), expected=lambda x, k, b: np.tanh(2 * x @ k + b), smooth=False)


def test_alone_it_is_in_training_and_in_a_model_what_the_model_is():
    pipeline = layers.Pipeline([layers.Dropout(0.5)])
    a = layers.Input((6,))
    model = Model(a, pipeline(a))
    assert (pipeline(X) == 0).any() and not (pipeline(X, training=False) == 0).any()
    np.testing.assert_array_equal(model.predict(X), X)
    assert (model(X, training=True) == 0).any()
    assert pipeline.layers[0].rate == 0.5


@pytest.mark.parametrize('wrong', [None, [], [3], layers.Dropout(0.5)])
def test_mistakes(wrong):
    with pytest.raises(ValueError, match='expected layers to'):
        layers.Pipeline(wrong)
