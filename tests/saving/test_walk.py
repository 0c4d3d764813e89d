"""The paths of parts in files."""

import pytest

from fastkeras.layers import LSTM, RNN, Bidirectional, Dense, Dropout, Layer, LSTMCell, MultiHeadAttention
from fastkeras.models import Model, Sequential
from fastkeras.saving import walk


@pytest.mark.parametrize('name,words', [
    ('LSTMCell', 'lstm_cell'), ('Conv2DTranspose', 'conv2d_transpose'), ('PReLU', 'p_re_lu'), ('ConvLSTM2D', 'conv_lstm2d'),
    ('RMSNormalization', 'rms_normalization'), ('Dense', 'dense'), ('GroupedQueryAttention', 'grouped_query_attention')])
def test_words(name, words):
    assert walk.in_words(name) == words


def paths(model):
    return [path for path, part in walk.parts(model) if path and walk.own_variables(part)]


def test_attributes():
    class Own(Layer):
        def __init__(self):
            super().__init__()
            self._z = Dense(1)
            self.b = [Dense(1), Dense(1), [Dense(1)]]
            self.a = {'x': Dense(1), 'y': Dropout(0.5)}
            self.again = self.b[0]

        def call(self, x):
            for layer in (self._z, *self.b[:2], self.b[2][0], self.a['x']):
                x = layer(x)
            return x

    model = Sequential([Own()])
    model.build((None, 2))
    assert paths(model) == ['layers/own/a/dense', 'layers/own/again', 'layers/own/b/dense_1', 'layers/own/b/container/dense',
                            'layers/own/_z']


def test_layers_inside():
    model = Sequential([Bidirectional(LSTM(2, return_sequences=True), input_shape=(3, 4)), RNN([LSTMCell(2), LSTMCell(3)]),
                        Sequential([Dense(2)])])
    assert paths(model) == [
        'layers/bidirectional/backward_layer/cell', 'layers/bidirectional/forward_layer/cell',
        'layers/rnn/cell/cells/lstm_cell', 'layers/rnn/cell/cells/lstm_cell_1', 'layers/sequential/layers/dense']


def test_names_of_keras():
    layer = MultiHeadAttention(1, 2)
    layer.build((None, 3, 4), (None, 3, 4))
    assert paths(layer) == ['key_dense', 'output_dense', 'query_dense', 'value_dense']


def test_parts_that_refer_to_each_other():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.d = Dense(1)
            self.d.owner = self
            self.d.list = [self.d]

        def call(self, x):
            return self.d(x)

    model = Own()
    model.build((None, 2))
    assert paths(model) == ['d']
