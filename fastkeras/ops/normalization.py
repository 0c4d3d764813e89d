"""Moments and the normalisations made of them."""

import math

import numpy as np

from .. import config
from .core import Sample, apply, as_tensor, error, pullback, register
from .elementwise import absolute, add, divide, maximum, multiply, power, rsqrt, square, subtract
from .lowering import REDUCE, lower_reduce
from .move import reshape, squeeze, transpose
from .reduce import max, mean, sum

__all__ = ['batch_normalization', 'layer_normalization', 'moments', 'normalize', 'rms_normalization']


def _moments_ref(x):
    flat = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    if not len(flat):
        return np.full((2, x.shape[-1]), np.nan, x.dtype)
    middle = flat.mean(axis=0)
    return np.stack([middle, np.square(flat - middle).mean(axis=0)])


def _moments_vjp(node, ct):
    x, = node.inputs
    rows = x.size // x.shape[-1] if x.shape[-1] else 1
    # d variance / d x = 2 (x - mean) / rows; the part through the mean cancels
    return [add(multiply(ct[0], 1 / rows), multiply(subtract(x, node[0]), multiply(ct[1], 2 / rows)))]


def _moments_lower(ctx, node, ins, out):
    x, = ins
    attrs = {'rows': x.size // x.shape[-1] if x.shape[-1] else 0, 'c': x.shape[-1]}
    parts, bounds, leader = ctx.shares('moments', [x], width=x.shape[-1], **attrs)
    made = out if parts == 1 else ctx.temp((parts, 3, x.shape[-1]))
    ctx.step('moments', [x, bounds, made], parts=parts, **attrs).behind = leader
    if parts > 1:
        ctx.step('moments_merge', [made, bounds, out], parts=parts, **attrs)


def _moments_samples():
    rng = np.random.default_rng(5)
    shapes = [(2, 3), (7, 1), (1, 17), (2, 5, 4, 33), (3000, 3), (5000, 17), (3, 0), (40, 40, 8)]
    far = (rng.standard_normal((513, 5)) + 100).astype('float32')
    return [Sample([(rng.standard_normal(s) * 2 + 1).astype('float32')], {}) for s in shapes] + [
        Sample([far], {}, rtol=1e-4), Sample([np.zeros((0, 4), 'float32')], {}, grad=False)]


@register('moments', vjp=_moments_vjp, ref=_moments_ref, lower=_moments_lower, samples=_moments_samples,
          promote=0, floating=True)
def moments_spec(x):
    """[2, c]: mean and population variance of x[..., c] over all axes but the last; NaN over no elements."""
    if len(x.shape) < 2:
        raise error('moments', f'expected 2 dimensions or more, got shape {tuple(x.shape)}')
    return (2, x.shape[-1]), x.dtype


# ---- rows, along the last axis
def _row_parts(x, epsilon, centred):
    """x less its mean, and 1 over its deviation."""
    middle = np.mean(x, axis=-1, keepdims=True) if centred else x.dtype.type(0)
    away = x - middle
    return away, 1 / np.sqrt(np.mean(np.square(away), axis=-1, keepdims=True) + x.dtype.type(epsilon))


def _layer_norm_ref(x, gamma, beta, *, epsilon, centred):
    away, over = _row_parts(x, epsilon, centred)
    return away * over * gamma + beta


def _layer_norm_dx_ref(x, gamma, dy, *, epsilon, centred):
    away, over = _row_parts(x, epsilon, centred)
    normal, g = away * over, dy * gamma
    rest = g - normal * np.mean(g * normal, axis=-1, keepdims=True)
    if centred:
        rest = rest - np.mean(g, axis=-1, keepdims=True)
    rows = tuple(range(x.ndim - 1))
    return rest * over, np.sum(dy * normal, axis=rows), np.sum(dy, axis=rows)


def _layer_norm_in_ops(x, gamma, beta, epsilon, centred):
    away = subtract(x, mean(x, axis=-1, keepdims=True)) if centred else x
    over = rsqrt(add(mean(square(away), axis=-1, keepdims=True), epsilon))
    return add(multiply(multiply(away, over), gamma), beta)


def _layer_norm_vjp(node, ct):
    x, gamma, _ = node.inputs
    return list(apply('layer_norm_dx', [x, gamma, ct], **node.attrs))


def _layer_norm_dx_vjp(node, cts):
    """By the gradient of the gradient in ops."""
    wrt = [reshape(i, tuple(i.shape)) for i in node.inputs]
    x, gamma, dy = wrt
    beta = reshape(gamma, tuple(gamma.shape))       # any: nothing of second order depends on it
    first = pullback([_layer_norm_in_ops(x, gamma, beta, **node.attrs)], [dy], [x, gamma, beta])
    chosen = sorted(cts)
    return pullback([first[i] for i in chosen], [cts[i] for i in chosen], wrt)


def _layer_norm_attrs(x, epsilon, centred):
    n = x.shape[-1]
    return {'rows': x.size // n if n else 0, 'n': n, 'epsilon': epsilon, 'centred': int(centred)}


def _layer_norm_lower(ctx, node, ins, out):
    ctx.step('layer_norm', [*ins, out], **_layer_norm_attrs(ins[0], **node.attrs))


def _layer_norm_dx_lower(ctx, node, ins):
    x, n = ins[0], ins[0].shape[-1]
    attrs = _layer_norm_attrs(x, **node.attrs)
    parts = ctx.parts('layer_norm_dx', **attrs)
    dx, sums = ctx.temp(x.shape), ctx.temp((2, n))
    partial = sums if parts == 1 else ctx.temp((parts, 2, n))
    ctx.step('layer_norm_dx', [*ins, dx, partial], **attrs)
    if parts > 1:
        lower_reduce(ctx, REDUCE['sum'], partial, (parts, 2 * n), (0,), sums)
    return [dx, sums.view((n,)), sums.view((n,), n)]


def _layer_norm_cases(gradient):
    def made():
        rng = np.random.default_rng(6)

        def case(shape, centred=True, far=0):
            x = (rng.standard_normal(shape) * 2 + far).astype('float32')
            gamma, beta = rng.standard_normal((2, shape[-1])).astype('float32')
            third = rng.standard_normal(shape).astype('float32')
            return Sample([x, gamma, third if gradient else beta], {'epsilon': 1e-3, 'centred': centred}, rtol=1e-4,
                          atol=1e-4 if gradient else 1e-5, grad=not gradient)
        return [case((3, 5)), case((2, 3, 64)), case((4, 1)), case((1, 17)), case((200, 130)), case((3, 300), False),
                case((70, 9), False), case((5, 4, 96)), case((2000, 40), far=1)]
    return made


@register('layer_norm', vjp=_layer_norm_vjp, ref=_layer_norm_ref, lower=_layer_norm_lower,
          samples=_layer_norm_cases(False), promote=0, floating=True,
          rows=lambda node, moving: len(node.shape) > 1 and moving[0] and not any(moving[1:]))
def _layer_norm_spec(x, gamma, beta, *, epsilon, centred):
    """(x - mean) / sqrt(variance + epsilon) · gamma + beta along the last axis; not centred: x / sqrt(mean square +
    epsilon) · gamma + beta."""
    n = x.shape[-1] if x.shape else None
    if not x.shape or any(len(v.shape) != 1 or None not in (n, v.shape[0]) and v.shape[0] != n for v in (gamma, beta)):
        raise ValueError(f'expected x of 1 dimension or more and gamma and beta of the size of its last axis, got '
                         f'{tuple(x.shape)}, {tuple(gamma.shape)} and {tuple(beta.shape)}')
    return tuple(x.shape), x.dtype


@register('layer_norm_dx', vjp=_layer_norm_dx_vjp, ref=_layer_norm_dx_ref, lower=_layer_norm_dx_lower, several=True,
          samples=_layer_norm_cases(True))
def _layer_norm_dx_spec(x, gamma, dy, *, epsilon, centred):
    """[dx, dgamma, dbeta] of layer_norm."""
    if len(x.shape) != len(dy.shape) or any(None not in (a, b) and a != b for a, b in zip(x.shape, dy.shape)):
        raise ValueError(f'expected x and dy of one shape, got {tuple(x.shape)} and {tuple(dy.shape)}')
    return [(tuple(x.shape), x.dtype), (tuple(gamma.shape), x.dtype), (tuple(gamma.shape), x.dtype)]


def _by_rows(x, gamma, beta, axes, epsilon, centred):
    """layer_norm along the last axes as one; None where they are others, or of unknown size."""
    shape, k = tuple(x.shape), len(axes)
    lead, sizes = shape[:len(shape) - k], shape[len(shape) - k:]
    if axes != tuple(range(len(lead), len(shape))) or None in sizes or (k > 1 and lead.count(None) > 1):
        return None
    n = math.prod(sizes)
    gamma = np.ones(n, x.dtype) if gamma is None else reshape(as_tensor(gamma), (n,))
    beta = np.zeros(n, x.dtype) if beta is None else reshape(as_tensor(beta), (n,))
    y = apply('layer_norm', [x if k == 1 else reshape(x, (*lead, n)), gamma, beta], epsilon=float(epsilon),
              centred=centred)
    return y if k == 1 else reshape(y, shape)


# ---- public functions

def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, population variance) of x over `axes`, an int or a sequence of them. synchronized: over the replicas of a graph;
    there is one."""
    x = as_tensor(x)
    rank = len(x.shape)
    axes = _axes('moments', axes, rank)
    kept = [a for a in range(rank) if a not in axes]
    if len(kept) == 1:
        # one pass of the kernel; a channel axis elsewhere is brought last, which the layout pass often cancels
        both = apply('moments', [x if kept[0] == rank - 1 else transpose(x, [*axes, *kept])])
        results = both[0], both[1]
        if not keepdims:
            return results
        shape = [1] * rank
        shape[kept[0]] = -1
        return tuple(reshape(r, tuple(shape)) for r in results)
    middle = mean(x, axis=axes, keepdims=True)
    variance = mean(square(subtract(x, middle)), axis=axes, keepdims=keepdims)
    return middle if keepdims else squeeze(middle, axes), variance


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) · scale + offset; the vectors lie along `axis` of x (Ioffe and Szegedy
    2015)."""
    x = as_tensor(x)
    rank = len(x.shape)
    axis, = _axes('batch_normalization', axis, rank)

    def along(v, name):
        v = as_tensor(v)
        size = x.shape[axis]
        if len(v.shape) == rank:
            return v
        if len(v.shape) != 1 or None not in (size, v.shape[0]) and v.shape[0] != size:
            raise error('batch_normalization', f'{name}: expected shape ({size},) for axis {axis} of an input of shape '
                                               f'{tuple(x.shape)}, got {tuple(v.shape)}')
        return v if axis == rank - 1 else reshape(v, (-1,) + (1,) * (rank - 1 - axis))
    factor = rsqrt(add(along(variance, 'variance'), epsilon))
    if scale is not None:
        factor = multiply(factor, along(scale, 'scale'))
    y = multiply(subtract(x, along(mean, 'mean')), factor)
    return y if offset is None else add(y, along(offset, 'offset'))


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False):
    """x less its mean and over its standard deviation along `axis` of each sample, times gamma, plus beta (Ba et al.
    2016).

    gamma, beta: of the sizes of these axes. epsilon: added to the variance; config's unless given. rms_scaling: the mean
    stays, and there is no beta.
    """
    x = as_tensor(x)
    axes = _axes('layer_normalization', axis, len(x.shape))
    epsilon = config.epsilon() if epsilon is None else epsilon
    y = None if rms_scaling else _by_rows(x, gamma, beta, axes, epsilon, True)
    if y is not None:
        return y
    middle, variance = moments(x, axes, keepdims=True)
    y = x if rms_scaling else subtract(x, middle)
    y = multiply(y, rsqrt(add(variance, epsilon)))
    return _scaled(y, gamma, None if rms_scaling else beta, axes)


