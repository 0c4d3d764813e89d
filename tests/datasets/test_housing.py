"""The two housing data sets, against Keras on small files and the published first row of the real one."""

import numpy as np
import pytest

from fastkeras.datasets import boston_housing, california_housing
from tests.artifacts import artifact
from tests.parity import load_data_files


def plain(loaded):
    return [[x.tolist(), y.tolist()] for x, y in loaded]


def test_boston_as_keras(tmp_path, recorded):
    load_data_files.housing(tmp_path / 'a.npz')
    for keras in recorded:
        for kwargs, expected in zip(load_data_files.HOUSING, keras['boston_housing']):
            assert plain(boston_housing.load_data(tmp_path / 'a.npz', **kwargs)) == expected


def test_california_as_keras(tmp_path, recorded):
    load_data_files.housing(tmp_path / 'a.npz', 700)
    assert plain(california_housing.load_data('small', tmp_path / 'a.npz')) == recorded[0]['california_housing']
    (x_train, y_train), (x_test, y_test) = california_housing.load_data(path=tmp_path / 'a.npz', test_split=0.1)
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((630, 3), (630,), (70, 3), (70,))


def test_real_boston():
    (x_train, y_train), (x_test, y_test) = boston_housing.load_data(artifact('data/boston_housing.npz'))
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((404, 13), (404,), (102, 13), (102,))
    assert x_train.dtype == np.float64 and x_train[0, 0] == 1.23247 and y_train[0] == 15.2      # as in Keras's tutorials


@pytest.mark.parametrize('module', [boston_housing, california_housing])
@pytest.mark.parametrize('share', [1, -0.1, None, True])
def test_wrong_test_split(module, share):
    with pytest.raises(ValueError, match='_housing.load_data: test_split: expected a share of the samples'):
        module.load_data(test_split=share)


def test_wrong_version():
    with pytest.raises(ValueError, match="version: expected 'small' or 'large', got 'medium'"):
        california_housing.load_data('medium')


def test_seed_none(tmp_path):
    load_data_files.housing(tmp_path / 'a.npz')
    np.random.seed(1)
    first = plain(boston_housing.load_data(tmp_path / 'a.npz', seed=None))
    assert first != plain(boston_housing.load_data(tmp_path / 'a.npz', seed=None))
