"""Reductions along any axes: sums, extremes, products, means, positions of extremes, running sums.

The names of this module hide Python's sum, max, min, any and all.
"""

import numpy as np

from ..graph import Node
from . import core, facts, shares
from .core import FLOATS, Sample, apply, register
from .lowering import REDUCE, lower_reduce
from .shapes import count, many_axes, one_axis, reduced, shape_of

__all__ = ['sum', 'max', 'min', 'prod', 'mean', 'var', 'std', 'any', 'all', 'argmax', 'argmin', 'logsumexp', 'cumsum',
           'count_nonzero', 'amax', 'amin']


# ---- sum, max, min, prod
def _keep_shape(node):
    """The shape of the result had keepdims been True."""
    return reduced(node.inputs[0].shape, node.attrs['axis'], True)


def _kept(node, t):
    """t, of the shape of the node's result, with 1 in the place of each reduced axis."""
    return t if node.attrs['keepdims'] else apply('reshape', (t,), shape=_keep_shape(node))


def _sum_vjp(node, ct):
    return [apply('broadcast_to', (_kept(node, ct),), shape=node.inputs[0].shape)]


def _extreme_vjp(node, ct):
    return [apply('extreme_dx', (node.inputs[0], _kept(node, node), _kept(node, ct)), axis=node.attrs['axis'])]


def _prod_vjp(node, ct):
    """With one zero along the axes only that element has a gradient, with two none has."""
    x, axis = node.inputs[0], node.attrs['axis']
    zero = apply('equal', (x, 0.0))
    others = apply('where', (zero, 1.0, x))
    zeros = apply('sum', (apply('cast', (zero,), dtype=x.dtype),), axis=axis, keepdims=True)
    product = apply('prod', (others,), axis=axis, keepdims=True)
    full = apply('where', (apply('less', (zeros, 0.5)), product / others, 0.0))
    single = apply('where', (apply('logical_and', (zero, apply('less', (zeros, 1.5)))), product, full))
    return [_kept(node, ct) * single]


def _sum_simpler(node, inputs):
    """A sign, or a factor that is the same along the summed axes, is taken once, behind the sum."""
    source, axes = inputs[0], node.attrs['axis']
    if node.dtype != 'float32' or source.size <= node.size:
        return None

    def total_of(x):
        total = facts.made('sum', (x,), node, **node.attrs)
        return _sum_simpler(total, total.inputs) or total

    if source.op == 'negative':
        return facts.made('negative', (total_of(source.inputs[0]),), node)
    if source.op != 'multiply':
        return None
    for x, v in (source.inputs, source.inputs[::-1]):
        shape = (1,) * (len(source.shape) - len(v.shape)) + v.shape
        if x.shape == source.shape and not [i for i in axes if shape[i] != 1]:
            total = total_of(x)
            shape = shape if node.attrs['keepdims'] else tuple(d for i, d in enumerate(shape) if i not in axes)
            v = Node('reshape', (v,), {'shape': shape}, shape, v.dtype, node.name)
            return facts.made('multiply', (total, v), node)
    return None


def _samples(signed=True):
    def samples():
        rng = np.random.default_rng(7)
        made = []
        for shape, axis, keepdims in (((5, 37), (1,), False), ((5, 37), (0,), True), ((33, 3, 5), (0, 1, 2), False),
                                      ((4, 6, 5, 3), (1, 2), False), ((3, 4, 5, 6), (0, 2), True),
                                      ((2, 3, 4, 5), (1, 3), False),
                                      ((700, 3), (0,), False), ((30011, 5), (0,), False), ((70, 3001), (1,), False),
                                      ((2, 1, 5), (1,), False), ((), (), False)):
            x = rng.uniform(0.5, 1.5, shape) * (rng.choice([-1, 1], shape) if signed else 1)
            made.append(Sample([x.astype(np.float32)], {'axis': axis, 'keepdims': keepdims}, rtol=1e-5, atol=1e-4))
        return made
    return samples


