"""Files and JSON of Keras 1: its own predictions, recorded by tests/parity/record_keras1.py, and what is refused."""

import io
import json
import tarfile
import time
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from fastkeras import layers, ops
from fastkeras.models import Model, Sequential, load_model, model_from_json
from fastkeras.saving import keras1_configs
from fastkeras.utils.errors import ModelFileError

FILES = Path(__file__).parent.parent / 'parity' / 'keras1_files.tar.xz'


@lru_cache(maxsize=1)
def recorded():
    with tarfile.open(FILES) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


NAMES = sorted(name[:-3] for name in recorded() if name.endswith('.h5'))
FUNCTIONS = {'scaled': lambda tensors: tensors[0] + 2 * tensors[1], 'squared': ops.square}


def arrays(name):
    """(inputs, outputs, JSON) that were recorded."""
    found = np.load(io.BytesIO(recorded()[f'{name}.npz']))
    return ([found[k] for k in found if k.startswith(kind)] for kind in ('in_', 'out_')), str(found['json'])


def loaded(name):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return load_model(recorded()[f'{name}.h5'], custom_objects=FUNCTIONS)


def check(model, name):
    (inputs, outputs), _ = arrays(name)
    found = model.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=32)
    for y, want in zip(found if isinstance(found, list) else [found], outputs, strict=True):
        assert y.shape == want.shape
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('name', NAMES)
def test_predictions_are_those_of_keras_1(name):
    check(loaded(name), name)


@pytest.mark.parametrize('name', NAMES)
def test_json_and_weights(name):
    """The text that to_json of Keras 1 gave, and the weights of the whole file."""
    _, text = arrays(name)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = model_from_json(text, custom_objects=FUNCTIONS)
        model.load_weights(recorded()[f'{name}.h5'])
    check(model, name)


@pytest.mark.parametrize('name', [
    'merge_cos_1', 'cos_3d', 'merge_in_merge', 'batch_norm_1', 'batch_norm_2_th', 'activations', 'deconvolution_tf_valid_23_10',
    'deconvolution_th_same_24_7', 'deconvolution_tf_same_32_10', 'regularized', 'time_distributed_dense', 'atrous2d_same'])
@pytest.mark.parametrize('form', ['h5', 'keras'])
def test_they_are_saved_again(name, form, tmp_path):
    model = loaded(name)
    path = tmp_path / f'model.{form}'
    model.save(path)
    again = load_model(path, compile=False)
    check(again, name)
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_classes_of_today_stand_for_the_old_ones():
    def classes(name):
        return [type(layer).__name__ for layer in loaded(name).layers]
    assert classes('merge_sum') == ['InputLayer', 'InputLayer', 'Dense', 'Dense', 'Add', 'Dense']
    assert classes('dot_3d')[-1] == 'Dot' and classes('concat_1')[-1] == 'Concatenate'
    assert classes('time_distributed_dense')[-1] == 'Dense'
    assert classes('atrous1d_same') == ['Conv1D'] and classes('batch_norm_0') == ['Dense', 'BatchNormalization']
    assert loaded('merge_embedding').get_layer('embedding_1').get_config()['dtype'] == 'float32'
    model = loaded('deconvolution_tf_valid_23_10')
    config = model.get_config()['layers'][-1]
    assert config['class_name'] == 'Conv2DTranspose' and tuple(config['config']['output_padding']) == (1, 1)
    assert type(loaded('merge_in_merge')) is Model and type(loaded('maxout')) is Sequential


def test_branches_are_joined_with_the_weights_of_each():
    model = loaded('merge_in_merge')
    assert [len(layer.weights) for layer in model.layers if layer.weights] == [2] * 5
    assert len(model.inputs) == 3


def test_penalties_and_constraints():
    layer = loaded('regularized').layers[0]
    assert (layer.kernel_regularizer.l1, layer.kernel_regularizer.l2) == pytest.approx((0.1, 0.2))
    assert layer.activity_regularizer.l2 == pytest.approx(0.01)
    assert layer.kernel_constraint.max_value == 2 and type(layer.bias_constraint).__name__ == 'NonNeg'


def test_the_file_says_how_it_was_trained():
    model = loaded('merge_sum')
    assert model.loss == 'mse'
    (inputs, _), _ = arrays('merge_sum')
    assert np.isfinite(model.train_on_batch(inputs, np.zeros((6, 2), 'float32')))


