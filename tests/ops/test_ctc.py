"""CTC: the loss against a sum over all alignments, its gradient, decoding. Numbers of Keras are in test_oracle.py."""

import itertools

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function

from .test_nn import check_gradients

RNG = np.random.default_rng(0)


def spoken(path, blank):
    """What an alignment says: repeated classes as one, no blanks."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def by_all_alignments(target, logits, blank):
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return -np.log(sum(np.prod([p[t, c] for t, c in enumerate(path)])
                       for path in itertools.product(range(p.shape[1]), repeat=len(p)) if spoken(path, blank) == list(target)))


@pytest.mark.parametrize('blank', [0, 2, -1])
def test_the_sum_over_all_alignments(blank):
    logits = RNG.standard_normal((4, 5, 3)).astype('float32') * 2
    others = [c for c in range(3) if c != blank % 3]
    target = np.array([[others[0], others[1]], [others[1], others[1]], [others[0], -1], [-1, -1]], 'int32')
    lengths, ends = np.array([2, 2, 1, 0], 'int32'), np.array([5, 4, 1, 3], 'int32')
    want = [by_all_alignments(t[:n], x[:e].astype(float), blank % 3) for t, x, n, e in zip(target, logits, lengths, ends)]
    np.testing.assert_allclose(ops.ctc_loss(target, logits, lengths, ends, blank), want, rtol=1e-5)


def test_gradient():
    target, lengths, ends = np.array([[1, 1], [2, 3]], 'int32'), np.array([2, 1], 'int32'), np.array([6, 4], 'int32')
    check_gradients(lambda x: ops.ctc_loss(target, x, lengths, ends), [RNG.standard_normal((2, 6, 4))])


def test_a_gradient_in_float32_is_finite_and_leaves_padding_alone():
    target = np.array([[1, 2, 1], [1, 1, 1]], 'int32')

    def step(x):        # the second target needs 5 steps, and has 4
        loss = ops.ctc_loss(target, x, np.array([3, 3], 'int32'), np.array([6, 4], 'int32'))
        return loss, gradients(ops.sum(loss), [x])[0]
    loss, gradient = Function(step)(RNG.standard_normal((2, 8, 3)).astype('float32'))
    assert np.isfinite(gradient).all() and (gradient[0, 6:] == 0).all() and loss[0] < 100 and loss[1] > 1e20


def test_greedy():
    best = np.array([[1, 1, 0, 1, 2, 2, 0, 3], [0, 0, 3, 3, 3, 0, 1, 1]])
    logits = np.eye(4, dtype='float32')[best] * 5
    paths, scores = ops.ctc_decode(logits, np.array([8, 5], 'int32'))
    assert paths.tolist() == [[[1, 1, 2, 3, -1, -1, -1, -1], [3, -1, -1, -1, -1, -1, -1, -1]]]
    assert scores.tolist() == [[-40.0], [-25.0]] and paths.dtype == np.int32
    paths, _ = ops.ctc_decode(logits, np.array([8, 5], 'int32'), merge_repeated=False)
    assert paths[0, 0].tolist() == [1, 1, 1, 2, 2, 3, -1, -1]


def test_a_wide_beam_finds_the_most_likely_sequences():
    logits = RNG.standard_normal((1, 4, 3)).astype('float32')
    paths, scores = ops.ctc_decode(logits, np.array([4], 'int32'), strategy='beam_search', top_paths=3, beam_width=50)
    every = {tuple(spoken(p, 0)) for p in itertools.product(range(3), repeat=4)}
    ranked = sorted((by_all_alignments(s, logits[0].astype(float), 0), s) for s in every)[:3]
    assert [tuple(c for c in p[0] if c >= 0) for p in paths.tolist()] == [s for _, s in ranked]
    np.testing.assert_allclose(scores[0], [-cost for cost, _ in ranked], rtol=1e-5)


@pytest.mark.parametrize('call, said', [
    (lambda x, n: ops.ctc_loss(x, x, n, n), 'target'), (lambda x, n: ops.ctc_loss(n[:, None], x, n * 1.0, n), 'target_length'),
    (lambda x, n: ops.ctc_decode(x, n, strategy='best'), "'greedy' or 'beam_search'"),
    (lambda x, n: ops.ctc_decode(x[0], n), 'logits'),
    (lambda x, n: ops.ctc_decode(x, n, strategy='beam_search', top_paths=3, beam_width=2), 'top_paths'),
])
def test_mistakes(call, said):
    with pytest.raises(ValueError, match=said):
        call(np.zeros((2, 4, 3), 'float32'), np.array([3, 3], 'int32'))