def _reduction(name, ref, vjp, identity, signed=True, simplify=None):
    kind = REDUCE[name]
    counts = name in ('sum', 'prod')

    def spec(x, *, axis, keepdims):
        if identity is None and 0 in [x.shape[a] for a in axis]:
            raise ValueError(f'expected at least one element along the axes {axis}, got shape {x.shape}')
        return reduced(x.shape, axis, keepdims), 'int32' if counts and x.dtype in ('bool', 'uint8') else x.dtype

    def reference(x, *, axis, keepdims):
        return ref(x, axis=axis, keepdims=keepdims, **({'dtype': x.dtype} if counts and x.dtype.kind in 'fi' else {}))

    def lower(ctx, node, ins, out):
        lower_reduce(ctx, kind, ins[0], node.inputs[0].shape, node.attrs['axis'], out)

    def compose(x, *, axis, keepdims):
        if count(x.shape) == count(reduced(x.shape, axis, True)) != 0 and x.dtype not in ('bool', 'uint8'):
            return apply('reshape', (x,), shape=reduced(x.shape, axis, keepdims))
        if counts and x.dtype == 'bool':  # counting: exact in float32 up to 2^24 per result
            if count(x.shape) <= 1 << 24:
                total = apply(name, (apply('cast', (x,), dtype='float32'),), axis=axis, keepdims=keepdims)
                return apply('cast', (total,), dtype='int32')
        elif not counts and x.dtype == 'bool':
            return apply('cast', (apply(name, (apply('cast', (x,), dtype='float32'),), axis=axis, keepdims=keepdims),),
                         dtype='bool')
        return None

    register(name, vjp=vjp, ref=reference, lower=lower, samples=_samples(signed), epilogue=True, compose=compose,
             rows=facts.beside_axis, sink=facts.axes_vanish, simplify=simplify,
             over_rows=facts.sums_rows if name == 'sum' else None)(spec)


_reduction('sum', np.sum, _sum_vjp, 0, simplify=facts.first_of(shares.summed_first, _sum_simpler))
_reduction('max', np.max, _extreme_vjp, None)
_reduction('min', np.min, _extreme_vjp, None)
_reduction('prod', np.prod, _prod_vjp, 1, signed=False)


# ---- the gradient of max and min
LEAST, ROW = 1 << 12, 16  # elements, and of those beside the reduced axes, that the kernel is for


def _chosen(x, y, axis):
    """Where x is the extreme, as ones and zeros, and how often."""
    chosen = apply('cast', (apply('equal', (x, y)),), dtype=x.dtype)
    return chosen, apply('sum', (chosen,), axis=axis, keepdims=True)


def _extreme_dx_compose(x, y, dy, *, axis):
    one_run = axis and axis[-1] - axis[0] + 1 == len(axis)
    if one_run and count(x.shape) >= LEAST and count(x.shape[axis[-1] + 1:]) >= ROW:
        return None
    chosen, ties = _chosen(x, y, axis)
    return chosen * (dy / ties)


def _extreme_dx_ref(x, y, dy, *, axis):
    chosen = (x == y).astype(x.dtype)
    return chosen * (dy / chosen.sum(axis=axis, keepdims=True))


def _extreme_dx_vjp(node, ct):
    x, y, _ = node.inputs
    chosen, ties = _chosen(x, y, node.attrs['axis'])
    return [None, None, apply('sum', (chosen * ct,), axis=node.attrs['axis'], keepdims=True) / ties]


def _extreme_dx_lower(ctx, node, ins, out):
    axis, shape = node.attrs['axis'], node.shape
    ctx.step('extreme_dx', [*ins, out], outer=count(shape[:axis[0]]), r=count(shape[axis[0]:axis[-1] + 1]),
             inner=count(shape[axis[-1] + 1:])).over = 0


