"""Layers that only Caffe has, which treat each element on its own or sum inputs.
"""

from __future__ import annotations

import math
from typing import Any

from fastkeras import ops
from fastkeras.layers import Layer
from fastkeras.layers.checks import as_float, number
from fastkeras.layers.input_spec import title

__all__ = ['CaffeAbs', 'CaffeClip', 'CaffeExp', 'CaffeLog', 'CaffePower', 'CaffeSwish', 'CaffeThreshold',
           'CaffeWeightedSum']


class _Elementwise(Layer):
    supports_masking = True

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


class CaffeAbs(_Elementwise):
    """|x|."""

    def call(self, inputs: Any) -> Any:
        return ops.abs(inputs)


class CaffeClip(_Elementwise):
    """x, but no less than `least` and no more than `most`."""

    def __init__(self, least: float = 0.0, most: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = number(self, 'least', least), number(self, 'most', most)

    def call(self, inputs: Any) -> Any:
        return ops.clip(inputs, self.least, self.most)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('least', 'most')


class CaffeThreshold(_Elementwise):
    """1 where x is above the threshold, else 0."""

    def __init__(self, threshold: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = number(self, 'threshold', threshold)

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        return ops.cast(ops.greater(x, self.threshold), x.dtype)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('threshold')


class CaffeSwish(_Elementwise):
    """x · sigmoid(beta · x)."""

    def __init__(self, beta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.beta = number(self, 'beta', beta)

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        return x * ops.sigmoid(x * self.beta)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('beta')


class CaffePower(_Elementwise):
    """(shift + scale · x) to the power."""

    def __init__(self, power: float = 1.0, scale: float = 1.0, shift: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.power, self.scale = number(self, 'power', power), number(self, 'scale', scale)
        self.shift = number(self, 'shift', shift)

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs) * self.scale + self.shift
        if self.power == 2:
            return ops.square(x)
        return ops.power(x, self.power)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('power', 'scale', 'shift')


class _WithBase(_Elementwise):
    def __init__(self, base: Any = None, scale: float = 1.0, shift: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base = None if base is None else number(self, 'base', base)
        if self.base is not None and self.base <= 0:
            raise ValueError(f'{title(self)}: expected base to be positive or None, got {base!r}')
        self.scale, self.shift = number(self, 'scale', scale), number(self, 'shift', shift)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('base', 'scale', 'shift')


class CaffeExp(_WithBase):
    """base to the power shift + scale · x; None: e."""

    def call(self, inputs: Any) -> Any:
        log = 1.0 if self.base is None else math.log(self.base)
        return ops.exp(as_float(self, inputs) * (self.scale * log) + self.shift * log)


class CaffeLog(_WithBase):
    """The logarithm of shift + scale · x to a base; None: e."""

    def call(self, inputs: Any) -> Any:
        y = ops.log(as_float(self, inputs) * self.scale + self.shift)
        return y if self.base is None else y * (1 / math.log(self.base))


class CaffeWeightedSum(Layer):
    """The sum of inputs of one shape, each times its number of `coefficients`."""

    def __init__(self, coefficients: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.coefficients = [number(self, 'coefficients', c) for c in coefficients]

    def call(self, inputs: Any) -> Any:
        if len(inputs) != len(self.coefficients):
            raise ValueError(f'{title(self)}: expected {len(self.coefficients)} inputs, got {len(inputs)}')
        total = None
        for x, c in zip(inputs, self.coefficients):
            part = as_float(self, x) * c
            total = part if total is None else total + part
        return total

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('coefficients')
