"""Layers that make one tensor of several."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model
from tests.layer_harness import run_layer_test

SHAPES = [(2, 3, 4), (2, 3, 4), (2, 1, 4)]


@pytest.mark.parametrize('cls, reduce', [
    (layers.Add, lambda a, b, c: a + b + c), (layers.Multiply, lambda a, b, c: a * b * c),
    (layers.Average, lambda a, b, c: (a + b + c) / 3), (layers.Maximum, lambda a, b,
                                                        c: np.maximum(a, np.maximum(b, c))),
    (layers.Minimum, lambda a, b, c: np.minimum(a, np.minimum(b, c)))])
def test_elementwise(cls, reduce):
    run_layer_test(cls, {}, SHAPES, expected_output_shape=(2, 3, 4), expected=lambda xs: reduce(*xs))


def test_subtract():
    run_layer_test(layers.Subtract, {}, [(2, 3), (2, 3)], expected=lambda xs: xs[0] - xs[1])


def test_fewer_axes():
    run_layer_test(layers.Add, {}, [(2, 4), (2, 3, 4)], expected=lambda xs: xs[0][:, None] + xs[1])


def test_concatenate():
    run_layer_test(layers.Concatenate, {}, [(2, 3), (2, 5)], expected=lambda xs: np.concatenate(xs, -1))
    run_layer_test(layers.Concatenate, {'axis': 1}, [(2, 3, 4), (2, 1, 4)], expected=lambda xs: np.concatenate(xs, 1))


@pytest.mark.parametrize('axes, shapes, formula', [
    (1, [(3, 4), (3, 4)], 'bi,bi->b'), (2, [(3, 2, 4), (3, 5, 4)], 'bik,bjk->bij'),
    ((2, 1), [(3, 2, 4), (3, 4, 5)], 'bik,bkj->bij'),
    ((1, 1), [(3, 4, 2), (3, 4, 5)], 'bki,bkj->bij'), ((2, 1), [(3, 2, 4), (3, 4)], 'bik,bk->bi'),
    ((3, 1), [(3, 2, 5, 4), (3, 4, 6)], 'bhik,bkj->bhij')])
@pytest.mark.parametrize('normalize', [False, True])
def test_dot(axes, shapes, formula, normalize):
    def expected(xs):
        a, b = (axes, axes) if isinstance(axes, int) else axes
        x, y = xs
        if normalize:
            x, y = x / np.linalg.norm(x, axis=a, keepdims=True), y / np.linalg.norm(y, axis=b, keepdims=True)
        z = np.einsum(formula, x, y)
        return z[:, None] if z.ndim == 1 else z
    run_layer_test(layers.Dot, {'axes': axes, 'normalize': normalize}, shapes, expected=expected)


def test_functional_forms():
    a, b = np.float32([[1, 2]]), np.float32([[3, -4]])
    for function, want in ((layers.add, a + b), (layers.subtract, a - b), (layers.multiply, a * b),
                           (layers.average, (a + b) / 2),
                           (layers.maximum, np.maximum(a, b)), (layers.minimum, np.minimum(a, b)),
                           (layers.concatenate, np.hstack([a, b]))):
        np.testing.assert_allclose(function([a, b]), want)
    np.testing.assert_allclose(layers.dot([a, b], axes=1), [[-5]])
    assert layers.add([layers.Input((2,)), layers.Input((2,))], name='sum')._keras_history.layer.name == 'sum'


def test_masks():
    inputs = [layers.Masking()(layers.Input((3, 2))) for _ in range(2)]
    assert layers.add(inputs)._keras_mask.shape == (None, 3)
    assert layers.concatenate(inputs, axis=1)._keras_mask.shape == (None, 6)
    assert layers.dot(inputs, axes=2)._keras_mask is None


@pytest.mark.parametrize('make, words', [
    (lambda: layers.Add()(np.ones((2, 3))), ['add', 'list', '(2, 3)']),
    (lambda: layers.Add()([np.ones((2, 3)), np.ones((2, 4))]), ['add', '(2, 3), (2, 4)']),
    (lambda: layers.Subtract()([np.ones((2, 3))] * 3), ['two inputs', '3']),
    (lambda: layers.Concatenate()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]), ['concatenate', '(2, 3, 4), (2, 5, 4)']),
    (lambda: layers.Concatenate(axis=4)([np.ones((2, 3)), np.ones((2, 3))]), ['4', '(2, 3)']),
    (lambda: layers.Dot(axes=0)([np.ones((2, 3)), np.ones((2, 3))]), ['axes', 'batch']),
    (lambda: layers.Dot(axes=1)([np.ones((2, 3)), np.ones((2, 4))]), ['3 != 4']),
    (lambda: layers.Dot(axes='x'), ['axes', "'x'"])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)


@pytest.mark.parametrize('cls, arguments', [(layers.Add, {}), (layers.Concatenate, {}), (layers.Dot, {'axes': 1})])
def test_a_merge_function_of_ones_own(cls, arguments):
    class Own(cls):
        def _merge_function(self, inputs):
            return super()._merge_function(inputs) * 2.0
    a, b = layers.Input((3,)), layers.Input((3,))
    plain, own = cls(**arguments)([a, b]), Own(**arguments)([a, b])
    x = np.ones((2, 3), 'float32')
    found, twice = Model([a, b], [plain, own]).predict([x, x])
    np.testing.assert_array_equal(2 * found, twice)
