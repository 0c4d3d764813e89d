"""Recurrent layers as code for Keras 2.0 derives them."""

import numpy as np
import pytest

from fastkeras import activations, ops
from fastkeras.layers import ConvLSTM2D, ConvRecurrent2D, InputSpec, Recurrent, SimpleRNN
from fastkeras.models import Sequential
from tests.layer_harness import run_layer_test


class Simple(Recurrent):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.input_spec[0] = InputSpec(shape=(input_shape[0] if self.stateful else None, None, input_shape[2]))
        self.states = [None]
        if self.stateful:
            self.reset_states()
        self.kernel = self.add_weight(shape=(input_shape[2], self.units), name='kernel', initializer='glorot_uniform')
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name='recurrent', initializer='orthogonal')
        self.built = True

    def preprocess_input(self, inputs, training=None):
        return ops.matmul(inputs, self.kernel)

    def get_constants(self, inputs, training=None):
        return [self.recurrent_kernel]

    def step(self, inputs, states):
        h = activations.tanh(inputs + ops.matmul(states[0], states[1]))
        return h, [h]

    def get_config(self):
        return {**super().get_config(), 'units': self.units}


class Images(ConvRecurrent2D):
    """ConvLSTM2D without biases."""

    def build(self, input_shape):
        self.states = [None, None]
        self.w = self.add_weight(shape=(*self.kernel_size, input_shape[-1], 4 * self.filters), name='w', initializer='normal')
        self.u = self.add_weight(shape=(*self.kernel_size, self.filters, 4 * self.filters), name='u', initializer='normal')

    def step(self, inputs, states):
        z = ops.conv(inputs, self.w, self.strides, self.padding) + ops.conv(states[0], self.u, padding='same')
        i, f, new, o = ops.split(z, 4, axis=-1)
        c = activations.hard_sigmoid(f) * states[1] + activations.hard_sigmoid(i) * ops.tanh(new)
        h = activations.hard_sigmoid(o) * ops.tanh(c)
        return h, [h, c]


X = np.random.default_rng(1).standard_normal((3, 4, 5)).astype(np.float32)


def same_as_simple(layer, **kwargs):
    other = SimpleRNN(2, use_bias=False, **kwargs)
    other(X)
    other.set_weights(layer.get_weights())
    return other


@pytest.mark.parametrize('kwargs', [{}, {'return_sequences': True}, {'go_backwards': True}])
def test_recurrent(kwargs):
    run_layer_test(Simple, {'units': 2, **kwargs}, (3, 4, 5), expected_mask=True if 'return_sequences' in kwargs else None)
    layer = Simple(2, **kwargs)
    y = layer(X)
    other = same_as_simple(layer, **kwargs)
    np.testing.assert_allclose(y, other(X), rtol=1e-5, atol=1e-6)
    mask = np.array([[True, False, True, True]] * 3)
    first = np.ones((3, 2), np.float32)
    np.testing.assert_allclose(layer(X, mask=mask, initial_state=first), other(X, mask=mask, initial_state=first),
                               rtol=1e-5, atol=1e-6)


def test_stateful_and_states():
    layer = Simple(2, stateful=True, return_state=True, batch_input_shape=(3, 4, 5))
    y, state = layer(X)
    np.testing.assert_array_equal(layer.states[0].numpy(), state)
    assert (layer(X)[0] != y).any()
    layer.reset_states()
    np.testing.assert_array_equal(layer(X)[0], y)
    assert Sequential([Simple(2, stateful=True, batch_input_shape=(3, 4, 5))]).output_shape == (3, 2)
    with pytest.raises(ValueError, match='needs to know its batch size'):
        Sequential([Simple(2, stateful=True, input_shape=(4, 5))])


def test_images():
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    layer = Images(3, 2, strides=(1, 2), return_sequences=True)
    y = layer(x)
    other = ConvLSTM2D(3, 2, strides=(1, 2), return_sequences=True, use_bias=False)
    other(x)
    other.set_weights(layer.get_weights())
    np.testing.assert_allclose(y, other(x), rtol=1e-5, atol=1e-6)
    run_layer_test(Images, {'filters': 2, 'kernel_size': 2}, (2, 3, 4, 5, 2), layouts=False, rtol=1e-4)


def test_a_class_without_a_step():
    class None_(Recurrent):
        units = 2

    with pytest.raises(NotImplementedError, match='defines step'):
        None_()(X)
    with pytest.raises(ValueError, match='expected states to be set to a list of None'):
        None_().states = [np.zeros((3, 2))]
