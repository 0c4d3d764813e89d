"""Pooling: the records of maxima and averages over two and three axes with their gradients, and the public functions over one
to three dimensions. Sequences are images of one row.

A window counts only elements inside the image, for averages too; a NaN in a window is the window's maximum. The
gradient of a maximum goes to the first largest element of its window, slice by slice and row by row.
"""

import numpy as np

from .conv_records import check_gradient_size
from .core import Sample, apply, as_tensor, error, record, register
from .facts import all_move
from .move import expand_dims, squeeze, transpose
from .reduce import max, mean
from .windows import (
    checked_padding,
    data_format_of,
    from_last,
    inside,
    ints,
    last_first,
    outputs,
    padded,
    pads,
    spatial,
    taps,
    to_last,
    window_attributes,
    windows,
)

__all__ = ['average_pool', 'global_average_pool', 'global_max_pool', 'max_pool']

IMAGE = {'d': 1, 'od': 1, 'kd': 1, 'sd': 1, 'pf': 0}  # the depth of one


def _windows(x_shape, pool_size, strides, padding):
    return windows(x_shape[1:-1], pool_size, strides, padding, op='pool')


def _pool_size(node):
    return node.attrs['pool_size']


def _checked(op, x, pool_size, strides, padding, data_format):
    """(n, size, c), number of windows in each dimension and type."""
    rank = len(pool_size)
    if len(x.shape) != rank + 2:
        raise error(op, f'inputs: expected {rank + 2} dimensions ({data_format}), got shape {tuple(x.shape)}')
    if not isinstance(padding, str) and any(p[0] >= k or p[1] >= k for p, k in zip(padding, pool_size)):
        raise error(op, f'padding: expected less than the pool size {tuple(pool_size)} on each side, so that every '
                        f'window holds an element, got {padding}')
    n, *size, c = to_last(x.shape, data_format)
    return n, tuple(size), c, outputs(padding, size, pool_size, strides, (1,) * rank, op)


def _lower(kernel):
    """Lowering of a pooling record: the larger image, the record's result or one of its operands, sets the geometry."""
    def lower(ctx, node, ins, out):
        a, x = node.attrs, out if kernel.endswith('_dx') else ins[0]
        g = {**IMAGE, **window_attributes(_windows(x.shape, a['pool_size'], a['strides'], a['padding']))}
        g = {'n': x.shape[0], 'c': x.shape[-1], **{k: v for k, v in g.items() if k not in ('dd', 'dh', 'dw')}}
        step = ctx.step(kernel, [*ins, out], **g)
        if kernel == 'max_pool_dx' and ctx.parts(kernel, **g):
            step.over = 0
    return lower


CASES = {2: [
    {'x': (2, 6, 4, 3), 'pool_size': (2, 2), 'strides': (2, 2)},
    {'x': (1, 7, 5, 17), 'pool_size': (3, 3), 'strides': (2, 2), 'padding': 'same'},
    {'x': (1, 8, 9, 33), 'pool_size': (3, 2), 'strides': (1, 3), 'padding': 'same'},
    {'x': (2, 9, 9, 1), 'pool_size': (2, 2), 'strides': (3, 3)},
    {'x': (1, 7, 8, 16), 'pool_size': (3, 3), 'strides': (2, 2), 'padding': ((1, 0), (1, 2))},
    {'x': (3, 1, 10, 4), 'pool_size': (1, 4), 'strides': (1, 4), 'padding': 'same'},
    {'x': (1, 5, 5, 40), 'pool_size': (5, 5), 'strides': (5, 5)},
    {'x': (0, 4, 4, 3), 'pool_size': (2, 2), 'strides': (2, 2)},
    {'x': (2, 3, 6, 4), 'pool_size': (2, 2), 'strides': (2, 2), 'data_format': 'channels_first'},
], 3: [
    {'x': (2, 4, 6, 5, 3), 'pool_size': (2, 2, 2), 'strides': (2, 2, 2)},
    {'x': (1, 5, 4, 5, 17), 'pool_size': (3, 2, 3), 'strides': (2, 1, 2), 'padding': 'same'},
    {'x': (1, 5, 6, 4, 2), 'pool_size': (2, 3, 2), 'strides': (3, 2, 1), 'padding': ((1, 0), (2, 1), (0, 1))},
    {'x': (2, 3, 4, 4, 5), 'pool_size': (1, 2, 2), 'strides': (1, 2, 2)},
    {'x': (2, 4, 3, 4, 5), 'pool_size': (2, 1, 1), 'strides': (2, 1, 1)},
    {'x': (0, 4, 4, 4, 3), 'pool_size': (2, 2, 2), 'strides': (2, 2, 2)},
    {'x': (2, 3, 4, 5, 4), 'pool_size': (2, 2, 2), 'strides': (2, 2, 2), 'data_format': 'channels_first'},
]}


