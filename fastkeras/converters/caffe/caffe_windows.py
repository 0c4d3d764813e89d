"""Layers of windows over images that only Caffe has.
"""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.layers import InputSpec, Layer
from fastkeras.layers.checks import as_float, count, number, numbers, one_of, with_spatial
from fastkeras.layers.input_spec import title
from fastkeras.ops.windows import spatial

__all__ = ['CaffeDeconvolution', 'CaffeLRN', 'CaffeMVN', 'CaffePooling']


def described(layer, shape, dtype):
    """What stands for the result while a model is described and sizes are unknown: nothing but a shape and type."""
    return ops.Tensor('input', (), {}, tuple(shape), dtype)


class CaffePooling(Layer):
    """The largest or the mean of windows over images, as Caffe places them.

    mode: 'max', 'average' or 'stochastic': the mean of each window weighted by its elements (Zeiler and Fergus 2013), 0 where
    they do not add up to more than 0. ceil: as many windows as touch the image, where Keras has only those that lie within.
    pads: what is put around, (rows, columns): nothing for 'max', zeros that count for 'average'; the last window begins within
    the image or the first padding.
    """

    def __init__(self, mode: str = 'max', pool_size: Any = 2, strides: Any = 1, pads: Any = 0, ceil: bool = True,
                 data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = one_of(self, 'mode', mode, ('max', 'average', 'stochastic'))
        self.pool_size, self.strides = numbers(self, 'pool_size', pool_size, 2), numbers(self, 'strides', strides, 2)
        self.pads, self.ceil = numbers(self, 'pads', pads, 2, least=0), bool(ceil)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=4)

    def _count(self, n, k):
        window, stride, pad = self.pool_size[k], self.strides[k], self.pads[k]
        over = n + 2 * pad - window
        found = (-(-over // stride) if self.ceil else over // stride) + 1
        if any(self.pads) and (found - 1) * stride >= n + pad:
            found -= 1
        if found < 1 or (found - 1) * stride - pad >= n:
            raise ValueError(f'{title(self)}: windows of {self.pool_size} with strides {self.strides} do not fit an image of '
                             f'size {n}')
        return found

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        size = spatial(x.shape, self.data_format)
        if None in size:
            return described(self, self.compute_output_shape(x.shape), x.dtype)
        # beyond the last window's end nothing is read; before it what is padded: nothing, or zeros that count
        border = [(p, (self._count(n, k) - 1) * self.strides[k] + self.pool_size[k] - n - p)
                  for k, (n, p) in enumerate(zip(size, self.pads))]
        if self.mode == 'average' and any(self.pads):
            zeros = [(p, max(min(p, after), 0)) for p, (_, after) in zip(self.pads, border)]
            widths = [(0, 0)] * 4
            first = 2 if self.data_format == 'channels_first' else 1
            widths[first:first + 2] = zeros
            x = ops.pad(x, tuple(widths))
            border = [(0, after - min(p, after) if after > 0 else after) for p, (_, after) in zip(self.pads, border)]
        # what no window reads is cut off, since a padding cannot be negative
        x = self._cut(x, [min(after, 0) for _, after in border])
        border = tuple((before, max(after, 0)) for before, after in border)
        def pool(x, kind=ops.average_pool):
            return kind(x, self.pool_size, self.strides, border, self.data_format)

        if self.mode == 'stochastic':
            total = pool(x)
            return ops.where(total > 0.0, pool(ops.square(x)) / ops.where(total > 0.0, total, 1.0), 0.0)
        return pool(x, ops.max_pool if self.mode == 'max' else ops.average_pool)

    def _cut(self, x, rest):
        if not any(rest):
            return x
        key = [slice(None)] * 4
        first = 2 if self.data_format == 'channels_first' else 1
        key[first:first + 2] = [slice(None, r or None) for r in rest]
        return x[tuple(key)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = [None if n is None else self._count(n, k) for k, n in enumerate(spatial(input_shape, self.data_format))]
        return with_spatial(input_shape, sizes, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('mode', 'pool_size', 'strides', 'pads', 'ceil', 'data_format')


class CaffeMVN(Layer):
    """Images less their mean and, with normalize_variance, over their deviation + eps.

    across_channels: mean and deviation of all channels together, else of each for itself.
    """

    def __init__(self, normalize_variance: bool = True, across_channels: bool = False, eps: float = 1e-9,
                 data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.normalize_variance, self.across_channels = bool(normalize_variance), bool(across_channels)
        self.eps = number(self, 'eps', eps, 0)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        axes = (1, 2, 3) if self.across_channels else (2, 3) if self.data_format == 'channels_first' else (1, 2)
        x = x - ops.mean(x, axis=axes, keepdims=True)
        if not self.normalize_variance:
            return x
        return x / (ops.sqrt(ops.mean(ops.square(x), axis=axes, keepdims=True)) + self.eps)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('normalize_variance', 'across_channels', 'eps', 'data_format')


class CaffeDeconvolution(Layer):
    """Transposed convolution of images in groups, or dilated.

    filters, kernel_size, strides, dilation_rate, groups, use_bias: as Conv2D's; pads: what is cut off the result on each side,
    (rows, columns). The kernel, [*window, channels / groups, filters], is that of the convolution which does the same over the
    image with zeros between its elements.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, pads: Any = 0, data_format: Any = None,
                 dilation_rate: Any = 1, groups: int = 1, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.groups = count(self, 'filters', filters), count(self, 'groups', groups)
        self.kernel_size, self.strides = numbers(self, 'kernel_size', kernel_size, 2), numbers(self, 'strides', strides, 2)
        self.pads = numbers(self, 'pads', pads, 2, least=0)
        self.dilation_rate = numbers(self, 'dilation_rate', dilation_rate, 2)
        self.data_format, self.use_bias = settings.standardize_data_format(data_format), bool(use_bias)
        self.input_spec = InputSpec(ndim=4)

    def build(self, input_shape: Any) -> None:
        channels = input_shape[1 if self.data_format == 'channels_first' else -1]
        if channels is None or channels % self.groups or self.filters % self.groups:
            raise ValueError(f'{title(self)}: expected channels and filters to be multiples of groups={self.groups}, got an '
                             f'input of shape {tuple(input_shape)} and filters={self.filters}')
        self.kernel = self.add_weight('kernel', (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = self.add_weight('bias', (self.filters,), initializer='zeros') if self.use_bias else None
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        if None in spatial(x.shape, self.data_format):
            return described(self, self.compute_output_shape(x.shape), x.dtype)
        first = self.data_format == 'channels_first'
        x = ops.transpose(x, (0, 2, 3, 1)) if first else x
        n, h, w, c = x.shape
        sh, sw = self.strides
        if (sh, sw) != (1, 1):
            x = ops.pad(ops.reshape(x, (n, h, 1, w, 1, c)), ((0, 0), (0, 0), (0, sh - 1), (0, 0), (0, sw - 1), (0, 0)))
            x = ops.reshape(x, (n, h * sh, w * sw, c))[:, :(h - 1) * sh + 1, :(w - 1) * sw + 1]
        edges = [(k - 1) * d - p for k, d, p in zip(self.kernel_size, self.dilation_rate, self.pads)]
        if any(e > 0 for e in edges):
            x = ops.pad(x, ((0, 0), *((max(e, 0),) * 2 for e in edges), (0, 0)))
        if any(e < 0 for e in edges):
            x = x[(slice(None), *(slice(-min(e, 0), min(e, 0) or None) for e in edges))]
        y = ops.conv(x, self.kernel, 1, 'valid', 'channels_last', self.dilation_rate)
        y = y if self.bias is None else y + self.bias
        return ops.transpose(y, (0, 3, 1, 2)) if first else y

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = [None if n is None else (n - 1) * s + (k - 1) * d + 1 - 2 * p for n, s, k, d, p in
                 zip(spatial(input_shape, self.data_format), self.strides, self.kernel_size, self.dilation_rate, self.pads)]
        return with_spatial(input_shape, sizes, self.data_format, self.filters)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('filters', 'kernel_size', 'strides', 'pads', 'data_format', 'dilation_rate', 'groups',
                                 'use_bias')


class CaffeLRN(Layer):
    """Local response normalisation (Krizhevsky et al. 2012): x over (k + alpha · mean of the squares around)^beta.

    Across channels over `local_size` of them; else over local_size × local_size pixels of a channel, beyond the image zeros,
    with k = 1. local_size: odd.
    """

    def __init__(self, local_size: int = 5, alpha: float = 1.0, beta: float = 0.75, k: float = 1.0,
                 across_channels: bool = True,
                 data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.local_size = count(self, 'local_size', local_size)
        if self.local_size % 2 == 0:
            raise ValueError(f'{title(self)}: expected local_size to be odd, got {local_size!r}')
        self.alpha, self.beta, self.k = number(self, 'alpha', alpha), number(self, 'beta', beta), number(self, 'k', k)
        self.across_channels = bool(across_channels)
        if not self.across_channels and self.k != 1:
            raise ValueError(f'{title(self)}: within a channel k is 1, got {k!r}')
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        around = self._across(ops.square(x)) if self.across_channels else self._within(ops.square(x))
        return x * ops.power(around * self.alpha + self.k, -self.beta)

    def _across(self, squares):
        axis = 1 if self.data_format == 'channels_first' else 3
        n = squares.shape[axis]
        half = min((self.local_size - 1) // 2, n - 1)
        widths = [(0, 0)] * 4
        widths[axis] = (half, half)
        part, total = ops.pad(squares, tuple(widths)), None
        # a window of any length is a sum of few windows whose lengths are powers of 2, each the sum of two before it
        left, length, begin = 2 * half + 1, 1, 0
        while True:
            if left & 1:
                piece = part[(slice(None),) * axis + (slice(begin, begin + n),)]
                total = piece if total is None else total + piece
                begin += length
            left >>= 1
            if not left:
                return total * (1 / self.local_size)
            size, before = part.shape[axis], (slice(None),) * axis
            part = part[(*before, slice(0, size - length))] + part[(*before, slice(length, size))]
            length *= 2

    def _within(self, squares):
        half = (self.local_size - 1) // 2
        widths = [(0, 0)] * 4
        first = 2 if self.data_format == 'channels_first' else 1
        widths[first:first + 2] = [(half, half)] * 2
        return ops.average_pool(ops.pad(squares, tuple(widths)), self.local_size, 1, 'valid', self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('local_size', 'alpha', 'beta', 'k', 'across_channels', 'data_format')
