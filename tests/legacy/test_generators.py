"""fit_generator and its kin belong to models, and to nothing below."""
import subprocess
import sys

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.legacy.generators import Generators
from fastkeras.models import Model, Sequential


def batches():
    while True:
        yield np.ones((4, 3), 'float32'), np.ones((4, 1), 'float32')


def test_models_alone_bring_them():
    code = 'from fastkeras.models import Model; print(Model.fit_generator.__module__)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'fastkeras.legacy.generators'
    assert issubclass(Model, Generators)


def test_they_are_fit_evaluate_and_predict():
    model = Sequential([Dense(1, input_shape=(3,), kernel_initializer='ones')])
    model.compile('sgd', 'mse')
    assert model.evaluate_generator(batches(), 2) == model.evaluate(batches(), steps=2, verbose=0) == 4.0
    np.testing.assert_array_equal(model.predict_generator(batches(), 2), np.full((8, 1), 3, 'float32'))
    assert len(model.fit_generator(batches(), 3, 2, verbose=0).epoch) == 2


def test_the_word_of_keras_1_in_fit():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile('sgd', 'mse')
    x, y = next(batches())
    with pytest.warns(UserWarning, match='nb_epoch') as seen:
        assert len(model.fit(x, y, nb_epoch=2, verbose=0).epoch) == 2
    assert seen[0].filename == __file__
    with pytest.raises(TypeError, match='epochs'):
        model.fit(x, y, nb_epoch=2, epochs=3, verbose=0)
