"""Models made of a graph of layers."""

import json

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    InputLayer,
    Lambda,
    add,
    described,
)
from fastkeras.layers.substitute import step_of
from fastkeras.models import Model, Sequential, clone_model, get_source_inputs
from fastkeras.runtime import Variable
from fastkeras.saving.json import encode

RNG = np.random.default_rng(0)
X, Z = (RNG.standard_normal((5, 3)).astype('float32') for _ in range(2))


def again(model, custom_objects=None):
    """The model from its configuration by way of JSON, with the same weights."""
    config = json.loads(json.dumps(model.get_config(), default=encode))
    new = Model.from_config(config, custom_objects)
    new.set_weights(model.get_weights())
    assert json.loads(json.dumps(new.get_config(), default=encode)) == config
    return new


def assert_all_ways(model, x, want, **tolerance):
    for m in (model, again(model)):
        y = m(x)
        for a, b in zip(y if isinstance(y, list) else [y], want if isinstance(want, list) else [want]):
            np.testing.assert_allclose(a, b, **{'rtol': 1e-5, 'atol': 1e-6, **tolerance})
    copy = clone_model(model)
    copy.set_weights(model.get_weights())
    y, z = copy(x), model(x)
    for a, b in zip(y if isinstance(y, list) else [y], z if isinstance(z, list) else [z]):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.asarray(model.predict(x, batch_size=2)[0]), np.asarray(z[0]))


def test_several_inputs_and_outputs():
    a, b = Input((3,), name='a'), Input((3,), name='b')
    first, second = Dense(2, name='first'), Dense(4, name='second')
    model = Model([a, b], [first(a), second(add([a, b]))])
    (k, c), (m, d) = first.get_weights(), second.get_weights()
    assert_all_ways(model, [X, Z], [X @ k + c, (X + Z) @ m + d])
    assert model.input_names == ['a', 'b'] and model.output_names == ['first', 'second']
    assert model.input_shape == [(None, 3), (None, 3)] and model.output_shape == [(None, 2), (None, 4)]
    np.testing.assert_array_equal(model({'b': Z, 'a': X})[1], model([X, Z])[1])
    assert [t.name for t in get_source_inputs(model.outputs[1])] == ['a', 'b']


def test_dicts():
    a, b = Input((3,), name='a'), Input((3,), name='b')
    model = Model({'x': a, 'z': b}, {'sum': a + b, 'difference': a - b})
    y = again(model)({'z': Z, 'x': X})
    np.testing.assert_allclose(y['difference'], X - Z, rtol=1e-6)
    assert model.input_names == ['x', 'z'] and model.output_names == ['sum', 'difference']


def test_shared_layer():
    a, b = Input((3,)), Input((3,))
    layer = Dense(2)
    model = Model([a, b], Concatenate()([layer(a), layer(b)]))
    k, c = layer.get_weights()
    assert len(model.weights) == 2
    assert_all_ways(model, [X, Z], np.hstack([X @ k + c, Z @ k + c]))


def test_nested_models():
    inner_in = Input((3,))
    inner = Model(inner_in, [Dense(4, activation='tanh')(inner_in), Dense(2)(inner_in)], name='inner')
    stack = Sequential([Dense(3, input_shape=(4,)), BatchNormalization()], name='stack')
    a, b = Input((3,)), Input((3,))
    u, v = inner(a)
    w, _ = inner(b)
    model = Model([a, b], [stack(u), Concatenate()([v, stack(w)])])
    one, two = inner(X), inner(Z)
    assert_all_ways(model, [X, Z], [stack(one[0]), np.hstack([one[1], stack(two[0])])])
    assert len(model.weights) == 4 + 2 + 4
    # layer by layer throughout: the averages of the stack stand behind its own weights
    assert [w.name.split('/')[-1] for w in model.weights][-4:] == ['gamma:0', 'beta:0', 'moving_mean:0',
                                                                   'moving_variance:0']


def test_deep_chain():
    a = x = Input((2,))
    for _ in range(1500):
        x = Lambda(lambda t: t * 1.0)(x)
    assert len(Model(a, x).layers) == 1501


def test_part_of_a_model():
    a = Input((3,))
    hidden = Dense(4)(a)
    out = Dense(2)(hidden)
    model = Model(a, out)
    head = Model(model.input, model.layers[1].output)
    tail = Model(hidden, out)
    np.testing.assert_allclose(tail(head(X)), model(X), rtol=1e-6)
    np.testing.assert_array_equal(again(tail)(head(X)), tail(head(X)))


def test_one_input_as_output():
    a = Input((3,))
    np.testing.assert_array_equal(Model(a, [a, a + 1])(X)[0], X)


def test_input_that_nothing_reads():
    a, b = Input((3,)), Input((2,))
    model = Model([a, b], Dense(1)(a))
    assert model.predict([X, X[:, :2]]).shape == (5, 1)


# ---- ops without layers

def test_ops_between_layers():
    a, b = Input((3,)), Input((3,))
    dense = Dense(3)
    y = ops.relu(dense(2 * a + np.maximum(b, 0.5)) - np.float32([1, 0, -1]))
    model = Model([a, b], y ** 2)
    k, c = dense.get_weights()
    assert_all_ways(model, [X, Z], np.maximum((2 * X + np.maximum(Z, 0.5)) @ k + c - [1, 0, -1], 0) ** 2)
    assert {type(layer).__name__ for layer in model.layers} == {'InputLayer', 'Dense', 'OpLayer'}


