"""Helpers on layers and their weights under the module name of Keras 2."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.models import get_source_inputs
from fastkeras.utils.conv_utils import convert_kernel
from fastkeras.utils.summary import count_params, print_summary

__all__ = ['convert_all_kernels_in_model', 'convert_dense_weights_data_format', 'convert_kernel', 'count_params',
           'get_source_inputs', 'print_summary']

_CONVOLUTIONS = ('Conv1D', 'Conv2D', 'Conv3D', 'Conv2DTranspose')


def convert_all_kernels_in_model(model: Any) -> Any:
    """Reverse the kernels of a model's convolutions in place, as weights from a Theano model need it (or for one)."""
    for layer in model.layers:
        if type(layer).__name__ in _CONVOLUTIONS:
            kernel, *others = layer.get_weights()
            layer.set_weights([convert_kernel(kernel), *others])


def convert_dense_weights_data_format(dense: Any, previous_feature_map_shape: Any,
                                      target_data_format: Any = 'channels_first') -> Any:
    """Reorder, in place, the rows of the kernel of a Dense layer that follows a Flatten, for a model that changes its
    data format.

    previous_feature_map_shape: of what Flatten gets in the model as it will be, without the batch: (512, 7, 7) for
    'channels_first'. target_data_format: of that model. ValueError where the shape has not as many elements as the kernel
    has rows.
    """
    if target_data_format not in ('channels_first', 'channels_last'):
        raise ValueError("convert_dense_weights_data_format: target_data_format: expected 'channels_first' or "
                         f"'channels_last', got {target_data_format!r}")
    kernel, *bias = dense.get_weights()
    shape = tuple(previous_feature_map_shape)
    if len(shape) != 3 or np.prod(shape) != kernel.shape[0]:
        raise ValueError('convert_dense_weights_data_format: previous_feature_map_shape: expected three sizes with a '
                         f'product of {kernel.shape[0]}, the inputs of the layer, got {shape}')
    if target_data_format == 'channels_first':
        c, h, w = shape
        rows = np.arange(h * w * c).reshape(h, w, c).transpose(2, 0, 1)
    else:
        h, w, c = shape
        rows = np.arange(h * w * c).reshape(c, h, w).transpose(1, 2, 0)
    dense.set_weights([kernel[rows.ravel()], *bias])
