"""Which classes a configuration may name."""
import json
import subprocess
import sys

import numpy as np
import pytest

from fastkeras import layers, models
from fastkeras.layers import registry
from fastkeras.saving import objects


class Secret(layers.Dense):
    """A layer of the user's, that no file may name unless the user says so."""


def test_every_public_layer_is_known_and_nothing_private():
    public = {name: value for module in (layers, models) for name in module.__all__
              if isinstance(value := getattr(module, name), type) and issubclass(value, layers.Layer)}
    elsewhere = 'Functional', 'Network', 'FeatureSpace', 'Distiller'
    of_keras1 = 'fastkeras.layers.keras1_layers'       # what configurations of Keras 1 alone mean
    assert {k: v for k, v in registry.classes.items() if k not in elsewhere and not k.startswith('Caffe')
            and (v.__module__ != of_keras1 or k in public)} == public
    assert registry.classes['Functional'] is registry.classes['Network'] is models.Model
    assert registry.classes['Deconvolution2D'] is layers.Conv2DTranspose


@pytest.mark.parametrize('read', [
    layers.deserialize, models.model_from_config, objects.deserialize_keras_object,
    lambda config: models.model_from_json(json.dumps(config))])
def test_a_class_that_is_merely_defined_cannot_be_named(read):
    config = {'class_name': 'Secret', 'config': {'units': 2}}
    with pytest.raises(ValueError, match='Secret'):
        read(config)
    with objects.CustomObjectScope({'Secret': Secret}):
        assert type(read(config)) is Secret


def test_a_class_of_the_users_does_not_take_the_place_of_ours():
    class Dense(layers.Dense):
        pass
    config = {'class_name': 'Dense', 'config': {'units': 2}}
    assert type(layers.deserialize(config)) is layers.Dense
    assert type(layers.deserialize(config, {'Dense': Dense})) is Dense


@pytest.mark.parametrize('module, name, config', [
    ('keras.models', 'load_model', {'filepath': 'x.h5', 'safe_mode': False}),
    ('keras.models', 'clone_model', {'model': None}), ('keras.layers', 'Input', {'shape': [2]}),
    ('keras.losses', 'deserialize', {'name': 'mse'}), ('keras.callbacks', 'CSVLogger', {'filename': 'x.csv'})])
def test_functions_that_are_no_layer_cannot_be_named(module, name, config):
    with pytest.raises(ValueError, match=f'Unknown .*{name}'):
        objects.deserialize_keras_object({'module': module, 'class_name': name, 'config': config, 'registered_name': None})


@pytest.mark.parametrize('code', [
    'import fastkeras.layers as f; f.deserialize({"class_name": "Sequential", "config": CONFIG})',
    'import fastkeras.layers as f; f.deserialize({"class_name": "Sequential", "config": CONFIG["layers"]})',
    'from fastkeras.saving.json import model_from_config as f; f({"class_name": "Sequential", "config": CONFIG})',
    'from fastkeras.saving import deserialize_keras_object as f; f({"class_name": "Sequential", "config": CONFIG})',
    'from fastkeras.saving import deserialize_keras_object as f; f({"class_name": "ExponentialDecay", "config": '
    '{"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 0.5}, "module": "keras.optimizers.schedules"})'])
def test_models_are_found_whatever_was_imported(code):
    config = models.Sequential([layers.Dense(2, input_shape=(3,))]).get_config()
    subprocess.run([sys.executable, '-c', f'CONFIG = {config!r}; {code}'], check=True)


def test_saving_imports_no_model():
    code = ('import sys, fastkeras.layers, fastkeras.saving.saver; '
            'print([m for m in sys.modules if m.startswith(("fastkeras.models", "fastkeras.training"))])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


def test_a_model_in_a_model():
    inner = models.Model(x := layers.Input((3,)), layers.Dense(2)(x), name='inner')
    outer = models.Sequential([layers.Input((3,)), inner, models.Sequential([layers.Dense(1)])])
    copy = models.model_from_json(outer.to_json())
    copy.set_weights(outer.get_weights())
    x = np.ones((2, 3), 'float32')
    np.testing.assert_array_equal(copy.predict(x), outer.predict(x))
