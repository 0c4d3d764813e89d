"""A training that was saved goes on as if it had never stopped, whoever saved it."""

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastkeras import generation, optimizers
from fastkeras.layers import BatchNormalization, Dense, Dropout, Embedding, Flatten, Input
from fastkeras.models import Model, Sequential, load_model
from fastkeras.saving import legacy_h5
from tests.parity import resume_cases
from tests.saving.test_old_weights import GRU_GATES, LSTM_GATES, by_gates

h5py = pytest.importorskip('h5py')
PARITY = Path(__file__).parent.parent / 'parity'
X = np.random.default_rng(0).integers(0, 5, (16, 3))
Y = np.random.default_rng(1).standard_normal((16, 2)).astype('float32')

ALL = {name: getattr(optimizers, name) for name in (
    'SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adam', 'Adamax', 'Nadam', 'AdamW', 'Ftrl', 'Lion', 'Lamb', 'Adafactor', 'Muon',
    'ScheduleFreeAdamW')}
MORE = {
    'momentum': lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True), 'amsgrad': lambda: optimizers.Adam(amsgrad=True),
    'centered': lambda: optimizers.RMSprop(momentum=0.5, centered=True), 'clipped': lambda: optimizers.Adam(clipnorm=0.1),
    'schedule': lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)),
    'averaged': lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=3),
    'accumulated': lambda: optimizers.Adam(gradient_accumulation_steps=2),
    'decayed': lambda: optimizers.Nadam(weight_decay=0.01),
    'scaled': lambda: optimizers.LossScaleOptimizer(optimizers.Adam(), initial_scale=4.0, dynamic_growth_steps=3)}


def network():
    """Layers of equal shapes, random ones, and state that is not trained."""
    a = Input((3,), dtype='int32')
    x = Flatten()(Embedding(5, 4)(a))
    for k in range(2):
        x = Dropout(0.3)(BatchNormalization()(Dense(12, activation='tanh', name=f'd{k}')(x)))
    return Model(a, Dense(2)(x))


@pytest.mark.parametrize('form', [2, 3])
@pytest.mark.parametrize('name', [*ALL, *MORE])
def test_training_goes_on_bitwise(tmp_path, name, form):
    with generation.scope(form), warnings.catch_warnings():
        warnings.simplefilter('error')
        warnings.filterwarnings('ignore', message='.*HDF5.*')
        model = network()
        model.compile(ALL.get(name, MORE.get(name))(), 'mse')
        model.fit(X, Y, batch_size=5, epochs=2, verbose=0)
        for k in range(3):
            model.train_on_batch(X[k:], Y[k:])
        model.save(tmp_path / 'm.h5')
        again = load_model(tmp_path / 'm.h5')
        assert type(again.optimizer) is type(model.optimizer)
        for k in range(4):
            assert again.train_on_batch(X[k:], Y[k:]) == model.train_on_batch(X[k:], Y[k:])
        assert (again.fit(X, Y, batch_size=5, initial_epoch=2, epochs=4, verbose=0).history
                == model.fit(X, Y, batch_size=5, initial_epoch=2, epochs=4, verbose=0).history)
        for a, b in zip(again.get_weights(), model.get_weights()):
            np.testing.assert_array_equal(a, b)


# ---- files of others, see parity/record_resume.py

def recorded(which):
    return json.loads((PARITY / f'resume_{which}.json').read_text())


def as_file(said):
    """The HDF5 file of a recorded one."""
    file = h5py.File(io.BytesIO(), 'w')
    for name, value in said.items():
        if isinstance(value, str):
            file.attrs[name] = value
    for place in 'model_weights/a', 'model_weights/b', 'optimizer_weights':
        group = file.create_group(place)
        legacy_h5.write_names(group, 'weight_names', [n for n, _, _ in said[place]])
        for name, dtype, value in said[place]:
            group.create_dataset(name, data=np.array(value, dtype))
    legacy_h5.write_names(file['model_weights'], 'layer_names', ['a', 'b'])
    for name in 'keras_version', 'backend':
        file['model_weights'].attrs[name] = said[name]
    return file


@pytest.mark.parametrize('which', ['keras224', 'tf_keras', 'keras3'])
@pytest.mark.parametrize('name', resume_cases.OPTIMIZERS)
def test_trainings_of_others_go_on(which, name):
    if (which, name) == ('tf_keras', 'nadam'):
        pytest.skip('its product of factors grows with the number of weights in a compiled step, and no file has it')
    said = recorded(which)[name]
    with as_file(said) as file, warnings.catch_warnings():
        warnings.simplefilter('error')
        model = load_model(file)
    x, y = resume_cases.data()
    np.testing.assert_allclose([model.train_on_batch(x, y) for _ in said['losses']], said['losses'], rtol=2e-6)