def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x²) + epsilon) along `axis`, times scale (Zhang and Sennrich 2019). epsilon: config's unless
    given."""
    x = as_tensor(x)
    axes = _axes('rms_normalization', axis, len(x.shape))
    epsilon = config.epsilon() if epsilon is None else epsilon
    y = _by_rows(x, scale, None, axes, epsilon, False)
    if y is not None:
        return y
    level = mean(square(x), axis=axes, keepdims=True)
    return _scaled(multiply(x, rsqrt(add(level, epsilon))), scale, None, axes)


def _scaled(y, gamma, beta, axes):
    shape = [1] * len(y.shape)
    for a in axes:
        shape[a] = y.shape[a]
    if gamma is not None:
        y = multiply(y, reshape(as_tensor(gamma), tuple(shape)))
    return y if beta is None else add(y, reshape(as_tensor(beta), tuple(shape)))


def normalize(x, axis=-1, order=2, epsilon=None):
    """x over its norm of that order along `axis`, the norm at least epsilon (config's unless given)."""
    x = as_tensor(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    axis = _axes('normalize', axis, len(x.shape))
    if order == 2:
        # the bound inside the root: the gradient at 0 stays finite
        return multiply(x, rsqrt(maximum(sum(square(x), axis=axis, keepdims=True), epsilon ** 2)))
    if order == float('inf'):
        size = max(absolute(x), axis=axis, keepdims=True)
    elif order > 0:
        size = power(sum(power(absolute(x), float(order)), axis=axis, keepdims=True), 1 / order)
    else:
        raise error('normalize', f'order: expected a positive number, got {order!r}')
    return divide(x, maximum(size, epsilon))


def _axes(op, axes, rank):
    """Sorted different axes, counted from the front."""
    given = tuple(axes) if isinstance(axes, (tuple, list)) else (axes,)
    if any(isinstance(a, bool) or not hasattr(a, '__index__') or not -rank <= a < rank for a in given):
        raise error(op, f'axis: expected axes of an input of {rank} dimensions, got {axes!r}')
    result = tuple(sorted({a % rank for a in given}))
    if len(result) < len(given):
        raise error(op, f'axis: expected different axes, got {axes!r}')
    return result
