"""Kernel steps that several records emit: copies of boxes, fills, reductions."""

import numpy as np

from .. import _core

MAXDIM = _core.limits()['sizes']['axes']
REDUCE = _core.limits()['reduce']  # sum, max, min, prod → what the kernels call them


def strides(shape):
    """Element strides of a contiguous array."""
    made, step = [], 1
    for d in reversed(shape):
        made.append(step)
        step *= d
    return tuple(reversed(made))


def box(shape, xstride, ystride):
    """The fewest axes (sizes, strides of x, strides of y) that walk the same elements."""
    axes = []
    for n, xs, ys in zip(shape, xstride, ystride):
        if n == 1:
            continue
        if axes and axes[-1][1] == xs * n and axes[-1][2] == ys * n:
            axes[-1] = (axes[-1][0] * n, xs, ys)
        else:
            axes.append((n, xs, ys))
    return tuple(zip(*axes)) if axes else ((), (), ())


def fits(shape, xstride, ystride):
    """Whether the copy kernel has axes enough."""
    return len(box(shape, xstride, ystride)[0]) <= MAXDIM


def lower_copy(ctx, x, y, shape, xstride, ystride, xoff=0, yoff=0):
    """y[yoff + i·ystride] = x[xoff + i·xstride] for i in the box `shape`."""
    sizes, xs, ys = box(shape, xstride, ystride)
    ctx.step('copy', [x, y], ndim=len(sizes), shape=sizes, xstride=xs, ystride=ys, xoff=xoff, yoff=yoff,
             itemsize=np.dtype(y.dtype).itemsize)


def lower_fill(ctx, y, value):
    """y = value everywhere."""
    bits = np.array(value, y.dtype)
    ctx.step('fill', [y], n=y.size, itemsize=bits.itemsize, bits=int(bits.view(f'i{bits.itemsize}')))


def lower_reduce(ctx, kind, x, shape, axes, out):
    """Steps that reduce the axes of x (contiguous, of `shape`) into `out`: one for each run of reduced axes, the last
    run first, and one more for each set of partial results. kind: one of REDUCE's."""
    runs = _runs(shape, axes)
    if not any(cut for _, cut in runs):
        runs.append([1, True])
    while True:
        last = max(i for i, (_, cut) in enumerate(runs) if cut)
        outer, inner = _product(runs[:last]), _product(runs[last + 1:])
        attrs = {'kind': kind, 'outer': outer, 'r': runs[last][0], 'inner': inner}
        parts = ctx.parts('reduce', **attrs)
        if parts > 1:
            runs[last][0] = parts
        else:
            del runs[last]
        final = parts <= 1 and not any(cut for _, cut in runs)
        y = out if final else ctx.temp((outer, parts, inner))
        ctx.step('reduce', [x, y], **attrs)
        if final:
            return
        x = y


def _runs(shape, axes):
    """shape as [size, is reduced], neighbours of one sort merged and ones left out."""
    merged = []
    for i, d in enumerate(shape):
        if d == 1:
            continue
        cut = i in axes
        if merged and merged[-1][1] == cut:
            merged[-1][0] *= d
        else:
            merged.append([d, cut])
    return merged


def _product(runs):
    n = 1
    for d, _ in runs:
        n *= d
    return n
