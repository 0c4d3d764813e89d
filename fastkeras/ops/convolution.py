"""Convolutions over one to three dimensions, in Keras's vocabulary, on the records of conv_records.py and depthwise.py.

Volumes are (n, d, h, w, c) or, data_format='channels_first', (n, c, d, h, w); images (n, h, w, c) or (n, c, h, w);
sequences (n, steps, c) or (n, c, steps). A sequence is convolved as an image of one row. Padding: 'valid'; 'same',
TensorFlow's rule; 'causal' (sequences: all zeros before the first step); or pairs (before, after) for each dimension.
"""

from . import conv_records, depthwise  # noqa: F401  (their import registers the records)
from .core import apply, as_tensor, error
from .move import expand_dims, squeeze, transpose
from .windows import checked_padding, data_format_of, extent, ints, outputs, pads, spatial

__all__ = ['conv', 'conv_transpose', 'depthwise_conv', 'separable_conv']


def conv(inputs, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1):
    """Correlation of `inputs` with kernel[*window, channels / groups, filters]; groups follow from the channels.

    strides, dilation_rate: an int or one per dimension. Returns (n, *windows, filters) in the data format. Raises
    ValueError for ranks, channels or windows that do not fit.
    """
    return _Call('conv', inputs, kernel, strides, padding, data_format, dilation_rate).forward(grouped=True)


def depthwise_conv(inputs, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1):
    """Each channel on its own: kernel[*window, channels, multiplier]; returns channels · multiplier channels."""
    call = _Call('depthwise_conv', inputs, kernel, strides, padding, data_format, dilation_rate, most=2)
    return call.forward('depthwise_')


def separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding='valid', data_format=None,
                   dilation_rate=1):
    """depthwise_conv, then conv with pointwise_kernel[1…, channels · multiplier, filters] (Chollet 2016)."""
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, data_format=data_format)


def conv_transpose(inputs, kernel, strides=1, padding='valid', output_padding=None, data_format=None, dilation_rate=1):
    """The gradient of conv by its input, as a layer: kernel[*window, filters, channels].

    Each dimension gives, without output_padding, size · stride under 'same' and size · stride + max(window - stride,
    0) under 'valid'; with it, (size - 1) · stride + window + output_padding, less 2 · (window // 2) under 'same'.
    `window` counts the dilation. output_padding: an int or one per dimension, smaller than the stride.
    """
    call = _Call('conv_transpose', inputs, kernel, strides, padding, data_format, dilation_rate)
    return call.transposed(output_padding)


def transposed_padding(window, stride, padding, output_padding):
    """(before, after) of the convolution whose input gradient is conv_transpose; independent of the size."""
    if output_padding is None:
        total = window - stride if padding == 'same' else window - max(window, stride)
    else:
        total = (2 * (window // 2) if padding == 'same' else 0) - output_padding
    before = max(total, 0) // 2 if padding == 'same' else 0
    return before, total - before


KINDS = ('sequences', 'images', 'volumes')


class _Call:
    """The checked arguments of one call, a sequence already as an image of one row. most: spatial axes of the inputs."""

    def __init__(self, op, inputs, kernel, strides, padding, data_format, dilation_rate, most=3):
        x, w = as_tensor(inputs), as_tensor(kernel)
        self.rank = rank = len(x.shape) - 2
        if not 1 <= rank <= most:
            known = ' or '.join(f'{k + 3} dimensions ({name})' for k, name in enumerate(KINDS[:most]))
            raise error(op, f'inputs: expected {known}, got shape {tuple(x.shape)}')
        if len(w.shape) != rank + 2:
            raise error(op, f'kernel: expected {rank + 2} dimensions for inputs of shape {tuple(x.shape)}, got shape '
                            f'{tuple(w.shape)}')
        self.op, self.data_format = op, data_format_of(data_format, op)
        self.strides = ints(strides, rank, op, 'strides')
        self.dilation = ints(dilation_rate, rank, op, 'dilation_rate')
        if padding == 'causal':
            if rank != 1:
                raise error(op, f"padding: 'causal' is for sequences, got inputs of shape {tuple(x.shape)}")
            padding = ((extent(w.shape[0], self.dilation[0]) - 1, 0),)
        self.padding = checked_padding(padding, op, rank)
        self.flip = rank == 1 and self.data_format == 'channels_first'
        if rank == 1:
            x = expand_dims(transpose(x, (0, 2, 1)) if self.flip else x, 1)
            w = expand_dims(w, 0)
            self.strides, self.dilation = (1, *self.strides), (1, *self.dilation)
            self.padding = self.padding if isinstance(self.padding, str) else ((0, 0), *self.padding)
        self.x, self.w, self.record = x, w, f'conv{max(rank, 2)}d'
        self.layout = 'channels_last' if rank == 1 else self.data_format

    def forward(self, family='', grouped=False):
        x, w = self.x, self.w
        padding = pads(self.padding, spatial(x.shape, self.layout), w.shape[:-2], self.strides, self.dilation)
        attrs = {'strides': self.strides, 'padding': self.padding if None in padding else padding,
                 'dilation': self.dilation, 'data_format': self.layout}
        if self.rank == 1:      # in the words of sequences, before the record speaks of images
            outputs(self.padding[1:] if isinstance(self.padding, tuple) else self.padding, x.shape[2:3], w.shape[1:2],
                    self.strides[1:], self.dilation[1:], f'{family}conv1d')
        if grouped:
            channels = x.shape[-1] if self.layout == 'channels_last' else x.shape[1]
            attrs['groups'] = self.groups(channels, w.shape[-2])
        return self.as_given(apply(family + self.record, [x, w], **attrs))

    def groups(self, channels, depth):
        if channels is None or not depth or channels % depth:
            raise error(self.op, f'kernel of shape {tuple(self.w.shape)[-2 - self.rank:]} expects inputs of {depth} '
                                 f'channels (or, grouped, a multiple of it), got {channels}; data_format is '
                                 f'{self.data_format!r}')
        return channels // depth

    def transposed(self, output_padding):
        x, w = self.x, self.w
        extra = (None,) * self.rank
        if output_padding is not None:
            extra = ints(output_padding, self.rank, self.op, 'output_padding', least=0)
            if any(e >= s for e, s in zip(extra, self.strides[-self.rank:])):
                raise error(self.op, f'output_padding: expected less than the strides {self.strides[-self.rank:]}, got '
                                     f'{output_padding}')
        padding = self.padding
        if not isinstance(padding, str):
            padding = tuple((b, a - (e or 0)) for (b, a), e in zip(padding[-self.rank:], extra))
        else:
            padding = tuple(transposed_padding(extent(k, d), s, padding, e) for k, d, s, e in
                            zip(w.shape[-2 - self.rank:-2], self.dilation[-self.rank:], self.strides[-self.rank:],
                                extra))
        if self.rank == 1:
            padding = ((0, 0), *padding)
        return self.as_given(apply(self.record + '_dx', [x, w], size=None, strides=self.strides, padding=padding,
                                   dilation=self.dilation, groups=1, data_format=self.layout))

    def as_given(self, y):
        if self.rank == 1:
            y = squeeze(y, 1)
        return transpose(y, (0, 2, 1)) if self.flip else y
