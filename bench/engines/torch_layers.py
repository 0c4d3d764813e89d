"""The layers of Keras, as far as networks.py uses them, translated to PyTorch: calling them writes a torch.fx graph.

Values are channels first, but for sequences as layers without a convolution want them (`last`). What PyTorch has in one piece
is used so: padding layers go into the convolution or pooling behind them, the rows of a Dense behind a Flatten are put in
PyTorch's order. With `logits` a softmax or sigmoid at the end is left out, since PyTorch's loss contains it.
"""
from collections import namedtuple

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional as F

from bench import networks

# shape: as in Keras, without the batch
Value = namedtuple('Value', 'node shape padding flat last', defaults=[0, None, False])
ACTIVATIONS = {'relu': lambda: nn.ReLU(inplace=True), 'tanh': nn.Tanh, 'sigmoid': nn.Sigmoid, 'softmax': lambda: nn.Softmax(-1)}
OF_LOSSES = ('softmax', 'sigmoid')      # activations that PyTorch's losses contain


def load(module, kernel, bias=()):
    module.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
    for array in bias:
        module.bias.data = torch.from_numpy(array)
    return module


class Layers:
    def __init__(self, logits=False, dropout=True):
        self.graph, self.root, self.logits, self.dropout = fx.Graph(), nn.Module(), logits, dropout

    def module(self, outputs):
        """Images come out as Keras has them."""
        node, axes = outputs.node, len(outputs.shape)
        if axes > 1 and not outputs.last:
            node = self.graph.call_method('permute', (node, (0, *range(2, axes + 1), 1)))
        self.graph.output(node)
        return fx.GraphModule(self.root, self.graph)

    def _apply(self, module, x, shape, **fields):
        name = f'm{len(self.graph.nodes)}'
        self.root.add_module(name, module)
        return Value(self.graph.call_module(name, (x.node,)), shape, **fields)

    def _activate(self, x, activation):
        if activation is None or self.logits and activation in OF_LOSSES:
            return x
        return self._apply(ACTIVATIONS[activation](), x, x.shape, last=x.last)

    def Input(self, shape, dtype=None):
        return Value(self.graph.placeholder('x'), shape, last=len(shape) == 2)

    def _called(self, method, x, *args):
        return self.graph.call_method(method, (x.node, *args))

    def _as_image(self, x):
        """Channels first."""
        return Value(self._called('transpose', x, 1, 2), x.shape) if x.last else x

    def _windows(self, x, size, strides, padding):
        """(x, symmetric padding, output height and width)."""
        h, w, _ = x.shape
        if padding != 'same':
            return x, x.padding, tuple((n + 2 * x.padding - size) // strides + 1 for n in (h, w))
        out = tuple(-(-n // strides) for n in (h, w))
        totals = [max((o - 1) * strides + size - n, 0) for o, n in zip(out, (h, w))]
        if any(t % 2 for t in totals) or len(set(totals)) > 1:
            (top, bottom), (left, right) = ((t // 2, t - t // 2) for t in totals)
            x = x._replace(node=self.graph.call_function(F.pad, (x.node, (left, right, top, bottom))))
            return x, 0, out
        return x, totals[0] // 2, out

    def _conv(self, x, name, kernel, filters, size, strides, padding, use_bias, groups, activation=None):
        """kernel: Keras's shape."""
        x, pad, out = self._windows(x, size, strides, padding)
        array, *bias = networks.weights(name, [kernel] + [(filters,)] * use_bias)
        module = nn.Conv2d(x.shape[-1], filters, size, strides, pad, groups=groups, bias=use_bias)
        axes = (3, 2, 0, 1) if groups == 1 else (2, 3, 0, 1)
        y = self._apply(load(module, array.transpose(axes), bias), x, (*out, filters))
        return self._activate(y, activation)

    def Conv2D(self, filters, size, strides=1, padding='valid', activation=None, use_bias=True, name=None):
        return lambda x: self._conv(x, name, (size, size, x.shape[-1], filters), filters, size, strides, padding, use_bias,
                                    1, activation)

    def DepthwiseConv2D(self, size, strides=1, padding='valid', use_bias=True, name=None):
        return lambda x: self._conv(x, name, (size, size, x.shape[-1], 1), x.shape[-1], size, strides, padding, use_bias,
                                    x.shape[-1])

    def Conv1D(self, filters, size, activation=None, name=None):
        def apply(x):
            x, (n, channels) = self._as_image(x), x.shape
            kernel, bias = networks.weights(name, [(size, channels, filters), (filters,)])
            module = load(nn.Conv1d(channels, filters, size), kernel.transpose(2, 1, 0), [bias])
            return self._activate(self._apply(module, x, (n - size + 1, filters)), activation)
        return apply

    def Conv3D(self, filters, size, activation=None, name=None):
        def apply(x):
            *sizes, channels = x.shape
            kernel, bias = networks.weights(name, [(size, size, size, channels, filters), (filters,)])
            module = load(nn.Conv3d(channels, filters, size), kernel.transpose(4, 3, 0, 1, 2), [bias])
            return self._activate(self._apply(module, x, (*(n - size + 1 for n in sizes), filters)), activation)
        return apply

    def Conv2DTranspose(self, filters, size, strides, padding, activation=None, name=None):
        """Where Keras pads alike on both sides."""
        pad, odd = divmod(size - strides, 2)
        assert padding == 'same' and not odd

        def apply(x):
            h, w, channels = x.shape
            kernel, bias = networks.weights(name, [(size, size, filters, channels), (filters,)])
            module = load(nn.ConvTranspose2d(channels, filters, size, strides, pad), kernel.transpose(3, 2, 0, 1), [bias])
            return self._activate(self._apply(module, x, (h * strides, w * strides, filters)), activation)
        return apply

    def Dense(self, units, activation=None, name=None):
        def apply(x):
            n = x.shape[-1]
            kernel, bias = networks.weights(name, [(n, units), (units,)])
            if x.flat:
                kernel = kernel.reshape(*x.flat, units).transpose(2, 0, 1, 3).reshape(n, units)
            y = self._apply(load(nn.Linear(n, units), kernel.T, [bias]), x, (*x.shape[:-1], units), last=x.last)
            return self._activate(y, activation)
        return apply

    # ---- sequences
    def Embedding(self, rows, width, name=None):
        def apply(x):
            array, = networks.weights(name, [(rows, width)])
            return self._apply(load(nn.Embedding(rows, width), array), x, (*x.shape, width), last=True)
        return apply

    def LSTM(self, units, recurrent_activation, name=None):
        assert recurrent_activation == 'sigmoid'
        return Recurrent(self, nn.LSTM, units, name)

    def GRU(self, units, recurrent_activation, reset_after, name=None):
        assert recurrent_activation == 'sigmoid' and reset_after
        return Recurrent(self, nn.GRU, units, name)

    def Bidirectional(self, layer, name=None):
        return Recurrent(self, layer.kind, layer.units, name, both=True)

    def MultiHeadAttention(self, heads, width, name=None):
        def apply(x, value):
            n = x.shape[-1]
            shapes = [(n, heads, width), (heads, width)] * 3 + [(heads, width, n), (n,)]
            module = Attention(heads, *networks.weights(name, shapes))
            return self._apply(module, x, x.shape, last=True)
        return apply

    def LayerNormalization(self, epsilon, name=None):
        def apply(x):
            n = x.shape[-1]
            gamma, beta = networks.weights(name, [(n,), (n,)])
            return self._apply(load(nn.LayerNorm(n, epsilon), gamma, [beta]), x, x.shape, last=x.last)
        return apply

    def GlobalMaxPooling1D(self):
        return lambda x: Value(self._called('amax', x, 1 if x.last else 2), x.shape[-1:])

    def GlobalAveragePooling1D(self):
        return lambda x: Value(self._called('mean', x, 1 if x.last else 2), x.shape[-1:])

    def BatchNormalization(self, epsilon=1e-3, momentum=0.99, name=None):
        def apply(x):
            n = x.shape[-1]
            gamma, beta, mean, variance = networks.weights(name, [(n,)] * 4)
            kind = nn.BatchNorm2d if len(x.shape) == 3 else nn.BatchNorm1d
            module = load(kind(n, epsilon, 1 - momentum), gamma, [beta])
            module.running_mean.data, module.running_var.data = torch.from_numpy(mean), torch.from_numpy(variance)
            return self._apply(module, x, x.shape)
        return apply

    def ReLU(self, max_value=None):
        module = nn.ReLU(inplace=True) if max_value is None else nn.Hardtanh(0.0, max_value, inplace=True)
        return lambda x: self._apply(module, x, x.shape)

    def MaxPooling2D(self, size, strides=None):
        """A padded input must not be negative: PyTorch pads with minus infinity, the layer in front with zeros."""
        def apply(x):
            step = strides or size
            x, pad, out = self._windows(x, size, step, 'valid')
            return self._apply(nn.MaxPool2d(size, step, pad), x, (*out, x.shape[-1]))
        return apply

    def MaxPooling3D(self, size):
        return lambda x: self._apply(nn.MaxPool3d(size), x, (*(n // size for n in x.shape[:-1]), x.shape[-1]))

    def GlobalAveragePooling2D(self):
        return lambda x: Value(self._called('mean', x, (2, 3)), x.shape[-1:])

    def GlobalAveragePooling3D(self):
        return lambda x: Value(self._called('mean', x, (2, 3, 4)), x.shape[-1:])

    def Reshape(self, shape):
        """Rows to images."""
        def apply(x):
            rows = Value(self._called('unflatten', x, 1, shape), shape)
            return Value(self._called('permute', rows, (0, 3, 1, 2)), shape)
        return apply

    def Concatenate(self):
        def apply(xs):
            channels = sum(x.shape[-1] for x in xs)
            return Value(self.graph.call_function(torch.cat, ([x.node for x in xs], 1)), (*xs[0].shape[:-1], channels))
        return apply

    def ZeroPadding2D(self, padding):
        return lambda x: x._replace(padding=padding)

    def Flatten(self):
        return lambda x: self._apply(nn.Flatten(), x, (int(np.prod(x.shape)),), flat=x.shape)

    def Dropout(self, rate):
        return lambda x: self._apply(nn.Dropout(rate), x, x.shape, flat=x.flat, last=x.last) if self.dropout else x

    def Add(self):
        return lambda xs: Value(self.graph.call_function(torch.add, (xs[0].node, xs[1].node)), xs[0].shape, last=xs[0].last)


class Recurrent:
    """nn.LSTM or nn.GRU behind a sequence, of which the last state comes out. `kind` and `units` serve Bidirectional."""

    def __init__(self, layers, kind, units, name, both=False):
        self.layers, self.kind, self.units, self.name, self.both = layers, kind, units, name, both

    def __call__(self, x):
        n, units = x.shape[-1], self.units
        gates = 4 if self.kind is nn.LSTM else 3
        bias = (gates * units,) if self.kind is nn.LSTM else (2, gates * units)
        arrays = networks.weights(self.name, [(n, gates * units), (units, gates * units), bias] * (1 + self.both))
        module = self.kind(n, units, batch_first=True, bidirectional=self.both)
        for k, suffix in enumerate(('l0', 'l0_reverse')[:1 + self.both]):
            kernel, recurrent, bias = arrays[3 * k:3 * k + 3]
            pair = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
            for name, array in zip(('weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'), (kernel.T, recurrent.T, *pair)):
                getattr(module, f'{name}_{suffix}').data = torch.from_numpy(np.ascontiguousarray(self._ordered(array)))
            if bias.ndim == 1:      # Keras has one bias
                getattr(module, f'bias_hh_{suffix}').requires_grad_(False)
        return self.layers._apply(LastState(module), x, (units * (1 + self.both),))

    def _ordered(self, array):
        """Of a GRU PyTorch has the reset gate first, Keras the update gate; the gates of an LSTM are in one order."""
        if self.kind is nn.LSTM:
            return array
        update, reset, new = np.split(array, 3)
        return np.concatenate([reset, update, new])


class LastState(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        state = self.module(x)[1]
        state = state[0] if isinstance(state, tuple) else state
        return torch.cat([state[0], state[1]], 1) if self.module.bidirectional else state[0]


class Attention(nn.Module):
    """One product for queries, keys and values, and PyTorch's fused attention."""

    def __init__(self, heads, *arrays):
        super().__init__()
        self.heads, n = heads, arrays[0].shape[0]
        kernels, biases, (out, last) = arrays[0:6:2], arrays[1:6:2], arrays[6:]
        self.inner = load(nn.Linear(n, 3 * n), np.concatenate([k.reshape(n, n).T for k in kernels]),
                          [np.concatenate([b.reshape(-1) for b in biases])])
        self.outer = load(nn.Linear(n, n), out.reshape(n, n).T, [last])

    def forward(self, x):
        rows, steps, n = x.shape
        q, k, v = self.inner(x).view(rows, steps, 3, self.heads, n // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.outer(y.transpose(1, 2).reshape(rows, steps, n))


def build(network, logits=False, dropout=True):
    layers = Layers(logits, dropout)
    _, outputs = networks.NETWORKS[network].build(layers)
    return layers.module(outputs)
