import gc
import weakref

import numpy as np
import pytest

import fastkeras as keras
from fastkeras import backend as K
from fastkeras.backend import graph_functions
from fastkeras.layers import BatchNormalization, Dense, Dropout, Input, Lambda, Layer


def test_a_function_of_placeholders_with_updates_after_its_outputs():
    x, count = K.placeholder((None, 3)), K.variable(10.0)
    f = K.function([x], [K.sum(x) * count, count], updates=[(count, count + 1.0), K.update_add(count, 0.0)][:1])
    assert [float(v) for v in f([np.ones((2, 3))])] == [60.0, 10.0]
    assert [float(v) for v in f([np.ones((1, 3))])] == [33.0, 11.0]
    assert K.get_value(count) == 12.0


@pytest.mark.parametrize('update, want', [(K.update, 3.0), (K.update_add, 13.0), (K.update_sub, 7.0),
                                          (lambda v, x: K.moving_average_update(v, x, 0.75), 8.25)])
def test_an_update_happens_when_it_is_evaluated_and_not_before(update, want):
    v = K.variable(10.0)
    later = update(v, K.constant(3.0))
    assert K.get_value(v) == 10.0
    assert K.eval(later) == want and K.get_value(v) == want
    w = K.variable(10.0)
    K.function([], [], updates=[update(w, 3.0)])([])
    assert K.get_value(w) == want


def test_updates_of_layers_are_not_done_by_a_function():
    model = keras.Sequential([BatchNormalization(input_shape=(3,))])
    before = model.get_weights()
    K.function([model.input, K.learning_phase()], [model.output])([np.random.rand(8, 3) * 9, 1])
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_weight_that_looks_like_a_seed_is_none():
    class Counts(Layer):
        def build(self, input_shape):
            self.counts = self.add_weight(name='counts', shape=(2,), dtype='int32', initializer='zeros', trainable=False)
            super().build(input_shape)

        def call(self, x):
            self.counts.assign(self.counts + 1)
            return x * 1.0

    model = keras.Sequential([Counts(input_shape=(3,))])
    K.function([model.input], [model.output])([np.ones((1, 3))])
    assert K.get_value(model.layers[0].counts).tolist() == [0, 0]


def test_the_learning_phase_is_an_input():
    model = keras.Sequential([Dropout(0.5, input_shape=(400,))])
    f = K.function([model.input, K.learning_phase()], [model.layers[0].output])
    x = np.ones((2, 400))
    np.testing.assert_array_equal(f([x, 0])[0], x)
    dropped = f([x, 1])[0]
    assert set(np.unique(dropped)) == {0.0, 2.0} and 0.3 < (dropped == 0).mean() < 0.7
    assert (f([x, 1])[0] != dropped).any()
    np.testing.assert_array_equal(K.function([model.input], [model.output])([x])[0], x)


def test_a_fixed_learning_phase_is_a_number():
    try:
        K.set_learning_phase(1)
        assert K.learning_phase() == 1
        assert K.eval(K.in_train_phase(K.constant(1.0), K.constant(2.0))) == 1.0
        K.set_learning_phase(0)
        assert K.eval(K.in_train_phase(K.constant(1.0), lambda: K.constant(2.0))) == 2.0
    finally:
        K.clear_session()
    with pytest.raises(ValueError, match='Expected learning phase to be 0 or 1'):
        K.set_learning_phase(2)


def test_gradients_with_respect_to_tensors_on_the_way():
    """Finite differences of the part of the network behind the tensor are the other source."""
    model = keras.Sequential([Dense(4, activation='tanh', input_shape=(3,)), Dense(2, activation='sigmoid')])
    loss = K.mean(K.square(model.output[:, 0]))
    hidden = model.layers[0].output
    by_hidden, by_kernel = K.gradients(loss, [hidden, model.layers[1].kernel])
    x = np.random.RandomState(0).rand(5, 3)
    h, g, gk = K.function([model.input], [hidden, by_hidden, by_kernel])([x])
    kernel, bias = (w.astype('f8') for w in model.layers[1].get_weights())

    def value(h, kernel):
        return np.mean((1 / (1 + np.exp(-(h @ kernel + bias))))[:, 0] ** 2)

    h, e = h.astype('f8'), 1e-5
    for at, want in ((i, g[i]) for i in np.ndindex(h.shape)):
        step = np.zeros_like(h)
        step[at] = e
        assert abs((value(h + step, kernel) - value(h - step, kernel)) / (2 * e) - want) < 1e-6
    step = np.zeros_like(kernel)
    step[1, 0] = e
    assert abs((value(h, kernel + step) - value(h, kernel - step)) / (2 * e) - gk[1, 0]) < 1e-6