def cases(rank):
    rng, result = np.random.default_rng(rank), []
    for given in CASES[rank]:
        a = {'padding': 'valid', 'data_format': 'channels_last', **given}
        x = a.pop('x')
        n, *size, c = to_last(x, a['data_format'])
        size = outputs(a['padding'], size, a['pool_size'], a['strides'], (1,) * rank, 'pool')
        # distinct values: at a tie the maximum has no derivative
        values = rng.permutation(int(np.prod(x))).reshape(x).astype('float32') / 16 - 2
        result.append((values, rng.standard_normal(from_last((n, *size, c), a['data_format'])).astype('float32'), a))
    return result


# ---- maximum

@last_first(0, -1)
def _max_ref(x, pool_size, strides, padding='valid'):
    g = _windows(x.shape, pool_size, strides, padding)
    full = padded(x, g, -np.inf)
    y = np.full((x.shape[0], *g.count, x.shape[-1]), -np.inf, x.dtype)
    for _, index in taps(g):
        np.maximum(y, full[index], out=y)
    return y


def _chosen(x, y, g):
    """For every element of the window, its index and where it is the maximum that was found first."""
    full = padded(x, g)
    real = padded(np.ones((1, *g.size, 1), bool), g, False)
    free = np.ones(y.shape, bool)
    for _, index in taps(g):
        value = full[index]
        hit = free & real[index] & ((value == y) | (value != value))
        free &= ~hit
        yield index, hit


@last_first(0, 1, 2, -1)
def _max_dx_ref(x, y, dy, pool_size, strides, padding='valid'):
    g = _windows(x.shape, pool_size, strides, padding)
    full = padded(np.zeros(x.shape, dy.dtype), g)
    for index, hit in _chosen(x, y, g):
        full[index] += np.where(hit, dy, 0)
    return np.ascontiguousarray(inside(full, g))


@last_first(0, 1, 2, -1)
def _max_take_ref(x, y, t, pool_size, strides, padding='valid'):
    g = _windows(x.shape, pool_size, strides, padding)
    full, result = padded(t, g), np.zeros(y.shape, t.dtype)
    for index, hit in _chosen(x, y, g):
        result += np.where(hit, full[index], 0)
    return result


def _same_shapes(op, y, dy, x, pool_size, strides, padding, data_format):
    n, _, c, size = _checked(op, x, pool_size, strides, padding, data_format)
    expected = from_last((n, *size, c), data_format)
    for name, node in (('outputs', y), ('output gradient', dy)):
        if len(node.shape) != len(expected) or any(None not in (a, b) and a != b for a, b in zip(node.shape, expected)):
            raise error(op, f'{name}: expected shape {expected}, got {tuple(node.shape)}')


