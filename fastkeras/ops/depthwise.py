"""The records of depthwise convolution, every channel with filters of its own: depthwise_conv2d and its two gradients.

As conv2d.py, with a kernel w[kh,kw,c,mult] and results of c·mult channels, those of one input channel side by side.
"""

from collections import namedtuple

import numpy as np

from .conv2d import check_gradient_size, four, input_size, partial_sums
from .core import Sample, apply, error, register
from .windows import from_last, inside, last_first, outputs, padded, pads, taps, to_last

Geometry = namedtuple('Geometry', 'n h w c oh ow mult kh kw sh sw dh dw pt pl')
Geometry.__doc__ = 'The attributes of the kernels depthwise, depthwise_dx and depthwise_dw (csrc/ops.def).'


def geometry(x_shape, y_size, mult, kernel, strides, padding, dilation):
    (pt, _), (pl, _) = pads(padding, x_shape[1:3], kernel, strides, dilation)
    return Geometry(*x_shape, *y_size, mult, *kernel, *strides, *dilation, pt, pl)


def _multiplier(op, channels, filters, c, mult):
    if channels is not None and channels != c:
        raise error(op, f'a kernel for {c} channels expects an input of {c} channels, got {channels}')
    if filters is not None and filters != c * mult:
        raise error(op, f'a kernel for {c} channels with multiplier {mult} makes {c * mult} channels, got {filters}')


# ---- forward

def _vjp(node, ct):
    x, w = node.inputs
    size = to_last(x.shape, node.attrs['data_format'])[1:3]
    return [apply('depthwise_conv2d_dx', [ct, w], size=size, **node.attrs),
            apply('depthwise_conv2d_dw', [x, ct], kernel_size=tuple(w.shape[:2]), **node.attrs)]


@last_first(0, -1)
def _ref(x, w, strides=(1, 1), padding='valid', dilation=(1, 1)):
    size = outputs(padding, x.shape[1:3], w.shape[:2], strides, dilation, 'depthwise_conv2d')
    g = geometry(x.shape, size, w.shape[3], w.shape[:2], strides, padding, dilation)
    full, y = padded(x, g), 0
    for i, j, index in taps(g):
        y = y + full[index][..., None] * w[i, j]
    return y.reshape(g.n, g.oh, g.ow, g.c * g.mult)


def _lower(ctx, node, ins, out):
    x, w = ins
    a = node.attrs
    g = geometry(x.shape, out.shape[1:3], w.shape[3], w.shape[:2], a['strides'], a['padding'], a['dilation'])
    ctx.step('depthwise', [x, w, out], **g._asdict())


def cases():
    """(x, w, dy) and attributes, for the samples of the three records."""
    rng = np.random.default_rng(1)
    shapes = [
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
    ]
    result = []
    for s in shapes:
        x, w = s.pop('x'), s.pop('w')
        a = {'strides': (1, 1), 'padding': 'valid', 'dilation': (1, 1), 'data_format': 'channels_last'}
        a.update(s)
        nhwc = to_last(x, a['data_format'])
        size = outputs(a['padding'], nhwc[1:3], w[:2], a['strides'], a['dilation'], 'depthwise_conv2d')
        y = from_last((nhwc[0], *size, w[2] * w[3]), a['data_format'])
        result.append(([rng.standard_normal(shape).astype('float32') for shape in (x, w, y)], a))
    return result


@register('depthwise_conv2d', vjp=_vjp, ref=_ref, lower=_lower, epilogue=True, promote=0, floating=True,
          samples=lambda: [Sample([x, w], a) for (x, w, _), a in cases()])
def depthwise_conv2d_spec(x, w, *, strides=(1, 1), padding='valid', dilation=(1, 1), data_format='channels_last'):
    """y[n,oh,ow,c·mult] of x[n,h,w,c] and w[kh,kw,c,mult]."""
    op = 'depthwise_conv2d'
    n, *size, channels = to_last(four(op, 'inputs', x, f'({data_format})'), data_format)
    kh, kw, c, mult = four(op, 'kernel', w, '(height, width, channels, multiplier)')
    _multiplier(op, channels, None, c, mult)
    return from_last((n, *outputs(padding, size, (kh, kw), strides, dilation, op), c * mult), data_format), x.dtype


# ---- gradient of the input

def _dx_vjp(node, ct):
    dy, w = node.inputs
    attrs = {k: v for k, v in node.attrs.items() if k != 'size'}
    return [apply('depthwise_conv2d', [ct, w], **attrs),
            apply('depthwise_conv2d_dw', [ct, dy], kernel_size=tuple(w.shape[:2]), **attrs)]


