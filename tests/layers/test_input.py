"""Input and InputLayer."""

import numpy as np
import pytest

from fastkeras import config, generation
from fastkeras.layers import Dense, Input, InputLayer, naming
from fastkeras.layers.history import keras_tensor
from fastkeras.models import Model


@pytest.mark.parametrize('arguments, shape', [
    (dict(shape=(3,)), (None, 3)), (dict(shape=()), (None,)),
    (dict(shape=[2, None]), (None, 2, None)), (dict(shape=(np.int64(3), 4.)), (None, 3, 4)), (dict(shape=(0,)), (None, 0)),
    (dict(batch_shape=(8, 3)), (8, 3)), (dict(batch_shape=(None, 3)), (None, 3)), (dict(batch_input_shape=(5, 3)), (5, 3)),
    (dict(shape=(3,), batch_size=8), (8, 3)), (dict(shape=(3,), batch_shape=8), (8, 3))])
def test_shapes(arguments, shape):
    x = Input(**arguments)
    assert x.shape == shape and x.dtype == 'float32'
    layer = x._keras_history.layer
    assert layer.batch_input_shape == layer.batch_shape == shape
    assert layer.output_shape == layer.input_shape == shape and layer.output is layer.input is x


def test_a_layer_has_the_shapes_too():
    for made in (InputLayer((3,)), InputLayer(shape=(3,)), InputLayer(input_shape=(3,)), InputLayer(batch_shape=(None, 3)),
                 InputLayer(batch_input_shape=(None, 3))):
        assert made.batch_input_shape == (None, 3) and made.built and made.supports_masking
    assert InputLayer((3,), 8).batch_input_shape == (8, 3)
    x = np.float32([[1, 2, 3]])
    np.testing.assert_array_equal(InputLayer((3,))(x), x)


def test_types():
    assert Input((2,), dtype='int32').dtype == Input((2,), dtype=np.int32).dtype == 'int32'
    before = config.floatx()
    config.set_floatx('float64')
    try:
        assert Input((2,)).dtype == 'float64'
    finally:
        config.set_floatx(before)


def test_names():
    naming.reset_uids()
    assert Input((3,), name='pixels')._keras_history.layer.name == 'pixels'
    assert [Input((3,))._keras_history.layer.name for _ in range(2)] == ['input_1', 'input_2']


def test_a_tensor_that_is_given_is_taken():
    """One that is no result of a layer becomes an input itself; of one that is, another with its shape and type is made."""
    first = Input((3,), dtype='int32')
    second = Input(tensor=first)
    assert second is not first and (second.shape, second.dtype) == (first.shape, first.dtype)
    assert Input(tensor=first, dtype='float32').dtype == 'float32'
    leaf = keras_tensor((None, 4), 'float32', 'leaf')
    assert Input(tensor=leaf) is leaf and leaf._keras_history.layer.batch_input_shape == (None, 4)


def test_configurations():
    layer = InputLayer((3,), 8, dtype='int32', name='x')
    want = {'batch_input_shape': (8, 3), 'dtype': 'int32', 'sparse': False, 'name': 'x'}
    assert layer.get_config() == want
    again = InputLayer.from_config(want)
    assert again.get_config() == want and again.output.shape == (8, 3)
    three = {'batch_shape': (8, 3), 'dtype': 'int32', 'sparse': False, 'ragged': False, 'name': 'x'}
    assert InputLayer.from_config(three).get_config() == want
    with generation.scope(3):
        assert layer.get_config() == three


def test_what_a_model_is_fed_is_checked_against_it():
    x = Input((3,), name='pixels')
    model = Model(x, Dense(2)(x))
    assert model.predict(np.ones((4, 3))).shape == (4, 2)
    with pytest.raises(ValueError, match=r'pixels.*\(None, 3\)|3.*\(4, 5\)'):
        model.predict(np.ones((4, 5)))


@pytest.mark.parametrize('make, words', [
    (lambda: Input(), ['Input', 'shape']), (lambda: InputLayer(name='x'), ["'x'", 'shape']),
    (lambda: InputLayer((3,), batch_shape=(1, 3), name='x'), ["'x'", 'either', '(3,)', '(1, 3)']),
    (lambda: Input((-1,), name='x'), ["'x'", '0 or more', '(None, -1)']), (lambda: Input((2.5,)), ['whole numbers', '2.5']),
    (lambda: Input((True,)), ['whole numbers', 'True']), (lambda: Input('ab'), ['whole numbers', 'ab']),
    (lambda: Input(8, name='x'), ["'x'", 'shape=(8,)', 'got 8']), (lambda: Input('8'), ['whole numbers', "'8'"]),
    (lambda: Input((8,), batch_size='3'), ['whole numbers', "'3'"]),
    (lambda: Input((float('inf'),)), ['whole numbers', 'inf']),
    (lambda: Input((3,), dtype='float3'), ['dtype', 'float32', 'float3']),
    (lambda: Input((3,), sparse=True, name='x'), ["'x'", 'sparse', 'dense array']),
    (lambda: Input((3,), ragged=True), ['ragged', 'dense array']), (lambda: Input((3,), optional=True), ['optional']),
    (lambda: Input(tensor=np.ones((2, 3)), name='x'), ["'x'", 'Keras tensor', 'ndarray'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)
