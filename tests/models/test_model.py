"""Models with a `call` of their own, tables and copies."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import BatchNormalization, Dense, Dropout, Input, Layer
from fastkeras.models import Model, Sequential, clone_model
from fastkeras.optimizers import SGD

X = np.random.default_rng(0).standard_normal((6, 3)).astype('float32')
Y = np.random.default_rng(1).standard_normal((6, 2)).astype('float32')


class Net(Model):
    def __init__(self, units=4):
        super().__init__()
        self.hidden = Dense(units, activation='tanh')
        self.norm = BatchNormalization()
        self.drop = Dropout(0.5)
        self.out = Dense(2)

    def call(self, inputs, training=None):
        return self.out(self.drop(self.norm(self.hidden(inputs))))


class TwoInputs(Model):
    def __init__(self):
        super().__init__(name='two')
        self.dense = Dense(2)

    def call(self, inputs):
        a, b = inputs
        return self.dense(a), self.dense(b)


class Own(Model):
    """A graph made in the constructor."""

    def __init__(self, units):
        inputs = Input((3,))
        super().__init__(inputs, Dense(units)(inputs), name='own')


def test_class_of_ones_own():
    model = Net()
    assert not model.built and model.inputs is None
    y = model(X)
    assert y.shape == (6, 2) and len(model.weights) == 8 and len(model.layers) == 4
    model.drop.rate = 0.0
    model.compile(SGD(0.1), 'mse')
    first = model.train_on_batch(X, Y)
    for _ in range(100):
        last = model.train_on_batch(X, Y)
    assert last < first / 2
    np.testing.assert_allclose(model.predict(X), model(X), rtol=1e-6)


def test_built_by_fit():
    model = Net()
    model.compile('sgd', 'mse')
    model.fit(X, Y, verbose=0)
    assert len(model.inputs) == 1 and model.output_shape == (None, 2) and model.output_names == ['output_1']


def test_built_by_shape():
    model = Net()
    model.build((None, 3))
    assert model.count_params() == 3 * 4 + 4 + 16 + 10
    copy = Net.from_config(model.get_config())
    assert copy.hidden.units == 4


def test_several_inputs():
    model = TwoInputs()
    a, b = model([X, X + 1])
    model.compile('sgd', 'mse')
    model.train_on_batch([X, X], [Y, Y])
    assert [y.shape for y in model.predict([X, X])] == [(6, 2), (6, 2)]


def test_inside_another_model():
    inputs = Input((3,))
    net = Net()
    model = Model(inputs, ops.relu(net(inputs)))
    np.testing.assert_allclose(model(X), np.maximum(net(X), 0), rtol=1e-6)
    assert len(model.weights) == 8


def test_graph_in_the_constructor():
    model = Own(4)
    assert model.output_shape == (None, 4) and model.name == 'own'
    assert Own.from_config(model.get_config()).output_shape == (None, 4)


def test_layer_that_holds_a_model():
    class Around(Layer):
        def build(self, input_shape):
            self.inner = Sequential([Dense(4, input_shape=input_shape[1:]), Dense(2)])

        def call(self, x):
            return self.inner(x)

    layer = Around()
    model = Sequential([layer])
    assert model(X).shape == (6, 2) and len(model.weights) == 4


def test_files_of_a_class_of_ones_own(tmp_path):
    model = Net()
    y = model(X)
    model.save_weights(tmp_path / 'w.h5')
    other = Net()
    with pytest.raises(ValueError, match='not built'):
        other.load_weights(tmp_path / 'w.h5')
    other(X)
    other.load_weights(tmp_path / 'w.h5')
    np.testing.assert_array_equal(other(X), y)


def test_model_without_call():
    with pytest.raises(ValueError, match='no graph'):
        Model()(X)
    with pytest.raises(ValueError, match='own call'):
        clone_model(Net())
    with pytest.raises(ValueError, match='model'):
        clone_model(Dense(2))


def test_clone_on_other_inputs():
    a = Input((3,))
    model = Model(a, Dense(2)(a))
    b = Input((3,))
    copy = clone_model(model, input_tensors=[b])
    assert copy.inputs[0] is b
    assert not np.array_equal(copy.get_weights()[0], model.get_weights()[0])


def test_frozen_model_trains_around():
    base = Sequential([Dense(4, input_shape=(3,)), BatchNormalization()])
    base.trainable = False
    model = Sequential([base, Dense(2)])
    model.compile('sgd', 'mse')
    before = base.get_weights()
    model.train_on_batch(X, Y)
    for a, b in zip(base.get_weights(), before):
        np.testing.assert_array_equal(a, b)
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 6
    base.trainable = True
    assert len(model.trainable_weights) == 6


def test_add_metric():
    a = Input((3,))
    y = Dense(2)(a)
    model = Model(a, y)
    model.add_metric(ops.mean(y), name='level')
    model.compile('sgd', 'mse')
    assert len(model.train_on_batch(X, Y)) == 2
    assert 'level' in model.metrics_names


# ---- tables

def lines_of(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return lines


def test_table_widths():
    model = Sequential([Dense(4, input_shape=(3,))])
    lines = lines_of(model)
    assert lines[0] == '_' * 65 and lines[2] == '=' * 65 and len(lines) == 9
    assert len(lines_of(model, line_length=40)[0]) == 40
    assert lines_of(model, line_length=80, positions=[0.5, 0.8, 1.0])[1].index('Output') == 40


def test_table_of_frozen_weights():
    base = Sequential([Dense(4, input_shape=(3,), name='inside')], name='base')
    base.trainable = False
    lines = lines_of(Sequential([base, Dense(2)]))
    assert lines[-4:-1] == ['Total params: 26', 'Trainable params: 10', 'Non-trainable params: 16']
    assert any('inside' in line for line in lines_of(Sequential([base]), expand_nested=True))


def test_table_of_a_stack_that_is_not_built():
    model = Sequential([Dense(3, name='first')])
    lines = lines_of(model)
    assert lines[3].split() == ['first', '(Dense)', '?', '0', '(unbuilt)']
    assert lines[-4:-1] == ['Total params: 0', 'Trainable params: 0', 'Non-trainable params: 0']
    assert lines_of(Sequential())[1].startswith('Layer (type)')
    model.build((None, 2))
    assert lines_of(model)[3].split() == ['first', '(Dense)', '(None,', '3)', '9']


def test_table_of_a_class_of_ones_own():
    net = Net()
    assert any(line.split()[-3:] == ['?', '0', '(unbuilt)'] for line in lines_of(net))
    net(X)
    assert any('multiple' in line for line in lines_of(net))
