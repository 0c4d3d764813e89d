"""Training runs written for any Keras: `record_training.py` runs them with Keras 2.2.4, the tests with fastkeras.

Each case takes a namespace `k` with layers, models, callbacks, and returns numbers in nested lists and dicts.
"""

import contextlib
import io
import sys

import numpy as np


def data(seed, *shape):
    return np.random.RandomState(seed).standard_normal(shape).astype('float32')


def labels(seed, n, classes):
    return np.random.RandomState(seed).randint(0, classes, n)


def one_hot(y, classes):
    return np.eye(classes, dtype='float32')[y]


def set_weights(model, seed=11):
    rng = np.random.RandomState(seed)
    model.set_weights([(rng.standard_normal(w.shape) * 0.3).astype('float32') for w in model.get_weights()])
    return model


def classifier(k, **compile_args):
    m = k.models.Sequential([k.layers.Dense(8, activation='tanh', input_shape=(5,), name='hidden'),
                             k.layers.Dense(3, activation='softmax', name='classes')])
    m.compile(**{'optimizer': 'sgd', 'loss': 'categorical_crossentropy', 'metrics': ['accuracy'], **compile_args})
    return set_weights(m)


def regressor(k, activation=None, **compile_args):
    m = k.models.Sequential([k.layers.Dense(6, activation='relu', input_shape=(4,)),
                             k.layers.Dense(1, activation=activation)])
    m.compile(**{'optimizer': 'sgd', 'loss': 'mse', **compile_args})
    return set_weights(m)


def two_outputs(k, train_kind=True, **compile_args):
    a = k.layers.Input(shape=(4,), name='left')
    b = k.layers.Input(shape=(3,), name='right')
    h = k.layers.concatenate([a, b])
    h = k.layers.Dense(7, activation='tanh', name='shared')(h)
    first = k.layers.Dense(2, activation='softmax', name='kind', trainable=train_kind)(h)
    second = k.layers.Dense(1, name='size')(h)
    m = k.models.Model([a, b], [first, second])
    m.compile(**{'optimizer': 'sgd', 'loss': ['categorical_crossentropy', 'mse'], **compile_args})
    return set_weights(m)


X, Y = data(1, 50, 5), one_hot(labels(2, 50, 3), 3)
XR, YR = data(3, 45, 4), data(4, 45, 1)
LEFT, RIGHT, KIND, SIZE = data(5, 37, 4), data(6, 37, 3), one_hot(labels(7, 37, 2), 2), data(8, 37, 1)
WEIGHTS = np.abs(data(9, 50, 1)).ravel() * (np.arange(50) % 4 > 0)


def history(h):
    return {'history': h.history, 'order': list(h.history), 'epoch': h.epoch}


# ---- cases
def split_unshuffled(k):
    m = classifier(k)
    h = m.fit(X, Y, batch_size=16, epochs=3, validation_split=0.2, shuffle=False, verbose=0)
    return {**history(h), 'weights': m.get_weights(), 'names': m.metrics_names}


def split_shuffled(k):
    m = classifier(k)
    np.random.seed(5)
    h = m.fit(X, Y, batch_size=16, epochs=3, validation_split=0.3, verbose=0)
    return {**history(h), 'weights': m.get_weights()}


def shuffled_by_batch(k):
    m = classifier(k)
    np.random.seed(6)
    h = m.fit(X, Y, batch_size=8, epochs=3, shuffle='batch', verbose=0)
    return {**history(h), 'weights': m.get_weights()}


def validation_with_weights(k):
    m = classifier(k, metrics=['mse', 'accuracy'])
    h = m.fit(X[:30], Y[:30], epochs=2, shuffle=False, verbose=0, validation_data=(X[30:], Y[30:], WEIGHTS[30:]),
              initial_epoch=1)
    return history(h)


