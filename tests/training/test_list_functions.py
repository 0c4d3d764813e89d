"""Functions of lists of arrays, as models of Keras 2 have them inside."""

import warnings

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential

X, Y = np.ones((4, 2), 'float32'), np.ones((4, 1), 'float32')


def _model():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile('sgd', 'mse')
    return model


@pytest.mark.parametrize('kind, method', [('train', 'fit'), ('test', 'evaluate')])
def test_a_function_in_the_place_of_ours_is_warned_of(kind, method):
    model = _model()
    getattr(model, f'_make_{kind}_function')()
    setattr(model, f'{kind}_function', lambda inputs: [0.0])
    with pytest.warns(UserWarning, match=f'{method} of model .* does not call the {kind}_function that was set'):
        getattr(model, method)(X, Y, verbose=0)


@pytest.mark.parametrize('make', ['_make_train_function', 'make_train_function'])
def test_our_own_are_not(make):
    model = _model()
    getattr(model, make)()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        model.fit(X, Y, verbose=0)
        model.evaluate(X, Y, verbose=0)
    model.train_function = None
    model.fit(X, Y, verbose=0)