def test_gradients_of_gradients_and_of_what_there_is_no_way_to():
    x, other = K.variable(3.0), K.variable(1.0)
    y = K.pow(x, 4.0)
    first, none = K.gradients(y, [x, other])
    second, = K.gradients(first, x)
    assert none is None
    assert [float(v) for v in K.function([], [first, second])([])] == [108.0, 108.0]
    assert K.gradients(K.sum(other), [x]) == [None]
    assert K.eval(K.gradients([y, x * 2, K.constant([1.0, 2.0]) * x], x)[0]) == 108.0 + 2.0 + 3.0
    with pytest.raises(TypeError, match='symbolic'):
        K.gradients(np.float32(3.0), [x])


def test_arithmetic_of_variables_is_symbolic():
    x = K.variable(np.array([1.0, 2.0]))
    loss = (x ** 2 * 3 - x / 2 + 1)[1]
    assert K.eval(loss) == 12.0
    np.testing.assert_allclose(K.eval(K.gradients(loss, x)[0]), [0.0, 11.5])
    loss = K.variable(0.0)
    loss += 2.0 * K.sum(x)
    assert K.eval(loss) == 6.0
    K.set_value(x, [10.0, 20.0])
    assert K.eval(loss) == 60.0


def test_a_function_through_intermediate_tensors():
    a = Input((3,))
    hidden = Dense(4, activation='relu')(a)
    model = keras.Model(a, Dense(2)(hidden))
    front = K.function([model.input], [hidden])
    back = K.function([hidden], [model.output])
    x = np.random.RandomState(1).rand(6, 3).astype('float32')
    np.testing.assert_allclose(back(front([x]))[0], model.predict(x), atol=1e-6)


