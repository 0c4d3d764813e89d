"""Activations that have arguments or weights."""

import numpy as np
import pytest

from fastkeras import config, layers
from tests.layer_harness import run_layer_test


def test_relu():
    run_layer_test(layers.ReLU, {}, (3, 4), expected=lambda x: np.maximum(x, 0))
    run_layer_test(layers.ReLU, {'max_value': 0.5, 'negative_slope': 0.2, 'threshold': 0.1}, (30, 4),
                   expected=lambda x: np.where(x > 0.1, np.minimum(x, 0.5), 0.2 * (x - 0.1)))


def test_leaky_relu():
    run_layer_test(layers.LeakyReLU, {}, (3, 4), expected=lambda x: np.where(x > 0, x, 0.3 * x))
    assert layers.LeakyReLU(negative_slope=0.1).alpha == 0.1


def test_elu():
    run_layer_test(layers.ELU, {'alpha': 0.5}, (3, 4), expected=lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)))


def test_thresholded_relu():
    run_layer_test(layers.ThresholdedReLU, {'theta': 0.5}, (3, 4), expected=lambda x: x * (x > 0.5))


def test_prelu():
    run_layer_test(layers.PReLU, {'alpha_initializer': 'normal'}, (6, 4, 3),
                   expected=lambda x, a: np.where(x > 0, x, a * x), expected_mask=True)
    y = layers.PReLU(shared_axes=[1, 2])
    y(np.ones((2, 3, 4, 5)))
    assert y.get_weights()[0].shape == (1, 1, 5)


def test_softmax():
    def softmax(x, axis):
        e = np.exp(x - x.max(axis, keepdims=True))
        return e / e.sum(axis, keepdims=True)
    run_layer_test(layers.Softmax, {}, (3, 4, 5), expected=lambda x: softmax(x, -1))
    run_layer_test(layers.Softmax, {'axis': 1}, (3, 4, 5), expected=lambda x: softmax(x, 1))


@pytest.mark.parametrize('make, words', [
    (lambda: layers.ReLU(max_value=-1), ['max_value', '-1']), (lambda: layers.LeakyReLU('a'), ['alpha', "'a'"]),
    (lambda: layers.PReLU(shared_axes=[5])(np.ones((2, 3))), ['shared_axes', '[5]'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)


def test_softmax_of_a_vector_in_the_strict_generation():
    begin = layers.Input(batch_shape=(4,))
    assert layers.Softmax()(begin).shape == (4,)
    config.set_generation('2.2.4')
    try:
        with pytest.raises(ValueError, match='cannot apply softmax to a tensor that is 1D'):
            layers.Softmax()(begin)
    finally:
        config.set_generation(2)