@last_first(0, -1)
def _dx_ref(dy, w, size=None, strides=(1, 1), padding='valid', dilation=(1, 1)):
    kernel = w.shape[:2]
    size = size or input_size(dy.shape[1:3], kernel, strides, padding, dilation)
    x_shape = (dy.shape[0], *size, w.shape[2])
    g = geometry(x_shape, dy.shape[1:3], w.shape[3], kernel, strides, padding, dilation)
    full = padded(np.zeros(x_shape, dy.dtype), g)
    dy = dy.reshape(g.n, g.oh, g.ow, g.c, g.mult)
    for i, j, index in taps(g):
        full[index] += np.einsum('nhwcm,cm->nhwc', dy, w[i, j])
    return np.ascontiguousarray(inside(full, g))


def _dx_lower(ctx, node, ins, out):
    dy, w = ins
    a = node.attrs
    g = geometry(out.shape, dy.shape[1:3], w.shape[3], w.shape[:2], a['strides'], a['padding'], a['dilation'])
    ctx.step('depthwise_dx', [dy, w, out], **g._asdict())


@register('depthwise_conv2d_dx', vjp=_dx_vjp, ref=_dx_ref, lower=_dx_lower, epilogue=True, promote=0, floating=True,
          samples=lambda: [Sample([y, w], dict(a, size=to_last(x.shape, a['data_format'])[1:3]))
                           for (x, w, y), a in cases()])
def depthwise_conv2d_dx_spec(dy, w, *, size=None, strides=(1, 1), padding='valid', dilation=(1, 1),
                             data_format='channels_last'):
    """The gradient of depthwise_conv2d by its input of spatial `size`; None: as for conv2d_dx."""
    op = 'depthwise_conv2d_dx'
    n, *dy_size, filters = to_last(four(op, 'inputs', dy, f'({data_format})'), data_format)
    kh, kw, c, mult = four(op, 'kernel', w, '(height, width, channels, multiplier)')
    _multiplier(op, None, filters, c, mult)
    size = size or input_size(dy_size, (kh, kw), strides, padding, dilation)
    check_gradient_size(op, size, dy_size, (kh, kw), strides, padding, dilation)
    return from_last((n, *size, c), data_format), dy.dtype


# ---- gradient of the kernel

def _dw_vjp(node, ct):
    x, dy = node.inputs
    attrs = {k: v for k, v in node.attrs.items() if k != 'kernel_size'}
    size = to_last(x.shape, attrs['data_format'])[1:3]
    return [apply('depthwise_conv2d_dx', [dy, ct], size=size, **attrs), apply('depthwise_conv2d', [x, ct], **attrs)]


@last_first(0, 1)
def _dw_ref(x, dy, kernel_size, strides=(1, 1), padding='valid', dilation=(1, 1)):
    mult = dy.shape[3] // x.shape[3]
    g = geometry(x.shape, dy.shape[1:3], mult, kernel_size, strides, padding, dilation)
    full, dy = padded(x, g), dy.reshape(g.n, g.oh, g.ow, g.c, mult)
    dw = np.empty((g.kh, g.kw, g.c, mult), x.dtype)
    for i, j, index in taps(g):
        dw[i, j] = np.einsum('nhwc,nhwcm->cm', full[index], dy)
    return dw


def _dw_lower(ctx, node, ins, out):
    a = node.attrs
    g = geometry(ins[0].shape, ins[1].shape[1:3], out.shape[3], a['kernel_size'], a['strides'], a['padding'],
                 a['dilation'])
    partial_sums(ctx, 'depthwise_dw', ins, out, g._asdict())


@register('depthwise_conv2d_dw', vjp=_dw_vjp, ref=_dw_ref, lower=_dw_lower, promote=0, floating=True,
          samples=lambda: [Sample([x, y], dict(a, kernel_size=w.shape[:2])) for (x, w, y), a in cases()])
def depthwise_conv2d_dw_spec(x, dy, *, kernel_size, strides=(1, 1), padding='valid', dilation=(1, 1),
                             data_format='channels_last'):
    """The gradient of depthwise_conv2d by its kernel [kh,kw,c,mult]."""
    op = 'depthwise_conv2d_dw'
    _, *size, c = to_last(four(op, 'inputs', x, f'({data_format})'), data_format)
    _, *dy_size, filters = to_last(four(op, 'output gradient', dy, f'({data_format})'), data_format)
    if not c or filters is None or filters % c:
        raise error(op, f'expected an output gradient of a multiple of {c} channels, got {filters}')
    check_gradient_size(op, size, dy_size, kernel_size, strides, padding, dilation)
    return (*kernel_size, c, filters // c), x.dtype
