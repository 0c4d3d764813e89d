"""Batches whose like was run before: whatever is unlike them gets what the long way gives, to the last bit and word."""

import gc
import sys
import threading

import numpy as np
import pytest

from fastkeras import _core, config, generation
from fastkeras.layers import LSTM, Add, BatchNormalization, Dense, Embedding, Input
from fastkeras.models import Model, Sequential
from fastkeras.training import quick
from tests.training.models_for_tests import ONE_HOT, Counter, X, Y, classifier, regressor, two_by_two

R = np.random.RandomState(4).standard_normal((40, 2)).astype('float32')


def warm(model, x, times=3):
    """The model, on a short way for x; and what it predicts."""
    for _ in range(times):
        found = model.predict_on_batch(x)
    return found


def took_short_way(model, x):
    return model._ways is not None and model._ways.run(x, 1 << 62) is not None


def test_it_is_taken_and_gives_new_arrays():
    model = classifier()
    first = warm(model, X[:3])
    assert took_short_way(model, X[:3])
    again = model.predict_on_batch(X[:3])
    assert again is not first and again.flags.owndata and again.flags.writeable and again.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    again[:] = 0
    np.testing.assert_array_equal(first, model.predict(X[:3]))
    other = model.predict_on_batch(X[3:6])
    np.testing.assert_array_equal(other, classifier().predict(X[:10])[3:6])


def named():
    given = Input((4,), name='input_1')
    model = Model(given, Dense(3, activation='softmax')(Dense(5, activation='tanh')(given)))
    model.set_weights(classifier().get_weights())
    return model


def unlike():
    wide = np.zeros((3, 8), 'float32')
    wide[:, ::2] = X[:3]
    bytes_apart = np.zeros(3 * 16 + 1, 'uint8')[1:].view('float32').reshape(3, 4)
    bytes_apart[:] = X[:3]
    return {'not contiguous': wide[:, ::2], 'Fortran order': np.asfortranarray(X[:3]), 'float64': X[:3].astype('float64'),
            'float64, not contiguous': wide.astype('float64')[:, ::2], 'big endian': X[:3].astype('>f4'),
            'big endian float64': X[:3].astype('>f8'), 'not aligned': bytes_apart, 'a list': X[:3].tolist(),
            'a tuple': tuple(map(tuple, X[:3].tolist())), 'a list of one array': [X[:3]], 'a dict': {'input_1': X[:3]},
            'a subclass': X[:3].view(type('Mine', (np.ndarray,), {})), 'read only': frozen(X[:3]), 'other rows': X[:5],
            'one row': X[:1], 'float16': X[:3].astype('float16'), 'objects': X[:3].astype(object)}


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize('kind', unlike())
def test_unlike_arrays(kind):
    x = unlike()[kind]
    model = named()
    expected = [model.predict_on_batch(x), model.predict(x), model.predict(x, batch_size=2)]
    warm(model, X[:3])
    for _ in range(2):
        found = [model.predict_on_batch(x), model.predict(x), model.predict(x, batch_size=2)]
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a, b)
            assert type(a) is np.ndarray and a.dtype == np.float32


@pytest.mark.parametrize('x', [X[:3, :3], X[0], X[:3, None], X[:0], X[:3].astype('complex64'), np.array([['a'] * 4]), None, [],
                               [X[:3], X[:3]], 3.0, {'other': X[:3]}])
def test_errors_are_those_of_the_long_way(x):
    messages = []
    for model in (named(), named()):
        if messages:
            warm(model, X[:3])
            assert took_short_way(model, X[:3])
        for _ in range(2):
            with pytest.raises((ValueError, TypeError)) as error:
                model.predict_on_batch(x)
            messages.append((error.type, str(error.value)))
    assert len(set(messages)) == 1


def test_arguments_of_predict():
    model = classifier()
    expected = model.predict(X)
    for n in (1, 31, 32, 33, 40):
        warm(model, X[:n])
        for size in (None, 1, 7, 40, 1 << 70, np.int64(8)):
            np.testing.assert_array_equal(model.predict(X[:n], batch_size=size), expected[:n])
    for wrong in (0, -1, True, 2.5, 'a'):
        messages = []
        for some in (model, classifier()):
            try:
                some.predict(X[:1], batch_size=wrong)
            except (TypeError, ValueError) as error:
                messages.append(str(error))
        assert len(messages) in (0, 2) and len(set(messages)) < 2
    with pytest.raises(TypeError, match='nonsense'):
        model.predict(X[:1], nonsense=3)
    seen = []
    from fastkeras.callbacks import LambdaCallback
    model.predict(X[:1], callbacks=[LambdaCallback(on_predict_begin=lambda logs=None: seen.append(1))])
    assert model.predict(X[:1], steps=1).shape == (1, 3)


