"""Layers that arrange their inputs in another shape."""

import numpy as np

from fastkeras import layers
from tests.layer_harness import run_layer_test


def test_flatten():
    run_layer_test(layers.Flatten, {}, (3, 4, 5), expected_output_shape=(3, 20), expected=lambda x: x.reshape(3, 20))
    run_layer_test(layers.Flatten, {}, (3, 4, 5, 2), expected=lambda x: x.reshape(3, 40))
    run_layer_test(layers.Flatten, {}, (4,), expected=lambda x: x.reshape(4, 1))


def test_reshape():
    run_layer_test(layers.Reshape, {'target_shape': (4, 3)}, (5, 12), expected=lambda x: x.reshape(5, 4, 3))
    run_layer_test(layers.Reshape, {'target_shape': (-1, 2)}, (5, 3, 4), expected=lambda x: x.reshape(5, 6, 2))


def test_permute():
    run_layer_test(layers.Permute, {'dims': (3, 1, 2)}, (2, 3, 4, 5), expected=lambda x: x.transpose(0, 3, 1, 2))


def test_repeat_vector():
    run_layer_test(layers.RepeatVector, {'n': 3}, (2, 4), expected=lambda x: np.repeat(x[:, None], 3, 1))
