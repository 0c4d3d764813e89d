"""Dense, Activation and Masking; and, since this is Keras 2's path of them, the names of a few others."""

from __future__ import annotations

from typing import Any

from fastkeras import activations, constraints, initializers, ops, regularizers
from fastkeras.legacy.keras1 import accepts

from .base import InputSpec, Layer
from .checks import as_float, count, last_axis, number
from .deprecated import Highway as Highway
from .deprecated import MaxoutDense as MaxoutDense
from .lambda_ import Lambda as Lambda
from .low_rank import LowRank
from .merge_function import Merge as Merge
from .regularization import ActivityRegularization as ActivityRegularization
from .regularization import Dropout as Dropout
from .regularization import SpatialDropout1D as SpatialDropout1D
from .regularization import SpatialDropout2D as SpatialDropout2D
from .regularization import SpatialDropout3D as SpatialDropout3D
from .reshaping import Flatten as Flatten
from .reshaping import Permute as Permute
from .reshaping import RepeatVector as RepeatVector
from .reshaping import Reshape as Reshape

__all__ = ['Activation', 'Dense', 'Identity', 'Masking', 'TimeDistributedDense']


class Dense(LowRank, Layer):
    """activation(inputs · kernel + bias) over the last axis.

    units: size of the last axis of the result. activation: linear by default. use_bias, and initializers, regularizers
    and constraints of kernel (last, units) and bias (units,). Inputs (batch, …, last); at least two axes. lora_rank,
    lora_alpha: see `enable_lora`. Raises ValueError for units below 1, when the last axis is unknown or changes, and for
    a quantization_config.
    """

    supports_masking = True

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform',
                 bias_initializer: Any = 'zeros', kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 lora_rank: int | None = None, lora_alpha: float | None = None, quantization_config: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_low_rank(lora_rank, lora_alpha, quantization_config)
        self.units = count(self, 'units', units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        size = last_axis(self, input_shape)
        self.kernel = self._weight('kernel', (size, self.units))
        self.bias = self._weight('bias', (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self._build_low_rank()
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        y = ops.matmul(as_float(self, inputs), self._adapted(self.kernel))
        if self.bias is not None:
            y = y + self.bias
        return self.activation(y)

    def compute_output_shape(self, input_shape: Any) -> Any:
        last_axis(self, input_shape)
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with('units', 'activation', 'use_bias', 'kernel_initializer', 'bias_initializer',
                                    'kernel_regularizer', 'bias_regularizer', 'activity_regularizer', 'kernel_constraint',
                                    'bias_constraint'), **self._low_rank_config()}


class Activation(Layer):
    """activation(inputs). activation: a name or a function."""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('activation')


class Identity(Layer):
    """The inputs, a tensor or a nesting of them, as they are."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class Masking(Layer):
    """Steps whose features all equal `mask_value` are masked, and become 0, for the layers behind that mind masks.

    Inputs (batch, steps, features…), the same shape comes out.
    """

    supports_masking = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = number(self, 'mask_value', mask_value)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(kept, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('mask_value')


@accepts('TimeDistributedDense', method=False)
def TimeDistributedDense(*args: Any, **kwargs: Any) -> Any:
    """A Dense, which takes every step of a sequence by itself; input_dim and input_length: its input_shape."""
    return Dense(*args, **kwargs)
