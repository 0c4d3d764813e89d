"""Shapes with unknown sizes, replay of what was described with them, and what is said of wrong shapes and arguments."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor

X = np.random.default_rng(1).normal(size=(4, 6))


def placeholder(shape=(4, 6), dtype='float32'):
    return Tensor('input', (), {'index': 0}, shape, dtype)


def test_unknown_sizes():
    x = placeholder((None, 6))
    assert (x + np.ones(6)).shape == (None, 6) and (x + placeholder((4, 1))).shape == (4, 6)
    assert (x + placeholder((None, 1))).shape == (None, 6) and ops.sum(x, axis=1).shape == (None,)
    assert ops.mean(x, axis=0).shape == (6,) and ops.mean(x).shape == ()
    assert ops.reshape(x, (-1, 2, 3)).shape == (None, 2, 3) and ops.reshape(x, (2, -1)).shape == (2, None)
    assert ops.reshape(placeholder((None, None, 4)), (None, None, 2, 2)).shape == (None, None, 2, 2)
    assert ops.reshape(placeholder((None, 4, 4)), (None, -1)).shape == (None, 16)
    assert ops.transpose(x).shape == (6, None) and ops.expand_dims(x, 1).shape == (None, 1, 6)
    assert x[:, 0].shape == (None,) and x[0].shape == (6,) and x[-1].shape == (6,) and x[1:].shape == (None, 6)
    assert x[:, 1:3].shape == (None, 2) and x[::-1].shape == (None, 6)
    assert ops.concatenate([x, x], axis=0).shape == (None, 6) and ops.concatenate([x, x], axis=1).shape == (None, 12)
    assert ops.concatenate([x, placeholder((4, 1))], axis=1).shape == (4, 7)
    assert ops.stack([x, x], axis=1).shape == (None, 2, 6) and ops.zeros_like(x).shape == (None, 6)
    assert ops.pad(x, ((1, 1), (2, 0))).shape == (None, 8) and ops.repeat(x, 2, axis=0).shape == (None, 6)
    assert ops.tile(x, (1, 2)).shape == (None, 12) and ops.argmax(x, axis=1).shape == (None,)
    assert ops.broadcast_to(x, ops.shape(x)).shape == (None, 6)
    assert ops.squeeze(placeholder((None, 1, 3))).shape == (None, 3)
    assert ops.take(x, [0, 1], axis=1).shape == (None, 2)
    assert ops.one_hot(placeholder((None,), 'int32'), 5).shape == (None, 5)
    assert ops.flip(x, 1).shape == (None, 6) and ops.roll(x, 1, axis=1).shape == (None, 6)
    assert ops.split(x, 3, axis=1)[0].shape == (None, 2) and ops.var(x, axis=0, keepdims=True).shape == (1, 6)


def replay(node, known):
    """The node made again from other leaves, as a model does once its batch is known."""
    if id(node) not in known:
        inputs = [replay(i, known) for i in node.inputs]
        known[id(node)] = core.apply(node.op, inputs, **node.attrs) if node.op != 'const' else node
    return known[id(node)]


def test_what_was_described_with_an_unknown_batch_can_be_replayed():
    x = placeholder((None, 6))
    y = ops.concatenate([x[:, 1:], ops.repeat(x, 2, axis=1), ops.expand_dims(ops.mean(x, axis=1), 1)], axis=1)
    y = ops.reshape(y - ops.mean(y, axis=0, keepdims=True), (-1, 2, 9)) * ops.ones_like(x)[:, :1, None]
    y = ops.squeeze(ops.sum(y, axis=1, keepdims=True), 1) + ops.flip(x, 1)[:, :1]
    y = y + ops.logsumexp(x, axis=1, keepdims=True)
    assert y.shape == (None, 9)

    def f(a):
        b = np.concatenate([a[:, 1:], np.repeat(a, 2, axis=1), a.mean(axis=1, keepdims=True)], axis=1)
        b = (b - b.mean(axis=0)).reshape(-1, 2, 9).sum(axis=1)
        return b + a[:, -1:] + np.log(np.exp(a).sum(axis=1, keepdims=True))

    concrete = placeholder((4, 6), 'float64')
    made = replay(y, {id(x): concrete})
    assert made.shape == (4, 9)
    np.testing.assert_allclose(evaluate([made], {concrete: X})[0], f(X), rtol=1e-6)


ERRORS = [
    (lambda x: x + np.ones(4), r'\[add\].*\(3, 6\) and \(4,\)'),
    (lambda x: ops.reshape(x, (4, 4)), r'\[reshape\].*18 elements'),
    (lambda x: ops.reshape(x, (-1, 4)), r'\[reshape\].*multiple of 4'),
    (lambda x: ops.reshape(x, (-1, -1)), 'at most one -1'),
    (lambda x: ops.transpose(x, (0, 0)), r'\[transpose\] ?:? axes'),
    (lambda x: ops.sum(x, axis=2), r'axis: expected a value in'),
    (lambda x: ops.sum(x, axis=(0, 0)), 'named twice'),
    (lambda x: ops.max(x[:0]), r'\[max\].*at least one element'),
    (lambda x: ops.concatenate([x, np.ones((2, 5))], axis=0), r'\[concatenate\].*\(3, 6\), \(2, 5\)'),
    (lambda x: ops.concatenate([]), 'at least one'),
    (lambda x: ops.stack([x, np.ones((3, 7))]), r'\[concatenate\]|\[stack\]'),
    (lambda x: ops.split(x, 4, axis=1), 'equal parts'),
    (lambda x: ops.squeeze(x, 0), r'\[squeeze\].*size 1'),
    (lambda x: ops.broadcast_to(x, (3, 5)), r'\[broadcast_to\]'),
    (lambda x: ops.pad(x, ((1, 1),) * 3), 'pad_width'),
    (lambda x: ops.pad(x, 1, mode='wrap'), 'mode: expected'),
    (lambda x: ops.pad(x, 9, mode='reflect'), 'cannot be mirrored'),
    (lambda x: ops.pick(x, np.zeros(4, np.int32)), r'\[pick\].*\(3,\)'),
    (lambda x: ops.matmul(x, np.ones((5, 2))), r'\[matmul\]'),
    (lambda x: ops.where(x > 0, x), 'both x1 and x2'),
    (lambda x: ops.where(x > 0), 'number depends'),
    (lambda x: ops.nonzero(x), 'arrays only'),
    (lambda x: ops.slice(x, (2, 0), (2, 2)), r'\[slice\]'),
    (lambda x: ops.slice_update(x, (2, 0), np.ones((2, 2))), 'slice_update'),
    (lambda x: ops.arange(x), r'\[arange\]'),
    (lambda x: ops.expand_dims(x, 5), 'axis'),
    (lambda x: ops.top_k(x, 7), r'\[top_k\]'),
    (lambda x: ops.zeros((None, 3)), 'known sizes'),
    (lambda x: core.apply('nothing', (x,)), "unknown op 'nothing'"),
]


@pytest.mark.parametrize('use, message', ERRORS, ids=[str(k) for k in range(len(ERRORS))])
def test_wrong_shapes_and_arguments(use, message):
    with pytest.raises(ValueError, match=message):
        use(placeholder((3, 6)))


def test_errors_name_the_layer():
    with core.named('dense_3'), pytest.raises(ValueError, match=r"\[add\] in layer 'dense_3': the shapes"):
        placeholder((3, 6)) + np.ones(4)


@pytest.mark.parametrize('use', [
    lambda x, i: ops.gather(x, i), lambda x, i: ops.pick(x, i), lambda x, i: ops.take(x, i, 0),
    lambda x, i: ops.take_along_axis(x, i[:, None], 1), lambda x, i: ops.scatter_add(i, x, 4)])
@pytest.mark.parametrize('wrong', [7, -9])
def test_indices_out_of_range_at_once(use, wrong):
    x = np.ones((3, 6), np.float32)
    with pytest.raises(ValueError, match='index'):
        use(x, np.array([0, wrong, 1], np.int32))
    with pytest.raises(ValueError, match='index'):
        use(x.astype(np.float64), np.array([0, wrong, 1], np.int32))
