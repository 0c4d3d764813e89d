import numpy as np
import pytest

from fastkeras import backend as K


@pytest.mark.parametrize('draw, mean, deviation', [
    (lambda: K.random_normal((4000,), 1.0, 2.0), 1.0, 2.0), (lambda: K.random_uniform((4000,), -1.0, 3.0), 1.0, 4 / 12 ** 0.5),
    (lambda: K.random_binomial((4000,), 0.3), 0.3, 0.21 ** 0.5), (lambda: K.truncated_normal((4000,), 1.0, 2.0), 1.0, 1.76)])
def test_evaluated_twice_it_is_drawn_twice(draw, mean, deviation):
    x = draw()
    a, b = K.eval(x), K.eval(x)
    assert a.dtype == 'float32' and (a != b).any()
    assert abs(a.mean() - mean) < 0.15 and abs(a.std() - deviation) < 0.1
    f = K.function([], [x, x + 0.0])
    first, same = f([])
    np.testing.assert_array_equal(first, same)      # one draw in one run
    assert (f([])[0] != first).any()


def test_a_seed_begins_the_same_numbers():
    a, b = (K.random_uniform((50,), seed=4) for _ in range(2))
    np.testing.assert_array_equal(K.eval(a), K.eval(b))
    whole = K.eval(K.random_uniform((500,), 0, 5, dtype='int32', seed=1))
    assert whole.dtype == 'int32' and set(whole) == {0, 1, 2, 3, 4}


def test_dropout_drops_whatever_the_phase():
    x = K.placeholder((None, 600))
    f = K.function([x], [K.dropout(x, 0.25), K.dropout(x, 0.5, noise_shape=(1, 600))])
    y, rows = f([np.ones((3, 600))])
    assert {round(float(v), 4) for v in np.unique(y)} == {0.0, 1.3333} and abs((y == 0).mean() - 0.25) < 0.06
    np.testing.assert_array_equal(rows[0], rows[2])
    gradient, = K.gradients(K.sum(K.dropout(x, 0.5)), [x])
    assert set(np.unique(K.function([x], [gradient])([np.ones((2, 600))])[0])) == {0.0, 2.0}
