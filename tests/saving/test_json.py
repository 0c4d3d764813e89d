"""Configurations in JSON, of both generations."""

import json
import warnings

import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import BatchNormalization, Conv2D, Dense, Flatten, Input, UpSampling2D, add
from fastkeras.models import Model, Sequential, model_from_config, model_from_json
from fastkeras.saving import json as configs

X = np.random.default_rng(0).standard_normal((2, 6, 6, 1)).astype('float32')


def network():
    a = Input((6, 6, 1), name='a')
    x = Conv2D(3, 3, activation='relu', kernel_regularizer='l2')(a)
    y = BatchNormalization()(x)
    shared = Dense(2)
    return Model(a, add([shared(Flatten()(x)), shared(Flatten()(y))]))


@pytest.mark.parametrize('which', [2, 3])
def test_round_trip(which):
    model = network()
    with generation.scope(which):
        text = model.to_json(indent=1)
    said = json.loads(text)
    assert said['class_name'] == ('Model' if which == 2 else 'Functional')
    assert ('module' in said) == (which == 3)
    new = model_from_json(text)
    new.set_weights(model.get_weights())
    np.testing.assert_array_equal(new(X), model(X))


def test_bad_text():
    with pytest.raises(ValueError, match='JSON'):
        model_from_json('{')
    with pytest.raises(ValueError, match='class_name'):
        model_from_json('{}')
    with pytest.raises(TypeError, match='Sequential.from_config'):
        model_from_config([])
    said = json.loads(Sequential([Dense(2, input_shape=(3,))]).to_json())
    said['config']['layers'][0]['class_name'] = 'Dence'
    with pytest.raises(ValueError, match="Dence.*'Dense'"):
        model_from_config(said)
    said['config']['layers'][0] = {'class_name': 'Dense', 'config': {'units': 2, 'colour': 'red'}}
    with pytest.raises(ValueError, match='colour'):
        model_from_config(said)


def test_broken_graph():
    said = json.loads(network().to_json())
    said['config']['layers'][1]['inbound_nodes'] = [[['nobody', 0, 0, {}]]]
    with pytest.raises(ValueError, match='nobody'):
        model_from_config(said)
    said = json.loads(network().to_json())
    said['config']['output_layers'][0][1] = 7
    with pytest.raises(ValueError, match='call 7'):
        model_from_config(said)


@pytest.mark.parametrize('version, half', [('2.2.4', False), ('2.3.1', False), ('2.4.0-tf', True), ('3.0.0', True)])
def test_bilinear_by_the_writer(version, half):
    said = {'class_name': 'Sequential', 'keras_version': version, 'config': {'name': 's', 'layers': [
        {'class_name': 'UpSampling2D', 'config': {'size': [2, 2], 'interpolation': 'bilinear',
                                                  'batch_input_shape': [None, 2, 2, 1]}}]}}
    assert model_from_config(said).layers[0].half_pixel_centers is half
    assert UpSampling2D(interpolation='bilinear').half_pixel_centers


def test_hard_sigmoid_by_the_writer():
    for version, want in (('2.2.4', 0.7), ('3.0.0', 0.5 + 1 / 6)):
        said = {'class_name': 'Sequential', 'keras_version': version, 'config': {'name': 's', 'layers': [
            {'class_name': 'Activation', 'config': {'activation': 'hard_sigmoid', 'batch_input_shape': [None, 1]}}]}}
        np.testing.assert_allclose(model_from_config(said)(np.ones((1, 1))), [[want]], rtol=1e-6)


def test_numbers_of_numpy():
    assert json.loads(json.dumps([np.float32(2), np.int64(3), np.ones(2), np.dtype('int32')],
                                 default=configs.encode)) == [
        2.0, 3, [1.0, 1.0], 'int32']


def test_forms_of_older_and_other_writers():
    """A bare list of layers (Keras before 2.2.3), Keras 1 words, and what tf.keras writes without using it."""
    old = {'class_name': 'Sequential', 'config': [
        {'class_name': 'Convolution2D', 'config': {'name': 'c', 'nb_filter': 2, 'nb_row': 3, 'nb_col': 3,
                                                   'init': 'he_normal',
                                                   'border_mode': 'same', 'dim_ordering': 'tf', 'subsample': [1, 1],
                                                   'batch_input_shape': [None, 8, 8, 1]}}]}
    with warnings.catch_warnings():         # to update a call: nobody made one
        warnings.simplefilter('error')
        model = model_from_config(old)
    assert model.output_shape == (None, 8, 8, 2)
    said = {'class_name': 'Sequential', 'keras_version': '2.4.0', 'config': {'name': 's', 'layers': [
        {'class_name': 'InputLayer', 'config': {'batch_input_shape': [None, 8, 8, 1], 'dtype': 'float32',
                                                'sparse': False, 'ragged': False, 'name': 'in'}},
        {'class_name': 'SeparableConv2D', 'config': {'filters': 2, 'kernel_size': [3, 3], 'groups': 1,
                                                     'kernel_initializer': {
            'class_name': 'GlorotUniform', 'config': {'seed': None}}, 'kernel_regularizer': None}},
        {'class_name': 'BatchNormalization', 'config': {'axis': [3], 'renorm': False, 'renorm_momentum': 0.99}}]}}
    assert model_from_config(said).output_shape == (None, 6, 6, 2)
    said['config']['layers'][2]['config']['renorm'] = True
    with pytest.raises(ValueError, match='renorm=True'):
        model_from_config(said)
