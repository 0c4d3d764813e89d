"""The report of what loading weights did."""

import warnings

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.saving import LoadReport

h5py = pytest.importorskip('h5py')


def test_report(tmp_path):
    path = tmp_path / 'w.h5'
    one = Sequential([Dense(4, input_shape=(3,), name='same'), Dense(2, name='theirs')])
    two = Sequential([Dense(4, input_shape=(3,), name='same'), Dense(5, name='ours')])
    one.save_weights(path)
    report = one.load_weights(path)
    assert report.complete and report.file == str(path)
    assert report.used == ['same/same/kernel:0', 'same/same/bias:0', 'theirs/theirs/kernel:0', 'theirs/theirs/bias:0']
    report = two.load_weights(path, by_name=True)
    assert isinstance(report, LoadReport) and not report.complete
    assert report.used == ['same/same/kernel:0', 'same/same/bias:0']
    assert report.unused == ['theirs/theirs/kernel:0', 'theirs/theirs/bias:0']
    assert report.missing == ['ours/kernel:0', 'ours/bias:0']
    assert str(report).splitlines() == [
        f'Weights of {path}: 2 used, 2 unused, 2 missing', '  in the file only:', '    theirs/theirs/kernel:0',
        '    theirs/theirs/bias:0', '  in the model only:', '    ours/kernel:0', '    ours/bias:0']
    three = Sequential([Dense(4, input_shape=(3,), name='same'), Dense(3, name='theirs')])
    with pytest.warns(UserWarning, match='weights are left out'):
        report = three.load_weights(path, by_name=True, skip_mismatch=True)
    assert report.unused == ['theirs/theirs/kernel:0', 'theirs/theirs/bias:0']
    assert report.missing == ['theirs/kernel:0', 'theirs/bias:0']
    one.save_weights(tmp_path / 'w.weights.h5')
    with pytest.warns(UserWarning, match='weights are left out'):
        report = three.load_weights(tmp_path / 'w.weights.h5', skip_mismatch=True)
    assert report.used == ['layers/dense/vars/0', 'layers/dense/vars/1']
    assert report.unused == ['layers/dense_1/vars/0', 'layers/dense_1/vars/1']
    assert report.missing == ['theirs/kernel:0', 'theirs/bias:0']
    assert '… and 80 more' in str(LoadReport(missing=[str(k) for k in range(100)]))


def test_layers_in_another_order_go_by_their_names(tmp_path):
    one = Sequential([Dense(3, input_shape=(3,), name='a'), Dense(3, name='b')])
    two = Sequential([Dense(3, input_shape=(3,), name='b'), Dense(3, name='a')])
    one.save_weights(tmp_path / 'w.h5')
    assert two.load_weights(tmp_path / 'w.h5').complete
    for name in 'ab':
        np.testing.assert_array_equal(two.get_layer(name).get_weights()[0], one.get_layer(name).get_weights()[0])
    other = Sequential([Dense(3, input_shape=(3,), name='c'), Dense(3, name='a')])
    other.load_weights(tmp_path / 'w.h5')       # other names: by place
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], one.layers[0].get_weights()[0])


@pytest.mark.parametrize('by_name', [False, True])
def test_all_or_nothing(tmp_path, by_name):
    one = Sequential([Dense(3, input_shape=(3,), name=f'l{k}') for k in range(7)])
    two = Sequential([Dense(3, input_shape=(3,), name=f'l{k}') for k in range(7)])
    one.save_weights(tmp_path / 'w.h5')
    with h5py.File(tmp_path / 'w.h5', 'r+') as file:
        del file['l6/l6/bias:0']
        file['l6/l6/bias:0'] = np.zeros(4)
    before = two.get_weights()
    with pytest.raises(ValueError, match=r"'l6'.*\(3,\), the file has \(4,\)"):
        two.load_weights(tmp_path / 'w.h5', by_name=by_name)
    with h5py.File(tmp_path / 'w.h5', 'r+') as file:
        del file['l6/l6/bias:0']
        file['l6/l6/bias:0'] = np.full(3, np.nan)
    with warnings.catch_warnings(), pytest.raises(UserWarning, match='NaN'):
        warnings.simplefilter('error')
        two.load_weights(tmp_path / 'w.h5', by_name=by_name)
    for a, b in zip(two.get_weights(), before):
        np.testing.assert_array_equal(a, b)
