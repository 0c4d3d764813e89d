"""Attention: shares of the sources for each step, and the values in these shares, without an array of the shares."""

import numpy as np

from .core import Sample, apply, as_tensor, error, pullback, register
from .elementwise import add, cast, less_equal, multiply, where
from .linalg import matmul
from .logits import softmax
from .lowering import strides
from .move import repeat, reshape, transpose

__all__ = ['dot_product_attention']

MASKED = -1e30      # the score of a source that a step may not attend to: where it may attend to none, all count alike
LARGEST = 1024      # of a head, which the kernel has room for


def _in_ops(query, key, value, bias, scale, causal):
    """The same by products of matrices, with an array of the shares."""
    groups = query.shape[2] // key.shape[2]
    if groups > 1:
        key, value = (repeat(x, groups, axis=2) for x in (key, value))
    q, k, v = (transpose(x, (0, 2, 1, 3)) for x in (query, key, value))
    scores = multiply(matmul(q, k, transpose_b=True), scale)
    if bias is not None:
        # no sum where it is masked: the shares of a step that may attend to nothing do not depend on its scores
        scores = where(less_equal(bias, MASKED), MASKED, add(scores, bias))
    if causal:
        scores = where(np.tri(*scores.shape[-2:], dtype=bool), scores, MASKED)
    return transpose(matmul(softmax(scores), v), (0, 2, 1, 3))


def _apart(*tensors):
    """The tensors as nodes of their own, so that a gradient with respect to one stops there."""
    return [reshape(x, tuple(x.shape)) if x.shape else x for x in tensors]


# ---- the records
def _heads(x):
    """(n, heads, steps, size) of x[n, steps, heads, size]."""
    return x.transpose(0, 2, 1, 3)


