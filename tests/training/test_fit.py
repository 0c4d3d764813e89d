"""What fit, evaluate and predict do, where no recording of Keras is needed to know it."""


import gc
import weakref

import numpy as np
import pytest

from fastkeras import callbacks, ops, optimizers
from fastkeras.layers import Dense, Dropout, Flatten, Layer
from fastkeras.models import Model, Sequential
from fastkeras.utils.sequence import Sequence
from tests.training.models_for_tests import (
    ONE_HOT,
    X,
    Y,
    classifier,
    mse,
    regressor,
    same_weights,
    seeded,
    two_by_two,
)

R = X[:, :2]


# ---- models that learn their shape from data
@pytest.mark.parametrize('x', [X, [X], X.tolist()])
def test_deferred_models(x):
    model = Sequential([Dense(3, activation='relu'), Dense(1)])
    model.compile('sgd', 'mse', metrics=['mae'])
    assert model.metrics_names == ['loss']
    history = model.fit(x, Y, epochs=2, verbose=0)
    assert set(history.history) == {'loss', 'mean_absolute_error'} and model.metrics_names[1] == 'mean_absolute_error'
    assert Sequential([Dense(2)]).predict(x).shape == (40, 2)


class Own(Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.last, self.drop = Dense(4, activation='tanh'), Dense(1), Dropout(0.5)

    def call(self, inputs, training=None):
        return self.last(self.drop(self.hidden(inputs), training=training))


def test_classes_of_ones_own():
    model = Own()
    model.compile('sgd', 'mse')
    first = model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, epochs=20, batch_size=8, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < first
    np.testing.assert_array_equal(model.predict(X), model.predict(X, batch_size=7))


def test_losses_of_layers_count():
    class Penalty(Layer):
        def call(self, x):
            self.add_loss(0.5 * ops.mean(ops.square(x)))
            return x

    model = Sequential([Dense(1, input_shape=(4,)), Penalty()])
    model.compile('sgd', 'mse', metrics=['mse'])
    seeded(model)
    total, plain = model.evaluate(X, Y, batch_size=40, verbose=0)
    assert total - plain == pytest.approx(0.5 * np.mean(model.predict(X).astype('f8') ** 2), rel=1e-4)


def test_an_output_without_a_loss_is_not_asked_for():
    with pytest.warns(UserWarning, match="output 'kind' has no loss"):
        model = two_by_two(loss={'size': 'mse'})
    assert len(model.predict([X, R])) == 2
    with pytest.warns(UserWarning, match='not updated'):
        model.fit([X, R], Y, verbose=0)


# ---- fit
def test_histories_hold_python_floats():
    history = classifier(metrics=['accuracy']).fit(X, ONE_HOT, epochs=3, verbose=0, validation_split=0.25)
    assert history.epoch == [0, 1, 2] and history.history['val_accuracy'] == history.history['val_acc']
    assert all(type(v) is float for values in history.history.values() for v in values)
    model = classifier(metrics=['accuracy'])
    for values in (model.evaluate(X, ONE_HOT, verbose=0), model.train_on_batch(X, ONE_HOT)):
        assert [type(v) for v in values] == [float, float]
    assert model.evaluate(X, ONE_HOT, verbose=0, return_dict=True)['acc'] >= 0
    assert list(model.train_on_batch(X, ONE_HOT, return_dict=True)) == ['loss', 'acc']


@pytest.mark.parametrize('x, y', [(X, Y), (X.astype('f8'), Y.astype('f8')), (X.tolist(), Y.ravel().tolist()),
                                  (np.asfortranarray(X), Y), ([X], [Y]), (X, {'size': Y}), (X, Y[:, 0])])
def test_forms_of_data_train_alike(x, y):
    a, b = regressor(), regressor()
    a.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        b.train_on_batch(X[:32], Y[:32])
        b.train_on_batch(X[32:], Y[32:])
    same_weights(a, b)


def test_bytes_are_cast_in_the_plan():
    image = np.random.RandomState(0).randint(0, 256, (20, 3, 3, 1)).astype('uint8')
    models = [Sequential([Flatten(input_shape=(3, 3, 1)), Dense(1)]) for _ in range(2)]
    for model, x in zip(models, (image, image.astype('float32'))):
        model.compile('sgd', 'mse')
        seeded(model)
        model.optimizer.lr = 1e-6
        model.fit(x, np.ones(20), epochs=2, shuffle=False, verbose=0)
    same_weights(*models)
    np.testing.assert_allclose(models[0].predict(image), models[1].predict(image.astype('f8')), rtol=1e-6)


def test_the_last_share_validates():
    a, b = classifier(metrics=['acc']), classifier(metrics=['acc'])
    np.random.seed(0)
    first = a.fit(X, ONE_HOT, epochs=2, verbose=0, validation_split=0.25)
    np.random.seed(0)
    second = b.fit(X[:30], ONE_HOT[:30], epochs=2, verbose=0, validation_data=(X[30:], ONE_HOT[30:]))
    assert first.history == second.history


def test_validation_now_and_then():
    for freq, count in ((2, 2), ([1, 3, 5], 3)):
        h = regressor().fit(X, Y, epochs=5, verbose=0, validation_split=0.2, validation_freq=freq)
        assert len(h.history['val_loss']) == count and len(h.history['loss']) == 5


def test_steps_of_an_epoch_go_on_where_the_last_ended():
    a, b = regressor(), regressor()
    h = a.fit(X, Y, batch_size=10, epochs=2, steps_per_epoch=3, shuffle=False, verbose=0)
    for k in (0, 1, 2, 3, 0, 1):
        b.train_on_batch(X[10 * k:10 * k + 10], Y[10 * k:10 * k + 10])
    same_weights(a, b)
    assert len(h.epoch) == 2


def test_the_batch_size_is_32():
    sizes = []
    count = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: sizes.append(logs['size']))
    regressor().fit(X, Y, verbose=0, callbacks=[count])
    assert sizes == [32, 8]


