"""Frozen models inside others stay frozen through configurations, files, pickles and clones."""

import pickle

import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import Dense, Input
from fastkeras.models import Model, Sequential, clone_model, load_model, model_from_json

X = np.random.default_rng(0).random((64, 4)).astype('float32')
Y = X.sum(axis=1, keepdims=True)


def stacked():
    return Sequential([Dense(3, input_shape=(4,)), Dense(3)], name='inner')


def functional():
    x = Input((4,))
    return Model(x, Dense(3)(Dense(3)(x)), name='inner')


def frozen(inner):
    inner.trainable = False
    x = Input((4,))
    model = Model(x, Dense(1)(inner(x)))
    model.compile('adam', 'mse')
    model.fit(X, Y, verbose=0)
    return model


@pytest.mark.parametrize('make', [stacked, functional])
@pytest.mark.parametrize('number', [2, 3])
def test_configurations_say_it(make, number):
    with generation.scope(number):
        model = frozen(make())
        for again in (model_from_json(model.to_json()), type(model).from_config(model.get_config()),
                      clone_model(model)):
            assert again.get_layer('inner').trainable is False
            assert len(again.trainable_weights) == 2 and len(again.weights) == 6
        whole = make()
        whole.trainable = False
        assert clone_model(whole).trainable is False
        assert model_from_json(whole.to_json()).trainable is False


@pytest.mark.parametrize('make', [stacked, functional])
def test_files_and_pickles_keep_it_and_the_state_of_the_optimizer(make, tmp_path):
    model = frozen(make())
    path = str(tmp_path / 'm.h5')
    model.save(path)
    others = [load_model(path), pickle.loads(pickle.dumps(model))]
    kept = [w.copy() for w in model.get_layer('inner').get_weights()]
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    for other in others:
        assert len(other.trainable_weights) == 2
        other.fit(X, Y, epochs=2, shuffle=False, verbose=0)
        for a, b in zip(model.get_weights(), other.get_weights()):
            np.testing.assert_array_equal(a, b)
        for a, b in zip(kept, other.get_layer('inner').get_weights()):
            np.testing.assert_array_equal(a, b)
