"""Which convolutions the Winograd domain suits, and their kernel step there (conv_ways.py asks).

F(4 × 4, 3 × 3) makes 16 outputs with 36 multiplications instead of 144. Sums are taken in another order: errors are 1
to 2e-6 of the largest output, about seven times those of the direct convolution, and a NaN or an infinity reaches all
outputs of its tile. config.set_winograd(False) keeps to the direct one.
"""

from .. import _core, config

TILE = 4  # outputs of a tile along an axis
MOST_CHANNELS = 1024  # what csrc/kernels/winograd.c has room for
PACKED = 1 << 17  # numbers of a kernel from which on it is packed, to be read in long runs: it does not stay in a cache


def _possible(g):
    slices = g.d * g.od * g.kd == 1 and not g.pf
    return config.winograd() and slices and (g.kh, g.kw, g.sh, g.sw, g.dh, g.dw, g.groups) == (3, 3, 1, 1, 1, 1, 1)


def suits(ctx, g):
    """Whether a convolution of this Geometry, or its gradient by the input, is one."""
    if not _possible(g):
        return False
    sizes = ((g.oh, g.ow), (g.h, g.w))  # of the convolution, of its gradient
    return min(g.c, g.oc) >= 16 and max(g.c, g.oc) <= MOST_CHANNELS and all(_worthwhile(*size) for size in sizes)


def _worthwhile(h, w):
    """Whether an output of this size is. One image of 7 x 7 takes 0.8 to 0.9 of the direct time, 16 of them 0.5; of 6 x 6
    1.1 and 0.6, of 5 x 5 1.5 and 0.9, of 9 x 9 (nine tiles, 1.8 times the pixels) 0.8 and 0.6, of 28 x 28 0.35 to 0.4
    (64 channels, AVX-512)."""
    tiles = -(-h // TILE) * -(-w // TILE)
    return h * w >= 49 and tiles * TILE * TILE <= 2 * h * w


def halves(ctx, g):
    """Whether windows of 4 to 6 taps a side, two pixels apart, are taken as windows of 3 x 3 over the image's quarters, the
    pixels of even or odd row and column (csrc/kernels/winograd.h): 4 x 4 taps then take 25 products in place of 64, 5 x 5
    taps 36 of 100. The channels that are transformed are whole panels, since they lie apart."""
    if not config.winograd() or g.d * g.od * g.kd != 1 or g.pf or g.kh != g.kw or not 4 <= g.kh <= 6:
        return False
    if (g.sh, g.sw, g.dh, g.dw, g.groups, g.h, g.w) != (2, 2, 1, 1, 1, 2 * g.oh, 2 * g.ow):
        return False
    whole = g.c % 32 == 0 and g.oc % 32 == 0 and g.oc <= MOST_CHANNELS and 4 * g.c <= MOST_CHANNELS
    return whole and all(g.kh - 4 <= p <= 2 for p in (g.pt, g.pl)) and _worthwhile(g.oh, g.ow)


def forward_by_halves(ctx, g, x, w, y):
    """y = conv(x, w), where halves() are taken."""
    return ctx.step('winograd', [x, w, y], n=g.n, h=g.h, w=g.w, c=g.c, oh=g.oh, ow=g.ow, oc=g.oc, pt=g.pt,
                    pl=g.pl, turned=0, depth=0, side=g.kh)


def backward_by_halves(ctx, g, dy, w, dx):
    """The gradient by its input; pt and pl stay those of the convolution."""
    return ctx.step('winograd', [dy, w, dx], n=g.n, h=g.oh, w=g.ow, c=g.oc, oh=g.h, ow=g.w, oc=g.c, pt=g.pt,
                    pl=g.pl, turned=1, depth=0, side=g.kh)


def sums_by_halves_suit(ctx, g):
    """Whether its gradient by the kernel is faster so."""
    return halves(ctx, g) and ctx.parts('winograd_dw', **sum_attributes(g)) > 0


def forward(ctx, g, x, w, y):
    """y = conv(x, w)."""
    depth = _depth(g.c) if 9 * g.c * g.oc >= PACKED and ctx.packed_once(w) else 0
    if depth:
        w = ctx.packed(w, 'pack_b', batch=9 * g.c // depth, k=depth, n=g.oc, ld=g.oc, trans=0, src_batch=depth * g.oc)
    return ctx.step('winograd', [x, w, y], n=g.n, h=g.h, w=g.w, c=g.c, oh=g.oh, ow=g.ow, oc=g.oc, pt=g.pt, pl=g.pl,
                    turned=0, depth=depth, side=3)


def _depth(c):
    """The channels of an item of packed filters, or 0 where the kernel cannot read them so."""
    blocks = _core.blocks()
    deepest, step = blocks['kc'], blocks['wino_channels']   # what pack_b leaves in one block, what the kernel takes at a time
    if c <= deepest:
        return c
    return max((d for d in range(step, deepest + 1, step) if c % d == 0), default=0)


def backward(ctx, g, dy, w, dx):
    """dx: the convolution of dy with w turned by half a circle, its channels exchanged."""
    return ctx.step('winograd', [dy, w, dx], n=g.n, h=g.oh, w=g.ow, c=g.oc, oh=g.h, ow=g.w, oc=g.c, pt=2 - g.pt,
                    pl=2 - g.pl, turned=1, depth=0, side=3)


def sum_attributes(g):
    """The attributes of the step winograd_dw for this Geometry."""
    attrs = {name: getattr(g, name) for name in ('n', 'h', 'w', 'c', 'oh', 'ow', 'oc', 'pt', 'pl')}
    return {**attrs, 'side': g.kh}


def sums_suit(ctx, g):
    """Whether the gradient by the kernel is faster there; the kernel knows."""
    return _possible(g) and ctx.parts('winograd_dw', **sum_attributes(g)) > 0
