"""What weights begin with where there is no caffemodel: the formulas of Caffe's fillers."""

import warnings

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils import set_random_seed
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import net_of


def loaded(folder, *layers, shape=(1, 8, 20, 20), data_format='channels_first', caffemodel=None):
    (folder / 'n.prototxt').write_text(net_of(*layers, shape=shape))
    set_random_seed(0)
    return load_caffe(folder / 'n.prototxt', caffemodel, data_format)


def kernel(folder, filler, layer='Convolution', said='num_output: 40 kernel_size: 5', param='convolution_param'):
    model = loaded(folder, (layer, f'{param} {{ {said} weight_filler {{ {filler} }} bias_filler {{ type: "constant" '
                                   'value: 0.5 } }'))
    weights = model.layers[-1].get_weights()
    np.testing.assert_array_equal(weights[1], np.full(40, 0.5, 'f4'))
    return weights[0]


@pytest.mark.parametrize('norm, n', [('', 8 * 25), ('FAN_IN', 8 * 25), ('FAN_OUT', 40 * 25), ('AVERAGE', 24 * 25)])
def test_variance_by_the_number_of_inputs(tmp_path, norm, n):
    said = f'variance_norm: {norm}' if norm else ''
    w = kernel(tmp_path, f'type: "xavier" {said}')
    limit = np.sqrt(3 / n)
    assert abs(w).max() <= limit and abs(w).max() > 0.99 * limit and np.isclose(w.std(), limit / np.sqrt(3), rtol=0.05)
    w = kernel(tmp_path, f'type: "msra" {said}')
    assert np.isclose(w.std(), np.sqrt(2 / n), rtol=0.05) and abs(w).max() > 3 * np.sqrt(2 / n)


def test_given_distributions(tmp_path):
    w = kernel(tmp_path, 'type: "gaussian" mean: 1 std: 0.25')
    assert np.isclose(w.mean(), 1, atol=0.02) and np.isclose(w.std(), 0.25, rtol=0.05)
    w = kernel(tmp_path, 'type: "uniform" min: 2 max: 3')
    assert 2 <= w.min() < 2.01 and 2.99 < w.max() <= 3
    assert (kernel(tmp_path, 'type: "constant" value: 0.125') == 0.125).all()
    assert (kernel(tmp_path, 'value: 0.25') == 0.25).all()      # constant unless said


def test_sparse_weights(tmp_path):
    """As many for each input, on average, as `sparse` says."""
    w = kernel(tmp_path, 'type: "gaussian" std: 1 sparse: 10', 'InnerProduct', 'num_output: 40', 'inner_product_param')
    assert w.shape == (3200, 40) and 9 < (w != 0).sum(1).mean() < 11


def test_positive_weights_that_add_up_to_one(tmp_path):
    w = kernel(tmp_path, 'type: "positive_unitball"', 'InnerProduct', 'num_output: 40', 'inner_product_param')
    assert (w > 0).all()
    np.testing.assert_allclose(w.sum(0), 1, rtol=1e-5)


@pytest.mark.parametrize('size, line', [
    (4, [0.25, 0.75, 0.75, 0.25]), (3, [0.5, 1, 0.5]), (2, [0.5, 0.5]), (6, [1 / 6, 0.5, 5 / 6, 5 / 6, 0.5, 1 / 6])])
@pytest.mark.parametrize('data_format', ['channels_first', 'channels_last'])
def test_enlarging_kernels(tmp_path, size, line, data_format):
    model = loaded(tmp_path, ('Deconvolution', f'convolution_param {{ num_output: 2 group: 2 kernel_size: {size} stride: 2 '
                                               'bias_term: false weight_filler { type: "bilinear" } }'),
                   shape=(1, 2, 5, 5), data_format=data_format)
    w = model.layers[-1].get_weights()[0]
    np.testing.assert_allclose(w.reshape(size, size, -1), np.repeat(np.outer(line, line)[..., None], 2, -1),
                               rtol=1e-6)


def test_other_layers(tmp_path):
    model = loaded(tmp_path, ('Scale', 'scale_param { filler { value: 3 } bias_term: true bias_filler { value: 4 } }'),
                   ('PReLU', ''), ('PReLU', 'prelu_param { filler { value: 0.5 } }'),
                   ('Bias', 'bias_param { filler { value: 2 } }'))
    values = [[float(w.min()) for w in layer.get_weights()] for layer in model.layers[1:]]
    assert values == [[3, 4], [0.25], [0.5], [2]]


def test_seeds_and_what_is_not_said(tmp_path):
    text = ('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }')
    first, again = (loaded(tmp_path, text).get_weights() for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again))
    plain = loaded(tmp_path, ('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 }')).get_weights()
    assert plain[0].std() > 0 and (plain[1] == 0).all()


def test_mistakes(tmp_path):
    for filler, said in (('type: "lecun"', "expected type to be constant.*got 'lecun'"),
                         ('type: "uniform" min: 2 max: 1', 'min of at most max'),
                         ('type: "gaussian" std: -1', 'std of 0 or more'),
                         ('type: "uniform" max: inf', 'weight_filler.max to be a number')):
        with pytest.raises(ModelFileError, match=f'convolution0.*{said}'):
            kernel(tmp_path, filler)
    with pytest.raises(ModelFileError, match='bilinear is for square kernels'):
        kernel(tmp_path, 'type: "bilinear"', 'InnerProduct', 'num_output: 40', 'inner_product_param')


def test_infogain_loss_is_its_softmax(tmp_path):
    """Of scores; what a Softmax has made of them already stays as it is."""
    dense = ('InnerProduct', 'inner_product_param { num_output: 3 }')
    loss = 'bottom: "{}" bottom: "label" top: "loss"'
    label = '\nlayer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 1 } } }'
    for layers, last in (((dense, ('InfogainLoss', loss.format('innerproduct0'))), 'Softmax'),
                         ((dense, ('Softmax', ''), ('InfogainLoss', loss.format('softmax1'))), 'Softmax')):
        text = net_of(*layers, shape=(1, 5))
        head, _, rest = text.partition('\n')
        (tmp_path / 'n.prototxt').write_text(head + label + '\n' + rest)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            model = load_caffe(tmp_path / 'n.prototxt')
        assert [type(layer).__name__ for layer in model.layers].count('Softmax') == 1
        assert type(model.layers[-1]).__name__ == last
        np.testing.assert_allclose(model.predict(np.ones((2, 5), 'f4')).sum(1), 1, rtol=1e-6)