def test_a_layer_that_two_branches_share():
    """In Keras 1 a name that comes twice in one file is one layer."""
    dense = {'class_name': 'Dense', 'config': {'name': 'shared', 'output_dim': 2, 'init': 'one'}}

    def branch(name):
        first = {'class_name': 'Dense', 'config': {'name': name, 'output_dim': 3, 'init': 'one',
                                                   'batch_input_shape': [None, 2]}}
        return {'class_name': 'Sequential', 'config': [first, dense]}
    merge = {'name': 'both', 'mode': 'concat', 'mode_type': 'raw', 'concat_axis': 1, 'layers': [branch('a'), branch('b')]}
    model = model_from_json(json.dumps({'class_name': 'Sequential', 'keras_version': '1.2.2', 'config': [
        {'class_name': 'Merge', 'config': merge}]}))
    assert len(model.get_layer('shared')._inbound_nodes) == 2 and len(model.weights) == 6
    x = np.array([[1, 2]], 'float32')
    np.testing.assert_array_equal(model.predict([x, 2 * x]), [[9, 9, 18, 18]])


def test_a_model_as_a_branch():
    inner = {'name': 'inner', 'layers': [
        {'class_name': 'InputLayer', 'name': 'i', 'inbound_nodes': [], 'config': {'name': 'i', 'batch_input_shape': [None, 2]}},
        {'class_name': 'Dense', 'name': 'd', 'inbound_nodes': [[['i', 0, 0]]], 'config': {'name': 'd', 'output_dim': 2,
                                                                                         'init': 'one'}}],
        'input_layers': [['i', 0, 0]], 'output_layers': [['d', 0, 0]]}
    single = {'class_name': 'Activation', 'config': {'name': 'act', 'activation': 'relu', 'batch_input_shape': [None, 2]}}
    merge = {'name': 'both', 'mode': 'sum', 'mode_type': 'raw', 'layers': [{'class_name': 'Model', 'config': inner}, single]}
    model = model_from_json(json.dumps({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': merge}]}))
    x = np.array([[1, -2]], 'float32')
    np.testing.assert_array_equal(model.predict([x, x]), [[0, -1]])


def test_sizes_of_old_files_that_no_convolution_makes():
    config = {'class_name': 'Deconvolution2D', 'config': {
        'name': 'd', 'nb_filter': 1, 'nb_row': 3, 'nb_col': 3, 'subsample': [2, 2], 'border_mode': 'valid',
        'dim_ordering': 'tf', 'output_shape': [None, 20, 20, 1], 'batch_input_shape': [None, 4, 4, 1]}}
    with pytest.raises(ValueError, match="'d'.*no convolution makes"):
        model_from_json(json.dumps({'class_name': 'Sequential', 'config': [config], 'keras_version': '1.0.8'}))


@pytest.mark.parametrize('config, said', [
    ({'class_name': 'Graph', 'config': {}}, 'a Graph, which Keras had up to 1.0'),
    ({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': {'name': 'm', 'mode': 'join', 'layers': [
        {'class_name': 'Sequential', 'config': [{'class_name': 'Dense', 'config': {
            'name': 'a', 'output_dim': 1, 'batch_input_shape': [None, 2]}}]}]}}]},
     "'m': expected mode to be one of sum.*'join'"),
    ({'class_name': 'Sequential', 'config': [{'class_name': 'Dense', 'config': {
        'output_dim': 1, 'input_dim': 2, 'W_regularizer': {'name': 'EigenvalueRegularizer'}}}]},
     "W_regularizer: expected one of .*'EigenvalueRegularizer'"),
    ({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': {'name': 'm', 'layers': [7]}}]},
     'what no model can be made of'),
    ({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': {'name': 'm', 'layers': [
        {'class_name': 'Sequential', 'config': []}]}}]}, 'what no model can be made of'),
    ({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': {'name': 'm', 'mode': [], 'layers': [
        {'class_name': 'Sequential', 'config': [{'class_name': 'Dense', 'config': {'name': 'a', 'output_dim': 1}}]}]}}]},
     "'a' of one of them does not say its input shape"),
    ({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': {
        'name': 'm', 'mode': 'f', 'mode_type': 'function', 'output_mask': 'g', 'output_mask_type': 'function', 'layers': [
            {'class_name': 'Sequential', 'config': [{'class_name': 'Dense', 'config': {
                'name': 'a', 'output_dim': 1, 'batch_input_shape': [None, 2]}}]}]}}]}, 'output_mask'),
])
def test_refusals(config, said):
    with pytest.raises(ModelFileError, match=said):
        model_from_json(json.dumps(config))