def test_shapes_with_the_batch_open():
    a = Input((4, 6))
    y = ops.reshape(a, (-1, 24))
    y = ops.concatenate([y, y], axis=1)[:, 3:30:2]
    y = ops.transpose(ops.reshape(y, (-1, 2, 7)), (0, 2, 1)) - ops.mean(a, axis=1, keepdims=True)[:, :, :2]
    model = Model(a, ops.sum(y, axis=-1))
    x = RNG.standard_normal((5, 4, 6)).astype('float32')
    flat = x.reshape(5, 24)
    want = np.hstack([flat, flat])[:, 3:30:2].reshape(5, 2, 7).transpose(0, 2, 1) - x.mean(1, keepdims=True)[:, :, :2]
    assert_all_ways(model, x, want.sum(-1))


def test_variable_in_an_op():
    a = Input((3,))
    v = Variable(np.float32([1, 2, 3]), name='v')
    model = Model(a, a * v)
    assert model.trainable_weights == [v]
    assert_all_ways(model, X, X * [1, 2, 3])
    model.compile('sgd', 'mse')
    model.train_on_batch(X, Z)
    assert (v.numpy() != [1, 2, 3]).any()


def test_keras_numpy_functions():
    a = Input((3,))
    y = np.concatenate([np.tanh(a), np.where(a > 0, a, 0.0)], axis=1)
    assert_all_ways(Model(a, y), X, np.hstack([np.tanh(X), np.where(X > 0, X, 0)]))


# ---- training and inference

def test_explicit_training_is_kept():
    a = Input((300,))
    model = Model(a, Dropout(0.5, seed=1)(a, training=True))
    assert 0.3 < (again(model)(np.ones((2, 300), np.float32)) == 0).mean() < 0.7


def test_batch_shape():
    a = Input(batch_shape=(4, 3))
    model = Model(a, Dense(2)(a))
    assert model.output_shape == (4, 2)
    assert Input((3,), 4).shape == (4, 3)
    with pytest.raises(ValueError, match=r'\(4, 3\).*\(5, 3\)'):
        model(X)


def test_types():
    a = Input((2,), dtype='int32')
    model = Model(a, a + 1)
    assert model(np.array([[1, 2]])).dtype == np.int32
    image = Input((2, 2, 1))
    pixels = np.full((1, 2, 2, 1), 200, np.uint8)
    np.testing.assert_array_equal(Model(image, Flatten()(image) / 100)(pixels), [[2, 2, 2, 2]])


def test_get_layer():
    model = Sequential([Dense(2, input_shape=(3,), name='one'), Dense(1, name='two')])
    assert model.get_layer('two') is model.layers[1] and model.get_layer(index=0).name == 'one'
    with pytest.raises(ValueError, match="'three'.*one, two"):
        model.get_layer('three')
    with pytest.raises(ValueError, match='index'):
        model.get_layer(index=5)


def test_order_of_layers():
    a = Input((8, 8, 1), name='in')
    x = Conv2D(2, 3, padding='same', name='c1')(a)
    y = Conv2D(2, 3, padding='same', name='c2')(x)
    model = Model(a, Add(name='sum')([Conv2D(2, 1, name='skip')(a), y]))
    assert [layer.name for layer in model.layers] == ['in', 'c1', 'skip', 'c2', 'sum']


@pytest.mark.parametrize('make, words', [
    (lambda: Model(Input((3,), name='a'), Dense(1)(Input((3,), name='b'))), ['disconnected', "'b'", "'a'"]),
    (lambda: Model(X, X), ['Keras tensors', 'ndarray']),
    (lambda: Model([Input((3,))] * 2, Input((3,))), ['twice']),
    (lambda: Model(inputs=Input((3,))), ['outputs']),
    (lambda: Input(), ['shape']), (lambda: InputLayer((3,), batch_input_shape=(None, 3)), ['either']),
    (lambda: Input(shape='abc'), ['shape']), (lambda: Input((-3,)), ['-3']),
    (lambda: Input((3,), dtype='text'), ['dtype', 'text'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)


def test_equal_names():
    a = Input((3,))
    with pytest.raises(ValueError, match="'same'.*2 times"):
        Model(a, Dense(1, name='same')(Dense(2, name='same')(a)))


def test_wrong_data():
    a, b = Input((3,), name='a'), Input((2,), name='b')
    model = Model([a, b], Concatenate()([a, b]))
    with pytest.raises(ValueError, match='2 inputs.*a, b.*got 1'):
        model(X)
    with pytest.raises(ValueError, match="no input 'b'"):
        model({'a': X})
    with pytest.raises(ValueError, match=r"'b'.*\(None, 2\).*\(5, 3\)"):
        model([X, X])


def test_many_outputs_on_one_way_are_met_once(monkeypatch):
    """A walk for each output took 44 s for a configuration of 4,900 layers that are all outputs."""
    asked = []
    monkeypatch.setattr(described, 'step_of', lambda tensor: asked.append(tensor) or step_of(tensor))
    x = a = Input((3,))
    ends = []
    for _ in range(40):
        x = -x
        ends.append(x)
    model = Model(a, ends)
    assert len(asked) < 200
    np.testing.assert_array_equal(model.predict(X, verbose=0)[39], X)
    assert len(model.layers) == 41