def weighted_by_class(k):
    m = classifier(k)
    h = m.fit(X, Y, batch_size=20, epochs=2, validation_split=0.2, shuffle=False, verbose=0,
              class_weight={0: 1.0, 1: 3.0, 2: 0.0})
    return {**history(h), 'weights': m.get_weights()}


def weighted_by_sample(k):
    m = classifier(k, weighted_metrics=['accuracy', 'mae'])
    h = m.fit(X, Y, batch_size=20, epochs=2, validation_split=0.2, shuffle=False, verbose=0, sample_weight=WEIGHTS)
    return {**history(h), 'weights': m.get_weights(), 'names': m.metrics_names}


def evaluate_uneven(k):
    m = classifier(k, metrics=['accuracy', 'categorical_crossentropy', 'mae'])
    return {'plain': m.evaluate(X, Y, batch_size=16, verbose=0), 'one': m.evaluate(X, Y, batch_size=50, verbose=0),
            'weighted': m.evaluate(X, Y, batch_size=16, verbose=0, sample_weight=WEIGHTS), 'names': m.metrics_names,
            'predict': m.predict(X, batch_size=16)}


def evaluate_zero_weights(k):
    m = regressor(k)
    return [m.evaluate(XR[:4], YR[:4], sample_weight=np.array([0., 0., 1., 3.]), verbose=0),
            m.test_on_batch(XR[:4], YR[:4], sample_weight=np.array([0., 2., 1., 3.]))]


def on_batch(k):
    m = classifier(k, metrics=['accuracy', 'mae'])
    out = [m.train_on_batch(X[i:i + 10], Y[i:i + 10]) for i in (0, 10, 20)]
    out.append(m.train_on_batch(X[:10], Y[:10], class_weight={0: 1.0, 1: 2.0, 2: 0.5}))
    out.append(m.train_on_batch(X[:10], Y[:10], sample_weight=WEIGHTS[:10]))
    return {'train': out, 'test': m.test_on_batch(X, Y), 'predict': m.predict_on_batch(X[:7])}


def binary(k):
    y = (labels(12, 45, 2)).astype('float32')
    m = regressor(k, 'sigmoid', loss='binary_crossentropy', metrics=['accuracy', 'binary_crossentropy', 'mse'])
    h = m.fit(XR, y, batch_size=10, epochs=2, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 2.5})
    return {**history(h), 'evaluate': m.evaluate(XR, y, verbose=0), 'names': m.metrics_names}


def sparse(k):
    y = labels(2, 50, 3)
    m = classifier(k, loss='sparse_categorical_crossentropy', metrics=['acc', 'sparse_categorical_crossentropy'])
    h = m.fit(X, y, batch_size=16, epochs=2, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 3.0})
    return {**history(h), 'evaluate': m.evaluate(X, y, verbose=0), 'names': m.metrics_names}


def outputs_by_list(k):
    m = two_outputs(k, loss_weights=[0.3, 2.0], metrics=['mae', 'accuracy'])
    h = m.fit([LEFT, RIGHT], [KIND, SIZE], batch_size=10, epochs=2, shuffle=False, verbose=0, validation_split=0.2)
    return {**history(h), 'names': m.metrics_names, 'evaluate': m.evaluate([LEFT, RIGHT], [KIND, SIZE], verbose=0),
            'predict': m.predict([LEFT, RIGHT], batch_size=10)}


def outputs_by_dict(k):
    m = two_outputs(k, loss={'kind': 'categorical_crossentropy', 'size': 'mae'}, loss_weights={'size': 0.5},
                    metrics={'kind': 'accuracy', 'size': ['mse', 'mape']})
    h = m.fit({'left': LEFT, 'right': RIGHT}, {'kind': KIND, 'size': SIZE}, batch_size=10, epochs=2, shuffle=False,
              verbose=0, sample_weight={'size': WEIGHTS[:37]},
              validation_data=([LEFT[:9], RIGHT[:9]], [KIND[:9], SIZE[:9]]))
    return {**history(h), 'names': m.metrics_names,
            'train': m.train_on_batch([LEFT, RIGHT], [KIND, SIZE], class_weight={'kind': {0: 1.0, 1: 4.0}})}


