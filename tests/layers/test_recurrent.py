"""SimpleRNN, GRU, LSTM and RNN: numbers, states, masks, configurations, mistakes."""

import json

import numpy as np
import pytest

from fastkeras import generation, layers
from fastkeras.models import Model, Sequential
from fastkeras.saving.json import encode

from ..layer_harness import data_of, run_layer_test
from . import recurrent_numpy as plain

KINDS = [('SimpleRNN', plain.simple_rnn, {}), ('GRU', plain.gru, {}), ('GRU', plain.gru, {'reset_after': True}),
         ('LSTM', plain.lstm, {})]
IDS = ['SimpleRNN', 'GRU', 'GRU-reset_after', 'LSTM']


def zeros(kind, batch, units=4):
    return [np.zeros((batch, units))] * (2 if kind == 'LSTM' else 1)


def changed(layer, seed=3):
    """Other weights, so that no bias is 0."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.standard_normal(w.shape).astype('f') / 2 for w in layer.get_weights()])
    return [w.astype(np.float64) for w in layer.get_weights()]


@pytest.mark.parametrize('kind, step, more', KINDS, ids=IDS)
@pytest.mark.parametrize('sequences', [False, True])
@pytest.mark.parametrize('backwards', [False, True])
def test_numbers(kind, step, more, sequences, backwards):
    def expected(x, *weights):
        ys, _ = plain.run(step, x, weights, zeros(kind, 3), backwards=backwards)
        return ys if sequences else ys[:, -1]

    run_layer_test(getattr(layers, kind), {'units': 4, 'return_sequences': sequences, 'go_backwards': backwards, **more},
                   (3, 6, 5), expected=expected, expected_mask=sequences)


@pytest.mark.parametrize('kind, step, more', KINDS, ids=IDS)
@pytest.mark.parametrize('backwards', [False, True])
def test_masks_and_states(kind, step, more, backwards):
    """Masked steps keep the states, whole masked rows too; the output repeats the one before it."""
    layer = getattr(layers, kind)(4, return_sequences=True, return_state=True, go_backwards=backwards, **more)
    x, *states = data_of([(5, 6, 3), *[(5, 4)] * len(zeros(kind, 1))])
    mask = np.random.default_rng(1).random((5, 6)) < 0.6
    mask[2], mask[3] = False, True
    y, *ends = layer(x, initial_state=states, mask=mask)
    weights = changed(layer)
    y, *ends = layer(x, initial_state=states, mask=mask)
    want, last = plain.run(step, x.astype(np.float64), weights, [s.astype(np.float64) for s in states], mask, backwards)
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)
    for a, b in zip(ends, last):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    layer.zero_output_for_mask = True
    other = type(layer).from_config(layer.get_config())
    other(x)
    other.set_weights(layer.get_weights())
    y0, *ends0 = other(x, initial_state=states, mask=mask)
    kept = mask[:, ::-1] if backwards else mask
    np.testing.assert_allclose(y0, np.where(kept[..., None], y, 0), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(ends0[0], ends[0])


@pytest.mark.parametrize('kind, step, more', KINDS, ids=IDS)
def test_time_major_gives_the_same_turned(kind, step, more):
    x, mask = data_of((5, 6, 3)), np.random.default_rng(1).random((5, 6)) < 0.6
    options = dict(units=4, return_sequences=True, return_state=True, **more)
    layer = getattr(layers, kind)(**options)
    turned = getattr(layers, kind)(**options, time_major=True)
    y, *ends = layer(x, mask=mask)
    turned(np.ascontiguousarray(x.swapaxes(0, 1)))
    turned.set_weights(layer.get_weights())
    z, *others = turned(np.ascontiguousarray(x.swapaxes(0, 1)), mask=np.ascontiguousarray(mask.T))
    np.testing.assert_array_equal(z.swapaxes(0, 1), y)
    for a, b in zip(ends, others):
        np.testing.assert_array_equal(a, b)
    assert layer.compute_output_shape((None, None, 3))[0] == (None, None, 4)
    assert turned.compute_output_shape((6, None, 3))[0] == (6, None, 4)
    assert turned.get_config()['time_major'] and 'time_major' not in layer.get_config()


@pytest.mark.parametrize('kind', ['SimpleRNN', 'GRU', 'LSTM'])
def test_unknown_length(kind):
    """Described with open sizes, and run for several."""
    i = layers.Input((None, 3))
    y = getattr(layers, kind)(4, return_sequences=True)(i)
    assert tuple(y.shape) == (None, None, 4)
    z = getattr(layers, kind)(2)(y)
    model = Model(i, [y, z])
    for n in (1, 4, 7):
        a, b = model.predict(data_of((2, n, 3)))
        assert a.shape == (2, n, 4) and b.shape == (2, 2)
    with pytest.raises(ValueError, match='unroll=True needs a known number of steps'):
        getattr(layers, kind)(4, unroll=True)(i)


# ---- states
@pytest.mark.parametrize('kind, step, more', KINDS, ids=IDS)
def test_stateful_goes_on(kind, step, more):
    x = data_of((2, 6, 3))
    model = Sequential([getattr(layers, kind)(4, stateful=True, return_sequences=True, batch_input_shape=(2, 3, 3), **more),
                        getattr(layers, kind)(4, stateful=True, **more)])
    whole = Sequential([getattr(layers, kind)(4, return_sequences=True, input_shape=(6, 3), **more),
                        getattr(layers, kind)(4, **more)])
    whole.set_weights(model.get_weights())
    model.predict(x[:, :3], batch_size=2)
    second = model.predict(x[:, 3:], batch_size=2)
    np.testing.assert_allclose(second, whole.predict(x), rtol=1e-5, atol=1e-6)
    model.reset_states()
    first = model.predict(x[:, :3], batch_size=2)
    layer = model.layers[0]
    assert any(v.numpy().any() for v in layer.states)
    layer.reset_states([np.zeros((2, 4))] * len(layer.states))
    model.layers[1].reset_states()
    np.testing.assert_array_equal(model.predict(x[:, :3], batch_size=2), first)
    assert len(model.weights) == 6 and len(layer.get_weights()) == 3


def test_stateful_mistakes():
    with pytest.raises(ValueError, match='a RNN is stateful, it needs to know its batch size'):
        Sequential([layers.LSTM(4, stateful=True, input_shape=(3, 3), name='a')])
    layer = layers.LSTM(4, stateful=True, name='a')
    with pytest.raises(ValueError, match="LSTM layer 'a': it has no states yet"):
        layer.reset_states()
    layer(data_of((2, 3, 3)))
    with pytest.raises(ValueError, match=r"LSTM layer 'a': it is stateful, .* for batches of 2, got .*\(3, 3, 3\)"):
        layer(data_of((3, 3, 3)))
    with pytest.raises(ValueError, match='expected 2 states, got 1'):
        layer.reset_states(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r'expected state 1 to have shape \(2, 4\), got \(2, 5\)'):
        layer.reset_states([np.zeros((2, 4)), np.zeros((2, 5))])
    with pytest.raises(AttributeError, match='stateful=True'):
        layers.LSTM(4).reset_states()


def test_encoder_and_decoder():
    """States that are Keras tensors are inputs of the node, in a copy and in a file too."""
    i, j = layers.Input((None, 3), name='i'), layers.Input((4, 2), name='j')
    _, h, c = layers.LSTM(5, return_state=True, name='encoder')(i)
    decoder = layers.LSTM(5, return_sequences=True, name='decoder')
    y = decoder(j, initial_state=[h, c])
    model = Model([i, j], y)
    assert tuple(y.shape) == (None, 4, 5) and len(decoder._inbound_nodes[0].input_tensors) == 3
    x = data_of([(2, 6, 3), (2, 4, 2)])
    want = model.predict(x)
    weights = model.layers[[layer.name for layer in model.layers].index('decoder')].get_weights()
    encoder = next(layer for layer in model.layers if layer.name == 'encoder')
    _, *states = encoder(x[0])
    ys, _ = plain.run(plain.lstm, x[1].astype(float), [w.astype(float) for w in weights], [s.astype(float) for s in states])
    np.testing.assert_allclose(want, ys, rtol=1e-5, atol=1e-6)
    again = Model.from_config(json.loads(json.dumps(model.get_config(), default=encode)))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(x), want)
    np.testing.assert_array_equal(decoder(x[1], states), want)      # positions of both Kerases
    model.compile('adam', 'mse')
    model.fit(x, want * 0, verbose=0)
    with generation.scope(3):
        z = decoder(j, initial_state=(h, c))
        assert tuple(z.shape) == (None, 4, 5)


def test_wrong_states():
    layer, x = layers.LSTM(4, name='a'), data_of((2, 3, 3))
    with pytest.raises(ValueError, match="LSTM layer 'a': an `initial_state` .*: expected 2 tensors, .*got 1"):
        layer(x, initial_state=np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r'expected initial_state\[1\] to have shape \(2, 4\), got \(2, 5\)'):
        layer(x, initial_state=[np.zeros((2, 4)), np.zeros((2, 5))])
    with pytest.raises(ValueError, match='given twice'):
        layer([x, np.zeros((2, 4)), np.zeros((2, 4))], initial_state=[np.zeros((2, 4))] * 2)


def test_states_that_are_values_in_a_described_model():
    i, h = layers.Input((3, 3)), np.full((2, 4), 0.5, 'f')
    layer = layers.GRU(4)
    model = Model(i, layer(i, initial_state=h))
    x = data_of((2, 3, 3))
    np.testing.assert_array_equal(model.predict(x), layer(x, initial_state=h))
    with pytest.raises(ValueError, match=r'expected initial_state\[0\] to have shape \(5, 4\), got \(2, 4\)'):
        model.predict(data_of((5, 3, 3)))


# ---- mistakes
@pytest.mark.parametrize('shape, words', [((2, 0, 3), 'at least one step'), ((2, 3, 4, 4), 'expected ndim=3')])
def test_inputs_that_are_no_sequences(shape, words):
    with pytest.raises(ValueError, match=f"LSTM layer 'a': .*{words}"):
        layers.LSTM(4, name='a')(np.zeros(shape, 'f'))


def test_forgotten_return_sequences():
    with pytest.raises(ValueError, match=r"GRU layer 'b': .*\(None, 4\).*'a', needs return_sequences=True"):
        Sequential([layers.LSTM(4, input_shape=(3, 3), name='a'), layers.GRU(2, name='b')])
    with pytest.raises(ValueError, match='return_sequences=True'):
        layers.LSTM(4)(np.zeros((2, 3)))


def test_masks_that_do_not_fit():
    with pytest.raises(ValueError, match=r"LSTM layer 'a': expected a mask of shape \(2, 3\).*got \(2, 4\)"):
        layers.LSTM(4, name='a')(data_of((2, 3, 3)), mask=np.ones((2, 4), bool))


@pytest.mark.parametrize('kwargs, words', [
    ({'units': 0}, 'units'), ({'units': 2, 'dropout': 1.5}, 'dropout'), ({'units': 2, 'implementation': 3}, 'implementation'),
    ({'units': 2, 'use_cudnn': 'no'}, 'use_cudnn')])
def test_wrong_arguments(kwargs, words):
    with pytest.raises(ValueError, match=f'LSTM.*{words}'):
        layers.LSTM(**kwargs)


def test_unknown_keyword():
    with pytest.raises(TypeError, match='return_sequence'):
        layers.LSTM(3, return_sequence=True)


# ---- dropout
@pytest.mark.parametrize('kind', ['SimpleRNN', 'GRU', 'LSTM'])
@pytest.mark.parametrize('implementation', [1, 2])
def test_dropout_is_the_same_for_all_steps(kind, implementation):
    """Inputs and states are dropped by one mask for a whole batch; all is deterministic in inference."""
    x = np.ones((64, 5, 8), 'f')
    layer = getattr(layers, kind)(6, dropout=0.5, return_sequences=True, implementation=implementation, activation='linear',
                                  recurrent_initializer='zeros', seed=5)
    y = layer(x)
    np.testing.assert_array_equal(layer(x), y)
    z = layer(x, training=True)
    assert not np.array_equal(z, y) and not np.array_equal(layer(x, training=True), z)
    if kind == 'SimpleRNN':
        np.testing.assert_array_equal(z, np.repeat(z[:, :1], 5, 1))     # no state counts: all steps are equal
    both = getattr(layers, kind)(6, dropout=0.2, recurrent_dropout=0.3, implementation=implementation)
    run_layer_test(type(both), {k: v for k, v in both.get_config().items() if k != 'name'}, (4, 5, 3))
    off = getattr(layers, kind)(6, recurrent_dropout=0.5, implementation=implementation)
    assert not np.array_equal(off(x, training=True), off(x))


# ---- configurations
def test_configuration_is_that_of_keras_2():
    config_ = layers.LSTM(3, name='a').get_config()
    assert config_['recurrent_activation'] == 'hard_sigmoid' and config_['implementation'] == 1
    assert 'cell' not in config_ and 'seed' not in config_ and 'use_cudnn' not in config_
    assert not layers.GRU(3).reset_after
    other = layers.GRU.from_config({**layers.GRU(3).get_config(), 'time_major': False, 'zero_output_for_mask': True,
                                    'reset_after': True, 'seed': None, 'implementation': 0})
    assert other.reset_after and other.implementation == 1 and other.zero_output_for_mask
    assert layers.LSTM(3, kernel_regularizer='l2').kernel_regularizer.get_config()['l2'] == pytest.approx(0.01)


def test_defaults_of_generation_3():
    with generation.scope(3):
        gru = layers.GRU(3)
        assert gru.reset_after and gru.get_config()['recurrent_activation'] == 'sigmoid' and gru.implementation == 2
        explicit = layers.LSTM(3, recurrent_activation='hard_sigmoid')
        assert explicit.get_config()['recurrent_activation'] == 'hard_sigmoid'


def test_words_of_keras_1():
    with pytest.warns(UserWarning, match='LSTM'):
        layer = layers.LSTM(output_dim=3, inner_activation='sigmoid', input_dim=4, input_length=5, dropout_W=0.1)
    assert layer.units == 3 and layer.dropout == 0.1 and layer.batch_input_shape == (None, 5, 4)


def test_penalties():
    x = data_of((2, 3, 4))
    model = Sequential([layers.LSTM(3, kernel_regularizer='l2', recurrent_regularizer='l1', bias_regularizer='l2',
                                    activity_regularizer='l2', kernel_constraint='max_norm', input_shape=(3, 4))])
    model.compile('sgd', 'mse')
    y = model.predict(x)
    w, u, b = model.get_weights()
    penalty = 0.01 * ((w ** 2).sum() + abs(u).sum() + (b ** 2).sum() + (y ** 2).sum())
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), penalty, rtol=1e-5)
    model.fit(x, y, verbose=0)
    assert np.linalg.norm(model.get_weights()[0], axis=0).max() <= 2 + 1e-5
