"""Convolutions, pooling, padding and resizing, by the names of Keras 2's backend."""

from __future__ import annotations

from typing import Any

from fastkeras import config, ops

from .leaves import sizes_of
from .symbolic import lifted

__all__ = ['conv1d', 'conv2d', 'conv2d_transpose', 'conv3d', 'conv3d_transpose', 'depthwise_conv2d', 'local_conv1d',
           'local_conv2d', 'normalize_data_format', 'pool2d', 'pool3d', 'resize_images', 'resize_volumes',
           'separable_conv1d', 'separable_conv2d', 'spatial_2d_padding', 'spatial_3d_padding', 'temporal_padding']


def normalize_data_format(value: Any) -> str:
    """The name of a layout in lower case; the global one for None. ValueError for anything else."""
    return config.standardize_data_format(value)


@lifted
def conv1d(x: Any, kernel: Any, strides: Any = 1, padding: str = 'valid', data_format: Any = None,
           dilation_rate: Any = 1) -> Any:
    """Convolution along one axis. kernel: (size, channels, filters); padding: 'valid', 'same' or 'causal'."""
    layout = normalize_data_format(data_format)
    if padding == 'causal':
        before = (dilation_rate if isinstance(dilation_rate, int) else dilation_rate[0]) * (kernel.shape[0] - 1)
        steps = (before, 0)
        x = ops.pad(x, [(0, 0), steps, (0, 0)] if layout == 'channels_last' else [(0, 0), (0, 0), steps])
        padding = 'valid'
    return ops.conv(x, kernel, strides, padding, layout, dilation_rate)


@lifted
def conv2d(x: Any, kernel: Any, strides: Any = (1, 1), padding: str = 'valid', data_format: Any = None,
           dilation_rate: Any = (1, 1)) -> Any:
    """Convolution of images. kernel: (rows, columns, channels, filters)."""
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


