"""Normalization and Rescaling."""

import numpy as np
import pytest

from fastkeras import config, layers
from fastkeras.models import Sequential
from fastkeras.utils import Sequence

from ..layer_harness import run_layer_test

RNG = np.random.default_rng(5)
X = RNG.normal(3, 2, (12, 3, 2)).astype(np.float32)


@pytest.mark.parametrize('invert', [False, True])
def test_normalization_with_given_moments(invert):
    mean, variance = np.array([1.0, 2.0]), np.array([4.0, 0.25])
    scale = np.sqrt(variance)
    run_layer_test(layers.Normalization, {'mean': mean, 'variance': variance, 'invert': invert}, (4, 3, 2),
                   expected=lambda x: x * scale + mean if invert else (x - mean) / scale, expected_mask=True)


@pytest.mark.parametrize('axis', [-1, None, 1, (1, 2), (-1, 1)])
def test_normalization_before_and_after_adapt(axis):
    run_layer_test(layers.Normalization, {'axis': axis}, (4, 3, 2), expected=lambda x, mean, variance, count: (
        x - mean) / np.sqrt(variance) if axis != 1 else (x - mean[:, None]) / np.sqrt(variance[:, None]))
    layer = layers.Normalization(axis=axis)
    layer.adapt(X)
    over = {-1: (0, 1), None: (0, 1, 2), 1: (0, 2)}.get(axis, 0)
    wide = X.astype(np.float64)
    want = (wide - wide.mean(over, keepdims=True)) / wide.std(over, keepdims=True)
    np.testing.assert_allclose(layer(X), want, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(layer.mean, wide.mean(over, keepdims=True), rtol=1e-6)
    assert layer.get_weights()[2] == X.size // layer.get_weights()[0].size


class Batches(Sequence):
    def __len__(self):
        return 4

    def __getitem__(self, k):
        return X[3 * k:3 * k + 3], np.zeros(3)


@pytest.mark.parametrize('data', [Batches(), [X[:5], X[5:]], (x for x in (X[:1], X[1:])), X.astype(np.float64)])
def test_all_kinds_of_data_give_one_result(data):
    layer, whole = layers.Normalization(), layers.Normalization()
    layer.adapt(data)
    whole.adapt(X)
    for a, b in zip(layer.get_weights(), whole.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_steps_and_batch_size():
    layer = layers.Normalization()
    layer.adapt(X, steps=2, batch_size=3)
    np.testing.assert_allclose(layer.get_weights()[0], X[:6].mean((0, 1)), rtol=1e-6)


def test_a_model_follows_another_adapt_and_a_copy_has_the_weights():
    layer = layers.Normalization(input_shape=(3, 2))
    model = Sequential([layer, layers.Flatten()])
    before = model.predict(X)
    layer.adapt(X)
    after = model.predict(X)
    np.testing.assert_array_equal(before, X.reshape(12, 6))
    assert abs(after.mean()) < 1e-6 and abs(after.std() - 1) < 1e-3
    other = layers.Normalization.from_config(layer.get_config())
    other.build_from_config(layer.get_build_config())
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(X), layer(X))


def test_constant_features_are_not_divided_by_nothing():
    layer = layers.Normalization()
    layer.adapt(np.ones((4, 2)))
    assert np.isfinite(layer(np.ones((4, 2), np.float32))).all()


@pytest.mark.parametrize('make, message', [
    (lambda: layers.Normalization(mean=1.0), "expected both mean and variance or neither, got mean=1.0, variance=None"),
    (lambda: layers.Normalization(mean=[1.0], variance=[1.0, 2.0]), r'expected mean and variance of one shape, got \(1,\)'),
    (lambda: layers.Normalization(mean=[[1.0, 2.0]], variance=[[1.0, 2.0]]), 'at most one axis for each of axis'),
    (lambda: layers.Normalization(mean='a', variance=1.0), "expected mean to be a number or an array of them, got 'a'"),
    (lambda: layers.Normalization(axis=3)(X), r'expected axes of an input of shape \(12, 3, 2\), got axis=\(3,\)'),
    (lambda: layers.Normalization(axis='x'), 'expected axis to be a whole number'),
    (lambda: layers.Normalization()(layers.Input((3, None))), 'expected a known size of axis 2'),
    (lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0] * 3)(X), 'expected a mean that fits the sizes'),
    (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(X), 'which adapt would replace'),
    (lambda: layers.Normalization().adapt(np.array([['a']])), 'adapt: expected numbers'),
    (lambda: layers.Normalization().adapt([]), 'expected data with at least one sample'),
    (lambda: layers.Normalization().adapt(X, steps=0), 'expected steps to be a whole number'),
    (lambda: layers.Normalization().adapt([X, X[:, :, :1]]), r'adapt: expected data of the sizes \(1, 1, 2\)'),
    (lambda: layers.Rescaling(None), 'expected scale and offset to be numbers or arrays, got None'),
    (lambda: layers.Rescaling('x'), "expected scale to be a number or an array of them, got 'x'"),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rescaling():
    run_layer_test(layers.Rescaling, {'scale': 0.5, 'offset': -1}, (4, 3, 2), expected=lambda x: x * 0.5 - 1,
                   expected_mask=True)
    run_layer_test(layers.Rescaling, {'scale': [0.5, 2.0], 'offset': np.array([1.0, 0.0])}, (4, 3, 2),
                   expected=lambda x: x * [0.5, 2.0] + [1, 0])
    y = run_layer_test(layers.Rescaling, {'scale': 1 / 255}, input_data=np.arange(12, dtype=np.uint8).reshape(2, 6),
                       expected=lambda x: x / 255, trains=False)
    assert y.dtype == np.float32


def test_rescaling_of_channels_first():
    config.set_image_data_format('channels_first')
    try:
        x = RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)
        np.testing.assert_allclose(layers.Rescaling([1.0, 2.0, 3.0])(x), x * np.array([1, 2, 3]).reshape(3, 1, 1), rtol=1e-6)
    finally:
        config.set_image_data_format('channels_last')
