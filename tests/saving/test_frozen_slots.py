"""Layers that were frozen behind `compile`: their slots stand in the file, the others' go on."""

import warnings

import numpy as np
import pytest

from fastkeras import generation, optimizers
from fastkeras.layers import BatchNormalization, Dense, Input
from fastkeras.models import Model, Sequential, load_model

X = np.random.default_rng(0).random((16, 4)).astype('float32')
Y = X[:, :2] * 2


def network():
    x = Input((4,))
    inner = Sequential([Dense(4, input_shape=(4,)), BatchNormalization()], name='inner')
    return Model(x, Dense(2, name='last')(Dense(4, name='middle')(inner(x))))


def trained(optimizer):
    model = network()
    model.compile(optimizer, 'mse')
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    return model


MAKERS = {'adam': lambda: optimizers.Adam(0.01), 'amsgrad': lambda: optimizers.Adam(amsgrad=True), 'nadam': optimizers.Nadam,
          'sgd': lambda: optimizers.SGD(0.01, momentum=0.9), 'rmsprop': lambda: optimizers.RMSprop(momentum=0.5),
          'averaged': lambda: optimizers.Adam(use_ema=True)}


@pytest.mark.parametrize('number', [2, 3])
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
@pytest.mark.parametrize('name', MAKERS)
def test_training_goes_on_bitwise(tmp_path, name, ending, number):
    with generation.scope(number), warnings.catch_warnings():
        warnings.simplefilter('error')
        warnings.filterwarnings('ignore', message='.*HDF5.*')
        model = trained(MAKERS[name]())
        model.get_layer('inner').trainable = False
        model.save(tmp_path / f'm{ending}')
        again = load_model(tmp_path / f'm{ending}')
        assert len(again.trainable_weights) == 4 and again.optimizer._iterations.numpy() == 2
        old = model.optimizer
        kept = {name: [slot for slot, v in zip(slots, old._trainable_variables) if v.name.startswith(('middle', 'last'))]
                for name, slots in old._slots.items()}
        for slot, found in kept.items():
            for mine, v in zip(again.optimizer._slots[slot], found, strict=True):
                assert (mine is None) == (v is None)
                if v is not None:
                    np.testing.assert_array_equal(mine.numpy(), v.numpy())
        before = [w.copy() for w in again.get_layer('inner').get_weights()]
        again.fit(X, Y, shuffle=False, verbose=0)
        for a, b in zip(before, again.get_layer('inner').get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_as_in_memory(tmp_path, ending):
    """With plain SGD and momentum, training on by hand gives the same bits."""
    with generation.scope(3):
        model = trained(optimizers.SGD(0.01, momentum=0.9))
        model.get_layer('inner').trainable = False
        model.save(tmp_path / f'm{ending}')
        again = load_model(tmp_path / f'm{ending}')
        old = model.optimizer
        state = {v.name: s.numpy() for v, s in zip(old._trainable_variables, old._slots['momentum'])}
        model.compile(optimizers.SGD(0.01, momentum=0.9), 'mse')
        model.optimizer.build(model.trainable_weights)
        for v, s in zip(model.optimizer._trainable_variables, model.optimizer._slots['momentum']):
            s.assign(state[v.name])
        histories = [m.fit(X, Y, epochs=3, shuffle=False, verbose=0).history for m in (model, again)]
        assert histories[0] == histories[1]
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_of_other_shapes_begins_anew(tmp_path):
    import h5py
    with generation.scope(3):
        model = trained(optimizers.Adam())
        model.get_layer('inner').trainable = False
        model.save(tmp_path / 'm.h5')
        with h5py.File(tmp_path / 'm.h5', 'a') as file:
            group = file['optimizer_weights']
            group.attrs['weight_names'] = group.attrs['weight_names'][:-1]
        with pytest.warns(UserWarning, match=r'could not be restored.*expected 10 arrays'):
            again = load_model(tmp_path / 'm.h5')
        assert again.optimizer._iterations.numpy() == 0
