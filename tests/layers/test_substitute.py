"""The description of a model, done again on other tensors."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.layers import Dense, Input, Lambda, Layer, Masking
from fastkeras.layers.substitute import steps_to, substitute
from fastkeras.models import Model, clone_model
from fastkeras.runtime import Function, Variable

X = np.random.default_rng(0).standard_normal((5, 3)).astype('float32')


def test_op_nodes_are_kept_between_layers():
    scale = Variable(np.float32(3), name='scale')
    x = Input((3,))
    dense = Dense(2)
    h = dense(x)
    y = h * scale + ops.sum(x, axis=1, keepdims=True)
    steps, _ = steps_to([y])

    def run(a):
        value = substitute(steps, {id(x): a})
        return value(y), value(h), gradients(ops.sum(value(y)), [value(h)])[0]

    given, hidden, slope = Function(run)(X)
    np.testing.assert_allclose(hidden, dense(X), rtol=1e-6)
    np.testing.assert_allclose(given, 3 * hidden + X.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(slope, np.full((5, 2), 3, 'float32'))
    assert y._keras_history is None     # no layer was made for the ops
    scale.assign(np.float32(2))
    np.testing.assert_allclose(Function(run)(X)[0], 2 * hidden + X.sum(1, keepdims=True), rtol=1e-5)


def test_it_begins_where_values_are_given():
    x = Input((3,))
    h = Dense(2)(x)
    y = Dense(4)(h * 2)
    inner = np.ones((1, 2), 'float32')
    steps, _ = steps_to([y], lambda t: None if t is h else _step(t))
    a = Function(lambda v: substitute(steps, {id(h): v})(y))(inner)
    np.testing.assert_allclose(a, y._keras_history.layer(inner * 2), rtol=1e-6)
    with pytest.raises(ValueError, match='nothing takes the place of the Keras tensor'):
        Function(lambda v: substitute(steps, {})(y))(inner)


def _step(tensor):
    from fastkeras.layers.substitute import step_of
    return step_of(tensor)


class Summed(Layer):
    def call(self, inputs, where=None):
        return ops.sum(inputs * ops.expand_dims(ops.cast(where, 'float32'), -1), axis=1)

    def compute_mask(self, inputs, mask=None):
        return None


def test_a_mask_that_is_an_argument_is_followed_in_runs_and_copies():
    x = Input((4, 3))
    m = Masking()(x)
    doubled = Lambda(lambda v: v * 2)(x)
    model = Model(x, Summed()(doubled, where=m._keras_mask))
    data = np.ones((2, 4, 3), 'float32')
    data[0, 1:] = 0
    expected = [[2, 2, 2], [8, 8, 8]]
    np.testing.assert_array_equal(model.predict(data), expected)
    np.testing.assert_array_equal(clone_model(model).predict(data), expected)


def test_a_loss_may_close_over_the_result_of_an_op_and_its_mask():
    x = Input((3,))
    h = Dense(2)(x)
    squares = h * h
    model = Model(x, Dense(1)(squares))
    model.compile('sgd', lambda y, p: ops.mean(p - y, axis=-1) * 0 + ops.sum(squares), metrics=[lambda y, p: ops.sum(h)])
    hidden = Model(x, h).predict(X)
    np.testing.assert_allclose(model.evaluate(X, np.zeros((5, 1)), verbose=0, batch_size=5),
                               [(hidden ** 2).sum(), hidden.sum()], rtol=1e-4)


def test_deep_graphs_need_no_stack():
    x = y = Input((2,))
    for _ in range(3000):
        y = y + 1.0
    steps, met = steps_to([y])
    assert len(steps) == 3001 and met[0] is y
    given = Function(lambda a: substitute(steps, {id(x): a})(y))(np.zeros((1, 2), 'float32'))
    np.testing.assert_array_equal(given, [[3000, 3000]])
