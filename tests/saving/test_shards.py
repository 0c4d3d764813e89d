"""Weights in several files."""

import json

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.saving import ModelFileError

pytest.importorskip('h5py')
GB = 1024.0 ** 3


def network():
    return Sequential([Dense(10, input_shape=(10,)), Dense(10), Dense(1)])


def test_round_trip(tmp_path):
    model = network()
    model.save_weights(tmp_path / 'm.weights.json', max_shard_size=450 / GB)
    index = json.loads((tmp_path / 'm.weights.json').read_text())
    assert index['metadata']['total_size'] == sum(w.nbytes for w in model.get_weights())
    assert sorted(p.name for p in tmp_path.iterdir()) == ['m.weights.json', *(f'm_0000{k}.weights.h5' for k in range(3))]
    assert index['weight_map']['/layers/dense/vars'] == 'm_00000.weights.h5'
    other = network()
    report = other.load_weights(tmp_path / 'm.weights.json')
    assert report.complete and len(report.used) == 6
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_weight_that_is_too_large(tmp_path):
    with pytest.raises(ValueError, match='layers/dense/vars/0 has 400 bytes'):
        network().save_weights(tmp_path / 'm.weights.json', max_shard_size=100 / GB)
    with pytest.raises(ValueError, match='positive number'):
        network().save_weights(tmp_path / 'm.weights.json', max_shard_size=-1)
    with pytest.raises(ValueError, match=r'\.weights\.json'):
        network().save_weights(tmp_path / 'm.h5', max_shard_size=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['../a.weights.h5', '/a.weights.h5', 'a.h5', 3, ['a/b.weights.h5'], 'none.weights.h5'])
def test_an_index_that_leads_elsewhere(tmp_path, name):
    (tmp_path / 'm.weights.json').write_text(json.dumps({'weight_map': {'/layers/dense/vars': name}}))
    with pytest.raises(ModelFileError, match=r'm\.weights\.json'):
        network().load_weights(tmp_path / 'm.weights.json')


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"weight_map": 3}', '{"a": NaN}'])
def test_what_is_no_index(tmp_path, text):
    (tmp_path / 'm.weights.json').write_text(text)
    with pytest.raises(ModelFileError, match=r'm\.weights\.json'):
        network().load_weights(tmp_path / 'm.weights.json')
