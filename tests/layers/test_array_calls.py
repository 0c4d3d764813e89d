"""Layers and models called on arrays like those before: at once, unless something around, or in them, is not as it was."""

import copy
import gc
import weakref

import numpy as np
import pytest

from fastkeras import config, generation
from fastkeras.layers import (
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Input,
    Layer,
    Masking,
    collect_losses,
    context,
)
from fastkeras.models import Model, Sequential
from fastkeras.runtime import GradientTape
from tests.training.models_for_tests import Counter

X = np.random.RandomState(0).standard_normal((5, 4)).astype('float32')


def warm(layer, x=X):
    for _ in range(3):
        found = layer(x)
    return found


def is_found_again(layer, x=X):
    return layer._found_again(x) is not None


def expected(layer, x=X):
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


def test_results_are_new_arrays_with_the_same_numbers():
    layer = Dense(3)
    first = warm(layer)
    assert is_found_again(layer)
    again = layer(X)
    assert type(again) is np.ndarray and again is not first and again.flags.owndata
    np.testing.assert_array_equal(first, again)
    again[:] = 0
    np.testing.assert_array_equal(first, layer(X))


@pytest.mark.parametrize('like', [np.asfortranarray(X), X.astype('float64'), X.astype('>f4'), X.tolist(), X[::-1][::-1],
                                  X.view(type('Mine', (np.ndarray,), {})), X.astype('float16').astype('float32')])
def test_unlike_arrays(like):
    layer = Dense(3)
    warm(layer)
    for _ in range(2):
        np.testing.assert_allclose(layer(like), expected(layer, np.asarray(like, 'float32')), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('wrong', [X[:, :3], X[0, 0], None, 'text', [X, X]])
def test_errors_are_those_of_the_first_call(wrong):
    layer, messages = Dense(3, name='one'), []
    layer.build((None, 4))
    for _ in range(2):
        with pytest.raises((ValueError, TypeError)) as error:
            layer(wrong)
        messages.append((error.type, str(error.value)))
        warm(layer)
    assert messages[0] == messages[1]


def test_changed_weights_and_attributes_count():
    layer = Dense(3)
    warm(layer)
    layer.set_weights([w + 1 for w in layer.get_weights()])
    assert not is_found_again(layer)
    np.testing.assert_allclose(warm(layer), expected(layer), rtol=1e-5, atol=1e-6)
    layer.activation = np.abs
    assert not is_found_again(layer)
    np.testing.assert_allclose(warm(layer), np.abs(expected(layer)), rtol=1e-5, atol=1e-6)
    model = Sequential([layer])
    np.testing.assert_allclose(warm(model), np.abs(expected(layer)), rtol=1e-5, atol=1e-6)
    layer.activation = np.negative
    np.testing.assert_allclose(warm(model), -expected(layer), rtol=1e-5, atol=1e-6)
    model.add(Dense(2))
    assert warm(model).shape == (5, 2)


def test_what_a_call_is_told():
    layer = Sequential([Dropout(0.5), BatchNormalization()])
    plain = warm(layer)
    assert is_found_again(layer)
    assert not np.array_equal(layer(X, training=True), plain)
    moved = layer(X)
    assert not np.array_equal(moved, plain)      # by the moving averages
    with context.learning_phase_scope(1):
        assert not is_found_again(layer)
        assert not np.array_equal(layer(X), layer(X))
    assert not np.array_equal(layer(X), moved)


def test_generations_do_not_meet():
    layer = Dense(3)
    warm(layer)
    with generation.scope(3):
        assert not is_found_again(layer)
        warm(layer)
        assert is_found_again(layer)
    with generation.scope('2.2.4'):
        for _ in range(2):
            with pytest.raises(ValueError, match="isn't a symbolic tensor"):
                layer(X)
    assert is_found_again(layer)


def test_settings_count():
    layer, isa = Dense(3), config.isa()
    warm(layer)
    try:
        for name in config.isas():
            config.set_isa(name)
            assert not is_found_again(layer)
            np.testing.assert_allclose(warm(layer), expected(layer), rtol=1e-5, atol=1e-6)
    finally:
        config.set_isa(isa)


def test_inside_a_trace_and_on_tensors():
    layer, given = Dense(3), Input((4,))
    warm(layer)
    assert Model(given, layer(given)).predict(X).shape == (5, 3)

    class Twice(Layer):
        def call(self, x):
            return layer(x) + layer(X)      # an array, in a trace

    np.testing.assert_allclose(warm(Twice()), 2 * expected(layer), rtol=1e-5, atol=1e-6)
    with GradientTape() as tape:
        loss = layer(X).sum()
    gradient = tape.gradient(loss, layer.kernel)
    np.testing.assert_allclose(gradient, np.repeat(X.sum(0)[:, None], 3, 1), rtol=1e-4, atol=1e-5)


def test_losses_are_collected():
    layer = Dense(3, kernel_regularizer='l2', activity_regularizer='l2')
    warm(layer)
    assert not is_found_again(layer) and len(layer.losses) == 2
    layer = Dense(3, kernel_regularizer='l2')
    warm(layer)
    with collect_losses() as found:
        layer(X)
    assert len(found) == 1

    class Adds(Layer):
        def call(self, x, training=False):
            if training:
                self.add_loss(x.sum())
            return x * 2.0

    layer = Adds()
    warm(layer)
    layer(X, training=True)
    assert len(layer.losses) == 1
    layer(X)
    assert len(layer.losses) == 0


def test_masks_go_along():
    x = np.array([[[1.0, 2.0], [0.0, 0.0]]], 'float32')
    masked = warm(Masking(), x)

    class Sees(Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return x if mask is None else x * 0.0 - 1.0

    sees = Sees()
    np.testing.assert_array_equal(warm(sees, x), x)
    np.testing.assert_array_equal(sees(masked), np.full_like(x, -1.0))


def test_indices_are_looked_at():
    layer = Embedding(7, 3)
    warm(layer, np.array([[1, 6]]))
    with pytest.raises(ValueError, match='7'):
        layer(np.array([[1, 7]]))


def test_several_inputs():
    layer = Concatenate()
    given = [X, X * 2]
    np.testing.assert_array_equal(warm(layer, given), np.concatenate(given, 1))
    assert is_found_again(layer, given) and not is_found_again(layer, tuple(given)) and not is_found_again(layer, given[:1])
    np.testing.assert_array_equal(layer([X, X[:, :2]]), np.concatenate([X, X[:, :2]], 1))


def test_several_outputs_keep_their_nesting():
    given = Input((4,))
    model = Model(given, [Dense(2)(given), Dense(3)(given)])
    assert [y.shape for y in warm(model)] == [(5, 2), (5, 3)]


def test_a_layer_that_updates_what_it_keeps():
    layer = Counter()
    assert [float(layer(X)[0, 0]) for _ in range(4)] == [1, 2, 3, 4]


def test_copies_and_ends():
    model = Sequential([Dense(3, input_shape=(4,))])
    plain = warm(model)
    model.predict(X)
    other = copy.deepcopy(model)
    model.set_weights([w * 0 for w in model.get_weights()])
    np.testing.assert_array_equal(other(X), plain)
    layer = model.layers[0]
    warm(layer)
    ends = weakref.ref(layer)
    del model, layer, other
    gc.collect()
    assert ends() is None


def test_before_there_is_a_layer():
    class Hasty(Layer):
        def __init__(self):
            pass

    with pytest.raises(ValueError, match=r'super\(\).__init__'):
        Hasty()(X)
