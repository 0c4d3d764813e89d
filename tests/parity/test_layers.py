"""Layers, models and files against what Keras 2.2.4 recorded (record_layers.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

import fastkeras as keras
from fastkeras.saving.json import encode

from . import layer_cases as cases

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / 'layers_keras224.json').read_text())
IDS = [f'{name}-{k}' for k, (name, _, _) in enumerate(cases.CASES)]


def plain(config):
    return json.loads(json.dumps(config, default=encode))


def assert_same(ours, theirs, path=''):
    """Equal configurations; numbers may have gone through float32."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), f'{path}: {sorted(set(ours) ^ set(theirs))}'
        for k in theirs:
            assert_same(ours[k], theirs[k], f'{path}/{k}')
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        for k, (a, b) in enumerate(zip(ours, theirs)):
            assert_same(a, b, f'{path}/{k}')
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-6), path
    else:
        assert ours == theirs, path


@pytest.mark.parametrize('case, recorded', list(zip(cases.CASES, RECORDED['layers'])), ids=IDS)
def test_layer(case, recorded):
    name, kwargs, shapes = case
    layer = getattr(keras.layers, name)(name='layer', **kwargs)
    x = cases.inputs(shapes)
    given = [keras.layers.Input(s[1:]) for s in shapes] if isinstance(shapes, list) else keras.layers.Input(shapes[1:])
    model = keras.models.Model(given, layer(given))
    assert [list(w.shape) for w in layer.get_weights()] == recorded['weights']
    layer.set_weights(cases.weights(recorded['weights']))
    y = model.predict(x)
    assert list(y.shape) == recorded['shape'] and list(layer.output_shape) == recorded['output_shape']
    np.testing.assert_allclose(y, np.reshape(recorded['values'], y.shape), rtol=2e-5, atol=2e-6)
    config = plain(layer.get_config())
    # Keras 2.2.4 forgets an argument of the one, the other has more
    if name in ('Conv2DTranspose', 'DepthwiseConv2D'):
        for k in set(config) - set(recorded['config']):
            del config[k]
    assert_same(config, recorded['config'])


@pytest.mark.parametrize('name', ['network', 'chain'])
def test_table(name):
    model = getattr(cases, name)(keras)
    lines = []
    model.summary(print_fn=lines.append)
    assert lines == RECORDED[name]['summary']


@pytest.mark.parametrize('name', ['network', 'chain'])
def test_json(name):
    model = getattr(cases, name)(keras)
    assert_same(json.loads(model.to_json()), RECORDED[name]['json'])
    again = keras.models.model_from_json(json.dumps(RECORDED[name]['json']))
    assert_same(json.loads(again.to_json()), RECORDED[name]['json'])


def filled(model):
    for layer in model.layers:
        layer.set_weights(cases.weights([w.shape for w in layer.get_weights()]))
    return model


X = [cases.array((4, 8, 8, 1), 1), cases.array((4, 3), 2)]
Y = [np.eye(2)[[0, 1, 1, 0]], np.ones((4, 1))]


def assert_outputs(model, recorded):
    for y, want in zip(model.predict(X), recorded):
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)


def test_outputs():
    assert_outputs(filled(cases.network(keras)), RECORDED['network']['outputs'])


def test_weights_of_keras_2():
    model = cases.network(keras, 0.0)
    model.load_weights(HERE / 'weights_keras224.h5')
    assert_outputs(model, RECORDED['trained']['outputs'])
    other = cases.network(keras, 0.0)
    other.load_weights(HERE / 'weights_keras224.h5', by_name=True)
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_model_of_keras_2():
    """The file says how the model was compiled, and where its optimizer stood: the next step is that of Keras."""
    model = keras.models.load_model(HERE / 'network_keras224.h5')
    assert_outputs(model, RECORDED['trained']['outputs'])
    assert not model.get_layer('conv').trainable
    assert type(model.optimizer).__name__ == 'Adam' and float(model.optimizer.lr) == pytest.approx(0.01)
    np.testing.assert_allclose(model.train_on_batch(X, Y), RECORDED['trained']['loss'], rtol=1e-4, atol=1e-5)


def test_training_steps():
    model = filled(cases.network(keras, 0.0))
    model.get_layer('conv').trainable = False
    model.compile(keras.optimizers.Adam(lr=0.01), loss=['categorical_crossentropy', 'mse'], metrics=['accuracy'],
                  loss_weights=[1.0, 0.5])
    for _ in range(2):
        model.train_on_batch(X, Y)
    np.testing.assert_allclose(model.train_on_batch(X, Y), RECORDED['trained']['loss'], rtol=1e-4, atol=1e-5)
