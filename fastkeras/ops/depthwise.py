"""The records of depthwise convolution, every channel with filters of its own: depthwise_conv2d and its two gradients.

As conv_records.py, with a kernel w[kh,kw,c,mult] and results of c·mult channels, those of one input channel side by side.
"""

import math

import numpy as np

from .conv_records import (
    check_gradient_size,
    dx_cropped,
    gradients_of,
    input_size,
    of_attribute,
    of_kernel,
    of_rank,
    window_cases,
)
from .conv_ways import partial_sums
from .core import Sample, error, register
from .facts import always, first_moves
from .windows import (
    from_last,
    inside,
    last_first,
    outputs,
    padded,
    spatial,
    taps,
    to_last,
    window_attributes,
    windows,
)

OP, BY_INPUT, BY_KERNEL = 'depthwise_conv2d', 'depthwise_conv2d_dx', 'depthwise_conv2d_dw'
RANK = 2
KERNEL = '(height, width, channels, multiplier)'
_vjp, _dx_vjp, _dw_vjp = gradients_of(OP)


def _multiplier(op, channels, filters, c, mult):
    if channels is not None and channels != c:
        raise error(op, f'a kernel for {c} channels expects an input of {c} channels, got {channels}')
    if filters is not None and filters != c * mult:
        raise error(op, f'a kernel for {c} channels with multiplier {mult} makes {c * mult} channels, got {filters}')


def _attributes(node, x, mult, kernel):
    """The attributes of the kernels depthwise, depthwise_dx and depthwise_dw."""
    a = node.attrs
    g = windows(x[1:-1], kernel, a['strides'], a['padding'], a['dilation'])
    return dict(window_attributes(g), n=x[0], c=x[-1], mult=mult)


def cases():
    return window_cases(OP, 1, [
        {'x': (2, 5, 6, 3), 'w': (3, 3, 3, 1)},
        {'x': (1, 8, 9, 17), 'w': (3, 3, 17, 1), 'padding': 'same'},
        {'x': (2, 9, 8, 33), 'w': (3, 3, 33, 1), 'padding': 'same', 'strides': (2, 2)},
        {'x': (1, 7, 7, 16), 'w': (5, 5, 16, 1), 'padding': 'same'},
        {'x': (1, 6, 7, 5), 'w': (3, 2, 5, 3), 'padding': 'same'},
        {'x': (1, 9, 9, 4), 'w': (3, 3, 4, 2), 'strides': (3, 1), 'padding': ((2, 1), (0, 3))},
        {'x': (2, 9, 8, 1), 'w': (3, 3, 1, 4), 'dilation': (2, 3), 'padding': 'same'},
        {'x': (1, 9, 9, 3), 'w': (2, 2, 3, 1), 'dilation': (1, 2), 'strides': (2, 3)},
        {'x': (2, 1, 11, 6), 'w': (1, 3, 6, 1), 'padding': 'same'},
        {'x': (0, 5, 5, 3), 'w': (3, 3, 3, 2), 'padding': 'same'},
        {'x': (2, 3, 5, 6), 'w': (3, 3, 3, 2), 'padding': 'same', 'data_format': 'channels_first'},
    ], lambda w: w[-2] * w[-1])


# ---- forward
@last_first(0, -1)
def _ref(x, w, *, strides, padding, dilation):
    g = windows(x.shape[1:-1], w.shape[:-2], strides, padding, dilation)
    full, y = padded(x, g), 0
    for tap, index in taps(g):
        y = y + full[index][..., None] * w[tap]
    return y.reshape(x.shape[0], *g.count, w.shape[-2] * w.shape[-1])


def _lower(ctx, node, ins, out):
    x, w = ins
    return ctx.step('depthwise', [x, w, out], **_attributes(node, x.shape, w.shape[-1], w.shape[:-2]))


def _affine(node):
    plain = node.attrs['data_format'] == 'channels_last'
    return (1, node.inputs[1].shape[-2:]) if plain else None


def _flops(node):
    return 2 * node.size * math.prod(of_kernel(node))


@register(OP, vjp=_vjp, ref=_ref, lower=_lower, epilogue=True, promote=0, floating=True, images=(0, -1), window=of_kernel,
          border='zero', rows=first_moves, affine=_affine, flops=_flops,
          samples=lambda: [Sample([x, w], a) for (x, w, _), a in cases()])
def depthwise_conv2d_spec(x, w, *, strides=(1, 1), padding='valid', dilation=(1, 1), data_format='channels_last'):
    """y[n,oh,ow,c·mult] of x[n,h,w,c] and w[kh,kw,c,mult]."""
    n, *size, channels = to_last(of_rank(OP, 'inputs', x, RANK, f'({data_format})'), data_format)
    *kernel, c, mult = of_rank(OP, 'kernel', w, RANK, KERNEL)
    _multiplier(OP, channels, None, c, mult)
    return from_last((n, *outputs(padding, size, kernel, strides, dilation, OP), c * mult), data_format), x.dtype


