"""What layers report of a training: Metrics of theirs, add_loss, add_metric; and results that are dicts."""

import numpy as np
import pytest

from fastkeras import layers, metrics, models, ops, regularizers
from fastkeras.layers import Dense, Input, collect_losses
from fastkeras.models import Model

X = np.random.default_rng(0).standard_normal((40, 3)).astype('float32')
Y = X[:, :1] * 2


class Watched(layers.Layer):
    """A Dense that tells the mean size of what it gives, and is penalised for it."""

    def __init__(self, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.dense = layers.Dense(4)
        self.size = metrics.Mean(name='act')

    def call(self, x, training=None):
        y = self.dense(x)
        self.size.update_state(ops.abs(y))
        if self.rate and training is not False:
            self.add_loss(self.rate * ops.sum(ops.square(y)))
        return y


def watched_model(rate=0.0):
    a = layers.Input((3,))
    model = models.Model(a, layers.Dense(1)(Watched(rate, name='watched')(a)))
    model.compile('sgd', 'mse', metrics=['mae'])
    return model


def test_a_metric_kept_by_a_layer_reaches_the_history():
    model = watched_model()
    watched, before = model.get_layer('watched'), len(model.weights)
    assert model.metrics_names[-1] == 'act'
    model.predict(X)        # leaves something in the metric, which the first epoch must not count
    model.optimizer.learning_rate = 0.0
    history = model.fit(X, Y, epochs=2, batch_size=16, verbose=0, validation_data=(X[:8], Y[:8])).history
    y = np.abs(watched.dense(X)).mean(axis=1)
    np.testing.assert_allclose(history['act'], [y.mean()] * 2, rtol=1e-5)
    np.testing.assert_allclose(history['val_act'], [y[:8].mean()] * 2, rtol=1e-5)
    named = model.evaluate(X[:8], Y[:8], verbose=0, return_dict=True)
    np.testing.assert_allclose(named['act'], y[:8].mean(), rtol=1e-5)
    assert len(model.weights) == before == 4        # the state of a metric is no weight


def test_metrics_of_a_model_of_ones_own_and_names_that_are_taken():
    class Own(models.Model):
        def __init__(self):
            super().__init__()
            self.inner = [Watched(), Watched()]
            self.m = metrics.Mean(name='loss')
            self.out = layers.Dense(1)

        def call(self, x):
            for layer in self.inner:
                x = layer(x)
            self.m.update_state(x)
            return self.out(x)

    model = Own()
    model.compile('sgd', 'mse')
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert set(history) == {'loss', 'loss_1', 'act', 'act_1'}
    assert all(len(v) == 2 and np.isfinite(v).all() for v in history.values())


def test_what_is_reported_in_training_alone_keeps_its_name():
    class Adds(layers.Layer):
        def call(self, x, training=None):
            self.add_metric(ops.sum(x) * 0 + (1.0 if training else 2.0), 'training' if training else 'testing')
            self.add_metric(ops.sum(x) * 0 + 3.0, 'both')
            return x

    model = models.Sequential([Adds(), layers.Dense(1)])
    model.compile('sgd', 'mse')
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y)).history
    assert history['training'][1] == 1 and history['val_testing'][1] == 2
    assert history['both'][1] == history['val_both'][1] == 3
    assert np.isnan(history['val_training'][1]) and 'testing' not in history


def test_losses_added_in_a_call_are_listed():
    model = watched_model(0.5)
    watched = model.get_layer('watched')
    model(X, training=True)
    expected = 0.5 * np.sum(np.square(watched.dense(X)))
    for owner in model, watched:
        np.testing.assert_allclose(owner.losses, [expected], rtol=1e-5)
    model(X, training=False)
    assert model.losses == watched.losses == []
    model(X[:7], training=True)
    np.testing.assert_allclose(model.losses, [0.5 * np.sum(np.square(watched.dense(X[:7])))], rtol=1e-5)
    assert model.layers[-1].losses == []


def test_losses_of_a_layer_alone_with_penalties():
    layer = layers.Dense(2, kernel_regularizer=regularizers.l2(0.1), activity_regularizer=regularizers.l1(0.01))
    y = layer(X)
    penalty = 0.01 * np.abs(y).sum()
    found = sorted(float(v) for v in layer.losses)
    kernel = 0.1 * np.square(layer.get_weights()[0]).sum()
    assert len(found) == 2 and any(np.isclose(penalty / n, v, rtol=1e-4) for n in (1, len(X)) for v in found)
    assert any(np.isclose(kernel, v, rtol=1e-5) for v in found)
    np.testing.assert_allclose([float(v) for v in layer.get_losses_for(None)], [kernel], rtol=1e-5)
    with collect_losses() as collected:
        layer(X)
    np.testing.assert_allclose(sorted(float(v) for v in collected), found, rtol=1e-6)


