"""Caffe's LSTM and RNN against loops in NumPy."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.models import load_model
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import images
from tests.converters.caffe.reference import Reference, layer_of

INPUTS = '''input: "x" input_shape { dim: 5 dim: 2 dim: 6 } input: "cont" input_shape { dim: 5 dim: 2 }
input: "still" input_shape { dim: 2 dim: 3 }'''
LSTM = 'layer { name: "l" type: "LSTM" bottom: "%s" bottom: "cont" %s top: "l" recurrent_param { num_output: 4 } }'


@layer_of('LSTM')
def lstm(ref, layer, x, marks, still=None):
    n = layer.recurrent_param.num_output
    shapes = [(4 * n, x.shape[2]), (4 * n,), *([(4 * n, still.shape[1])] if still is not None else []), (4 * n, n)]
    weights = ref.weight(layer, *shapes)
    h, c, rows = np.zeros((x.shape[1], n)), np.zeros((x.shape[1], n)), []
    for step, mark in zip(x, marks[..., None]):
        gates = step @ weights[0].T + weights[1] + (h * mark) @ weights[-1].T
        if still is not None:
            gates = gates + still @ weights[2].T
        i, f, o = (1 / (1 + np.exp(-g)) for g in np.split(gates, 4, 1)[:3])
        c = f * mark * c + i * np.tanh(np.split(gates, 4, 1)[3])
        h = o * np.tanh(c)
        rows.append(h)
    return np.array(rows)


@layer_of('RNN')
def rnn(ref, layer, x, marks, still=None):
    n = layer.recurrent_param.num_output
    shapes = [(n, x.shape[2]), (n,), *([(n, still.shape[1])] if still is not None else []), (n, n), (n, n), (n,)]
    weights = ref.weight(layer, *shapes)
    h, rows = np.zeros((x.shape[1], n)), []
    for step, mark in zip(x, marks[..., None]):
        given = step @ weights[0].T + weights[1] + (0 if still is None else still @ weights[2].T)
        h = np.tanh(given + (h * mark) @ weights[-3].T)
        rows.append(np.tanh(h @ weights[-2].T + weights[-1]))
    return np.array(rows)


def data():
    marks = np.array([[0, 0], [1, 1], [1, 0], [0, 1], [1, 1]], 'f4')
    return {'x': images(5, 2, 6), 'cont': marks, 'still': images(2, 3)}


@pytest.mark.parametrize('text', [
    LSTM % ('x', ''), LSTM % ('x', 'bottom: "still"'), (LSTM % ('x', '')).replace('LSTM', 'RNN'),
    (LSTM % ('x', 'bottom: "still"')).replace('LSTM', 'RNN'),
    LSTM % ('x', '') + (LSTM % ('l', '')).replace('name: "l"', 'name: "m"').replace('top: "l"', 'top: "m"'),
    LSTM % ('x',
            '') + 'layer { name: "i" type: "InnerProduct" bottom: "l" top: "i" inner_product_param { num_output: 3 axis: 2 } } '
                       'layer { name: "s" type: "Softmax" bottom: "i" top: "s" softmax_param { axis: 2 } }'])
@pytest.mark.parametrize('data_format', ['channels_first', 'channels_last'])
def test_lstm(tmp_path, text, data_format):
    """Marks begin sequences anew; samples come first in the model."""
    (tmp_path / 'n.prototxt').write_text(INPUTS + text)
    reference = Reference(INPUTS + text)
    expected = reference.run(data())[reference.net.layer[-1].top[0]].swapaxes(0, 1)
    model = load_caffe(tmp_path / 'n.prototxt', reference.save(tmp_path / 'w'), data_format)
    given = [data()[x.name.split(':')[0]] for x in model.inputs]
    given = [x if len(x.shape) == 2 and x.shape == (2, 3) else x.swapaxes(0, 1) for x in given]
    np.testing.assert_allclose(model.predict(given), expected, atol=1e-5)
    model.save(tmp_path / 'm.h5')
    np.testing.assert_array_equal(load_model(tmp_path / 'm.h5', compile=False).predict(given), model.predict(given))


def test_embedded_words(tmp_path):
    text = '''input: "x" input_shape { dim: 5 dim: 2 } input: "cont" input_shape { dim: 5 dim: 2 }
    layer { name: "e" type: "Embed" bottom: "x" top: "e" embed_param { num_output: 6 input_dim: 9 bias_term: false } }'''
    text += LSTM % ('e', '')
    (tmp_path / 'n.prototxt').write_text(text)
    reference, given = Reference(text), data()
    given['x'] = np.random.default_rng(0).integers(0, 9, (5, 2)).astype('f4')
    expected = reference.run(given)['l'].swapaxes(0, 1)
    model = load_caffe(tmp_path / 'n.prototxt', reference.save(tmp_path / 'w'))
    np.testing.assert_allclose(model.predict([given['x'].T, given['cont'].T]), expected, atol=1e-5)


@pytest.mark.parametrize('more, message', [
    ('layer { name: "f" type: "Flatten" bottom: "l" top: "f" }', 'each on its own'),
    ('layer { name: "f" type: "InnerProduct" bottom: "l" top: "f" inner_product_param { num_output: 3 } }',
     'each on its own'),
    ('layer { name: "f" type: "Softmax" bottom: "l" top: "f" }', 'each on its own'),
    ('layer { name: "f" type: "LSTM" bottom: "l" bottom: "cont" top: "f" recurrent_param { expose_hidden: true num_output: 3 '
     '} }',
     'expose_hidden'),
    ('layer { name: "f" type: "LSTM" bottom: "l" top: "f" recurrent_param { num_output: 3 } }', '1 bottoms')])
def test_what_cannot_be_is_said(tmp_path, more, message):
    (tmp_path / 'n.prototxt').write_text(INPUTS + LSTM % ('x', '') + more)
    with pytest.raises(ModelFileError, match=f"'f'.*{message}"):
        load_caffe(tmp_path / 'n.prototxt')
