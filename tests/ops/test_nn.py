"""Gradients, stability and errors of the composites; their values are in test_oracle.py."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.ops.evaluate import evaluate
from fastkeras.runtime import Function
from tests.harness import placeholders


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def value_and_gradients(function, arrays):
    """function's value, and the gradients of its weighted sum by the float arguments, in float64 by the references."""
    inputs = placeholders(arrays)
    out = function(*inputs)
    weights = random(*out.shape, seed=9)
    wanted = [x for x, a in zip(inputs, arrays) if a.dtype.kind == 'f']
    found = gradients(ops.sum(out * weights), wanted)
    return evaluate([out, *found], dict(zip(inputs, arrays))), weights


def check_gradients(function, arrays, step=1e-6):
    (_, *found), weights = value_and_gradients(function, arrays)
    for k, gradient in zip([k for k, a in enumerate(arrays) if a.dtype.kind == 'f'], found):
        direction = random(*arrays[k].shape, seed=k + 20)
        ends = []
        for s in (step, -step):
            moved = [a + s * direction if i == k else a for i, a in enumerate(arrays)]
            inputs = placeholders(moved)
            ends.append(np.sum(evaluate([function(*inputs)], dict(zip(inputs, moved)))[0] * weights))
        np.testing.assert_allclose(np.sum(gradient * direction), (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-7)


ACTIVATIONS = ['relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'celu', 'gelu', 'silu', 'softsign', 'hard_sigmoid',
               'hard_sigmoid3', 'hard_silu', 'hard_tanh', 'log_sigmoid', 'tanh_shrink', 'soft_shrink', 'hard_shrink',
               'squareplus', 'sparse_plus', 'sparse_sigmoid', 'glu', 'softmax', 'log_softmax', 'l2_normalize',
               'normalize',
               'layer_normalization', 'rms_normalization']


@pytest.mark.parametrize('name', ACTIVATIONS)
def test_gradients_of_activations(name):
    check_gradients(getattr(ops, name), [random(5, 8) * 3])


@pytest.mark.parametrize('name', ACTIVATIONS)
def test_large_arguments_stay_finite(name):
    x = np.array([[-1e4, -90.0, -1.0, 0.0, 1.0, 30.0, 90.0, 1e4]])
    values, _ = value_and_gradients(getattr(ops, name), [x])
    assert all(np.isfinite(v).all() for v in values)


@pytest.mark.parametrize('name', ['relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'hard_sigmoid',
                                  'softsign',
                                  'hard_shrink', 'squareplus', 'softmax'])
def test_nan_stays_nan(name):
    assert np.isnan(getattr(ops, name)(np.array([np.nan], 'float32'))).all()


@pytest.mark.parametrize('attrs', [{'negative_slope': 0.2}, {'max_value': 1.0}, {'threshold': 0.5},
                                   {'negative_slope': 0.1, 'max_value': 2.0, 'threshold': -0.5}])
def test_general_relu(attrs):
    x = random(50) * 3
    slope, top, bend = attrs.get('negative_slope', 0), attrs.get('max_value', np.inf), attrs.get('threshold', 0)
    np.testing.assert_allclose(ops.relu(x, **attrs), np.minimum(np.where(x > bend, x, slope * (x - bend)), top),
                               rtol=1e-6)
    check_gradients(lambda x: ops.relu(x, **attrs), [x])


def distribution(*shape, seed=0):
    e = np.exp(random(*shape, seed=seed))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize('from_logits', [False, True])
def test_gradients_of_cross_entropies(from_logits):
    t, p = distribution(4, 5), random(4, 5, seed=1) if from_logits else distribution(4, 5, seed=1)
    labels = np.array([0, 4, 2, 2], 'int32')
    check_gradients(lambda p: ops.categorical_crossentropy(t, p, from_logits), [p])
    check_gradients(lambda p: ops.binary_crossentropy(t, p, from_logits), [p])
    check_gradients(lambda p, i: ops.sparse_categorical_crossentropy(i, p, from_logits), [p, labels])
    check_gradients(lambda p: ops.categorical_crossentropy(t.T, ops.transpose(p), from_logits, axis=0), [p])


@pytest.mark.parametrize('loss, activation, target', [
    (ops.categorical_crossentropy, ops.softmax, np.array([[0.0, 1.0]])),
    (ops.binary_crossentropy, ops.sigmoid, np.array([[0.0, 1.0]])),
    (ops.sparse_categorical_crossentropy, ops.softmax, np.array([1], 'int32')),
])
def test_a_saturated_prediction_keeps_its_loss_and_gradient(loss, activation, target):
    """Clipped probabilities would say 16.1, and no gradient."""
    (value, gradient), _ = value_and_gradients(lambda z: loss(target, activation(z)), [np.array([[200.0, -200.0]])])
    assert value.max() >= 200 and np.abs(gradient).max() > 1e-3


@pytest.mark.parametrize('loss, activation', [(ops.categorical_crossentropy, ops.softmax),
                                              (ops.binary_crossentropy, ops.sigmoid)])
def test_by_probabilities_and_by_logits_agree(loss, activation):
    t, z = distribution(4, 5), random(4, 5, seed=1)
    (by_logits, *_), _ = value_and_gradients(lambda z: loss(t, activation(z)), [z])
    np.testing.assert_allclose(loss(t, np.asarray(activation(z))), by_logits, rtol=1e-5)


def test_targets_of_cross_entropies():
    p = distribution(4, 5).astype('float32')
    labels = np.array([0, 4, 2, 2])
    flat = ops.sparse_categorical_crossentropy(labels, p)
    np.testing.assert_allclose(flat, -np.log(p[np.arange(4), labels]), rtol=1e-5)
    np.testing.assert_array_equal(ops.sparse_categorical_crossentropy(labels[:, None], p), flat)
    np.testing.assert_allclose(ops.sparse_categorical_crossentropy(labels, p.T, axis=0), flat, rtol=1e-6)
    for bad in (labels[:3], np.zeros((4, 5), int)):
        with pytest.raises(ValueError, match='target'):
            ops.sparse_categorical_crossentropy(bad, p)
    with pytest.raises(ValueError, match=r'\(4, 5\).*\(4,\)'):
        ops.categorical_crossentropy(labels, p)
    with pytest.raises(ValueError, match='target'):
        ops.binary_crossentropy(p[:3], p)


@pytest.mark.parametrize('axis, order', [(1, 2), ((0, 1), 2), (-1, 1), (0, 3.5), (1, np.inf)])
def test_normalize(axis, order):
    x = random(4, 5)
    sizes = (np.abs(x).max(axis, keepdims=True) if order == np.inf else
             (np.abs(x) ** order).sum(axis, keepdims=True) ** (1 / order))
    np.testing.assert_allclose(ops.normalize(x, axis, order), x / sizes, rtol=1e-6)
    check_gradients(lambda x: ops.normalize(x, axis, order), [x])


@pytest.mark.parametrize('axes, keepdims', [((0, 1, 2), False), ((0, 2), True), (-1, True), ((0, 1), False),
                                            ((0, 1, 2), True)])
def test_moments(axes, keepdims):
    x = random(3, 4, 5) + 2
    for found, expected in zip(ops.moments(x, axes, keepdims), (x.mean(axes, keepdims=keepdims),
                                                                x.var(axes, keepdims=keepdims))):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    check_gradients(lambda x: ops.moments(x, axes, keepdims)[1], [x])


@pytest.mark.parametrize('axis', [1, -1, 2])
def test_batch_normalization_through_its_moments(axis):
    def batch(x, gamma, beta):
        mean, variance = ops.moments(x, [a for a in range(4) if a != axis % 4])
        return ops.batch_normalization(x, mean, variance, axis, beta, gamma, 1e-3)
    c = (2, 3, 4, 5)[axis]
    check_gradients(batch, [random(2, 3, 4, 5), random(c, seed=1), random(c, seed=2)])


def test_batch_normalization_says_which_vector_is_wrong():
    with pytest.raises(ValueError, match=r'scale.*\(5,\).*\(4,\)'):
        ops.batch_normalization(random(2, 5), np.zeros(5), np.ones(5), -1, scale=np.ones(4))


@pytest.mark.parametrize('axis', [0, 1, -1, (0, 2), (1, 2)])
def test_softmax_axes(axis):
    x = random(3, 4, 5)
    e = np.exp(x)
    expected = e / e.sum(axis, keepdims=True)
    np.testing.assert_allclose(ops.softmax(x, axis), expected, rtol=1e-6)
    np.testing.assert_allclose(ops.log_softmax(x, axis), np.log(expected), rtol=1e-5, atol=1e-6)
    check_gradients(lambda x: ops.softmax(x, axis), [x])
    with pytest.raises(ValueError, match='axis'):
        ops.softmax(x, 3)


def test_attention():
    q, k, v = random(2, 3, 2, 4), random(2, 5, 2, 4, seed=1), random(2, 5, 2, 4, seed=2)
    check_gradients(ops.dot_product_attention, [q, k, v])
    mask = np.arange(5) < 3
    masked = ops.dot_product_attention(q, k, v, mask=mask)
    np.testing.assert_allclose(masked, ops.dot_product_attention(q, k[:, :3], v[:, :3]), rtol=1e-5)
    with pytest.raises(ValueError, match='query'):
        ops.dot_product_attention(q[0], k, v)


@pytest.mark.parametrize('text, shapes', [('bij,bkj->bik', [(2, 3, 4), (2, 5, 4)]), ('ij,j->i', [(2, 3), (3,)]),
                                          ('abc,dce,a->bed', [(2, 3, 4), (5, 4, 6), (2,)]), ('ii->i', [(3, 3)])])
def test_gradients_of_einsum(text, shapes):
    check_gradients(lambda *x: ops.einsum(text, *x), [random(*s, seed=k) for k, s in enumerate(shapes)])


@pytest.mark.parametrize('axes', [1, ((0, 2), (1, 0))])
def test_gradients_of_tensordot(axes):
    b = (4, 6) if axes == 1 else (4, 2, 5)
    check_gradients(lambda a, b: ops.tensordot(a, b, axes), [random(2, 3, 4), random(*b, seed=1)])


def test_embedding():
    table, i = random(7, 3), np.array([[0, 6], [2, 2]], 'int32')
    np.testing.assert_array_equal(ops.embedding(i, table), table[i])
    check_gradients(lambda table: ops.embedding(i, table), [table])


@pytest.mark.parametrize('call, shape', [
    (lambda x: ops.depth_to_space(x, 2), (1, 2, 3, 8)), (lambda x: ops.space_to_depth(x, 2), (1, 4, 2, 3)),
    (lambda x: ops.unfold(x, (2, 3), padding=(1, 0), stride=(2, 1)), (1, 2, 4, 5)),
    (lambda x: ops.fold(x, 4, 2, padding=1, stride=2), (1, 8, 9)),
    (lambda x: ops.adaptive_average_pool(x, (3, 2)), (1, 7, 4, 2)), (lambda x: ops.adaptive_max_pool(x, (3, 2)),
                                                                     (1, 7, 4, 2)),
])
def test_gradients_of_patches(call, shape):
    check_gradients(call, [random(*shape)])


def test_folding_counts_overlaps():
    x = random(2, 3, 5, 6)
    ones = np.ones_like(x)
    back = ops.fold(ops.unfold(x, 3, padding=1), (5, 6), 3, padding=1)
    np.testing.assert_allclose(back / ops.fold(ops.unfold(ones, 3, padding=1), (5, 6), 3, padding=1), x, rtol=1e-6)
    np.testing.assert_array_equal(ops.space_to_depth(ops.depth_to_space(x[..., None].repeat(4, -1)[0], 2), 2),
                                  x[..., None].repeat(4, -1)[0])


@pytest.mark.parametrize('call, word', [
    (lambda: ops.depth_to_space(np.zeros((1, 2, 2, 6)), 2), 'block_size'),
    (lambda: ops.space_to_depth(np.zeros((1, 3, 2, 6)), 2), 'block_size'),
    (lambda: ops.unfold(np.zeros((1, 2, 2, 2)), 3), 'does not fit'),
    (lambda: ops.fold(np.zeros((1, 8, 8)), 4, 2, stride=2), 'expected shape'),
    (lambda: ops.adaptive_max_pool(np.zeros((1, 4)), 2), '3 dimensions'),
])
def test_patches_refuse(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_words_of_older_versions():
    x = random(3, 4)
    y = ops.layer_normalization(x, epsilon=1e-3, rms_scaling=True)
    np.testing.assert_allclose(y, x / np.sqrt(x.var(-1, keepdims=True) + 1e-3))
    assert ops.multi_hot(np.array([1, 3]), num_tokens=4).tolist() == [0, 1, 0, 1]
    assert ops.einsum('ij->ji', x, optimize='greedy').shape == (4, 3) and len(ops.moments(x, 0, synchronized=True)) == 2
    for call in (lambda: ops.einsum('ij->ji', x, order='C'), lambda: ops.multi_hot(np.array([1]), 3, tokens=4)):
        with pytest.raises(TypeError, match='unknown argument'):
            call()
    with pytest.raises(ValueError, match='num_classes'):
        ops.multi_hot(np.array([1]))


def test_relu6_has_no_gradient_at_its_ends():
    """As TensorFlow's: it looks at the result alone."""
    x = np.array([-1, 0, 1e-3, 3, 6 - 1e-3, 6, 7, np.inf, np.nan], 'float32')
    y, grad = Function(lambda x: [ops.relu6(x), *gradients(ops.sum(ops.relu(x, max_value=6)), [x])])(x)
    np.testing.assert_array_equal(y, [0, 0, x[2], 3, x[4], 6, 6, 6, np.nan])
    np.testing.assert_array_equal(grad, [0, 0, 1, 1, 1, 0, 0, 0, 0])
