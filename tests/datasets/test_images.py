"""MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100, against Keras on small files and against the files themselves."""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from fastkeras.datasets import cifar, cifar10, cifar100, fashion_mnist, mnist
from tests.artifacts import artifact
from tests.parity import load_data_files


def digest(x):
    return [list(x.shape), hashlib.md5(np.ascontiguousarray(x).tobytes()).hexdigest()]


def same_as_keras(loaded, keras):
    """keras: pairs of the digest of images and of labels, which Keras gives as (n, 1) for colour images."""
    for (x, y), (kx, ky) in zip(loaded, keras):
        assert digest(x) == kx and x.dtype == y.dtype == np.uint8
        assert y.shape == (len(x),) and y.tolist() == np.ravel(ky).tolist()


def test_mnist(tmp_path, recorded):
    load_data_files.images(tmp_path / 'a.npz')
    for keras in recorded:
        same_as_keras(mnist.load_data(tmp_path / 'a.npz'), keras['mnist'])


def test_whole_mnist():
    (x_train, y_train), (x_test, y_test) = mnist.load_data(artifact('data/mnist.npz'))
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    assert all(a.dtype == np.uint8 for a in (x_train, y_train, x_test, y_test))
    # md5 of the published idx files, unpacked
    header = lambda *sizes: bytes((0, 0, 8, len(sizes))) + np.array(sizes, '>u4').tobytes()     # noqa: E731
    idx = [header(*a.shape) + a.tobytes() for a in (x_train, y_train, x_test, y_test)]
    assert [hashlib.md5(i).hexdigest()[:8] for i in idx] == ['6bbc9ace', 'a25bea73', '2646ac64', '27ae3e4e']


def test_mnist_of_other_contents(tmp_path):
    np.savez(tmp_path / 'a.npz', x=np.zeros(3))
    with pytest.raises(ValueError, match=r"a.npz: cannot be read as the data set: .*x_train"):
        mnist.load_data(tmp_path / 'a.npz')
    (tmp_path / 'b.npz').write_bytes(b'no zip')
    with pytest.raises(ValueError, match='b.npz: cannot be read'):
        mnist.load_data(tmp_path / 'b.npz')


FASHION = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']


def test_fashion_mnist_files(tmp_path):
    x = np.random.RandomState(1).randint(0, 256, (5, 28, 28))
    load_data_files.idx(tmp_path / 'x.gz', x)
    read = fashion_mnist.read_idx(tmp_path / 'x.gz', 3)
    assert np.array_equal(read, x) and read.dtype == np.uint8 and read.flags.writeable


def test_fashion_mnist_of_debian(cache, monkeypatch):
    folder = Path('/usr/share/datasets/fashion-mnist')
    if not folder.exists():
        pytest.skip('needs the Debian package dataset-fashion-mnist')
    monkeypatch.setenv('FASTKERAS_DATA_URL', str(folder))
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    assert np.bincount(y_train).tolist() == [6000] * 10 and np.bincount(y_test).tolist() == [1000] * 10
    with gzip.open(folder / 't10k-images-idx3-ubyte.gz') as f:
        assert f.read()[16:] == x_test.tobytes()
    assert y_train[:4].tolist() == [9, 0, 0, 3]


@pytest.mark.parametrize('content, message', [
    (b'no gzip', 'cannot be read as the data set'), (gzip.compress(b'ab'), 'expected an IDX file'),
    (gzip.compress(bytes((0, 0, 13, 1)) + bytes(4)), 'expected an IDX file of bytes with 1 dimensions'),
    (gzip.compress(bytes((0, 0, 8, 1, 0, 0, 0, 9)) + bytes(4)), r'expected the elements of shape \(9,\), got 4 bytes'),
    (gzip.compress(bytes(99))[:-9], 'cannot be read')])
def test_fashion_mnist_of_other_contents(tmp_path, content, message):
    (tmp_path / 'x.gz').write_bytes(content)
    with pytest.raises(ValueError, match=f'x.gz: {message}'):
        fashion_mnist.read_idx(tmp_path / 'x.gz', 1)


