"""MNIST: handwritten digits. LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/"""

from fastkeras.datasets import npz, sources

__all__ = ['load_data']


def load_data(path='mnist.npz'):
    """The MNIST digits: 60,000 images of 28 × 28 to train on and 10,000 to test with.

    path: where the file is kept, relative to `~/.keras/datasets` (KERAS_HOME), or absolute; a file there with another name
    than `mnist.npz` is taken whatever its hash.
    Returns `(x_train, y_train), (x_test, y_test)`: uint8, images (60000, 28, 28) and (10000, 28, 28) with grey levels from 0,
    black, to 255; digits (60000,) and (10000,). Errors: as `utils.get_file`, and ValueError for a file of other contents.
    https://keras.io/api/datasets/mnist/
    """
    x_train, y_train, x_test, y_test = npz.read_arrays(sources.find('mnist.npz', path),
                                                       ('x_train', 'y_train', 'x_test', 'y_test'))
    return (x_train, y_train), (x_test, y_test)