def test_training_can_be_stopped_and_resumed():
    model = regressor()

    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    assert model.fit(X, Y, epochs=5, verbose=0, callbacks=[Stop()]).epoch == [0, 1]
    assert model.fit(X, Y, epochs=5, initial_epoch=2, verbose=0).epoch == [2, 3, 4]


def test_seeds_repeat_a_run():
    def run():
        np.random.seed(4)
        model = Sequential([Dense(8, activation='relu', input_shape=(4,)), Dropout(0.5), Dense(1)])
        model.compile('adam', 'mse')
        return model.fit(X, Y, epochs=3, verbose=0).history['loss']

    assert run() == run()


def test_dropout_acts_in_training_only():
    model = Sequential([Dropout(0.5, input_shape=(4,)), Dense(1)])
    model.compile(optimizers.SGD(lr=0.0), 'mse')
    seeded(model)
    assert model.test_on_batch(X, Y) == model.test_on_batch(X, Y) == pytest.approx(mse(model), rel=1e-5)
    assert len({model.train_on_batch(X, Y) for _ in range(4)}) == 4


def test_test_and_predict_hooks():
    seen = []
    names = [f'{w}_{t}' for w in ('test', 'test_batch', 'predict', 'predict_batch') for t in ('begin', 'end')]
    log = callbacks.LambdaCallback(**{f'on_{n}': (lambda *a, n=n: seen.append(n)) for n in names})
    model = regressor()
    model.evaluate(X, Y, verbose=0, callbacks=[log])
    one = ['test_begin', *['test_batch_begin', 'test_batch_end'] * 2, 'test_end']
    assert seen == one
    seen.clear()
    model.predict(X, callbacks=[log])
    assert seen == [s.replace('test', 'predict') for s in one]
    seen.clear()
    model.fit(X, Y, verbose=0, callbacks=[log], validation_data=(X, Y))
    assert seen == one


# ---- generators
class Batches(Sequence):
    def __init__(self, x=X, y=Y):
        super().__init__()
        self.x, self.y, self.ends = x, y, 0

    def __len__(self):
        return 4

    def __getitem__(self, k):
        return self.x[10 * k:10 * k + 10], self.y[10 * k:10 * k + 10]

    def on_epoch_end(self):
        self.ends += 1


def endless(*arrays):
    while True:
        for k in range(0, 40, 10):
            yield tuple(a[k:k + 10] for a in arrays)