# ---- gradient of the input
@last_first(0, -1)
def _dx_ref(dy, w, *, size, strides, padding, dilation):
    *kernel, c, mult = w.shape
    size = size or input_size(dy.shape[1:-1], kernel, strides, padding, dilation)
    g = windows(size, kernel, strides, padding, dilation)
    full = padded(np.zeros((dy.shape[0], *size, c), dy.dtype), g)
    dy = dy.reshape(*dy.shape[:-1], c, mult)
    for tap, index in taps(g):
        full[index] += np.einsum('...cm,cm->...c', dy, w[tap])
    return np.ascontiguousarray(inside(full, g))


def _dx_lower(ctx, node, ins, out):
    dy, w = ins
    return ctx.step('depthwise_dx', [dy, w, out], **_attributes(node, out.shape, w.shape[-1], w.shape[:-2]))


def _dx_affine(node):
    plain = node.attrs['data_format'] == 'channels_last'
    return (1, (node.shape[-1], 1)) if plain else None


def _dx_flops(node):
    return 2 * node.inputs[0].size * math.prod(of_kernel(node))


@register(BY_INPUT, vjp=_dx_vjp, ref=_dx_ref, lower=_dx_lower, epilogue=True, promote=0, floating=True, images=(0, -1),
          rows=first_moves, affine=_dx_affine, flops=_dx_flops, cropped=dx_cropped,
          samples=lambda: [Sample([y, w], dict(a, size=spatial(x.shape, a['data_format']))) for (x, w, y), a in cases()])
def depthwise_conv2d_dx_spec(dy, w, *, size=None, strides=(1, 1), padding='valid', dilation=(1, 1),
                             data_format='channels_last'):
    """The gradient of depthwise_conv2d by its input of spatial `size`; None: as for conv2d_dx."""
    n, *dy_size, filters = to_last(of_rank(BY_INPUT, 'inputs', dy, RANK, f'({data_format})'), data_format)
    *kernel, c, mult = of_rank(BY_INPUT, 'kernel', w, RANK, KERNEL)
    _multiplier(BY_INPUT, None, filters, c, mult)
    size = size or input_size(dy_size, kernel, strides, padding, dilation)
    check_gradient_size(BY_INPUT, size, dy_size, kernel, strides, padding, dilation)
    return from_last((n, *size, c), data_format), dy.dtype


# ---- gradient of the kernel
@last_first(0, 1)
def _dw_ref(x, dy, *, kernel_size, strides, padding, dilation):
    c, mult = x.shape[-1], dy.shape[-1] // x.shape[-1]
    g = windows(x.shape[1:-1], kernel_size, strides, padding, dilation)
    full, dy = padded(x, g), dy.reshape(math.prod(dy.shape[:-1]), c, mult)
    dw = np.empty((*kernel_size, c, mult), x.dtype)
    for tap, index in taps(g):
        dw[tap] = np.einsum('pc,pcm->cm', full[index].reshape(dy.shape[:2]), dy)
    return dw


def _dw_lower(ctx, node, ins, out):
    attrs = _attributes(node, ins[0].shape, out.shape[-1], node.attrs['kernel_size'])
    return partial_sums(ctx, 'depthwise_dw', ins, out, attrs)


def _dw_flops(node):
    return 2 * node.inputs[1].size * math.prod(node.attrs['kernel_size'])


@register(BY_KERNEL, vjp=_dw_vjp, ref=_dw_ref, lower=_dw_lower, promote=0, floating=True, images=(0, 1),
          window=of_attribute, border='zero', flops=_dw_flops, over_rows=always,
          samples=lambda: [Sample([x, y], dict(a, kernel_size=w.shape[:-2])) for (x, w, y), a in cases()])
def depthwise_conv2d_dw_spec(x, dy, *, kernel_size, strides=(1, 1), padding='valid', dilation=(1, 1),
                             data_format='channels_last'):
    """The gradient of depthwise_conv2d by its kernel [kh,kw,c,mult]."""
    _, *size, c = to_last(of_rank(BY_KERNEL, 'inputs', x, RANK, f'({data_format})'), data_format)
    _, *dy_size, filters = to_last(of_rank(BY_KERNEL, 'output gradient', dy, RANK, f'({data_format})'), data_format)
    if not c or filters is None or filters % c:
        raise error(BY_KERNEL, f'expected an output gradient of a multiple of {c} channels, got {filters}')
    check_gradient_size(BY_KERNEL, size, dy_size, kernel_size, strides, padding, dilation)
    return (*kernel_size, c, filters // c), x.dtype
