"""Steps that a user's class defines: as the guides of Keras 3 and tf.keras write them."""

import numpy as np
import pytest

import fastkeras
from fastkeras import GradientTape, config, layers, losses, metrics, ops, optimizers, value_and_grad
from fastkeras.callbacks import LambdaCallback
from fastkeras.layers import BatchNormalization, Dense, Dropout, Input
from fastkeras.models import Model, Sequential
from fastkeras.training.compiled import NotCompiledError

RNG = np.random.RandomState(0)
X = RNG.rand(40, 3).astype('float32')
Y = X.sum(1, keepdims=True)
W = RNG.rand(40).astype('float32')


def graph(cls, *more, outputs=1, **kwargs):
    a = Input((3,))
    h = Dense(4, activation='tanh', name='h')(a)
    for layer in more:
        h = layer(h)
    ends = [Dense(1, name=f'out{k}')(h) for k in range(outputs)]
    return cls(a, ends if outputs > 1 else ends[0], **kwargs)


def twins(cls, *more, **kwargs):
    """(model of a class with own steps, the same without)."""
    own, plain = graph(cls, *more, **kwargs), graph(Model, *[type(m).from_config(m.get_config()) for m in more], **kwargs)
    plain.set_weights(own.get_weights())
    return own, plain


class Tape(Model):
    """The step of the guide."""

    def train_step(self, data):
        x, y = data
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == 'loss':
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


class Older(Model):
    """As for tf.keras."""

    def train_step(self, data):
        x, y = data
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        self.compiled_metrics.update_state(y, y_pred)
        return {'loss': loss, **{m.name: m.result() for m in self.compiled_metrics.metrics}}


class Called(Model):
    """Nothing but calls of what it inherits."""

    def train_step(self, data):
        return super().train_step(data)

    def test_step(self, data):
        return super().test_step(data)

    def predict_step(self, data):
        return super().predict_step(data)


class Stateless(Model):
    """As for Keras on JAX."""

    def compute_loss_and_updates(self, trainable, rest, x, y, training=False):
        y_pred, rest = self.stateless_call(trainable, rest, x, training=training)
        return self.compute_loss(x, y, y_pred), (y_pred, rest)

    def train_step(self, state, data):
        trainable, rest, slots, measured = state
        x, y = data
        (loss, (y_pred, rest)), grads = value_and_grad(self.compute_loss_and_updates, has_aux=True)(
            trainable, rest, x, y, training=True)
        trainable, slots = self.optimizer.stateless_apply(slots, grads, trainable)
        new, logs = [], {}
        for metric in self.metrics:
            own = measured[len(new):len(new) + len(metric.variables)]
            own = (metric.stateless_update_state(own, loss) if metric.name == 'loss' else
                   metric.stateless_update_state(own, y, y_pred))
            logs[metric.name] = metric.stateless_result(own)
            new += own
        return logs, (trainable, rest, slots, new)


