"""What weights begin with where there is no caffemodel: the fillers of the description."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastkeras import initializers

from .known import finite

# type of layer → (its parameters, the fillers of its blobs in order)
_OF_LAYERS = {
    **dict.fromkeys(('Convolution', 'ConvolutionDepthwise', 'DepthwiseConvolution', 'Deconvolution'),
                    ('convolution_param', ('weight_filler', 'bias_filler'))),
    'InnerProduct': ('inner_product_param', ('weight_filler', 'bias_filler')),
    'Embed': ('embed_param', ('weight_filler', 'bias_filler')),
    'Scale': ('scale_param', ('filler', 'bias_filler')), 'Bias': ('bias_param', ('filler',)),
    'PReLU': ('prelu_param', ('filler',)), 'Normalize': ('norm_param', ('scale_filler',)),
    **dict.fromkeys(('LSTM', 'RNN'), ('recurrent_param', ('weight_filler', 'bias_filler')))}
_NORMS = ('fan_in', 'fan_out', 'fan_avg')


@dataclass
class Filled:
    """A weight that a filler gives, in Caffe's shape, brought into Keras's form by `change`."""

    initializer: Any
    shape: tuple
    change: Any = None

    def load(self):
        array = np.asarray(self.initializer(self.shape, 'float32'))
        return array if self.change is None else self.change(array)


class Bilinear(initializers.Initializer):
    """Kernels (…, rows, columns) with which a Deconvolution interpolates between pixels."""

    def __call__(self, shape, dtype=None):
        if len(shape) != 4 or shape[2] != shape[3]:
            raise ValueError(f'the filler bilinear is for square kernels of images, got the shape {tuple(shape)}')
        n = shape[3]
        half = -(-n // 2)
        line = 1 - abs(np.arange(n) / half - (n - 1) / (2 * half))
        return np.broadcast_to(np.outer(line, line), shape).astype(dtype or 'float32')


class Sparse(initializers.Initializer):
    """Normal numbers, of which as many as `kept` for each input, on average, are not 0."""

    def __init__(self, mean, std, kept):
        self.drawn, self.kept = initializers.RandomNormal(mean, std), kept

    def __call__(self, shape, dtype=None):
        stays = np.asarray(initializers.RandomUniform(0.0, 1.0)(shape, 'float32')) < self.kept / shape[0]
        return np.asarray(self.drawn(shape, dtype)) * stays


class UnitBall(initializers.Initializer):
    """Positive numbers that add up to 1 for each output."""

    def __call__(self, shape, dtype=None):
        drawn = np.asarray(initializers.RandomUniform(0.0, 1.0)(shape, 'float32'))
        return drawn / drawn.reshape(shape[0], -1).sum(1).reshape(-1, *(1,) * (len(shape) - 1))


def weights(draft, layer, wanted):
    """What gives the values of the blobs that are wanted of a layer, each (Caffe's shape, change), by its fillers: None for one
    that begins as the Keras layer has it. [] where no filler is said."""
    name, fields = _OF_LAYERS.get(layer.type, (None, ()))
    p = getattr(layer, name) if name else None
    made = []
    for k, (shape, *change) in enumerate(wanted):
        # a recurrent layer has several kernels and, of one axis, biases
        field = fields[min(k, len(fields) - 1)] if fields else None
        if layer.type in ('LSTM', 'RNN'):
            field = fields[len(shape) == 1]
        filler = getattr(p, field) if field and p.HasField(field) else None
        if filler is None and layer.type == 'PReLU':
            initializer = initializers.Constant(0.25)       # as Caffe has it unless told
        else:
            initializer = None if filler is None else _initializer(draft, field, filler)
        made.append(initializer and Filled(initializer, tuple(shape), change[0] if change else None))
    return made if any(made) else []


def _initializer(draft, field, filler):
    kind = filler.type
    value, low, high, mean, std = (finite(draft, f'{field}.{f}', getattr(filler, f)) for f in (
        'value', 'min', 'max', 'mean', 'std'))
    if kind == 'constant':
        return initializers.Constant(value)
    if kind == 'uniform':
        if low > high:
            raise draft.error(f'{field}: expected min of at most max, got {low} and {high}')
        return initializers.RandomUniform(low, high)
    if kind == 'gaussian':
        if std < 0:
            raise draft.error(f'{field}: expected std of 0 or more, got {std}')
        return Sparse(mean, std, filler.sparse) if filler.sparse >= 0 else initializers.RandomNormal(mean, std)
    if kind in ('xavier', 'msra'):
        # Caffe counts what one output reads as elements over the first size, what one input feeds as elements over the second
        return _Scaled(1.0 if kind == 'xavier' else 2.0, _NORMS[filler.variance_norm], kind == 'xavier')
    if kind == 'bilinear':
        return Bilinear()
    if kind == 'positive_unitball':
        return UnitBall()
    raise draft.error(f'{field}: expected type to be constant, uniform, gaussian, xavier, msra, bilinear or positive_unitball, '
                      f'got {kind!r:.80}')


class _Scaled(initializers.Initializer):
    """Numbers of variance scale / n, n counted in Caffe's shape (outputs, inputs, …)."""

    def __init__(self, scale, mode, uniform):
        self.scale, self.mode, self.uniform = scale, mode, uniform

    def __call__(self, shape, dtype=None):
        total = int(np.prod(shape))
        fan_in, fan_out = total // shape[0], total // shape[1] if len(shape) > 1 else total
        n = {'fan_in': fan_in, 'fan_out': fan_out, 'fan_avg': (fan_in + fan_out) / 2}[self.mode]
        deviation = (self.scale / n) ** 0.5
        drawn = initializers.RandomUniform(-deviation * 3 ** 0.5, deviation * 3 ** 0.5) if self.uniform else (
            initializers.RandomNormal(0.0, deviation))
        return drawn(shape, dtype)
