"""What compile makes of losses, metrics, weights and layers, where no recording of Keras is needed to know it."""

import tracemalloc
import warnings

import numpy as np
import pytest

from fastkeras import _core, callbacks, config, generation, losses, metrics, ops, optimizers
from fastkeras.layers import BatchNormalization, Dense, Input, Layer
from fastkeras.models import Model, Sequential
from tests.training.models_for_tests import (
    LABELS,
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


def test_the_third_argument_may_be_loss_weights():
    a, b = two_by_two(), two_by_two()
    a.compile('sgd', ['categorical_crossentropy', 'mse'], [0.5, 2.0], ['mae'])
    b.compile('sgd', ['categorical_crossentropy', 'mse'], ['mae'], [0.5, 2.0])
    assert a.loss_weights == b.loss_weights == [0.5, 2.0] and a.metrics == b.metrics == ['mae']
    a.compile('sgd', {'kind': 'mse', 'size': 'mse'}, {'kind': 1, 'size': 2})
    assert a.loss_weights == {'kind': 1, 'size': 2} and a.metrics == []


def test_the_loss_is_the_mean():
    model = regressor()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(mse(model), rel=1e-5)
    assert model.train_on_batch(X, Y) == pytest.approx(mse(regressor()), rel=1e-5)


@pytest.mark.parametrize('loss', ['mse', 'mean_squared_error', losses.mean_squared_error, losses.MeanSquaredError(),
                                  ['mse'], {'size': 'mse'}, lambda y, p: ops.square(y - p),
                                  lambda y, p: ops.mean(ops.square(y - p))])
def test_forms_of_a_loss(loss):
    a, b = regressor(loss=loss), regressor()
    for model in (a, b):
        model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    same_weights(a, b)


def test_reductions_of_loss_objects():
    w = np.abs(X[:, 0])
    values = (regressor().predict(X).astype('f8') - Y)[:, 0] ** 2
    for reduction, want in (('sum', (values * w).sum()), ('mean_with_sample_weight', (values * w).sum() / w.sum()),
                            ('sum_over_batch_size', (values * w).mean())):
        model = regressor(loss=losses.MeanSquaredError(reduction=reduction))
        assert model.test_on_batch(X, Y, sample_weight=w) == pytest.approx(want, rel=1e-5)


class Skip(Layer):
    """Masks the time steps whose first number is 0."""

    supports_masking = True

    def call(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs[..., 0], 0.0)


def test_masks_and_weights():
    rng = np.random.RandomState(5)
    x, y, w = rng.randn(6, 5, 3), rng.randn(6, 5, 2), rng.rand(6, 5) * (rng.rand(6, 5) > 0.3)
    x[..., 0] *= rng.rand(6, 5) > 0.4
    mask = (x[..., 0] != 0).astype('f8')
    model = Sequential([Skip(input_shape=(5, 3)), Dense(2)])
    model.compile('sgd', 'mse', metrics=['mae', metrics.MeanAbsoluteError(name='object')])
    seeded(model)
    error = model.predict(x).astype('f8') - y
    plain = model.evaluate(x, y, verbose=0)
    absolute = (np.abs(error).mean(-1) * mask).sum() / mask.sum()
    assert plain == pytest.approx([((error ** 2).mean(-1) * mask).sum() / mask.sum(), absolute, absolute], rel=1e-5)
    model.compile('sgd', 'mse', sample_weight_mode='temporal')
    want = ((error ** 2).mean(-1) * mask * w).mean() / mask.mean() / (w != 0).mean()
    assert model.evaluate(x, y, verbose=0, sample_weight=w) == pytest.approx(want, rel=1e-5)


def test_a_class_that_is_ignored():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    y = np.where(np.arange(40) % 3, LABELS, -1)
    kept = y >= 0
    model = classifier(loss=loss)
    p = model.predict(X).astype('f8')[kept, y[kept]]
    assert model.evaluate(X, y, batch_size=40, verbose=0) == pytest.approx(-np.log(p).mean(), rel=1e-5)
    assert model.test_on_batch(X, y) == pytest.approx(model.test_on_batch(X, y))
    with pytest.raises(ValueError, match='labels from 0 to 2'):
        model.evaluate(X, y - 1, verbose=0)


def test_generation_3():
    with generation.scope(3):
        model = classifier(metrics=['accuracy', 'mse'])
        assert model.metrics_names == ['loss', 'accuracy', 'mse']
        w = np.arange(40) % 3
        values = -np.log(model.predict(X).astype('f8')[np.arange(40), LABELS])
        assert model.evaluate(X, ONE_HOT, verbose=0, batch_size=40, sample_weight=w)[0] == pytest.approx(
            (values * w).mean(), rel=1e-5)
        rate = callbacks.ReduceLROnPlateau()
        history = model.fit(X, ONE_HOT, verbose=0, validation_split=0.5, callbacks=[rate]).history
        assert list(history) == ['accuracy', 'loss', 'mse', 'val_accuracy', 'val_loss', 'val_mse', 'learning_rate']
        assert history['lr'] == history['learning_rate']


def test_double_precision():
    config.set_floatx('float64')
    try:
        model = regressor(metrics=['mae'])
        p = model.predict(X)
        assert p.dtype == np.float64
        want = [np.mean((p - Y) ** 2), np.mean(np.abs(p - Y))]
        assert model.evaluate(X, Y, verbose=0) == pytest.approx(want, rel=1e-7)
        w = np.arange(40.0) / 40
        model.fit(X, Y, sample_weight=w, verbose=0)
        assert model.get_weights()[0].dtype == np.float64
    finally:
        config.set_floatx('float32')


def test_a_step_allocates_nothing():
    model = regressor(optimizer='adam', metrics=['mae'])
    for _ in range(5):
        model.train_on_batch(X, Y)
    native = _core.allocations()
    tracemalloc.start()
    try:
        model.train_on_batch(X, Y)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(50):
            model.train_on_batch(X, Y)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert _core.allocations() == native
    assert after - before < 200 and peak - before < 2000    # two floats in a list, and a tuple to look the step up by


def test_weights_that_are_all_zero_give_zero():
    model = regressor()
    before = model.get_weights()
    assert model.train_on_batch(X, Y, sample_weight=np.zeros(40)) == 0.0
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_metrics_for_each_output():
    model = two_by_two(metrics=[['accuracy'], ['mae', 'mse']])
    assert model.metrics_names == ['loss', 'kind_loss', 'size_loss', 'kind_acc', 'size_mean_absolute_error',
                                   'size_mean_squared_error']
    assert two_by_two(metrics='mae').metrics_names[3:] == ['kind_mean_absolute_error', 'size_mean_absolute_error']
    assert two_by_two(metrics={'size': 'mae'}).metrics_names[3:] == ['size_mean_absolute_error']


def test_names_are_not_given_twice():
    assert regressor(metrics=['mae', 'mae', 'mse', 'mae']).metrics_names == [
        'loss', 'mean_absolute_error', 'mean_absolute_error_1', 'mean_squared_error', 'mean_absolute_error_2']


def test_metric_objects_see_the_whole_epoch():
    auc = metrics.AUC(name='auc')
    y = (LABELS > 0).astype('float32')
    model = Sequential([Dense(1, activation='sigmoid', input_shape=(4,))])
    model.compile('sgd', 'binary_crossentropy', metrics=[auc, 'accuracy'])
    values = model.evaluate(X, y, batch_size=7, verbose=0)
    assert values[1] == pytest.approx(model.evaluate(X, y, batch_size=40, verbose=0)[1], rel=1e-6)
    history = model.fit(X, y, batch_size=7, epochs=2, verbose=0, validation_data=(X, y)).history
    assert history['val_auc'][-1] == pytest.approx(model.evaluate(X, y, verbose=0)[1], rel=1e-6)
    first = model.test_on_batch(X[:10], y[:10])[1]
    model.reset_metrics()
    assert model.test_on_batch(X[:10], y[:10])[1] != pytest.approx(first)


def test_accuracy_by_the_shape_of_the_targets():
    own = classifier(loss=lambda y, p: losses.sparse_categorical_crossentropy(y, p), metrics=['accuracy'])
    want = np.mean(own.predict(X).argmax(1) == LABELS)
    assert own.evaluate(X, LABELS, verbose=0)[1] == pytest.approx(want)


def test_a_metric_object_given_for_two_outputs_is_two():
    model = two_by_two(metrics=[metrics.MeanAbsoluteError(name='mae')])
    values = dict(zip(model.metrics_names, model.evaluate([X, R], [ONE_HOT, Y], verbose=0)))
    kind, size = model.predict([X, R])
    assert values['kind_mae'] == pytest.approx(np.abs(kind - ONE_HOT).mean(), rel=1e-5)
    assert values['size_mae'] == pytest.approx(np.abs(size - Y).mean(), rel=1e-5)


def test_compile_again_traces_again():
    model = regressor()
    model.fit(X, Y, verbose=0)
    model.compile('sgd', 'mae')
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(np.abs(model.predict(X) - Y).mean(), rel=1e-5)
    assert model.train_on_batch(X, Y) == pytest.approx(model.history.history['loss'][0], rel=2.0)


def test_a_new_rate_needs_no_new_trace():
    model = regressor(optimizer=optimizers.SGD(lr=0.1))
    model.train_on_batch(X, Y)
    function = model._steps.function('train')
    plans = dict(function._traced)
    model.optimizer.lr = 0.0
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert model._steps.function('train') is function and function._traced == plans
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_trainable_is_read_by_compile():
    model = regressor()
    model.layers[0].trainable = False
    before = model.get_weights()
    with pytest.warns(UserWarning, match='trainable.*compile'):
        model.fit(X, Y, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])
    model.compile('sgd', 'mse')
    before = model.get_weights()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        model.fit(X, Y, verbose=0)
    after = model.get_weights()
    assert np.array_equal(before[0], after[0]) and not np.array_equal(before[2], after[2])


