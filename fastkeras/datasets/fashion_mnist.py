"""Fashion-MNIST: articles of Zalando. Xiao, Rasul and Vollgraf, arXiv:1708.07747"""

import gzip
import struct
import zlib

import numpy as np

from fastkeras.datasets import sources

__all__ = ['load_data']


def load_data():
    """The Fashion-MNIST images: 60,000 of 28 × 28 to train on and 10,000 to test with, in 10 classes.

    Classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
    Returns `(x_train, y_train), (x_test, y_test)`: uint8, images (60000, 28, 28) and (10000, 28, 28) with grey levels from 0
    to 255, classes (60000,) and (10000,). The four files are kept in `~/.keras/datasets/fashion-mnist` (KERAS_HOME). Errors:
    as `utils.get_file`, and ValueError for files of other contents.
    https://keras.io/api/datasets/fashion_mnist/
    """
    return _pair('train'), _pair('t10k')


def _pair(part):
    x_path = sources.find(f'fashion-mnist/{part}-images-idx3-ubyte.gz')
    y_path = sources.find(f'fashion-mnist/{part}-labels-idx1-ubyte.gz')
    x, y = read_idx(x_path, 3), read_idx(y_path, 1)
    if len(x) != len(y):
        raise ValueError(f'{y_path}: expected a label for each of the {len(x)} images of {x_path}, got {len(y)}')
    return x, y


def read_idx(path, ndim):
    """The uint8 array with `ndim` dimensions in an IDX file compressed by gzip (two zero bytes, type 8, the number of
    dimensions, their sizes as big-endian 4-byte numbers, then the elements). ValueError for any other file.
    """
    try:
        with gzip.open(path) as file:
            data = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f'{path}: cannot be read as the data set: {error}') from error
    start = 4 + 4 * ndim
    if data[:4] != bytes((0, 0, 8, ndim)) or len(data) < start:
        raise ValueError(f'{path}: expected an IDX file of bytes with {ndim} dimensions, got the start {data[:4]!r}')
    shape = struct.unpack(f'>{ndim}I', data[4:start])
    if len(data) - start != np.prod(shape, dtype=object):
        raise ValueError(f'{path}: expected the elements of shape {shape}, got {len(data) - start} bytes')
    return np.frombuffer(bytearray(data), np.uint8, offset=start).reshape(shape)