def _maxima(rank):
    """The records of maxima over so many axes: their gradient, and its own."""
    op, by_input, taken = f'max_pool{rank}d', f'max_pool{rank}d_dx', f'max_pool{rank}d_take'

    def samples():
        return [([x, record(op).ref(x, **a), dy], a) for x, dy, a in cases(rank)]

    def vjp(node, ct):
        return [apply(by_input, [node.inputs[0], node, ct], **node.attrs)]

    @register(op, vjp=vjp, ref=_max_ref, lower=_lower('max_pool'), epilogue=True, promote=0, floating=True,
              images=(0, -1), window=_pool_size, border='least', rows=all_move,
              samples=lambda: [Sample([x], a) for x, _, a in cases(rank)])
    def spec(x, *, pool_size, strides, padding='valid', data_format='channels_last'):
        n, _, c, size = _checked(op, x, pool_size, strides, padding, data_format)
        return from_last((n, *size, c), data_format), x.dtype

    def dx_vjp(node, ct):
        x, y, _ = node.inputs
        return [None, None, apply(taken, [x, y, ct], **node.attrs)]

    @register(by_input, vjp=dx_vjp, ref=_max_dx_ref, lower=_lower('max_pool_dx'), promote=0, floating=True,
              images=(0, 1, 2, -1), window=_pool_size, rows=all_move, shares=True,
              samples=lambda: [Sample(arrays, a, grad=False) for arrays, a in samples()])
    def dx_spec(x, y, dy, *, pool_size, strides, padding='valid', data_format='channels_last'):
        """The gradient by x; y is the maxima."""
        _same_shapes(by_input, y, dy, x, pool_size, strides, padding, data_format)
        return tuple(x.shape), x.dtype

    def take_vjp(node, ct):
        x, y, _ = node.inputs
        return [None, None, apply(by_input, [x, y, ct], **node.attrs)]

    @register(taken, vjp=take_vjp, ref=_max_take_ref, promote=0, floating=True, images=(0, 1, 2, -1), rows=all_move,
              samples=lambda: [Sample([x, y, x * 0.5], a, grad=False) for (x, y, _), a in samples()])
    def take_spec(x, y, t, *, pool_size, strides, padding='valid', data_format='channels_last'):
        """t, an image like x, read where x has the maximum of each window: only second derivatives need it."""
        if tuple(t.shape) != tuple(x.shape):
            raise error(taken, f'expected t of the shape of x, {tuple(x.shape)}, got {tuple(t.shape)}')
        _same_shapes(taken, y, y, x, pool_size, strides, padding, data_format)
        return tuple(y.shape), t.dtype


# ---- average

def _counts(g, dtype):
    real = padded(np.ones((1, *g.size, 1), dtype), g)
    return sum(real[index] for _, index in taps(g))


@last_first(0, -1)
def _avg_ref(x, pool_size, strides, padding='valid'):
    g = _windows(x.shape, pool_size, strides, padding)
    full = padded(x, g)
    return sum(full[index] for _, index in taps(g)) / _counts(g, x.dtype)


@last_first(0, -1)
def _avg_dx_ref(dy, size, pool_size, strides, padding='valid'):
    x_shape = (dy.shape[0], *size, dy.shape[-1])
    g = _windows(x_shape, pool_size, strides, padding)
    full = padded(np.zeros(x_shape, dy.dtype), g)
    share = dy / _counts(g, dy.dtype)
    for _, index in taps(g):
        full[index] += share
    return np.ascontiguousarray(inside(full, g))


