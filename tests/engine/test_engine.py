"""Names that programs for Keras 2 import from inside."""

import importlib

import h5py
import numpy as np
import pytest

import fastkeras as keras
from fastkeras import engine
from fastkeras.layers import LSTM, Conv1D, Conv2D, Dense


@pytest.mark.parametrize('part', ['base_layer', 'input_layer', 'network', 'saving', 'sequential', 'topology', 'training'])
def test_every_name_is_there(part):
    module = importlib.import_module(f'fastkeras.engine.{part}')
    assert module is getattr(engine, part) and module.__all__
    for name in module.__all__:
        assert callable(getattr(module, name)), name
    with pytest.raises(AttributeError):
        module.nothing  # noqa: B018


def test_groups_of_weights_go_to_a_file_and_back(tmp_path):
    from fastkeras.engine.saving import (
        load_attributes_from_hdf5_group,
        load_weights_from_hdf5_group,
        load_weights_from_hdf5_group_by_name,
        save_attributes_to_hdf5_group,
        save_weights_to_hdf5_group,
    )
    first, second = (keras.Sequential([Dense(3, input_shape=(4,), name='a'), Dense(2, name='b')]) for _ in range(2))
    with h5py.File(tmp_path / 'w.h5', 'w') as file:
        save_weights_to_hdf5_group(file, first.layers)
        save_attributes_to_hdf5_group(file, 'names', [b'one', 'two'])
    with h5py.File(tmp_path / 'w.h5') as file:
        assert load_attributes_from_hdf5_group(file, 'names') == ['one', 'two']
        load_weights_from_hdf5_group(file, second.layers)
        for a, b in zip(first.get_weights(), second.get_weights()):
            np.testing.assert_array_equal(a, b)
        third = keras.Sequential([Dense(2, input_shape=(3,), name='b')])
        load_weights_from_hdf5_group_by_name(file, third.layers)
        np.testing.assert_array_equal(third.get_weights()[0], first.get_weights()[2])


def test_weights_of_keras_1_and_of_theano_are_converted():
    from fastkeras.engine.topology import preprocess_weights_for_loading
    random = np.random.RandomState(0)
    lstm = LSTM(3)
    lstm.build((None, 5, 2))
    parts = {g: [random.rand(2, 3), random.rand(3, 3), random.rand(3)] for g in 'icfo'}     # the order of Keras 1
    kernel, recurrent, bias = preprocess_weights_for_loading(lstm, [w for g in 'icfo' for w in parts[g]], '1')
    for found, k in ((kernel, 0), (recurrent, 1), (bias, 2)):
        np.testing.assert_array_equal(found, np.concatenate([parts[g][k] for g in 'ifco'], axis=-1))
    conv = Conv1D(4, 3)
    conv.build((None, 7, 2))
    old = random.rand(3, 1, 2, 4)
    np.testing.assert_array_equal(preprocess_weights_for_loading(conv, [old, np.zeros(4)], '1')[0], old[:, 0])
    image = Conv2D(4, (3, 2))
    image.build((None, 7, 7, 2))
    kernel = random.rand(3, 2, 2, 4)
    found = preprocess_weights_for_loading(image, [kernel, np.zeros(4)], '2.1.0', 'theano')
    np.testing.assert_array_equal(found[0], kernel[::-1, ::-1])
    np.testing.assert_array_equal(preprocess_weights_for_loading(image, [kernel, np.zeros(4)], '2.1.0')[0], kernel)


def test_a_model_as_bytes():
    from fastkeras.engine.saving import pickle_model, unpickle_model
    model = keras.Sequential([Dense(3, input_shape=(4,))])
    x = np.random.rand(2, 4)
    np.testing.assert_array_equal(unpickle_model(pickle_model(model)).predict(x), model.predict(x))