def _extreme_dx_samples():
    rng, made = np.random.default_rng(12), []
    for shape, axis in (((3, 40, 37), (1,)), ((2, 9, 8, 50), (1, 2)), ((260, 20), (0,)), ((4, 1030, 16), (1,)),
                        ((2, 3, 5, 4), (1, 2))):
        x = rng.integers(-40, 40, shape).astype(np.float32)
        y = x.max(axis=axis, keepdims=True)
        made.append(Sample([x, y, rng.standard_normal(y.shape).astype(np.float32)], {'axis': axis}, grad=False))
    return made


def _in_one_run(node):
    axis = node.attrs['axis']
    return node.dtype == 'float32' and axis[-1] - axis[0] + 1 == len(axis)


@register('extreme_dx', vjp=_extreme_dx_vjp, ref=_extreme_dx_ref, lower=_extreme_dx_lower, compose=_extreme_dx_compose,
          samples=_extreme_dx_samples, promote=0, floating=True, supports=_in_one_run, shares=True,
          rows=lambda node, moving: all(moving) and 0 not in node.attrs['axis'],
          sink=lambda node, order: ({'axis': tuple(sorted(order[a] for a in node.attrs['axis']))}, order))
def _extreme_dx_spec(x, y, dy, *, axis):
    """The gradient of max or min by x: dy in equal shares where x equals y, the extreme; both with 1 for each axis."""
    kept = reduced(x.shape, axis, True)
    if tuple(y.shape) != kept or tuple(dy.shape) != kept:
        raise ValueError(f'expected extremes and their gradient of shape {kept}, got {tuple(y.shape)} and {tuple(dy.shape)}')
    return x.shape, x.dtype


def _reduce(op, x, axis, keepdims, **attrs):
    x = core.as_tensor(x)
    return apply(op, (x,), axis=many_axes(axis, len(shape_of(x))), keepdims=bool(keepdims), **attrs)


def sum(x, axis=None, keepdims=False):
    """Sum over the axes (None: all); truth values are counted, as int32."""
    return _reduce('sum', x, axis, keepdims)


def prod(x, axis=None, keepdims=False, dtype=None):
    """Product over the axes (None: all)."""
    if dtype is not None:
        x = apply('cast', (x,), dtype=core.dtype_name(dtype))
    return _reduce('prod', x, axis, keepdims)


def _with_initial(y, initial, op):
    return y if initial is None else apply(op, (y, initial))


def max(x, axis=None, keepdims=False, initial=None):
    """Largest element along the axes (None: all); NaN where there is one. initial: a bound from below.

    The gradient is shared evenly by equal largest elements. ValueError where nothing is left to choose from.
    """
    return _with_initial(_reduce('max', x, axis, keepdims), initial, 'maximum')


def min(x, axis=None, keepdims=False, initial=None):
    """Smallest element along the axes (None: all); NaN where there is one. initial: a bound from above."""
    return _with_initial(_reduce('min', x, axis, keepdims), initial, 'minimum')


def amax(x, axis=None, keepdims=False):
    """As `max`."""
    return max(x, axis, keepdims)


def amin(x, axis=None, keepdims=False):
    """As `min`."""
    return min(x, axis, keepdims)


# ---- mean
def _mean_compose(x, *, axis, keepdims):
    n = count([x.shape[a] for a in axis])
    total = apply('sum', (x,), axis=axis, keepdims=keepdims)
    return total * (1.0 / n if n else float('nan'))


def _mean_ref(x, *, axis, keepdims):
    n = int(np.prod([x.shape[a] for a in axis], dtype=np.int64))
    return np.sum(x, axis=axis, keepdims=keepdims) / np.asarray(n, x.dtype)


@register('mean', ref=_mean_ref, compose=_mean_compose, samples=_samples(), promote=0, floating=True,
          rows=facts.beside_axis, sink=facts.axes_vanish)
def _mean_spec(x, *, axis, keepdims):
    return reduced(x.shape, axis, keepdims), x.dtype


