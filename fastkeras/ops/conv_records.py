"""The records of convolution over two and three spatial axes: conv2d and conv3d, each with its two gradients (…_dx by the
input, …_dw by the kernel), of which each is the gradient of the other two.

All three take the forward's attributes: strides, padding ('same', 'valid' or explicit), dilation, groups, data_format. A
kernel is w[*window, channels / groups, filters]. conv_ways.py says how they are done.
"""

import math

import numpy as np

from . import conv_ways, shares
from .core import Sample, apply, error, register
from .facts import always, first_moves
from .windows import (
    extent,
    from_last,
    inside,
    last_first,
    outputs,
    padded,
    padding_over,
    spatial,
    taps,
    to_last,
    windows,
)

AXES = {2: 'height, width', 3: 'depth, height, width'}


# ---- what the records of all convolutions check and compute
def of_rank(op, name, node, rank, axes):
    """The shape of a node of `rank` spatial axes; ValueError for another number of axes."""
    if len(node.shape) != rank + 2:
        raise error(op, f'{name}: expected {rank + 2} dimensions {axes}, got shape {tuple(node.shape)}')
    return tuple(node.shape)


def check_channels(op, c, oc, kernel, groups):
    """Raise unless a kernel of this shape turns c channels into oc (None: whatever it makes) in so many groups."""
    depth, filters = kernel[-2:]
    if groups < 1 or (c is not None and c != depth * groups):
        raise error(op, f'kernel {tuple(kernel)} with groups={groups} expects an input of {depth * groups} channels, got {c}')
    if filters % groups:
        raise error(op, f'kernel {tuple(kernel)}: expected a number of filters divisible by groups={groups}, got {filters}')
    if oc is not None and oc != filters:
        raise error(op, f'kernel {tuple(kernel)} makes {filters} channels, got an output gradient of {oc}')


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


def of_kernel(node):
    """The window of a record whose second input is the kernel."""
    return node.inputs[1].shape[:-2]


def of_attribute(node):
    """The window of a record that makes a kernel's gradient."""
    return node.attrs['kernel_size']


def without(attrs, name):
    return {k: v for k, v in attrs.items() if k != name}


def gradients_of(forward):
    """The vjp of a convolution, of its gradient by the input, and of that by the kernel: all in terms of each other."""
    by_input, by_kernel = forward + '_dx', forward + '_dw'

    def of_forward(node, ct):
        x, w = node.inputs
        return [apply(by_input, [ct, w], size=spatial(x.shape, node.attrs['data_format']), **node.attrs),
                apply(by_kernel, [x, ct], kernel_size=of_kernel(node), **node.attrs)]

    def of_input(node, ct):
        dy, w = node.inputs
        attrs = without(without(node.attrs, 'size'), 'sparse')
        return [apply(forward, [ct, w], **attrs), apply(by_kernel, [ct, dy], kernel_size=of_kernel(node), **attrs)]

    def of_kernels(node, ct):
        x, dy = node.inputs
        attrs = without(without(node.attrs, 'kernel_size'), 'sparse')
        return [apply(by_input, [dy, ct], size=spatial(x.shape, attrs['data_format']), **attrs),
                apply(forward, [x, ct], **attrs)]
    return of_forward, of_input, of_kernels


def window_cases(op, seed, shapes, made, **options):
    """((x, w, dy), attributes) for the samples of three records. shapes: dicts of x, w and attributes; made(w): how many
    channels a kernel of that shape makes; options: attributes beside those of windows."""
    rng, result = np.random.default_rng(seed), []
    for given in shapes:
        x, w = given['x'], given['w']
        ones = (1,) * (len(x) - 2)
        a = {'strides': ones, 'padding': 'valid', 'dilation': ones, **options, 'data_format': 'channels_last',
             **without(without(given, 'x'), 'w')}
        n, *size, _ = to_last(x, a['data_format'])
        count = outputs(a['padding'], size, w[:-2], a['strides'], a['dilation'], op)
        y = from_last((n, *count, made(w)), a['data_format'])
        result.append(([rng.standard_normal(s).astype('float32') for s in (x, w, y)], a))
    return result


