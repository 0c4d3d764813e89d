"""CIFAR-10: small colour images in 10 classes. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html"""

import os

from fastkeras.datasets import cifar

__all__ = ['load_data']


def load_data():
    """The CIFAR-10 images: 50,000 of 32 × 32 in colour to train on and 10,000 to test with, in 10 classes.

    Classes: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.
    Returns `(x_train, y_train), (x_test, y_test)`: uint8, images (n, 32, 32, 3), or (n, 3, 32, 32) where
    `config.image_data_format()` is 'channels_first', and classes (n,) as the documentation has them; Keras itself gives (n, 1).
    The files are kept in `~/.keras/datasets/cifar-10-batches-py` (KERAS_HOME). Errors: as `utils.get_file`, and ValueError for
    files of other contents.
    https://keras.io/api/datasets/cifar10/
    """
    names = [f'data_batch_{i}' for i in range(1, 6)]
    folder = cifar.folder('cifar-10-batches-py.tar.gz', 'cifar-10-batches-py', [*names, 'test_batch'])
    return (cifar.images_and_labels([os.path.join(folder, n) for n in names], 'labels'),
            cifar.images_and_labels([os.path.join(folder, 'test_batch')], 'labels'))
