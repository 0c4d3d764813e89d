"""Attention, AdditiveAttention and the layers of several heads."""

import numpy as np
import pytest

from fastkeras import layers, ops
from fastkeras.models import Model
from tests.layer_harness import data_of, run_layer_test


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---- one head

def dot_attention(x, *scale):
    q, v, k = x if len(x) == 3 else (*x, x[1])
    return softmax((q @ k.swapaxes(1, 2)) * (scale[0] if scale else 1)) @ v


@pytest.mark.parametrize('kwargs, shapes', [({}, [(2, 4, 3), (2, 5, 3)]), ({'use_scale': True}, [(3, 2, 4)] * 2),
                                            ({}, [(2, 4, 3), (2, 5, 7), (2, 5, 3)])])
def test_attention(kwargs, shapes):
    run_layer_test(layers.Attention, kwargs, shapes, expected=dot_attention, expected_mask=None)


def test_attention_by_sums():
    def concat(x, scale, weight):
        q, v = x
        return softmax(weight * np.tanh(scale * (q[:, :, None] + v[:, None])).sum(-1)) @ v

    def additive(x, scale):
        q, v = x
        return softmax((scale * np.tanh(q[:, :, None] + v[:, None])).sum(-1)) @ v
    shapes = [(2, 4, 3), (2, 5, 3)]
    run_layer_test(layers.Attention, {'score_mode': 'concat', 'use_scale': True}, shapes, expected=concat)
    run_layer_test(layers.AdditiveAttention, {}, shapes, expected=additive)


def test_masks_of_the_inputs():
    x, y = layers.Input((4, 3)), layers.Input((4, 3))
    masked = [layers.Masking()(x), layers.Masking()(y)]
    out = layers.Attention()(masked)
    q, v = data_of([(2, 4, 3), (2, 4, 3)])
    q[0, 2:], v[1, 1:] = 0, 0
    result = Model([x, y], out).predict([q, v])
    np.testing.assert_array_equal(result[0, 2:], 0)
    np.testing.assert_allclose(result[1], np.repeat(v[1, :1], 4, 0), rtol=1e-6)
    np.testing.assert_allclose(result[0, :2], dot_attention([q, v])[0, :2], rtol=1e-4)
    assert out._keras_mask is not None