def test_several_inputs_and_outputs():
    model = two_by_two()
    expected = two_by_two().predict([X, R])
    for n in (1, 5):
        given = [X[:n], R[:n]]
        warm(model, given)
        assert took_short_way(model, given)
        for same in (tuple(given), given, [X[:n].astype('float64'), R[:n]], {'left': X[:n], 'right': R[:n]}, tuple(given),
                     [X[:n], np.asfortranarray(R[:n])], [X[:n].tolist(), R[:n]]):
            found = model.predict_on_batch(same)
            assert type(found) is list
            for a, b in zip(found, expected):
                np.testing.assert_array_equal(a, b[:n])
    for wrong in ([X[:5], R[:4]], [X[:5]], [R[:5], X[:5]], X[:5], [X[:5], None]):
        with pytest.raises(ValueError) as error:
            model.predict_on_batch(wrong)
        with pytest.raises(ValueError) as first:
            two_by_two().predict_on_batch(wrong)
        assert str(error.value) == str(first.value)


@pytest.mark.parametrize('container', [tuple, lambda pair: dict(zip(('left', 'right'), pair)),
                                       lambda pair: dict(zip(('right', 'left'), pair[::-1]))])
def test_inputs_in_a_tuple_or_by_name(container):
    model = two_by_two()
    expected = two_by_two().predict([X, R])
    for n in (1, 5, 1):
        for some in (warm(model, container([X[:n], R[:n]])), model.predict_on_batch(container([X[:n], R[:n].tolist()]))):
            for a, b in zip(some, expected):
                np.testing.assert_array_equal(a, b[:n])
    with pytest.raises(ValueError):
        model.predict_on_batch(container([X[:1], X[:1]]))


def batches_of_two():
    both = [X, R]
    targets = [ONE_HOT, Y]
    yield both, targets
    yield tuple(both), tuple(targets)
    yield {'right': R, 'left': X}, targets
    yield both, {'kind': ONE_HOT, 'size': Y}
    yield [X.astype('float64'), np.asfortranarray(R)], [ONE_HOT.astype('int64'), Y[:, 0]]


@pytest.mark.parametrize('k', range(5))
@pytest.mark.parametrize('kind', ['train_on_batch', 'test_on_batch'])
def test_steps_of_several_inputs_and_targets(k, kind):
    """The numbers are those of the long way, to the last bit."""
    model, other = two_by_two(metrics=['mae']), two_by_two(metrics=['mae'])
    for _ in range(4):
        for x, y in list(batches_of_two())[k:]:
            other._quick.clear()
            np.testing.assert_array_equal(getattr(model, kind)(x, y), getattr(other, kind)(x, y))
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_labels_of_several_targets_are_looked_at_each_time():
    model = two_by_two(loss={'kind': 'sparse_categorical_crossentropy', 'size': 'mse'})
    labels = ONE_HOT.argmax(1)
    for _ in range(3):
        model.train_on_batch([X, R], [labels, Y])
    assert len(model._quick) == 1
    for wrong in (labels - 1, labels + 1):
        with pytest.raises(ValueError, match='labels from 0 to 2'):
            model.train_on_batch([X, R], [wrong, Y])


def test_an_output_without_a_loss():
    model, other = (two_by_two(loss={'size': 'mse'}) for _ in range(2))
    for y in ([ONE_HOT, Y], [Y], Y, [None, Y]) * 3:
        other._quick.clear()
        assert model.train_on_batch([X, R], y) == other.train_on_batch([X, R], y)


def test_a_dict_of_outputs_stays_one():
    given = Input((4,))
    model = Model(given, {'a': Dense(2)(given), 'b': Dense(1)(given)})
    for _ in range(3):
        assert sorted(model.predict_on_batch(X[:2])) == ['a', 'b']


def test_changed_weights_count():
    model = classifier()
    warm(model, X[:3])
    for change in (lambda: model.train_on_batch(X, ONE_HOT), lambda: model.set_weights([w * 0.5 for w in model.get_weights()]),
                   lambda: model.layers[0].bias.assign(np.ones(5)), lambda: model.fit(X, ONE_HOT, verbose=0)):
        before = model.predict_on_batch(X[:3])
        change()
        assert not took_short_way(model, X[:3])
        other = classifier()
        other.set_weights(model.get_weights())
        for _ in range(3):
            np.testing.assert_array_equal(model.predict_on_batch(X[:3]), other.predict(X)[:3])
        assert not np.array_equal(before, model.predict_on_batch(X[:3]))
        assert took_short_way(model, X[:3])


