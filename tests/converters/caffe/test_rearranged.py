"""Layers that move elements, against the reference."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import check, images, net_of

X = images(2, 6, 4, 8)


def of(kind, said, *more):
    return net_of((kind, said), *more, shape=X.shape)


@pytest.mark.parametrize('said', ['', 'axis: 2', 'axis: 1 end_axis: 2', 'axis: -2', 'axis: 2 end_axis: 2'])
def test_flatten(tmp_path, said):
    check(tmp_path, of('Flatten', f'flatten_param {{ {said} }}', ('AbsVal', '')), {'data': X})


@pytest.mark.parametrize('said', ['shape { dim: 0 dim: -1 dim: 2 }', 'shape { dim: 0 dim: 0 dim: 32 }',
                                  'shape { dim: 3 dim: -1 } axis: 1',
                                  'shape { dim: 2 dim: -1 } axis: 1 num_axes: 2', 'shape { dim: 1 } axis: 1 num_axes: 0',
                                  'shape { dim: 2 dim: 4 } axis: -2', 'shape { dim: 1 } axis: -1',
                                  'shape { dim: -1 dim: 6 dim: 4 dim: 8 }',
                                  'shape { dim: 2 dim: 192 }', 'shape { dim: 2 dim: -1 }',
                                  'shape { dim: 2 dim: 2 } axis: -3 num_axes: 1'])
def test_reshape(tmp_path, said):
    check(tmp_path, of('Reshape', f'reshape_param {{ {said} }}'), {'data': X})


@pytest.mark.parametrize('order', [(0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2), (0, 1, 2, 3)])
def test_permute(tmp_path, order):
    text = of('TanH', '', ('Permute', 'permute_param { ' + ' '.join(f'order: {a}' for a in order) + ' }'), ('AbsVal', ''),
              ('Flatten', ''))
    check(tmp_path, text, {'data': X})


@pytest.mark.parametrize('said', ['', 'axis: 3', 'axis: 2', 'concat_dim: 1', 'axis: -1'])
def test_concat(tmp_path, said):
    text = of('TanH', '', ('AbsVal', 'bottom: "data"'), ('Concat',
                                                         f'bottom: "tanh0" bottom: "absval1" concat_param {{ {said} }}'))
    check(tmp_path, text, {'data': X})


def test_concat_of_flattened_images(tmp_path):
    text = of('Flatten', '', ('TanH', 'bottom: "data"'), ('Flatten', ''), ('Concat', 'bottom: "flatten0" bottom: "flatten2"'),
              ('InnerProduct', 'inner_product_param { num_output: 3 }'))
    check(tmp_path, text, {'data': X})


@pytest.mark.parametrize('said', ['', 'slice_point: 1 slice_point: 4', 'axis: 3 slice_point: 2 slice_point: 3', 'slice_dim: 1'])
def test_slice(tmp_path, said):
    text = of('Slice', f'top: "a" top: "b" top: "c" slice_param {{ {said} }}', ('AbsVal', 'bottom: "c"'))
    check(tmp_path, text, {'data': X})


def test_split_and_silence(tmp_path):
    text = of('Split', 'top: "a" top: "b"', ('TanH', 'bottom: "a"'), ('Silence', 'bottom: "b"'))
    check(tmp_path, text.replace('top: "silence2"', ''), {'data': X})


@pytest.mark.parametrize('said', ['', 'offset: 1', 'axis: 2 offset: 1 offset: 3', 'axis: 3 offset: 2', 'axis: 1 offset: 0'])
def test_crop(tmp_path, said):
    like = 'pooling_param { kernel_size: 2 stride: 2 }'
    text = of('Pooling', like, ('TanH', 'bottom: "data"'), ('Crop',
                                                            f'bottom: "tanh1" bottom: "pooling0" crop_param {{ {said} }}'))
    check(tmp_path, text, {'data': X})
    sized = text.replace('Crop"', 'Crop"') + ' layer { name: "ip" type: "InnerProduct" bottom: "crop2" top: "ip" ' \
                                             'inner_product_param { num_output: 2 } }'
    check(tmp_path, sized, {'data': X})


@pytest.mark.parametrize('said', ['tiles: 2', 'axis: 3 tiles: 3'])
def test_tile(tmp_path, said):
    check(tmp_path, of('Tile', f'tile_param {{ {said} }}'), {'data': X})


@pytest.mark.parametrize('said', ['', 'top_k: 3', 'top_k: 3 out_max_val: true', 'axis: 1', 'axis: 1 top_k: 2 out_max_val: true',
                                  'axis: 2 top_k: 2', 'axis: -1'])
@pytest.mark.parametrize('ties', [False, True])
def test_argmax(tmp_path, said, ties):
    check(tmp_path, of('ArgMax', f'argmax_param {{ {said} }}'), {'data': np.round(X) if ties else X})
    if 'axis' not in said:
        check(tmp_path, net_of(('ArgMax', f'argmax_param {{ {said} }}'), shape=(2, 6)), {'data': X[:, :, 0, 0]}, saved=False)


@pytest.mark.parametrize('word', ['SUM', 'ASUM', 'SUMSQ', 'MEAN'])
def test_reduction(tmp_path, word):
    check(tmp_path, of('Reduction', f'reduction_param {{ operation: {word} axis: 1 coeff: 0.5 }}', ('AbsVal', '')), {'data': X})
    check(tmp_path, of('Reduction', f'reduction_param {{ operation: {word} axis: 2 }}'), {'data': X})


@pytest.mark.parametrize('kind, said, message', [
    ('Flatten', 'flatten_param { axis: 0 }', 'axis'), ('Flatten', 'flatten_param { axis: 3 end_axis: 1 }', 'end_axis'),
    ('Reshape', 'reshape_param { shape { dim: -1 dim: 2 } }', 'samples'), ('Reshape',
                                                                           'reshape_param { shape { dim: 0 dim: 5 } }', '192'),
    ('Reshape', 'reshape_param { shape { dim: 0 dim: -1 dim: -1 } }', 'one -1'),
    ('Reshape', 'reshape_param { shape { dim: 0 dim: 0 dim: 0 dim: 0 dim: 0 } }', 'no such axis'),
    ('Permute', 'permute_param { order: 1 order: 0 }', 'samples'), ('Permute', 'permute_param { order: 0 order: 0 }',
                                                                    'at most once'),
    ('Concat', 'concat_param { axis: 0 }', 'axis'), ('Slice', 'top: "a" top: "b" slice_param { axis: 0 }', 'axis'),
    ('Slice', 'top: "a" top: "b" slice_param { slice_point: 9 }', 'slice_points'),
    ('Slice', 'top: "a" top: "b" top: "c" top: "d"', 'equal parts'), ('Tile', 'tile_param { tiles: 0 }', 'tiles'),
    ('Tile', 'tile_param { tiles: 2147483647 axis: 3 }', 'elements'), ('ArgMax', 'argmax_param { top_k: 1000 }', 'top_k'),
    ('Crop', 'bottom: "data" bottom: "data" crop_param { offset: 1 }', 'offset')])
def test_what_cannot_be_is_said(tmp_path, kind, said, message):
    # behind it stands a layer that needs sizes, so that all are known
    (tmp_path / 'n.prototxt').write_text(of(kind, said) + ' layer { name: "f" type: "InnerProduct" bottom: "data" top: "f" '
                                                          'inner_product_param { num_output: 2 } }')
    with pytest.raises(ModelFileError, match=message) as raised:
        load_caffe(tmp_path / 'n.prototxt')
    assert f"'{kind.lower()}0' ({kind})" in str(raised.value)
