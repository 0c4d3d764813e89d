"""Descriptions of the first two generations, and inputs as fields."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.converters.caffe import schema
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import images
from tests.converters.caffe.reference import Reference

NEW = '''
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 dim: 9 dim: 9 } } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
        convolution_param { num_output: 6 kernel_size: 3 stride: 2 group: 2 pad: 1 } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "n" type: "LRN" bottom: "c" top: "n" lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 } }
layer { name: "p" type: "Pooling" bottom: "n" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "d" type: "Dropout" bottom: "p" top: "p" dropout_param { dropout_ratio: 0.3 } }
layer { name: "i" type: "InnerProduct" bottom: "p" top: "i" inner_product_param { num_output: 5 } }
layer { name: "s" type: "Softmax" bottom: "i" top: "s" }'''
INPUT = 'input: "data" input_dim: 2 input_dim: 4 input_dim: 9 input_dim: 9\n'
SECOND = INPUT + '''
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 blobs_lr: 2 weight_decay: 1
         convolution_param { num_output: 6 kernel_size: 3 stride: 2 group: 2 pad: 1 } }
layers { name: "r" type: RELU bottom: "c" top: "c" }
layers { name: "n" type: LRN bottom: "c" top: "n" lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 } }
layers { name: "p" type: POOLING bottom: "n" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layers { name: "d" type: DROPOUT bottom: "p" top: "p" dropout_param { dropout_ratio: 0.3 } }
layers { name: "i" type: INNER_PRODUCT bottom: "p" top: "i" inner_product_param { num_output: 5 } }
layers { name: "s" type: SOFTMAX bottom: "i" top: "s" }'''
FIRST = INPUT + '''
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "padded" }
layers { layer { name: "c" type: "conv" num_output: 6 kernelsize: 3 stride: 2 group: 2
         weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1. } bottom: "padded" top: "c" }
layers { layer { name: "r" type: "relu" } bottom: "c" top: "c" }
layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 0.5 beta: 0.6 } bottom: "c" top: "n" }
layers { layer { name: "p" type: "pool" pool: AVE kernelsize: 2 stride: 2 } bottom: "n" top: "p" }
layers { layer { name: "d" type: "dropout" dropout_ratio: 0.3 } bottom: "p" top: "p" }
layers { layer { name: "i" type: "innerproduct" num_output: 5 } bottom: "p" top: "i" }
layers { layer { name: "s" type: "softmax" } bottom: "i" top: "s" }'''


@pytest.fixture(scope='module')
def known():
    reference = Reference(NEW)
    x = images(2, 4, 9, 9)
    return reference, x, reference.run({'data': x})['s']


@pytest.mark.parametrize('text', [NEW, SECOND, FIRST, SECOND.replace('input_dim: 2 input_dim: 4 input_dim: 9 input_dim: 9',
                                                                     'input_shape { dim: 2 dim: 4 dim: 9 dim: 9 }')])
@pytest.mark.parametrize('weights', ['packed', 'legacy', 'double', 'first'])
def test_all_generations_say_the_same(tmp_path, known, text, weights):
    """Each with weights of each: one of the two may have been upgraded alone."""
    reference, x, expected = known
    (tmp_path / 'n.prototxt').write_text(text)
    if weights == 'first':
        net = schema.message('NetParameter')()
        for layer in reference.model('legacy').layers:
            old = net.layers.add().layer
            old.name = layer.name
            old.blobs.extend(layer.blobs)
        (tmp_path / 'w').write_bytes(net.SerializeToString())
    else:
        reference.save(tmp_path / 'w', weights)
    model = load_caffe(tmp_path / 'n.prototxt', tmp_path / 'w', 'channels_first')
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-6)
    assert [type(layer).__name__ for layer in model.layers][-1] == 'Softmax' and model.get_layer('d').rate == 0.3


@pytest.mark.parametrize('text, message', [
    (NEW + SECOND, 'two generations'), ('input: "data" input_dim: 2' + SECOND[len(INPUT):], 'four numbers'),
    ('input_dim: 2 ' + NEW, 'without the field input'),
    (FIRST.replace('type: "conv"', 'type: "relu"'), 'padding'), (FIRST.replace('"lrn"', '"strange"'), "'n'.*'strange'")])
def test_what_cannot_be_is_said(tmp_path, text, message):
    (tmp_path / 'n.prototxt').write_text(text)
    with pytest.raises(ModelFileError, match=message):
        load_caffe(tmp_path / 'n.prototxt')
