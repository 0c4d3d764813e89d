"""A model of float64 stays one through its configuration and file."""

import numpy as np
import pytest

from fastkeras import config, generation
from fastkeras.layers import Activation, Dense, Input
from fastkeras.models import Model, Sequential, load_model, model_from_json

X = np.random.default_rng(0).random((8, 4))


def stack():
    return Sequential([Dense(3, input_shape=(4,)), Activation('tanh'), Dense(1)])


def graph():
    x = Input((4,))
    return Model(x, Dense(1)(Activation('tanh')(Dense(3)(x))))


@pytest.mark.parametrize('make', [stack, graph])
@pytest.mark.parametrize('number', [2, 3])
@pytest.mark.parametrize('still', [True, False])
def test_float64(make, number, still, tmp_path):
    with generation.scope(number):
        config.set_floatx('float64')
        try:
            model = make()
            if still:
                text = model.to_json()
                model.save(tmp_path / 'm.h5')
        finally:
            config.set_floatx('float32')
        if not still:
            text = model.to_json()
            model.save(tmp_path / 'm.h5')
        again = model_from_json(text)
        assert {w.dtype for w in again.weights} == {'float64'}
        again.set_weights(model.get_weights())
        for other in (again, load_model(tmp_path / 'm.h5')):
            y = other.predict(X)
            assert y.dtype == np.float64
            np.testing.assert_array_equal(y, model.predict(X))


def test_the_default_is_not_written():
    assert 'dtype' not in Dense(2).get_config()
    assert Dense(2, dtype='float64').get_config()['dtype'] == 'float64'