def test_a_change_elsewhere_is_looked_at_and_forgotten():
    model, other = classifier(), regressor()
    warm(model, X[:3])
    other.train_on_batch(X, Y)
    assert not took_short_way(model, X[:3])
    warm(model, X[:3], 1)
    assert took_short_way(model, X[:3])


def test_settings_count():
    model = classifier()
    expected = warm(model, X[:3])
    isa, threads = config.isa(), config.get_num_threads()
    try:
        for name in config.isas():
            config.set_isa(name)
            assert not took_short_way(model, X[:3])
            np.testing.assert_allclose(warm(model, X[:3]), expected, rtol=1e-5, atol=1e-6)
            assert took_short_way(model, X[:3])
        config.set_isa(isa)
        for change in (lambda: config.set_winograd(False), lambda: config.set_num_threads(1),
                       lambda: config.set_concurrent_runs(None), lambda: config.set_winograd(True)):
            change()
            assert not took_short_way(model, X[:3])
            np.testing.assert_array_equal(warm(model, X[:3]), expected)
        config.set_concurrent_runs(1)       # each run waits for its turn
        np.testing.assert_array_equal(warm(model, X[:3]), expected)
        assert not took_short_way(model, X[:3])
    finally:
        config.set_isa(isa)
        config.set_winograd(True)
        config.set_num_threads(threads)
        config.set_concurrent_runs(None)


def test_plans_that_were_let_go_of():
    from fastkeras.runtime import plans
    model = classifier()
    expected = warm(model, X[:3])
    plans.clear_all()
    assert not took_short_way(model, X[:3])
    np.testing.assert_array_equal(warm(model, X[:3]), expected)
    assert took_short_way(model, X[:3])


def test_plans_in_use_are_not_the_first_to_go():
    model = classifier()
    warm(model, X[:3])
    function = model._predict_steps.function('predict')
    plan = function.traced_for([X[:3]])
    for n in range(4, 4 + 2 * 64):
        model.predict_on_batch(X[:3])
        model.predict_on_batch(np.zeros((n, 4), 'float32'))
    assert function.traced_for([X[:3]]) is plan
    assert len(model._ways.known) <= quick.LIMIT


def test_compile_and_new_layers_begin_anew():
    model = classifier()
    warm(model, X[:3])
    model.compile('sgd', 'mse')
    assert model._ways is None
    model = Sequential([Dense(5, input_shape=(4,))])
    warm(model, X[:3])
    model.add(Dense(2))
    assert warm(model, X[:3]).shape == (3, 2)
    model.pop()
    assert warm(model, X[:3]).shape == (3, 5)


def test_the_generation_of_a_call():
    model = classifier()
    expected = warm(model, X[:3])
    with generation.scope(3):
        np.testing.assert_array_equal(warm(model, X[:3]), expected)
        np.testing.assert_array_equal(model.predict(X[:3], verbose='auto'), expected)


def test_state_moves_on():
    """A run that does more than the plan alone is never on the short way."""
    model = Sequential([LSTM(3, stateful=True, batch_input_shape=(2, 5, 4)), Dense(1)])
    x = X.reshape(10, 4, 4)[:2]
    x = np.concatenate([x, x[:, :1]], axis=1)
    seen = [model.predict_on_batch(x) for _ in range(4)]
    assert len({s.tobytes() for s in seen}) == 4 and not took_short_way(model, x)
    model.reset_states()
    for s in seen:
        np.testing.assert_array_equal(model.predict_on_batch(x), s)


def test_a_fixed_batch_is_kept_to():
    model = Sequential([Dense(2, batch_input_shape=(2, 4))])
    expected = warm(model, X[:2])
    for call in (lambda: model.predict_on_batch(X[:4]), lambda: model.predict(X[:2], batch_size=1)):
        with pytest.raises(ValueError, match='fixed batch size of 2'):
            call()
    np.testing.assert_array_equal(model.predict(X[:4])[:2], expected)


def test_indices_are_looked_at_each_time():
    model = Sequential([Embedding(7, 3, input_length=2), Dense(1)])
    x = np.array([[1, 6]], 'int32')
    expected = warm(model, x)
    with pytest.raises(ValueError, match='7'):
        model.predict_on_batch(x + 1)
    np.testing.assert_array_equal(model.predict_on_batch(x), expected)


def test_steps_of_ones_own_are_called():
    seen = []

    class Mine(Model):
        def predict_step(self, data):
            seen.append(1)
            return super().predict_step(data) * 2

    given = Input((4,))
    model = Mine(given, Dense(2)(given))
    model.compile('sgd', 'mse', run_eagerly=True)
    for n in range(1, 4):
        model.predict_on_batch(X[:3])
        assert len(seen) == n


