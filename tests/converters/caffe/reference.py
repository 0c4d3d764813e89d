"""Caffe's layers in NumPy and float64, one function each, straight from what the layers say they do.

`Reference(text).run(inputs)` gives every blob of a network by its name; weights are drawn the first time a layer wants them,
and `save` writes them as a caffemodel.
"""

import math

import numpy as np
from google.protobuf import text_format

from fastkeras.converters.caffe import schema

LAYERS = {}


def layer_of(name):
    def decorate(function):
        LAYERS[name] = function
        return function
    return decorate


class Reference:
    def __init__(self, text, seed=0):
        self.net = text_format.Parse(text, schema.message('NetParameter')())
        self.rng, self.held = np.random.default_rng(seed), {}

    def weight(self, layer, *shapes, positive=()):
        """The blobs of a layer; those in `positive` above 0.5."""
        if layer.name not in self.held:
            drawn = [self.rng.standard_normal(s) / max(1, math.sqrt(math.prod(s[1:]))) for s in shapes]
            self.held[layer.name] = [(abs(a) + 0.5 if k in positive else a).astype('f4') for k, a in enumerate(drawn)]
        return [a.astype('f8') for a in self.held[layer.name]]

    def run(self, inputs):
        blobs = {name: np.asarray(x, 'f8') for name, x in inputs.items()}
        for layer in self.net.layer:
            if layer.type == 'Input':
                continue
            made = LAYERS[layer.type](self, layer, *(blobs[b] for b in layer.bottom))
            blobs.update(zip(layer.top, made if isinstance(made, list) else [made]))
        return blobs

    def model(self, how='packed'):
        """The weights as a NetParameter. how: 'packed', 'legacy' (four sizes, layers of the second generation) or 'double'."""
        net = schema.message('NetParameter')()
        for name, arrays in self.held.items():
            layer = net.layers.add(name=name) if how == 'legacy' else net.layer.add(name=name)
            for a in arrays:
                blob = layer.blobs.add()
                if how == 'legacy':
                    blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - a.ndim) + a.shape
                else:
                    blob.shape.dim.extend(a.shape)
                (blob.double_data if how == 'double' else blob.data).extend(a.ravel().tolist())
        return net

    def save(self, path, how='packed'):
        path.write_bytes(self.model(how).SerializeToString())
        return path


def pair(p, name, default=None):
    short = name.replace('_size', '')
    if p.HasField(f'{short}_h') or p.HasField(f'{short}_w'):
        return getattr(p, f'{short}_h'), getattr(p, f'{short}_w')
    value = getattr(p, name)
    value = list(value) if hasattr(value, 'append') else [value] if p.HasField(name) else []
    return (value * 2)[:2] if value else (default, default)


def around(a, axis, rank):
    return a.reshape(a.shape + (1,) * (rank - axis - a.ndim))


