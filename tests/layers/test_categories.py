"""CategoryEncoding and Discretization."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model

from ..layer_harness import run_layer_test

INDICES = np.array([[0, 3, 3], [1, 2, 0]], np.int32)


def by_hand(x, mode, depth, weights=None):
    x = np.asarray(x).astype(int)
    hot = np.eye(depth)[x]
    if mode == 'one_hot':
        return hot[..., 0, :] if x.shape[-1] == 1 else hot
    return hot.max(-2) if mode == 'multi_hot' else (hot if weights is None else hot * weights[..., None]).sum(-2)


@pytest.mark.parametrize('mode', ['one_hot', 'multi_hot', 'count'])
@pytest.mark.parametrize('x', [INDICES, INDICES[:, :1], np.stack([INDICES, INDICES])])
def test_category_encoding(mode, x):
    run_layer_test(layers.CategoryEncoding, {'num_tokens': 4, 'output_mode': mode}, input_data=x, trains=False,
                   expected=lambda x: by_hand(x, mode, 4))


def test_category_encoding_of_lists_floats_and_other_types():
    layer = layers.CategoryEncoding(4, output_mode='count')
    want = by_hand(INDICES, 'count', 4)
    for x in (INDICES.tolist(), INDICES.astype(np.float32), INDICES.astype(np.int64), INDICES.astype(np.uint8)):
        np.testing.assert_array_equal(layer(x), want)
    weights = np.float32([[0.5, 1, 2], [3, 4, 5]])
    for given in (weights, weights.tolist()):
        np.testing.assert_allclose(layer(INDICES, count_weights=given), by_hand(INDICES, 'count', 4, weights))
    a, w = layers.Input((3,), dtype='int32'), layers.Input((3,))
    np.testing.assert_allclose(Model([a, w], layer(a, count_weights=w)).predict([INDICES, weights]),
                               by_hand(INDICES, 'count', 4, weights))
    assert layers.CategoryEncoding(4, dtype='int32')(INDICES).dtype == np.int32
    np.testing.assert_array_equal(layers.CategoryEncoding(4, output_mode='binary')(3), [0, 0, 0, 1])


@pytest.mark.parametrize('mode', ['int', 'one_hot', 'multi_hot', 'count'])
def test_discretization(mode):
    edges = [-1.0, 0.0, 0.5]
    run_layer_test(layers.Discretization, {'bin_boundaries': edges, 'output_mode': mode}, (6, 4), trains=False,
                   expected=lambda x: (np.digitize(x, edges) if mode == 'int' else by_hand(np.digitize(x, edges), mode, 4)))


def test_discretization_learns_quantiles_and_models_follow():
    x = np.random.default_rng(3).normal(size=(4000, 1)).astype(np.float32)
    layer = layers.Discretization(num_bins=4)
    with pytest.raises(ValueError, match='it has no boundaries yet'):
        layer(x)
    layer.adapt(x)
    np.testing.assert_allclose(layer.bin_boundaries, np.quantile(x, [0.25, 0.5, 0.75]), atol=0.06)
    a = layers.Input((1,))
    model = Model(a, layer(a))
    np.testing.assert_array_equal(model.predict(x), np.digitize(x, np.float32(layer.bin_boundaries)))
    layer.adapt([x[:1000] + 5, x[1000:] + 5])
    np.testing.assert_array_equal(model.predict(x), np.zeros_like(x))
    again = layers.Discretization.from_config(layer.get_config())
    assert again.bin_boundaries == layer.bin_boundaries and again.num_bins == 4 and not again.weights
    np.testing.assert_array_equal(layer(np.float32([np.nan, np.inf, -np.inf, 5.0])), [0, 3, 0, layer(np.float32([5.0]))[0]])


@pytest.mark.parametrize('make, message', [
    (lambda: layers.CategoryEncoding(), 'expected num_tokens, got None; where it is not known, use IntegerLookup'),
    (lambda: layers.CategoryEncoding(0), 'expected num_tokens to be a whole number of at least 1, got 0'),
    (lambda: layers.CategoryEncoding(4, 'int'), "expected output_mode to be one of 'multi_hot', 'one_hot', 'count', got 'int'"),
    (lambda: layers.CategoryEncoding(4, sparse=True), 'sparse=True asks for sparse tensors'),
    (lambda: layers.CategoryEncoding(4)([[4]]), 'expected whole numbers from 0 to 3, got 4'),
    (lambda: layers.CategoryEncoding(4)([[-1]]), 'expected whole numbers from 0 to 3, got -1'),
    (lambda: layers.CategoryEncoding(4)(INDICES, count_weights=INDICES), "count_weights are for output_mode='count'"),
    (lambda: layers.Discretization(), 'expected either bin_boundaries or num_bins, got neither'),
    (lambda: layers.Discretization([1.0], 3), 'expected either bin_boundaries or num_bins, got both'),
    (lambda: layers.Discretization([1.0, 0.0]), r'expected bin_boundaries to be a list of rising numbers, got \[1.0, 0.0\]'),
    (lambda: layers.Discretization(num_bins=2, output_mode='tf_idf'), 'expected output_mode to be one of'),
    (lambda: layers.Discretization([1.0]).adapt([1.0]), 'it was made with bin_boundaries'),
    (lambda: layers.Discretization(num_bins=2, epsilon=2), 'expected epsilon to be a number from 0 to 1, got 2'),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
