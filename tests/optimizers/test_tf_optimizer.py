"""Optimizers of other packages with TensorFlow 1's two methods."""
import numpy as np
import pytest

from fastkeras import Sequential, optimizers
from fastkeras import backend as K
from fastkeras.layers import Dense

X, Y = np.random.RandomState(0).rand(6, 3), np.random.RandomState(1).rand(6, 2)


class Descent:
    """Plain descent, as an object for tf.train would do it; keeps: whether it returns what is to be done."""

    def __init__(self, rate, returns):
        self.rate, self.returns = rate, returns

    def compute_gradients(self, loss, var_list):
        return list(zip(K.gradients(loss, var_list), var_list))

    def apply_gradients(self, pairs, global_step):
        new = [(v, v - self.rate * g) for g, v in pairs]
        if self.returns:
            return new
        for v, value in new:
            v.assign(value)


def model():
    made = Sequential([Dense(4, activation='tanh', input_shape=(3,)), Dense(2)])
    made.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in made.get_weights()])
    return made


@pytest.mark.parametrize('returns', [True, False])
@pytest.mark.parametrize('wrap', [optimizers.TFOptimizer, lambda optimizer: optimizer])
def test_a_step_is_what_the_object_says(returns, wrap):
    plain, wrapped = model(), model()
    plain.compile(optimizers.SGD(0.1), 'mse')
    wrapped.compile(wrap(Descent(0.1, returns)), 'mse')
    for _ in range(2):
        a, b = (m.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history['loss'] for m in (plain, wrapped))
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert int(wrapped.optimizer.iterations) == 8


def test_what_is_none_is_refused():
    with pytest.raises(TypeError, match='compute_gradients and apply_gradients'):
        optimizers.TFOptimizer(object())
    with pytest.raises(ValueError, match='no configuration can hold'):
        optimizers.TFOptimizer(Descent(0.1, True)).get_config()
