"""Reading and adding at computed indices: gather, scatter, one-hot rows."""

import math

import numpy as np

from .. import config
from . import core, facts
from .core import FLOATS, INTS, Sample, apply, register
from .lowering import fits, lower_copy, strides
from .shapes import count, one_axis, shape_of

__all__ = ['gather', 'take', 'take_along_axis', 'pick', 'one_hot', 'scatter_add', 'scatter', 'scatter_update', 'slice',
           'slice_update']


def _within(op, indices, size, least=0):
    """indices, for the references; ValueError where one is outside [least, size)."""
    if indices.size and (indices.min() < least or indices.max() >= size):
        wrong = indices[(indices < least) | (indices >= size)].reshape(-1)[0]
        raise ValueError(f'[{op}]: index {wrong} is outside the range [{least}, {size})')
    return indices


def _reached(indices, size, axis):
    if indices.dtype != 'int64' and size is not None and size > REACH:
        raise ValueError(f'axis {axis} has {size} entries, and indices of type {indices.dtype} reach {REACH}: give indices of '
                         'type int64')


def _whole(name, indices):
    if indices.dtype not in INTS + ('uint8', 'bool'):
        raise ValueError(f'{name}: expected integers, got {indices.dtype}; convert them with cast')


REACH = 2 ** 31 - 1  # the longest axis that int32 indices reach


@register('narrow', ref=lambda x: np.clip(x, -REACH - 1, REACH).astype(np.int32), rows=facts.all_move,
          lower=lambda ctx, node, ins, out: ctx.step('narrow', [*ins, out], n=out.size),
          supports=lambda node: node.inputs[0].dtype == 'int64', light=True,
          samples=lambda: [Sample([np.array([0, 5, -1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 3, -2 ** 31, -2 ** 40, 2 ** 63 - 1])],
                                  grad=False), Sample([np.arange(70000).reshape(7, -1) * 70001], grad=False)])
def _narrow_spec(x):
    """x as int32, what that cannot hold as its nearer end: outside of every axis it stays outside."""
    _whole('indices', x)
    return x.shape, 'int32'


def as_indices(x, size=0):
    """x as int32, the type that the kernels read, or as int64 for an axis that is longer than int32 reaches: the reference
    reads that. What is out of range stays out of range. size: of the axis, None where it is not known."""
    x = core.as_tensor(x)
    dtype = core.dtype_of(x)
    if (size or 0) > REACH:
        return x if dtype == 'int64' else apply('cast', (x,), dtype='int64')
    if dtype == 'int32':
        return x
    return apply('narrow', (x,)) if dtype == 'int64' else apply('cast', (x,), dtype='int32')


def _checked(op, indices, size, least=0):
    """as_indices; of arrays, which are known, with an error that names the index as it was given."""
    given = core.as_tensor(indices)
    if isinstance(given, np.ndarray) and given.dtype == np.int64 and size is not None:
        _within(op, given, size, least)
    return as_indices(given, size)


def _rng(seed=21):
    return np.random.default_rng(seed)


# ---- gather and scatter_add, each the other's gradient
def _gather_vjp(node, ct):
    x, indices = node.inputs
    if x.dtype not in FLOATS:
        return [None, None]
    return [apply('scatter_add', (indices, ct), axis=node.attrs['axis'], size=x.shape[node.attrs['axis']]), None]


def _gather_lower(ctx, node, ins, out):
    x, indices = node.inputs
    axis = node.attrs['axis']
    ctx.step('gather', [*ins, out], outer=count(x.shape[:axis]), size=x.shape[axis], inner=count(x.shape[axis + 1:]),
             nidx=indices.size, itemsize=np.dtype(x.dtype).itemsize)


def _gather_samples():
    r = _rng()
    return [Sample([r.normal(size=s).astype(np.float32), r.integers(0, s[a], i).astype(np.int32)], {'axis': a})
            for s, a, i in (((9, 5), 0, (4,)), ((3, 70), 1, (2, 5)), ((2, 6, 4), 1, ()), ((7,), 0, (3, 3)),
                            ((5, 64), 0, (40,)), ((300, 130), 0, (5, 400)))]


