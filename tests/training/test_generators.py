"""fit_generator and its siblings give what fit, evaluate and predict give."""

import numpy as np
import pytest

from fastkeras.utils import Sequence

from .models_for_tests import X, Y, regressor


class Batches(Sequence):
    def __getitem__(self, k):
        return X[8 * k:8 * k + 8], Y[8 * k:8 * k + 8]

    def __len__(self):
        return 5


def forever():
    while True:
        yield from Batches()


def test_they_agree_with_fit_evaluate_and_predict():
    a, b = regressor(), regressor()
    want = a.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y)).history
    got = b.fit_generator(forever(), 5, 2, verbose=0, validation_data=forever(), validation_steps=5, workers=2,
                          max_queue_size=3).history
    for name in ('loss', 'val_loss'):
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5)
    assert b.evaluate_generator(forever(), 5) == pytest.approx(a.evaluate(X, Y, verbose=0), rel=1e-5)
    assert b.evaluate_generator(Batches()) == pytest.approx(a.evaluate(X, Y, verbose=0), rel=1e-5)
    np.testing.assert_allclose(b.predict_generator(forever(), steps=5), a.predict(X), rtol=1e-4, atol=1e-6)
    assert b.fit_generator(Batches(), epochs=3, initial_epoch=2, verbose=0).epoch == [2]


def test_a_generator_needs_a_number_of_steps():
    model = regressor()
    with pytest.raises(ValueError, match='steps_per_epoch'):
        model.fit_generator(forever(), verbose=0)
    with pytest.raises(ValueError, match='steps'):
        model.evaluate_generator(forever())
    with pytest.raises(ValueError, match='steps'):
        model.predict_generator(forever())


def test_words_of_keras_1():
    with pytest.warns(UserWarning, match='fit_generator'):
        history = regressor().fit_generator(forever(), samples_per_epoch=5, nb_epoch=2, verbose=0)
    assert len(history.history['loss']) == 2
