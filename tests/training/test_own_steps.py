"""Steps that a user's class defines, and that are not called here, are no silence."""

import numpy as np
import pytest

from fastkeras.layers import Dense, Input
from fastkeras.models import Model, Sequential
from fastkeras.training.trainer import _STEPS

X = np.ones((4, 3), 'float32')


@pytest.mark.parametrize('name', [n for n in _STEPS if not n.startswith('_')])
@pytest.mark.parametrize('base', [Model, Sequential])
def test_compile_names_the_method(name, base):
    cls = type('Own', (base,), {name: lambda self, *args, **kwargs: None})
    a = Input((3,))
    model = cls(a, Dense(1)(a)) if base is Model else cls([Dense(1, input_shape=(3,))])
    with pytest.raises(ValueError, match=rf'Own\.{name} is not called here'):
        model.compile('sgd', 'mse')
    if name in ('predict_step', 'make_predict_function'):
        with pytest.raises(ValueError, match=rf'Own\.{name} is not called here'):
            model.predict(X)
    else:
        assert model.predict(X).shape == (4, 1)


def test_one_that_is_set_later_is_named_by_fit():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile('sgd', 'mse')
    model.train_step = lambda data: None
    with pytest.raises(ValueError, match='train_step'):
        model.fit(X, X[:, :1], verbose=0)
