"""The same bits: whatever the number of threads, and for a row whatever stands beside it."""
import numpy as np
import pytest

from fastkeras import config
from fastkeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    MaxPooling2D,
    SeparableConv2D,
    add,
    concatenate,
)
from fastkeras.models import Model, Sequential
from fastkeras.utils import set_random_seed


def dense():
    return Sequential([Dense(65, activation='tanh', input_shape=(37,)), Dense(300, activation='relu'),
                       Dense(10, activation='softmax')])


def convolutions():
    return Sequential([
        Conv2D(17, 3, padding='same', activation='relu', input_shape=(19, 19, 3)), BatchNormalization(), MaxPooling2D(),
        DepthwiseConv2D(3, strides=2), Activation('sigmoid'), SeparableConv2D(33, 3, padding='same'), Dropout(0.3),
        AveragePooling2D(), Flatten(), Dense(7, activation='softmax')])


def residual():
    x = inputs = Input((16, 16, 8))
    for k in range(2):
        y = Activation('relu')(BatchNormalization()(Conv2D(24, 3, padding='same', strides=1 + k)(x)))
        x = add([Conv2D(24, 1, strides=1 + k)(x), y])
    x = concatenate([GlobalAveragePooling2D()(x), Flatten()(MaxPooling2D(4)(x))])
    return Model(inputs, Dense(5)(x))


def winograd():
    return Sequential([Conv2D(33, 3, padding='same', activation='relu', input_shape=(13, 14, 16)), BatchNormalization(),
                       Conv2D(17, 3, activation='relu'), Conv2D(40, 3, padding='same'), GlobalAveragePooling2D()])


def pooled():
    """An image is enough for its sums to be made as those over a batch are."""
    return Sequential([Conv2D(300, 1, activation='relu', input_shape=(9, 8, 3)), GlobalAveragePooling2D(), Dense(3)])


@pytest.fixture(params=[dense, convolutions, residual, winograd, pooled], ids=lambda f: f.__name__)
def model(request):
    set_random_seed(1)
    return request.param()


def data(model, n):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, *model.input_shape[1:])).astype('float32')


@pytest.fixture
def threads():
    before = config.get_num_threads()
    yield config.set_num_threads
    config.set_num_threads(before)


@pytest.mark.parametrize('isa', config.isas())
def test_a_row_does_not_depend_on_its_neighbours(model, isa, threads):
    before = config.isa()
    try:
        config.set_isa(isa)
        x = data(model, 33)
        whole = model.predict(x, batch_size=33)
        for n in range(1, 34):
            np.testing.assert_array_equal(model.predict(x[33 - n:], batch_size=n), whole[33 - n:])
        threads(2)
        np.testing.assert_array_equal(model.predict(x, batch_size=7), whole)
    finally:
        config.set_isa(before)


def test_training_does_not_depend_on_the_threads(model, threads):
    x = data(model, 48)
    y = np.random.default_rng(1).standard_normal((48, model.output_shape[1])).astype('float32')
    start = model.get_weights()
    results = []
    for n in (1, 2, 3):
        threads(n)
        set_random_seed(5)
        copy = type(model).from_config(model.get_config())
        copy.set_weights(start)
        copy.compile('adam', 'mse')
        losses = [copy.train_on_batch(x, y) for _ in range(4)]
        results.append((losses, copy.get_weights()))
    for losses, weights in results[1:]:
        assert losses == results[0][0]
        for a, b in zip(weights, results[0][1]):
            np.testing.assert_array_equal(a, b)
