import numpy as np
import pytest

from fastkeras import backend as K
from fastkeras import layers
from fastkeras.layers import Input, merge
from fastkeras.models import Model

X, Y = np.random.RandomState(0).normal(size=(2, 4, 3)).astype('float32')


@pytest.mark.parametrize('arguments, result', [
    ({}, X + Y), ({'mode': 'mul'}, X * Y), ({'mode': 'ave'}, (X + Y) / 2), ({'mode': 'max'}, np.maximum(X, Y)),
    ({'mode': 'concat'}, np.concatenate([X, Y], -1)), ({'mode': 'concat', 'concat_axis': 1}, np.concatenate([X, Y], 1)),
    ({'mode': 'dot', 'dot_axes': 1}, (X * Y).sum(-1, keepdims=True)),
    ({'mode': 'cos', 'dot_axes': 1},
     ((X * Y).sum(-1) / np.linalg.norm(X, axis=-1) / np.linalg.norm(Y, axis=-1))[:, None, None]),
    ({'mode': lambda xs: xs[0] - 2 * xs[1], 'output_shape': lambda shapes: shapes[0]}, X - 2 * Y),
])
def test_modes(arguments, result):
    a, b = Input((3,)), Input((3,))
    with pytest.warns(UserWarning, match='Update your `merge` call to the Keras 2 API: `[A-Z]'):
        merged = merge([a, b], **arguments, name='both')
    model = Model([a, b], merged)
    assert model.layers[-1].name == 'both'
    np.testing.assert_allclose(model.predict([X, Y]), result, rtol=1e-4, atol=1e-6)


def test_the_module_is_still_a_module():
    from fastkeras.layers.merge import Add, add
    assert layers.merge is merge and merge.add is add and Add is layers.Add and 'merge' in layers.__all__
    assert K.int_shape(add([Input((3,)), Input((3,))])) == (None, 3)


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="must be one of 'sum', .*got 'concatt'; did you mean 'concat'"):
        merge([Input((3,)), Input((3,))], mode='concatt')
