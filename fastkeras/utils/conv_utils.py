"""Arithmetic of convolutions under the module name of Keras 2: layers of one's own use it for their output shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.config import standardize_data_format as normalize_data_format

__all__ = ['conv_input_length', 'conv_output_length', 'convert_kernel', 'deconv_length',
           'normalize_data_format', 'normalize_padding', 'normalize_tuple']


def normalize_tuple(value: Any, n: int, name: str | None) -> Any:
    """A whole number as a tuple of n of it, or n whole numbers as a tuple. name: of the argument, for messages."""
    items = (value,) * n if hasattr(value, '__index__') else value
    try:
        items = tuple(items)
        if len(items) == n and all(int(v) == v for v in items):
            return items
    except (TypeError, ValueError):
        pass
    raise ValueError(f'The `{name}` argument must be a tuple of {n} integers. Received: {value!r}')


def normalize_padding(value: Any) -> Any:
    """'valid', 'same' or 'causal' in small letters; ValueError for anything else."""
    padding = value.lower() if isinstance(value, str) else value
    if padding not in ('valid', 'same', 'causal'):
        raise ValueError('The `padding` argument must be one of "valid", "same" (or "causal" for Conv1D). Received: '
                         f'{value!r}')
    return padding


def convert_kernel(kernel: Any) -> Any:
    """A kernel (…, in, out) of a convolution as one of a correlation, and back: its spatial axes reversed.

    Weights of models that ran on Theano need it. kernel: array of 3 to 5 dimensions. Returns a copy.
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f'convert_kernel: expected a kernel of 3 to 5 dimensions, got shape {kernel.shape}')
    return np.flip(kernel, tuple(range(kernel.ndim - 2))).copy()


def _checked(function, padding, *allowed):
    if padding not in allowed:
        raise ValueError(f'{function}: padding: expected one of {", ".join(map(repr, allowed))}, got {padding!r}')


def conv_output_length(input_length: Any, filter_size: Any, padding: Any, stride: Any, dilation: Any = 1) -> Any:
    """Length of what a convolution makes of input_length elements; None for None.

    padding: 'same', 'valid', 'full' or 'causal'.
    """
    _checked('conv_output_length', padding, 'same', 'valid', 'full', 'causal')
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation
    windows = input_length + {'valid': -reach, 'full': reach}.get(padding, 0)
    return -(-windows // stride)


def conv_input_length(output_length: Any, filter_size: Any, padding: Any, stride: Any) -> Any:
    """Length of what a convolution makes output_length elements of; None for None. padding: 'same', 'valid', 'full'."""
    _checked('conv_input_length', padding, 'same', 'valid', 'full')
    if output_length is None:
        return None
    return (output_length - 1) * stride - 2 * _pad(padding, filter_size) + filter_size


def deconv_length(dim_size: Any, stride_size: Any, kernel_size: Any, padding: Any, output_padding: Any,
                  dilation: Any = 1) -> Any:
    """Length of what a transposed convolution makes of dim_size elements; None for None.

    padding: 'same', 'valid' or 'full'. output_padding: elements added at the end; None for the length that Keras 2 takes
    by itself.
    """
    _checked('deconv_length', padding, 'same', 'valid', 'full')
    if dim_size is None:
        return None
    kernel_size += (kernel_size - 1) * (dilation - 1)
    if output_padding is not None:
        return (dim_size - 1) * stride_size + kernel_size - 2 * _pad(padding, kernel_size) + output_padding
    more = {'same': 0, 'valid': max(kernel_size - stride_size, 0), 'full': 2 - stride_size - kernel_size}
    return dim_size * stride_size + more[padding]


def _pad(padding, kernel_size):
    return {'same': kernel_size // 2, 'valid': 0, 'full': kernel_size - 1}[padding]