@pytest.mark.parametrize('eager', [False, True])
@pytest.mark.parametrize('cls', [Tape, Older, Called, Stateless])
def test_the_steps_of_the_guides_train_as_compile_does(cls, eager):
    if eager and cls is Stateless:
        pytest.skip('its state is that of a trace')
    own, plain = twins(cls, BatchNormalization())
    for model, kwargs in ((own, {'run_eagerly': eager}), (plain, {})):
        model.compile(optimizers.SGD(0.05, momentum=0.9), 'mse', metrics=['mae'], **kwargs)
    a, b = (m.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y)).history
            for m in (own, plain))
    assert set(a) == set(b)
    for name in b:
        if cls is Older and name == 'loss':     # the last batch's
            continue
        np.testing.assert_allclose(a[name], b[name], rtol=2e-5, err_msg=name)
    for v, w in zip(own.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(v, w, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(own.predict(X), plain.predict(X), rtol=1e-4, atol=1e-5)
    assert own.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx(plain.evaluate(X, Y, verbose=0, return_dict=True),
                                                                            rel=1e-4)


def test_sample_weights_masks_and_several_outputs():
    own, plain = twins(Called, outputs=2)
    for model in (own, plain):
        model.compile('sgd', ['mse', 'mae'], loss_weights=[1.0, 0.5], metrics=['mae'])
    given = [X, [Y, Y], {'sample_weight': [W, W], 'batch_size': 10, 'epochs': 2, 'shuffle': False, 'verbose': 0}]
    a, b = (m.fit(*given[:2], **given[2]).history for m in (own, plain))
    assert list(a) == ['loss', 'out0_mean_absolute_error', 'out1_mean_absolute_error', 'out0_loss', 'out1_loss']
    for name in b:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-4)
    assert own.evaluate(X, {'out0': Y, 'out1': Y}, verbose=0, return_dict=True)['loss'] == pytest.approx(
        plain.evaluate(X, [Y, Y], verbose=0)[0], rel=1e-4)
    for model in (own, plain):
        model.compile('sgd', {'out0': 'mse', 'out1': None})
    with pytest.raises(ValueError, match="the target of output 'out0' is missing"):
        own.train_on_batch(X, {'out1': Y})


def test_compute_loss_alone():
    class Own(Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            assert isinstance(training, bool)
            return ops.mean(ops.square(y_pred - y)) * 2.0 + sum(self.losses)

    class Short(Model):
        def compute_loss(self, x, y, y_pred, sample_weight):
            return 2.0 * super().compute_loss(x, y, y_pred, sample_weight)

    own, plain = twins(Own, Dense(3, kernel_regularizer='l2'))
    short, _ = twins(Short, Dense(3, kernel_regularizer='l2'))
    for model in (own, short, plain):
        model.compile('sgd', 'mse', loss_weights=[2.0])
    short.set_weights(own.get_weights())
    short.compile('sgd', 'mse')
    penalty = 0.01 * np.sum(own.layers[2].kernel.numpy() ** 2)
    expected = plain.evaluate(X, Y, verbose=0)
    assert own.test_on_batch(X, Y) == pytest.approx(expected, rel=1e-5)
    assert short.test_on_batch(X, Y) == pytest.approx(expected + penalty, rel=1e-5)
    assert own.fit(X, Y, epochs=20, verbose=0).history['loss'][-1] < expected


def test_compute_metrics_and_metrics_that_are_held():
    class Own(Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.largest = metrics.Mean(name='largest')

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.largest.update_state(ops.max(y))
            return super().compute_metrics(x, y, y_pred, sample_weight)

    model = graph(Own)
    model.compile('sgd', 'mse', metrics=['mae'])
    assert [m.name for m in model.metrics] == ['loss', 'compile_metrics', 'largest']
    history = model.fit(X, Y, batch_size=20, epochs=2, shuffle=False, verbose=0, validation_split=0.5).history
    assert list(history) == ['val_loss', 'val_mean_absolute_error', 'val_largest', 'loss', 'mean_absolute_error', 'largest']
    assert history['largest'] == pytest.approx([Y[:20].max()] * 2)
    assert history['val_largest'] == pytest.approx([Y[20:].max()] * 2)


class Encoder(Model):
    """An autoencoder that measures by itself; its data is x alone."""

    def __init__(self):
        super().__init__()
        self.code, self.back = Dense(2), Dense(3)
        self.tracker = metrics.Mean(name='error')

    @property
    def metrics(self):
        return [self.tracker]

    def train_step(self, data):
        with GradientTape() as tape:
            loss = ops.mean(ops.square(self.back(self.code(data)) - data))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights))
        self.tracker.update_state(loss)
        return {'error': self.tracker.result()}

    def test_step(self, data):
        x, _, _ = fastkeras.utils.unpack_x_y_sample_weight(data)
        self.tracker.update_state(ops.mean(ops.square(self.back(self.code(x)) - x)))
        return {'error': self.tracker.result()}

    def predict_step(self, data):
        code = self.code(data)
        return {'code': code, 'both': (code, self.back(code))}


@pytest.mark.parametrize('eager', [False, True])
def test_a_model_without_call_or_targets(eager, capsys):
    model = Encoder()
    model.compile(optimizers.Adam(0.05), run_eagerly=eager)
    seen = []
    history = model.fit(X, epochs=8, batch_size=10, verbose=2, validation_data=X,
                        callbacks=[LambdaCallback(on_batch_end=lambda b, logs: seen.append(logs['error']))]).history
    assert list(history) == ['val_error', 'error'] and history['error'][-1] < 0.5 * history['error'][0]
    assert 'error: ' in capsys.readouterr().out and len(seen) == 32
    assert model.evaluate(X, batch_size=10, verbose=0) == pytest.approx(history['val_error'][-1], rel=1e-5)
    found = model.predict(X, batch_size=16)
    assert found['code'].shape == (40, 2) and found['both'][1].shape == (40, 3)
    np.testing.assert_allclose(found['both'][1], model.back(model.code(X)), rtol=1e-5, atol=1e-6)
    assert model.predict_on_batch(X[:2])['code'].shape == (2, 2)
    assert model.train_on_batch(X) == pytest.approx(model.tracker.result())


class Gan(Model):
    """Two optimizers, random vectors, nested batches."""

    def __init__(self):
        super().__init__()
        self.generator = Sequential([Dense(8, activation='relu', input_shape=(2,)), Dense(3)])
        self.critic = Sequential([Dense(8, activation='relu', input_shape=(3,)), Dropout(0.1), Dense(1)])

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, data):
        real = data['image'] if isinstance(data, dict) else data
        n = real.shape[0]
        noise = ops.random_normal((n, 2)) if hasattr(ops, 'random_normal') else fastkeras.random.normal((n, 2))
        both = ops.concatenate([self.generator(noise), real], axis=0)
        labels = ops.concatenate([ops.ones((n, 1)), ops.zeros((n, 1))], axis=0)
        with GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.critic(both, training=True))
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, self.critic.trainable_weights),
                                             self.critic.trainable_weights))
        with GradientTape() as tape:
            g_loss = self.loss_fn(ops.zeros((n, 1)), self.critic(self.generator(noise)))
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, self.generator.trainable_weights),
                                             self.generator.trainable_weights))
        return {'d_loss': d_loss, 'g_loss': g_loss}


