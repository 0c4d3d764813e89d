"""The records of two-dimensional convolution: conv2d and its two gradients, each the gradient of the other two.

All three take the forward's attributes: strides, padding ('same', 'valid' or explicit), dilation, groups, data_format.
Lowering meets channels_last only: compiler/layout.py rewrites the rest.
"""

from collections import namedtuple

import numpy as np

from . import winograd
from .core import Sample, apply, error, register
from .lowering import lower_reduce
from .windows import extent, from_last, inside, last_first, outputs, padded, pads, taps, to_last

Geometry = namedtuple('Geometry', 'n h w c oh ow oc kh kw sh sw dh dw pt pl groups')
Geometry.__doc__ = 'The attributes of the kernels conv2d, conv2d_dx and conv2d_dw (csrc/ops.def).'


def geometry(x_shape, y_shape, kernel, strides, padding, dilation, groups):
    """Geometry from the shapes (n, h, w, c) and (n, oh, ow, oc), all known."""
    (pt, _), (pl, _) = pads(padding, x_shape[1:3], kernel, strides, dilation)
    return Geometry(*x_shape, *y_shape[1:], *kernel, *strides, *dilation, pt, pl, groups)


def four(op, name, node, axes):
    if len(node.shape) != 4:
        raise error(op, f'{name}: expected 4 dimensions {axes}, got shape {tuple(node.shape)}')
    return node.shape


def check_channels(op, c, oc, kernel, groups):
    """Raise unless a kernel of this shape turns c channels into oc (None: whatever it makes) in so many groups."""
    if groups < 1 or (c is not None and c != kernel[2] * groups):
        raise error(op, f'kernel {tuple(kernel)} with groups={groups} expects an input of {kernel[2] * groups} '
                        f'channels, got {c}')
    if kernel[3] % groups:
        raise error(op, f'kernel {tuple(kernel)}: expected a number of filters divisible by groups={groups}, '
                        f'got {kernel[3]}')
    if oc is not None and oc != kernel[3]:
        raise error(op, f'kernel {tuple(kernel)} makes {kernel[3]} channels, got an output gradient of {oc}')


def input_size(dy_size, kernel, strides, padding, dilation):
    """The smallest input that has so many windows; under 'same', strides times as many."""
    sizes = []
    for axis, (n, k, s, d) in enumerate(zip(dy_size, kernel, strides, dilation)):
        if n is None:
            sizes.append(None)
        elif padding == 'same':
            sizes.append(n * s)
        else:
            sizes.append((n - 1) * s + extent(k, d) - (sum(padding[axis]) if padding != 'valid' else 0))
    return tuple(sizes)


def check_gradient_size(op, size, dy_size, kernel, strides, padding, dilation):
    """Raise unless windows over `size` give `dy_size`; both may hold None."""
    expected = outputs(padding, size, kernel, strides, dilation, op)
    if any(None not in (a, b) and a != b for a, b in zip(expected, dy_size)):
        raise error(op, f'{tuple(size)} inputs with kernel size {tuple(kernel)}, strides {tuple(strides)}, padding '
                        f'{padding!r} give {expected} outputs, got an output gradient of {tuple(dy_size)}')


# ---- forward

def _conv2d_vjp(node, ct):
    x, w = node.inputs
    size = to_last(x.shape, node.attrs['data_format'])[1:3]
    return [apply('conv2d_dx', [ct, w], size=size, **node.attrs),
            apply('conv2d_dw', [x, ct], kernel_size=tuple(w.shape[:2]), **node.attrs)]


@last_first(0, -1)
def _conv2d_ref(x, w, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1):
    kernel = w.shape[:2]
    size = outputs(padding, x.shape[1:3], kernel, strides, dilation, 'conv2d')
    g = geometry(x.shape, (x.shape[0], *size, w.shape[3]), kernel, strides, padding, dilation, groups)
    full, y = padded(x, g), 0
    for i, j, index in taps(g):
        y = y + np.matmul(_by_group(full[index], groups), _weights_by_group(w[i, j], groups))
    return _from_groups(y, (g.n, g.oh, g.ow, g.oc))