def test_shares_and_causality():
    q, v = data_of([(2, 4, 3), (2, 4, 3)])
    y, shares = layers.Attention()([q, v], return_attention_scores=True, use_causal_mask=True)
    np.testing.assert_array_equal(np.triu(shares, 1), 0)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(y, shares @ v, rtol=1e-5)
    np.testing.assert_allclose(layers.Attention()([q, v], use_causal_mask=True), y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('made', [lambda: layers.Attention(dropout=0.5, seed=3),
                                  lambda: layers.MultiHeadAttention(2, 4, dropout=0.5, seed=3)])
def test_dropout(made):
    x = data_of((2, 6, 4))

    def call(layer, training):
        np.random.seed(0)
        given = ([x, x],) if isinstance(layer, layers.Attention) else (x, x)
        layer(*given)
        layer.set_weights([np.ones_like(w) / 4 for w in layer.get_weights()])
        return layer(*given, training=training)
    first, again = made(), made()
    dropped = call(first, True)
    np.testing.assert_array_equal(dropped, call(again, True))
    assert not np.allclose(dropped, call(made(), False))


@pytest.mark.parametrize('call, said', [
    (lambda: layers.Attention(score_mode='sum'), "score_mode.*'dot', 'concat'.*'sum'"),
    (lambda: layers.Attention()(np.ones((2, 3, 4))), r'expected a list of inputs, \[query, value\]'),
    (lambda: layers.Attention()([np.ones((2, 3, 4))] * 2, mask=np.ones((2, 3), bool)), 'expected mask to be a list'),
    (lambda: layers.MultiHeadAttention(0, 2), 'num_heads.*at least 1, got 0'),
    (lambda: layers.MultiHeadAttention(2, 2, dropout=0.1, flash_attention=True), 'flash_attention=True'),
    (lambda: layers.MultiHeadAttention(2, 2, flash_attention=True)(
        *[np.ones((1, 2, 3))] * 2, return_attention_scores=True), 'flash_attention=True keeps no shares'),
    (lambda: layers.MultiHeadAttention(2, 2)(np.ones((1, 2, 3)), np.ones((1, 2, 3)), np.ones((1, 3, 3))),
     'expected value and key of the same sizes'),
    (lambda: layers.MultiHeadAttention(2, 2)(np.ones((1, 3)), np.ones((1, 3))), 'at least 3'),
    (lambda: layers.MultiHeadAttention(2, 2, attention_axes=2)(*[np.ones((1, 2, 3))] * 2), 'attention_axes'),
    (lambda: layers.GroupQueryAttention(2, 4, 3), 'num_key_value_heads to divide num_query_heads'),
    (lambda: layers.GroupQueryAttention(2, 4, 2)(*[np.ones((1, 2))] * 2), '3 dimensions'),
    (lambda: ops.dot_product_attention(*[np.ones((1, 2, 3, 4), 'float32')] * 3, attn_logits_soft_cap=1.0), 'soft_cap'),
    (lambda: ops.dot_product_attention(np.ones((1, 2, 3, 4)), *[np.ones((1, 2, 2, 4))] * 2), 'multiple of them in query'),
])
def test_mistakes(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# ---- several heads

class SelfAttention(layers.MultiHeadAttention):
    """On one input, or [query, value], as the harness calls layers."""

    causal = False

    def build(self, input_shape):
        query, value = input_shape if isinstance(input_shape, list) else [input_shape] * 2
        super().build(query, value)

    def call(self, inputs, training=None):
        query, value = inputs if isinstance(inputs, (list, tuple)) else [inputs] * 2
        return super().call(query, value, training=training, use_causal_mask=self.causal)

    def compute_mask(self, inputs, mask=None):
        return mask[0] if isinstance(mask, list) else mask

    def compute_output_shape(self, input_shape):
        return super().compute_output_shape(input_shape[0] if isinstance(input_shape, list) else input_shape)


class CausalSelfAttention(SelfAttention):
    causal = True


class GroupedSelfAttention(layers.GroupQueryAttention):
    def build(self, input_shape):
        super().build(input_shape, input_shape)

    def call(self, inputs):
        return super().call(inputs, inputs)


def heads(causal=False):
    def expected(x, wq, bq, wk, bk, wv, bv, wo, bo):
        query, value = x if isinstance(x, list) else [x] * 2
        q = np.einsum('btc,chd->bhtd', query, wq) + bq[:, None]
        k = np.einsum('btc,chd->bhtd', value, wk) + bk[:, None]
        v = np.einsum('btc,chd->bhtd', value, wv) + bv[:, None]
        k, v = (np.repeat(a, q.shape[1] // a.shape[1], 1) for a in (k, v))
        scores = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1])
        if causal:
            scores = np.where(np.tri(*scores.shape[2:], dtype=bool), scores, -np.inf)
        return np.einsum('bhtd,hdc->btc', softmax(scores) @ v, wo) + bo
    return expected


@pytest.mark.parametrize('kwargs, shape', [
    ({'num_heads': 2, 'key_dim': 4}, (2, 5, 6)), ({'num_heads': 3, 'key_dim': 2, 'value_dim': 5}, (1, 17, 3)),
    ({'num_heads': 1, 'key_dim': 3, 'output_shape': 7}, [(2, 3, 4), (2, 6, 4)]),
])
def test_multi_head_attention(kwargs, shape):
    kwargs = {**kwargs, 'bias_initializer': 'uniform'}
    run_layer_test(SelfAttention, kwargs, shape, expected=heads(), expected_mask=True if isinstance(shape, tuple) else None)


def test_causal_self_attention():
    run_layer_test(CausalSelfAttention, {'num_heads': 2, 'key_dim': 4}, (2, 5, 6), expected=heads(causal=True))


def test_grouped_query_attention():
    kwargs = {'head_dim': 3, 'num_query_heads': 4, 'num_key_value_heads': 2, 'bias_initializer': 'uniform'}
    run_layer_test(GroupedSelfAttention, kwargs, (2, 5, 6), expected=heads(), expected_mask=True)


def test_masks_of_query_and_value_meet():
    """As an argument, or as the inputs'; a subclass's own _compute_attention gets all of them in one."""
    x = data_of((2, 4, 6))
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], bool)

    class Own(layers.MultiHeadAttention):
        def _compute_attention(self, query, key, value, attention_mask=None, *rest):
            seen.append(None if attention_mask is None else tuple(attention_mask.shape))
            return super()._compute_attention(query, key, value, attention_mask, *rest)
    seen = []
    layer = layers.MultiHeadAttention(2, 3)
    y = layer(x, x, value_mask=mask)
    own = Own(2, 3)
    own(x, x)
    own.set_weights(layer.get_weights())
    np.testing.assert_array_equal(own(x, x, value_mask=mask), y)
    np.testing.assert_allclose(own(x, x, use_causal_mask=True), layer(x, x, use_causal_mask=True), rtol=1e-5, atol=1e-6)
    assert seen[-2:] == [(2, 1, 4), (1, 4, 4)]
    given = layers.Input((4, 6))
    masked = layers.Masking(-9.0)(given)
    described = layer(masked, masked)
    behind = Model(given, described).predict(np.where(mask[..., None], x, -9).astype('float32'))
    np.testing.assert_allclose(behind[mask], layer(x, x, value_mask=mask)[mask], rtol=1e-4, atol=1e-6)
    assert described._keras_mask is not None


def test_unknown_number_of_steps():
    given = layers.Input((None, 6))
    y, shares = layers.MultiHeadAttention(2, 3, sliding_window=2)(given, given, use_causal_mask=True,
                                                                  return_attention_scores=True)
    assert y.shape == (None, None, 6) and shares.shape == (None, 2, None, None)
    model = Model(given, y)
    for steps in 3, 8:
        assert model.predict(data_of((2, steps, 6))).shape == (2, steps, 6)


def test_learns_to_copy_a_step():
    """Attention finds the marked step."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 8, 9)).astype('float32')
    mark = rng.integers(0, 8, 256)
    x[..., 8] = 0
    x[np.arange(256), mark, 8] = 4
    y = x[np.arange(256), mark, :2]
    given = layers.Input((8, 9))
    attended = layers.MultiHeadAttention(2, 8)(given, given)
    model = Model(given, layers.Dense(2)(layers.GlobalAveragePooling1D()(attended)))
    model.compile('adam', 'mse')
    model.optimizer.learning_rate = 0.01
    model.fit(x, y, epochs=60, batch_size=32, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.1
