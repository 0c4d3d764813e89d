"""A training that goes on from a file does so as if it had not been interrupted, bit by bit."""

import copy
import warnings

import numpy as np
import pytest

from fastkeras import callbacks, ops, optimizers
from fastkeras.layers import Activation, Dense, Dropout, Input, Lambda
from fastkeras.models import Model, Sequential, load_model
from fastkeras.utils import Sequence, set_random_seed

h5py = pytest.importorskip('h5py')
X = np.random.default_rng(0).random((60, 3)).astype('float32')
Y = X[:, :1] * 2


class Batches(Sequence):
    def __len__(self):
        return 4

    def __getitem__(self, k):
        return X[15 * k:15 * k + 15], Y[15 * k:15 * k + 15]


def made(options):
    np.random.seed(3)
    options = dict(options)
    between = options.pop('between', lambda: Activation('relu'))
    inner = Sequential([Dense(8, input_shape=(3,)), between()])
    a = Input((3,))
    model = Model(a, Dense(1)(inner(a)))
    model.compile(optimizers.Adam(0.01, **options), 'mse')
    return model


CASES = [
    ({}, {'shuffle': True}), ({}, {'shuffle': 'batch'}), ({}, {'shuffle': False}),
    ({}, {'shuffle': True, 'steps_per_epoch': 3}),
    ({'use_ema': True, 'ema_momentum': 0.5}, {'shuffle': False}),
    ({'use_ema': True, 'ema_momentum': 0.5, 'ema_overwrite_frequency': 3}, {'shuffle': True}),
    ({'gradient_accumulation_steps': 3, 'amsgrad': True, 'weight_decay': 0.01}, {'shuffle': True}),
    ({'between': lambda: Dropout(0.5)}, {'shuffle': True}), ({'between': lambda: Dropout(0.5, seed=1)}, {'shuffle': False}),
    ({'between': lambda: Dropout(0.2)}, {'shuffle': 'batch'})]


def same(a, b):
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(u, v)


@pytest.mark.parametrize('options,how', CASES)
@pytest.mark.parametrize('way', ['file', 'copy', 'memory'])
def test_a_training_in_two_parts_is_that_in_one(tmp_path, options, how, way):
    whole = made(options)
    history = whole.fit(X, Y, epochs=5, batch_size=16, verbose=0, **how).history['loss']
    model = made(options)
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0, **how)
    if way == 'file':
        model.save(tmp_path / 'm.h5')
        model = load_model(tmp_path / 'm.h5')
        np.random.seed(99)      # another process
    elif way == 'copy':
        model = copy.copy(model)
    model.fit(X, Y, epochs=3, initial_epoch=2, batch_size=16, verbose=0, **how)
    if way == 'file':       # and again
        model.save(tmp_path / 'm.h5')
        model = load_model(tmp_path / 'm.h5')
    rest = model.fit(X, Y, epochs=5, initial_epoch=3, batch_size=16, verbose=0, **how).history['loss']
    assert rest == history[3:]
    same(whole, model)


def test_from_a_checkpoint(tmp_path):
    whole = made(CASES[7][0])
    save = callbacks.ModelCheckpoint(str(tmp_path / 'm{epoch}.h5'))
    whole.fit(X, Y, epochs=4, batch_size=16, verbose=0, callbacks=[save])
    for epoch in 1, 3:
        model = load_model(tmp_path / f'm{epoch}.h5')
        model.fit(X, Y, epochs=4, initial_epoch=epoch, batch_size=16, verbose=0)
        same(whole, model)


def test_two_trainings_with_a_file_between(tmp_path):
    """Without initial_epoch the second begins with the samples in order, as in Keras 2, but with the state of the first."""
    whole = made({})
    whole.fit(X, Y, epochs=2, verbose=0)
    whole.fit(X, Y, epochs=2, verbose=0)
    whole.fit(X, Y, epochs=1, verbose=0)
    model = made({})
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / 'm.h5')
    model = load_model(tmp_path / 'm.h5')
    before = np.random.get_state()[1].copy()
    model.fit(X, Y, epochs=2, verbose=0)
    model.fit(X, Y, epochs=1, verbose=0)
    same(whole, model)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_sequence(tmp_path):
    whole = made({})
    whole.fit(Batches(), epochs=4, verbose=0)
    model = made({})
    model.fit(Batches(), epochs=2, verbose=0)
    model.save(tmp_path / 'm.h5')
    np.testing.assert_array_equal(load_model(tmp_path / 'm.h5').predict(X), model.predict(X))


def test_compile_begins_anew_and_a_file_without_optimizer_holds_no_state(tmp_path):
    model = made({'between': lambda: Dropout(0.5)})
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / 'm.h5')
    with h5py.File(tmp_path / 'm.h5') as file:
        assert set(file) == {'model_weights', 'optimizer_weights', 'optimizer_variables', 'fastkeras_training_state'}
    new = load_model(tmp_path / 'm.h5')
    assert new._shuffling.random is not None
    new.compile('sgd', 'mse')
    assert new._shuffling is None
    model.save(tmp_path / 'n.h5', include_optimizer=False)
    with h5py.File(tmp_path / 'n.h5') as file:
        assert set(file) == {'model_weights'}


def test_a_state_that_does_not_fit_is_warned_of(tmp_path):
    model = made({'between': lambda: Dropout(0.5)})
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / 'm.h5')
    with h5py.File(tmp_path / 'm.h5', 'a') as file:
        file['fastkeras_training_state/seeds/1'] = np.zeros(2, 'int32')
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        load_model(tmp_path / 'm.h5')
    assert ['the random state of the training could not be restored' in str(w.message) for w in seen] == [True]


def test_averaged_weights_that_were_changed_stay():
    model = made({'use_ema': True, 'ema_momentum': 0.5})
    model.fit(X, Y, epochs=1, verbose=0, shuffle=False)
    zeros = [np.zeros_like(w) for w in model.get_weights()]
    model.set_weights(zeros)
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, epochs=2, initial_epoch=1, verbose=0, shuffle=False)
    assert all(not w.any() for w in model.optimizer.replaced)


def _noise(x):
    return x * ops.random_uniform((3,)) + ops.random_normal((3,))


def test_draws_without_a_seed_in_a_function_go_on(tmp_path):
    x = np.random.RandomState(0).rand(20, 3).astype('float32')
    y = x[:, :1]

    def network():
        set_random_seed(5)
        model = Sequential([Lambda(_noise, input_shape=(3,)), Dense(1)])
        model.compile('sgd', 'mse')
        return model
    whole = network()
    whole.fit(x, y, epochs=4, batch_size=8, verbose=0)
    first = network()
    first.fit(x, y, epochs=2, batch_size=8, verbose=0)
    first.save(tmp_path / 'm.h5')
    set_random_seed(6)
    second = load_model(tmp_path / 'm.h5', custom_objects={'_noise': _noise})
    second.fit(x, y, epochs=4, initial_epoch=2, batch_size=8, verbose=0)
    for a, b in zip(whole.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_each_draw_of_a_function_has_a_stream_that_other_plans_go_on_with():
    model = Sequential([Lambda(lambda x: ops.stack([x * 0 + ops.random_uniform((3,)) for _ in range(2)], 1),
                               input_shape=(3,))])
    drawn = [model.predict(np.zeros((n, 3)))[0] for n in (1, 2, 3, 1)]
    assert len(np.unique(np.concatenate(drawn))) == 4 * 2 * 3