def test_names_tell_slots_of_equal_shapes_apart():
    """tf.keras keeps the slots of a weight together, Keras 2 the weights of a slot; shapes alone do not tell."""
    said = recorded('tf_keras')['adamax']
    with as_file(said) as file:
        model = load_model(file)
    first = {n: value for n, _, value in said['optimizer_weights']}
    for k, weight in enumerate(('a/kernel', 'a/bias', 'b/kernel', 'b/bias')):
        for slot, theirs in ('momentum', 'm'), ('norm', 'u'):
            np.testing.assert_array_equal(model.optimizer._slots[slot][k].numpy(),
                                          np.float32(first[f'Adamax/{theirs}/{weight}:0']))


# ---- what does not fit

def test_all_or_nothing(tmp_path):
    model = network()
    model.compile('adam', 'mse')
    model.train_on_batch(X, Y)
    model.save(tmp_path / 'm.h5')
    with h5py.File(tmp_path / 'm.h5', 'r+') as file:
        place = 'optimizer_variables' if 'optimizer_variables' in file else 'optimizer_weights'
        last = file[place].attrs['weight_names'][-1]
        shape = file[place][last].shape
        del file[place][last]
        file[place].create_dataset(last, data=np.zeros((*shape, 2)))
    with pytest.warns(UserWarning, match='the state of the optimizer could not be restored'):
        again = load_model(tmp_path / 'm.h5')
    assert all((v.numpy() == 0).all() for name in ('momentum', 'velocity') for v in again.optimizer._slots[name])
    assert int(again.optimizer.iterations.numpy()) == 0


# ---- the state of Keras 1, which has the shapes of its weights

@pytest.mark.parametrize('kind, gates', [('LSTM', LSTM_GATES), ('GRU', GRU_GATES)])
def test_keras_1(tmp_path, kind, gates):
    from fastkeras import layers
    model = Sequential([layers.Conv1D(4, 3, input_shape=(6, 3), name='c'), getattr(layers, kind)(3, name='r'),
                        Dense(2, name='d')])
    model.compile('adam', 'mse')
    x = np.random.default_rng(2).standard_normal((4, 6, 3)).astype('float32')
    for _ in range(3):
        model.train_on_batch(x, Y[:4])

    def old(values):
        return [values[0][:, None], values[1], *by_gates(values[2:5], gates), *values[5:]]
    model.save(tmp_path / 'm.h5')
    slots = [[v.numpy() for v in model.optimizer._slots[name]] for name in ('momentum', 'velocity')]
    state = [np.float32(3), *old(slots[0]), *old(slots[1])]
    with h5py.File(tmp_path / 'm.h5', 'r+') as file:
        for name in 'optimizer_weights', 'optimizer_variables', 'model_weights', legacy_h5.STATE:
            if name in file:
                del file[name]
        group, k = file.create_group('model_weights'), 0
        legacy_h5.write_names(group, 'layer_names', 'crd')
        weights = old(model.get_weights())
        for layer, count in ('c', 2), ('r', 3 * len(gates)), ('d', 2):
            inner = group.create_group(layer)
            names = [f'{layer}_{j}' for j in range(count)]
            legacy_h5.write_names(inner, 'weight_names', names)
            for j, n in enumerate(names):
                inner[n] = weights[k + j]
            k += count
        group = file.create_group('optimizer_weights')
        legacy_h5.write_names(group, 'weight_names', [f'param_{j}' for j in range(len(state))])
        for j, value in enumerate(state):
            group[f'param_{j}'] = value
        file.attrs['keras_version'] = '1.2.2'
        del file.attrs['backend']
    again = load_model(tmp_path / 'm.h5')
    for _ in range(3):
        assert again.train_on_batch(x, Y[:4]) == model.train_on_batch(x, Y[:4])


@pytest.mark.parametrize('form', [2, 3])
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_a_training_that_has_not_begun(tmp_path, form, ending):
    """There is nothing to restore, and nothing to warn of; of slots that are missing there is."""
    with generation.scope(form), warnings.catch_warnings():
        warnings.simplefilter('error')
        warnings.filterwarnings('ignore', message='.*HDF5.*')
        model = network()
        model.compile('adam', 'mse')
        model.save(tmp_path / f'm{ending}')
        again = load_model(tmp_path / f'm{ending}')
        assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)
    if ending == '.h5' and form == 3:
        with h5py.File(tmp_path / 'm.h5', 'a') as file:
            file['optimizer_weights/adam/iteration'][()] = 3
        with generation.scope(form), pytest.warns(UserWarning, match='begins anew'):
            load_model(tmp_path / 'm.h5')
