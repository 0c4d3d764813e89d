"""Mistakes in classes of one's own, and in configurations, are named."""

import inspect

import numpy as np
import pytest

from fastkeras import layers, ops
from fastkeras.layers import Activation, Dense, Input, Lambda, Layer
from fastkeras.models import Model, Sequential

X = np.ones((4, 3), 'float32')

SIMPLE = {'units': 3, 'filters': 3, 'kernel_size': 3, 'rate': 0.5, 'n': 3, 'stddev': 0.1}


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
    (lambda: Dense(1, activation='rleu', name='head'), "Dense layer 'head': Unknown activation.*'rleu'.*; did you mean 'relu'"),
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


@pytest.mark.parametrize('given,message', [
    ({'input_shape': 8}, r'expected input_shape to be a tuple of sizes, such as input_shape=\(8,\), got 8'),
    ({'input_shape': '8'}, r"expected input_shape to be a tuple of sizes.*got '8'"),
    ({'input_shape': ('8',)}, r"expected input_shape to hold whole numbers of 0 or more, or None, got \('8',\)"),
    ({'input_shape': (8.5,)}, r'expected input_shape to hold whole numbers'),
    ({'input_shape': (-1,)}, r'expected input_shape to hold whole numbers of 0 or more'),
    ({'batch_input_shape': 8}, r'expected batch_input_shape to be a tuple'),
    ({'batch_input_shape': (None, '8')}, r'expected batch_input_shape to hold whole numbers'),
    ({'input_dim': '8'}, r"expected input_dim to be whole numbers of 0 or more, or None, got '8'"),
    ({'input_shape': (8,), 'batch_size': '2'}, r'expected batch_size')])
def test_shapes_that_are_none(given, message):
    with pytest.raises(ValueError, match=f"Dense layer 'd': {message}|'d'.*{message}"):
        layers.Dense(3, name='d', **given)


@pytest.mark.parametrize('cls,name', [
    (cls, p.name) for cls in {getattr(layers, n) for n in layers.__all__} if isinstance(cls, type)
    and issubclass(cls, layers.Layer) and cls.__module__.startswith('fastkeras.layers')
    for p in list(inspect.signature(cls.__init__).parameters.values())[1:]
    if isinstance(p.default, (int, float)) and not isinstance(p.default, bool)
    and not any(q.default is q.empty and q.kind is q.POSITIONAL_OR_KEYWORD and q.name not in SIMPLE
                for q in list(inspect.signature(cls.__init__).parameters.values())[1:])])
def test_text_is_no_number(cls, name):
    needed = {p.name: SIMPLE[p.name] for p in list(inspect.signature(cls.__init__).parameters.values())[1:]
              if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
    for wrong in '1', float('nan'), {}:
        with pytest.raises((ValueError, TypeError), match=name):
            cls(**{**needed, name: wrong})


def test_errors_in_a_build_name_the_layer():
    class Mine(Layer):
        def build(self, input_shape):
            self.w = input_shape.nothing

    def start(shape, dtype=None):
        raise KeyError('start')
    for layer, expected in (Mine(name='mine'), AttributeError), (Dense(1, kernel_initializer=start, name='mine'), KeyError):
        with pytest.raises(expected) as caught:
            Sequential([Input((2,)), layer])
        said = str(caught.value) + ' '.join(getattr(caught.value, '__notes__', ()))
        assert 'in the build of' in said and "'mine'" in said
