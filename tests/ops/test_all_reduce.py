"""The seam of distribution: gradients of a step in one flat buffer, which a group of processes reduces."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.buffers import Host
from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.ops import all_reduce
from fastkeras.ops.tensor import Tensor
from fastkeras.optimizers import SGD
from fastkeras.runtime import Function


class Group:
    """Stands for two processes, of which the other's gradients are three times ours: the mean is twice ours."""

    def __init__(self):
        self.seen = []

    def all_reduce(self, array):
        self.seen.append(array.copy())
        array *= 2


@pytest.fixture
def group():
    made = Group()
    all_reduce.set_group(made)
    yield made
    all_reduce.set_group(None)


def network():
    model = Sequential([Dense(5, activation='tanh', input_shape=(4,)), Dense(2)])
    model.set_weights([np.linspace(-1, 1, w.size, dtype=np.float32).reshape(w.shape) for w in model.get_weights()])
    return model


X, Y = (np.random.default_rng(k).standard_normal((16, n)).astype(np.float32) for k, n in enumerate((4, 2)))


def trained(rate):
    model = network()
    model.compile(SGD(rate), 'mse')
    before = model.get_weights()
    model.train_on_batch(X, Y)
    return model, before


def test_one_process_is_alone():
    x = Tensor('input', (), {'index': 0}, (3,), 'float32')
    assert all_reduce.all_reduce([x, None])[0] is x
    model, _ = trained(0.1)
    steps = next(iter(model._steps._functions.values()))._traced
    assert not any(isinstance(s, Host) for traced in steps.values() for s in traced.compiled.steps)


def test_a_step_is_gradients_then_reduction_then_update(group):
    model, before = trained(0.1)
    after = model.get_weights()
    flat, = group.seen      # once a step, all gradients in one array
    assert flat.ndim == 1 and flat.size == sum(w.size for w in before)
    all_reduce.set_group(None)
    alone, _ = trained(0.2)
    for a, b, c in zip(after, alone.get_weights(), before):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert np.abs(a - c).max() > 1e-4


def test_gradients_are_made_in_the_buffer(group):
    w, v = np.float32(X[:4, :4]), np.float32(X[4:8, :4])
    function = Function(lambda a, b: all_reduce.all_reduce([ops.exp(a), None, ops.matmul(a, b)]))
    first, nothing, second = function(w, v)
    np.testing.assert_allclose(first, 2 * np.exp(w), rtol=1e-6)
    np.testing.assert_allclose(second, 2 * (w @ v), rtol=1e-5)
    assert nothing is None
    steps = function.traced_for([w, v]).compiled.steps
    host, = (k for k, s in enumerate(steps) if isinstance(s, Host))
    assert [s.kernel for s in steps[:host]] == ['tile', 'matmul']   # and no copies


def test_what_others_read_stays_as_it_was(group):
    def f(a):
        y = ops.exp(a)
        reduced, = all_reduce.all_reduce([y])
        return reduced, y
    reduced, y = Function(f)(X)
    np.testing.assert_allclose(reduced, 2 * y, rtol=1e-6)
    np.testing.assert_allclose(y, np.exp(X), rtol=1e-6)


def test_mistakes():
    with pytest.raises(ValueError, match='set_group: expected an object with a method all_reduce'):
        all_reduce.set_group(object())
