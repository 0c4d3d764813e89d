"""CuDNNGRU and CuDNNLSTM: the networks of GRU and LSTM under other weights."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Sequential

from ..layer_harness import data_of, run_layer_test
from . import recurrent_numpy as plain


def turned(kernel, gates):
    """What Keras 2.2.4 makes of cuDNN's kernels for LSTM and GRU (engine/saving.py)."""
    return np.hstack([k.T.reshape(k.shape, order='F') for k in np.hsplit(kernel, gates)])


def of_gru(kernel, recurrent, bias):
    return turned(kernel, 3), turned(recurrent, 3), bias.reshape(2, -1)


def of_lstm(kernel, recurrent, bias):
    return turned(kernel, 4), turned(recurrent, 4), bias.reshape(2, -1).sum(0)


CASES = [('CuDNNGRU', plain.gru, of_gru, 1), ('CuDNNLSTM', plain.lstm, of_lstm, 2)]


@pytest.mark.parametrize('kind, step, converted, states', CASES, ids=['GRU', 'LSTM'])
@pytest.mark.parametrize('backwards', [False, True])
def test_numbers(kind, step, converted, states, backwards):
    def expected(x, *weights):
        return plain.run(step, x, converted(*weights), [np.zeros((3, 4))] * states, backwards=backwards,
                         gate=plain.sigmoid)[0]

    run_layer_test(getattr(layers, kind), {'units': 4, 'return_sequences': True, 'go_backwards': backwards,
                                           'bias_initializer': 'ones'}, (3, 6, 5), expected=expected)


@pytest.mark.parametrize('kind, step, converted, states', CASES, ids=['GRU', 'LSTM'])
def test_as_the_layer_of_the_other_name(kind, step, converted, states):
    x, *begin = data_of([(3, 6, 5), *[(3, 4)] * states])
    layer = getattr(layers, kind)(4, return_state=True)
    layer(x)
    layer.set_weights([w + 0.1 for w in layer.get_weights()])
    other = getattr(layers, kind[5:])(4, recurrent_activation='sigmoid', return_state=True,
                                      **({'reset_after': True} if kind == 'CuDNNGRU' else {}))
    other(x)
    other.set_weights(converted(*layer.get_weights()))
    for a, b in zip(layer(x, initial_state=begin), other(x, initial_state=begin)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_shapes_and_configuration():
    layer = layers.CuDNNLSTM(3)
    layer.build((None, 5, 2))
    assert [w.shape for w in layer.get_weights()] == [(2, 12), (3, 12), (24,)]
    np.testing.assert_array_equal(layer.bias.numpy().reshape(8, 3)[:, 0], [0, 0, 0, 0, 0, 1, 0, 0])
    gru = layers.CuDNNGRU(3)
    gru.build((None, 5, 2))
    assert [w.shape for w in gru.get_weights()] == [(2, 9), (3, 9), (18,)]
    assert set(layer.get_config()) == {
        'name', 'trainable', 'return_sequences', 'return_state', 'go_backwards', 'stateful', 'units', 'kernel_initializer',
        'recurrent_initializer', 'bias_initializer', 'unit_forget_bias', 'kernel_regularizer', 'recurrent_regularizer',
        'bias_regularizer', 'activity_regularizer', 'kernel_constraint', 'recurrent_constraint', 'bias_constraint'}
    with pytest.raises(TypeError, match='recurrent_activation'):
        layers.CuDNNLSTM(3, recurrent_activation='sigmoid')


def test_no_masks():
    with pytest.raises(ValueError, match='CuDNNGRU layer .*takes no mask.* GRU does'):
        Sequential([layers.Masking(input_shape=(5, 2)), layers.CuDNNGRU(3)])


def test_stateful():
    layer, whole = layers.CuDNNGRU(4, stateful=True), layers.CuDNNGRU(4)
    x = data_of((2, 6, 3))
    layer(x[:, :3])
    layer.reset_states()
    whole(x)
    whole.set_weights(layer.get_weights())
    layer(x[:, :3])
    np.testing.assert_allclose(layer(x[:, 3:]), whole(x), rtol=1e-5, atol=1e-6)
