"""Bidirectional, against its two layers and NumPy."""

import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import GRU, LSTM, RNN, Bidirectional, Dense, Embedding, Input, LSTMCell, Masking, SimpleRNN
from fastkeras.models import Model, Sequential
from tests.layer_harness import run_layer_test

X = np.random.default_rng(3).standard_normal((3, 4, 5)).astype(np.float32)


def rnn(x, w, u, b, sequences):
    h, found = np.zeros((len(x), u.shape[0])), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w + h @ u + b)
        found.append(h)
    return np.stack(found, 1) if sequences else h


MERGES = {'sum': np.add, 'mul': np.multiply, 'ave': lambda a, b: (a + b) / 2,
          'concat': lambda a, b: np.concatenate([a, b], -1)}


@pytest.mark.parametrize('sequences', [False, True])
@pytest.mark.parametrize('mode', MERGES)
def test_merge_modes(mode, sequences):
    def expected(x, w, u, b, v, r, c):
        back = rnn(x[:, ::-1], v, r, c, sequences)
        return MERGES[mode](rnn(x, w, u, b, sequences), back[:, ::-1] if sequences else back)
    run_layer_test(Bidirectional, {'layer': SimpleRNN(3, return_sequences=sequences), 'merge_mode': mode}, (3, 4, 5),
                   expected=expected, expected_mask=True if sequences else None)


@pytest.mark.parametrize('make', [lambda: LSTM(3), lambda: GRU(3, return_sequences=True, reset_after=True),
                                  lambda: RNN([LSTMCell(3), LSTMCell(2)]), lambda: LSTM(3, go_backwards=True)])
@pytest.mark.parametrize('where', [2, 3])
def test_of_all_kinds(make, where):
    with generation.scope(where):
        layer = make()
        run_layer_test(Bidirectional, {'layer': layer}, (3, 4, 5), smooth=where == 2 and type(layer) is not RNN)


def both(layer):
    return layer.forward_layer, layer.backward_layer


def test_names_and_weights():
    layer = Bidirectional(LSTM(3, name='inner'), name='outer')
    layer.build((None, 4, 5))
    assert [one.name for one in both(layer)] == ['forward_inner', 'backward_inner'] and layer.layer.weights == []
    assert [w.name for w in layer.weights] == [f'outer/{way}_inner/{w}:0' for way in ('forward', 'backward')
                                               for w in ('kernel', 'recurrent_kernel', 'bias')]
    values = [w + 1 for w in layer.get_weights()]
    again = Bidirectional(LSTM(3), weights=values)
    again(X)
    for a, b in zip(again.get_weights(), values):
        np.testing.assert_array_equal(a, b)
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.weights) == 6


def test_no_merge_and_states():
    layer = Bidirectional(LSTM(3, return_sequences=True, return_state=True), merge_mode=None)
    y, back, h, c, hb, cb = layer(X)
    forward, backward = both(layer)
    np.testing.assert_array_equal(y, forward(X)[0])
    np.testing.assert_array_equal(back, backward(X)[0][:, ::-1])
    np.testing.assert_array_equal(h, y[:, -1])
    np.testing.assert_array_equal(hb, back[:, 0])
    shapes = layer.compute_output_shape((None, 4, 5))
    assert shapes == [(None, 4, 3)] * 2 + [(None, 3)] * 4
    given = Input((4, 5))
    assert [t.shape for t in layer(given)] == shapes and layer.compute_mask(given, given) == [given, given] + [None] * 4
    y, *states = Bidirectional(GRU(3, return_state=True))(X)
    np.testing.assert_array_equal(y, np.concatenate(states, -1))


@pytest.mark.parametrize('where', [2, 3])
def test_initial_state(where):
    with generation.scope(where):
        layer = Bidirectional(LSTM(3, return_state=True))
        first = [np.full((3, 3), k, np.float32) / 4 for k in range(4)]
        y = layer(X, initial_state=first)
        forward, backward = both(layer)
        np.testing.assert_array_equal(y[0], np.concatenate(
            [forward(X, initial_state=first[:2])[0], backward(X, initial_state=first[2:])[0]], -1))
        given = [Input((4, 5)), *[Input((3,)) for _ in range(4)]]
        model = Model(given, layer(given[0], initial_state=given[1:]))
        for a, b in zip(model.predict([X, *first]), y):
            np.testing.assert_array_equal(a, b)
        again = Model.from_config(model.get_config())
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again.predict([X, *first])[0], y[0])
        with pytest.raises(ValueError, match="Bidirectional layer 'b'.*initial_state to hold.*got 3"):
            Bidirectional(LSTM(3), name='b')(X, initial_state=first[:3])


def test_constants():
    class Cell(LSTMCell):
        def call(self, inputs, states, constants=None):
            return super().call(inputs + constants[0], states)

        pass

    layer = Bidirectional(RNN(Cell(3)))
    given, constant = Input((4, 5)), Input((5,))
    model = Model([given, constant], layer(given, constants=constant))
    shift = np.random.default_rng(1).standard_normal((3, 5)).astype(np.float32)
    plain = Bidirectional(LSTM(3))
    plain.build((None, 4, 5))
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(model.predict([X, shift]), plain(X + shift[:, None]), rtol=1e-5, atol=1e-6)
    assert layer.get_config()['num_constants'] == 1
    assert Bidirectional.from_config(layer.get_config(), {'Cell': Cell})._num_constants == 1


