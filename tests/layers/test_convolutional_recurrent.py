"""ConvLSTM, against NumPy and the convolutions of this package."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import (
    Bidirectional,
    Conv2D,
    ConvLSTM1D,
    ConvLSTM2D,
    ConvLSTM2DCell,
    ConvLSTM3D,
    ConvRNN2D,
    Dense,
    Flatten,
    Input,
    Layer,
    LSTMCell,
)
from fastkeras.models import Model, Sequential
from fastkeras.optimizers import Adam
from tests.harness import host_steps
from tests.layer_harness import run_layer_test

RNG = np.random.default_rng(5)


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def conv_lstm(x, w, u, b, sequences=False, **of_input):
    h = c = 0
    found = []
    for t in range(x.shape[1]):
        z = ops.conv(x[:, t], w, data_format='channels_last', **of_input) + b
        if t:
            z = z + ops.conv(h, u, padding='same', data_format='channels_last')
        i, f, new, o = np.split(z, 4, -1)
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * np.tanh(new)
        h = hard_sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.stack(found, 1) if sequences else h


@pytest.mark.parametrize('cls, size', [(ConvLSTM1D, (6,)), (ConvLSTM2D, (5, 6)), (ConvLSTM3D, (3, 4, 5))])
@pytest.mark.parametrize('sequences', [False, True])
@pytest.mark.parametrize('of_input', [{'padding': 'same'}, {'strides': 2}, {'dilation_rate': 2, 'padding': 'same'}])
def test_conv_lstm(cls, size, sequences, of_input):
    run_layer_test(cls, {'filters': 2, 'kernel_size': 3 if len(size) < 3 else 2, 'return_sequences': sequences, **of_input},
                   (2, 3, *size, 2), expected=lambda x, w, u, b: conv_lstm(x, w, u, b, sequences, **of_input),
                   expected_mask=True if sequences else None, layouts=False)


@pytest.mark.parametrize('kwargs', [
    {}, {'go_backwards': True, 'return_sequences': True}, {'use_bias': False}, {'unit_forget_bias': False},
    {'activation': 'relu', 'recurrent_activation': 'sigmoid', 'kernel_regularizer': 'l2', 'activity_regularizer': 'l1'},
    {'data_format': 'channels_first', 'padding': 'same'}])
def test_arguments(kwargs):
    run_layer_test(ConvLSTM2D, {'filters': 2, 'kernel_size': (2, 3), **kwargs}, (2, 3, 4, 5, 4), layouts=False,
                   smooth=kwargs.get('activation') != 'relu')


def test_channels_first():
    x = RNG.standard_normal((2, 3, 5, 6, 2)).astype(np.float32)
    for sequences in (False, True):
        options = {'filters': 3, 'kernel_size': 3, 'strides': (1, 2), 'return_sequences': sequences}
        last = ConvLSTM2D(data_format='channels_last', **options)
        want = last(x)
        first = ConvLSTM2D(data_format='channels_first', **options)
        got = first(np.moveaxis(x, -1, 2))
        first.set_weights(last.get_weights())
        got = first(np.moveaxis(x, -1, 2))
        np.testing.assert_allclose(np.moveaxis(got, -3, -1), want, rtol=1e-5, atol=1e-6)


def test_names_of_weights():
    layer = ConvLSTM2D(2, 3, name='layer')
    layer.build((None, None, 5, 6, 4))
    assert [(w.name, w.shape) for w in layer.weights] == [
        ('layer/kernel:0', (3, 3, 4, 8)), ('layer/recurrent_kernel:0', (3, 3, 2, 8)), ('layer/bias:0', (8,))]
    np.testing.assert_array_equal(layer.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])
    assert (layer.filters, layer.kernel_size, layer.strides, layer.data_format) == (2, (3, 3), (1, 1), 'channels_last')


def test_states():
    x = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    layer = ConvLSTM2D(3, 2, return_state=True, return_sequences=True)
    y, h, c = layer(x)
    np.testing.assert_array_equal(y[:, -1], h)
    assert layer.compute_output_shape((None, 3, 4, 5, 2)) == [(None, 3, 3, 4, 3), (None, 3, 4, 3), (None, 3, 4, 3)]
    first, *states = layer(x[:, :1])
    rest = layer(x[:, 1:], initial_state=states)
    np.testing.assert_allclose(rest[0], y[:, 1:], rtol=1e-5, atol=1e-6)
    given = [Input((2, 4, 5, 2)), Input((3, 4, 3)), Input((3, 4, 3))]
    model = Model(given, layer(given[0], initial_state=given[1:])[0])
    np.testing.assert_allclose(model.predict([x[:, 1:], *states]), y[:, 1:], rtol=1e-5, atol=1e-6)
    assert [s.shape for s in layer.get_initial_state(x)] == [(2, 3, 4, 3)] * 2
    assert [s.shape for s in layer.cell.get_initial_state(batch_size=5)] == [(5, 3, 4, 3)] * 2
    with pytest.raises(ValueError, match=r'initial_state\[0\] to have shape \(2, 3, 4, 3\)'):
        layer(x, initial_state=[np.zeros((2, 4, 5, 3), np.float32)] * 2)


def test_stateful():
    x = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    layer = ConvLSTM2D(3, 2, stateful=True, batch_input_shape=(2, None, 4, 5, 2))
    model = Sequential([layer])
    whole = model.predict(x, batch_size=2)
    layer.reset_states()
    model.predict(x[:, :2], batch_size=2)
    np.testing.assert_allclose(model.predict(x[:, 2:], batch_size=2), whole, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match='known sizes'):
        ConvLSTM2D(3, 2, stateful=True)(Input(batch_shape=(2, 3, None, 5, 2)))


def test_masks():
    x = RNG.standard_normal((3, 4, 4, 5, 2)).astype(np.float32)
    mask = np.array([[True] * 4, [True, True, False, False], [False] * 4])
    layer = ConvLSTM2D(3, 2)
    y = layer(x, mask=mask)
    np.testing.assert_allclose(y[0], layer(x[:1])[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y[1], layer(x[1:2, :2])[0], rtol=1e-5, atol=1e-6)
    assert (y[2] == 0).all()
    with pytest.raises(ValueError, match='mask of shape'):
        layer(x, mask=mask[:, :3])


@pytest.mark.parametrize('kwargs', [{'dropout': 0.5}, {'recurrent_dropout': 0.5}, {'dropout': 0.3, 'recurrent_dropout': 0.3}])
def test_dropout(kwargs):
    x = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    layer = ConvLSTM2D(3, 2, seed=1, **kwargs)
    run_layer_test(ConvLSTM2D, {'filters': 3, 'kernel_size': 2, 'seed': 1, **kwargs}, (2, 3, 4, 5, 2), stochastic=True)
    a, b = layer(x, training=True), layer(x, training=True)
    assert (a != b).any() and (layer(x) == layer(x)).all()


def test_dropout_is_that_of_all_steps():
    """Step by step on ones, nothing but the masks could differ."""
    layer = ConvLSTM2D(1, 1, dropout=0.5, seed=1, return_sequences=True, use_bias=False, recurrent_initializer='zeros',
                       activation='linear', recurrent_activation='linear', kernel_initializer='ones')
    y = layer(np.ones((1, 3, 4, 4, 1), np.float32), training=True)
    ratio = (y[:, 1:] != 0) == (y[:, :1] != 0)
    assert ratio.all()


def test_unknown_sizes():
    x = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    for steps, rows in ((None, 4), (3, None), (None, None)):
        given = Input((steps, rows, 5, 2))
        for sequences in (False, True):
            layer = ConvLSTM2D(3, 2, return_sequences=sequences)
            y = layer(given)
            assert y.shape == (None, *([steps] if sequences else []), rows and rows - 1, 4, 3)
            np.testing.assert_allclose(Model(given, y).predict(x), layer(x), rtol=1e-5, atol=1e-6)


def test_a_cell_of_ones_own():
    class Mean(Layer):
        """The state goes half of the way to the inputs."""
        filters, state_size, data_format, padding = 2, 2, 'channels_last', 'same'
        kernel_size = strides = dilation_rate = (1, 1)

        def call(self, inputs, states):
            h = (states[0] + inputs) / 2
            return h, [h]

    x = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    layer = ConvRNN2D(Mean(), return_sequences=True)
    want = [x[:, 0] / 2]
    for t in (1, 2):
        want.append((want[-1] + x[:, t]) / 2)
    np.testing.assert_allclose(layer(x), np.stack(want, 1), rtol=1e-6, atol=1e-7)
    assert layer.compute_output_shape((None, None, 4, 5, 2)) == (None, None, 4, 5, 2)
    cell = ConvLSTM2DCell(3, 2)
    own, named = ConvRNN2D(cell), ConvLSTM2D(3, 2)
    named(x)
    own(x)
    own.set_weights(named.get_weights())
    np.testing.assert_array_equal(own(x), named(x))
    run_layer_test(ConvRNN2D, {'cell': ConvLSTM2DCell(2, 3, padding='same')}, (2, 3, 4, 5, 2), layouts=False, smooth=False)


def test_both_ways():
    x = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
    layer = Bidirectional(ConvLSTM2D(3, 2, return_sequences=True), merge_mode='sum')
    forward, backward = layer(x), None
    backward = layer.backward_layer(x)[:, ::-1]
    np.testing.assert_allclose(forward, layer.forward_layer(x) + backward, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('make, match', [
    (lambda: ConvLSTM2D(0, 3), 'whole number of at least 1, got 0'), (lambda: ConvLSTM2D(2, (3, 3, 3)), 'kernel_size'),
    (lambda: ConvLSTM2D(2, 3, padding='causal'), 'padding'), (lambda: ConvRNN2D([ConvLSTM2DCell(2, 3)]), 'expected one cell'),
    (lambda: ConvRNN2D(LSTMCell(2)), 'data_format'),
    (lambda: ConvLSTM2D(2, 3, name='c')(np.zeros((2, 5, 5, 2))), "'c'.*sequences .batch, steps, rows.*return_sequences"),
    (lambda: ConvLSTM2D(2, 9)(np.zeros((2, 3, 5, 5, 2))), 'window'),
    (lambda: ConvLSTM2D(2, 3)(Input((3, 5, 5, None))), 'known size')])
def test_mistakes(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_no_step_of_the_host():
    x = RNG.standard_normal((2, 3, 6, 6, 2)).astype(np.float32)
    model = Sequential([ConvLSTM2D(3, 3, return_sequences=True, padding='same', input_shape=(3, 6, 6, 2)), ConvLSTM2D(2, 3),
                        Flatten(), Dense(1)])
    model.compile('sgd', 'mse')
    model.train_on_batch(x, np.zeros((2, 1), np.float32))
    traced, = model._steps.function('train')._traced.values()
    assert not host_steps(traced)


def test_moving_dots_are_learnt():
    """The network sees a dot move to the right, and says where it will be."""
    rows = RNG.integers(0, 6, 64)
    x = np.zeros((64, 3, 6, 6, 1), np.float32)
    y = np.zeros((64, 6, 6, 1), np.float32)
    for n, r in enumerate(rows):
        for t in range(3):
            x[n, t, r, t + 1] = 1
        y[n, r, 4] = 1
    model = Sequential([ConvLSTM2D(8, 3, padding='same', input_shape=(3, 6, 6, 1)), Conv2D(1, 3, padding='same')])
    model.compile(Adam(0.01), 'mse')
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=15, batch_size=16, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.3 * before


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_convolutions_of_the_cell(data_format):
    cell = ConvLSTM2DCell(2, 2, strides=2, data_format=data_format)
    x, w = RNG.standard_normal((2, 4, 4, 4)).astype(np.float32), RNG.standard_normal((2, 2, 4, 3)).astype(np.float32)
    b = np.float32([1, 2, 3])
    beside = b if data_format == 'channels_last' else b[:, None, None]
    np.testing.assert_allclose(cell.input_conv(x, w, b), ops.conv(x, w, 2, 'valid', data_format) + beside, rtol=1e-5)
    np.testing.assert_allclose(cell.recurrent_conv(x, w), ops.conv(x, w, 1, 'same', data_format), rtol=1e-5)
