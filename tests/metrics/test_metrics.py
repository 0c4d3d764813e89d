"""Metrics against numbers recorded from Keras 2.2.4 and Keras 3, and against counts in NumPy."""

import numpy as np
import pytest

from fastkeras import generation, losses, metrics, ops
from fastkeras.runtime import Function

from ..parity import record_parts
from ..parity.recorded import KERAS2, KERAS3, arrays


@pytest.mark.parametrize('name', KERAS2['metrics'])
def test_functions_follow_keras2(name):
    kwargs = {'k': 2} if 'top_k' in name else {}
    given = arrays(record_parts.METRICS[name])
    got = getattr(metrics, name)(*given, **kwargs)
    expected = np.array(KERAS2['metrics'][name])
    np.testing.assert_allclose(np.mean(got) if expected.ndim == 0 else got, expected, rtol=1e-6)
    traced = Function(lambda y, p: getattr(metrics, name)(y, p, **kwargs))(*given)
    np.testing.assert_array_equal(traced, got)


CASES = KERAS3['metrics']


@pytest.mark.parametrize(
    'name,kwargs,args,plain,twice,weighted', CASES, ids=[f'{c[0]}-{i}' for i, c in enumerate(CASES)]
)
def test_classes_follow_keras3(name, kwargs, args, plain, twice, weighted):
    close = {'rtol': 2e-5, 'atol': 2e-6}
    with generation.scope(3):
        metric = getattr(metrics, name)(**kwargs)
        given = arrays(args)
        metric.update_state(*given)
        np.testing.assert_allclose(metric.result(), plain, **close)
        metric.update_state(*[a[::-1][:4] for a in given[:1]], *[a[:4] for a in given[1:]])
        np.testing.assert_allclose(metric.result(), twice, **close)
        metric.reset_state()
        if weighted is not None:
            metric.update_state(*given, sample_weight=arrays('weights')[0])
            np.testing.assert_allclose(metric.result(), weighted, **close)
        metric.reset_states()

        traced = Function(lambda *a: (metric.update_state(*a), metric.result())[1])
        np.testing.assert_allclose(traced(*given), plain, **close)
        again = metrics.deserialize(metrics.serialize(metric))
        assert type(again) is type(metric) and again.get_config() == metric.get_config()
        np.testing.assert_allclose(again(*given), plain, **close)


def test_counts_by_numpy():
    rng = np.random.RandomState(1)
    y, p = rng.randint(0, 2, 500), rng.uniform(0, 1, 500).astype('float32')
    for name, truth, above in (
        ('TruePositives', 1, True),
        ('FalsePositives', 0, True),
        ('TrueNegatives', 0, False),
        ('FalseNegatives', 1, False),
    ):
        metric = getattr(metrics, name)(thresholds=0.3)
        metric.update_state(y, p)
        assert float(metric.result()) == np.sum((y == truth) & ((p > 0.3) == above))
    auc = metrics.AUC(num_thresholds=2000)
    auc.update_state(y, p)
    pairs = (p[y == 1][:, None] > p[y == 0][None]).mean()
    assert float(auc.result()) == pytest.approx(pairs, abs=2e-3)


def test_rounding_belongs_to_generation_2():
    y, p = np.array([[3.0, 0.0]], 'float32'), np.array([[3.2, 0.4]], 'float32')
    assert float(metrics.binary_accuracy(y, p)[0]) == 1.0
    with generation.scope(3):
        assert float(metrics.binary_accuracy(y, p)[0]) == 0.5


def test_top_k_with_ties_and_more_classes():
    p = np.array([[0.1, 0.5, 0.5, 0.3]], 'float32')
    hits = [float(metrics.sparse_top_k_categorical_accuracy(np.array([i]), p, k=2)[0]) for i in range(4)]
    assert hits == [0, 1, 1, 0]
    assert float(metrics.sparse_top_k_categorical_accuracy(np.array([0]), p)[0]) == 1  # k larger than the classes
    ids = np.array([[4, 2, 9], [1, 7, 3]])
    got = metrics.sparse_top_k_categorical_accuracy(np.array([9, 1]), ids, k=2, from_sorted_ids=True)
    np.testing.assert_array_equal(got, [0, 1])


def test_accuracy_of_sequences():
    p = np.random.RandomState(0).uniform(size=(2, 3, 4)).astype('float32')
    best = p.argmax(-1)
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(best, p), np.ones((2, 3)))
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(best[..., None], p), np.ones((2, 3)))