def test_a_part_that_is_frozen_later_still_trains_by_its_own_compile():
    """The two models of an adversarial pair: each keeps the flags of its compile."""
    part = Sequential([Dense(3, input_shape=(4,)), BatchNormalization(), Dense(1)])
    part.compile('sgd', 'mse')
    part.trainable = False
    whole = Sequential([Dense(4, input_shape=(4,)), part])
    whole.compile('sgd', 'mse')
    before = part.get_weights()
    whole.train_on_batch(X, Y)
    for a, b in zip(before, part.get_weights()):
        np.testing.assert_array_equal(a, b)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        part.train_on_batch(X, Y)
    assert all(not np.array_equal(a, b) for a, b in zip(before, part.get_weights()))


def test_a_loss_added_to_the_graph_later_counts():
    model = regressor()
    model.train_on_batch(X, Y)
    before = model.test_on_batch(X, Y)
    model.add_loss(ops.mean(ops.square(model.outputs[0])) * 2.0)
    want = before + 2.0 * np.mean(model.predict(X).astype('f8') ** 2)
    assert model.test_on_batch(X, Y) == pytest.approx(want, rel=1e-5)


def test_layers_added_later_count():
    model = regressor()
    model.fit(X, Y, verbose=0)
    model.predict(X)
    model.train_on_batch(X, Y)
    model.add(Dense(2))
    assert model.predict(X).shape == (40, 2)
    with pytest.raises(ValueError, match=r'\(40, 1\)'):
        model.train_on_batch(X, Y)
    model.train_on_batch(X, R)
    model.pop()
    assert model.predict(X).shape == (40, 1)
    model.train_on_batch(X, Y)


@pytest.mark.parametrize('loss', [{'a': 'mse'}, ['mse', None]])
def test_targets_of_outputs_without_a_loss_are_passed_over_in_lists_as_in_dicts(loss):
    rng = np.random.default_rng(0)
    x, y, other = (rng.random((8, n)).astype('float32') for n in (3, 1, 2))
    i = Input((3,))
    model = Model(i, [Dense(1, name='a')(i), Dense(2, name='b')(i)])
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model.compile('sgd', loss)
    expected = model.evaluate(x, y, verbose=0)
    for targets in [y], [y, other], (y, other), [y, None], {'a': y, 'b': other}, {'a': y}:
        assert model.evaluate(x, targets, verbose=0) == expected
        assert model.test_on_batch(x, targets) == expected
    half = np.arange(8) % 2
    weighted = model.evaluate(x, y, sample_weight=half, verbose=0)
    assert model.evaluate(x, [y, other], sample_weight=[half, None], verbose=0) == weighted != expected
    model.fit(x, [y, other], verbose=0, validation_data=(x, [y, other]))
    with pytest.raises(ValueError, match="takes 1 target .'a'."):
        model.fit(x, [y, other, other], verbose=0)
