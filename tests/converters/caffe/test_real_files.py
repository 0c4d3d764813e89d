"""Real networks of Caffe, where they are there, against what OpenCV or torch made of them."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from tests.artifacts import artifact


@pytest.mark.parametrize('name', ['lenet_ethereon', 'mtcnn_det1', 'cifar10_quick_v1', 'wechat_detect', 'hyperlpr_finemapping',
                                  'cifar10_quick_hdf5'])
@pytest.mark.parametrize('data_format', ['channels_first', 'channels_last'])
def test_real_files(name, data_format):
    weights = artifact(f'caffe/{name}.caffemodel{".h5" if "hdf5" in name else ""}')
    model = load_caffe(artifact(f'caffe/{name}.prototxt'), weights, data_format)
    recorded = np.load(artifact(f'expected/caffe_{name}.npz'))
    last = data_format == 'channels_last'
    got = model.predict(recorded['in_0'].transpose(0, 2, 3, 1) if last else recorded['in_0'])
    for k, y in enumerate(got if isinstance(got, list) else [got]):
        want = recorded[f'out_{k}']
        y = y.transpose(0, 3, 1, 2) if last and y.ndim == 4 and y.shape != want.shape else y
        np.testing.assert_allclose(y, want, atol=1e-5 * max(1, abs(want).max()))


@pytest.mark.slow
def test_lenet_on_all_digits():
    """The accuracy that Caffe's LeNet has on the 10,000 images that MNIST keeps for tests."""
    digits, recorded = np.load(artifact('data/mnist.npz')), np.load(artifact('expected/caffe_lenet_ethereon_mnist_t10k.npz'))
    model = load_caffe(artifact('caffe/lenet_ethereon.prototxt'), artifact('caffe/lenet_ethereon.caffemodel'), 'channels_first')
    got = model.predict(digits['x_test'][:, None].astype('f4') * recorded['scale'])
    assert (got.argmax(1) == recorded['argmax']).all() and (got.argmax(1) == digits['y_test']).mean() == 0.9914
    np.testing.assert_allclose(got[:256], recorded['prob_first256'], atol=1e-5)


@pytest.mark.parametrize('name, shape', [
    ('models_bvlc_alexnet_deploy', (3, 227, 227)), ('models_bvlc_alexnet_train_val', (3, 227, 227)),
    ('models_bvlc_googlenet_deploy', (3, 224, 224)), ('models_bvlc_reference_caffenet_deploy', (3, 227, 227)),
    ('examples_mnist_lenet_train_test', (1, 28, 28)), ('examples_mnist_mnist_autoencoder', (1, 28, 28)),
    ('examples_siamese_mnist_siamese', (1, 28, 28)), ('examples_hdf5_classification_nonlinear_train_val', (4,)),
    ('examples_cifar10_cifar10_full_sigmoid_train_test_bn', (3, 32, 32)), ('examples_pycaffe_linreg', (3, 2)),
    ('examples_net_surgery_bvlc_caffenet_full_conv', (3, None, None))])
def test_real_descriptions(name, shape):
    """Of networks to use and to train, with the shapes of samples where they do not say them."""
    said = any(word in name for word in ('deploy', 'linreg', 'siamese', 'full_conv'))
    path = artifact(f'caffe/prototxt/{name}.prototxt')
    model = load_caffe(path, None, 'channels_first', input_shapes=None if said else shape)
    assert model.inputs[0].shape == (None, *shape) and all(len(y.shape) in (2, 4) for y in model.outputs)
