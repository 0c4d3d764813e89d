"""Ops between the layers of a model."""

import json

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Dense, Input, Masking, deserialize, naming, serialize
from fastkeras.layers.implicit import OpLayer
from fastkeras.models import Model, clone_model, model_from_json
from fastkeras.runtime import Variable
from tests.layer_harness import run_layer_test

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def op_layers(model):
    return [layer for layer in model.layers if isinstance(layer, OpLayer)]


def test_an_op_as_a_layer():
    run_layer_test(OpLayer, {'op': 'tanh'}, (3, 4), expected=lambda x: np.tanh(x))
    run_layer_test(OpLayer, {'op': 'matmul', 'attrs': {'transpose_a': False, 'transpose_b': True}, 'operands': (None, X)},
                   (4, 3), expected=lambda x: x @ X.T)
    run_layer_test(OpLayer, {'op': 'subtract', 'operands': (np.float32(1), None)}, (3, 4), expected=lambda x: 1 - x)
    run_layer_test(OpLayer, {'op': 'multiply', 'operands': (None, None)}, [(3, 4), (3, 4)], expected=lambda x: x[0] * x[1])


def test_an_unknown_op():
    with pytest.raises(ValueError, match="unknown op 'tangent'"):
        OpLayer('tangent')


def test_a_model_makes_them_from_what_stands_between_its_layers():
    naming.reset_uids()
    x = Input((3,))
    hidden = Dense(3, name='d')(x)
    model = Model(x, 1 - ops.relu(hidden + x) * np.float32([1, 2, 3]))
    assert [layer.op for layer in op_layers(model)] == ['add', 'relu', 'multiply', 'subtract']
    assert op_layers(model)[1].name == 'op_relu_1'
    kernel, bias = model.get_weights()
    want = 1 - np.maximum(X @ kernel + bias + X, 0) * [1, 2, 3]
    np.testing.assert_allclose(model.predict(X), want, rtol=1e-5, atol=1e-6)
    assert op_layers(model)[0].operands == (None, None)         # both are tensors of the model
    np.testing.assert_array_equal(op_layers(model)[2].operands[1], [1, 2, 3])


@pytest.mark.parametrize('build', [
    lambda x: x[:, 1:] * 2, lambda x: ops.reshape(x, (-1, 3, 1)), lambda x: ops.sum(x, axis=-1, keepdims=True),
    lambda x: np.maximum(x, 0.5), lambda x: ops.concatenate([x, x * 2], axis=1), lambda x: x / (1 + ops.exp(-x)),
    lambda x: ops.where(x > 0, x, -x), lambda x: ops.cast(x > 0, 'float32'), lambda x: x @ np.eye(3, dtype='float32')],
    ids=range(9))
def test_through_json(build):
    x = Input((3,))
    model = Model(x, build(x))
    again = model_from_json(model.to_json())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(model.predict(X), np.asarray(build(X)))
    assert [layer.get_config() for layer in op_layers(again)] == [layer.get_config() for layer in op_layers(model)]


def test_a_variable_that_is_built_in_trains_and_comes_back():
    scale = Variable(np.float32([1, 2, 3]), name='scale')
    x = Input((3,))
    model = Model(x, x * scale)
    assert [w.shape for w in model.get_weights()] == [(3,)] and model.trainable_weights == [scale]
    model.compile('sgd', 'mse')
    model.fit(X, X * 0, verbose=0)
    assert not np.array_equal(scale.numpy(), [1, 2, 3])
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    layer, = op_layers(again)
    assert layer.operands[1] is not scale and layer.operands[1].trainable


def test_configurations_survive_json():
    layer = OpLayer('multiply', operands=(None, np.arange(6, dtype=np.int32).reshape(2, 3)), name='m')
    again = deserialize(json.loads(json.dumps(serialize(layer))))
    assert again.name == 'm' and again.operands[0] is None and again.operands[1].dtype == np.int32
    np.testing.assert_array_equal(again.operands[1], layer.operands[1])


def test_a_mask_stays_where_batch_and_steps_do():
    x, other = (Masking()(Input((4, 3))) for _ in range(2))
    moved = {'steps': x * 2 + 1, 'more': ops.reshape(x, (-1, 4, 3, 1)), 'fewer': ops.reshape(x, (-1, 12)),
             'whole numbers': ops.cast(x, 'int32') & 1, 'turned': ops.transpose(x, (0, 2, 1)), 'two': x + other}
    Model([t._keras_history.layer.input for t in (x, other)], list(moved.values()))
    kept = {name for name, y in moved.items() if y._keras_mask is not None}
    assert kept == {'steps', 'more', 'whole numbers'}        # of two masks, neither is taken
    data = np.ones((1, 4, 3), np.float32)
    data[0, 2] = 0
    mask = Model(x._keras_history.layer.input, ops.cast(moved['steps']._keras_mask, 'float32')).predict(data)
    np.testing.assert_array_equal(mask, [[1, 1, 0, 1]])


def test_a_loop_between_layers_is_a_layer():
    """Its results are projections of one node: each becomes a layer, and a plan makes the loop once."""
    x = Input((6, 4))

    def running(x):
        return ops.scan(lambda c, v: (c * 0.5 + v, c), ops.zeros_like(x[:, 0]), ops.transpose(x, (1, 0, 2)))
    last, stack = running(x)
    model = Model(x, [last, ops.transpose(stack, (1, 0, 2))])
    values = np.random.default_rng(0).standard_normal((3, 6, 4)).astype(np.float32)
    want, rows = np.zeros((3, 4)), []
    for k in range(6):
        rows.append(want)
        want = want * 0.5 + values[:, k]
    for each in (model, clone_model(model), model_from_json(model.to_json())):
        got = each.predict(values, verbose=0)
        np.testing.assert_allclose(got[0], want, rtol=1e-5)
        np.testing.assert_allclose(got[1], np.stack(rows, 1), rtol=1e-5, atol=1e-6)
