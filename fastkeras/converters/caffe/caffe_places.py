"""Layers that only Caffe has, which move, choose or gather elements. `axis` counts the axes of the tensor, the samples first.
"""

from __future__ import annotations

import math
from typing import Any

from fastkeras import ops
from fastkeras.layers import Layer
from fastkeras.layers.checks import as_float, count, number, one_of
from fastkeras.layers.input_spec import title

from .caffe_windows import described

__all__ = ['CaffeArgMax', 'CaffeCrop', 'CaffeReduction', 'CaffeSlice', 'CaffeTile']


class CaffeSlice(Layer):
    """Elements `begin` to `end` of an axis."""

    def __init__(self, axis: int, begin: int, end: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.begin = count(self, 'axis', axis), count(self, 'begin', begin, 0)
        self.end = count(self, 'end', end, self.begin + 1)

    def call(self, inputs: Any) -> Any:
        self.compute_output_shape(tuple(inputs.shape))
        return inputs[(slice(None),) * self.axis + (slice(self.begin, self.end),)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        if len(input_shape) <= self.axis or (input_shape[self.axis] or self.end) < self.end:
            raise ValueError(f'{title(self)}: elements {self.begin} to {self.end} of axis {self.axis} lie outside of an input '
                             f'of shape {tuple(input_shape)}')
        return (*input_shape[:self.axis], self.end - self.begin, *input_shape[self.axis + 1:])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'begin', 'end')


class CaffeCrop(Layer):
    """The first input cut to the size of the second on `axes`, from `offsets` on."""

    def __init__(self, axes: Any, offsets: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes, self.offsets = [count(self, 'axes', a) for a in axes], [count(self, 'offsets', o, 0) for o in offsets]
        if len(self.axes) != len(self.offsets):
            raise ValueError(f'{title(self)}: expected an offset for each of {len(self.axes)} axes, got {len(self.offsets)}')

    def call(self, inputs: Any) -> Any:
        x, like = inputs
        shape = self.compute_output_shape([tuple(x.shape), tuple(like.shape)])
        if None in [x.shape[a] for a in self.axes] + [like.shape[a] for a in self.axes]:
            return described(self, shape, x.dtype)
        key = [slice(None)] * len(x.shape)
        for a, o in zip(self.axes, self.offsets):
            key[a] = slice(o, o + like.shape[a])
        return x[tuple(key)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        x, like = map(tuple, input_shape)
        for a, o in zip(self.axes, self.offsets):
            if len(x) != len(like) or a >= len(x) or None not in (x[a], like[a]) and o + like[a] > x[a]:
                raise ValueError(f'{title(self)}: a part of the shape {like}, from {self.offsets} on axes {self.axes}, lies '
                                 f'outside of an input of shape {x}')
        return tuple(like[a] if a in self.axes else x[a] for a in range(len(x)))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axes', 'offsets')


class CaffeTile(Layer):
    """The input `tiles` times behind each other along an axis."""

    def __init__(self, axis: int = 1, tiles: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.tiles = count(self, 'axis', axis), count(self, 'tiles', tiles)

    def call(self, inputs: Any) -> Any:
        return ops.tile(inputs, tuple(self.tiles if a == self.axis else 1 for a in range(len(inputs.shape))))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(n if k != self.axis or n is None else n * self.tiles for k, n in enumerate(input_shape))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis', 'tiles')


class CaffeArgMax(Layer):
    """Where the largest elements are, as floats, largest first; of equal ones the last counts first.

    axis: (…, top_k, …) of each line along it, with out_max_val their values instead. None: of all elements of a sample,
    (samples, 1, top_k), with out_max_val (samples, 2, top_k), places and values; with as many axes of 1 behind as the input
    had above 3.
    """

    def __init__(self, top_k: int = 1, axis: Any = None, out_max_val: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top_k, self.axis = count(self, 'top_k', top_k), None if axis is None else count(self, 'axis', axis)
        self.out_max_val = bool(out_max_val)

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        shape = self.compute_output_shape(tuple(x.shape))
        n = len(x.shape)
        if self.axis is None:
            if None in x.shape[1:]:
                return described(self, shape, x.dtype)
            rows = ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
        else:
            order = (*(a for a in range(n) if a != self.axis), self.axis)
            rows = ops.transpose(x, order)
        values, places = ops.top_k(ops.flip(rows, axis=-1), self.top_k)
        places = ops.cast(rows.shape[-1] - 1 - places, x.dtype)
        if self.axis is None:
            parts = [places, values] if self.out_max_val else [places]
            y = ops.stack(parts, axis=1)
            return ops.reshape(y, (x.shape[0], *shape[1:]))
        back = list(range(n - 1))
        back.insert(self.axis, n - 1)
        return ops.transpose(values if self.out_max_val else places, tuple(back))

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.axis is None:
            return (input_shape[0], 2 if self.out_max_val else 1, self.top_k, *(1,) * max(len(input_shape) - 3, 0))
        return (*input_shape[:self.axis], self.top_k, *input_shape[self.axis + 1:])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('top_k', 'axis', 'out_max_val')


class CaffeReduction(Layer):
    """`coefficient` times the 'sum', 'asum' (of absolute values), 'sumsq' (of squares) or 'mean' of all from an axis on."""

    def __init__(self, operation: str = 'sum', axis: int = 1, coefficient: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operation = one_of(self, 'operation', operation, ('sum', 'asum', 'sumsq', 'mean'))
        self.axis, self.coefficient = count(self, 'axis', axis), number(self, 'coefficient', coefficient)

    def call(self, inputs: Any) -> Any:
        x, axes = as_float(self, inputs), tuple(range(self.axis, len(inputs.shape)))
        x = ops.abs(x) if self.operation == 'asum' else ops.square(x) if self.operation == 'sumsq' else x
        return (ops.mean if self.operation == 'mean' else ops.sum)(x, axis=axes) * self.coefficient

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape[:self.axis])

    def get_config(self) -> dict[str, Any]:
        return self._config_with('operation', 'axis', 'coefficient')
