"""How a convolution and its gradients are done: for each an ordered list of ways, of which the first that fits is taken.

A way is (fits(ctx, g), emit(ctx, g, …)); `emit` returns the step that does the work. What fits never depends on the batch,
so that a row's result does not either; the gradient by the kernel is a sum over the batch, and may.
"""

from collections import namedtuple

from . import winograd
from .lowering import REDUCE, lower_copy, lower_reduce
from .windows import Windows

FEW = 32  # channels: with more, the kernel is not asked
SMALL, DEEP, LARGE = 16, 256, 1 << 19  # windows, filters, numbers of a kernel: what one product of all taps suits
MADE = 8  # channels of an input's gradient: a quarter of a panel, of which the gain is certain

Geometry = namedtuple('Geometry', 'n d h w c od oh ow oc kd kh kw sd sh sw dd dh dw pf pt pl groups')
Geometry.__doc__ = 'The attributes of the convolution kernels (csrc/ops.def); an image has one slice.'


def geometry(n, c, oc, groups, g):
    """The Geometry of n images of c channels under the Windows g, which make oc channels in so many groups."""
    if _side_by_side(g) and groups == 1:  # a row of a window is one pixel of more channels: the kernel's numbers stand so too
        c *= g.kernel[-1]
        g = Windows(*((*v[:-1], one) for v, one in zip(g, (g.count[-1], g.count[-1], 1, 1, 1, 0))))
    if len(g.size) == 3 and (g.kernel[0], g.strides[0], g.before[0], g.count[0]) == (1, 1, 0, g.size[0]):
        n *= g.size[0]  # slices that do not meet are images
        g = Windows(*(v[1:] for v in g))
    if len(g.size) == 2:
        g = Windows(*((first, *v) for first, v in zip((1, 1, 1, 1, 1, 0), g)))
    return Geometry(n, *g.size, c, *g.count, oc, *g.kernel, *g.strides, *g.dilation, *g.before, groups)


def _side_by_side(g):
    """Whether windows lie side by side in each row, with nothing between or left over."""
    return 1 < g.kernel[-1] == g.strides[-1] and g.dilation[-1] == 1 and not g.before[-1] and (
        g.size[-1] == g.count[-1] * g.strides[-1])


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
    return ctx.step('conv', [x, _packed(ctx, g, w), y], **g._asdict())