def test_masks():
    x = X.copy()
    x[0, 2:] = 0        # ends early
    x[1] = 0            # nothing but masked steps
    for sequences in (False, True):
        layer = Bidirectional(LSTM(3, return_sequences=sequences))
        y = Sequential([Masking(input_shape=(4, 5)), layer]).predict(x)
        forward, backward = both(layer)
        if sequences:
            want = np.concatenate([forward(x[:1, :2]), backward(x[:1, :2])[:, ::-1]], -1)
            np.testing.assert_allclose(y[0, :2], want[0], rtol=1e-5, atol=1e-6)
            assert (y[1] == 0).all()
        else:
            np.testing.assert_allclose(y[0], layer(x[:1, :2])[0], rtol=1e-5, atol=1e-6)
            assert (y[1] == 0).all()
    mask = (x != 0).any(-1)
    given = Bidirectional(LSTM(3))
    np.testing.assert_array_equal(given(x, mask=mask)[1], np.zeros(6))


@pytest.mark.parametrize('where', [2, 3])
def test_outputs_of_masked_steps(where):
    """Keras 2 repeats the last one, Keras 3 gives 0."""
    with generation.scope(where):
        layer = Bidirectional(GRU(2, return_sequences=True))
        y = layer(X, mask=np.array([[True, True, False, False]] * 3))
    assert (y[:, 2:, :2] == 0).all() if where == 3 else (y[:, 2:, :2] == y[:, 1:2, :2]).all()
    assert (y[:, 2:, 2:] == 0).all()


def test_stateful():
    layer = Bidirectional(LSTM(3, stateful=True), batch_input_shape=(3, 4, 5))
    model = Sequential([layer])
    first = model.predict(X, batch_size=3)
    second = model.predict(X, batch_size=3)
    assert np.abs(first - second).max() > 1e-3 and len(layer.states) == 4
    states = [s.numpy() for s in layer.states]
    layer.reset_states()
    np.testing.assert_array_equal(model.predict(X, batch_size=3), first)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X, batch_size=3), first)
    third = model.predict(X, batch_size=3)
    np.testing.assert_array_equal(third, second)
    layer.reset_states([np.zeros_like(s) for s in states])
    np.testing.assert_array_equal(model.predict(X, batch_size=3), first)
    with pytest.raises(ValueError, match='expected states to hold'):
        layer.reset_states(states[:3])


def test_own_backward_layer():
    layer = Bidirectional(LSTM(3), backward_layer=GRU(2, go_backwards=True, name='other'))
    assert layer(X).shape == (3, 5)
    config = layer.get_config()
    assert config['backward_layer']['class_name'] == 'GRU'
    again = Bidirectional.from_config(config)
    assert type(again.backward_layer) is GRU and again.backward_layer.name == 'other'
    assert again.get_config() == config


def test_configurations_of_both_kerases():
    inner = {'class_name': 'SimpleRNN', 'config': {'name': 'simple_rnn_1', 'units': 3}}
    two = Bidirectional.from_config({'name': 'b', 'trainable': True, 'layer': inner, 'merge_mode': 'sum'})
    assert two.forward_layer.name == 'forward_simple_rnn_1' and two.merge_mode == 'sum'
    assert two.get_config()['layer']['config']['name'] == 'simple_rnn_1' and 'backward_layer' not in two.get_config()
    with generation.scope(3):
        config = Bidirectional(SimpleRNN(3, name='inner')).get_config()
        assert config['layer']['config']['name'] == 'forward_inner'
        assert config['backward_layer']['config']['name'] == 'backward_inner'
        again = Bidirectional.from_config(config)
        assert again.get_config() == config and again.forward_layer.name == 'forward_inner'


@pytest.mark.parametrize('make, match', [
    (lambda: Bidirectional(Dense(3, name='d')), "layer to be a recurrent layer.*Dense layer 'd', which has no go_backwards"),
    (lambda: Bidirectional(LSTM), 'a class must be called'), (lambda: Bidirectional(LSTM(3), merge_mode='max'), 'merge_mode'),
    (lambda: Bidirectional(LSTM(3), backward_layer=LSTM(3)), 'both layers have go_backwards=False'),
    (lambda: Bidirectional(LSTM(3), backward_layer=LSTM(3, go_backwards=True, return_sequences=True)), 'same return_sequences'),
    (lambda: Bidirectional(LSTM(3), weights=[np.zeros(3)] * 5), 'weights'),
    (lambda: Bidirectional(LSTM(3))(X[:, 0]), 'return_sequences=True'),
    (lambda: Bidirectional(LSTM(3))(X, mask=np.ones((3, 3), bool)), 'mask')])
def test_mistakes(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_a_text_network_learns():
    ids = np.random.default_rng(2).integers(1, 20, (200, 6))
    y = (ids == 3).any(1).astype(np.float32)
    model = Sequential([Embedding(20, 8, mask_zero=True), Bidirectional(LSTM(8)), Dense(1, activation='sigmoid')])
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    before = model.evaluate(ids, y, verbose=0)[0]
    model.fit(ids, y, epochs=30, verbose=0)
    assert model.evaluate(ids, y, verbose=0)[0] < 0.6 * before