def _averages(rank):
    """The records of averages over so many axes."""
    op, by_input = f'avg_pool{rank}d', f'avg_pool{rank}d_dx'

    def vjp(node, ct):
        size = spatial(node.inputs[0].shape, node.attrs['data_format'])
        return [apply(by_input, [ct], size=size, **node.attrs)]

    @register(op, vjp=vjp, ref=_avg_ref, lower=_lower('avg_pool'), epilogue=True, promote=0, floating=True,
              images=(0, -1), rows=all_move,
              samples=lambda: [Sample([x], a) for x, _, a in cases(rank)])
    def spec(x, *, pool_size, strides, padding='valid', data_format='channels_last'):
        n, _, c, size = _checked(op, x, pool_size, strides, padding, data_format)
        return from_last((n, *size, c), data_format), x.dtype

    def dx_vjp(node, ct):
        return [apply(op, [ct], **{k: v for k, v in node.attrs.items() if k != 'size'})]

    @register(by_input, vjp=dx_vjp, ref=_avg_dx_ref, lower=_lower('avg_pool_dx'), promote=0, floating=True,
              images=(0, -1), rows=all_move,
              samples=lambda: [Sample([dy], dict(a, size=spatial(x.shape, a['data_format']))) for x, dy, a in cases(rank)])
    def dx_spec(dy, *, size, pool_size, strides, padding='valid', data_format='channels_last'):
        """The gradient by an input of spatial `size`."""
        n, *dy_size, c = to_last(dy.shape, data_format)
        check_gradient_size(by_input, size, dy_size, pool_size, strides, padding, (1,) * rank)
        return from_last((n, *size, c), data_format), dy.dtype


for _rank in (2, 3):
    _maxima(_rank)
    _averages(_rank)


# ---- public functions

def max_pool(inputs, pool_size, strides=None, padding='valid', data_format=None):
    """The largest element of each window; strides: pool_size unless given. Volumes (n, d, h, w, c), images (n, h, w, c)
    or sequences (n, steps, c), or with channels second under data_format='channels_first'."""
    return _pool('max_pool', 'max_pool{}d', inputs, pool_size, strides, padding, data_format)


def average_pool(inputs, pool_size, strides=None, padding='valid', data_format=None):
    """The mean of the elements inside each window; arguments as max_pool's."""
    return _pool('average_pool', 'avg_pool{}d', inputs, pool_size, strides, padding, data_format)


def global_max_pool(inputs, data_format=None, keepdims=False):
    """The largest element of each channel: (n, c)."""
    return max(inputs, axis=_spatial_axes('global_max_pool', inputs, data_format), keepdims=keepdims)


def global_average_pool(inputs, data_format=None, keepdims=False):
    """The mean of each channel: (n, c)."""
    return mean(inputs, axis=_spatial_axes('global_average_pool', inputs, data_format), keepdims=keepdims)


def _spatial_axes(op, inputs, data_format):
    rank = len(as_tensor(inputs).shape)
    if rank < 3:
        raise error(op, f'inputs: expected 3 dimensions or more, got {rank}')
    return tuple(range(1, rank - 1)) if data_format_of(data_format, op) == 'channels_last' else tuple(range(2, rank))


def _pool(op, record, inputs, pool_size, strides, padding, data_format):
    x = as_tensor(inputs)
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise error(op, f'inputs: expected 3 dimensions (sequences), 4 (images) or 5 (volumes), got shape {tuple(x.shape)}')
    layout = data_format_of(data_format, op)
    pool_size = ints(pool_size, rank, op, 'pool_size')
    strides = pool_size if strides is None else ints(strides, rank, op, 'strides')
    padding = checked_padding(padding, op, rank)
    flip = rank == 1 and layout == 'channels_first'
    if rank == 1:
        outputs(padding, spatial(x.shape, layout), pool_size, strides, (1,), record.format(1))
        x = expand_dims(transpose(x, (0, 2, 1)) if flip else x, 1)
        layout, pool_size, strides = 'channels_last', (1, *pool_size), (1, *strides)
        padding = padding if isinstance(padding, str) else ((0, 0), *padding)
    known = pads(padding, spatial(x.shape, layout), pool_size, strides)
    y = apply(record.format(3 if rank == 3 else 2), [x], pool_size=pool_size, strides=strides,
              padding=padding if None in known else known, data_format=layout)
    if rank == 1:
        y = squeeze(y, 1)
    return transpose(y, (0, 2, 1)) if flip else y
