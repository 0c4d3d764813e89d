"""Attention and EinsumDense."""

import numpy as np

_CAUSAL = np.tri(4, dtype=bool)[None]
_SOME = np.array([[[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0]]], bool)     # the last step may attend to nothing
_STEPS = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], bool)
_SOURCES = np.array([[1, 0, 1], [0, 0, 0]], bool)
_BOTH = [_STEPS, _SOURCES]
_APART = {'spread': True}
_TWO = [(2, 4, 6), (2, 3, 6)]
_THREE = [(2, 4, 6), (2, 3, 6), (2, 3, 6)]


def _apart(**call):
    return {'spread': True, 'call': call}


KERAS3 = [
    ('Attention', {}, [(2, 4, 3), (2, 5, 3)]),
    ('Attention', {'use_scale': True}, [(2, 4, 3), (2, 5, 2), (2, 5, 3)]),
    ('Attention', {'score_mode': 'concat'}, [(2, 4, 3), (2, 3, 3)], {'call': {'return_attention_scores': True}}),
    ('Attention', {'score_mode': 'concat', 'use_scale': True}, [(2, 4, 3), (2, 3, 3)]),
    ('Attention', {}, [(2, 4, 3), (2, 4, 3)], {'call': {'use_causal_mask': True}}),
    ('Attention', {}, _TWO, {'call': {'mask': _BOTH, 'return_attention_scores': True}}),
    ('Attention', {}, _TWO, {'call': {'mask': _BOTH, 'use_causal_mask': True}}),
    ('AdditiveAttention', {}, _TWO),
    ('AdditiveAttention', {'use_scale': False}, _TWO, {'call': {'mask': _BOTH, 'return_attention_scores': True}}),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 3}, _TWO, _APART),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 3, 'value_dim': 2, 'output_shape': 5}, _THREE, _APART),
    ('MultiHeadAttention', {'num_heads': 1, 'key_dim': 4, 'use_bias': False, 'output_shape': (2, 3)}, _TWO, _APART),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 3}, [(2, 4, 6), (2, 4, 6)], _apart(use_causal_mask=True)),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 3}, _TWO, _apart(attention_mask=_SOME)),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 3}, _TWO,
     _apart(attention_mask=_SOME, return_attention_scores=True)),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 3}, _TWO, _apart(value_mask=_SOURCES)),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 2, 'sliding_window': 2}, [(2, 4, 6), (2, 4, 6)],
     _apart(use_causal_mask=True, return_attention_scores=True)),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 2, 'use_gate': True}, _TWO, _APART),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 2, 'dropout': 0.5}, _TWO, _apart(attention_mask=_SOME)),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 2}, [(2, 3, 2, 4), (2, 3, 2, 4)], _APART),
    ('MultiHeadAttention', {'num_heads': 2, 'key_dim': 2, 'attention_axes': (1,)}, [(2, 3, 2, 4), (2, 4, 2, 4)],
     _apart(return_attention_scores=True)),
    ('GroupQueryAttention', {'head_dim': 3, 'num_query_heads': 4, 'num_key_value_heads': 2}, _TWO, _APART),
    ('GroupQueryAttention', {'head_dim': 3, 'num_query_heads': 2, 'num_key_value_heads': 1, 'use_gate': True},
     [(2, 4, 6), (2, 4, 6)], _apart(use_causal_mask=True)),
    ('GroupQueryAttention', {'head_dim': 2, 'num_query_heads': 2, 'num_key_value_heads': 2, 'use_bias': False}, _THREE,
     _apart(attention_mask=_SOME)),
    ('GroupQueryAttention', {'head_dim': 2, 'num_query_heads': 2, 'num_key_value_heads': 1, 'sliding_window': 2},
     [(2, 4, 6), (2, 4, 6)], _APART),
    ('EinsumDense', {'equation': 'abc,cd->abd', 'output_shape': (None, 2), 'bias_axes': 'd', 'activation': 'tanh'},
     (2, 3, 4)),
    ('EinsumDense', {'equation': 'abc,cde->abde', 'output_shape': (None, 2, 3), 'bias_axes': 'e'}, (2, 3, 4)),
    ('EinsumDense', {'equation': '...x,xy->...y', 'output_shape': 2, 'bias_axes': 'y'}, (2, 3, 4)),
    ('EinsumDense', {'equation': 'ab...,bc->ac...', 'output_shape': 2, 'bias_axes': 'c'}, (2, 3, 2, 5)),
    ('EinsumDense', {'equation': 'abde,deyz->abyz', 'output_shape': (None, 2, 2)}, (2, 3, 2, 2)),
    ('EinsumDense', {'equation': 'abc,bcd->abd', 'output_shape': (3, 2), 'bias_axes': 'bd'}, (2, 3, 4)),
    ('ReversibleEmbedding', {'input_dim': 5, 'output_dim': 3}, (2, 4), {'integers': 5}),
    ('ReversibleEmbedding', {'input_dim': 5, 'output_dim': 3}, (2, 4, 3), {'call': {'reverse': True}}),
    ('ReversibleEmbedding', {'input_dim': 5, 'output_dim': 3, 'tie_weights': False, 'logit_soft_cap': 2.0}, (2, 4, 3),
     {'call': {'reverse': True}}),
]