def _by_group(x, groups):
    """[n, h, w, c] as [groups, n·h·w, c / groups]"""
    n, h, w, c = x.shape
    return x.reshape(n * h * w, groups, c // groups).transpose(1, 0, 2)


def _weights_by_group(w, groups):
    """[c / groups, oc] as [groups, c / groups, oc / groups]"""
    return w.reshape(w.shape[0], groups, w.shape[1] // groups).transpose(1, 0, 2)


def _from_groups(y, shape):
    return np.ascontiguousarray(y.transpose(1, 0, 2)).reshape(shape)


def _conv2d_lower(ctx, node, ins, out):
    x, w = ins
    a = node.attrs
    g = geometry(x.shape, out.shape, w.shape[:2], a['strides'], a['padding'], a['dilation'], a['groups'])
    if winograd.suits(g):
        return winograd.forward(ctx, g, x, w, out)
    packed = ctx.packed(w, 'pack_b', batch=g.groups, k=g.kh * g.kw * g.c // g.groups, n=g.oc // g.groups, ld=g.oc,
                        trans=0, src_batch=g.oc // g.groups)
    ctx.step('conv2d', [x, packed, out], **g._asdict())


def _case(rng, x, w, y=None, **attrs):
    """The three arrays of one convolution and its attributes, as the samples of the three records use them."""
    full = dict(strides=(1, 1), padding='valid', dilation=(1, 1), groups=1, data_format='channels_last', **{})
    full.update(attrs)
    nhwc = to_last(x, full['data_format'])
    size = outputs(full['padding'], nhwc[1:3], w[:2], full['strides'], full['dilation'], 'conv2d')
    y = from_last((nhwc[0], *size, w[3]), full['data_format'])
    return [rng.standard_normal(s).astype('float32') for s in (x, w, y)], full


def cases():
    """Convolutions that exercise tails of channels, strides, dilation, groups and every padding."""
    rng = np.random.default_rng(0)
    shapes = [
        {'x': (2, 5, 6, 3), 'w': (3, 3, 3, 4)},
        {'x': (1, 7, 5, 1), 'w': (3, 2, 1, 1), 'padding': 'same'},
        {'x': (2, 9, 8, 17), 'w': (3, 3, 17, 33), 'padding': 'same', 'strides': (2, 2)},
        {'x': (1, 11, 10, 33), 'w': (1, 1, 33, 17)},
        {'x': (1, 9, 9, 8), 'w': (1, 1, 8, 16), 'strides': (2, 2), 'padding': 'same'},
        {'x': (1, 13, 12, 3), 'w': (7, 7, 3, 16), 'strides': (2, 2), 'padding': ((3, 2), (2, 3))},
        {'x': (1, 10, 11, 4), 'w': (3, 3, 4, 5), 'strides': (3, 1), 'padding': 'same'},
        {'x': (2, 9, 7, 5), 'w': (3, 2, 5, 6), 'dilation': (2, 3), 'padding': 'same'},
        {'x': (1, 9, 9, 4), 'w': (3, 3, 4, 4), 'dilation': (2, 1), 'strides': (2, 3)},
        {'x': (2, 6, 6, 6), 'w': (3, 3, 2, 9), 'groups': 3, 'padding': 'same'},
        {'x': (1, 5, 5, 34), 'w': (3, 3, 17, 6), 'groups': 2, 'strides': (2, 2)},
        {'x': (2, 1, 13, 3), 'w': (1, 5, 3, 2), 'padding': ((0, 0), (4, 0))},
        {'x': (1, 6, 6, 2), 'w': (2, 2, 2, 3), 'strides': (2, 2), 'padding': ((0, -1), (1, 0))},
        {'x': (1, 5, 5, 2), 'w': (1, 2, 2, 3), 'strides': (3, 3)},
        {'x': (2, 9, 8, 17), 'w': (3, 3, 17, 33), 'padding': 'same'},
        {'x': (1, 7, 7, 70), 'w': (3, 3, 70, 16), 'padding': 'same'},
        {'x': (1, 10, 11, 16), 'w': (3, 3, 16, 40)},
        {'x': (1, 8, 8, 20), 'w': (3, 3, 20, 17), 'padding': ((2, 0), (0, 1))},
        {'x': (0, 8, 8, 16), 'w': (3, 3, 16, 16), 'padding': 'same'},
        {'x': (3, 10, 15, 9), 'w': (3, 3, 9, 5), 'padding': 'same'},
        {'x': (2, 4, 31, 3), 'w': (3, 3, 3, 37), 'padding': 'same'},
        {'x': (1, 4, 207, 1), 'w': (3, 3, 1, 20), 'strides': (1, 2)},
        {'x': (1, 9, 12, 2), 'w': (3, 1, 2, 5), 'dilation': (2, 2), 'padding': ((1, 3), (1, 0))},
        {'x': (0, 8, 8, 3), 'w': (3, 3, 3, 4), 'padding': 'same'},
        {'x': (0, 5, 5, 3), 'w': (3, 3, 3, 4), 'padding': 'same'},
        {'x': (2, 3, 5, 6), 'w': (3, 3, 3, 4), 'padding': 'same', 'data_format': 'channels_first'},
    ]
    return [_case(rng, s.pop('x'), s.pop('w'), **s) for s in shapes]


def _conv2d_samples():
    return [Sample([x, w], attrs) for (x, w, _), attrs in cases()]


@register('conv2d', vjp=_conv2d_vjp, ref=_conv2d_ref, lower=_conv2d_lower, samples=_conv2d_samples, epilogue=True,
          promote=0, floating=True)
def conv2d_spec(x, w, *, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1, data_format='channels_last'):
    """y[n,oh,ow,oc] of x[n,h,w,c] and w[kh,kw,c/groups,oc]; correlation, as all of Keras's convolutions."""
    n, *size, c = to_last(four('conv2d', 'inputs', x, f'({data_format})'), data_format)
    kernel = four('conv2d', 'kernel', w, '(height, width, channels / groups, filters)')
    check_channels('conv2d', c, None, kernel, groups)
    size = outputs(padding, size, kernel[:2], strides, dilation, 'conv2d')
    return from_last((n, *size, kernel[3]), data_format), x.dtype


# ---- gradient of the input, which is also the transposed convolution

def _conv2d_dx_vjp(node, ct):
    dy, w = node.inputs
    attrs = {k: v for k, v in node.attrs.items() if k != 'size'}
    return [apply('conv2d', [ct, w], **attrs),
            apply('conv2d_dw', [ct, dy], kernel_size=tuple(w.shape[:2]), **attrs)]


@last_first(0, -1)
def _conv2d_dx_ref(dy, w, size=None, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1):
    kernel = w.shape[:2]
    size = size or input_size(dy.shape[1:3], kernel, strides, padding, dilation)
    x_shape = (dy.shape[0], *size, w.shape[2] * groups)
    g = geometry(x_shape, dy.shape, kernel, strides, padding, dilation, groups)
    full = padded(np.zeros(x_shape, dy.dtype), g)
    dy = _by_group(dy, groups)
    for i, j, index in taps(g):
        dx = np.matmul(dy, _weights_by_group(w[i, j], groups).transpose(0, 2, 1))
        full[index] += _from_groups(dx, (g.n, g.oh, g.ow, g.c))
    return np.ascontiguousarray(inside(full, g))


def _conv2d_dx_lower(ctx, node, ins, out):
    dy, w = ins
    a = node.attrs
    g = geometry(out.shape, dy.shape, w.shape[:2], a['strides'], a['padding'], a['dilation'], a['groups'])
    if winograd.suits(g):
        return winograd.backward(ctx, g, dy, w, out)
    packing = {k: v for k, v in g._asdict().items() if k in ('c', 'oc', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'groups')}
    ctx.step('conv2d_dx', [dy, ctx.packed(w, 'pack_dx', **packing), out], **g._asdict())


def _conv2d_dx_samples():
    return [Sample([y, w], dict(a, size=to_last(x.shape, a['data_format'])[1:3])) for (x, w, y), a in cases()]


@register('conv2d_dx', vjp=_conv2d_dx_vjp, ref=_conv2d_dx_ref, lower=_conv2d_dx_lower, samples=_conv2d_dx_samples,
          epilogue=True, promote=0, floating=True)
def conv2d_dx_spec(dy, w, *, size=None, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1,
                   data_format='channels_last'):
    """The gradient of conv2d by its input of spatial `size`; None: the size that input_size() says."""
    n, *dy_size, oc = to_last(four('conv2d_dx', 'inputs', dy, f'({data_format})'), data_format)
    kernel = four('conv2d_dx', 'kernel', w, '(height, width, channels / groups, filters)')
    check_channels('conv2d_dx', None, oc, kernel, groups)
    size = size or input_size(dy_size, kernel[:2], strides, padding, dilation)
    if any(s is not None and s < 0 for s in size):
        raise error('conv2d_dx', f'{tuple(dy_size)} outputs with padding {padding!r} leave no input, got size {size}')
    check_gradient_size('conv2d_dx', size, dy_size, kernel[:2], strides, padding, dilation)
    return from_last((n, *size, kernel[2] * groups), data_format), dy.dtype


# ---- gradient of the kernel

def _conv2d_dw_vjp(node, ct):
    x, dy = node.inputs
    attrs = {k: v for k, v in node.attrs.items() if k != 'kernel_size'}
    size = to_last(x.shape, attrs['data_format'])[1:3]
    return [apply('conv2d_dx', [dy, ct], size=size, **attrs), apply('conv2d', [x, ct], **attrs)]


@last_first(0, 1)
def _conv2d_dw_ref(x, dy, kernel_size, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1):
    g = geometry(x.shape, dy.shape, kernel_size, strides, padding, dilation, groups)
    full, dy = padded(x, g), _by_group(dy, groups)
    dw = np.empty((g.kh, g.kw, g.c // groups, g.oc), x.dtype)
    for i, j, index in taps(g):
        part = np.matmul(_by_group(full[index], groups).transpose(0, 2, 1), dy)
        dw[i, j] = part.transpose(1, 0, 2).reshape(g.c // groups, g.oc)
    return dw


def partial_sums(ctx, kernel, refs, out, attrs):
    """A step whose kernel may write several partial results, and the sum of them into `out`."""
    parts = ctx.parts(kernel, **attrs)
    if parts <= 1:
        return ctx.step(kernel, [*refs, out], **attrs)
    whole = ctx.temp((parts, *out.shape))
    ctx.step(kernel, [*refs, whole], **attrs)
    lower_reduce(ctx, 0, whole, whole.shape, (0,), out)


def _conv2d_dw_lower(ctx, node, ins, out):
    a = node.attrs
    g = geometry(ins[0].shape, ins[1].shape, a['kernel_size'], a['strides'], a['padding'], a['dilation'], a['groups'])
    attrs = winograd.sums(ctx, g)
    if attrs:
        return partial_sums(ctx, 'winograd_dw', ins, out, attrs)
    partial_sums(ctx, 'conv2d_dw', ins, out, g._asdict())


def _conv2d_dw_samples():
    return [Sample([x, y], dict(attrs, kernel_size=w.shape[:2])) for (x, w, y), attrs in cases()]


@register('conv2d_dw', vjp=_conv2d_dw_vjp, ref=_conv2d_dw_ref, lower=_conv2d_dw_lower, samples=_conv2d_dw_samples,
          promote=0, floating=True)
def conv2d_dw_spec(x, dy, *, kernel_size, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1,
                   data_format='channels_last'):
    """The gradient of conv2d by its kernel [kh,kw,c/groups,oc]."""
    _, *size, c = to_last(four('conv2d_dw', 'inputs', x, f'({data_format})'), data_format)
    _, *dy_size, oc = to_last(four('conv2d_dw', 'output gradient', dy, f'({data_format})'), data_format)
    if None in (c, oc) or c % groups or oc % groups:
        raise error('conv2d_dw', f'expected channels divisible by groups={groups}, got {c} and {oc}')
    check_gradient_size('conv2d_dw', size, dy_size, kernel_size, strides, padding, dilation)
    return (*kernel_size, c // groups, oc), x.dtype