def test_a_generative_adversarial_network():
    model = Gan()
    model.compile(optimizers.Adam(0.01), optimizers.Adam(0.02), losses.BinaryCrossentropy(from_logits=True))
    before = [w.copy() for w in model.get_weights()]
    history = model.fit({'image': X}, epochs=3, batch_size=20, verbose=0).history
    assert set(history) == {'d_loss', 'g_loss'} and np.isfinite(history['d_loss']).all()
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert int(model.d_optimizer.iterations.numpy()) == int(model.g_optimizer.iterations.numpy()) == 6
    model.fit(({'image': X[k:k + 4]} for k in range(0, 40, 4)), steps_per_epoch=5, epochs=2, verbose=0)


def test_functions_of_ones_own():
    class Own(Model):
        def make_train_function(self, force=False):
            def train_function(iterator):
                x, y = next(iterator)
                return {'loss': float(np.mean((self.predict_on_batch(x) - y) ** 2)), 'size': len(x)}
            self.train_function = train_function
            return train_function

    model = graph(Own)
    model.compile('sgd', 'mse')
    expected = np.mean((model.predict(X) - Y) ** 2)
    assert model.fit(X, Y, batch_size=40, verbose=0).history['loss'] == pytest.approx([expected], rel=1e-5)
    plain = graph(Model)
    plain.compile('sgd', 'mse')
    assert set(plain.make_train_function()(iter([(X, Y)]))) == {'loss'}
    assert plain.make_predict_function()(iter([(X,)])).shape == (40, 1)
    assert plain.make_test_function() is plain.test_function


def test_metrics_of_a_layer_are_listed_reset_and_shown():
    class Measuring(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seen = metrics.Mean(name='seen')

        def call(self, x):
            self.seen.update_state(ops.mean(x))
            return x

    model = Sequential([Measuring(input_shape=(3,)), Dense(1)])
    model.compile('sgd', 'mse', metrics=['mae'])
    assert model.metrics == ['mae', model.layers[0].seen]
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0).history
    assert history['seen'] == pytest.approx([X.mean()] * 2, rel=1e-5)
    with config_of_3():
        assert [m.name for m in model.metrics] == ['loss', 'compile_metrics', 'seen']
    own = Called(model.inputs, model.outputs)
    own.compile('sgd', 'mse')
    assert own.fit(X, Y, epochs=2, batch_size=8, verbose=0).history['seen'] == pytest.approx([X.mean()] * 2, rel=1e-5)


class config_of_3:
    def __enter__(self):
        config.set_generation(3)

    def __exit__(self, *exc):
        config.set_generation(2)