def test_generators_and_sequences_train_as_arrays():
    models = [regressor(metrics=['mae']) for _ in range(4)]
    sequence = Batches()
    histories = [models[0].fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0),
                 models[1].fit(endless(X, Y), steps_per_epoch=4, epochs=2, verbose=0),
                 models[2].fit(sequence, epochs=2, shuffle=False, verbose=0),
                 models[3].fit(endless(X, Y, np.ones(40)), steps_per_epoch=4, epochs=2, verbose=0)]
    assert sequence.ends == 2
    for model, history in zip(models[1:], histories[1:]):
        same_weights(models[0], model)
        for name, values in histories[0].history.items():
            assert history.history[name] == pytest.approx(values, rel=1e-6)
    want = models[0].evaluate(X, Y, verbose=0)
    assert models[0].evaluate(endless(X, Y), steps=4, verbose=0) == pytest.approx(want, rel=1e-6)
    assert models[0].evaluate(Batches(), verbose=0) == pytest.approx(want, rel=1e-6)
    for source, steps in ((endless(X, Y), 4), (Batches(), None), (endless(X), 4), (iter([X[:15], X[15:]]), 2)):
        np.testing.assert_array_equal(models[0].predict(source, steps=steps), models[0].predict(X))


def test_a_sequence_is_shuffled_by_batches():
    model = regressor()
    order = []

    class Seen(Batches):
        def __getitem__(self, k):
            order.append(k)
            return super().__getitem__(k)

    np.random.seed(0)
    model.fit(Seen(), epochs=3, verbose=0)
    passes = [order[k:k + 4] for k in (0, 4, 8)]
    assert all(sorted(p) == [0, 1, 2, 3] for p in passes) and len({tuple(p) for p in passes}) > 1


def test_validation_by_generators():
    for data, steps in ((Batches(), None), (endless(X, Y), 4)):
        model = regressor()
        h = model.fit(Batches(), epochs=2, verbose=0, validation_data=data, validation_steps=steps)
        assert h.history['val_loss'][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-6)


def test_class_weights_of_generators():
    a, b = classifier(), classifier()
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    a.fit(endless(X, ONE_HOT), steps_per_epoch=4, verbose=0, class_weight=weights)
    b.fit(X, ONE_HOT, batch_size=10, shuffle=False, verbose=0, class_weight=weights)
    same_weights(a, b)


# ---- predict
def test_rows_do_not_depend_on_their_batch():
    model = classifier()
    whole = model.predict(X, batch_size=40)
    for size in (1, 7, 32):
        np.testing.assert_array_equal(model.predict(X, batch_size=size), whole)
    np.testing.assert_array_equal(model.predict(X[3:4]), whole[3:4])
    np.testing.assert_array_equal(model.predict_on_batch(X), whole)


def test_results_are_not_overwritten():
    model = classifier()
    model.predict(X[:3])
    first = model.predict(X[:3])
    copy = first.copy()
    model.predict(X[3:6])
    np.testing.assert_array_equal(first, copy)


def test_several_outputs_are_a_list():
    model = two_by_two()
    kind, size = model.predict({'left': X, 'right': R}, batch_size=9)
    assert kind.shape == (40, 3) and size.shape == (40, 1)


def test_signatures_are_forgotten_in_the_end():
    model = regressor()
    for n in range(1, 41):
        for size in (40, 41, 42):
            model.predict(X[:n], batch_size=size)
    assert len(model._quick) <= 64


@pytest.mark.parametrize('given', [{}, {'validation_split': 0.5}, {'validation_data': True}, {'shuffle': False},
                                   {'sample_weight': np.ones(64), 'validation_split': 0.25}])
def test_no_data_are_held_after_a_training(given):
    """Callbacks have the validation data while it runs only; the history, which a model keeps, would hold them all."""
    rng, seen = np.random.default_rng(0), []

    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.validation_data)

    class Fail(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyError('on purpose')

    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile('sgd', 'mse')
    x, y = rng.random((64, 3)).astype('float32'), rng.random((64, 1)).astype('float32')
    refs = [weakref.ref(x), weakref.ref(y)]
    if given.get('validation_data'):
        given = {'validation_data': (x, y)}
    look, fail = Look(), Fail()
    history = model.fit(x, y, verbose=0, callbacks=[look], **given)
    with pytest.raises(KeyError, match='on purpose'):
        model.fit(x, y, verbose=0, callbacks=[fail], **given)
    assert (seen.pop() is not None) == ('validation_split' in given or 'validation_data' in given)
    assert history.validation_data is look.validation_data is fail.validation_data is None
    del x, y, given
    gc.collect()
    assert [r() is None for r in refs] == [True, True]