def _gather_steps(node):
    """Lists of indices into the same table."""
    return (1, 0) if node.attrs['axis'] == 0 and node.inputs[1].ndim else None


def _gather_rows(node, moving):
    """Rows of indices into a table, or rows that all are picked from alike."""
    return not moving[0] if node.attrs['axis'] == 0 else not moving[1]


@register('gather', vjp=_gather_vjp, lower=_gather_lower, samples=_gather_samples,
          ref=lambda x, i, *, axis: np.take(x, _within('gather', i, x.shape[axis]), axis),
          supports=lambda node: node.inputs[1].dtype == 'int32', rows=_gather_rows, steps=_gather_steps)
def _gather_spec(x, indices, *, axis):
    _whole('indices', indices)
    _reached(indices, x.shape[axis], axis)
    return tuple(x.shape[:axis]) + tuple(indices.shape) + tuple(x.shape[axis + 1:]), x.dtype


def gather(x, indices, axis=0):
    """x at the indices along an axis, which the axes of `indices` replace. ValueError, when it runs, for an index
    outside [0, size): negative ones do not count from the end, see `take`."""
    x = core.as_tensor(x)
    axis = one_axis(axis, len(shape_of(x)))
    return apply('gather', (x, _checked('gather', indices, shape_of(x)[axis])), axis=axis)


def take(x, indices, axis=None):
    """x at the indices along an axis (None: of the flattened x); negative ones count from the end.

    ValueError, when it runs, for an index outside [-size, size).
    """
    x = core.as_tensor(x)
    if axis is None:
        x, axis = apply('reshape', (x,), shape=(-1,)), 0
    axis = one_axis(axis, len(shape_of(x)))
    size = shape_of(x)[axis]
    return gather(x, _from_start(_checked('take', indices, size, -(size or 0)), size), axis)


def _from_start(indices, size):
    """Indices with negative ones counted from the end; constants at once."""
    if core.dtype_of(indices) in ('bool', 'uint8'):
        return indices
    if size is None:
        return indices
    if isinstance(indices, np.ndarray):
        return np.where(indices < 0, indices + size, indices).astype(indices.dtype)
    return apply('where', (apply('less', (indices, 0)), apply('add', (indices, size)), indices))


def _scatter_ref(indices, u, *, axis, size):
    _within('scatter_add', indices, size)
    lead = u.shape[:axis]
    rest = u.shape[axis + indices.ndim:]
    y = np.zeros((int(np.prod(lead)), size, int(np.prod(rest))), u.dtype)
    np.add.at(y, (np.s_[:], indices.reshape(-1)), u.reshape(y.shape[0], indices.size, y.shape[2]))
    return y.reshape(*lead, size, *rest)


def _scatter_lower(ctx, node, ins, out):
    axis = node.attrs['axis']
    ctx.step('scatter_add', [*ins, out], outer=count(node.shape[:axis]), size=node.attrs['size'],
             inner=count(node.shape[axis + 1:]), nidx=node.inputs[0].size, kept=int(ctx.kept))


def _scatter_simpler(node, inputs):
    """Of a transposed array: the indices are transposed instead."""
    indices, u = inputs
    order = facts.leading_order(u.attrs['axes'], len(indices.shape)) if u.op == 'transpose' else None
    if order is None or node.attrs['axis']:
        return None
    back = tuple(int(k) for k in np.argsort(order))
    return facts.made('scatter_add', (facts.transposed(indices, back), u.inputs[0]), node, **node.attrs)


@register('scatter_add', vjp=lambda node, ct: [None, apply('gather', (ct, node.inputs[0]), axis=node.attrs['axis'])],
          ref=_scatter_ref, lower=_scatter_lower, simplify=_scatter_simpler, epilogue=True,
          rows=lambda node, moving: node.attrs['axis'] > 0 and not moving[0],
          samples=lambda: [Sample([s.inputs[1], np.take(*s.inputs, s.attrs['axis'])],
                                  {'axis': s.attrs['axis'], 'size': s.inputs[0].shape[s.attrs['axis']]})
                           for s in _gather_samples()])
