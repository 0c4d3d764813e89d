import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import (
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    Layer,
    Masking,
    TimeDistributed,
    Wrapper,
    deserialize,
)
from fastkeras.models import Model, Sequential
from tests.layer_harness import run_layer_test

RNG = np.random.default_rng(4)
X = RNG.standard_normal((2, 3, 4)).astype(np.float32)


class Twice(Wrapper):
    def call(self, inputs):
        return self.layer(self.layer(inputs))


def test_a_wrapper_of_ones_own():
    run_layer_test(Twice, {'layer': Dense(4, activation='tanh')}, (3, 4),
                   expected=lambda x, w, b: np.tanh(np.tanh(x @ w + b) @ w + b))
    layer = Twice(Dense(4, name='inner'), name='outer')
    layer.build((None, 4))
    assert layer.layer.built and [w.name for w in layer.weights] == ['outer/inner/kernel:0', 'outer/inner/bias:0']
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 2
    for bad in (Dense, 'dense', None):
        with pytest.raises(ValueError, match='Twice: expected layer to be a layer'):
            Twice(bad)


def dense(x, w, b):
    return x @ w + b


@pytest.mark.parametrize('make, shape, expected', [
    (lambda: Dense(5), (2, 3, 4), dense), (lambda: Dense(5), (2, 3, 2, 4), dense),
    (lambda: Dense(5, activity_regularizer='l2', kernel_regularizer='l1'), (2, 3, 4), dense),
    (lambda: Conv2D(2, 3), (2, 3, 5, 5, 2), None), (lambda: Flatten(), (2, 3, 4, 2), lambda x: x.reshape(2, 3, 8)),
    (lambda: BatchNormalization(), (2, 3, 4), lambda x, *_: x / np.sqrt(1.001)), (lambda: Dropout(0.5), (2, 3, 4), lambda x: x),
    (lambda: TimeDistributed(Dense(5)), (2, 3, 2, 4), dense),
    (lambda: Sequential([Dense(5, input_shape=(4,)), Dense(5)]), (2, 3, 4), lambda x, w, b, v, c: (x @ w + b) @ v + c),
    (lambda: Sequential([Dense(5), Dense(5)]), (2, 3, 4), None)])
def test_time_distributed(make, shape, expected):
    for where in (2, 3):
        with generation.scope(where):
            inner = make()
            run_layer_test(TimeDistributed, {'layer': inner}, shape, expected=expected, stochastic=isinstance(inner, Dropout),
                           smooth=where == 2 and not isinstance(inner, (Sequential, TimeDistributed)))


@pytest.mark.parametrize('batch', [None, 2])
@pytest.mark.parametrize('steps', [None, 3])
@pytest.mark.parametrize('size', [None, 5])
def test_unknown_sizes(batch, steps, size):
    x = RNG.standard_normal((2, 3, 5, 5, 2)).astype(np.float32)
    inner = Conv2D(4, 3)
    given = Input(batch_shape=(batch, steps, size, size, 2))
    y = TimeDistributed(inner)(given)
    assert y.shape == (batch, steps, *(2 * [size and size - 2]), 4)
    got = Model(given, y).predict(x, batch_size=2)
    np.testing.assert_allclose(got[:, 1], inner(x[:, 1]), rtol=1e-5, atol=1e-6)


def test_no_steps():
    assert TimeDistributed(Dense(5))(np.zeros((2, 0, 4))).shape == (2, 0, 5)


def mask_of(layer, x, mask=None):
    """The mask that comes out of a layer, and its result."""
    given = [Input(shape=x.shape[1:], dtype=x.dtype.name)]
    if mask is None:
        y = layer(given[0])
    else:
        given.append(Input(shape=mask.shape[1:], dtype='bool'))
        y = layer(given[0], mask=given[1])
    if y._keras_mask is None:
        return None
    probe = Lambda(lambda t, mask: mask + 0.0, mask=lambda *_: None)
    return Model(given, probe(y)).predict([x] if mask is None else [x, mask]) > 0.5


