"""The layers of Keras, as far as networks.py uses them, translated to PyTorch: calling them writes a torch.fx graph.

Values are channels first. What PyTorch has in one piece is used so: padding layers go into the convolution or pooling
behind them, the rows of a Dense behind a Flatten are put in PyTorch's order. With `logits` a softmax is left out, since
PyTorch's loss contains it.
"""
from collections import namedtuple

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional as F

from bench import networks

Value = namedtuple('Value', 'node shape padding flat', defaults=[0, None])  # shape as in Keras, without the batch


def load(module, kernel, bias=()):
    module.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
    for array in bias:
        module.bias.data = torch.from_numpy(array)
    return module


class Layers:
    def __init__(self, logits=False, dropout=True):
        self.graph, self.root, self.logits, self.dropout = fx.Graph(), nn.Module(), logits, dropout

    def module(self, outputs):
        self.graph.output(outputs.node)
        return fx.GraphModule(self.root, self.graph)

    def _apply(self, module, x, shape, **fields):
        name = f'm{len(self.graph.nodes)}'
        self.root.add_module(name, module)
        return Value(self.graph.call_module(name, (x.node,)), shape, **fields)

    def _activate(self, x, activation):
        if activation == 'relu':
            return self._apply(nn.ReLU(inplace=True), x, x.shape)
        if activation == 'softmax' and not self.logits:
            return self._apply(nn.Softmax(-1), x, x.shape)
        return x

    def Input(self, shape):
        return Value(self.graph.placeholder('x'), shape)

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

    def Dense(self, units, activation=None, name=None):
        def apply(x):
            n, = x.shape
            kernel, bias = networks.weights(name, [(n, units), (units,)])
            if x.flat:
                kernel = kernel.reshape(*x.flat, units).transpose(2, 0, 1, 3).reshape(n, units)
            y = self._apply(load(nn.Linear(n, units), kernel.T, [bias]), x, (units,))
            return self._activate(y, activation)
        return apply

    def BatchNormalization(self, epsilon=1e-3, momentum=0.99, name=None):
        def apply(x):
            n = x.shape[-1]
            gamma, beta, mean, variance = networks.weights(name, [(n,)] * 4)
            module = load(nn.BatchNorm2d(n, epsilon, 1 - momentum), gamma, [beta])
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

    def GlobalAveragePooling2D(self):
        return lambda x: Value(self.graph.call_method('mean', (x.node, (2, 3))), x.shape[-1:])

    def ZeroPadding2D(self, padding):
        return lambda x: x._replace(padding=padding)

    def Flatten(self):
        return lambda x: self._apply(nn.Flatten(), x, (int(np.prod(x.shape)),), flat=x.shape)

    def Dropout(self, rate):
        return lambda x: self._apply(nn.Dropout(rate), x, x.shape, flat=x.flat) if self.dropout else x

    def Add(self):
        return lambda xs: Value(self.graph.call_function(torch.add, (xs[0].node, xs[1].node)), xs[0].shape)


def build(network, logits=False, dropout=True):
    layers = Layers(logits, dropout)
    _, outputs = networks.NETWORKS[network].build(layers)
    return layers.module(outputs)