def one_trained_output(k):
    m = two_outputs(k, train_kind=False, loss={'size': 'mse'}, metrics={'size': 'mae'})
    h = m.fit([LEFT, RIGHT], SIZE, batch_size=10, epochs=2, shuffle=False, verbose=0)
    return {**history(h), 'names': m.metrics_names}


def regularized(k):
    l2 = k.regularizers.l2
    m = k.models.Sequential([k.layers.Dense(6, activation='relu', input_shape=(4,), kernel_regularizer=l2(0.1)),
                             k.layers.Dense(1, activity_regularizer=l2(0.01))])
    m.compile('sgd', 'mse', metrics=['mse'])
    set_weights(m)
    h = m.fit(XR, YR, batch_size=20, epochs=2, shuffle=False, verbose=0)
    return {**history(h), 'evaluate': m.evaluate(XR, YR, verbose=0, batch_size=45)}


def over_time(k):
    m = k.models.Sequential([k.layers.Dense(2, input_shape=(6, 4))])
    m.compile('sgd', 'mse', sample_weight_mode='temporal', metrics=['mae'], weighted_metrics=['mae'])
    set_weights(m)
    x, y, w = data(13, 20, 6, 4), data(14, 20, 6, 2), np.abs(data(15, 20, 6)) * (labels(16, 120, 2).reshape(20, 6))
    h = m.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, sample_weight=w)
    return {**history(h), 'names': m.metrics_names, 'weights': m.get_weights()}


def own_functions(k):
    def steep(y_true, y_pred):
        return (y_true - y_pred) ** 2 * 3.0

    def largest(y_true, y_pred):
        return y_pred * 2.0

    m = regressor(k, loss=steep, metrics=[largest, steep, 'mae'])
    h = m.fit(XR, YR, batch_size=20, epochs=2, shuffle=False, verbose=0)
    return {**history(h), 'names': m.metrics_names}


def frozen(k):
    m = k.models.Sequential([k.layers.Dense(6, activation='relu', input_shape=(4,), trainable=False),
                             k.layers.Dense(1)])
    m.compile('sgd', 'mse')
    set_weights(m)
    h = m.fit(XR, YR, epochs=2, shuffle=False, verbose=0)
    return {**history(h), 'weights': m.get_weights()}


def reduced_rate(k):
    m = regressor(k, optimizer=k.optimizers.SGD(lr=0.2), metrics=['mae'])
    c = [k.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.3, patience=1, min_delta=0.01, cooldown=1,
                                       min_lr=1e-3),
         k.callbacks.EarlyStopping(monitor='val_loss', patience=4, min_delta=0.001, restore_best_weights=True)]
    h = m.fit(XR, YR, batch_size=15, epochs=12, shuffle=False, verbose=0, validation_split=0.3, callbacks=c)
    return {**history(h), 'weights': m.get_weights(), 'stopped': c[1].stopped_epoch}


def scheduled_rate(k):
    m = regressor(k)
    h = m.fit(XR, YR, epochs=3, shuffle=False, verbose=0, initial_epoch=1,
              callbacks=[k.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))])
    return {**history(h), 'weights': m.get_weights()}


