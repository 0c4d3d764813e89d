"""Activations against numbers recorded from Keras 2.2.4 and Keras 3."""

import numpy as np
import pytest

from fastkeras import activations, generation, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function

from .parity.recorded import KERAS2, KERAS3, arrays

# not sparsemax, whose sums Keras 3.15 has other than 1
CASES = [(2, n, v) for n, v in KERAS2['activations'].items()] + [(3, n, v) for n, v in KERAS3['activations'].items()
                                                                     if n != 'sparsemax']


@pytest.mark.parametrize('which,name,expected', CASES, ids=[f'{c[1]}-{c[0]}' for c in CASES])
def test_follows_keras(which, name, expected):
    x = arrays('x')[0]
    with generation.scope(which):
        function = activations.get(name)
        assert activations.serialize(function) == name
    np.testing.assert_allclose(function(x), expected, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(Function(lambda x: function(x))(x), expected, rtol=2e-5, atol=2e-6)


def test_general_relu():
    x = np.array([-3.0, -1.0, 0.5, 2.0, 9.0], 'float32')
    np.testing.assert_allclose(activations.relu(x, alpha=0.1), [-0.3, -0.1, 0.5, 2, 9], rtol=1e-6)
    np.testing.assert_allclose(activations.relu(x, negative_slope=0.1, max_value=3), [-0.3, -0.1, 0.5, 2, 3], rtol=1e-6)
    np.testing.assert_allclose(activations.relu(x, 0.5, None, 1.0), [-2, -1, -0.25, 2, 9], rtol=1e-6)
    np.testing.assert_allclose(activations.threshold(x, 1.0, 7.0), [7, 7, 7, 2, 9])


def test_sparsemax():
    for x in (arrays('x')[0].astype('float64'), np.zeros((2, 3)), np.array([[100.0, 0.0], [0.3, 0.2]])):
        ordered = -np.sort(-x, axis=-1)
        ranks = np.arange(1, x.shape[-1] + 1)
        shift = ((np.cumsum(ordered, axis=-1) - 1) / ranks).max(-1, keepdims=True)
        expected = np.maximum(x - shift, 0)
        np.testing.assert_allclose(expected.sum(-1), 1)
        np.testing.assert_allclose(activations.sparsemax(x), expected, atol=1e-9)
        np.testing.assert_allclose(activations.sparsemax(x.T.astype('float32'), axis=0), expected.T, atol=1e-6)


def test_sparsemax_gradient():
    x = arrays('x')[0].astype('float64')
    weight = np.arange(4.0)
    got = Function(lambda x: gradients(ops.sum(activations.sparsemax(x) * weight), [x])[0])(x)
    inside = np.asarray(activations.sparsemax(x)) > 0
    mean = (weight * inside).sum(-1, keepdims=True) / inside.sum(-1, keepdims=True)
    np.testing.assert_allclose(got, inside * (weight - mean), atol=1e-9)


def test_a_model_keeps_its_hard_sigmoid():
    two = activations.get('hard_sigmoid')
    with generation.scope(3):
        three = activations.get('hard_sigmoid')
        np.testing.assert_allclose(two(np.float32([1.0])), [0.7])
    np.testing.assert_allclose(three(np.float32([1.0])), [4 / 6], rtol=1e-6)
    np.testing.assert_allclose(activations.hard_sigmoid(np.float32([1.0])), [0.7])


def test_names():
    assert activations.get(None) is activations.linear
    assert activations.get('swish') is activations.silu is activations.swish
    assert activations.get(np.tanh) is np.tanh
    assert activations.get({'module': 'builtins', 'class_name': 'function', 'config': 'relu',
                            'registered_name': 'function'}) is activations.relu
    with pytest.raises(ValueError, match="Unknown activation function: 'rellu'.*'relu'"):
        activations.get('rellu')
    with pytest.raises(ValueError, match='expected a name'):
        activations.get(3)
