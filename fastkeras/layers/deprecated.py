"""Layers of Keras 1 that Keras 2 still had, with the words of Keras 1."""

from __future__ import annotations

import inspect
from typing import Any

from fastkeras import activations, constraints, initializers, ops, regularizers
from fastkeras.legacy.keras1 import accepts

from .base import InputSpec, Layer
from .checks import as_float, count, last_axis
from .convolution import Conv1D, Conv2D

__all__ = ['AtrousConv1D', 'AtrousConv2D', 'AtrousConvolution1D', 'AtrousConvolution2D', 'Highway', 'MaxoutDense']


class _Affine(Layer):
    """What the two layers below have in common: weights W and b, and their arguments."""

    def __init__(self, init, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.init = initializers.get(init)
        self.W_regularizer = regularizers.get(W_regularizer)
        self.b_regularizer = regularizers.get(b_regularizer)
        self.W_constraint = constraints.get(W_constraint)
        self.b_constraint = constraints.get(b_constraint)
        self.bias = bias
        self.input_dim = (getattr(self, 'batch_input_shape', None) or (None,))[-1]
        self.input_spec = InputSpec(ndim=2)

    def _add_kernel(self, shape):
        self.W = self.add_weight('W', shape, initializer=self.init, regularizer=self.W_regularizer,
                                 constraint=self.W_constraint)

    def _add_bias(self, shape):
        self.b = self.add_weight('b', shape, initializer='zeros', regularizer=self.b_regularizer,
                                 constraint=self.b_constraint) if self.bias else None

    def _config(self, **more):
        return {**self._config_with('W_regularizer', 'b_regularizer', 'activity_regularizer', 'W_constraint', 'b_constraint',
                                    'bias'), 'init': initializers.serialize(self.init), 'input_dim': self.input_dim, **more}


class MaxoutDense(_Affine):
    """The largest of nb_feature affine maps of the inputs, element by element (Goodfellow et al. 2013).

    output_dim: size of each map's result. init, W_regularizer, W_constraint: of the weight W [nb_feature, input,
    output_dim]; b_regularizer, b_constraint: of b [nb_feature, output_dim], which there is unless bias is False.
    activity_regularizer: penalty on the result. input_dim: size of the inputs, where the layer begins a model.
    Inputs (batch, size), result (batch, output_dim).
    """

    def __init__(self, output_dim: int, nb_feature: int = 4, init: Any = 'glorot_uniform', weights: Any = None,
                 W_regularizer: Any = None, b_regularizer: Any = None, activity_regularizer: Any = None,
                 W_constraint: Any = None, b_constraint: Any = None, bias: bool = True, input_dim: int | None = None,
                 **kwargs: Any) -> None:
        super().__init__(init, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias,
                         weights=weights, input_dim=input_dim, **kwargs)
        self.output_dim = count(self, 'output_dim', output_dim)
        self.nb_feature = count(self, 'nb_feature', nb_feature)

    def build(self, input_shape: Any) -> None:
        self._add_kernel((self.nb_feature, last_axis(self, input_shape), self.output_dim))
        self._add_bias((self.nb_feature, self.output_dim))

    def call(self, x: Any) -> Any:
        y = ops.einsum('bi,fio->bfo', as_float(self, x), self.W)
        return ops.max(y if self.b is None else y + self.b, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return self._config(output_dim=self.output_dim, nb_feature=self.nb_feature)


class Highway(_Affine):
    """t · activation(inputs · W + b) + (1 - t) · inputs, with t = sigmoid(inputs · W_carry + b_carry) (Srivastava et al.
    2015).

    init: of the weights W and W_carry, (size, size). activation: linear unless given. The others: as in MaxoutDense, of W
    and b. b_carry begins as ones. Inputs (batch, size), and so the result.
    """

    def __init__(self, init: Any = 'glorot_uniform', activation: Any = None, weights: Any = None, W_regularizer: Any = None,
                 b_regularizer: Any = None, activity_regularizer: Any = None, W_constraint: Any = None,
                 b_constraint: Any = None, bias: bool = True, input_dim: int | None = None, **kwargs: Any) -> None:
        kwargs.pop('transform_bias', None)      # Keras 2 takes it, and says that it does nothing
        super().__init__(init, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias,
                         weights=weights, input_dim=input_dim, **kwargs)
        self.activation = activations.get(activation)

    def build(self, input_shape: Any) -> None:
        size = last_axis(self, input_shape)
        self._add_kernel((size, size))
        self.W_carry = self.add_weight('W_carry', (size, size), initializer=self.init)
        self._add_bias((size,))
        self.b_carry = self.add_weight('b_carry', (size,), initializer='ones') if self.bias else None

    def call(self, x: Any) -> Any:
        x = as_float(self, x)
        carry, y = ops.matmul(x, self.W_carry), ops.matmul(x, self.W)
        if self.bias:
            carry, y = carry + self.b_carry, y + self.b
        t = ops.sigmoid(carry)
        return t * self.activation(y) + (1.0 - t) * x

    def get_config(self) -> dict[str, Any]:
        return self._config(activation=activations.serialize(self.activation))


@accepts('AtrousConvolution1D', method=False)
def AtrousConvolution1D(*args: Any, **kwargs: Any) -> Any:
    """A Conv1D; atrous_rate: its dilation_rate."""
    return Conv1D(*args, **kwargs)


@accepts('AtrousConvolution2D', method=False)
def AtrousConvolution2D(*args: Any, **kwargs: Any) -> Any:
    """A Conv2D; atrous_rate: its dilation_rate."""
    return Conv2D(*args, **kwargs)


AtrousConvolution1D.__signature__ = inspect.signature(Conv1D)
AtrousConvolution2D.__signature__ = inspect.signature(Conv2D)
AtrousConv1D = AtrousConvolution1D
AtrousConv2D = AtrousConvolution2D
