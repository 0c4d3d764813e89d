"""Operations that arrange elements anew: reshape, transpose, broadcast, repeat."""

import numpy as np

from . import core, facts
from .core import Sample, apply, register
from .lowering import fits, lower_copy, strides
from .shapes import broadcast, count, many_axes, one_axis, shape_of, sum_to

__all__ = ['reshape', 'ravel', 'expand_dims', 'squeeze', 'transpose', 'swapaxes', 'moveaxis', 'broadcast_to', 'repeat',
           'tile']


def normal(*shapes, seed=11):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=s).astype(np.float32) for s in shapes]


# ---- reshape: a view
def _resolve(old, shape):
    """The shape that a reshape gives. In `shape`, None stands for the input's size at the same place, or, when it is
    the only unknown, for what is left, as -1."""
    unknown = [i for i, d in enumerate(shape) if d is None or d == -1]
    if any(d is not None and d < -1 for d in shape) or list(shape).count(-1) > 1:
        raise ValueError(f'newshape: expected sizes and at most one -1, got {tuple(shape)}')
    new = list(shape)
    if len(unknown) > 1:
        for i in unknown:
            if new[i] is None:
                if i >= len(old):
                    raise ValueError(f'newshape: {tuple(shape)} has several unknown sizes, and the input of shape '
                                     f'{tuple(old)} has no axis {i} to take one from')
                new[i] = old[i]
        unknown = [i for i in unknown if new[i] == -1]
    total = count(old)
    if total is None:
        # sizes unknown on both sides cancel
        left, right = [d for d in old if d is None], [d for d in new if d is None]
        known = count([d for d in old if d is not None])
        rest = count([d for d in new if d not in (None, -1)])
        for i in unknown:
            same = len(left) == len(right) and new[i] == -1 and rest and known % rest == 0
            new[i] = known // rest if same else None
        return tuple(new)
    rest = count([d for i, d in enumerate(new) if i not in unknown])
    if unknown:
        if rest == 0 or total % rest:
            raise ValueError(f'an array of shape {tuple(old)} cannot be reshaped to {tuple(shape)}: {total} elements '
                             f'are not a multiple of {rest}')
        new[unknown[0]] = total // rest
    elif rest != total:
        raise ValueError(f'an array of shape {tuple(old)} ({total} elements) cannot be reshaped to {tuple(shape)} '
                         f'({rest} elements)')
    return tuple(new)


def _reshape_simpler(node, inputs):
    source = inputs[0]
    while source.op == 'reshape':
        source = source.inputs[0]
    return source if source.shape == node.shape else facts.made('reshape', (source,), node, shape=node.shape)


@register('reshape', vjp=lambda node, ct: [apply('reshape', (ct,), shape=node.inputs[0].shape)],
          ref=lambda x, *, shape: x.reshape(_resolve(x.shape, shape)), view=lambda node: 0,
          simplify=_reshape_simpler, rows=facts.first_moves, sized=('shape',),
          samples=lambda: [Sample(normal((4, 6)), {'shape': (3, -1)}),
                           Sample(normal((2, 3, 4)), {'shape': (None, 12)})])
def _reshape_spec(x, *, shape):
    return _resolve(x.shape, shape), x.dtype


def reshape(x, newshape):
    """x with the same elements in order under another shape; one size may be -1 (or None): what is left."""
    newshape = newshape if isinstance(newshape, (tuple, list)) else (newshape,)
    return apply('reshape', (x,), shape=tuple(None if d is None else int(d) for d in newshape))


def ravel(x):
    """x flattened to one axis."""
    return reshape(x, (-1,))


def _expand_shape(shape, axis):
    new = list(shape)
    for a in axis:
        new.insert(a, 1)
    return tuple(new)


@register('expand_dims', ref=lambda x, *, axis: np.expand_dims(x, axis),
          compose=lambda x, *, axis: apply('reshape', (x,), shape=_expand_shape(x.shape, axis)),
          samples=lambda: [Sample(normal((4, 6)), {'axis': (0, 2)})])
def _expand_spec(x, *, axis):
    return _expand_shape(x.shape, axis), x.dtype


def expand_dims(x, axis):
    """x with a new axis of size 1 at `axis` of the result (an int, or several)."""
    x = core.as_tensor(x)
    n = len(axis) if isinstance(axis, (tuple, list)) else 1
    return apply('expand_dims', (x,), axis=many_axes(axis, len(shape_of(x)) + n))


@register('squeeze', ref=lambda x, *, axis: np.squeeze(x, axis),
          compose=lambda x, *, axis: apply('reshape', (x,), shape=tuple(d for i, d in enumerate(x.shape) if i not in axis)),
          samples=lambda: [Sample(normal((1, 4, 1)), {'axis': (0,)}), Sample(normal((1, 4, 1)), {'axis': (0, 2)})])