def _scatter_spec(indices, u, *, axis, size):
    _whole('indices', indices)
    _reached(indices, size, axis)
    got = tuple(u.shape[axis:axis + len(indices.shape)])
    if len(got) != len(indices.shape) or any(None not in (a, b) and a != b for a, b in zip(got, indices.shape)):
        raise ValueError(f'updates: expected the shape {tuple(indices.shape)} of the indices from axis {axis} on, '
                         f'got {tuple(u.shape)}')
    return tuple(u.shape[:axis]) + (size,) + tuple(u.shape[axis + len(indices.shape):]), u.dtype


def scatter_add(indices, updates, size, axis=0):
    """Zeros, `size` long on the axis, with the updates added at the indices, in order. The axes of `indices` stand in
    `updates` where the one axis stands in the result: the gradient of `gather`."""
    updates = core.as_tensor(updates)
    return apply('scatter_add', (_checked('scatter_add', indices, int(size)), updates), axis=axis, size=int(size))


# ---- rows that indices point at: what a sparse update is made of (compiler.sparse)
def _touched_ref(indices, *, size):
    flat = _within('touched', indices.reshape(-1), size)
    rows, first, place = np.unique(flat, return_index=True, return_inverse=True)
    order = np.argsort(first)
    found = np.full((2, flat.size), -1, np.int32)
    found[0, :len(rows)] = rows[order]
    found[1] = np.argsort(order)[place.reshape(-1)]
    return found


def _touched_lower(ctx, node, ins, out):
    size = node.attrs['size']
    ctx.step('touched', [ins[0], ctx.temp((size,), 'int32'), out], size=size, nidx=ins[0].size)


@register('touched', ref=_touched_ref, lower=_touched_lower,
          samples=lambda: [Sample([i], {'size': 9}, grad=False) for i in
                           (np.int32([[3, 1, 3], [8, 1, 0]]), np.int32([5]), _rng().integers(0, 9, 40).astype(np.int32))],
          supports=lambda node: node.inputs[0].dtype == 'int32')
def _touched_spec(indices, *, size):
    """[2, n]: the different indices in the order they come first, then -1; and the place of each index among them."""
    _whole('indices', indices)
    return (2, count(indices.shape)), 'int32'


def _put_ref(x, rows, u, *, in_place):
    y = x.copy()
    y[_within('put_rows', rows[rows >= 0], len(x))] = u[rows >= 0]
    return y


def _put_lower(ctx, node, ins, out):
    x, rows, u = ins
    if node.attrs['in_place']:
        out.base = x
    else:
        lower_copy(ctx, x, out, (x.size,), (1,), (1,))
    ctx.step('put_rows', [rows, u, out], size=x.shape[0], inner=count(x.shape[1:]), nidx=rows.size)


@register('put_rows', ref=_put_ref, lower=_put_lower,
          samples=lambda: [Sample([_rng().normal(size=(9, *s)).astype(np.float32), np.int32([4, 0, 7, -1]),
                                   _rng(1).normal(size=(4, *s)).astype(np.float32)], {'in_place': False}, grad=False)
                           for s in ((), (5,), (3, 7))])
def _put_spec(x, rows, u, *, in_place):
    """x with u[j] in the place of row rows[j] where that is not negative. in_place: x's memory takes them; the compiler
    sets it where nothing reads x afterwards."""
    return x.shape, x.dtype


# ---- rows
def _pick_ref(x, indices):
    flat = x.reshape(-1, x.shape[-1])
    return flat[np.arange(len(flat)), _within('pick', indices.reshape(-1), x.shape[-1])].reshape(indices.shape)


