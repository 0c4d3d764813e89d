"""HDF5Matrix: indices as on an array, and training from a file."""

import builtins
import pickle

import h5py
import numpy as np
import pytest

import fastkeras as fk
from fastkeras.utils import HDF5Matrix, io_utils


@pytest.fixture
def path(tmp_path):
    rng = np.random.RandomState(0)
    with h5py.File(tmp_path / 'data.h5', 'w') as f:
        f['x'] = rng.normal(size=(100, 6)).astype('float32')
        f['group/labels'] = rng.randint(0, 3, 100)
        f['pixels'] = rng.randint(0, 256, (100, 2, 3)).astype('uint8')
        f.create_dataset('chunked', data=rng.normal(size=(100, 4)), chunks=(10, 4), compression='gzip')
    return str(tmp_path / 'data.h5')


def half(x):
    return x.reshape(len(x), -1) / np.float32(2)


@pytest.mark.parametrize('start, end', [(0, None), (10, 60), (99, 100), (5, 5)])
@pytest.mark.parametrize('dataset, normalizer', [('x', None), ('chunked', None), ('pixels', half)])
def test_as_an_array(path, dataset, start, end, normalizer):
    with h5py.File(path) as f:
        array = f[dataset][start:end]
    array = array if normalizer is None else array.reshape(-1, 6) / np.float32(2)
    with HDF5Matrix(path, dataset, start, end, normalizer) as matrix:
        assert (matrix.shape, matrix.dtype, matrix.ndim, matrix.size) == (array.shape, array.dtype, array.ndim, array.size)
        assert len(matrix) == len(array)
        n = len(array)
        keys = [slice(None), slice(0, n), slice(n // 3, n // 2), slice(-3, None), slice(None, -1), slice(None, None, 7),
                slice(n, 0, -2), slice(n, n), [], np.array([], int)]
        if n:
            rng = np.random.RandomState(1)
            keys += [0, n - 1, -1, -n, np.int64(n // 2), [0], [n - 1, 0], range(n), rng.randint(-n, n, 30),
                     rng.permutation(n), np.sort(rng.permutation(n)[:10]), (0, n - 1), rng.randint(0, 2, n) > 0]
        for key in keys:
            expected = array[list(key) if isinstance(key, (tuple, range)) else key]
            np.testing.assert_array_equal(matrix[key], expected, err_msg=str(key))
        np.testing.assert_array_equal(np.asarray(matrix), array)
        assert np.asarray(matrix, dtype='float64').dtype == np.float64


def test_mistakes(path):
    with HDF5Matrix(path, 'x', 10, 60) as x:
        for key in (50, -51, [3, 50], np.array([-51]), slice(0, 51), slice(51, 52), range(50, 51)):
            with pytest.raises(IndexError, match='HDF5Matrix: expected samples .*, got'):
                x[key]
        for key in (None, 'a', 1.5, [1.5], [[1]], [True]):
            with pytest.raises(TypeError, match='expected an int, a slice'):
                x[key]
    with pytest.raises(ValueError, match='was closed'):
        x[0]
    for kwargs, message in (({'dataset': 'y'}, "dataset: expected the path of an array .*, got 'y'; there are 'chunked'"),
                            ({'dataset': 'group'}, "got 'group'"), ({'start': -1}, 'start: expected an int from 0 to 100'),
                            ({'end': 101}, 'end: .* got 101'), ({'start': 3, 'end': 2}, 'start to be at most end'),
                            ({'normalizer': 2}, 'normalizer: expected a function')):
        with pytest.raises(ValueError, match=message):
            HDF5Matrix(path, **{'dataset': 'x', **kwargs})
    with pytest.raises(FileNotFoundError):
        HDF5Matrix(path + 'x', 'x')
    with h5py.File(path, 'r+'):     # nothing above has left the file open
        pass


def test_file_is_closed_with_the_matrix(path):
    x, y = HDF5Matrix(path, 'x'), HDF5Matrix(path, 'pixels')
    x.close()
    assert y[3].shape == (2, 3)
    with pytest.raises(OSError):
        h5py.File(path, 'r+')
    del y
    with h5py.File(path, 'r+'):
        pass


def test_goes_to_other_processes(path):
    x = HDF5Matrix(path, 'pixels', 3, 20, half)
    again = pickle.loads(pickle.dumps(x))
    np.testing.assert_array_equal(again[:], x[:])


def model(outputs, loss, activation=None):
    m = fk.Sequential([fk.layers.Dense(8, activation='relu', input_shape=(6,)), fk.layers.Dense(outputs, activation)])
    m.compile('sgd', loss)
    return m


@pytest.mark.parametrize('shuffle', [True, False, 'batch'])
def test_training_as_from_arrays(path, shuffle):
    x, y = HDF5Matrix(path, 'x'), HDF5Matrix(path, 'group/labels')
    pixels = HDF5Matrix(path, 'pixels', normalizer=half)
    results = []
    for inputs, labels, images in ((x, y, pixels), (x[:], y[:], pixels[:])):
        fk.utils.set_random_seed(5)
        m = model(3, 'sparse_categorical_crossentropy', 'softmax')
        history = m.fit(inputs, labels, batch_size=16, epochs=2, shuffle=shuffle, verbose=0, validation_split=0.2,
                        class_weight={0: 1.0, 1: 2.0, 2: 0.5})
        losses = [history.history['loss'], history.history['val_loss'], m.evaluate(inputs, labels, verbose=0),
                  m.evaluate(images, labels, verbose=0), m.test_on_batch(images[:7], labels[:7])]
        results.append((losses, m.predict(inputs), m.predict(images, batch_size=7)))
    for ours, arrays in zip(results[0], results[1]):
        np.testing.assert_array_equal(np.hstack(ours) if isinstance(ours, list) else ours,
                                      np.hstack(arrays) if isinstance(arrays, list) else arrays)


def test_targets_without_a_last_axis(path):
    m = model(1, 'mse')
    x, y = HDF5Matrix(path, 'x', 0, 64), HDF5Matrix(path, 'group/labels', 0, 64)
    assert m.evaluate(x, y, verbose=0) == pytest.approx(np.mean((m.predict(x[:])[:, 0] - y[:]) ** 2), rel=1e-5)


def test_overwrite_is_asked_for(monkeypatch, capsys):
    for answers, expected in ((['y'], True), (['maybe', ' N '], False)):
        monkeypatch.setattr(builtins, 'input', lambda prompt, a=answers: a.pop(0))
        assert io_utils.ask_to_proceed_with_overwrite('weights.h5') is expected
    assert 'overwrite=True' in capsys.readouterr().out
