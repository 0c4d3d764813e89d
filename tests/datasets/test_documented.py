"""The programs of the documentation that load data sets, as they stand, on small files."""

import warnings

import numpy as np
import pytest

from fastkeras.datasets import sources
from fastkeras.layers import Activation, Conv2D, Dense, Flatten, MaxPooling2D
from fastkeras.models import Sequential
from fastkeras.preprocessing.sequence import pad_sequences
from fastkeras.utils.np_utils import to_categorical
from tests.parity import load_data_files

CIFAR10 = '''
from keras.datasets import cifar10
(x_train, y_train), (x_test, y_test) = cifar10.load_data()
'''
CIFAR100 = '''
from keras.datasets import cifar100
(x_train, y_train), (x_test, y_test) = cifar100.load_data(label_mode='fine')
'''
IMDB = '''
from keras.datasets import imdb

(x_train, y_train), (x_test, y_test) = imdb.load_data(path="imdb.npz",
                                                      num_words=None,
                                                      skip_top=0,
                                                      maxlen=None,
                                                      seed=113,
                                                      start_char=1,
                                                      oov_char=2,
                                                      index_from=3)
'''


def run(program):
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        exec(program.replace('keras', 'fastkeras'), names)
    return [names[n] for n in ('x_train', 'y_train', 'x_test', 'y_test')]


def test_cifar10_into_a_network(cache, data_format):
    load_data_files.cifar10(cache / 'cifar-10-batches-py')
    x_train, y_train, x_test, y_test = run(CIFAR10)
    shape = (32, 32, 3) if data_format == 'channels_last' else (3, 32, 32)
    assert x_train.shape[1:] == x_test.shape[1:] == shape
    assert y_train.ndim == y_test.ndim == 1 and max(y_train.max(), y_test.max()) <= 9
    model = Sequential([Conv2D(4, (3, 3), input_shape=shape), Activation('relu'), MaxPooling2D(), Flatten(),
                        Dense(10, activation='softmax')])
    model.compile('rmsprop', 'categorical_crossentropy', metrics=['accuracy'])
    y = to_categorical(y_train, 10)
    assert y.shape == (25, 10)
    history = model.fit(x_train / 255.0, y, epochs=2, batch_size=5, verbose=0,
                        validation_data=(x_test / 255.0, to_categorical(y_test, 10)))
    assert np.isfinite(history.history['val_loss']).all()


def test_cifar100(cache):
    load_data_files.cifar100(cache / 'cifar-100-python')
    x_train, y_train, x_test, y_test = run(CIFAR100)
    assert x_train.shape == (8, 32, 32, 3) and y_train.shape == (8,) and y_train.max() == 99
    assert x_test.shape == (4, 32, 32, 3) and y_test.shape == (4,)


@pytest.fixture
def imdb_file(cache, monkeypatch):
    from fastkeras.utils.hashing import hash_file
    load_data_files.imdb(cache / 'imdb.npz')
    monkeypatch.setitem(sources.SOURCES, 'imdb.npz',
                        sources.SOURCES['imdb.npz']._replace(hashes=(hash_file(cache / 'imdb.npz'),)))


def test_imdb_into_a_network(imdb_file):
    x_train, y_train, x_test, y_test = run(IMDB)
    assert (len(x_train), len(x_test)) == (9, 7) and all(row[0] == 1 for row in x_train)
    assert set(y_train) | set(y_test) == {0, 1}
    x = pad_sequences(x_train, maxlen=6, dtype='float32')
    model = Sequential([Dense(4, activation='relu', input_shape=(6,)), Dense(1, activation='sigmoid')])
    model.compile('adam', 'binary_crossentropy')
    assert np.isfinite(model.fit(x, y_train, epochs=2, verbose=0).history['loss']).all()