def test_subclassed_models():
    class Mine(Model):
        def __init__(self):
            super().__init__()
            self.first, self.norm, self.last = Dense(5), BatchNormalization(), Dense(2)

        def call(self, x, training=None):
            return self.last(self.norm(self.first(x), training=training))

    model = Mine()
    expected = model(X[:3])
    np.testing.assert_allclose(warm(model, X[:3]), expected, rtol=1e-6)
    assert took_short_way(model, X[:3])


def test_a_layer_that_updates_what_it_keeps():
    model = Sequential([Input((4,)), Counter()])
    x = np.zeros((1, 4), 'float32')
    values = [float(model.predict_on_batch(x)[0, 0]) for _ in range(5)]
    assert np.all(np.diff(values) == 1)


def test_threads_get_their_own_results():
    model = classifier()
    expected = classifier().predict(X)
    warm(model, X[:1])
    wrong = []

    def predict(k):
        for i in range(200):
            row = (i * 7 + k) % 40
            if not np.array_equal(model.predict_on_batch(X[row:row + 1]), expected[row:row + 1]):
                wrong.append(row)

    threads = [threading.Thread(target=predict, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_thread_that_changes_weights():
    """Predictions beside it are of the weights before or behind a change, and behind the last one of those."""
    model = regressor()
    warm(model, X[:1])
    small, large = [w * 0.5 for w in model.get_weights()], model.get_weights()
    ended = threading.Event()

    def change():
        for _ in range(100):
            model.set_weights(small)
            model.set_weights(large)
        model.set_weights(small)
        ended.set()

    thread = threading.Thread(target=change)
    thread.start()
    while not ended.is_set():
        model.predict_on_batch(X[:1])
    thread.join()
    other = regressor()
    other.set_weights(small)
    np.testing.assert_array_equal(model.predict_on_batch(X[:1]), other.predict(X[:1]))


def test_several_changes_have_their_own_numbers():
    numbers = []

    def change():
        numbers.extend([_core.changed() for _ in range(1000)])

    threads = [threading.Thread(target=change) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(numbers)) == 4000 and max(numbers) == _core.latest_change()


def test_ways_keep_no_plan():
    model = classifier()
    warm(model, X[:3])
    ways, way = model._ways, model._ways.known[0]
    assert way() is not None
    model._predict_steps, model._quick = None, {}
    gc.collect()
    assert way() is None and ways.run(X[:3], 3) is None


def test_a_list_that_another_thread_changes():
    """Arrays of float64 are converted, meanwhile others have their turn."""
    a, b = Input((2000,)), Input((2000,))
    model = Model([a, b], Add()([a, b]))
    given = [np.ones((16, 2000)), np.ones((16, 2000))]
    shared, ended = list(given), threading.Event()
    warm(model, list(given))

    def work():
        while not ended.is_set():
            shared.clear()
            shared.extend(np.ones(3) for _ in range(3))
            shared.clear()
            shared.extend(given)

    other, before = threading.Thread(target=work), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    other.start()
    try:
        for _ in range(300):
            try:
                found = model.predict_on_batch(shared)
            except ValueError:
                continue
            assert (found == 2).all()
    finally:
        ended.set()
        other.join()
        sys.setswitchinterval(before)


def test_inputs_of_other_shapes_are_not_converted():
    """Many ways have the first input's shape: only that whose shapes are all these converts it."""
    a, b = Input((5,)), Input((None, 2))
    model = Model([a, b], [Dense(1)(a), Dense(1)(b)])
    first = np.full((1, 5), 1e300)      # does not fit float32, which NumPy tells
    told = []
    with np.errstate(over='call', invalid='ignore', call=lambda *_: told.append(1)):
        for steps in range(1, 11):
            warm(model, [first, np.ones((1, steps, 2))])
        del told[:]
        model.predict_on_batch([first, np.ones((1, 10, 2))])
        assert model._ways.run([first, np.ones((1, 10, 2))]) is not None
    assert len(told) == 2 and len(model._ways.known) >= 10


def test_each_generation_remembers_its_own():
    model, numbers = regressor(), []
    for _ in range(3):
        numbers += [model.train_on_batch(X, Y), model.test_on_batch(X, Y)]
    with generation.scope('2.2.4'):
        strict = [model.train_on_batch(X, Y), model.test_on_batch(X, Y)]
    assert {type(n) for n in numbers} == {float} and {type(n) for n in strict} == {np.float32}
    assert type(model.test_on_batch(X, Y)) is float
