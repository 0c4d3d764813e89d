"""CIFAR-100: small colour images in 100 classes. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html"""

import os

from fastkeras.datasets import cifar

__all__ = ['load_data']


def load_data(label_mode='fine'):
    """The CIFAR-100 images: 50,000 of 32 × 32 in colour to train on and 10,000 to test with.

    label_mode: 'fine' for the 100 classes, 'coarse' for the 20 groups of five of them.
    Returns `(x_train, y_train), (x_test, y_test)`: uint8, images (n, 32, 32, 3), or (n, 3, 32, 32) where
    `config.image_data_format()` is 'channels_first', and classes (n,) as the documentation has them; Keras itself gives (n, 1).
    The files are kept in `~/.keras/datasets/cifar-100-python` (KERAS_HOME). Errors: as `utils.get_file`, and ValueError for
    another label_mode and files of other contents.
    https://keras.io/api/datasets/cifar100/
    """
    if label_mode not in ('fine', 'coarse'):
        raise ValueError(f"cifar100.load_data: label_mode: expected 'fine' or 'coarse', got {label_mode!r}")
    folder = cifar.folder('cifar-100-python.tar.gz', 'cifar-100-python', ['train', 'test'])
    return tuple(cifar.images_and_labels([os.path.join(folder, n)], f'{label_mode}_labels') for n in ('train', 'test'))
