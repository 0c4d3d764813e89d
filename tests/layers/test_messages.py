"""What layers say of inputs, masks and states that do not fit, in the words of their users."""

import numpy as np
import pytest

from fastkeras import layers as L

X = np.zeros((4, 5, 3), 'float32')
STEPS = np.ones((4, 4), bool)


@pytest.mark.parametrize('make, op', [
    (lambda: L.Conv1D(2, 6), 'conv1d'),
    (lambda: L.Conv1D(2, 6, data_format='channels_first', input_shape=(3, 5)), 'conv1d'),
    (lambda: L.SeparableConv1D(2, 6), 'depthwise_conv1d'),
    (lambda: L.DepthwiseConv1D(6), 'depthwise_conv1d'),
    (lambda: L.MaxPooling1D(6), 'max_pool1d'),
    (lambda: L.AveragePooling1D(6), 'avg_pool1d'),
])
def test_a_window_longer_than_a_sequence(make, op):
    layer = make()
    x = X.transpose(0, 2, 1) if layer.data_format == 'channels_first' else X
    with pytest.raises(ValueError, match=rf"\[{op}\] in layer '{layer.name}': a window of 6 .* 5 padded elements of spatial "
                                         r'dimension 1: .* got input sizes \(5,\)'):
        layer(x)


@pytest.mark.parametrize('call, words', [
    (lambda: L.GlobalAveragePooling1D()(X, mask=STEPS), r'expected a mask of shape \(4, 5\), .* got \(4, 4\)'),
    (lambda: L.Attention()([X, X], mask=[STEPS, None]), r'\(4, 5\), .* step of the query .* got \(4, 4\)'),
    (lambda: L.AdditiveAttention()([X, X], mask=[None, STEPS]), r'\(4, 5\), .* step of the value .* got \(4, 4\)'),
    (lambda: L.MultiHeadAttention(2, 2)(X, X, key_mask=STEPS), r'\(4, 5\), .* step of the key .* got \(4, 4\)'),
    (lambda: L.MultiHeadAttention(2, 2)(X, X, attention_mask=np.ones((4, 4, 4), bool)),
     r'attention_mask to broadcast to .* = \(4, 5, 5\), .* got shape \(4, 4, 4\)'),
])
def test_masks_that_do_not_fit(call, words):
    with pytest.raises(ValueError, match=rf"^\w+ layer '\w+': .*{words}"):
        call()


@pytest.mark.parametrize('mask', [np.ones((4, 5, 5), bool), np.ones((1, 5, 5), bool), np.ones((4, 2, 5, 5), bool),
                                  np.ones((5, 5), bool), np.ones((4, 1, 5), bool)])
def test_masks_of_attention_that_fit(mask):
    layer = L.MultiHeadAttention(2, 2)
    np.testing.assert_allclose(layer(X + 1, X, attention_mask=mask), layer(X + 1, X), atol=1e-6)


@pytest.mark.parametrize('shapes', [[(4, 3), (4, 3)], [(4, 5, 3), (4, 5, 2)], [(4, 5, 3), (4, 5, 2), (4, 6, 3)]])
@pytest.mark.parametrize('cls', [L.Attention, L.AdditiveAttention])
def test_shapes_of_attention(cls, shapes):
    with pytest.raises(ValueError, match=r"layer '\w+': expected query \(batch, steps, dim\)"):
        cls()([L.Input(batch_shape=s) for s in shapes])


def test_sequences_that_are_none():
    with pytest.raises(ValueError, match=r'got shape \(None, 5\); give the input an axis of steps, or put an Embedding'):
        L.LSTM(2)(L.Input((5,)))
    with pytest.raises(ValueError, match=r'expected ndim=3, found ndim=4; got'):
        L.LSTM(2)(L.Input((5, 3, 2)))


def test_states_that_do_not_fit():
    x, state = L.Input((5, 3)), L.Input((2,))
    with pytest.raises(ValueError, match=r"Bidirectional layer '\w+': expected initial_state to hold 2 states of the forward "
                                         r'layer and as many of the backward layer, got 2'):
        L.Bidirectional(L.LSTM(2))(x, initial_state=[state, state])
    with pytest.raises(ValueError, match=r"LSTM layer '\w+': expected initial_state to be tensors or arrays, .* got 'zeros'"):
        L.LSTM(2)(x, initial_state='zeros')


@pytest.mark.parametrize('result, got', [(lambda x, s: s[0], 'got <Tensor'), (lambda x, s: (x, s, s), 'got a tuple of 3'),
                                         (lambda x, s: (x, [*s, *s]), 'with 1 state, got 2')])
def test_results_of_a_cell(result, got):
    class Own(L.Layer):
        state_size = 3

        def call(self, inputs, states):
            return result(inputs, states)

    with pytest.raises(ValueError, match=rf'Own: expected its call to return \(outputs, new states\) .*{got}'):
        L.RNN(Own())(L.Input((5, 3)))


@pytest.mark.parametrize('make, message', [
    (lambda: L.LSTM('a'), "^LSTM: expected units to be a whole number of at least 1, got 'a'$"),
    (lambda: L.GRU(3, dropout=2, name='mine'), "^GRU layer 'mine': expected dropout to be a number from 0 to 1, got 2$"),
    (lambda: L.ConvLSTM1D(0, 3), '^ConvLSTM1D: expected filters to be a whole number of at least 1, got 0$'),
    (lambda: L.ConvLSTM2D(3, 3, padding='x'), '^ConvLSTM2D: the `padding` argument must be one of')])
def test_arguments_of_a_layers_own_cell(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_layer_with_a_cell_of_its_own_takes_none():
    with pytest.raises(TypeError, match="^LSTM: unknown argument 'cell'; known are activation"):
        L.LSTM(2, cell=L.LSTMCell(2))
