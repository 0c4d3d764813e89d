"""What Keras 3 passes to losses and metrics, and the names and order of what it reports. `record_results.py` runs CASES with
Keras 3, the tests with fastkeras under generation 3."""

import numpy as np
from training_cases import data, labels, set_weights

X, SIZE, KIND = data(61, 12, 4), data(62, 12, 1), labels(63, 12, 3)
TYPES = ('bool', 'uint8', 'int32', 'int64', 'float32', 'float64', 'float16')
SHAPES = (((8,), 3), ((8, 1), 3), ((8,), 1), ((8, 1), 1), ((8, 3), 3))


def targets_seen(k, give):
    """[type, shape without the batch] of y_true in a function or object that `give(k, note)` makes, for each type and shape."""
    found = []
    for dtype in TYPES:
        for shape, units in SHAPES:
            seen = []

            def note(y_true, y_pred, seen=seen):
                seen.append([str(getattr(y_true.dtype, 'name', y_true.dtype)), list(y_true.shape)[1:], len(y_true.shape)])
                return k.ops.mean(k.ops.square(y_pred), axis=-1)
            m = k.models.Sequential([k.layers.Input((3,)), k.layers.Dense(units)])
            usual = 'mse' if units == 1 or len(shape) == 2 and shape[1] == 3 else 'sparse_categorical_crossentropy'
            m.compile('sgd', **{'loss': usual, **give(k, note)})
            m.fit(np.ones((8, 3), 'float32'), np.zeros(shape, dtype), batch_size=4, verbose=0)
            found.append(seen[0])
    return found


def targets_of_a_loss(k):
    return targets_seen(k, lambda k, note: {'loss': note})


def targets_of_a_metric(k):
    return targets_seen(k, lambda k, note: {'metrics': [note]})


def targets_of_a_weighted_metric(k):
    return targets_seen(k, lambda k, note: {'weighted_metrics': [note]})


def targets_of_a_loss_object(k):
    def give(k, note):
        class Own(k.losses.Loss):
            def call(self, y_true, y_pred):
                return note(y_true, y_pred)
        return {'loss': Own()}
    return targets_seen(k, give)


def targets_of_a_metric_object(k):
    def give(k, note):
        class Own(k.metrics.Metric):
            def __init__(self):
                super().__init__(name='own')
                self.total = self.add_weight(name='total', shape=(), initializer='zeros')

            def update_state(self, y_true, y_pred, sample_weight=None):
                note(y_true, y_pred)

            def result(self):
                return self.total * 1.0
        return {'metrics': [Own()]}
    return targets_seen(k, give)


def reported(k, m, y, **fit):
    """Names in order, and numbers, of all that says how a model did."""
    h = m.fit(X, y, batch_size=6, epochs=2, shuffle=False, verbose=0, validation_data=(X, y), **fit)
    as_dict = m.evaluate(X, y, verbose=0, return_dict=True)
    tested = m.test_on_batch(X, y, return_dict=True)
    numbers = m.test_on_batch(X, y)
    trained = m.train_on_batch(X[:6], [a[:6] for a in y] if isinstance(y, list) else
                               {n: a[:6] for n, a in y.items()} if isinstance(y, dict) else y[:6], return_dict=True)
    return [sorted(h.history), [h.history[n] for n in sorted(h.history)], list(h.history), list(as_dict), as_dict,
            list(tested), tested, [float(v) for v in numbers] if isinstance(numbers, (list, tuple)) else float(numbers),
            m.evaluate(X, y, verbose=0), list(trained), trained]


def own_metric(y_true, y_pred):
    return (y_pred - y_true) ** 2


def one_output(k, **compile_args):
    m = set_weights(k.models.Sequential([k.layers.Input((4,)), k.layers.Dense(3, activation='softmax')]))
    m.compile('sgd', 'sparse_categorical_crossentropy', **compile_args)
    return reported(k, m, KIND.astype('int32'))


def one_output_alone(k):
    return one_output(k)


def one_output_and_metrics(k):
    return one_output(k, metrics=['accuracy', k.metrics.SparseTopKCategoricalAccuracy(k=2, name='top')],
                      weighted_metrics=['sparse_categorical_crossentropy'])


def regression(k):
    m = set_weights(k.models.Sequential([k.layers.Input((4,)), k.layers.Dense(1)]))
    m.compile('sgd', 'mse', metrics=['mae', own_metric, k.metrics.RootMeanSquaredError()])
    return reported(k, m, SIZE)