@layer_of('Convolution')
def convolution(ref, layer, x):
    p = layer.convolution_param
    (kh, kw), (sh, sw), (ph, pw) = pair(p, 'kernel_size'), pair(p, 'stride', 1), pair(p, 'pad', 0)
    dh, dw = (list(p.dilation) * 2 or [1, 1])[:2]
    n, c, h, w = x.shape
    g, f = p.group, p.num_output
    wt = ref.weight(layer, (f, c // g, kh, kw), *([(f,)] if p.bias_term else []))
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh, ow = (h + 2 * ph - (kh - 1) * dh - 1) // sh + 1, (w + 2 * pw - (kw - 1) * dw - 1) // sw + 1
    y = np.zeros((n, f, oh, ow))
    for o in range(f):
        first = o // (f // g) * (c // g)
        for i in range(kh):
            for j in range(kw):
                part = x[:, first:first + c // g, i * dh:i * dh + (oh - 1) * sh + 1:sh, j * dw:j * dw + (ow - 1) * sw + 1:sw]
                y[:, o] += np.einsum('nchw,c->nhw', part, wt[0][o, :, i, j])
    return y + (wt[1][:, None, None] if p.bias_term else 0)


@layer_of('Deconvolution')
def deconvolution(ref, layer, x):
    p = layer.convolution_param
    (kh, kw), (sh, sw), (ph, pw) = pair(p, 'kernel_size'), pair(p, 'stride', 1), pair(p, 'pad', 0)
    dh, dw = (list(p.dilation) * 2 or [1, 1])[:2]
    n, c, h, w = x.shape
    g, f = p.group, p.num_output
    wt = ref.weight(layer, (c, f // g, kh, kw), *([(f,)] if p.bias_term else []))
    y = np.zeros((n, f, (h - 1) * sh + (kh - 1) * dh + 1, (w - 1) * sw + (kw - 1) * dw + 1))
    for k in range(c):
        out = k // (c // g) * (f // g)
        for i in range(kh):
            for j in range(kw):
                y[:, out:out + f // g, i * dh:i * dh + (h - 1) * sh + 1:sh, j * dw:j * dw + (w - 1) * sw + 1:sw] += \
                    x[:, k, None] * wt[0][k, :, i, j][:, None, None]
    y = y[:, :, ph:y.shape[2] - ph, pw:y.shape[3] - pw]
    return y + (wt[1][:, None, None] if p.bias_term else 0)


@layer_of('Pooling')
def pooling(ref, layer, x):
    p = layer.pooling_param
    n, c, h, w = x.shape
    if p.global_pooling:
        kh, kw, sh, sw, ph, pw = h, w, 1, 1, 0, 0
    else:
        (kh, kw), (sh, sw), (ph, pw) = pair(p, 'kernel_size'), pair(p, 'stride', 1), pair(p, 'pad', 0)
    rounded = math.floor if p.round_mode else math.ceil
    oh, ow = rounded((h + 2 * ph - kh) / sh) + 1, rounded((w + 2 * pw - kw) / sw) + 1
    if ph or pw:
        oh -= (oh - 1) * sh >= h + ph
        ow -= (ow - 1) * sw >= w + pw
    y = np.zeros((n, c, oh, ow))
    for i in range(oh):
        for j in range(ow):
            top, left = i * sh - ph, j * sw - pw
            bottom, right = min(top + kh, h + ph), min(left + kw, w + pw)
            size = (bottom - top) * (right - left)
            part = x[:, :, max(top, 0):min(bottom, h), max(left, 0):min(right, w)]
            with np.errstate(invalid='ignore'):
                if p.pool == 2:
                    total = part.sum((2, 3))
                    with np.errstate(divide='ignore', invalid='ignore'):
                        y[:, :, i, j] = np.where(total > 0, (part ** 2).sum((2, 3)) / total, 0)
                    continue
                y[:, :, i, j] = part.max((2, 3)) if p.pool == 0 else part.sum((2, 3)) / size
    return y


@layer_of('SPP')
def pyramid(ref, layer, x):
    p, rows = layer.spp_param, []
    for level in range(p.pyramid_height):
        bins, size = 2 ** level, x.shape[2:]
        kernel = [math.ceil(n / bins) for n in size]
        pads = [(k * bins - n + 1) // 2 for k, n in zip(kernel, size)]
        part = type(layer)(type='Pooling')
        q = part.pooling_param
        q.pool, q.kernel_h, q.kernel_w, q.stride_h, q.stride_w, q.pad_h, q.pad_w = p.pool, *kernel, *kernel, *pads
        rows.append(pooling(ref, part, x).reshape(len(x), -1))
    return np.concatenate(rows, 1)


@layer_of('MVN')
def mean_variance(ref, layer, x):
    p = layer.mvn_param
    axes = (1, 2, 3) if p.across_channels else (2, 3)
    x = x - x.mean(axes, keepdims=True)
    return x / (np.sqrt((x ** 2).mean(axes, keepdims=True)) + p.eps) if p.normalize_variance else x


@layer_of('LRN')
def lrn(ref, layer, x):
    p = layer.lrn_param
    half = (p.local_size - 1) // 2
    y = np.zeros_like(x)
    if p.norm_region == 0:
        for c in range(x.shape[1]):
            total = (x[:, max(c - half, 0):c + half + 1] ** 2).sum(1)
            y[:, c] = x[:, c] * (p.k + p.alpha / p.local_size * total) ** -p.beta
        return y
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            part = x[:, :, max(i - half, 0):i + half + 1, max(j - half, 0):j + half + 1]
            y[:, :, i, j] = x[:, :, i, j] * (1 + p.alpha * (part ** 2).sum((2, 3)) / p.local_size ** 2) ** -p.beta
    return y


@layer_of('InnerProduct')
def inner_product(ref, layer, x):
    p = layer.inner_product_param
    axis = p.axis % x.ndim
    rows = x.reshape(*x.shape[:axis], -1)
    n, k = p.num_output, rows.shape[-1]
    wt = ref.weight(layer, (k, n) if p.transpose else (n, k), *([(n,)] if p.bias_term else []))
    y = rows @ (wt[0] if p.transpose else wt[0].T)
    return y + (wt[1] if p.bias_term else 0)


LAYERS.update({
    'ReLU': lambda ref, layer, x: np.where(x > 0, x, x * layer.relu_param.negative_slope),
    'ReLU6': lambda ref, layer, x: x.clip(0, 6),
    'ELU': lambda ref, layer, x: np.where(x > 0, x, layer.elu_param.alpha * np.expm1(np.minimum(x, 0))),
    'Sigmoid': lambda ref, layer, x: 1 / (1 + np.exp(-x)),
    'TanH': lambda ref, layer, x: np.tanh(x),
    'AbsVal': lambda ref, layer, x: abs(x),
    'BNLL': lambda ref, layer, x: np.log1p(np.exp(x)),
    'Swish': lambda ref, layer, x: x / (1 + np.exp(-layer.swish_param.beta * x)),
    'Clip': lambda ref, layer, x: x.clip(layer.clip_param.min, layer.clip_param.max),
    'Threshold': lambda ref, layer, x: (x > layer.threshold_param.threshold) * 1.0,
    'Dropout': lambda ref, layer, x: x,
    'Split': lambda ref, layer, x: [x] * len(layer.top),
    'Concat': lambda ref, layer, *x: np.concatenate(
        x, layer.concat_param.concat_dim if layer.concat_param.HasField('concat_dim') else layer.concat_param.axis),
    'Permute': lambda ref, layer, x: x.transpose(layer.permute_param.order),
    'Silence': lambda ref, layer, *x: [],
})


@layer_of('Power')
def power(ref, layer, x):
    p = layer.power_param
    return (p.shift + p.scale * x) ** p.power


@layer_of('Exp')
def exp(ref, layer, x):
    p = layer.exp_param
    return (math.e if p.base == -1 else p.base) ** (p.shift + p.scale * x)


@layer_of('Log')
def log(ref, layer, x):
    p = layer.log_param
    return np.log(p.shift + p.scale * x) / (1 if p.base == -1 else math.log(p.base))


@layer_of('PReLU')
def prelu(ref, layer, x):
    slope, = ref.weight(layer, (1,) if layer.prelu_param.channel_shared else (x.shape[1],))
    return np.where(x > 0, x, x * around(slope, 1, x.ndim))


@layer_of('Softmax')
def softmax(ref, layer, x):
    axis = layer.softmax_param.axis
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@layer_of('SoftmaxWithLoss')
def softmax_loss(ref, layer, x, *_):
    return softmax(ref, layer, x)


@layer_of('SigmoidCrossEntropyLoss')
def sigmoid_loss(ref, layer, x, *_):
    return 1 / (1 + np.exp(-x))


@layer_of('BatchNorm')
def batch_norm(ref, layer, x):
    c = x.shape[1]
    mean, variance, factor = ref.weight(layer, (c,), (c,), (1,), positive=(1, 2))
    y = (x - around(mean / factor, 1, x.ndim)) / np.sqrt(around(variance / factor, 1, x.ndim) + layer.batch_norm_param.eps)
    return y


@layer_of('Scale')
def scale(ref, layer, x, factor=None):
    p = layer.scale_param
    axis = p.axis % x.ndim
    shape = x.shape[axis:] if p.num_axes == -1 else x.shape[axis:axis + p.num_axes]
    if factor is None:
        wt = ref.weight(layer, shape, *([shape] if p.bias_term else []), positive=(0,))
        factor, moved = wt[0], wt[1] if p.bias_term else None
    else:
        moved = None
    y = x * around(factor, axis, x.ndim)
    return y if moved is None else y + around(moved, axis, x.ndim)


@layer_of('Bias')
def bias(ref, layer, x, moved=None):
    p = layer.bias_param
    axis = p.axis % x.ndim
    shape = x.shape[axis:] if p.num_axes == -1 else x.shape[axis:axis + p.num_axes]
    return x + around(ref.weight(layer, shape)[0] if moved is None else moved, axis, x.ndim)


@layer_of('Eltwise')
def eltwise(ref, layer, *x):
    p = layer.eltwise_param
    if p.operation == 1:
        return sum(c * v for c, v in zip(list(p.coeff) or [1] * len(x), x))
    return np.prod(x, axis=0) if p.operation == 0 else np.max(x, axis=0)


@layer_of('Slice')
def slice_(ref, layer, x):
    p = layer.slice_param
    axis = p.slice_dim if p.HasField('slice_dim') else p.axis
    return np.split(x, list(p.slice_point) or len(layer.top), axis)


@layer_of('Flatten')
def flatten(ref, layer, x):
    start, end = layer.flatten_param.axis % x.ndim, layer.flatten_param.end_axis % x.ndim
    return x.reshape(*x.shape[:start], -1, *x.shape[end + 1:])


@layer_of('Reshape')
def reshape(ref, layer, x):
    p = layer.reshape_param
    start = p.axis if p.axis >= 0 else x.ndim + p.axis + 1
    end = x.ndim if p.num_axes == -1 else start + p.num_axes
    dims = [x.shape[start + k] if d == 0 else d for k, d in enumerate(p.shape.dim)]
    return x.reshape(*x.shape[:start], *dims, *x.shape[end:])


@layer_of('Normalize')
def normalize(ref, layer, x):
    p = layer.norm_param
    wt, = ref.weight(layer, (1,) if p.channel_shared else (x.shape[1],), positive=(0,))
    axes = tuple(range(1, x.ndim)) if p.across_spatial else 1
    return x / np.sqrt((x ** 2).sum(axes, keepdims=True) + p.eps) * around(wt, 1, x.ndim)


@layer_of('Crop')
def crop(ref, layer, x, like):
    p = layer.crop_param
    axis = p.axis % x.ndim
    offsets = (list(p.offset) or [0]) * (x.ndim if len(p.offset) < 2 else 1)
    for k, a in enumerate(range(axis, x.ndim)):
        x = np.take(x, range(offsets[k], offsets[k] + like.shape[a]), a)
    return x


@layer_of('Tile')
def tile(ref, layer, x):
    return np.concatenate([x] * layer.tile_param.tiles, layer.tile_param.axis)


@layer_of('Embed')
def embed(ref, layer, x):
    p = layer.embed_param
    wt = ref.weight(layer, (p.input_dim, p.num_output), *([(p.num_output,)] if p.bias_term else []))
    return wt[0][x.astype(int)] + (wt[1] if p.bias_term else 0)


@layer_of('ArgMax')
def argmax(ref, layer, x):
    p = layer.argmax_param
    if p.HasField('axis'):
        lines = np.moveaxis(x, p.axis, -1)
        found = np.apply_along_axis(lambda v: [max_of(v, p.top_k)[not p.out_max_val]], -1, lines)
        return np.moveaxis(found.reshape(*lines.shape[:-1], p.top_k), -1, p.axis)
    rows = [max_of(v, p.top_k) for v in x.reshape(len(x), -1)]
    y = np.array([[places, values] if p.out_max_val else [places] for values, places in rows], 'f8')
    return y.reshape(*y.shape, *(1,) * max(x.ndim - 3, 0))


def max_of(v, k):
    """(values, places) of the k largest; of equal ones the last first."""
    pairs = sorted(((value, place) for place, value in enumerate(v)), reverse=True)[:k]
    return [p[0] for p in pairs], [p[1] for p in pairs]


@layer_of('Reduction')
def reduction(ref, layer, x):
    p = layer.reduction_param
    rows = x.reshape(*x.shape[:p.axis], -1)
    return p.coeff * {1: rows.sum(-1), 2: abs(rows).sum(-1), 3: (rows ** 2).sum(-1), 4: rows.mean(-1)}[p.operation]