def dict_model(kind):
    if kind == 'functional':
        a = layers.Input((3,))
        model = models.Model(a, {'p': layers.Dense(1, name='one')(a), 'q': layers.Dense(2, name='two')(a)})
    else:
        class Own(models.Model):
            def __init__(self):
                super().__init__()
                self.one, self.two = layers.Dense(1), layers.Dense(2)

            def call(self, x):
                return {'p': self.one(x), 'q': self.two(x)}
        model = Own()
    model.compile('sgd', {'p': 'mse', 'q': 'mae'}, metrics={'q': ['mae']})
    return model


@pytest.mark.parametrize('kind', ['functional', 'own'])
def test_dicts_of_outputs(kind):
    model = dict_model(kind)
    targets = {'q': np.repeat(Y, 2, axis=1), 'p': Y}
    history = model.fit(X, targets, epochs=1, verbose=0, validation_split=0.5).history
    assert {'p_loss', 'q_loss', 'val_q_mae'} <= {k.replace('mean_absolute_error', 'mae') for k in history}
    for _ in range(3):      # also the short way of a batch seen before
        for y in model.predict(X), model.predict(X[:5]), model.predict_on_batch(X), model(X):
            assert list(y) == ['p', 'q'] and y['p'].shape[1:] == (1,) and y['q'].shape[1:] == (2,)
    np.testing.assert_array_equal(model.predict(X)['q'], model(X)['q'])
    result = model.evaluate(X, targets, verbose=0, return_dict=True)
    np.testing.assert_allclose(result['p_loss'], np.square(model.predict(X)['p'] - Y).mean(), rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(X, targets)[0], result['loss'], rtol=1e-5)


def test_tensors_appended_to_metrics_tensors():
    """As loops for Keras 2 report the parts of a loss."""
    a = Input((3,))
    h = Dense(2)(a)
    model = Model(a, Dense(1)(h))
    model.compile('sgd', 'mse')
    model.metrics_names.append('size')
    model.metrics_tensors.append(h * h)
    x = np.ones((8, 3), 'float32')
    history = model.fit(x, x[:, :1], epochs=1, batch_size=8, verbose=0).history
    assert list(history) == ['loss', 'size'] and history['size'][0] > 0
    model.metrics_tensors.append(h)
    with pytest.raises(ValueError, match='expected as many names appended to metrics_names'):
        model.fit(x, x[:, :1], verbose=0)


def test_losses_of_a_described_model_are_known_before_it_is_called():
    a = Input((3,))
    h = Dense(2, kernel_regularizer='l2', activity_regularizer='l1')(a)
    model = Model(a, Dense(1)(h))
    assert len(model.losses) == 2
    model.add_loss(ops.mean(h))
    assert len(model.losses) == 3
    value = [float(v) for v in model.losses[-1:]]
    assert value == pytest.approx([0.01 * np.sum(model.layers[1].kernel.numpy() ** 2)], rel=1e-5)


def test_errors_of_functions_name_them_and_the_output():
    def broken(y, p):
        return {}['key']

    def shapes(y, p):
        return ops.matmul(y, p) + ops.zeros((7, 9))

    a = Input((3,))
    model = Model(a, Dense(1, name='size')(a))
    x = np.ones((8, 3), 'float32')
    for kwargs, kind, words in (({'loss': broken}, KeyError, "in the loss 'broken' of output 'size'"),
                                ({'loss': 'mse', 'metrics': [broken]}, KeyError, "in the metric 'broken' of output 'size'"),
                                ({'loss': shapes}, ValueError, "the loss 'shapes' of output 'size': ")):
        model.compile('sgd', **kwargs)
        with pytest.raises(kind) as caught:
            model.fit(x, x[:, :1], verbose=0)
        assert words in str(caught.value) + ' '.join(getattr(caught.value, '__notes__', ()))


def test_a_generator_that_gives_none_is_said_with_its_batch():
    model = Model(a := Input((3,)), Dense(1)(a))
    model.compile('sgd', 'mse')
    x = np.ones((8, 3), 'float32')
    for workers in (0, 1):
        with pytest.raises(ValueError, match=r'should be a tuple .*gave None \(in batch 3 of 4 of the generator\)'):
            model.fit(iter([(x, x[:, :1])] * 2 + [None, None]), steps_per_epoch=4, verbose=0, workers=workers)