def _pick_vjp(node, ct):
    x, indices = node.inputs
    hot = apply('one_hot', (indices,), depth=x.shape[-1], on=1.0, off=0.0)
    if x.dtype != hot.dtype:
        hot = apply('cast', (hot,), dtype=x.dtype)
    return [hot * apply('expand_dims', (ct,), axis=(ct.ndim,)), None]


def _pick_samples():
    r = _rng()
    return [Sample([r.normal(size=s).astype(np.float32), r.integers(0, s[-1], s[:-1]).astype(np.int32)])
            for s in ((5, 37), (2, 3, 4), (1, 1))]


@register('pick', vjp=_pick_vjp, ref=_pick_ref, samples=_pick_samples, rows=facts.all_move,
          lower=lambda ctx, node, ins, out: ctx.step('pick', [*ins, out], rows=out.size, size=node.inputs[0].shape[-1]))
def _pick_spec(x, indices):
    _whole('indices', indices)
    if len(indices.shape) != len(x.shape) - 1 or any(None not in (a, b) and a != b
                                                     for a, b in zip(x.shape, indices.shape)):
        raise ValueError(f'indices: expected one for each row, shape {tuple(x.shape[:-1])}, got {tuple(indices.shape)}')
    return tuple(indices.shape), x.dtype


def pick(x, indices):
    """x[..., i] with an index of its own for each row. ValueError, when it runs, for an index outside [0, size)."""
    x = core.as_tensor(x)
    return apply('pick', (x, _checked('pick', indices, shape_of(x)[-1])))


def _one_hot_ref(indices, *, depth, on, off):
    return np.where(indices[..., None] == np.arange(depth), np.float32(on), np.float32(off))


@register('one_hot', ref=_one_hot_ref, vjp=lambda node, ct: [None], rows=facts.first_moves,
          lower=lambda ctx, node, ins, out: ctx.step('one_hot', [*ins, out], nidx=ins[0].size, **node.attrs),
          samples=lambda: [Sample([np.array([[0, 3, 4], [-1, 2, 9]], np.int32)], {'depth': 5, 'on': 1.0, 'off': 0.0},
                                  grad=False),
                           Sample([np.arange(33, dtype=np.int32)], {'depth': 40, 'on': 2.0, 'off': -1.0}, grad=False)])
def _one_hot_spec(indices, *, depth, on, off):
    _whole('x', indices)
    return tuple(indices.shape) + (depth,), 'float32'