def test_fashion_mnist_labels_for_all(tmp_path, monkeypatch):
    load_data_files.idx(tmp_path / 'train-images-idx3-ubyte.gz', np.zeros((3, 28, 28)))
    load_data_files.idx(tmp_path / 'train-labels-idx1-ubyte.gz', np.zeros(2))
    monkeypatch.setattr(fashion_mnist.sources, 'find', lambda name: str(tmp_path / os.path.basename(name)))
    with pytest.raises(ValueError, match='expected a label for each of the 3 images'):
        fashion_mnist.load_data()


def test_cifar10(cache, recorded, data_format):
    load_data_files.cifar10(cache / 'cifar-10-batches-py')
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    pixels = np.concatenate([load_data_files.cifar_pixels(5, i) for i in range(6)]).reshape(-1, 3, 32, 32)
    if data_format == 'channels_last':
        pixels = np.moveaxis(pixels, 1, -1)
    assert np.array_equal(x_train, pixels[:25]) and np.array_equal(x_test, pixels[25:])
    assert y_train.tolist() == [(i + k) % 10 for i in range(5) for k in range(5)] and y_test.tolist() == [5, 6, 7, 8, 9]
    assert x_train.dtype == x_test.dtype == y_train.dtype == y_test.dtype == np.uint8
    assert x_train.flags.c_contiguous and x_train.flags.writeable
    data, labels = cifar.load_batch(str(cache / 'cifar-10-batches-py' / 'data_batch_2'))
    for keras in recorded:
        assert [digest(data), labels] == keras['cifar10 batch']


@pytest.mark.parametrize('place', ['cifar-100-python', 'cifar-100-python-target/cifar-100-python'])
def test_cifar100(cache, recorded, data_format, place):
    load_data_files.cifar100(cache / place)
    for mode, *keras in zip(('fine', 'coarse'), *(r[f'cifar100 {data_format}'] for r in recorded)):
        for one in keras:
            same_as_keras(cifar100.load_data(mode), one)
    assert digest(cifar100.load_data()[0][1]) == digest(cifar100.load_data(label_mode='fine')[0][1])


def test_real_cifar_images_in_batches(cache):
    """JPEGs of CIFAR-10, as batches: what goes in comes out."""
    import io
    import zipfile

    from PIL import Image
    with zipfile.ZipFile(artifact('data/cifar10_jpg_2000_400.zip')) as z:
        names = [n for n in z.namelist() if n.endswith('.jpg')][::40]
        pixels = np.stack([np.asarray(Image.open(io.BytesIO(z.read(n))).convert('RGB')) for n in names])
    classes = sorted({n.split('/')[-2] for n in names})
    labels = [classes.index(n.split('/')[-2]) for n in names]
    folder = cache / 'cifar-10-batches-py'
    load_data_files.cifar10(folder)
    (folder / 'test_batch').write_bytes(load_data_files.pickled_by_python_2(
        {b'data': np.moveaxis(pixels, -1, 1).reshape(len(names), 3072), b'labels': labels}))
    _, (x, y) = cifar10.load_data()
    assert np.array_equal(x, pixels) and y.tolist() == labels and len(classes) == 10


def test_cifar100_label_mode():
    with pytest.raises(ValueError, match="cifar100.load_data: label_mode: expected 'fine' or 'coarse', got 'all'"):
        cifar100.load_data('all')


@pytest.mark.parametrize('content, message', [
    ([1], 'expected a dict, got list'), ({b'data': [1]}, "it has no 'labels', only 'data'"),
    ({b'data': [1], b'labels': [1]}, 'expected an array as data'),
    ({b'data': np.zeros((2, 5), np.uint8), b'labels': [1, 2]}, r'expected data of shape \(n, 3072\), got \(2, 5\)'),
    ({b'data': np.zeros((2, 3072), np.uint8), b'labels': [1]}, "expected 2 ints as 'labels'"),
    ({b'data': np.zeros((1, 3072), np.uint8), b'labels': [b'x']}, "expected 1 ints as 'labels'"),
    ({b'data': np.zeros((1, 3072), np.uint8), b'labels': [300]}, "'labels': expected ints from 0 to 255")])
def test_batch_of_other_contents(tmp_path, content, message):
    (tmp_path / 'b').write_bytes(load_data_files.pickled_by_python_2(content))
    with pytest.raises(ValueError, match=f'b: cannot be read as a batch of CIFAR images: {message}'):
        cifar.load_batch(tmp_path / 'b')
