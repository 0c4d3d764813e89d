"""Convolutions, poolings and local normalisation against the reference."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import check, images, net_of
from tests.converters.caffe.reference import Reference


@pytest.mark.parametrize('said', [
    'num_output: 4 kernel_size: 3', 'num_output: 4 kernel_size: 3 pad: 1', 'num_output: 4 kernel_size: 3 stride: 2 pad: 1',
    'num_output: 6 kernel_size: 3 group: 2', 'num_output: 8 kernel_size: 3 group: 4', 'num_output: 4 kernel_size: 3 group: 4',
    'num_output: 4 kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2',
    'num_output: 2 kernel_size: [3, 2] pad: [1, 0]',
    'num_output: 4 kernel_size: 3 dilation: 2 pad: 2', 'num_output: 5 kernel_size: 1 bias_term: false',
    'num_output: 4 kernel_size: 3 group: 4 stride: 2 pad: 1 bias_term: false', 'num_output: 4 kernel_size: 2 pad: 3'])
def test_convolution(tmp_path, said):
    text = net_of(('Convolution', f'convolution_param {{ {said} }}'), shape=(2, 4, 7, 9))
    check(tmp_path, text, {'data': images(2, 4, 7, 9)})


@pytest.mark.parametrize('said', [
    'num_output: 3 kernel_size: 3', 'num_output: 3 kernel_size: 4 stride: 2 pad: 1',
    'num_output: 4 kernel_size: 4 stride: 2 pad: 1 '
    'group: 4 bias_term: false', 'num_output: 6 kernel_size: 3 stride: 2 group: 2', 'num_output: 2 kernel_size: 2 stride: 3',
    'num_output: 2 kernel_size: 3 dilation: 2 stride: 2 pad: 1',
    'num_output: 4 kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2',
    'num_output: 4 kernel_size: 1 pad: 1 group: 2'])
def test_deconvolution(tmp_path, said):
    text = net_of(('Deconvolution', f'convolution_param {{ {said} }}'), shape=(2, 4, 5, 4))
    check(tmp_path, text, {'data': images(2, 4, 5, 4)})


POOLS = ['kernel_size: 2 stride: 2', 'kernel_size: 3 stride: 2', 'kernel_size: 3 stride: 2 pad: 1', 'kernel_size: 3 pad: 1',
         'kernel_size: 3 stride: 3 pad: 2', 'kernel_h: 2 kernel_w: 4 stride_h: 3 stride_w: 2 pad_h: 1 pad_w: 0',
         'kernel_size: 2 stride: 3', 'kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR',
         'kernel_size: 2 stride: 2 round_mode: FLOOR',
         'kernel_size: 9 stride: 2', 'kernel_size: 5 stride: 4 pad: 1']


@pytest.mark.parametrize('said', [
    'across_channels: true', '', 'normalize_variance: false', 'eps: 0.5', 'normalize_variance: false across_channels: true'])
def test_mean_and_variance(tmp_path, said):
    check(tmp_path, net_of(('MVN', f'mvn_param {{ {said} }}'), shape=(2, 3, 7, 9)), {'data': 3 + images(2, 3, 7, 9)})


@pytest.mark.parametrize('size', [(8, 8), (7, 9), (16, 11)])
@pytest.mark.parametrize('said', ['pyramid_height: 1', 'pyramid_height: 3', 'pyramid_height: 2 pool: AVE'])
def test_pyramids(tmp_path, size, said):
    check(tmp_path, net_of(('SPP', f'spp_param {{ {said} }}'), shape=(2, 3, *size)), {'data': images(2, 3, *size)})


@pytest.mark.parametrize('said', [
    'kernel_size: 2 stride: 2', 'kernel_size: 3 stride: 2', 'kernel_size: 3', 'kernel_h: 7 kernel_w: 9'])
def test_stochastic_pooling(tmp_path, said):
    """In the phase TEST: each element with its share of the window as its probability."""
    text = net_of(('ReLU', ''), ('Pooling', f'pooling_param {{ pool: STOCHASTIC {said} }}'), shape=(2, 3, 7, 9))
    check(tmp_path, text, {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('kind', ['MAX', 'AVE'])
@pytest.mark.parametrize('size', [(7, 9), (8, 8), (6, 11), (5, 5), (13, 2)])
def test_pooling(tmp_path, kind, size):
    """Every way of padding, at sizes that fit and others: as parts of a network that has a size, and of one of any size."""
    for said in POOLS:
        text = net_of(('Pooling', f'pooling_param {{ pool: {kind} {said} }}'), shape=(2, 3, *size))
        x = images(2, 3, *size)
        try:
            expected = Reference(text).run({'data': x})['pooling0']
        except ValueError:      # a window without an element
            expected = None
        if expected is None or not expected.size or not np.isfinite(expected).all():
            (tmp_path / 'n.prototxt').write_text(text)
            with pytest.raises(ValueError, match='pooling0'):
                load_caffe(tmp_path / 'n.prototxt', data_format='channels_first').predict(x)
            continue
        check(tmp_path, text, {'data': x}, saved=False)
        fixed = net_of(('Pooling', f'pooling_param {{ pool: {kind} {said} }}'),
                       ('InnerProduct', 'inner_product_param { num_output: 2 }'), shape=(2, 3, *size))
        check(tmp_path, fixed, {'data': x}, saved=False)


def test_pooling_is_kerass_where_it_has_the_same_windows(tmp_path):
    def kinds(said, size):
        text = net_of(('Pooling', f'pooling_param {{ pool: MAX {said} }}'), ('InnerProduct',
                                                                             'inner_product_param { num_output: 1 }'),
                      shape=(1, 1, *size))
        (tmp_path / 'n.prototxt').write_text(text)
        return type(load_caffe(tmp_path / 'n.prototxt', data_format='channels_first').get_layer('pooling0')).__name__
    assert kinds('kernel_size: 2 stride: 2', (7, 8)) == kinds('kernel_size: 3 stride: 2', (8, 8)) == 'MaxPooling2D'
    assert kinds('kernel_size: 3 stride: 2', (9, 9)) == 'MaxPooling2D'
    assert kinds('kernel_size: 3 stride: 1 pad: 1', (7, 7)) == 'MaxPooling2D'
    assert kinds('kernel_size: 3 stride: 2 pad: 1', (8, 8)) == 'CaffePooling'
    assert kinds('kernel_size: 7', (7, 7)) == 'MaxPooling2D' and kinds('global_pooling: true', (7, 7)) == 'GlobalMaxPooling2D'


@pytest.mark.parametrize('kind', ['MAX', 'AVE'])
def test_pooling_over_everything(tmp_path, kind):
    text = net_of(('Pooling', f'pooling_param {{ pool: {kind} global_pooling: true }}'))
    check(tmp_path, text, {'data': images(2, 3, 7, 9)})


def test_a_saved_caffe_pooling(tmp_path):
    text = net_of(('Pooling', 'pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }'))
    check(tmp_path, text, {'data': images(2, 3, 8, 8)})


@pytest.mark.parametrize('said', ['', 'local_size: 3 alpha: 0.5 beta: 0.6 k: 2', 'local_size: 11', 'local_size: 31 alpha: 3',
                                  'norm_region: WITHIN_CHANNEL local_size: 3 alpha: 0.7'])
def test_lrn(tmp_path, said):
    text = net_of(('LRN', f'lrn_param {{ {said} }}'), shape=(2, 24, 5, 6))
    check(tmp_path, text, {'data': images(2, 24, 5, 6)})


@pytest.mark.parametrize('kind, said, message', [
    ('Convolution', 'convolution_param { num_output: 4 }', 'kernel_size'),
    ('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 kernel_h: 2 kernel_w: 2 }', 'both given'),
    ('Convolution', 'convolution_param { num_output: 0 kernel_size: 3 }', 'num_output'),
    ('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 group: 2 }', 'group'),
    ('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 stride: 0 }', 'stride'),
    ('Pooling', 'pooling_param { kernel_size: 2 pad: 2 }', 'pad'),
    ('Pooling', 'pooling_param { kernel_size: 2 pad: 1 pool: STOCHASTIC }', 'no pad for stochastic pooling'),
    ('Pooling', 'pooling_param { global_pooling: true pool: STOCHASTIC }', 'MAX or AVE with global_pooling'),
    ('SPP', 'spp_param { pyramid_height: 2 pool: STOCHASTIC }', 'MAX or AVE'),
    ('SPP', 'spp_param { pyramid_height: 0 }', 'pyramid_height of at least 1'),
    ('SPP', 'spp_param { pyramid_height: 9 }', 'too small for'),
    ('MVN', 'mvn_param { eps: -1 }', 'eps of 0 or more'),
    ('Pooling', 'pooling_param { global_pooling: true kernel_size: 2 }', 'global_pooling'),
    ('LRN', 'lrn_param { local_size: 4 }', 'odd')])
def test_what_cannot_be_is_said(tmp_path, kind, said, message):
    (tmp_path / 'n.prototxt').write_text(net_of((kind, said)))
    with pytest.raises(ModelFileError, match=message) as raised:
        load_caffe(tmp_path / 'n.prototxt')
    assert f"'{kind.lower()}0' ({kind})" in str(raised.value) and 'n.prototxt' in str(raised.value)