def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Rows of `num_classes` numbers along a new axis: 1 at the index, 0 elsewhere; all 0 for an index out of range."""
    if sparse:
        raise ValueError('[one_hot] sparse: the engine has dense tensors only, pass False')
    if num_classes > REACH:
        raise ValueError(f'[one_hot] num_classes: expected at most {REACH}, got {num_classes}')
    y = apply('one_hot', (as_indices(x),), depth=int(num_classes), on=1.0, off=0.0)
    dtype = core.dtype_name(dtype) if dtype is not None else config.floatx()
    if core.dtype_of(y) != dtype:
        y = apply('cast', (y,), dtype=dtype)
    ndim = len(shape_of(y))
    axis = one_axis(axis, ndim)
    if axis == ndim - 1:
        return y
    order = list(range(ndim - 1))
    order.insert(axis, ndim - 1)
    return apply('transpose', (y,), axes=tuple(order))


# ---- an index for each element
def _along_compose(x, indices, *, axis):
    """One gather from the flattened x: the place of an element is that of its row plus its index."""
    shape, size = indices.shape, x.shape[axis]
    inner = count(x.shape[axis + 1:])
    wide = np.int32 if count(x.shape) <= REACH else np.int64
    indices = as_indices(indices, count(x.shape))
    rows = np.arange(count(shape[:axis]), dtype=wide) * (size * inner)
    place = (rows.reshape((*shape[:axis],) + (1,) * (len(shape) - axis))
             + np.arange(inner, dtype=wide).reshape(x.shape[axis + 1:]))
    places = apply('add', (apply('multiply', (indices, inner)), place))
    # an index out of range must not read another row
    places = apply('where', (outside(indices, size), -1, places))
    return apply('gather', (apply('reshape', (x,), shape=(-1,)), places), axis=0)


def outside(indices, size):
    """Where indices are not in [0, size)."""
    return apply('logical_or', (apply('less', (indices, 0)), apply('less', (size - 1, indices))))


def _along_samples():
    r = _rng()
    return [Sample([r.normal(size=s).astype(np.float32), r.integers(0, s[a], t).astype(np.int32)], {'axis': a})
            for s, a, t in (((5, 37), 1, (5, 4)), ((4, 6), 0, (3, 6)), ((2, 5, 3), 1, (2, 7, 3)))]


def _along_ref(x, i, *, axis):
    i, shape = _within('take_along_axis', i, x.shape[axis]), i.shape
    if x.ndim == 64:    # NumPy takes at most 63 arrays of indices, one for each axis
        before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1:])
        x, i = (a.reshape(before, a.shape[axis], after) for a in (x, i))
        axis = 1
    return np.take_along_axis(x, i, axis).reshape(shape)


@register('take_along_axis', compose=_along_compose, samples=_along_samples,
          rows=lambda node, moving: all(moving) if node.attrs['axis'] else not moving[0],
          ref=_along_ref)
def _along_spec(x, indices, *, axis):
    _whole('indices', indices)
    if len(x.shape) != len(indices.shape) or any(k != axis and None not in (a, b) and a != b
                                                 for k, (a, b) in enumerate(zip(x.shape, indices.shape))):
        raise ValueError(f'indices: expected the shape {tuple(x.shape)} of x but for axis {axis}, '
                         f'got {tuple(indices.shape)}')
    return tuple(indices.shape), x.dtype


def take_along_axis(x, indices, axis=None):
    """x at an index of its own for each element of the result, along an axis (None: of the flattened x), as
    numpy.take_along_axis; negative ones count from the end."""
    x, indices = core.as_tensor(x), core.as_tensor(indices)
    if axis is None:
        x, axis = apply('reshape', (x,), shape=(-1,)), 0
        indices = apply('reshape', (indices,), shape=(-1,))
    a, b = shape_of(x), shape_of(indices)
    axis = one_axis(axis, len(a))
    indices = _checked('take_along_axis', indices, a[axis], -(a[axis] or 0))
    if len(a) == len(b) and None not in a + b:  # sizes of 1 are repeated
        both = [max(p, q) for p, q in zip(a, b)]
        x = apply('broadcast_to', (x,), shape=tuple(both[:axis] + [a[axis]] + both[axis + 1:]))
        indices = apply('broadcast_to', (indices,), shape=tuple(both[:axis] + [b[axis]] + both[axis + 1:]))
    return apply('take_along_axis', (x, _from_start(indices, a[axis])), axis=axis)


# ---- scatter of Keras: rows of index tuples
def _flat_rows(indices, shape):
    """Index tuples, the last axis of `indices`, as one index into the first axes of `shape`, flattened; -1 where one is
    outside its axis, which must not stand for another place."""
    indices = core.as_tensor(indices)
    depth = shape_of(indices)[-1] if shape_of(indices) else 0
    if not depth or depth > len(shape) or None in shape:
        raise ValueError(f'[scatter] indices: expected index tuples along the last axis for a shape of {len(shape)} '
                         f'known sizes, got {shape_of(indices)} for {tuple(shape)}')
    size = count(shape[:depth])
    indices = as_indices(indices, size)
    steps, last = np.array(strides(shape[:depth]), core.dtype_of(indices)), (len(shape_of(indices)) - 1,)
    flat = apply('sum', (apply('multiply', (indices, steps)),), axis=last, keepdims=False)
    wrong = outside(indices, np.array(shape[:depth], core.dtype_of(indices)))
    return apply('where', (apply('any', (wrong,), axis=last, keepdims=False), -1, flat)), depth


def scatter(indices, values, shape):
    """Zeros of `shape` with values added at index tuples: indices (..., k), values (..., *shape[k:])."""
    shape = tuple(int(d) for d in shape)
    flat, depth = _flat_rows(indices, shape)
    y = scatter_add(flat, values, count(shape[:depth]))
    return apply('reshape', (y,), shape=shape)


def scatter_update(inputs, indices, updates, reduction=None):
    """inputs with the values at index tuples replaced: indices (n, k), updates (n, *inputs.shape[k:]). reduction:
    None, or 'add' to add them instead."""
    inputs, updates = core.as_tensor(inputs), core.as_tensor(updates)
    shape = shape_of(inputs)
    added = scatter(indices, updates, shape)
    if reduction == 'add':
        return apply('add', (inputs, added))
    if reduction is not None:
        raise ValueError(f"[scatter_update] reduction: expected None or 'add', got {reduction!r}")
    hits = scatter(indices, np.ones(shape_of(updates), np.float32), shape)
    share = apply('divide', (added, apply('maximum', (hits, 1.0))))
    return apply('cast', (apply('where', (apply('greater', (hits, 0.0)), share, inputs)),), dtype=core.dtype_of(inputs))


# ---- boxes
def slice(inputs, start_indices, shape):
    """The box of the given shape that starts at the given indices."""
    inputs = core.as_tensor(inputs)
    key = _box_key(start_indices, shape, len(shape_of(inputs)))
    for d, (begin, end, _) in zip(shape_of(inputs), key):
        if begin < 0 or (d is not None and end is not None and end > d):
            raise ValueError(f'[slice]: a box of shape {tuple(shape)} at {tuple(start_indices)} does not fit into '
                             f'{shape_of(inputs)}')
    return apply('slice', (inputs,), key=key)


def _box_key(start, shape, ndim):
    start = [int(s) for s in start]
    if len(start) != ndim or len(shape) != ndim:
        raise ValueError(f'expected a start and a size for each of {ndim} axes, got {start} and {tuple(shape)}')
    return tuple((s, None if d is None or d == -1 else s + int(d), 1) for s, d in zip(start, shape))


def _update_ref(x, u, *, start):
    y = x.copy()
    y[tuple(np.s_[s:s + d] for s, d in zip(start, u.shape))] = u
    return y


def _update_lower(ctx, node, ins, out):
    steps, size = strides(node.shape), node.inputs[1].shape
    lower_copy(ctx, ins[0], out, node.shape, steps, steps)
    first = sum(s * k for s, k in zip(node.attrs['start'], steps))
    lower_copy(ctx, ins[1], out, size, strides(size), steps, yoff=first)


def _update_vjp(node, ct):
    start, u = node.attrs['start'], node.inputs[1]
    key = tuple((s, s + d, 1) for s, d in zip(start, u.shape))
    return [apply('slice_update', (ct, np.zeros(u.shape, u.dtype)), start=start), apply('slice', (ct,), key=key)]


@register('slice_update', vjp=_update_vjp, ref=_update_ref, lower=_update_lower, promote=0,
          rows=lambda node, moving: all(moving),
          supports=lambda node: fits(node.shape, strides(node.shape), strides(node.shape)) and len(node.shape) <= 8,
          samples=lambda: [Sample([_rng().normal(size=(5, 7)).astype(np.float32),
                                   _rng(2).normal(size=(2, 3)).astype(np.float32)],
                                  {'start': (1, 4)})])
def _update_spec(x, u, *, start):
    if len(u.shape) != len(x.shape) or len(start) != len(x.shape) or any(
            s < 0 or None not in (d, n) and s + n > d for s, d, n in zip(start, x.shape, u.shape)):
        raise ValueError(f'updates of shape {tuple(u.shape)} at {tuple(start)} do not fit into {tuple(x.shape)}')
    return tuple(x.shape), x.dtype


def slice_update(inputs, start_indices, updates):
    """inputs with the box of the updates' shape that starts at the given indices replaced by them."""
    return apply('slice_update', (inputs, updates), start=tuple(int(s) for s in start_indices))