def test_backend_in_layers_losses_and_metrics():
    class Scaled(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(name='scale', shape=(input_shape[-1],), initializer='ones', trainable=True)
            self.seen = self.add_weight(name='seen', shape=(), initializer='zeros', trainable=False)
            super().build(input_shape)

        def call(self, x, training=None):
            self.add_update([K.update_add(self.seen, K.cast(K.shape(x)[0], 'float32'))], x)
            noise = K.random_normal((K.shape(x)[0], K.int_shape(x)[1]), stddev=1e-3)
            return K.in_train_phase(x * self.scale + noise, x * self.scale, training=training)

    def loss(y_true, y_pred):
        return K.mean(K.square(y_pred - y_true), axis=-1)

    def largest(y_true, y_pred):
        return K.max(K.abs(y_true - y_pred))

    model = keras.Sequential([Scaled(input_shape=(3,)), Lambda(lambda x: K.sum(x, axis=1, keepdims=True))])
    model.compile('sgd', loss, metrics=[largest])
    x = np.random.RandomState(0).rand(32, 3).astype('float32')
    y = x @ np.array([[1.0], [2.0], [-1.0]], 'float32')
    history = model.fit(x, y, batch_size=8, epochs=60, verbose=0).history
    assert history['loss'][-1] < 0.3 * history['loss'][0]
    assert model.layers[0].get_weights()[1] == 32 * 60
    assert abs(model.evaluate(x, y, verbose=0)[1] - np.abs(model.predict(x) - y).max()) < 1e-5


def test_print_tensor_prints_each_time_and_passes_gradients(capsys):
    x = K.placeholder((2,))
    y = K.print_tensor(x * 2.0, 'doubled: ')
    f = K.function([x], [K.sum(y), *K.gradients(K.sum(y), [x])])
    assert capsys.readouterr().err == ''
    assert float(f([[1.0, 2.0]])[0]) == 6.0
    assert capsys.readouterr().err == 'doubled: [2. 4.]\n'
    np.testing.assert_array_equal(f([[3.0, 4.0]])[1], [2.0, 2.0])
    assert capsys.readouterr().err == 'doubled: [6. 8.]\n'


def test_values_of_many():
    a, b = K.variable([1.0, 2.0]), K.variable(3.0)
    K.batch_set_value([(a, [5.0, 6.0]), (b, 7.0)])
    first, second = K.batch_get_value([a, b])
    np.testing.assert_array_equal(first, [5.0, 6.0])
    assert second == 7.0
    with pytest.raises(ValueError, match='shape'):
        K.set_value(a, np.ones((3,)))


def test_what_is_no_function_says_so():
    x, y = K.placeholder((None, 2), name='fed'), K.placeholder((2,), name='forgotten')
    with pytest.raises(TypeError, match='should be a list or tuple'):
        K.function(x, [x])
    with pytest.raises(TypeError, match='should be a list or tuple'):
        K.function([x], K.sum(x))
    with pytest.raises(ValueError, match="needs? the placeholder 'forgotten'"):
        K.function([x], [K.sum(x) + K.sum(y)])([np.ones((1, 2))])
    with pytest.raises(ValueError, match="placeholder 'forgotten'"):
        K.eval(K.sum(y))
    with pytest.raises(ValueError, match="'fed'.*shape"):
        K.function([x], [K.sum(x)])([np.ones((1, 3))])
    with pytest.raises(ValueError, match='expected 1 inputs, got 2'):
        K.function([x], [K.sum(x)])([1, 2])
    with pytest.raises(ValueError, match='options'):
        K.function([x], [K.sum(x)], options=3)


def test_gradients_where_windows_need_more_of_open_sizes_than_the_least():
    x = Input((None, None, 2))
    y = keras.layers.Conv2D(3, 3)(keras.layers.MaxPooling2D()(keras.layers.Conv2D(3, 5)(x)))
    f = K.function([x], K.gradients(K.mean(y), x))
    assert f([np.ones((1, 12, 10, 2))])[0].shape == (1, 12, 10, 2)


def test_a_symbol_is_compiled_once_for_all_evaluations(monkeypatch):
    compiled = []
    made = graph_functions.Traced._new
    monkeypatch.setattr(graph_functions.Traced, '_new', lambda self, specs: compiled.append(self.name) or made(self, specs))
    v = K.variable([1.0, 2.0])
    y = K.sum(v * 3.0)
    for k in range(5):
        K.set_value(v, [k, 1.0])
        assert K.eval(y) == K.get_value(y) == K.batch_get_value([y])[0] == 3.0 * (k + 1)
    assert compiled == ['eval']
    gone = weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None


def test_an_update_that_nobody_adds_is_told_of():
    class Forgetful(Layer):
        def build(self, input_shape):
            self.seen = self.add_weight(name='seen', shape=(), initializer='zeros', trainable=False)

        def call(self, x):
            K.update_add(self.seen, 1.0)
            return x * 1.0

    class Counting(Forgetful):
        def call(self, x):
            return x + 0.0 * K.update_add(self.seen, 1.0)

    model = keras.Sequential([Forgetful(input_shape=(2,))])
    with pytest.warns(UserWarning, match=r"'forgetful_\d+/seen:0'.*self.add_update"):
        model.predict(np.ones((1, 2)))
    assert K.get_value(model.layers[0].seen) == 0
    # what a result is made of is done, in predict too, as in Keras 2
    model = keras.Sequential([Counting(input_shape=(2,))])
    model.predict(np.ones((1, 2)))
    assert K.get_value(model.layers[0].seen) == 1
    with pytest.raises(TypeError, match='add_update expected'):
        model.layers[0].add_update([3.0])


def test_ops_of_variables_of_the_backend_are_symbolic():
    v = K.variable([1.0, -2.0])
    loss = keras.losses.mean_absolute_error(K.constant([0.0, 0.0]), v) + keras.regularizers.l2(0.5)(v)
    np.testing.assert_allclose(K.eval(K.gradients(loss, v)[0]), [0.5 + 1.0, -0.5 - 2.0])
    dense = Dense(2, weights=[np.eye(2), np.zeros(2)])
    np.testing.assert_array_equal(K.eval(dense(K.reshape(v, (1, 2)))), [[1.0, -2.0]])