def test_what_layers_add_by_add_metric():
    class Adding(layers.Layer):
        def call(self, x):
            self.add_metric(ops.mean(x), name='level', aggregation='mean')
            self.add_loss(0.5 * ops.sum(x))
            return x
    a = Input((3,))
    own = Called(a, Dense(1)(Adding()(a)))
    own.compile('sgd', 'mse')
    plain = Model(own.inputs, own.outputs)
    plain.compile('sgd', 'mse')
    logs = plain.test_on_batch(X, Y, return_dict=True)
    assert own.test_on_batch(X, Y, return_dict=True) == pytest.approx(logs, rel=1e-5) and 'level' in logs


def test_stateless_compute_loss():
    model = graph(Called, BatchNormalization())
    model.compile('sgd', 'mse')
    groups = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    values = [[v.numpy() for v in g] for g in groups]
    loss, new = model.stateless_compute_loss(*values, X, Y, np.zeros((40, 1), 'float32'))
    assert loss == pytest.approx(np.mean(Y ** 2), rel=1e-5) and [len(g) for g in new] == [len(g) for g in values]
    loss, (same, y_pred, rest, _) = model.compute_loss_and_updates(*values, X, Y, None, training=True)
    assert loss == same and y_pred.shape == (40, 1) and not np.array_equal(rest[0], values[1][0])


def test_what_cannot_be_is_said():
    class Wrong(Model):
        def train_step(self, data):
            return [1.0]

    class Unknown(Model):
        def compute_and_apply_gradients(self, data):
            return None

    class Alone(Model):
        def compute_loss_and_updates(self, *args):
            return None

    for cls, words in ((Unknown, 'Unknown.compute_and_apply_gradients is not called here'), (Alone, 'define train_step too')):
        with pytest.raises(ValueError, match=words):
            graph(cls).compile('sgd', 'mse')
    model = graph(Wrong)
    with pytest.raises(NotCompiledError):
        model.fit(X, Y)
    model.compile('sgd')
    with pytest.raises(ValueError, match=r'Wrong\.train_step: expected a dict of names and numbers'):
        model.fit(X, Y, verbose=0)
    model = graph(Called)
    model.compile('sgd')
    with pytest.raises(ValueError, match='has no loss'):
        model.fit(X, Y, verbose=0)
    model.compile('sgd', 'mse')
    with pytest.raises(ValueError, match='same number of samples'):
        model.fit(X, Y[:3], verbose=0)
    with pytest.raises(ValueError, match='the generator ended before its first batch'):
        model.fit(iter([]), steps_per_epoch=1, verbose=0)
    with pytest.raises(ValueError, match='tape=tape'):
        optimizers.SGD().minimize(1.0, model.trainable_variables)


def test_no_gradient_flows_through_an_update():
    """Two networks trained in one step, one after the other, as in a GAN: what the first learned of what the second made is
    no way for the gradient of the second. Also behind optimizers with square roots, whose slope at 0 is infinite."""
    x = np.random.default_rng(0).random((4, 3)).astype('float32')

    class Both(Model):
        def __init__(self):
            super().__init__()
            self.critic, self.maker = Dense(1), Dense(3)
            self.critic.build((None, 3))
            self.maker.build((None, 3))
            self.slopes = [fastkeras.Variable(np.zeros((3, n), 'float32')) for n in (3, 1)]
            self.built = True

        def train_step(self, data):
            made = self.maker(data)
            with GradientTape() as tape:
                first = ops.mean(ops.square(self.critic(made)))
            self.critic.kernel.assign_sub(tape.gradient(first, self.critic.kernel))
            with GradientTape() as tape:
                second = ops.mean(self.critic(self.maker(data)))
            slopes = tape.gradient(second, [self.maker.kernel, self.critic.kernel])
            for variable, slope in zip(self.slopes, slopes):
                variable.assign(slope)
            return {'first': first}

    model = Both()
    model.compile()
    kernel, made = model.critic.kernel.numpy(), x @ model.maker.kernel.numpy()
    model.train_on_batch(x)
    after = kernel - made.T @ (2 * made @ kernel) / 4
    np.testing.assert_allclose(model.critic.kernel.numpy(), after, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.slopes[0].numpy(), x.T @ np.ones((4, 1)) @ after.T / 4, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.slopes[1].numpy(), made.mean(0)[:, None], rtol=1e-4, atol=1e-6)
