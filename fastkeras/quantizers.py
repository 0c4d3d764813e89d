"""Keras 3's base of quantizers. The engine computes in float32 and float64: a quantizer may turn arrays into integers,
but no layer takes one."""

from __future__ import annotations

from typing import Any


class Quantizer:
    """Base: define `__call__(x)` → (integers, scale). output_dtype: name of the type of the integers. Layers do not take it:
    `layer.quantize` is a ValueError."""

    def __init__(self, output_dtype: str = 'int8') -> None:
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        """Quantize; each class has its own way."""
        raise TypeError(f'{type(self).__name__} must define __call__(self, x)')

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; ValueError unless a class defines them."""
        raise ValueError(f'{type(self).__name__}: define get_config, so that it can be saved')

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The quantizer of a configuration."""
        return cls(**config)