def two_outputs(k, loss, y=None, **compile_args):
    a = k.layers.Input((4,), name='a')
    h = k.layers.Dense(5, activation='tanh')(a)
    size, kind = k.layers.Dense(1, name='size')(h), k.layers.Dense(3, activation='softmax', name='kind')(h)
    m = set_weights(k.models.Model(a, [size, kind]))
    m.compile('sgd', loss, **compile_args)
    return reported(k, m, [SIZE, KIND] if y is None else y)


def two_outputs_by_list(k):
    return two_outputs(k, ['mse', 'sparse_categorical_crossentropy'], metrics=[['mae'], ['accuracy']])


def two_outputs_by_dict(k):
    return two_outputs(k, {'size': 'mse', 'kind': 'sparse_categorical_crossentropy'}, {'kind': KIND, 'size': SIZE},
                       metrics={'kind': ['accuracy'], 'size': ['mae', 'mse']}, loss_weights={'size': 2.0, 'kind': 0.5})


def two_outputs_without_metrics(k):
    return two_outputs(k, ['mse', 'sparse_categorical_crossentropy'])


def subclassed(k, outputs, loss, y, base=None, **compile_args):
    class Own(base or k.models.Model):
        def __init__(self):
            super().__init__()
            self.hidden = k.layers.Dense(5, activation='tanh')
            self.size = k.layers.Dense(1)
            self.kind = k.layers.Dense(3, activation='softmax')

        def call(self, x):
            h = self.hidden(x)
            return outputs(self.size(h), self.kind(h))
    m = Own()
    m.predict(X, verbose=0)
    set_weights(m)
    m.compile('sgd', loss, **compile_args)
    return reported(k, m, y)


def subclassed_list(k):
    return subclassed(k, lambda a, b: [a, b], ['mse', 'sparse_categorical_crossentropy'], [SIZE, KIND],
                      metrics=[['mae'], ['accuracy']])


def subclassed_list_without_metrics(k):
    return subclassed(k, lambda a, b: (a, b), [k.losses.MeanSquaredError(), k.losses.SparseCategoricalCrossentropy(name='ce')],
                      [SIZE, KIND])


def subclassed_dict(k):
    return subclassed(k, lambda a, b: {'size': a, 'kind': b}, {'size': 'mse', 'kind': 'sparse_categorical_crossentropy'},
                      {'size': SIZE, 'kind': KIND}, metrics={'kind': ['accuracy'], 'size': ['mae']})


def subclassed_one(k):
    return subclassed(k, lambda a, b: b, 'sparse_categorical_crossentropy', KIND, metrics=['accuracy'])


def own_loss(k):
    class Base(k.models.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 2 * super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
    return Base


def subclassed_with_a_loss_of_its_own(k):
    return subclassed(k, lambda a, b: [a, b], ['mse', 'sparse_categorical_crossentropy'], [SIZE, KIND], own_loss(k),
                      metrics=[['mae'], ['accuracy']])


def subclassed_dict_with_a_loss_of_its_own(k):
    return subclassed(k, lambda a, b: {'size': a, 'kind': b}, {'size': 'mse', 'kind': 'sparse_categorical_crossentropy'},
                      {'size': SIZE, 'kind': KIND}, own_loss(k), metrics={'kind': ['accuracy'], 'size': ['mae']})


def variables(k):
    """Variables made of an initializer."""
    found = []
    for make in (lambda: k.Variable(initializer=np.ones((2, 3), 'float32')),
                 lambda: k.Variable(initializer='zeros', shape=(2,)),
                 lambda: k.Variable(initializer=lambda shape, dtype: k.ops.ones(shape, dtype), shape=(3,), dtype='int32'),
                 lambda: k.Variable(k.initializers.Constant(2.0), shape=(1, 2)), lambda: k.Variable(3.0),
                 lambda: k.Variable(initializer='ones', shape=(2,), dtype='float32', trainable=False, name='v'),
                 lambda: k.Variable(initializer=np.arange(3))):
        v = make()
        found.append([[int(d) for d in v.shape], str(v.dtype), v.trainable, np.asarray(v.numpy()).tolist()])
    return found


CASES = [targets_of_a_loss, targets_of_a_metric, targets_of_a_weighted_metric, targets_of_a_loss_object,
         targets_of_a_metric_object, one_output_alone, one_output_and_metrics, regression, two_outputs_by_list,
         two_outputs_by_dict, two_outputs_without_metrics, subclassed_list,
         subclassed_list_without_metrics, subclassed_dict, subclassed_one,
         subclassed_with_a_loss_of_its_own, subclassed_dict_with_a_loss_of_its_own, variables]
