"""`del model` frees what the model held, at once: without Python's collector, without clear_session."""

import gc
import weakref

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.callbacks import History
from fastkeras.models import Model, Sequential

X, Y = np.zeros((4, 600), 'f4'), np.zeros((4, 3), 'f4')


class OwnStep(Model):
    def __init__(self):
        super().__init__()
        self.wide, self.end = layers.Dense(600), layers.Dense(3)

    def call(self, x):
        return self.end(self.wide(x))

    def train_step(self, data):
        return super().train_step(data)


def sequential():
    return Sequential([layers.Dense(600, activation='relu', input_shape=(600,)), layers.BatchNormalization(), layers.Dense(3)])


def functional():
    x = layers.Input((600,))
    return Model(x, layers.Dense(3)(layers.Dense(600)(x)))


def nested():
    return Sequential([functional()])


def trained(model):
    model.compile('adam', 'mse', metrics=['mae'])
    model.fit(X, Y, verbose=0, validation_data=(X, Y))
    model.evaluate(X, Y, verbose=0)
    model.predict(X)


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize('make', [sequential, functional, nested, OwnStep])
@pytest.mark.parametrize('use', [lambda model: model(X), lambda model: model.predict(X), trained])
def test_weights_go_with_the_model(make, use, no_collector):
    model = make()
    use(model)
    kept = [weakref.ref(v) for v in model.weights]
    del model
    assert [r for r in kept if r() is not None] == []


@pytest.mark.parametrize('make', [sequential, functional, OwnStep])
def test_a_small_model_is_in_no_circle_itself(make, no_collector, monkeypatch):
    monkeypatch.setattr('fastkeras.layers.session._MUCH', 1 << 60)
    model = make()
    trained(model)
    known = weakref.ref(model)
    del model
    assert known() is None


def test_what_others_hold_stays():
    model = functional()
    wanted = model.predict(X)
    tensor, layer = model.output, model.layers[1]
    del model
    assert layer.output.shape == (None, 600) and Model(layer.input, tensor).predict(X).tobytes() == wanted.tobytes()


def test_history_knows_its_model_and_the_model_its_history():
    model = functional()
    assert model.history is None
    model.compile('sgd', 'mse')
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert model.history is history and history.model is model
    known = weakref.ref(model)
    del model
    assert history.model is known()                     # who holds the history holds the model
    model, losses = history.model, history.history['loss']
    del history
    assert type(model.history) is History and model.history.epoch == [0, 1]
    assert model.history.history['loss'] == losses and model.history.model is model


def test_history_of_a_fit_that_failed():
    model = functional()
    model.compile('sgd', 'mse')

    class Fails(History):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError('stopped')

    with pytest.raises(RuntimeError, match='stopped'):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[Fails()])
    assert model.history.epoch == [0]


def test_a_history_of_ones_own_is_kept_as_given():
    model = functional()
    model.history = kept = [1, 2]
    assert model.history is kept