def _packed(ctx, g, w):
    """The kernel as the right side of a product for each group."""
    n = g.oc // g.groups
    return ctx.packed(w, 'pack_b', batch=g.groups, k=g.kd * g.kh * g.kw * g.c // g.groups, n=n, ld=g.oc, trans=0, src_batch=n)


FULL = 256  # outputs of an image from which on transforming the filters for it alone is not slower than reading them packed


def _halves(ctx, g, x, w, y):
    few = g.oh * g.ow < FULL and ctx.packed_once(w)  # one image of 8 x 8 outputs took 1.9 of the time, of 16 x 16 0.9
    return (_product if few else winograd.forward_by_halves)(ctx, g, x, w, y)


def _is_few(ctx, g):
    """Few channels, whose windows are read where they are. The kernel knows which; never more than these."""
    return g.c <= FEW and ctx.parts('conv_few', **g._asdict()) > 0


def _few(ctx, g, x, w, y):
    return ctx.step('conv_few', [x, _packed(ctx, g, w), y], **g._asdict())


_TURNED = ('c', 'oc', 'kd', 'kh', 'kw', 'sd', 'sh', 'sw', 'dd', 'dh', 'dw', 'groups')


def _packed_by_input(ctx, g, w):
    return ctx.packed(w, 'pack_dx', **{name: getattr(g, name) for name in _TURNED})


def _product_by_input(ctx, g, dy, w, dx):
    return ctx.step('conv_dx', [dy, _packed_by_input(ctx, g, w), dx], **g._asdict())


def _pixelwise(ctx, g):
    """Whether each window is a pixel, and each pixel a window."""
    return (g.d, g.h, g.w) == (g.od, g.oh, g.ow) and (
        g.kd, g.kh, g.kw, g.sd, g.sh, g.sw, g.pf, g.pt, g.pl) == (1, 1, 1, 1, 1, 1, 0, 0, 0)


def _pixelwise_by_input(ctx, g, dy, w, dx):
    """The gradient by the input is the convolution with the kernel turned, whose ending may be done in registers."""
    k, n = g.oc // g.groups, g.c // g.groups
    turned = ctx.packed(w, 'pack_b', batch=g.groups, k=k, n=n, ld=g.oc, trans=1, src_batch=k)
    return ctx.step('conv', [dy, turned, dx], **g._replace(c=g.oc, oc=g.c)._asdict())


def _few_made(ctx, g):
    """Whether so few channels are made that a product for each of them would leave most of its panels empty, and there is
    something to gain by one product for all taps: there are several, and not too many numbers to keep."""
    taps = g.kd * g.kh * g.kw
    return g.groups == 1 and g.c <= MADE and taps > 1 and taps * g.c <= 4 * g.oc


def _few_made_in_bands(ctx, g):
    """Whether one kernel does both, a few rows of windows at a time."""
    return _few_made(ctx, g) and ctx.parts('conv_few_dx', **g._asdict()) > 0


def _few_by_input(ctx, g, dy, w, dx):
    taps = g.kh * g.kw * g.c
    turned = ctx.packed(w, 'pack_b', batch=1, k=g.oc, n=taps, ld=g.oc, trans=1, src_batch=0)
    return ctx.step('conv_few_dx', [dy, turned, dx], **g._asdict())


def _small_image(ctx, g):
    """Whether an image has so few windows, and the kernel so many numbers, that those of a class of pixels would be read for
    a few rows at a time. One image of 4 x 4 windows of 4 x 4 taps (256 channels, 512 filters), 16, 64 take 0.53, 0.64, 0.76
    of the time by one product of a kernel as stored; 0.93, 0.8, 0.9 of a packed one."""
    taps = g.kd * g.kh * g.kw
    return g.groups == 1 and taps > 1 and g.od * g.oh * g.ow <= SMALL and g.oc >= DEEP and taps * g.c * g.oc >= LARGE


def _taps_by_input(ctx, g, dy, w, dx):
    """What every tap gives, of all windows in one product, and its sum where they overlap."""
    taps, pixels = g.kd * g.kh * g.kw * g.c, g.n * g.od * g.oh * g.ow
    each = ctx.temp((g.n, g.od, g.oh, g.ow, taps))
    as_stored = 0 if taps * g.oc < LARGE or ctx.packed_once(w) else g.oc  # a pass over the kernel less
    right = w if as_stored else ctx.packed(w, 'pack_b', batch=1, k=g.oc, n=taps, ld=g.oc, trans=1, src_batch=0)
    step = ctx.step('matmul', [dy, right, each], batch=1, m=pixels, n=taps, k=g.oc, lda=g.oc, trans_a=0, ldb=as_stored,
                    trans_b=1, a_batch=0, b_batch=0)
    ctx.step('col2im', [each, dx], **g._asdict())
    return step


def _product_by_kernel(ctx, g, x, dy, dw):
    return partial_sums(ctx, 'conv_dw', [x, dy], dw, g._asdict())


def _few_suit(ctx, g):
    return g.c <= FEW and ctx.parts('conv_few_dw', **g._asdict()) > 0


def _few_by_kernel(ctx, g, x, dy, dw):
    return partial_sums(ctx, 'conv_few_dw', [x, dy], dw, g._asdict())


def _winograd_by_kernel(ctx, g, x, dy, dw):
    return partial_sums(ctx, 'winograd_dw', [x, dy], dw, winograd.sum_attributes(g))


FORWARD = ((winograd.suits, winograd.forward), (winograd.halves, _halves), (_is_few, _few), (_always, _product))
BY_INPUT = ((winograd.suits, winograd.backward), (winograd.halves, winograd.backward_by_halves),
            (_few_made_in_bands, _few_by_input), (_few_made, _taps_by_input), (_small_image, _taps_by_input),
            (_pixelwise, _pixelwise_by_input), (_always, _product_by_input))
BY_KERNEL = ((winograd.sums_suit, _winograd_by_kernel), (winograd.sums_by_halves_suit, _winograd_by_kernel),
             (_few_suit, _few_by_kernel), (_always, _product_by_kernel))


def _first_of(ways):
    def emit(ctx, g, *refs):
        way = next(way for fits, way in ways if fits(ctx, g))
        return way(ctx, g, *refs)
    return emit


forward, by_input, by_kernel = map(_first_of, (FORWARD, BY_INPUT, BY_KERNEL))


# ---- of an output's gradient that is 0 almost everywhere
def _sparse_suits(ctx, g):
    return ctx.parts('conv_sparse_dx', **g._asdict()) > 0


def _sparse_by_input(ctx, g, dy, w, dx):
    taps = g.kd * g.kh * g.kw * g.c
    filters = ctx.temp((g.oc, taps))  # each in one piece
    lower_copy(ctx, w, filters, (g.oc, taps), (1, g.oc), (taps, 1))
    return ctx.step('conv_sparse_dx', [dy, filters, _packed_by_input(ctx, g, w), dx], **g._asdict())


def _sparse_sums_suit(ctx, g):
    return ctx.parts('conv_sparse_dw', **g._asdict()) > 0


def _sparse_by_kernel(ctx, g, x, dy, dw):
    return partial_sums(ctx, 'conv_sparse_dw', [x, dy], dw, g._asdict())


sparse_by_input = _first_of(((_sparse_suits, _sparse_by_input), *BY_INPUT))
sparse_by_kernel = _first_of(((_sparse_sums_suit, _sparse_by_kernel), *BY_KERNEL))
