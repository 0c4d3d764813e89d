"""softmax and log_softmax: records along the last axis, functions along any."""

import math

import numpy as np

from .core import Sample, apply, as_tensor, register
from .elementwise import exp, multiply, subtract
from .move import reshape, transpose
from .reduce import sum

__all__ = ['log_softmax', 'softmax']


def _spec(op):
    def spec(x):
        if not x.shape:
            raise ValueError(f'[{op}] expected an input of 1 dimension or more, got a scalar')
        return tuple(x.shape), x.dtype
    return spec


def _lower(ctx, node, ins, out):
    n = out.shape[-1]
    ctx.step(node.op, [*ins, out], rows=out.size // n if n else 0, n=n)


def _samples():
    rng = np.random.default_rng(4)
    large = np.array([[-1e30, 0, 1e30], [80, -90, 100], [-np.inf, 0, 1]], 'float32')
    shapes = [(5,), (3, 1), (2, 3, 17), (33, 10), (1, 1000), (4, 33), (0, 7), (3, 0)]
    usual = [Sample([(rng.standard_normal(s) * 3).astype('float32')]) for s in shapes]
    return [*usual, Sample([large], grad=False)]


def _shifted(x):
    return x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)


def _softmax_ref(x):
    e = np.exp(_shifted(x))
    return e / np.sum(e, axis=-1, keepdims=True)


def _log_softmax_ref(x):
    s = _shifted(x)
    if not s.size:
        return s
    return s - np.log(np.sum(np.exp(s), axis=-1, keepdims=True))


def _softmax_vjp(node, ct):
    weighted = multiply(ct, node)
    return [subtract(weighted, multiply(node, sum(weighted, axis=-1, keepdims=True)))]


def _log_softmax_vjp(node, ct):
    return [subtract(ct, multiply(exp(node), sum(ct, axis=-1, keepdims=True)))]


for _name, _vjp, _ref in ('softmax', _softmax_vjp, _softmax_ref), ('log_softmax', _log_softmax_vjp, _log_softmax_ref):
    register(_name, vjp=_vjp, ref=_ref, lower=_lower, samples=_samples, promote=0, floating=True)(_spec(_name))


def softmax(x, axis=-1):
    """exp(x) / Σ exp(x) along `axis`, an int or a tuple of them (taken together)."""
    return _along('softmax', x, axis)


def log_softmax(x, axis=-1):
    """x - log Σ exp(x) along `axis`, an int or a tuple of them (taken together)."""
    return _along('log_softmax', x, axis)


def _along(op, x, axis):
    x = as_tensor(x)
    rank = len(x.shape)
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if any(not -rank <= a < rank for a in axes) or len({a % rank for a in axes}) < len(axes) or not axes:
        raise ValueError(f'[{op}] axis: expected different axes of an input of shape {tuple(x.shape)}, got {axis!r}')
    axes = [a % rank for a in axes]
    order = [a for a in range(rank) if a not in axes] + axes
    back = sorted(range(rank), key=order.__getitem__)
    y = x if order == back == list(range(rank)) else transpose(x, order)
    if len(axes) == 1:
        y = apply(op, [y])
    else:
        shape = tuple(y.shape)
        inner = None if None in shape[rank - len(axes):] else math.prod(shape[rank - len(axes):])
        y = reshape(apply(op, [reshape(y, (*shape[:rank - len(axes)], inner))]), shape)
    return y if order == list(range(rank)) else transpose(y, back)