def hooks(k):
    m = classifier(k)
    seen = []

    def plain(logs):
        return {name: int(v) if name in ('batch', 'size') else float(v) for name, v in logs.items()}

    class Recorder(k.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(['train_begin', {n: v for n, v in self.params.items() if n != 'metrics'},
                         self.params['metrics']])

        def on_epoch_begin(self, epoch, logs=None):
            seen.append(['epoch_begin', epoch, plain(logs)])

        def on_batch_begin(self, batch, logs=None):
            seen.append(['batch_begin', batch, plain(logs)])

        def on_batch_end(self, batch, logs=None):
            seen.append(['batch_end', batch, plain(logs)])
            if self.epoch_count and batch == 1:
                self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            self.epoch_count += 1
            seen.append(['epoch_end', epoch, plain(logs), [len(a) for a in self.validation_data[:3]]])

        def on_train_end(self, logs=None):
            seen.append(['train_end', plain(logs)])

    r = Recorder()
    r.epoch_count = 0
    m.fit(X, Y, batch_size=16, epochs=5, validation_split=0.2, shuffle=False, verbose=0, callbacks=[r])
    return seen


def transcript(k, verbose, **fit_args):
    m = classifier(k, metrics=['accuracy', 'mse'])
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        m.fit(X, Y, batch_size=25, epochs=2, shuffle=False, verbose=verbose, **fit_args)
        if verbose == 1:
            m.evaluate(X, Y, batch_size=50, verbose=1)
            m.predict(X, batch_size=50, verbose=1)
    return out.getvalue()


def printed(k):
    return {'bar': transcript(k, 1), 'bar_validated': transcript(k, 1, validation_split=0.25),
            'lines': transcript(k, 2, validation_data=(X[:10], Y[:10])),
            'silent': transcript(k, 0, validation_split=0.5)}


CASES = [split_unshuffled, split_shuffled, shuffled_by_batch, validation_with_weights, weighted_by_class,
         weighted_by_sample, evaluate_uneven, evaluate_zero_weights, on_batch, binary, sparse, outputs_by_list,
         outputs_by_dict, one_trained_output, regularized,
         over_time, own_functions, frozen, reduced_rate, scheduled_rate, hooks, printed]


# ---- the progress bar alone, with a clock that is told what time it is
class Screen(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


BARS = {
    'samples': ({'target': 1000}, [(t, n, [('loss', 2.0 / (1 + i)), ('acc', 1e-4 * i)]) for i, (t, n) in enumerate(
        [(0.0, 32), (0.01, 64), (0.2, 320), (3.0, 321), (100.0, 500), (9000.5, 960), (9001.0, 1000)])]),
    'steps': ({'target': 3}, [(0.0, 1, []), (0.00001, 2, [('loss', -5.5)]), (0.00002, 3, [('loss', 1.5)])]),
    'slow': ({'target': 2}, [(5.0, 1, [('loss', float('nan'))]), (9.0, 2, [('loss', 1.0)])]),
    'unknown': ({'target': None}, [(0.0, 5, [('loss', 0.5)]), (0.01, 11, [('loss', 0.25)]), (2.0, 13, None)]),
    'stateful': ({'target': 40, 'stateful_metrics': ['auc']},
                 [(1.0, 10, [('loss', 3.0), ('auc', 0.5)]), (2.0, 40, [('loss', 1.0), ('auc', 0.75)])]),
    'lines': ({'target': 40, 'verbose': 2}, [(1.0, 10, [('loss', 3.0)]), (2.5, 40, [('loss', 1.0), ('acc', 0.5)])]),
    'shrinking': ({'target': 100, 'width': 12}, [(4000.0, 1, [('loss', 123.5)]), (4001.0, 99, []), (4002.0, 100, [])]),
}


def progress_text(progbar_class, module, name, terminal):
    """What the bar writes, when `module.time.time` is our clock."""
    args, calls = BARS[name]

    class Clock:
        now = 1000.0

        @classmethod
        def time(cls):
            return cls.now

    real_time, real_out, sys.stdout = module.time, sys.stdout, Screen(terminal)
    module.time = Clock
    try:
        bar = progbar_class(**args)
        for at, current, values in calls:
            Clock.now = 1000.0 + at
            bar.update(current, values)
        return sys.stdout.getvalue()
    finally:
        module.time, sys.stdout = real_time, real_out