def _squeeze_spec(x, *, axis):
    if any(x.shape[a] not in (1, None) for a in axis):
        raise ValueError(f'expected axes of size 1 at {axis}, got shape {x.shape}')
    return tuple(d for i, d in enumerate(x.shape) if i not in axis), x.dtype


def squeeze(x, axis=None):
    """x without the axes named, of size 1 (None: all of size 1)."""
    x = core.as_tensor(x)
    shape = shape_of(x)
    axes = tuple(i for i, d in enumerate(shape) if d == 1) if axis is None else many_axes(axis, len(shape))
    return apply('squeeze', (x,), axis=axes)


# ---- transpose
def _transpose_layout(node):
    shape, axes = node.inputs[0].shape, node.attrs['axes']
    steps = strides(shape)
    return node.shape, [steps[a] for a in axes], strides(node.shape)


def _transpose_vjp(node, ct):
    return [apply('transpose', (ct,), axes=tuple(int(i) for i in np.argsort(node.attrs['axes'])))]


def _transpose_simpler(node, inputs):
    """Two in a row are one; one that moves only axes of size 1 is a reshape; one of what indices chose is one of the
    indices."""
    axes, source = node.attrs['axes'], inputs[0]
    if source.op == 'transpose':
        first = source.attrs['axes']
        axes, source = tuple(first[a] for a in axes), source.inputs[0]
    if axes == tuple(range(len(axes))):
        return source
    real = [a for a in axes if source.shape[a] != 1]
    if real == sorted(real):
        return facts.made('reshape', (source,), node, shape=node.shape)
    if source.op == 'gather' and source.attrs['axis'] == 0:
        table, indices = source.inputs
        order = facts.leading_order(axes, len(indices.shape))
        if order is not None:
            return facts.made('gather', (table, facts.transposed(indices, order)), node, axis=0)
    return facts.made('transpose', (source,), node, axes=axes)


@register('transpose', vjp=_transpose_vjp, ref=lambda x, *, axes: np.transpose(x, axes),
          lower=lambda ctx, node, ins, out: lower_copy(ctx, ins[0], out, *_transpose_layout(node)),
          supports=lambda node: fits(*_transpose_layout(node)), simplify=_transpose_simpler,
          rows=lambda node, moving: node.attrs['axes'][0] == 0,
          samples=lambda: [Sample(normal(s), {'axes': a}) for s, a in (
              ((5, 37), (1, 0)), ((601, 1003), (1, 0)), ((2, 3, 4, 5), (0, 3, 1, 2)), ((2, 3, 4, 5), (3, 1, 0, 2)),
              ((3, 70, 33), (0, 2, 1)))])
def _transpose_spec(x, *, axes):
    if sorted(axes) != list(range(len(x.shape))):
        raise ValueError(f'axes: expected an order of the {len(x.shape)} axes of shape {x.shape}, got {axes}')
    return tuple(x.shape[a] for a in axes), x.dtype


def transpose(x, axes=None):
    """x with its axes in another order (None: reversed)."""
    x = core.as_tensor(x)
    ndim = len(shape_of(x))
    axes = tuple(reversed(range(ndim))) if axes is None else tuple(one_axis(a, ndim, 'axes') for a in axes)
    return x if axes == tuple(range(ndim)) else apply('transpose', (x,), axes=axes)


def swapaxes(x, axis1, axis2):
    """x with two axes exchanged."""
    x = core.as_tensor(x)
    ndim = len(shape_of(x))
    order = list(range(ndim))
    a, b = one_axis(axis1, ndim, 'axis1'), one_axis(axis2, ndim, 'axis2')
    order[a], order[b] = b, a
    return transpose(x, order)


def moveaxis(x, source, destination):
    """x with the axes `source` (an int or several) at the places `destination`, the others in order."""
    x = core.as_tensor(x)
    ndim = len(shape_of(x))
    source = [one_axis(a, ndim, 'source') for a in (source if isinstance(source, (tuple, list)) else [source])]
    destination = [one_axis(a, ndim, 'destination')
                   for a in (destination if isinstance(destination, (tuple, list)) else [destination])]
    if len(source) != len(destination):
        raise ValueError(f'[moveaxis]: expected as many destinations as sources, got {source} and {destination}')
    order = [a for a in range(ndim) if a not in source]
    for d, s in sorted(zip(destination, source)):
        order.insert(d, s)
    return transpose(x, order)


