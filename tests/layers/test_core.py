"""Dense, Activation, Masking, and what layers say of arguments that do not fit."""

import numpy as np
import pytest

from fastkeras import initializers, layers, ops
from fastkeras.models import Sequential
from tests.layer_harness import run_layer_test


def _relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize('shape', [(5, 3), (4, 6, 3), (2, 3, 4, 3)])
def test_dense(shape):
    run_layer_test(layers.Dense, {'units': 7}, shape, expected_output_shape=(*shape[:-1], 7),
                   expected=lambda x, k, b: x @ k + b, expected_mask=True if len(shape) == 3 else None)


def test_dense_arguments():
    run_layer_test(layers.Dense, {'units': 4, 'activation': 'relu', 'use_bias': False,
                                  'kernel_initializer': 'he_normal',
                                  'kernel_regularizer': 'l2', 'kernel_constraint': 'max_norm'}, (6, 5),
                   expected=lambda x, k: _relu(x @ k))


def test_dense_takes_integers():
    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    layer = layers.Dense(2, kernel_initializer=initializers.RandomUniform(0.5, 1.5))    # of one sign: nothing cancels
    np.testing.assert_allclose(layer(x), x @ layer.get_weights()[0], rtol=1e-5)


def test_activation():
    run_layer_test(layers.Activation, {'activation': 'tanh'}, (3, 4), expected=lambda x: np.tanh(x))
    run_layer_test(layers.Activation, {'activation': 'softmax'}, (3, 4, 5),
                   expected=lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), expected_mask=True)


def test_masking():
    x = np.random.default_rng(0).standard_normal((3, 4, 2)).astype('float32')
    x[0, 1] = x[2, 3] = 5
    run_layer_test(layers.Masking, smooth=False, kwargs={'mask_value': 5}, input_data=x,
                   expected=lambda x: x * (x != 5).any(-1, keepdims=True), expected_mask=(x != 5).any(-1))


# ---- what does not fit

@pytest.mark.parametrize('make, words', [
    (lambda: layers.Dense(0), ['units', '0']), (lambda: layers.Dense(2.5), ['units', '2.5']),
    (lambda: layers.Dense('x'), ['units', "'x'"]), (lambda: layers.Dropout(1.5), ['rate', '1.5']),
    (lambda: layers.Dense(3, activation='rely'), ['rely', 'relu']), (lambda: layers.Permute((1, 3)),
                                                                     ['dims', '(1, 3)']),
    (lambda: layers.Reshape((-1, -1)), ['-1']), (lambda: layers.Lambda(3), ['function', '3']),
    (lambda: layers.Dense(3)(np.ones(4)), ['dense', 'min_ndim=2', '(4,)']),
    (lambda: layers.Dense(3)(None), ['dense', 'None']), (lambda: layers.Dense(3)([[1, 2], [3]]), ['dense', 'ragged']),
    (lambda: layers.Dense(3)({'a': np.ones((2, 3))}), ['dense', 'dict']),
    (lambda: layers.Dense(3, kernel_initializer=lambda shape, dtype: np.ones(1))(np.ones((2, 3))),
     ['kernel', '(3, 3)', '(1,)']),
    (lambda: layers.Lambda(lambda x: None)(np.ones(2)), ['lambda', 'return']),
    (lambda: layers.Lambda(lambda x: 'a')(np.ones(2)), ['lambda', 'no tensor']),
    (lambda: layers.Reshape('a'), ['target_shape']), (lambda: layers.Dense(True), ['dense', 'units', 'True']),
    (lambda: layers.Reshape(None), ['reshape', 'target_shape', 'None']),
    (lambda: layers.Reshape(2.5), ['reshape', 'target_shape', '2.5']),
    (lambda: layers.Reshape((True, 2)), ['reshape', 'whole numbers', 'True']),
    (lambda: layers.Permute(None), ['permute', 'dims', 'None']),
    (lambda: layers.Dropout(True), ['dropout', 'rate', 'True']),
    (lambda: layers.Dropout('0.5'), ['dropout', 'rate', "'0.5'"]),
    (lambda: layers.Dropout(0.5, noise_shape=3), ['dropout', 'noise_shape', '3']),
    (lambda: layers.Dropout(0.5, noise_shape=('a',)), ['dropout', 'noise_shape', "'a'"]),
    (lambda: layers.BatchNormalization(axis='a'), ['batch_normalization', 'axis', "'a'"]),
    (lambda: layers.BatchNormalization(momentum='a'), ['batch_normalization', 'momentum', '0 to 1', "'a'"]),
    (lambda: layers.BatchNormalization(epsilon=-1), ['batch_normalization', 'epsilon', 'at least 0', '-1']),
    (lambda: layers.Softmax(axis='a'), ['softmax', 'axis', "'a'"]),
    (lambda: layers.Concatenate(axis=True), ['concatenate', 'axis', 'True']),
    (lambda: layers.LeakyReLU(True), ['leaky_re_lu', 'alpha', 'True']),
    (lambda: layers.Input((2.5,)), ['shape', 'whole numbers', '2.5']),
    (lambda: Sequential([layers.Dense(2 ** 62, input_shape=(4,), name='wide')]), ["'wide'", 'kernel', str(2 ** 62)]),
    (lambda: Sequential([layers.Dense(2 ** 70, input_shape=(4,), name='wide')]), ["'wide'", 'kernel', str(2 ** 70)]),
    (lambda: Sequential([layers.ZeroPadding2D(2 ** 31, input_shape=(2, 2, 1), name='edge')]).predict(
        np.zeros((1, 2, 2, 1))), ["'edge'", 'too large', str(2 ** 32 + 2)]),
    (lambda: ops.tile(np.ones((2, 2), 'float32'), (1, 2 ** 31, 2 ** 31)), ['[tile]', 'too large', str(2 ** 32)]),
    (lambda: layers.Dense(3)('text'), ['dense', 'numbers', 'str']),
    (lambda: layers.Reshape((5,))(np.ones((2, 4))), ['reshape', '4', '(5,)']),
    (lambda: layers.RepeatVector(2)(np.ones((2, 3, 4))), ['repeat_vector', 'ndim=2', '(2, 3, 4)']),
    (lambda: layers.Dense(3)(layers.Input((None,))), ['dense', 'known size']),
    (lambda: layers.SpatialDropout2D(0.1)(np.ones((2, 3))), ['ndim=4', '(2, 3)'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)


def test_weights_for_which_there_is_no_memory():
    def no_memory(shape, dtype):
        raise MemoryError('64 TiB')

    with pytest.raises(MemoryError, match=r"Dense layer 'wide': no memory for .*'kernel' of shape \(4, 3\): 64 TiB"):
        Sequential([layers.Dense(3, input_shape=(4,), kernel_initializer=no_memory, name='wide')])


def test_changed_input_is_refused():
    layer = layers.Dense(3)
    layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"axis -1 of input shape to have value 4 but got shape \(2, 5\)"):
        layer(np.ones((2, 5)))


def test_unknown_keyword():
    with pytest.raises(TypeError, match='unit'):
        layers.Dense(3, unit=4)


def test_spellings_of_keras_1():
    with pytest.warns(UserWarning, match='Dense'):
        layer = layers.Dense(output_dim=4, input_dim=3, init='he_normal', W_regularizer='l2')
    assert layer.units == 4 and layer.batch_input_shape == (None, 3)
    assert layer.kernel_regularizer.l2 == pytest.approx(0.01)
    assert Sequential([layer]).output_shape == (None, 4)