def _scores(q, k, bias, scale, causal):
    k = np.repeat(k, q.shape[2] // k.shape[2], axis=2)
    scores = _heads(q) @ _heads(k).swapaxes(2, 3) * q.dtype.type(scale)
    if bias:
        scores = scores + bias[0]
    return np.where(np.tri(*scores.shape[2:], dtype=bool), scores, MASKED) if causal else scores


def _ref(q, k, v, *bias, scale, causal):
    scores = _scores(q, k, bias, scale, causal)
    top = np.max(scores, axis=-1, keepdims=True, initial=-np.finfo(np.float32).max)
    shares = np.exp(scores - top)
    over = 1 / np.sum(shares, axis=-1, keepdims=True)
    v = np.repeat(v, q.shape[2] // v.shape[2], axis=2)
    y = (shares * over) @ _heads(v)
    return np.ascontiguousarray(_heads(y)), np.concatenate([top, over], axis=-1).astype(q.dtype)


def _dx_ref(q, k, v, y, stats, dy, *bias, scale, causal):
    groups, each = k.shape[2], q.shape[2] // k.shape[2]
    shares = np.exp(_scores(q, k, bias, scale, causal) - stats[..., :1]) * stats[..., 1:]
    of_shares = _heads(dy) @ _heads(np.repeat(v, each, axis=2)).swapaxes(2, 3)
    slope = shares * (of_shares - np.sum(_heads(dy) * _heads(y), axis=-1, keepdims=True)) * q.dtype.type(scale)
    slope = np.where(stats[..., :1] == MASKED, 0, slope)
    if causal:
        slope = np.where(np.tri(*slope.shape[2:], dtype=bool), slope, 0)

    def grouped(x):
        return _heads(x.reshape(len(x), groups, each, *x.shape[2:]).sum(axis=2))
    return (_heads(slope @ _heads(np.repeat(k, each, axis=2))), grouped(slope.swapaxes(2, 3) @ _heads(q)),
            grouped(shares.swapaxes(2, 3) @ _heads(dy)))


def _attrs(q, k, v, bias, scale, causal):
    """What both kernels want to know."""
    by = ()
    if bias is not None:
        shape = (1,) * (4 - len(bias.shape)) + tuple(bias.shape)
        by = (*(0 if d == 1 else step for d, step in zip(shape, strides(shape))), 1)
    return {'n': q.shape[0], 'steps': q.shape[1], 'sources': k.shape[1], 'heads': q.shape[2], 'groups': k.shape[2],
            'dim': q.shape[3], 'width': v.shape[3], 'scale': scale, 'causal': int(causal), 'bias': by}


def _lower(ctx, node, ins):
    q, k, v, *rest = ins
    bias = rest[0] if rest else None
    y, stats = ctx.temp((*q.shape[:3], v.shape[3])), ctx.temp((q.shape[0], q.shape[2], q.shape[1], 2))
    ctx.step('attention', [q, k, v, q if bias is None else bias, y, stats], **_attrs(q, k, v, bias, **node.attrs))
    return [y, stats]


def _dx_lower(ctx, node, ins):
    q, k, v, y, stats, dy, *rest = ins
    bias = rest[0] if rest else None
    made = ctx.temp((q.size + k.size + v.size,))
    ctx.step('attention_dx', [q, k, v, q if bias is None else bias, y, stats, dy, made],
             **_attrs(q, k, v, bias, **node.attrs))
    return [made.view(q.shape), made.view(k.shape, q.size), made.view(v.shape, q.size + k.size)]


def _supports(node):
    """The kernels take float32, and at most four axes of bias."""
    return node.dtype == 'float32' and all(i.dtype == 'float32' for i in node.inputs)


def _vjp(node, cts):
    if 1 in cts:
        raise ValueError('attention: the largest score and the sum of the shares have no gradient')
    q, k, v, *bias = node.inputs
    # the node's own results: equal nodes become one
    y, stats = apply('attention', node.inputs, **node.attrs)
    grads = list(apply('attention_dx', [q, k, v, y, stats, cts[0], *bias], **node.attrs))
    if bias:
        apart, = _apart(bias[0])
        grads += pullback([_in_ops(q, k, v, apart, **node.attrs)], [cts[0]], [apart])
    return grads


def _dx_vjp(node, cts):
    """By the gradient of the gradient in ops."""
    q, k, v, _, _, dy, *bias = node.inputs
    wrt = _apart(q, k, v, dy, *bias)
    y = _in_ops(*wrt[:3], wrt[4] if bias else None, **node.attrs)
    first = pullback([y], [wrt[3]], wrt[:3])
    chosen = sorted(cts)
    dq, dk, dv, ddy, *rest = pullback([first[i] for i in chosen], [cts[i] for i in chosen], wrt)
    return [dq, dk, dv, None, None, ddy, *rest]


def _cases(gradient):
    def made():
        rng = np.random.default_rng(9)

        def case(n, steps, sources, heads, groups, dim, width, causal=False, bias=None):
            def normal(*shape):
                return rng.standard_normal(shape).astype('float32')
            arrays = [normal(n, steps, heads, dim), normal(n, sources, groups, dim), normal(n, sources, groups, width)]
            attrs = {'scale': dim ** -0.5, 'causal': causal}
            rest = [] if bias is None else [normal(*bias)]
            if gradient:
                y, stats = _ref(*arrays, *rest, **attrs)
                arrays += [y, stats.astype('float32'), normal(*y.shape)]
            return Sample([*arrays, *rest], attrs, rtol=1e-4, atol=2e-5, grad=False)
        return [case(2, 3, 5, 2, 2, 4, 4), case(1, 1, 1, 1, 1, 1, 1), case(2, 17, 17, 4, 2, 7, 5, causal=True),
                case(2, 9, 33, 2, 1, 16, 40, bias=(2, 1, 1, 33)), case(1, 6, 4, 3, 3, 8, 8, True, bias=(3, 6, 1)),
                case(1, 140, 300, 2, 2, 20, 12), case(1, 300, 300, 1, 1, 33, 18, True, bias=(300, 300)),
                case(1, 530, 270, 2, 2, 16, 16, True)]
    return made


def _all_move(node, moving):
    """Examples stay apart; a bias is the same for all, or has a row for each."""
    if len(moving) == 4 and not all(moving):
        bias = node.inputs[3]
        return all(moving[:3]) and (len(bias.shape) < 4 or bias.shape[0] == 1)
    return all(moving)


def _bias_fits(q, k, bias):
    for b in bias:
        want = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
        if len(b.shape) > 4 or any(None not in (d, w) and d not in (1, w) for d, w in zip(b.shape[::-1], want[::-1])):
            raise ValueError(f'bias: expected a shape that broadcasts to {want}, got {tuple(b.shape)}')


@register('attention', vjp=_vjp, ref=_ref, lower=_lower, samples=_cases(False), several=True, supports=_supports,
          rows=_all_move, promote=0, floating=True)
def _spec(q, k, v, *bias, scale, causal):
    """[y, stats] of q[n, steps, heads, dim], k[n, sources, groups, dim], v[n, sources, groups, width] and a bias that
    broadcasts to [n, heads, steps, sources]; stats[n, heads, steps, 2]: the largest score, 1 over the sum of e^(score -
    largest)."""
    if any(None not in (a, b) and a != b for a, b in ((q.shape[0], k.shape[0]), (k.shape[0], v.shape[0]),
                                                      (q.shape[3], k.shape[3]), (k.shape[1], v.shape[1]))):
        raise ValueError(f'expected query (n, steps, heads, dim), key (n, sources, heads, dim) and value (n, sources, '
                         f'heads, any), got {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}')
    _bias_fits(q, k, bias)
    return [((*q.shape[:3], v.shape[3]), q.dtype), ((q.shape[0], q.shape[2], q.shape[1], 2), q.dtype)]


@register('attention_dx', vjp=_dx_vjp, ref=_dx_ref, lower=_dx_lower, samples=_cases(True), several=True,
          supports=_supports)
def _dx_spec(q, k, v, y, stats, dy, *bias, scale, causal):
    """[dq, dk, dv] of attention."""
    return [(tuple(x.shape), x.dtype) for x in (q, k, v)]


# ---- public
def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):
    """softmax(scale · q · kᵀ + bias) · v over the steps of each head (Vaswani et al. 2017).

    query (n, steps, heads, dim), key (n, sources, groups, dim), value (n, sources, groups, value dim): groups divides
    heads, and as many heads in a row share one. bias and the boolean mask (False: not attended) broadcast to (n, heads,
    steps, sources). scale: 1 / sqrt(dim) unless given. is_causal: a step attends to no later source. A step that may
    attend to nothing gets the mean of all values. flash_attention: any; no array of the shares is kept in any case, but
    where dim is above 1024. attn_logits_soft_cap: None; ValueError otherwise.
    """
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    op = 'dot_product_attention'
    if attn_logits_soft_cap is not None:
        raise error(op, f'attn_logits_soft_cap: expected None, which is all that CPUs have, got {attn_logits_soft_cap!r}; '
                        f'cap the scores by tanh in ops of your own')
    for name, x in (('query', query), ('key', key), ('value', value)):
        if len(x.shape) != 4:
            raise error(op, f'{name}: expected 4 dimensions (n, steps, heads, dim), got shape {tuple(x.shape)}')
    heads, groups, dim = query.shape[2], key.shape[2], query.shape[3]
    if None in (heads, groups, dim) or heads % groups or value.shape[2] != groups:
        raise error(op, f'expected as many heads in key as in value, and a multiple of them in query, got shapes '
                        f'{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}')
    if bias is not None:
        bias = cast(bias, query.dtype)
    if mask is not None:
        mask = as_tensor(mask)
        bias = where(cast(mask, 'bool'), 0.0 if bias is None else bias, MASKED)
        bias = cast(bias, query.dtype)
    attrs = {'scale': float(dim ** -0.5 if scale is None else scale), 'causal': bool(is_causal)}
    sized = max(dim, value.shape[3] or 0) <= LARGEST or None in (query.shape[1], key.shape[1])
    if not sized:
        return _in_ops(query, key, value, bias, **attrs)
    return apply('attention', [query, key, value, *([] if bias is None else [bias])], **attrs)[0]