def mean(x, axis=None, keepdims=False):
    """Mean over the axes (None: all), a float also for integers; NaN where there is nothing to average."""
    return _reduce('mean', x, axis, keepdims)


def var(x, axis=None, keepdims=False):
    """Population variance over the axes (None: all): the mean square distance from the mean."""
    centred = apply('subtract', (x, mean(x, axis, True)))
    return mean(apply('square', (centred,)), axis, keepdims)


def std(x, axis=None, keepdims=False):
    """Population standard deviation over the axes (None: all)."""
    return apply('sqrt', (var(x, axis, keepdims),))


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over the axes (None: all), without overflow."""
    x = apply('cast', (x,), dtype='float32') if core.dtype_of(x) not in FLOATS else core.as_tensor(x)
    axes = many_axes(axis, len(shape_of(x)))
    top = apply('stop_gradient', (max(x, axes, True),))
    top = apply('where', (apply('isfinite', (top,)), top, 0.0))  # a row of -inf stays -inf
    total = apply('log', (sum(apply('exp', (apply('subtract', (x, top)),)), axes, True),))
    total = apply('add', (total, top))
    return total if keepdims else apply('squeeze', (total,), axis=axes)


# ---- truth
def _truth(x):
    x = core.as_tensor(x)
    return x if core.dtype_of(x) == 'bool' else apply('cast', (x,), dtype='bool')


def any(x, axis=None, keepdims=False):
    """Whether any element along the axes (None: all) is true (not zero)."""
    return _reduce('any', _truth(x), axis, keepdims)


def all(x, axis=None, keepdims=False):
    """Whether all elements along the axes (None: all) are true (not zero)."""
    return _reduce('all', _truth(x), axis, keepdims)


def _truth_samples():
    x = np.random.default_rng(3).random((5, 37)) < 0.05
    x[0], x[1] = False, True
    return [Sample([x], {'axis': (1,), 'keepdims': False}, grad=False),
            Sample([x], {'axis': (0, 1), 'keepdims': True}, grad=False)]


def _quantifier(name, ref, compare):
    def compose(x, *, axis, keepdims):
        n = count([x.shape[a] for a in axis])
        if n >= 1 << 24:
            return None
        total = apply('sum', (apply('cast', (x,), dtype='float32'),), axis=axis, keepdims=keepdims)
        return apply(compare, (total, 0.5 if name == 'any' else n - 0.5))

    def spec(x, *, axis, keepdims):
        return reduced(x.shape, axis, keepdims), 'bool'

    register(name, ref=lambda x, *, axis, keepdims: ref(x, axis=axis, keepdims=keepdims), compose=compose,
             samples=_truth_samples, rows=facts.beside_axis, sink=facts.axes_vanish)(spec)


_quantifier('any', np.any, 'greater')
_quantifier('all', np.all, 'greater')


def count_nonzero(x, axis=None):
    """Number of elements along the axes (None: all) that are not zero, as int32."""
    return sum(_truth(x), axis)


# ---- where the extreme stands
def _arg_samples():
    rng = np.random.default_rng(9)
    made = [Sample([rng.normal(size=s).astype(np.float32)], {'axis': a, 'keepdims': k}, grad=False)
            for s, a, k in (((5, 37), 1, False), ((5, 37), 0, True), ((3, 4, 5), 1, False), ((1, 70), 1, False))]
    ties = np.zeros((3, 20), np.float32)
    ties[1, 7] = ties[1, 12] = np.nan
    ties[2, 4] = ties[2, 9] = 5
    return made + [Sample([ties], {'axis': 1, 'keepdims': False}, grad=False)]


def _position(name, ref, kind):
    def spec(x, *, axis, keepdims):
        if x.shape[axis] == 0:
            raise ValueError(f'expected at least one element along axis {axis}, got shape {x.shape}')
        return reduced(x.shape, (axis,), keepdims), 'int32'

    def lower(ctx, node, ins, out):
        shape, axis = node.inputs[0].shape, node.attrs['axis']
        ctx.step('arg_reduce', [ins[0], out], kind=kind, outer=count(shape[:axis]), r=shape[axis],
                 inner=count(shape[axis + 1:]))

    def reference(x, *, axis, keepdims):
        return ref(x, axis=axis, keepdims=keepdims).astype(np.int32)

    def compose(x, *, axis, keepdims):
        small = x.dtype in ('bool', 'uint8')
        return apply(name, (apply('cast', (x,), dtype='float32'),), axis=axis, keepdims=keepdims) if small else None

    register(name, ref=reference, lower=lower, samples=_arg_samples, compose=compose,
             supports=lambda node: node.inputs[0].dtype == 'float32', rows=facts.beside_axis, sink=facts.axes_vanish)(spec)


_position('argmax', np.argmax, REDUCE['max'])
_position('argmin', np.argmin, REDUCE['min'])


def _arg(op, x, axis, keepdims):
    x = core.as_tensor(x)
    ndim = len(shape_of(x))
    if axis is not None:
        return apply(op, (x,), axis=one_axis(axis, ndim), keepdims=bool(keepdims))
    flat = apply(op, (apply('reshape', (x,), shape=(-1,)),), axis=0, keepdims=False)
    return apply('reshape', (flat,), shape=(1,) * ndim) if keepdims else flat


def argmax(x, axis=None, keepdims=False):
    """Index of the first largest element along the axis (None: of the flattened x), int32; a NaN is the largest."""
    return _arg('argmax', x, axis, keepdims)


def argmin(x, axis=None, keepdims=False):
    """Index of the first smallest element along the axis (None: of the flattened x), int32; a NaN is the smallest."""
    return _arg('argmin', x, axis, keepdims)


# ---- running sums
def _cumsum_ref(x, *, axis, exclusive, reverse):
    if reverse:
        x = np.flip(x, axis)
    y = np.cumsum(x, axis=axis, dtype=x.dtype)
    if exclusive:
        y = np.roll(y, 1, axis)
        if x.shape[axis]:
            y[(slice(None),) * axis + (0,)] = 0
    return np.flip(y, axis) if reverse else y


def _cumsum_vjp(node, ct):
    a = node.attrs
    return [apply('cumsum', (ct,), axis=a['axis'], exclusive=a['exclusive'], reverse=not a['reverse'])]


def _cumsum_lower(ctx, node, ins, out):
    a, shape = node.attrs, node.shape
    ctx.step('cumsum', [ins[0], out], outer=count(shape[:a['axis']]), r=shape[a['axis']],
             inner=count(shape[a['axis'] + 1:]), exclusive=a['exclusive'], reverse=a['reverse'])


def _cumsum_samples():
    rng = np.random.default_rng(4)
    return [Sample([rng.normal(size=s).astype(np.float32)], {'axis': a, 'exclusive': e, 'reverse': r})
            for s, a, e, r in (((5, 37), 1, False, False), ((5, 37), 0, True, False), ((3, 4, 5), 1, False, True),
                               ((3, 9), 1, True, True))]


@register('cumsum', vjp=_cumsum_vjp, ref=_cumsum_ref, lower=_cumsum_lower, samples=_cumsum_samples,
          rows=facts.beside_axis, sink=facts.axis_moves)
def _cumsum_spec(x, *, axis, exclusive, reverse):
    return x.shape, 'int32' if x.dtype in ('bool', 'uint8') else x.dtype


def cumsum(x, axis=None, dtype=None):
    """Running sum along the axis (None: of the flattened x)."""
    x = core.as_tensor(x)
    if dtype is not None or core.dtype_of(x) == 'bool':
        x = apply('cast', (x,), dtype=core.dtype_name(dtype or 'int32'))
    if axis is None:
        x, axis = apply('reshape', (x,), shape=(-1,)), 0
    return apply('cumsum', (x,), axis=one_axis(axis, len(shape_of(x))), exclusive=False, reverse=False)