def test_masks():
    ids = np.array([[[1, 2, 0], [3, 0, 0]], [[4, 0, 0], [0, 0, 0]]], np.int32)
    words = TimeDistributed(Embedding(5, 4, mask_zero=True))
    np.testing.assert_array_equal(mask_of(words, ids), ids != 0)
    x = RNG.standard_normal((2, 2, 3, 4)).astype(np.float32)
    masked = x * (ids != 0)[..., None]
    np.testing.assert_array_equal(mask_of(TimeDistributed(Masking()), masked), ids != 0)
    # of more axes: for the layer inside; and the steps that keep anything remain
    means = TimeDistributed(GlobalAveragePooling1D())
    full = mask_of(means, x, ids != 0)
    assert full is None or (full == (ids != 0).any(-1)).all()
    # of steps: passes by
    steps = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(mask_of(TimeDistributed(Dense(5)), x, steps), steps)
    np.testing.assert_array_equal(mask_of(TimeDistributed(Conv2D(5, 1)), x[..., None], steps), steps)
    assert mask_of(TimeDistributed(Dense(5)), x) is None
    with pytest.raises(ValueError, match=r"'outer'.*mask of shape \(batch, steps, …\).*got shape \(None, 3\)"):
        mask_of(TimeDistributed(Dense(5), name='outer'), x, np.ones((2, 3), bool))


def test_the_mask_reaches_the_layer_inside():
    class Seen(Layer):
        supports_masking = True

        def call(self, inputs, mask=None):
            assert mask.shape[1:] == (3,)
            return inputs * mask[..., None]

    model = Sequential([TimeDistributed(Masking(), input_shape=(2, 3, 4)), TimeDistributed(Seen())])
    x = RNG.standard_normal((2, 2, 3, 4)).astype(np.float32)
    x[:, :, 1] = 0
    np.testing.assert_array_equal(model.predict(x), x)


def test_compute_mask():
    ids = np.array([[[1, 0], [0, 0]]], np.int32)
    mask = TimeDistributed(Embedding(5, 4, mask_zero=True)).compute_mask(Input((2, 2), dtype='int32'))
    assert mask.shape == (None, 2, 2)
    assert TimeDistributed(Dense(5)).compute_mask(ids.astype('float32')) is None


def test_statistics_are_of_all_steps():
    """As Keras 2 has it, for a batch of unknown size."""
    layer = TimeDistributed(BatchNormalization(momentum=0.0))
    y = layer(X * 3 + 1, training=True)
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(layer.get_weights()[2], (X * 3 + 1).mean((0, 1)), rtol=1e-4)


def test_a_model_of_two_inputs():
    a, b = Input((4,)), Input((2,))
    inner = Model([a, b], Dense(3)(Concatenate()([a, b])))
    layer = TimeDistributed(inner)
    z = RNG.standard_normal((2, 3, 2)).astype(np.float32)
    y = layer([X, z])
    np.testing.assert_allclose(y[:, 1], inner([X[:, 1], z[:, 1]]), rtol=1e-5)
    assert layer.compute_output_shape([(None, 3, 4), (None, 3, 2)]) == (None, 3, 3)
    outer = [Input((None, 4)), Input((3, 2))]
    np.testing.assert_allclose(Model(outer, layer(outer)).predict([X, z]), y, rtol=1e-5)
    with pytest.raises(ValueError, match='the same number of steps'):
        layer([X, z[:, :2]])


def test_losses_and_indices_of_the_layer_inside():
    model = Sequential([TimeDistributed(Dense(2, activity_regularizer='l2', kernel_initializer='ones'), input_shape=(3, 4))])
    model.compile('sgd', 'mse')
    want = 0.01 * (model.predict(X) ** 2).sum()
    np.testing.assert_allclose(model.evaluate(X, model.predict(X), verbose=0), want, rtol=1e-5)
    with pytest.raises(ValueError, match="'words' has input_dim=5.*got 7 at index"):
        TimeDistributed(Embedding(5, 2, name='words'))(np.full((1, 2, 3), 7))


@pytest.mark.parametrize('where', [2, 3])
def test_configuration(where):
    class Own(Layer):
        def call(self, inputs):
            return inputs

    with generation.scope(where):
        config = TimeDistributed(Own(name='own'), name='outer').get_config()
    assert config['layer']['class_name'] == 'Own' and ('module' in config['layer']) == (where == 3)
    again = TimeDistributed.from_config(config, custom_objects={'Own': Own})
    assert type(again.layer) is Own and again.name == 'outer' and again.layer.name == 'own'
    with pytest.raises(ValueError, match='Own'):
        TimeDistributed.from_config(config)
    assert deserialize({'class_name': 'TimeDistributed', 'config': config}, {'Own': Own}).layer.name == 'own'


def test_too_few_axes():
    with pytest.raises(ValueError, match=r"TimeDistributed layer 'outer': it should .* with at least 3.*return_sequences"):
        TimeDistributed(Dense(5), name='outer')(X[:, 0])
