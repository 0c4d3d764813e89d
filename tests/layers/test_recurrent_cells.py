"""Cells by themselves, several of them, and cells of a user's own inside RNN."""

import json

import numpy as np
import pytest

from fastkeras import generation, layers, ops
from fastkeras.models import Model, Sequential
from fastkeras.saving.json import encode

from ..layer_harness import data_of, run_layer_test
from . import recurrent_numpy as plain


class Plain(layers.Layer):
    """The cell of the documentation of Keras 2."""

    traced = 0

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer='uniform', name='kernel')
        self.recurrent = self.add_weight(shape=(self.units, self.units), initializer='uniform', name='recurrent_kernel')

    def call(self, inputs, states):
        type(self).traced += 1
        y = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent)
        return y, [y]

    def get_config(self):
        return {**super().get_config(), 'units': self.units}


class Two(layers.Layer):
    """Outputs of another size than either state, nested states, and states that begin with ones."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size, self.output_size = units, [[units, 2], 3], 5

    def build(self, input_shape):
        self.kernel = self.add_weight('kernel', (input_shape[-1], self.units))
        self.out = self.add_weight('out', (self.units, 5))

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        return [[ops.ones((batch_size, self.units)), ops.ones((batch_size, 2))], ops.ones((batch_size, 3))]

    def call(self, inputs, states, training=None):
        (a, b), c = states
        a = ops.tanh(ops.matmul(inputs, self.kernel) + a)
        return ops.matmul(a, self.out), [[a, b + 1.0], c * 2.0]

    def get_config(self):
        return {**super().get_config(), 'units': self.units}


class Pictures:
    """No layer, and states of three axes."""

    state_size = 2

    def call(self, inputs, states):
        y = inputs + 0.5 * states[0]
        return y, [y]

    def get_initial_state(self, batch_size):
        return ops.zeros((batch_size, 4, 4, 2))


class Constant(layers.Layer):
    """Adds what it is given beside the inputs."""

    state_size = 3

    def build(self, input_shape):
        (_, features), (_, more) = input_shape
        self.kernel = self.add_weight('kernel', (features, 3))
        self.other = self.add_weight('other', (more, 3))

    def call(self, inputs, states, constants):
        y = ops.matmul(inputs, self.kernel) + ops.matmul(constants[0], self.other) + states[0]
        return y, [y]


@pytest.mark.parametrize('kind, step, more', [('SimpleRNNCell', plain.simple_rnn, {}), ('GRUCell', plain.gru, {}),
                                              ('GRUCell', plain.gru, {'reset_after': True}), ('LSTMCell', plain.lstm, {})])
def test_one_step(kind, step, more):
    cell = getattr(layers, kind)(4, bias_initializer='ones', **more)
    x, *states = data_of([(2, 3), *[(2, 4)] * (2 if kind == 'LSTMCell' else 1)])
    y, new = cell(x, states)
    want = step(x.astype(float), [s.astype(float) for s in states], *[w.astype(float) for w in cell.get_weights()])
    np.testing.assert_allclose(y, want[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new[-1], want[-1], rtol=1e-5, atol=1e-6)
    assert [z.shape for z in cell.get_initial_state(batch_size=5)] == [(5, 4)] * len(want)
    assert type(cell).from_config(cell.get_config()).get_config() == cell.get_config()
    with pytest.raises(ValueError, match='expected states to be a list of'):
        cell(x, [*states, states[0]])
    assert cell.get_dropout_mask(x) is None


def test_masks_of_dropout():
    cell = layers.LSTMCell(4, dropout=0.5, recurrent_dropout=0.25)
    masks = cell.get_dropout_mask(np.ones((8, 3), 'f'))
    assert cell.get_dropout_mask(np.ones((8, 3), 'f')) is masks
    cell.reset_dropout_mask()
    assert cell.get_dropout_mask(np.ones((8, 3), 'f')) is not masks
    assert len(masks) == 4 and set(np.unique(np.stack(masks))) <= {0.0, 2.0}
    one = layers.GRUCell(4, recurrent_dropout=0.5, implementation=2).get_recurrent_dropout_mask(np.ones((8, 4), 'f'))
    assert one.shape == (8, 4)


def test_users_cell():
    def expected(x, kernel, recurrent):
        h = np.zeros((3, 4))
        for t in range(6):
            h = x[:, t] @ kernel + h @ recurrent
        return h

    Plain.traced = 0
    layer = layers.RNN(Plain(4))
    layer(data_of((3, 6, 5)))
    assert Plain.traced == 1
    x = data_of((3, 6, 5))
    want = expected(x.astype(float), *[w.astype(float) for w in layer.get_weights()])
    np.testing.assert_allclose(layer(x), want, rtol=1e-4, atol=1e-5)
    again = layers.RNN.from_config(json.loads(json.dumps(layer.get_config(), default=encode)), {'Plain': Plain})
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), layer(x))
    assert [w.name for w in layer.weights] == [f'{layer.name}/kernel:0', f'{layer.name}/recurrent_kernel:0']
    with pytest.raises(ValueError, match='Plain'):
        layers.RNN.from_config(layer.get_config())


def test_states_that_are_nested_and_do_not_begin_at_zero():
    x, mask = data_of((3, 6, 5)), np.array([[1, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1] * 6], bool)
    layer = layers.RNN(Two(4), return_sequences=True, return_state=True)
    y, a, b, c = layer(x)
    assert y.shape == (3, 6, 5) and (b == 7).all() and (c == 64).all()
    z, a2, b2, c2 = layer(x, mask=mask)
    assert (b2[:, 0] == [5, 1, 7]).all() and (c2[1] == 1).all()
    np.testing.assert_array_equal(z[2], y[2])
    np.testing.assert_array_equal(z[0, 3], z[0, 2])
    assert not z[1].any()
    last = layers.RNN(layer.cell)
    np.testing.assert_array_equal(last(x), y[:, -1])
    np.testing.assert_array_equal(last(x, mask=mask), z[:, -1])
    assert layer.compute_output_shape((None, None, 5)) == [(None, None, 5), (None, 4), (None, 2), (None, 3)]
    i = layers.Input((None, 5))
    assert [tuple(t.shape) for t in layer(i)] == [(None, None, 5), (None, 4), (None, 2), (None, 3)]
    with generation.scope(3):
        _, first, second = layers.RNN(Two(4), return_state=True)(x)
        assert len(first) == 2 and second.shape == (3, 3)


def test_states_of_more_axes():
    x = data_of((2, 5, 4, 4, 2))
    mask = np.array([[1, 1, 0, 1, 0], [1] * 5], bool)
    y, h = layers.RNN(Pictures(), return_sequences=True, return_state=True)(x, mask=mask)
    want = np.zeros((2, 4, 4, 2))
    for t in range(5):
        want = np.where(mask[:, t, None, None, None], x[:, t] + 0.5 * want, want)
        np.testing.assert_allclose(y[:, t], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(h, y[:, -1])


def test_constants():
    x, c = data_of([(2, 4, 5), (2, 2)])
    layer = layers.RNN(Constant())
    y = layer(x, constants=[c])
    kernel, other = layer.get_weights()
    np.testing.assert_allclose(y, (x @ kernel).sum(1) + 4 * c @ other, rtol=1e-5, atol=1e-6)
    i, j = layers.Input((4, 5)), layers.Input((2,))
    model = Model([i, j], layers.RNN(Constant(), return_sequences=True)(i, constants=j))
    again = Model.from_config(model.get_config(), {'Constant': Constant})
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict([x, c]), model.predict([x, c]))
    with pytest.raises(ValueError, match='takes no argument of that name'):
        layers.RNN(Plain(3))(x, constants=[c])


class Penalised(Plain):
    def call(self, inputs, states):
        y, new = super().call(inputs, states)
        self.add_loss(ops.sum(ops.square(y)))
        return y, new


def test_what_a_cell_adds_to_the_loss_is_summed_over_the_steps():
    x = data_of((3, 6, 5))
    model = Sequential([layers.RNN(Penalised(4), return_sequences=True, input_shape=(6, 5))])
    model.compile('sgd', 'mse')
    y = model.predict(x)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), (y ** 2).sum(), rtol=1e-5, atol=1e-6)


class Noisy(layers.Layer):
    state_size = 4

    def call(self, inputs, states):
        y = states[0] + ops.random_normal((3, 4))
        return y, [y]


def test_a_cell_that_draws_draws_anew_at_each_step():
    y = layers.RNN(Noisy(), return_sequences=True)(data_of((3, 6, 5)))
    steps = np.diff(y, axis=1)
    assert not np.allclose(steps[:, 0], steps[:, 1])


# ---- several cells
def test_stacked_cells_are_layers_on_top_of_each_other():
    kinds = [('LSTM', 4), ('GRU', 3), ('SimpleRNN', 5)]
    cells = [getattr(layers, f'{kind}Cell')(n) for kind, n in kinds]
    layer = layers.RNN(cells, return_sequences=True, return_state=True)
    one_by_one = Sequential([getattr(layers, kind)(n, return_sequences=True) for kind, n in kinds])
    x = data_of((3, 6, 2))
    one_by_one(x)
    y, *states = layer(x)
    one_by_one.set_weights(layer.get_weights())
    np.testing.assert_allclose(one_by_one(x), y, rtol=1e-5, atol=1e-6)
    assert [s.shape[1] for s in states] == [4, 4, 3, 5] == list(layer.cell.state_size)
    assert len({w.name for w in layer.weights}) == 9
    run_layer_test(layers.RNN, {'cell': cells}, (3, 6, 2), smooth=False)      # cells have types of their own
    step, new = layer.cell(x[:, 0], layer.get_initial_state(x))
    np.testing.assert_allclose(step, y[:, 0], rtol=1e-5, atol=1e-6)
    assert len(new) == 4
    with pytest.warns(UserWarning, match='reverse_state_order'):
        turned = layers.RNN(layers.StackedRNNCells(cells, reverse_state_order=True), return_state=True)
    _, *others = turned(x)
    for a, b in zip(others, [states[3], states[2], states[0], states[1]]):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(turned(x, initial_state=[s * 0 for s in others])[0], y[:, -1])


def test_what_is_no_cell():
    with pytest.raises(ValueError, match='RNN layer .*state_size'):
        layers.RNN(layers.Dense(3))
    with pytest.raises(ValueError, match='expected a cell'):
        layers.RNN(3)
    with pytest.raises(ValueError, match='at least one cell'):
        layers.RNN([])

    class Wrong(Plain):
        def call(self, inputs, states):
            return inputs, [inputs, inputs]
    with pytest.raises(ValueError, match='Wrong: expected its call to return .* 1 state, got 2'):
        layers.RNN(Wrong(4))(data_of((2, 3, 4)))


def test_a_cell_that_hands_its_arguments_on():
    class Handing(layers.LSTMCell):
        def call(self, *args, **kwargs):
            return super().call(*args, **kwargs)

    class Half(layers.GRUCell):
        def call(self, x, *args, **kwargs):
            return super().call(x, *args, **kwargs)
    x = np.ones((2, 5, 3), 'float32')
    for cls, base in ((Handing, layers.LSTMCell), (Half, layers.GRUCell)):
        own, plain = layers.RNN(cls(4)), layers.RNN(base(4))
        own(x), plain(x)
        own.set_weights(plain.get_weights())
        np.testing.assert_array_equal(np.asarray(own(x)), np.asarray(plain(x)))

    class Closed(layers.LSTMCell):
        def call(self, inputs):
            return super().call(inputs, [inputs])
    with pytest.raises(TypeError, match="its call takes .'inputs',., got 2 positional arguments"):
        layers.RNN(Closed(4))(x)