# ---- references: of channels_last
def _by_group(x, groups):
    """[n, …, c] as [groups, n · …, c / groups]"""
    return x.reshape(math.prod(x.shape[:-1]), groups, x.shape[-1] // groups).transpose(1, 0, 2)


def _weights_by_group(w, groups):
    """[c / groups, oc] as [groups, c / groups, oc / groups]"""
    return w.reshape(w.shape[0], groups, w.shape[1] // groups).transpose(1, 0, 2)


def _from_groups(y, shape):
    return np.ascontiguousarray(y.transpose(1, 0, 2)).reshape(shape)


@last_first(0, -1)
def _ref(x, w, *, strides, padding, dilation, groups):
    g = windows(x.shape[1:-1], w.shape[:-2], strides, padding, dilation)
    full, y = padded(x, g), 0
    for tap, index in taps(g):
        y = y + np.matmul(_by_group(full[index], groups), _weights_by_group(w[tap], groups))
    return _from_groups(y, (x.shape[0], *g.count, w.shape[-1]))


@last_first(0, -1)
def _dx_ref(dy, w, *, size, strides, padding, dilation, groups, sparse):
    size = size or input_size(dy.shape[1:-1], w.shape[:-2], strides, padding, dilation)
    x_shape = (dy.shape[0], *size, w.shape[-2] * groups)
    g = windows(size, w.shape[:-2], strides, padding, dilation)
    full = padded(np.zeros(x_shape, dy.dtype), g)
    dy = _by_group(dy, groups)
    for tap, index in taps(g):
        dx = np.matmul(dy, _weights_by_group(w[tap], groups).transpose(0, 2, 1))
        full[index] += _from_groups(dx, (x_shape[0], *g.count, x_shape[-1]))
    return np.ascontiguousarray(inside(full, g))


@last_first(0, 1)
def _dw_ref(x, dy, *, kernel_size, strides, padding, dilation, groups, sparse):
    g = windows(x.shape[1:-1], kernel_size, strides, padding, dilation)
    full, c, oc = padded(x, g), x.shape[-1] // groups, dy.shape[-1]
    dy = _by_group(dy, groups)
    dw = np.empty((*kernel_size, c, oc), x.dtype)
    for tap, index in taps(g):
        part = np.matmul(_by_group(full[index], groups).transpose(0, 2, 1), dy)
        dw[tap] = part.transpose(1, 0, 2).reshape(c, oc)
    return dw


# ---- lowering and facts
def _geometry(node, x, y, kernel):
    """The Geometry of a node, from the shapes of the image and of what the convolution makes of it."""
    a = node.attrs
    return conv_ways.geometry(x[0], x[-1], y[-1], a['groups'],
                              windows(x[1:-1], kernel, a['strides'], a['padding'], a['dilation']))


def _lower(ctx, node, ins, out):
    return conv_ways.forward(ctx, _geometry(node, ins[0].shape, out.shape, of_kernel(node)), *ins, out)


def _dx_lower(ctx, node, ins, out):
    g = _geometry(node, out.shape, ins[0].shape, of_kernel(node))
    return (conv_ways.sparse_by_input if node.attrs['sparse'] else conv_ways.by_input)(ctx, g, *ins, out)


def _dw_lower(ctx, node, ins, out):
    g = _geometry(node, ins[0].shape, ins[1].shape, node.attrs['kernel_size'])
    return (conv_ways.sparse_by_kernel if node.attrs['sparse'] else conv_ways.by_kernel)(ctx, g, *ins, out)


def _affine(node):
    """Factors on the channels that a kernel makes are factors on its filters."""
    return (1, node.shape[-1:]) if node.attrs['data_format'] == 'channels_last' else None


def _dx_affine(node):
    """The transposed convolution makes the channels that the kernel reads."""
    plain = node.attrs['data_format'] == 'channels_last' and node.attrs['groups'] == 1
    return (1, (node.shape[-1], 1)) if plain else None


def dx_cropped(node, around):
    """Of the gradient by an image with zeros around it, the image's part: its windows have these zeros as their padding."""
    size = spatial(node.shape, node.attrs['data_format'])
    padding = padding_over(around, size, node.attrs, of_kernel(node))
    return None if padding is None else dict(
        node.attrs, padding=padding, size=tuple(n - before - after for n, (before, after) in zip(size, around)))


def _dx_apart(node):
    """Windows of one pixel that lie apart leave the gradient of the pixels between them 0."""
    a, (_, w) = node.attrs, node.inputs
    ones, size = (1,) * len(a['strides']), spatial(node.shape, a['data_format'])
    if a['data_format'] != 'channels_last' or a['sparse'] or w.shape[:-2] != ones or a['strides'] == ones:
        return None
    g = windows(size, ones, a['strides'], a['padding'])
    if any(g.before) or g.count != outputs('same', size, ones, a['strides'], ones, node.op):
        return None
    return dict(a, strides=ones, padding='valid', size=g.count)


def _flops(node):
    return 2 * node.size * math.prod(node.inputs[1].shape[:-1])


def _dx_flops(node):
    return 2 * node.inputs[0].size * math.prod(node.inputs[1].shape[:-1])


def _dw_flops(node):
    return 2 * node.inputs[1].size * math.prod(node.shape[:-1])


# ---- the records of a number of spatial axes
def _records(rank):
    op, by_input, by_kernel = f'conv{rank}d', f'conv{rank}d_dx', f'conv{rank}d_dw'
    ones, kernel_axes = (1,) * rank, f'({AXES[rank]}, channels / groups, filters)'
    vjp, dx_vjp, dw_vjp = gradients_of(op)

    def cases():
        return window_cases(op, 0, CASES[rank], lambda w: w[-1], groups=1)

    def alike(sample):
        """The samples of a gradient, some of them once more as `sparse`."""
        made = [sample(*arrays, a) for arrays, a in cases()]
        return made + [sample(*arrays, dict(a, sparse=True)) for arrays, a in cases()[:4]]

    @register(op, vjp=vjp, ref=_ref, lower=_lower, epilogue=True, promote=0, floating=True, images=(0, -1),
              window=of_kernel, border='zero', rows=first_moves, affine=_affine, flops=_flops,
              samples=lambda: [Sample([x, w], a) for (x, w, _), a in cases()])
    def spec(x, w, *, strides=ones, padding='valid', dilation=ones, groups=1, data_format='channels_last'):
        """y[n, *windows, filters] of x[n, *size, c] and w; correlation, as all of Keras's convolutions."""
        n, *size, c = to_last(of_rank(op, 'inputs', x, rank, f'({data_format})'), data_format)
        kernel = of_rank(op, 'kernel', w, rank, kernel_axes)
        check_channels(op, c, None, kernel, groups)
        return from_last((n, *outputs(padding, size, kernel[:-2], strides, dilation, op), kernel[-1]), data_format), x.dtype

    @register(by_input, vjp=dx_vjp, ref=_dx_ref, lower=_dx_lower, epilogue=True, promote=0, floating=True, images=(0, -1),
              rows=first_moves, affine=_dx_affine, flops=_dx_flops, apart=_dx_apart, cropped=dx_cropped,
              simplify=shares.seen_sparse(0), samples=lambda: alike(lambda x, w, y, a: Sample(
                  [y, w], dict(a, size=spatial(x.shape, a['data_format'])))))
    def dx_spec(dy, w, *, size=None, strides=ones, padding='valid', dilation=ones, groups=1, data_format='channels_last',
                sparse=False):
        """The gradient by the input of spatial `size`; None: the size that input_size() says. It is also the transposed
        convolution. sparse: dy is 0 almost everywhere, and only its other elements are worth a look."""
        n, *dy_size, oc = to_last(of_rank(by_input, 'inputs', dy, rank, f'({data_format})'), data_format)
        kernel = of_rank(by_input, 'kernel', w, rank, kernel_axes)
        check_channels(by_input, None, oc, kernel, groups)
        size = size or input_size(dy_size, kernel[:-2], strides, padding, dilation)
        if any(s is not None and s < 0 for s in size):
            raise error(by_input, f'{tuple(dy_size)} outputs with padding {padding!r} leave no input, got size {size}')
        check_gradient_size(by_input, size, dy_size, kernel[:-2], strides, padding, dilation)
        return from_last((n, *size, kernel[-2] * groups), data_format), dy.dtype

    @register(by_kernel, vjp=dw_vjp, ref=_dw_ref, lower=_dw_lower, promote=0, floating=True, images=(0, 1),
              window=of_attribute, border='zero', flops=_dw_flops, over_rows=always,
              simplify=shares.seen_sparse(1),
              samples=lambda: alike(lambda x, w, y, a: Sample([x, y], dict(a, kernel_size=w.shape[:-2]))))
    def dw_spec(x, dy, *, kernel_size, strides=ones, padding='valid', dilation=ones, groups=1, data_format='channels_last',
                sparse=False):
        """The gradient by the kernel. sparse: as of the gradient by the input."""
        _, *size, c = to_last(of_rank(by_kernel, 'inputs', x, rank, f'({data_format})'), data_format)
        _, *dy_size, oc = to_last(of_rank(by_kernel, 'output gradient', dy, rank, f'({data_format})'), data_format)
        if None in (c, oc) or c % groups or oc % groups:
            raise error(by_kernel, f'expected channels divisible by groups={groups}, got {c} and {oc}')
        check_gradient_size(by_kernel, size, dy_size, kernel_size, strides, padding, dilation)
        return (*kernel_size, c // groups, oc), x.dtype


# convolutions that exercise tails of channels, strides, dilation, groups and every padding
CASES = {2: [
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
], 3: [
    {'x': (2, 4, 5, 6, 3), 'w': (2, 3, 3, 3, 4)},
    {'x': (1, 5, 6, 7, 9), 'w': (2, 3, 2, 9, 33), 'padding': 'same'},
    {'x': (2, 6, 5, 7, 5), 'w': (3, 2, 3, 5, 6), 'padding': 'same', 'strides': (2, 2, 2)},
    {'x': (1, 7, 6, 5, 4), 'w': (3, 3, 1, 4, 5), 'strides': (2, 3, 1), 'dilation': (2, 1, 3),
     'padding': ((2, 1), (0, 3), (0, 0))},
    {'x': (1, 6, 5, 5, 6), 'w': (2, 3, 3, 2, 9), 'groups': 3, 'padding': 'same', 'strides': (3, 2, 1)},
    {'x': (1, 5, 4, 3, 40), 'w': (1, 1, 1, 40, 17)},
    {'x': (2, 3, 5, 4, 8), 'w': (1, 1, 1, 8, 16), 'strides': (2, 2, 2), 'padding': 'same'},
    {'x': (2, 3, 8, 9, 18), 'w': (1, 3, 3, 18, 20), 'padding': 'same'},    # slices that do not meet are images
    {'x': (1, 4, 6, 9, 3), 'w': (1, 3, 3, 3, 7), 'padding': 'same'},
    {'x': (1, 4, 6, 5, 20), 'w': (3, 2, 2, 20, 8), 'padding': 'same'},
    {'x': (1, 5, 6, 5, 2), 'w': (3, 2, 2, 2, 3), 'strides': (2, 1, 2), 'padding': ((0, -1), (1, 0), (3, 2))},
    {'x': (1, 2, 2, 2, 3), 'w': (2, 1, 2, 3, 2), 'padding': ((3, 3), (2, 0), (0, 2)), 'strides': (3, 4, 2)},
    {'x': (0, 4, 5, 5, 3), 'w': (3, 3, 3, 3, 4), 'padding': 'same'},
    {'x': (2, 3, 4, 5, 6), 'w': (3, 3, 3, 3, 4), 'padding': 'same', 'data_format': 'channels_first'},
]}

for _rank in CASES:
    _records(_rank)
