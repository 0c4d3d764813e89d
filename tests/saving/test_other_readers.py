"""What files say so that Keras 2.2.4, tf.keras and Keras 3 open them, and what theirs say."""

import io
import json

import numpy as np
import pytest

from fastkeras import config, generation, layers, optimizers, saving
from fastkeras.layers import Dense, Input, MultiHeadAttention, Resizing, SpatialDropout1D
from fastkeras.models import Model, Sequential, load_model, model_from_json
from fastkeras.saving import legacy_h5

h5py = pytest.importorskip('h5py')


def compiled(optimizer, loss='mse'):
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile(optimizer, loss)
    return legacy_h5.training_config(model)


@pytest.mark.parametrize('name', legacy_h5._USUAL_RATES)
def test_the_usual_rate_is_left_out(name):
    """Keras 2 refuses `learning_rate`, Keras 3 `lr`; neither needs the one that both have."""
    rates = []
    for form in 2, 3:
        with generation.scope(form):
            rates.append(float(getattr(optimizers, name)().learning_rate.numpy()))
    assert rates[0] == rates[1] == np.float32(legacy_h5._USUAL_RATES[name])
    assert not {'lr', 'learning_rate', 'decay'} & compiled(name)['optimizer_config']['config'].keys()
    said = compiled(getattr(optimizers, name)(0.02, decay=0.1))['optimizer_config']
    assert said['config']['lr'] == pytest.approx(0.02) and said['config']['decay'] == pytest.approx(0.1)
    assert float(optimizers.deserialize(said).lr.numpy()) == np.float32(0.02)
    with generation.scope(3):
        assert 'learning_rate' in compiled(name)['optimizer_config']['config']


def test_losses_are_named_in_full():
    assert compiled('sgd')['loss'] == 'mean_squared_error'
    assert legacy_h5._in_full({'a': ['mae', None], 'b': 'hinge'}) == {'a': ['mean_absolute_error', None], 'b': 'hinge'}
    with saving.CustomObjectScope({'mse': abs}):
        assert legacy_h5._in_full('mse') == 'mse'


def test_settings_of_keras_3_at_their_defaults_are_not_said_to_keras_2():
    said = Resizing(4, 4).get_config()
    assert set(said) == {'name', 'trainable', 'height', 'width', 'interpolation', 'crop_to_aspect_ratio'}
    assert Resizing(4, 4, antialias=True).get_config()['antialias'] is True
    assert 'rms_scaling' not in layers.LayerNormalization().get_config()
    assert 'noise_shape' in SpatialDropout1D(0.1).get_config()
    with generation.scope(3):
        assert 'noise_shape' not in SpatialDropout1D(0.1).get_config()
        assert 'rms_scaling' in layers.LayerNormalization().get_config()
        assert Resizing(4, 4).get_config()['data_format'] == 'channels_last'


def test_images_of_a_file_that_says_no_data_format_have_their_channels_last():
    before = config.image_data_format()
    config.set_image_data_format('channels_first')
    try:
        assert Resizing.from_config({'height': 4, 'width': 4}).data_format == 'channels_last'
        again = Resizing.from_config(Resizing(4, 4).get_config())
        assert again.data_format == 'channels_first'
    finally:
        config.set_image_data_format(before)


def attending():
    a, b = Input((5, 8), name='a'), Input((4, 8), name='b')
    return Model([a, b], MultiHeadAttention(2, 3, name='m')(a, value=b))


def test_tensors_given_by_keyword():
    """tf.keras writes them as [layer, call, result]."""
    model = attending()
    said = json.loads(model.to_json())['config']['layers'][-1]
    assert said['inbound_nodes'] == [[['a', 0, 0, {'value': ['b', 0, 0]}]]]
    assert [said['config'][f'{k}_shape'] for k in ('query', 'value', 'key')] == [[None, 5, 8], [None, 4, 8], [None, 4, 8]]
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    x = [np.random.default_rng(0).standard_normal((2, n, 8)).astype('float32') for n in (5, 4)]
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_ops_in_hdf5_files_of_keras_3():
    """They say no module there: `x + y` and Add() are both 'Add'."""
    def tensor(name):
        return {'class_name': '__keras_tensor__', 'config': {'shape': [None, 3], 'dtype': 'float32',
                                                             'keras_history': [name, 0, 0]}}

    def node(*args):
        return [{'args': list(args), 'kwargs': {}}]
    said = {'class_name': 'Functional', 'config': {'name': 'f', 'trainable': True, 'layers': [
        {'class_name': 'InputLayer', 'config': {'batch_shape': [None, 3], 'dtype': 'float32', 'name': 'i'}, 'name': 'i',
         'inbound_nodes': []},
        {'class_name': 'NotEqual', 'config': {'name': 'n'}, 'name': 'n', 'inbound_nodes': node(tensor('i'), 0)},
        {'class_name': 'Add', 'config': {'name': 'a'}, 'name': 'a', 'inbound_nodes': node(tensor('i'), 2.0)},
        {'class_name': 'Add', 'config': {'name': 'b', 'trainable': True, 'dtype': 'float32'}, 'name': 'b',
         'inbound_nodes': node([tensor('a'), tensor('i')])}],
        'input_layers': [['i', 0, 0]], 'output_layers': [['b', 0, 0]]}}
    with h5py.File(io.BytesIO(), 'w') as file:
        file.attrs['model_config'], file.attrs['keras_version'] = json.dumps(said), '3.15.1'
        legacy_h5.write_weights(file.create_group('model_weights'), [])
        model = load_model(file, compile=False)
    x = np.ones((2, 3), 'float32')
    np.testing.assert_array_equal(model.predict(x), x * 2 + 2)