# ---- broadcast
def _target(old, shape):
    """The shape of a broadcast: None in `shape` stands for the input's size there."""
    lead = len(shape) - len(old)
    new = tuple(old[i - lead] if d is None and i >= lead else d for i, d in enumerate(shape))
    if lead < 0 or broadcast(old, new) != new:
        raise ValueError(f'an array of shape {tuple(old)} cannot be broadcast to {tuple(shape)}')
    return new


def _broadcast_lower(ctx, node, ins, out):
    old = node.inputs[0].shape
    lead = len(node.shape) - len(old)
    steps = [0] * lead + [0 if d == 1 else s for d, s in zip(old, strides(old))]
    lower_copy(ctx, ins[0], out, node.shape, steps, strides(node.shape))


@register('broadcast_to', vjp=lambda node, ct: [sum_to(ct, node.inputs[0].shape)], lower=_broadcast_lower,
          ref=lambda x, *, shape: np.broadcast_to(x, _target(x.shape, shape)),
          micro=lambda node: None if node.dtype == 'float64' else 'copy',
          supports=lambda node: len(node.shape) <= 8, simplify=facts.the_input, sized=('shape',),
          samples=lambda: [Sample(normal(s), {'shape': t}) for s, t in (
              ((5, 1), (5, 37)), ((37,), (5, 37)), ((2, 1, 4, 1), (2, 3, 4, 5)), ((), (3, 4)))])
def _broadcast_spec(x, *, shape):
    return _target(x.shape, shape), x.dtype


def broadcast_to(x, shape):
    """x repeated along axes of size 1 and new leading axes until it has `shape`."""
    return apply('broadcast_to', (x,), shape=tuple(shape))


# ---- repetition
def _repeat_compose(x, *, repeats, axis):
    wide = list(_expand_shape(x.shape, (axis + 1,)))
    t = apply('reshape', (x,), shape=tuple(wide))
    wide[axis + 1] = repeats
    t = apply('broadcast_to', (t,), shape=tuple(wide))
    return apply('reshape', (t,), shape=x.shape[:axis] + (x.shape[axis] * repeats,) + x.shape[axis + 1:])


@register('repeat', ref=lambda x, *, repeats, axis: np.repeat(x, repeats, axis), compose=_repeat_compose,
          rows=facts.beside_axis,
          samples=lambda: [Sample(normal((4, 6)), {'repeats': 3, 'axis': 0}),
                           Sample(normal((4, 6)), {'repeats': 2, 'axis': 1})])
def _repeat_spec(x, *, repeats, axis):
    shape = list(x.shape)
    shape[axis] = None if shape[axis] is None else shape[axis] * repeats
    return tuple(shape), x.dtype


def repeat(x, repeats, axis=None):
    """x with each element along the axis (None: of the flattened x) so many times in a row; repeats: an int, or one
    for each element."""
    x = core.as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis(axis, len(shape_of(x)))
    each = np.asarray(repeats)
    if each.size == 1:
        return apply('repeat', (x,), repeats=int(each.reshape(())), axis=axis)
    size = shape_of(x)[axis]
    if size is None or each.shape != (size,):
        raise ValueError(f'[repeat]: expected one count, or one for each of {size} elements, got {each.shape}')
    return apply('gather', (x, np.repeat(np.arange(size, dtype=np.int32), each)), axis=axis)


def _tile_compose(x, *, repeats):
    inner = (1,) * (len(repeats) - len(x.shape)) + x.shape
    thin = tuple(d for n in inner for d in (1, n))
    wide = tuple(d for r, n in zip(repeats, inner) for d in (r, n))
    t = apply('broadcast_to', (apply('reshape', (x,), shape=thin),), shape=wide)
    return apply('reshape', (t,), shape=tuple(r * n for r, n in zip(repeats, inner)))


@register('tile', ref=lambda x, *, repeats: np.tile(x, repeats), compose=_tile_compose,
          samples=lambda: [Sample(normal((4, 6)), {'repeats': (2, 3)}), Sample(normal((4,)), {'repeats': (3, 1)})])
def _tile_spec(x, *, repeats):
    inner = (1,) * (len(repeats) - len(x.shape)) + tuple(x.shape)
    return tuple(None if n is None else r * n for r, n in zip(repeats, inner)), x.dtype


def tile(x, repeats):
    """x laid side by side so many times along each axis (the last ones, when fewer are given)."""
    x = core.as_tensor(x)
    repeats = tuple(int(r) for r in (repeats if isinstance(repeats, (tuple, list, np.ndarray)) else [repeats]))
    return apply('tile', (x,), repeats=(1,) * (len(shape_of(x)) - len(repeats)) + repeats)
