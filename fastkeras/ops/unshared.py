"""Convolution with weights of its own at every place: a product of matrices for each, all in one step."""

import math

import numpy as np

from .core import Sample, apply, as_tensor, error, register
from .elementwise import add
from .linalg import matmul
from .lowering import fits, lower_copy, strides
from .move import normal, reshape, transpose
from .slices import cut, pad
from .windows import checked_padding, data_format_of, ints, last_order, outputs, pads, spatial, taps, windows

__all__ = ['unshared_conv']


# ---- the windows at every place, as rows
def _geometry(shape, kernel_size, steps):
    return windows(shape[1:-1], kernel_size, steps, 'valid', op='window_rows')


def _cuts(g, rank):
    """For each element of the window, the key of a slice: the elements it meets, of all examples and channels."""
    for _, index in taps(g):
        yield tuple((s.start, s.stop, s.step) for s in (slice(None, None, 1), *index[1:], slice(None, None, 1)))


def _order(rank, outer):
    """The order of axes in which (n, *places, *window, c) becomes rows."""
    places, window = range(1, rank + 1), range(rank + 1, 2 * rank + 1)
    return (*places, 0, *((2 * rank + 1, *window) if outer else (*window, 2 * rank + 1)))


def _shapes(shape, g):
    """Sizes and strides of (n, *places, *window, c), read in an image of this shape."""
    n, *steps, one = strides(shape)
    return ((shape[0], *g.count, *g.kernel, shape[-1]),
            (n, *(step * s for step, s in zip(steps, g.strides)), *steps, one))


def _ref(x, *, kernel_size, steps, channels_outer):
    g = _geometry(x.shape, kernel_size, steps)
    shape, by = _shapes(x.shape, g)
    x = np.ascontiguousarray(x)
    rows = np.lib.stride_tricks.as_strided(x, shape, [b * x.itemsize for b in by])
    rows = rows.transpose(_order(len(kernel_size), channels_outer))
    return np.ascontiguousarray(rows).reshape(math.prod(g.count), x.shape[0], math.prod(kernel_size) * x.shape[-1])


def _lower(ctx, node, ins, out):
    x, a = ins[0], node.attrs
    shape, by = _shapes(x.shape, _geometry(x.shape, a['kernel_size'], a['steps']))
    order = _order(len(a['kernel_size']), a['channels_outer'])
    shape, by = [shape[k] for k in order], [by[k] for k in order]
    lower_copy(ctx, x, out, shape, by, strides(shape))


def _supports(node):
    x, a = node.inputs[0].shape, node.attrs
    shape, by = _shapes(x, _geometry(x, a['kernel_size'], a['steps']))
    order = _order(len(a['kernel_size']), a['channels_outer'])
    return fits([shape[k] for k in order], [by[k] for k in order], strides([shape[k] for k in order]))


def _vjp(node, ct):
    x, a = node.inputs[0].shape, node.attrs
    g, rank = _geometry(x, a['kernel_size'], a['steps']), len(a['kernel_size'])
    n, c, size = x[0], x[-1], math.prod(a['kernel_size'])
    middle = (c, size) if a['channels_outer'] else (size, c)
    parts = reshape(ct, (*g.count, n, *middle))
    y = None
    for t, key in enumerate(_cuts(g, rank)):
        at = [(None, None, 1)] * (rank + 3)
        at[rank + 1 + a['channels_outer']] = (t, t + 1, 1)
        part = transpose(reshape(cut(parts, tuple(at)), (*g.count, n, c)), (rank, *range(rank), rank + 1))
        part = apply('place', (part,), key=key, shape=x)
        y = part if y is None else add(y, part)
    return [y]


@register('window_rows', vjp=_vjp, ref=_ref, lower=_lower, supports=_supports, samples=lambda: [
    Sample(normal(shape), {'kernel_size': kernel, 'steps': steps, 'channels_outer': outer}) for shape, kernel, steps, outer in (
        ((2, 5, 6, 3), (3, 2), (1, 2), False), ((3, 7, 5), (3,), (2,), False), ((2, 5, 4, 3), (2, 2), (1, 1), True))])
def _rows_spec(x, *, kernel_size, steps, channels_outer=False):
    """[places, n, elements of a window] of channels_last x. channels_outer: these run over the channels first."""
    count = outputs('valid', x.shape[1:-1], kernel_size, steps, (1,) * len(kernel_size), 'window_rows')
    return (math.prod(count), x.shape[0], math.prod(kernel_size) * x.shape[-1]), x.dtype


# ---- public
def unshared_conv(inputs, kernel, kernel_size, strides=1, padding='valid', data_format=None):
    """Windows over sequences (n, steps, c) or images (n, h, w, c), each multiplied by a matrix of its own.

    kernel[places, elements of a window, filters]: places row by row; the elements of a window row by row with channels
    innermost, or, data_format='channels_first', with channels outermost. Returns (n, *places, filters) in the data format.
    """
    op, x, w = 'unshared_conv', as_tensor(inputs), as_tensor(kernel)
    rank = len(x.shape) - 2
    if rank not in (1, 2):
        raise error(op, f'inputs: expected 3 dimensions (sequences) or 4 (images), got shape {tuple(x.shape)}')
    layout = data_format_of(data_format, op)
    kernel_size, steps = ints(kernel_size, rank, op, 'kernel_size'), ints(strides, rank, op, 'strides')
    size = spatial(x.shape, layout)
    if None in size:
        raise error(op, f'inputs: expected known spatial sizes, got shape {tuple(x.shape)}')
    first = layout == 'channels_first'
    if first:
        x = transpose(x, last_order(rank + 2))
    around = pads(checked_padding(padding, op, rank), size, kernel_size, steps)
    x = pad(x, ((0, 0), *around, (0, 0)))
    count = outputs(around, size, kernel_size, steps, (1,) * rank, op)
    wanted = (math.prod(count), math.prod(kernel_size) * x.shape[-1])
    if len(w.shape) != 3 or tuple(w.shape[:2]) != wanted:
        raise error(op, f'kernel: expected shape {(*wanted, "filters")} for inputs of shape {tuple(inputs.shape)}, got '
                        f'{tuple(w.shape)}')
    y = matmul(apply('window_rows', [x], kernel_size=kernel_size, steps=steps, channels_outer=first), w)
    y = transpose(y, (1, 2, 0) if first else (1, 0, 2))
    batch, filters = x.shape[0], w.shape[2]
    batch = -1 if batch is None else batch
    return reshape(y, (batch, filters, *count) if first else (batch, *count, filters))
