"""Which layers of a description count, what its inputs and its results are."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import images
from tests.converters.caffe.reference import Reference

DATA = '''
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } transform_param { crop_size: 9 mirror: true }
        data_param { source: "a" backend: LMDB batch_size: 3 } }
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param { crop_size: 7 }
        data_param { source: "b" backend: LMDB batch_size: 3 } }'''
NET = '''
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "drop" type: "Dropout" bottom: "c" top: "c" include { phase: TRAIN } }
layer { name: "i" type: "InnerProduct" bottom: "c" top: "i" inner_product_param { num_output: 5 } }
layer { name: "accuracy" type: "Accuracy" bottom: "i" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "i" bottom: "label" top: "loss" }'''


def load(folder, text, *args, **kwargs):
    (folder / 'n.prototxt').write_text(text)
    return load_caffe(folder / 'n.prototxt', *args, **{'data_format': 'channels_first', **kwargs})


def test_a_description_for_training(tmp_path):
    with pytest.warns(UserWarning, match="how many channels 'data' has; 3"):
        model = load(tmp_path, DATA + NET)
    assert model.input_shape == (None, 3, 7, 7) and model.output_shape == (None, 5)
    assert [x.name for x in model.layers] == ['data', 'c', 'i_flat', 'i',
                                              'loss'] and type(model.layers[-1]).__name__ == 'Softmax'
    with pytest.warns(UserWarning):
        trained = load(tmp_path, DATA + NET, phase='TRAIN')
    assert trained.input_shape == (None, 3, 9, 9) and 'drop' in [x.name for x in trained.layers]


def test_weights_say_how_many_channels_there_are(tmp_path):
    reference = Reference(NET.replace('bottom: "label"', ''))
    reference.net.layer[3].type = 'Silence'
    x = images(2, 2, 7, 7)
    expected = reference.run({'data': x})['loss']
    weights = reference.save(tmp_path / 'w')
    np.testing.assert_allclose(load(tmp_path, DATA + NET, weights).predict(x), expected, atol=1e-5)
    # and those of a product how large a sample is where nothing else says it
    plain = DATA.replace('crop_size: 9', '').replace('crop_size: 7', '')
    for data_format in ('channels_first', 'channels_last'):
        model = load(tmp_path, plain + NET, weights, data_format=data_format)
        given = x if data_format == 'channels_first' else x.transpose(0, 2, 3, 1)
        np.testing.assert_allclose(model.predict(given), expected, atol=1e-5)
    with pytest.raises(ModelFileError, match='input_shapes'):
        load(tmp_path, plain + NET)


def test_shapes_that_are_given(tmp_path):
    assert load(tmp_path, DATA + NET, input_shapes=(1, 8, 8)).input_shape == (None, 1, 8, 8)
    assert load(tmp_path, DATA + NET, input_shapes={'data': (8, 6, 1)}, data_format='channels_last').input_shape == (None, 8,
                                                                                                                     6, 1)
    with pytest.raises(ValueError, match="'datum', which is no input; did you mean 'data'"):
        load(tmp_path, DATA + NET, input_shapes={'datum': (1, 8, 8)})


def test_images_of_any_size_where_no_layer_needs_one(tmp_path):
    body = '''input: "data" input_dim: 1 input_dim: 3 input_dim: 12 input_dim: 12
    layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
    layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 3 stride: 2 } }'''
    model = load(tmp_path, body)
    assert model.input_shape == (None, 3, None, None)
    assert model.predict(images(1, 3, 21, 14)).shape == (1, 4, 9, 6)
    fixed = load(tmp_path, body + 'layer { name: "i" type: "InnerProduct" bottom: "p" top: "i" '
                                  'inner_product_param { num_output: 2 } }')
    assert fixed.input_shape == (None, 3, 12, 12)


STAGES = '''input: "x" input_shape { dim: 1 dim: 4 }
layer { name: "a" type: "TanH" bottom: "x" top: "y" %s }
layer { name: "b" type: "Sigmoid" bottom: "x" top: "z" %s }'''


@pytest.mark.parametrize('first, second, given, names', [
    ('include { stage: "s" }', 'exclude { stage: "s" }', {}, 'b'), ('include { stage: "s" }', '', {'stages': ['s']}, 'ab'),
    ('include { not_stage: "s" }', '', {'stages': 's'}, 'b'), ('include { min_level: 2 }', '', {'level': 1}, 'b'),
    ('include { min_level: 2 max_level: 3 }', '', {'level': 3}, 'ab'), ('exclude { phase: TEST }', '', {}, 'b'),
    ('include { phase: TRAIN } include { stage: "s" }', '', {'stages': ['s']}, 'ab')])
def test_rules(tmp_path, first, second, given, names):
    model = load(tmp_path, STAGES % (first, second), **given)
    assert ''.join(x.name for x in model.layers[1:]) == names


def test_a_state_in_the_file(tmp_path):
    text = 'state { level: 2 stage: "s" } ' + STAGES % ('include { stage: "s" min_level: 2 }', '')
    assert len(load(tmp_path, text).outputs) == 2 and len(load(tmp_path, text, level=1, stages=()).outputs) == 1


def test_losses_become_what_they_make_of_predictions(tmp_path):
    head = '''input: "x" input_shape { dim: 1 dim: 4 } input: "t" input_shape { dim: 1 dim: 4 }
    layer { name: "i" type: "InnerProduct" bottom: "x" top: "i" inner_product_param { num_output: 4 } }'''
    for kind, made in (('EuclideanLoss', 'Dense'), ('HingeLoss', 'Dense'), ('SigmoidCrossEntropyLoss', 'Activation'),
                       ('SoftmaxWithLoss', 'Softmax'), ('Accuracy', 'Dense'), ('Silence', None)):
        text = head + f'layer {{ name: "l" type: "{kind}" bottom: "i" bottom: "t" top: "l" }}'
        if made is None:
            with pytest.raises(ModelFileError, match='no layer gives a result'):
                load(tmp_path, text)
            continue
        model = load(tmp_path, text)
        assert type(model.layers[-1]).__name__ == made and len(model.inputs) == len(model.outputs) == 1
    both = head + '''layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "i" bottom: "t" top: "l" }
    layer { name: "s" type: "Sigmoid" bottom: "i" top: "s" } layer { name: "e" type: "EuclideanLoss" bottom: "s" bottom: "t"
    top: "e" }'''
    assert [x.name for x in load(tmp_path, both).layers] == ['x', 'i', 's']
    python = head + 'layer { name: "p" type: "Python" bottom: "i" bottom: "t" top: "p" loss_weight: 1 ' \
                    'python_param { module: "m" } }'
    assert [x.name for x in load(tmp_path, python).layers] == ['x', 'i']


def test_results_come_in_the_order_of_the_file(tmp_path):
    text = '''input: "x" input_shape { dim: 1 dim: 4 }
    layer { name: "zz" type: "TanH" bottom: "x" top: "zz" } layer { name: "aa" type: "Sigmoid" bottom: "x" top: "aa" }'''
    assert [x.name.split('/')[0] for x in load(tmp_path, text).outputs] != ['aa', 'zz']
    a, b = load(tmp_path, text).predict(np.ones((1, 4), 'f4'))
    assert a[0, 0] == np.float32(np.tanh(1)) or abs(a[0, 0] - np.tanh(1)) < 1e-6 and abs(b[0, 0] - 1 / (1 + np.exp(-1))) < 1e-6


def test_names_that_keras_does_not_take(tmp_path):
    text = '''name: "a/b c" input: "in/x" input_shape { dim: 1 dim: 4 }
    layer { name: "a/1x1" type: "TanH" bottom: "in/x" top: "t" } layer { name: "A_1x1" type: "AbsVal" bottom: "t" top: "t" }
    layer { name: "" type: "AbsVal" bottom: "t" top: "t" } layer { name: "_private" type: "AbsVal" bottom: "t" top: "t" }'''
    model = load(tmp_path, text)
    assert [x.name for x in model.layers] == ['in_x', 'a_1x1', 'A_1x1_2', 'layer', 'l_private'] and model.name == 'a_b_c'


@pytest.mark.parametrize('text, message', [
    ('', 'no layer gives a result'), ('input: "x" input_shape { dim: 1 dim: 3 }', 'no layer gives a result'),
    ('layer { name: "l" type: "TanH" bottom: "x" top: "y" }', "'l' .TanH.: its bottom 'x' is no top of any layer"),
    ('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "odd" type: "Strange" bottom: "x" top: "y" }',
     "'odd' .Strange.: unknown type of layer 'Strange'.*layer_type"),
    ('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "odd" type: "Convolutoin" bottom: "x" top: "y" }',
     "'Convolution'"),
    ('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "p" type: "Python" bottom: "x" top: "y" '
     'python_param { module: "os" layer: "system" } }', "'p' .Python.: it runs 'system' of the Python module 'os'"),
    ('input: "x" input_shape { dim: 1 dim: 0 } layer { name: "l" type: "TanH" bottom: "x" top: "y" }', 'sizes of 1 or more'),
    ('input: "x" input_shape { dim: 1 dim: -4 } layer { name: "l" type: "TanH" bottom: "x" top: "y" }', 'sizes of 1 or more'),
    ('input: "x" layer { name: "l" type: "TanH" bottom: "x" top: "y" }', "shape of 'x'.*input_shapes"),
    ('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "l" type: "TanH" bottom: "x" top: "y" top: "z" }',
     'expected 1 top'),
    (STAGES % ('include { phase: TEST } exclude { phase: TRAIN }', ''), 'include or exclude')])
def test_what_cannot_be_is_said(tmp_path, text, message):
    with pytest.raises(ModelFileError, match=message) as raised:
        load(tmp_path, text)
    assert 'n.prototxt' in str(raised.value)


def test_a_type_of_ones_own(tmp_path, monkeypatch):
    from fastkeras import layers
    from fastkeras.converters.caffe import known, layer_type
    monkeypatch.setattr(known, 'CONVERTERS', known.CONVERTERS)
    monkeypatch.delitem(known.CONVERTERS, 'Strange', raising=False)
    text = 'input: "x" input_shape { dim: 1 dim: 3 } layer { name: "odd" type: "Strange" bottom: "x" top: "y" }'

    @layer_type('Strange')
    def strange(draft, layer, bottoms):
        return [draft.add(layers.Activation, {'activation': 'tanh'}, bottoms[0], bottoms[0].shape)]
    try:
        assert load(tmp_path, text).predict(np.ones((1, 3), 'f4'))[0, 0] == pytest.approx(np.tanh(1))
    finally:
        del known.CONVERTERS['Strange']


def test_a_model_trains_on_and_is_saved(tmp_path):
    from fastkeras.models import load_model
    model = load(tmp_path, DATA + NET, input_shapes=(1, 7, 7))
    model.compile('sgd', 'categorical_crossentropy')
    x, y = images(32, 1, 7, 7), np.eye(5, dtype='f4')[np.arange(32) % 5]
    losses = model.fit(x, y, epochs=3, verbose=0).history['loss']
    assert losses[-1] < losses[0]
    model.save(tmp_path / 'm.h5')
    np.testing.assert_array_equal(load_model(tmp_path / 'm.h5').predict(x), model.predict(x))
