"""Mistakes in classes of one's own, and in configurations, are named."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Activation, Dense, Input, Lambda, Layer
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


class Fails(Layer):
    def call(self, x):
        return {}['missing']


@pytest.mark.parametrize('make', [lambda: Lambda(lambda x: {}['missing'], name='mine'), lambda: Fails(name='mine')])
@pytest.mark.parametrize('use', [lambda layer: layer(Input((3,))), lambda layer: layer(X),
                                 lambda layer: Sequential([Dense(2, input_shape=(3,)), layer])],
                         ids=['described', 'on_arrays', 'in_a_model'])
def test_errors_of_a_users_code_name_the_layer(make, use):
    with pytest.raises(KeyError) as caught:
        use(make())
    said = str(caught.value) + ' '.join(getattr(caught.value, '__notes__', ()))
    assert said.count('in the call of') == 1 and "layer 'mine'" in said


def test_errors_of_a_users_code_name_the_innermost_layer_alone():
    class Outer(Layer):
        def __init__(self):
            super().__init__(name='outer')
            self.inner = Lambda(lambda x: x.no_such_method(), name='inner')

        def call(self, x):
            return self.inner(x)

    with pytest.raises(AttributeError) as caught:
        Outer()(Input((3,)))
    said = str(caught.value) + ' '.join(getattr(caught.value, '__notes__', ()))
    assert "'inner'" in said and "'outer'" not in said


@pytest.mark.parametrize('make,words', [
    (lambda: Dense(1, activation='rleu', name='head'), "Dense layer 'head': Unknown activation.*'rleu'; did you mean 'relu'"),
    (lambda: Dense(1, kernel_initializer='zeroes', name='head'), "Dense layer 'head': Unknown initializer.*mean 'zeros'"),
    (lambda: Dense(1, bias_regularizer='l3', name='head'), "Dense layer 'head': Unknown regularizer"),
    (lambda: Activation('rleu', name='head'), "Activation layer 'head': Unknown activation")])
def test_unknown_names_are_said_with_the_layer(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert str(caught.value).count("layer 'head'") == 1
    with pytest.raises(ValueError, match="layer 'head'"):
        class Own(Dense):
            def __init__(self):
                super().__init__(1, activation='rleu', name='head')
        Own()


@pytest.mark.parametrize('shape', [(None, 3), ()])
def test_a_loop_over_a_symbolic_tensor(shape):
    x = Input(batch_shape=shape) if shape else ops.sum(Input(batch_shape=(2, 3)))
    for loop in (lambda: list(x), lambda: {id(row) for row in x}, lambda: (lambda a, b: a)(*x)):
        with pytest.raises(TypeError, match='a loop over .*symbolic: .*Use ops'):
            loop()
    assert len(list(Input(batch_shape=(2, 3)))) == 2
