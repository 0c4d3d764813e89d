"""Mistakes in classes of one's own, and in configurations, are named."""

import numpy as np
import pytest

from fastkeras.layers import Dense, Input, Layer
from fastkeras.models import Model, Sequential

X = np.ones((4, 3), 'float32')


@pytest.mark.parametrize('base', [Layer, Model, Sequential])
def test_an_init_that_leaves_out_that_of_the_base(base):
    class Own(base):
        def __init__(self):
            self.inner = Dense(1)

        def call(self, x):
            return self.inner(x)

    with pytest.raises(ValueError, match=r'Own: its __init__ must call super\(\).__init__\(\)'):
        Own()


def test_an_init_that_uses_the_base_first():
    class Stack(Sequential):
        def __init__(self):
            self.add(Dense(1))
            super().__init__()

    with pytest.raises(ValueError, match=r'Stack: its __init__ must call super\(\).__init__\(\)'):
        Stack()

    class Broken(Layer):
        def __init__(self):
            super().__init__()
            self.nothing.there()

    with pytest.raises(AttributeError, match='nothing'):
        Broken()


@pytest.mark.parametrize('cls', [Dense, Model, Sequential])
@pytest.mark.parametrize('config', ['abc', None, 5, ('a', 'b')])
def test_from_config_wants_a_dict(cls, config):
    with pytest.raises(ValueError, match=f'{cls.__name__}.from_config: expected a dict'):
        cls.from_config(config)


@pytest.mark.parametrize('config', [{}, {'foo': 1}, {'layers': 3}, {'layers': {'a': 1}}])
def test_from_config_of_a_stack_wants_layers(config):
    with pytest.raises(ValueError, match="Sequential.from_config: expected 'layers' to hold a list"):
        Sequential.from_config(config)
    if 'layers' in config:
        with pytest.raises(ValueError, match="Model.from_config: expected 'layers' to hold a list"):
            Model.from_config({**config, 'input_layers': [], 'output_layers': []})


@pytest.mark.parametrize('mask', ['abc', 3, True, [None, 'a'], ['a']])
def test_a_mask_that_is_no_tensor(mask):
    class Masks(Layer):
        def compute_mask(self, inputs, mask_=None):
            return mask

    for x in (Input((3,)), X):
        with pytest.raises(ValueError, match="layer 'masks.*': expected compute_mask to return a tensor, None"):
            Masks()(x)


def test_an_array_may_be_a_mask():
    class Masks(Layer):
        def compute_mask(self, inputs, mask=None):
            return [np.array([[True, True, False]])]

    assert Masks()(Input((3,)))._keras_mask.shape == (1, 3)
