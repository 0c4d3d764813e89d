"""How a convolution and its gradients are done: for each an ordered list of ways, of which the first that fits is taken.

A way is (fits(ctx, g), emit(ctx, g, …)); `emit` returns the step that does the work. What fits never depends on the batch,
so that a row's result does not either; the gradient by the kernel is a sum over the batch, and may.
"""

from collections import namedtuple

from . import winograd
from .lowering import REDUCE, lower_reduce
from .windows import window_attributes

Geometry = namedtuple('Geometry', 'n h w c oh ow oc kh kw sh sw dh dw pt pl groups')
Geometry.__doc__ = 'The attributes of the convolution kernels (csrc/ops.def).'


def geometry(n, c, oc, groups, g):
    """The Geometry of n images of c channels under the Windows g, which make oc channels in so many groups."""
    return Geometry(n=n, c=c, oc=oc, groups=groups, **window_attributes(g, 2))


def partial_sums(ctx, kernel, refs, out, attrs):
    """A step whose kernel may write several partial results, and the sum of them into `out`. Returns the first."""
    parts = ctx.parts(kernel, **attrs)
    if parts <= 1:
        return ctx.step(kernel, [*refs, out], **attrs)
    whole = ctx.temp((parts, *out.shape))
    step = ctx.step(kernel, [*refs, whole], **attrs)
    lower_reduce(ctx, REDUCE['sum'], whole, whole.shape, (0,), out)
    return step


def _always(ctx, g):
    return True


def _product(ctx, g, x, w, y):
    packed = ctx.packed(w, 'pack_b', batch=g.groups, k=g.kh * g.kw * g.c // g.groups, n=g.oc // g.groups, ld=g.oc,
                        trans=0, src_batch=g.oc // g.groups)
    return ctx.step('conv2d', [x, packed, y], **g._asdict())


def _product_by_input(ctx, g, dy, w, dx):
    turned = {k: v for k, v in g._asdict().items() if k in ('c', 'oc', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'groups')}
    return ctx.step('conv2d_dx', [dy, ctx.packed(w, 'pack_dx', **turned), dx], **g._asdict())


def _product_by_kernel(ctx, g, x, dy, dw):
    return partial_sums(ctx, 'conv2d_dw', [x, dy], dw, g._asdict())


def _winograd_by_kernel(ctx, g, x, dy, dw):
    return partial_sums(ctx, 'winograd_dw', [x, dy], dw, winograd.sum_attributes(g))


FORWARD = ((winograd.suits, winograd.forward), (_always, _product))
BY_INPUT = ((winograd.suits, winograd.backward), (_always, _product_by_input))
BY_KERNEL = ((winograd.sums_suit, _winograd_by_kernel), (_always, _product_by_kernel))


def _first_of(ways):
    def emit(ctx, g, *refs):
        way = next(way for fits, way in ways if fits(ctx, g))
        return way(ctx, g, *refs)
    return emit


forward, by_input, by_kernel = map(_first_of, (FORWARD, BY_INPUT, BY_KERNEL))
