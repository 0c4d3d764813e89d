"""Layers of one class that stand in another order in a file of Keras 3."""

import warnings

import h5py
import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import LSTM, Bidirectional, Dense, Input
from fastkeras.models import Model, Sequential
from fastkeras.saving import KerasFileEditor
from fastkeras.utils.errors import ModelFileError


@pytest.fixture(autouse=True)
def keras3():
    with generation.scope(3):
        yield


def stack(*names, units=3):
    return Sequential([Input((3,)), *(Dense(units, name=name) for name in names)])


def by_name(model):
    return {layer.name: layer.get_weights() for layer in model.layers}


def filled(model):
    model.set_weights([np.random.RandomState(k).standard_normal(w.shape) for k, w in enumerate(model.get_weights())])
    return model


def saved(model, tmp_path, **kwargs):
    path = tmp_path / ('w.weights.json' if kwargs else 'w.weights.h5')
    model.save_weights(path, **kwargs)
    return path


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        for x, y in zip(a[name], b[name], strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize('options', [{}, {'max_shard_size': 1e-7}])
def test_names_decide(tmp_path, options):
    model = filled(stack('a', 'b', 'c'))
    path, other = saved(model, tmp_path, **options), stack('c', 'a', 'b')
    assert other.load_weights(path).complete
    same(by_name(model), by_name(other))


def test_file_with_more_layers(tmp_path):
    model = filled(stack('a', 'b', 'c'))
    path, other = saved(model, tmp_path), stack('c', 'a')
    with pytest.warns(UserWarning, match=r'no place for: layers/dense_1'):
        other.load_weights(path)
    same({k: v for k, v in by_name(model).items() if k != 'b'}, by_name(other))


def test_in_models_inside(tmp_path):
    def network(order):
        i = Input((4, 3))
        parts = {'p': [Bidirectional(LSTM(2, return_sequences=True, name='u'), name='p')],
                 'q': [Bidirectional(LSTM(2, return_sequences=True, name='u'), name='q')]}
        x = Model(i, [part[0](i) for part in (parts[n] for n in order)], name='inner')
        return Model(i, x(i))
    model = filled(network('pq'))
    path, other = saved(model, tmp_path), network('qp')
    other.load_weights(path)
    inner, found = (by_name(m.get_layer('inner')) for m in (model, other))
    same({k: v for k, v in inner.items() if v}, {k: v for k, v in found.items() if v})


def test_counted_names_decide_where_shapes_allow(tmp_path):
    first, second = stack(None, None), None
    path = saved(filled(first), tmp_path)
    names = [layer.name for layer in first.layers]
    second = stack(*names[::-1])
    with pytest.warns(UserWarning, match='stand in another order in the file'):
        second.load_weights(path)
    same(by_name(first), by_name(second))

    made = {}
    for name in ('dense_7', 'dense'):
        made[name] = Dense({'dense': 2, 'dense_7': 4}[name], name=name)
    first = filled(Sequential([Input((3,)), made['dense'], made['dense_7']]))
    path = saved(first, tmp_path)
    second = Sequential([Input((3,)), Dense(2, name='dense_7'), Dense(4, name='dense')])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        second.load_weights(path)       # made in another order, in the same place
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_place_decides_where_names_are_others(tmp_path):
    model = filled(stack('a', 'b'))
    path, other = saved(model, tmp_path), stack('x', 'y')
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = stack('b', 'y')
    with pytest.warns(UserWarning, match="'b' gets those of 'a', at layers/dense, while the file has 'b' at layers/dense_1"):
        other.load_weights(path)


def test_names_that_do_not_fit_are_refused(tmp_path):
    first = Sequential([Input((3,)), Dense(2, name='a'), Dense(4, name='b')])
    path = saved(filled(first), tmp_path)
    other = Sequential([Input((3,)), Dense(2, name='b'), Dense(4, name='a')])
    before = other.get_weights()
    with pytest.raises(ModelFileError, match="'b'"):
        other.load_weights(path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_of_the_optimizer_goes_by_order(tmp_path):
    model, other = stack('a', 'b'), stack('b', 'a')
    for m in (model, other):
        m.compile('adam', 'mse')
        m.fit(np.ones((4, 3)), np.ones((4, 3)), verbose=0)
    path, before = saved(model, tmp_path), other.optimizer.get_weights()
    with pytest.warns(UserWarning, match='it numbers the slots'):
        other.load_weights(path)
    same(by_name(model), by_name(other))
    for a, b in zip(before, other.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_names(tmp_path):
    """Such as files of Keras 2.13: place decides."""
    model = filled(stack('a', 'b'))
    path, other = saved(model, tmp_path), stack('b', 'a')
    with h5py.File(path, 'a') as file:
        for place in ('dense', 'dense_1'):
            del file[f'layers/{place}/vars'].attrs['name']
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not [k for k, v in KerasFileEditor(path).object_metadata.items() if k.startswith('layers')]