def test_mean_weights():
    mean = metrics.Mean()
    mean.update_state([1.0, 3.0], sample_weight=[3.0, 1.0])
    mean.update_state(6.0)
    assert float(mean.result()) == pytest.approx(12 / 5)
    assert float(metrics.Mean().result()) == 0.0
    grid = metrics.Mean()
    grid.update_state(np.arange(6.0).reshape(2, 3), sample_weight=np.array([1.0, 0.0]))
    assert float(grid.result()) == 1.0


def test_stateless():
    mean = metrics.Mean()
    state = mean.stateless_update_state(mean.stateless_reset_state(), [1.0, 3.0])
    assert float(mean.stateless_result(state)) == 2.0 and float(mean.count.numpy()) == 0.0


@pytest.mark.parametrize(
    'loss,y,out,kind',
    [
        ('binary_crossentropy', (None, 4), (None, 4), 'binary'),
        ('mse', (None, 1), (None, 1), 'binary'),
        ('sparse_categorical_crossentropy', (None, 1), (None, 3), 'sparse'),
        ('categorical_crossentropy', (None, 3), (None, 3), 'categorical'),
        ('mse', (None, 3), (None, 3), 'categorical'),
        ('mse', (None, 1), (None, 3), 'sparse'),
        ('mse', None, (None, 3), 'categorical'),
        ('sparse_categorical_crossentropy', (None, 7), (None, 7, 3), 'sparse'),
    ],
)
def test_what_accuracy_means(loss, y, out, kind):
    function = {
        'binary': metrics.binary_accuracy,
        'sparse': metrics.sparse_categorical_accuracy,
        'categorical': metrics.categorical_accuracy,
    }[kind]
    for word in ('acc', 'accuracy'):
        assert metrics.choose(word, losses.get(loss), out, y) == ('acc', function)
        with generation.scope(3):
            assert metrics.choose(word, losses.get(loss), out, y) == (word, function)
    name, crossentropy = metrics.choose('ce', losses.get(loss), out, y)
    assert name == 'ce' and crossentropy.__name__ == {'sparse': 'sparse_categorical'}.get(kind, kind) + '_crossentropy'


def test_names_in_logs():
    shape = (None, 3)
    assert metrics.choose('mse', losses.mse, shape)[0] == 'mean_squared_error'
    with generation.scope(3):
        assert metrics.choose('mse', losses.mse, shape)[0] == 'mse'

    def mine(y_true, y_pred):
        return y_pred

    assert metrics.choose(mine, losses.mse, shape) == ('mine', mine)
    recall = metrics.Recall(name='found')
    assert metrics.choose(recall, losses.mse, shape) == ('found', recall)
    assert metrics.choose('AUC', losses.mse, shape)[0] == 'auc'
    with pytest.raises(ValueError, match="Unknown metric function: 'acuracy'"):
        metrics.choose('acuracy', losses.mse, shape)


def test_custom_metric():
    class Largest(metrics.Metric):
        def __init__(self, name='largest', **kwargs):
            super().__init__(name=name, **kwargs)
            self.top = self.add_weight(name='top', initializer='zeros')

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.top.assign(ops.maximum(self.top, ops.max(y_pred)))

        def result(self):
            return self.top.value

    metric = Largest()
    f = Function(lambda y, p: (metric.update_state(y, p), metric.result())[1])
    for high, expected in ((3.0, 3.0), (2.0, 3.0)):
        assert float(f(np.zeros((2, 2), 'float32'), np.full((2, 2), high, 'float32'))) == expected
    metric.reset_state()
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize(
    'make',
    [
        lambda: metrics.AUC(curve='area'),
        lambda: metrics.AUC(num_thresholds=1),
        lambda: metrics.Precision(thresholds=2),
        lambda: metrics.F1Score(average='mean'),
        lambda: metrics.R2Score('mean'),
        lambda: metrics.IoU(3, [3]),
        lambda: metrics.SensitivityAtSpecificity(1.5),
        lambda: metrics.Recall()(np.zeros((2, 3)), np.zeros((2, 4))),
        lambda: metrics.F1Score()(np.zeros(3), np.zeros(3)),
    ],
)
def test_refuses(make):
    with pytest.raises(ValueError, match='expected'):
        make()
