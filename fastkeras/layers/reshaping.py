"""Layers that arrange their inputs in another shape."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import ops

from .base import InputSpec, Layer
from .checks import count, sequence
from .input_spec import title

__all__ = ['Flatten', 'Permute', 'RepeatVector', 'Reshape']


class Flatten(Layer):
    """(batch, …) → (batch, product of the rest); (batch,) → (batch, 1).

    data_format: 'channels_first' moves the second axis last before, so that weights behind fit either format.
    """

    def __init__(self, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        n = len(inputs.shape)
        if self.data_format == 'channels_first' and n > 2:
            inputs = ops.transpose(inputs, (0, *range(2, n), 1))
        batch, size = self.compute_output_shape(inputs.shape)
        return ops.reshape(inputs, (batch, -1 if size is None else size))

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else _product(rest))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('data_format')


def _product(sizes):
    n = 1
    for d in sizes:
        n *= d
    return n


class Reshape(Layer):
    """(batch, …) → (batch, *target_shape), the same elements in order.

    target_shape: sizes without the batch; one of them may be -1: what is left. Raises ValueError where the numbers of
    elements differ.
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = sequence(self, 'target_shape', target_shape)
        if self.target_shape.count(-1) > 1 or any(d < -1 for d in self.target_shape):
            raise ValueError(f'{title(self)}: expected sizes and at most one -1, got {target_shape!r}')

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest, known = input_shape[1:], _product(d for d in self.target_shape if d != -1)
        if None in rest:
            return (input_shape[0], *(None if d == -1 else d for d in self.target_shape))
        total = _product(rest)
        if total != known and (-1 not in self.target_shape or known == 0 or total % known):
            raise ValueError(f'{title(self)}: total size of new array must be unchanged: {total} elements of an input '
                             f'of shape {tuple(rest)} (without the batch) cannot be arranged as {self.target_shape}')
        return (input_shape[0], *(total // known if d == -1 else d for d in self.target_shape))

    def call(self, inputs: Any) -> Any:
        shape = self.compute_output_shape(tuple(inputs.shape))
        return ops.reshape(inputs, (shape[0], *(-1 if d is None else d for d in shape[1:])))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('target_shape')


class Permute(Layer):
    """The axes behind the batch in another order. dims: their present positions, from 1, in the order wanted."""

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = sequence(self, 'dims', dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f'{title(self)}: expected dims to be the numbers 1 to {len(self.dims)} in some order, got '
                             f'{dims!r}')
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('dims')


class RepeatVector(Layer):
    """(batch, features) → (batch, n, features)."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = count(self, 'n', n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('n')