@lifted
def conv3d(x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = 'valid', data_format: Any = None,
           dilation_rate: Any = (1, 1, 1)) -> Any:
    """Convolution of volumes. kernel: (depth, rows, columns, channels, filters)."""
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate):
    layout = normalize_data_format(data_format)
    rank = len(kernel.shape) - 2
    window, strides, dilation = kernel.shape[:rank], _each(strides, rank), _each(dilation_rate, rank)
    wanted = output_shape[1:-1] if layout == 'channels_last' else output_shape[2:]
    given = x.shape[1:-1] if layout == 'channels_last' else x.shape[2:]
    wanted = [None if d is None else sizes_of('conv_transpose', [d])[0] for d in wanted]
    extra = None
    if None not in wanted and None not in given:
        # the sizes without: see Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016)
        spans = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
        extra = tuple(w - ((n - 1) * s + (k - 2 * (k // 2) if padding == 'same' else k))
                      for w, n, s, k in zip(wanted, given, strides, spans))
        for w, n, s, k in zip(wanted, given, strides, spans):
            back = -(-w // s) if padding == 'same' else (w - k) // s + 1
            if back != n:
                raise ValueError(f'K.conv{rank}d_transpose: a convolution of the output_shape {tuple(output_shape)} with '
                                 f'padding {padding!r} does not give the shape of x, {tuple(x.shape)}')
    return ops.conv_transpose(x, kernel, strides, padding, extra, layout, dilation)


def _each(value, rank):
    return (value,) * rank if hasattr(value, '__index__') else tuple(value)


@lifted
def conv2d_transpose(x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = 'valid',
                     data_format: Any = None, dilation_rate: Any = (1, 1)) -> Any:
    """The images of output_shape, batch included, of which a convolution would make x. kernel: (rows, columns, filters,
    channels of x)."""
    return _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate)


@lifted
def conv3d_transpose(x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1, 1), padding: str = 'valid',
                     data_format: Any = None) -> Any:
    """The volumes of output_shape, batch included, of which a convolution would make x. kernel: (depth, rows, columns, filters,
    channels of x)."""
    return _transposed(x, kernel, output_shape, strides, padding, data_format, 1)


@lifted
def depthwise_conv2d(x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = 'valid', data_format: Any = None,
                     dilation_rate: Any = (1, 1)) -> Any:
    """Convolution of each channel with filters of its own. depthwise_kernel: (rows, columns, channels, filters of each)."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def _separable(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate):
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, normalize_data_format(data_format),
                              dilation_rate)


@lifted
def separable_conv1d(x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = 'valid',
                     data_format: Any = None, dilation_rate: Any = 1) -> Any:
    """Convolution of each channel, (size, channels, filters of each), then of the channels, (1, those, filters)."""
    return _separable(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


@lifted
def separable_conv2d(x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1), padding: str = 'valid',
                     data_format: Any = None, dilation_rate: Any = (1, 1)) -> Any:
    """Convolution of each channel, (rows, columns, channels, filters of each), then of the channels, (1, 1, those, filters)."""
    return _separable(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


@lifted
def local_conv1d(inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: Any = None) -> Any:
    """Convolution along one axis with other filters at each step. kernel: (steps of the result, size · channels, filters)."""
    return ops.unshared_conv(inputs, kernel, _each(kernel_size, 1), _each(strides, 1),
                             data_format=normalize_data_format(data_format))


@lifted
def local_conv2d(inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: Any = None) -> Any:
    """Convolution of images with other filters at each place. kernel: (places of the result, rows · columns · channels,
    filters); output_shape: (rows, columns) of the result."""
    y = ops.unshared_conv(inputs, kernel, tuple(kernel_size), tuple(strides), data_format=normalize_data_format(data_format))
    found = y.shape[1:3] if normalize_data_format(data_format) == 'channels_last' else y.shape[2:4]
    if tuple(output_shape) != tuple(found):
        raise ValueError(f'K.local_conv2d: expected output_shape {tuple(found)}, got {tuple(output_shape)}')
    return y


def _pooled(title, x, pool_size, strides, padding, data_format, pool_mode):
    if pool_mode not in ('max', 'avg'):
        raise ValueError(f"K.{title}: Invalid pooling mode: {pool_mode}; expected 'max' or 'avg'")
    pool = ops.max_pool if pool_mode == 'max' else ops.average_pool
    return pool(x, pool_size, strides, padding, normalize_data_format(data_format))


@lifted
def pool2d(x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = 'valid', data_format: Any = None,
           pool_mode: str = 'max') -> Any:
    """The largest element, or the mean ('avg'), in windows of images."""
    return _pooled('pool2d', x, pool_size, strides, padding, data_format, pool_mode)


@lifted
def pool3d(x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = 'valid', data_format: Any = None,
           pool_mode: str = 'max') -> Any:
    """The largest element, or the mean ('avg'), in windows of volumes."""
    return _pooled('pool3d', x, pool_size, strides, padding, data_format, pool_mode)


# ---- padding and resizing
def _padded(x, pairs, data_format):
    inner = [tuple(p) for p in pairs]
    if normalize_data_format(data_format) == 'channels_first':
        return ops.pad(x, [(0, 0), (0, 0), *inner])
    return ops.pad(x, [(0, 0), *inner, (0, 0)])


@lifted
def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and behind the steps of (batch, steps, channels)."""
    return ops.pad(x, [(0, 0), tuple(padding), (0, 0)])


@lifted
def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: Any = None) -> Any:
    """Zeros around images."""
    return _padded(x, padding, data_format)


@lifted
def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None) -> Any:
    """Zeros around volumes."""
    return _padded(x, padding, data_format)


@lifted
def resize_images(x: Any, height_factor: int, width_factor: int, data_format: Any, interpolation: str = 'nearest') -> Any:
    """Images larger by whole factors: elements repeated ('nearest'), or between their centres ('bilinear')."""
    layout = normalize_data_format(data_format)
    if interpolation == 'nearest':
        return ops.enlarge(x, (height_factor, width_factor), layout)
    if interpolation != 'bilinear':
        raise ValueError(f"interpolation should be one of \"nearest\" or \"bilinear\", got {interpolation!r}")
    rows, columns = x.shape[1:3] if layout == 'channels_last' else x.shape[2:4]
    return ops.image.resize(x, (rows * height_factor, columns * width_factor), 'bilinear', data_format=layout)


@lifted
def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: Any) -> Any:
    """Volumes larger by whole factors: elements repeated."""
    return ops.enlarge(x, (depth_factor, height_factor, width_factor), normalize_data_format(data_format))
