"""Attention of one head over steps: dot products (Luong et al. 2015) and sums (Bahdanau et al. 2014)."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.runtime import SeedGenerator

from .base import Layer
from .checks import check_mask, number, one_of
from .input_spec import title

__all__ = ['AdditiveAttention', 'Attention']


class Attention(Layer):
    """softmax(scores of query and key) · value.

    Inputs [query, value] or [query, value, key]: (batch, steps, dim), (batch, sources, value dim), (batch, sources, dim);
    the key is the value unless given. The result is (batch, steps, value dim).

    use_scale: a trained number multiplies the scores. score_mode: 'dot', or 'concat': a trained number times the sum of
    tanh(query + key), the scale then inside. dropout: of the shares, in training; seed: of it.
    call: mask [of query, of value] of (batch, steps) and (batch, sources), by default those of the inputs: masked
    sources take no part, masked steps come out as 0. return_attention_scores: the shares (batch, steps, sources) come out
    as well. use_causal_mask: a step attends to no later source. The steps' mask is passed on.
    """

    def __init__(self, use_scale: bool = False, score_mode: str = 'dot', dropout: float = 0.0, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = one_of(self, 'score_mode', score_mode, ('dot', 'concat'))
        self.dropout = number(self, 'dropout', dropout, 0, 1)
        self.seed = seed
        if self.dropout:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = self.add_weight('scale', (), initializer='ones') if self.use_scale else None
        concat = self.score_mode == 'concat'
        self.concat_score_weight = self.add_weight('concat_score_weight', (), initializer='ones') if concat else None
        self.built = True

    def _check(self, inputs, mask=None):
        shapes = [getattr(x, 'shape', x) for x in inputs] if isinstance(inputs, (list, tuple)) else []
        if len(shapes) not in (2, 3) or not all(isinstance(s, (list, tuple)) for s in shapes):
            raise ValueError(f'{title(self)}: expected a list of inputs, [query, value] or [query, value, key], got '
                             f'{inputs!r:.200}')
        query, value, key = *shapes[:2], shapes[-1]
        if min(map(len, shapes)) < 3 or None not in (query[-1], key[-1]) and query[-1] != key[-1] or (
                None not in (value[-2], key[-2]) and value[-2] != key[-2]):
            raise ValueError(f'{title(self)}: expected query (batch, steps, dim), value (batch, sources, any) and key (batch, '
                             f'sources, dim), the value where there is none, got shapes '
                             f'{", ".join(str(tuple(s)) for s in shapes)}')
        if mask is not None and (not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3)):
            raise ValueError(f'{title(self)}: expected mask to be a list, [mask of query, mask of value], got {mask!r:.200}')

    def _scores(self, query, key):
        if self.score_mode == 'dot':
            scores = ops.matmul(query, key, transpose_b=True)
            return scores if self.scale is None else scores * self.scale
        total = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        total = ops.tanh(total if self.scale is None else total * self.scale)
        return ops.sum(total, axis=-1) * self.concat_score_weight

    def call(self, inputs: Any, mask: Any = None, training: Any = False, return_attention_scores: bool = False,
             use_causal_mask: bool = False) -> Any:
        self._check(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        of_query, of_value = (None, None) if mask is None else (None if m is None else ops.cast(m, 'bool')
                                                                for m in mask[:2])
        dropped = training and self.dropout > 0
        for m, x, name in ((of_query, query, 'query'), (of_value, value, 'value')):
            if m is not None:
                check_mask(self, m, x, x.shape[:-1], name)
        if self.score_mode == 'dot' and not dropped and not return_attention_scores and len(query.shape) == 3:
            y, shares = self._fused(query, key, value, of_value, use_causal_mask), None
        else:
            scores = self._scores(query, key)
            allowed = None if of_value is None else ops.expand_dims(of_value, -2)
            if use_causal_mask and None not in scores.shape[-2:]:
                causal = ops.tri(*scores.shape[-2:], dtype='bool')
                allowed = causal if allowed is None else ops.logical_and(allowed, causal)
            if allowed is not None:
                scores = ops.where(allowed, scores, scores - 1e9)
            shares = ops.softmax(scores)
            if dropped:
                shares = ops.dropout(shares, self.dropout, seed=self.seed_generator.next())
            y = ops.matmul(shares, value)
        if of_query is not None:
            y = ops.where(ops.expand_dims(of_query, -1), y, 0.0)
        return (y, shares) if return_attention_scores else y

    def _fused(self, query, key, value, of_value, causal):
        """The result alone, by the op that keeps no array of the shares."""
        if self.scale is not None:
            query = query * self.scale
        q, k, v = (ops.expand_dims(x, 2) for x in (query, key, value))
        allowed = None if of_value is None else ops.expand_dims(of_value, (1, 2))
        y = ops.dot_product_attention(q, k, v, mask=allowed, scale=1.0, is_causal=causal)
        return ops.squeeze(y, 2)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('use_scale', 'score_mode', 'dropout', 'seed')


class AdditiveAttention(Attention):
    """softmax(sum over the features of scale · tanh(query + key)) · value.

    Inputs, masks and results as those of Attention; query and key have one dim. use_scale: `scale` is a trained vector of
    that dim, else 1. dropout: of the shares, in training.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)
        self.score_mode = 'additive'

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight('scale', (input_shape[0][-1],), initializer='glorot_uniform')
        self.built = True

    def _scores(self, query, key):
        total = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(total if self.scale is None else total * self.scale, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('use_scale', 'dropout', 'seed')
