"""Layers that only old code has, and the paths of Keras 2."""

import importlib

import numpy as np
import pytest

from fastkeras import layers
from tests.layer_harness import run_layer_test


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize('kwargs', [{}, {'nb_feature': 2, 'W_regularizer': 'l2', 'b_constraint': 'non_neg'}])
def test_maxout(kwargs):
    run_layer_test(layers.MaxoutDense, {'output_dim': 3, **kwargs}, (5, 4),
                   expected=lambda x, w, b: (np.einsum('bi,fio->bfo', x, w) + b).max(1))
    run_layer_test(layers.MaxoutDense, {'output_dim': 3, 'bias': False}, (5, 4),
                   expected=lambda x, w: np.einsum('bi,fio->bfo', x, w).max(1))


def test_highway():
    def expected(x, w, carry, b, b_carry):
        t = sigmoid(x @ carry + b_carry)
        return t * np.tanh(x @ w + b) + (1 - t) * x
    run_layer_test(layers.Highway, {'activation': 'tanh'}, (5, 4), expected=expected)
    run_layer_test(layers.Highway, {'bias': False}, (5, 4), expected=lambda x, w, carry: (
        sigmoid(x @ carry) * (x @ w) + (1 - sigmoid(x @ carry)) * x))
    assert layers.Highway(input_dim=4, transform_bias=-2).batch_input_shape == (None, 4)
    for cls in (layers.Highway, lambda: layers.MaxoutDense(3)):
        with pytest.raises(ValueError, match='expected ndim=2'):
            cls()(np.zeros((2, 3, 4)))


def test_atrous():
    with pytest.warns(UserWarning, match='Conv1D'):
        one = layers.AtrousConvolution1D(8, 3, atrous_rate=2)
    with pytest.warns(UserWarning, match='Conv2D'):
        two = layers.AtrousConv2D(8, 3, 3, atrous_rate=(2, 1))
    assert type(one) is layers.Conv1D and one.dilation_rate == (2,)
    assert type(two) is layers.Conv2D and two.dilation_rate == (2, 1) and two.kernel_size == (3, 3)


@pytest.mark.parametrize('path, names', [
    ('advanced_activations', 'ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU'),
    ('convolutional', 'AtrousConvolution2D AveragePooling3D Conv1D Conv3DTranspose Cropping2D SeparableConv2D UpSampling1D '
                      'ZeroPadding3D'),
    ('core', 'Activation ActivityRegularization Dense Dropout Flatten InputSpec Lambda Layer Masking Permute RepeatVector '
             'Reshape SpatialDropout1D SpatialDropout2D SpatialDropout3D'),
    ('embeddings', 'Embedding'), ('local', 'LocallyConnected1D'), ('merge', 'Add concatenate'),
    ('noise', 'AlphaDropout GaussianDropout GaussianNoise'), ('normalization', 'BatchNormalization'),
    ('pooling', 'MaxPooling3D'), ('wrappers', 'TimeDistributed Wrapper')])
def test_paths_of_keras_2(path, names):
    module = importlib.import_module(f'fastkeras.layers.{path}')
    for name in names.split():
        assert getattr(module, name) is getattr(layers, name)


def test_dense_of_steps():
    from fastkeras.layers import Dense, TimeDistributedDense
    with pytest.warns(UserWarning, match='Update your `Dense` call to the Keras 2 API: .*units=4'):
        layer = TimeDistributedDense(output_dim=4, init='uniform', activation='softmax', input_dim=3, input_length=6)
    assert type(layer) is Dense and layer.units == 4 and layer.batch_input_shape == (None, 6, 3)
    with pytest.warns(UserWarning, match='Update your `Dense` call'):
        assert TimeDistributedDense(4, 'uniform', 'relu', input_dim=3).get_config()['activation'] == 'relu'
    with pytest.raises(TypeError, match="two values for the argument 'init'"):
        TimeDistributedDense(4, 'uniform', init='zero')
