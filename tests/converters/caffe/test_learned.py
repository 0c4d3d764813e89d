"""Layers with weights against the reference."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import check, images, net_of
from tests.converters.caffe.reference import Reference

IP = 'inner_product_param { num_output: 5 %s }'


@pytest.mark.parametrize('said', ['', 'bias_term: false', 'transpose: true', 'axis: -3'])
def test_inner_product_of_images(tmp_path, said):
    """With channels last the weights are put in order, so that nothing is moved."""
    made = check(tmp_path, net_of(('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 }'), ('InnerProduct',
                                                                                                          IP % said)),
                 {'data': images(2, 3, 7, 9)})
    assert not any(type(x).__name__ == 'Permute' for x in made['channels_last'].layers)


@pytest.mark.parametrize('axis', [2, 3, -1])
def test_inner_product_of_later_axes(tmp_path, axis):
    check(tmp_path, net_of(('InnerProduct', IP % f'axis: {axis}')), {'data': images(2, 3, 7, 9)})


def test_inner_product_behind_a_flatten(tmp_path):
    """What lies between may be element by element, or want the order that Caffe has."""
    made = check(tmp_path, net_of(('Flatten', ''), ('ReLU', ''), ('InnerProduct', IP % '')), {'data': images(2, 3, 7, 9)})
    assert not any(type(x).__name__ == 'Permute' for x in made['channels_last'].layers)
    check(tmp_path, net_of(('Flatten', ''), ('PReLU', ''), ('InnerProduct', IP % '')), {'data': images(2, 3, 7, 9)})
    check(tmp_path, net_of(('Flatten', '')), {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('shape', [(2, 3, 7, 9), (2, 6), (2, 3, 5)])
def test_batch_norm(tmp_path, shape):
    check(tmp_path, net_of(('BatchNorm', 'batch_norm_param { eps: 0.001 }'), shape=shape), {'data': images(*shape)})


@pytest.mark.parametrize('said', ['scale_param { bias_term: true }', ''])
def test_batch_norm_and_scale_are_one_layer(tmp_path, said):
    made = check(tmp_path, net_of(('BatchNorm', ''), ('Scale', said)), {'data': images(2, 3, 7, 9)})
    assert [type(x).__name__ for x in made['channels_first'].layers] == ['InputLayer', 'BatchNormalization']
    in_place = net_of(('TanH', 'top: "x"'), ('BatchNorm', 'bottom: "x" top: "x"'), ('Scale', f'bottom: "x" top: "x" {said}'))
    check(tmp_path, in_place, {'data': images(2, 3, 7, 9)})


def test_a_batch_norm_that_others_read_too(tmp_path):
    text = net_of(('BatchNorm', ''), ('Scale', ''), ('Eltwise', 'bottom: "batchnorm0" bottom: "scale1"'))
    made = check(tmp_path, text, {'data': images(2, 3, 7, 9)})
    assert any(type(x).__name__ == 'CaffeScale' for x in made['channels_first'].layers)


def test_a_scale_factor_of_zero(tmp_path):
    """Statistics of nothing: Caffe takes 0 for mean and variance."""
    reference = Reference(net_of(('BatchNorm', '')))
    reference.held['batchnorm0'] = [np.ones(3, 'f4'), np.ones(3, 'f4'), np.zeros(1, 'f4')]
    (tmp_path / 'n.prototxt').write_text(net_of(('BatchNorm', '')))
    x = images(2, 3, 7, 9)
    model = load_caffe(tmp_path / 'n.prototxt', reference.save(tmp_path / 'w'), 'channels_first')
    np.testing.assert_allclose(model.predict(x), x / np.sqrt(1e-5), rtol=1e-5)


def test_statistics_of_each_batch_are_told_of(tmp_path):
    (tmp_path / 'n.prototxt').write_text(net_of(('BatchNorm', 'batch_norm_param { use_global_stats: false }')))
    with pytest.warns(UserWarning, match='use_global_stats'):
        load_caffe(tmp_path / 'n.prototxt')


@pytest.mark.parametrize('said', ['', 'bias_term: true', 'axis: 2', 'axis: 1 num_axes: 2 bias_term: true',
                                  'axis: 1 num_axes: -1',
                                  'num_axes: 0', 'axis: -1 bias_term: true'])
def test_scale(tmp_path, said):
    check(tmp_path, net_of(('Scale', f'scale_param {{ {said} }}')), {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('said', ['', 'axis: 3', 'axis: 1 num_axes: 3'])
def test_bias(tmp_path, said):
    check(tmp_path, net_of(('Bias', f'bias_param {{ {said} }}')), {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('kind', ['Scale', 'Bias'])
def test_scale_and_bias_of_two_blobs(tmp_path, kind):
    text = net_of(('Pooling', 'pooling_param { global_pooling: true pool: AVE }'), ('InnerProduct', 'inner_product_param { '
                  'num_output: 3 }'), (kind, f'bottom: "data" bottom: "innerproduct1" {kind.lower()}_param {{ axis: 0 }}'))
    check(tmp_path, text, {'data': images(2, 3, 7, 9)})
    whole = net_of(('TanH', ''), (kind, f'bottom: "data" bottom: "tanh0" {kind.lower()}_param {{ axis: 0 }}'))
    check(tmp_path, whole, {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('said', ['', 'across_spatial: false channel_shared: false', 'across_spatial: false eps: 0.1'])
def test_normalize(tmp_path, said):
    check(tmp_path, net_of(('Normalize', f'norm_param {{ {said} }}')), {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('said', ['', 'bias_term: false'])
def test_embed(tmp_path, said):
    x = np.random.default_rng(0).integers(0, 6, (3, 4)).astype('f4')
    check(tmp_path, net_of(('Embed', f'embed_param {{ num_output: 5 input_dim: 6 {said} }}'), shape=(3, 4)), {'data': x})


def test_several_bottoms_have_the_same_weights(tmp_path):
    text = net_of(('TanH', ''), ('InnerProduct', f'bottom: "data" bottom: "tanh0" top: "a" top: "b" {IP % ""}'), shape=(2, 6))
    reference = Reference(text)
    x = images(2, 6)
    first = Reference(net_of(('TanH', ''), ('InnerProduct', f'bottom: "data" {IP % ""}'), shape=(2, 6)))
    expected = first.run({'data': x})['innerproduct1']
    reference.held = first.held
    (tmp_path / 'n.prototxt').write_text(text)
    model = load_caffe(tmp_path / 'n.prototxt', reference.save(tmp_path / 'w'))
    np.testing.assert_allclose(model.predict(x)[0], expected, atol=1e-5)
    assert len(model.weights) == 2 and len(model.outputs) == 2


def test_layers_that_share_their_weights_are_one(tmp_path):
    shared = 'param { name: "w" } param { name: "b" }'
    text = net_of(('InnerProduct', f'bottom: "data" {shared} {IP % ""}'), ('TanH', 'bottom: "data"'),
                  ('InnerProduct', f'bottom: "tanh1" {shared} {IP % ""}'), shape=(2, 6))
    (tmp_path / 'n.prototxt').write_text(text)
    assert len(load_caffe(tmp_path / 'n.prototxt').weights) == 2
    (tmp_path / 'n.prototxt').write_text(text.replace('name: "b"', 'name: ""'))
    assert len(load_caffe(tmp_path / 'n.prototxt').weights) == 4


def test_weights_of_another_shape_are_told_of(tmp_path):
    small, large = (net_of(('InnerProduct', f'inner_product_param {{ num_output: {n} }}'), shape=(2, 6)) for n in (4, 5))
    reference = Reference(small)
    reference.run({'data': images(2, 6)})
    weights = reference.save(tmp_path / 'w.caffemodel')
    (tmp_path / 'n.prototxt').write_text(large)
    with pytest.raises(ModelFileError,
                       match=r"w.caffemodel: layer 'innerproduct0': expected blob 0 of shape \(5, 6\).*got \(4, 6\)"):
        load_caffe(tmp_path / 'n.prototxt', weights)
    (tmp_path / 'n.prototxt').write_text(small.replace('num_output: 4', 'num_output: 4 bias_term: false'))
    with pytest.raises(ModelFileError, match='expected 1 blobs .* got 2'):
        load_caffe(tmp_path / 'n.prototxt', weights)
    (tmp_path / 'n.prototxt').write_text(small.replace('innerproduct0', 'other'))
    with pytest.raises(ModelFileError, match="'other': the file has no weights.*innerproduct0"):
        load_caffe(tmp_path / 'n.prototxt', weights)