def test_one_layer_called_very_often_is_refused_at_once():
    first = {'class_name': 'Dense', 'config': {'name': 'a', 'output_dim': 2, 'batch_input_shape': [None, 2]}}
    again = {'class_name': 'Activation', 'config': {'name': 'x', 'activation': 'relu'}}
    merge = {'name': 'm', 'mode': 'sum', 'layers': [{'class_name': 'Sequential', 'config': [first]}]}
    text = json.dumps({'class_name': 'Sequential', 'config': [{'class_name': 'Merge', 'config': merge}, *[again] * 40_000]})
    begin = time.process_time()
    with pytest.raises(ModelFileError, match='calls'):
        model_from_json(text)
    assert time.process_time() - begin < 5


def test_code_of_a_merge_is_refused():
    with pytest.raises(ModelFileError, match="'scaled': its configuration holds Python code.*custom_objects={'scaled'"):
        load_model(recorded()['merge_function.h5'])


def test_a_class_of_the_users_own_goes_first():
    class SReLU(layers.Layer):
        """One of an add-on package, with arguments of its own."""

        def __init__(self, slope, **kwargs):
            super().__init__(**kwargs)
            self.slope = slope

    config = {'class_name': 'Merge', 'config': {'mode': 'sum'}}
    assert keras1_configs.converted(config, {'Merge': SReLU}) == config
    text = json.dumps({'class_name': 'Sequential', 'config': [{'class_name': 'SReLU', 'config': {
        'slope': 3, 'batch_input_shape': [None, 2]}}]})
    assert model_from_json(text, custom_objects={'SReLU': SReLU}).layers[0].slope == 3


def test_which_files_are_looked_through():
    def then(version, **more):
        return keras1_configs.written_then({'class_name': 'Model', **more}, version)
    assert then('1.2.2') and then('2.0.8') and then('2.1.6') and then('')
    assert not then('2.2.4') and not then('2.2.4-tf') and not then('2.1.6-tf') and not then('3.0.0')
    assert not then('', module='keras')


def _dense(name, **more):
    return {'class_name': 'Dense', 'config': {
        'name': name, 'output_dim': 2, 'init': 'glorot_uniform', 'bias': True,
        'W_regularizer': {'name': 'WeightRegularizer', 'l1': 0.0, 'l2': 0.5}, **more}}


def test_dictionaries_without_a_version():
    """from_config and layers.deserialize, as they take them: told by what only Keras 1 wrote."""
    branch = {'class_name': 'Sequential', 'config': [_dense('a', batch_input_shape=[None, 3])]}
    other = {'class_name': 'Sequential', 'config': [_dense('b', batch_input_shape=[None, 3])]}
    merge = {'class_name': 'Merge', 'config': {'name': 'm', 'mode': 'sum', 'mode_type': 'raw', 'layers': [branch, other]}}
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        stack = Sequential.from_config(branch['config'])
        model = Sequential.from_config([merge, _dense('end')])
        layer = layers.deserialize({'class_name': 'TimeDistributedDense', 'config': {'output_dim': 4, 'name': 't'}})
        layers.deserialize({'class_name': 'Embedding', 'config': {
            'input_dim': 3, 'output_dim': 2, 'dropout': 0.0, 'W_regularizer': None}})
        norm = layers.deserialize({'class_name': 'BatchNormalization', 'config': {'mode': 2, 'name': 'n'}})
    assert stack.layers[0].kernel_regularizer.l2 == 0.5
    assert isinstance(model, Model) and [x.name for x in model.layers if x.weights] == ['a', 'b', 'end']
    assert type(layer) is layers.Dense and layer.units == 4
    assert norm(np.ones((2, 3))).shape == (2, 3)
    graph = {'name': 'g', 'input_layers': [['i', 0, 0]], 'output_layers': [['a', 0, 0]], 'layers': [
        {'class_name': 'InputLayer', 'name': 'i', 'inbound_nodes': [], 'config': {
            'name': 'i', 'batch_input_shape': [None, 3], 'input_dtype': 'float32', 'sparse': False}},
        {**_dense('a'), 'name': 'a', 'inbound_nodes': [[['i', 0, 0]]]}]}
    assert Model.from_config(graph).layers[1].kernel_regularizer.l2 == 0.5
    with pytest.raises(ValueError, match='Graph'):
        layers.deserialize({'class_name': 'Graph', 'config': {}})


def test_a_dictionary_that_holds_itself_ends():
    config = {'class_name': 'TimeDistributed', 'config': {}}
    config['config']['layer'] = config
    assert keras1_configs.of_today(config) is config
    with pytest.raises(RecursionError):
        layers.deserialize(config)
