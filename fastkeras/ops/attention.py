"""Attention: shares of the sources for each step, and the values in these shares."""


import numpy as np

from .core import as_tensor, error
from .elementwise import add, cast, logical_and, multiply, where
from .linalg import matmul
from .logits import softmax
from .move import repeat, transpose

__all__ = ['dot_product_attention']


def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):
    """softmax(scale · q · kᵀ + bias) · v over the steps of each head (Vaswani et al. 2017).

    query (n, steps, heads, dim), key (n, sources, groups, dim), value (n, sources, groups, value dim): groups divides
    heads, and as many heads in a row share one. bias and the boolean mask (False: not attended) broadcast to (n, heads,
    steps, sources). scale: 1 / sqrt(dim) unless given. is_causal: a step attends to no later source. A step that may
    attend to nothing gets the mean of all values. flash_attention: any; no array of the shares is kept in any case.
    attn_logits_soft_cap: None; ValueError otherwise.
    """
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    op = 'dot_product_attention'
    if attn_logits_soft_cap is not None:
        raise error(op, f'attn_logits_soft_cap: expected None, which is all that CPUs have, got {attn_logits_soft_cap!r}; '
                        f'cap the scores by tanh in ops of your own')
    for name, x in (('query', query), ('key', key), ('value', value)):
        if len(x.shape) != 4:
            raise error(op, f'{name}: expected 4 dimensions (n, steps, heads, dim), got shape {tuple(x.shape)}')
    heads, groups = query.shape[2], key.shape[2]
    if None in (heads, groups) or heads % groups or value.shape[2] != groups:
        raise error(op, f'expected as many heads in key as in value, and a multiple of them in query, got shapes '
                        f'{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}')
    if heads != groups:
        key, value = (repeat(x, heads // groups, axis=2) for x in (key, value))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    q, k, v = (transpose(x, (0, 2, 1, 3)) for x in (query, key, value))
    scores = multiply(matmul(q, k, transpose_b=True), scale)
    if bias is not None:
        scores = add(scores, bias)
    steps, sources = scores.shape[-2:]
    if is_causal and None not in (steps, sources):  # unknown sizes: the shape is all that is asked for
        causal = np.tri(steps, sources, dtype=bool)
        mask = causal if mask is None else logical_and(cast(mask, 'bool'), causal)
    if mask is not None:
        scores = where(cast(mask, 'bool'), scores, -1e30)
    return transpose(matmul(softmax(scores), v), (0, 2, 1, 3))
