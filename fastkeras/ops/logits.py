"""What is done with logits: softmax and log_softmax (records along the last axis, functions along any), and losses.

A prediction that is the direct result of a softmax or sigmoid in the same trace is taken by its logits: the loss of a
saturated prediction then stays finite, exact and with a gradient, and one pass computes it. Other probabilities, and in the
generation '2.2.4' all, are normalised and clipped to [epsilon, 1 - epsilon], as Keras 2 does.
"""

import math

import numpy as np

from .. import config, generation
from .core import Sample, apply, as_tensor, error, register
from .elementwise import (
    add,
    cast,
    clip,
    divide,
    exp,
    log,
    log1p,
    multiply,
    negative,
    sigmoid,
    softplus,
    subtract,
)
from .facts import last_axis_meets
from .index import pick
from .move import moveaxis, reshape, transpose
from .reduce import sum

__all__ = ['binary_crossentropy', 'categorical_crossentropy', 'log_softmax', 'softmax',
           'sparse_categorical_crossentropy']


def _spec(op):
    def spec(x):
        if not x.shape:
            raise error(op, 'expected an input of 1 dimension or more, got a scalar')
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
    """At least the lowest finite number where x is finite: a target of 0 times -inf would make a loss of NaN."""
    with np.errstate(over='ignore'):
        s = _shifted(x)
    if not s.size:
        return s
    more = np.sum(np.where(s == 0, 0, np.exp(s)), axis=-1, keepdims=True)     # than the largest's 1, not rounded beside it
    y = s - np.log1p(more + (np.count_nonzero(s == 0, axis=-1, keepdims=True) - 1).astype(s.dtype))
    return np.where(np.isneginf(y) & (x > -np.inf), np.finfo(y.dtype).min, y)


def _softmax_vjp(node, ct):
    weighted = multiply(ct, node)
    return [subtract(weighted, multiply(node, sum(weighted, axis=-1, keepdims=True)))]


def _log_softmax_vjp(node, ct):
    return [subtract(ct, multiply(exp(node), sum(ct, axis=-1, keepdims=True)))]


for _name, _vjp, _ref in ('softmax', _softmax_vjp, _softmax_ref), ('log_softmax', _log_softmax_vjp, _log_softmax_ref):
    register(_name, vjp=_vjp, ref=_ref, lower=_lower, samples=_samples, promote=0, floating=True,
             rows=last_axis_meets)(_spec(_name))


# ---- softmax along any axis

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
        raise error(op, f'axis: expected different axes of an input of shape {tuple(x.shape)}, got {axis!r}')
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


# ---- cross-entropies

def _logits(output, activation):
    """The argument of the activation that made `output`, or None."""
    taken = getattr(output, 'op', None) == activation and generation.of('crossentropy.of_logits')
    return output.inputs[0] if taken else None


def _same_shape(op, target, output):
    a, b = target.shape, output.shape
    if len(a) != len(b) or any(None not in (p, q) and p != q for p, q in zip(a, b)):
        raise error(op, f'target: expected the shape of the output, {tuple(b)}, got {tuple(a)}')


def _clipped(p):
    epsilon = config.epsilon()
    return clip(p, epsilon, 1 - epsilon)


def binary_crossentropy(target, output, from_logits=False):
    """-t · log p - (1 - t) · log(1 - p), elementwise; t and p of one shape. from_logits: p is sigmoid(output)."""
    output = as_tensor(output)
    target = cast(target, output.dtype)
    _same_shape('binary_crossentropy', target, output)
    logits = output if from_logits else _logits(output, 'sigmoid')
    if logits is not None:
        # not softplus(l) - t · l, of which nothing is left where l is large and t is 1; nor is its gradient, p - t
        return add(multiply(target, softplus(negative(logits))), multiply(1.0 - target, softplus(logits)))
    p = _clipped(output)
    return negative(multiply(target, log(p)) + multiply(1.0 - target, log1p(negative(p))))


def misses(target, output, from_logits=False):
    """The probability that a binary prediction gives to what is not so, t · (1 - p) + (1 - t) · p, exact though it be
    small. from_logits: p is sigmoid(output)."""
    output = as_tensor(output)
    logits = output if from_logits else _logits(output, 'sigmoid')
    no, yes = (sigmoid(negative(logits)), sigmoid(logits)) if logits is not None else (1.0 - output, output)
    return add(multiply(target, no), multiply(1.0 - target, yes))


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-Σ t · log p along `axis`; t and p of one shape, p scaled to sum 1 first. from_logits: p is softmax(output)."""
    output = as_tensor(output)
    target = cast(target, output.dtype)
    _same_shape('categorical_crossentropy', target, output)
    return negative(sum(multiply(target, log_shares('categorical_crossentropy', output, from_logits, axis)), axis=axis))


def log_shares(op, output, from_logits, axis):
    """The logarithms of what `output` gives to each class, its sum along `axis` scaled to 1. from_logits: they are
    softmax(output). op: for the message."""
    output = as_tensor(output)
    if not output.shape:
        raise error(op, 'expected an output of 1 dimension or more, got a scalar')
    last = axis in (-1, len(output.shape) - 1)
    logits = output if from_logits else _logits(output, 'softmax') if last else None
    if logits is not None:
        return log_softmax(logits, axis=axis)
    return log(_clipped(divide(output, sum(output, axis=axis, keepdims=True))))


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log p of the target class; target: integers of the shape of output without `axis`, or with size 1 there.

    from_logits: p is softmax(output). A class outside [0, classes) is an error when it runs.
    """
    output, target = as_tensor(output), as_tensor(target)
    if not output.shape:
        raise error('sparse_categorical_crossentropy', 'expected an output of 1 dimension or more, got a scalar')
    logits = output if from_logits else _logits(output, 'softmax') if axis in (-1, len(output.shape) - 1) else None
    # clipped probabilities are normalised again, as Keras 2 does by taking their logarithms for logits
    logp = log_softmax(moveaxis(log(_clipped(output)) if logits is None else logits, axis, -1))
    expected = tuple(logp.shape[:-1])
    if len(target.shape) == len(expected) + 1:
        target = moveaxis(target, axis, -1)
        if target.shape[-1] == 1:
            target = reshape(target, tuple(target.shape[:-1]))
    if len(target.shape) != len(expected) or any(None not in (p, q) and p != q for p, q in zip(target.shape, expected)):
        raise error('sparse_categorical_crossentropy', f'target: expected integers of shape {expected}, got shape '
                                                       f'{tuple(target.shape)}')
    return negative(pick(logp, target))
