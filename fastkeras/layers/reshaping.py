"""Layers that arrange their inputs in another shape, or pad, crop and enlarge sequences, images and volumes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import generation, ops
from fastkeras.ops.windows import spatial

from .base import InputSpec, Layer
from .checks import as_float, count, numbers, one_of, pairs, sequence, with_spatial
from .input_spec import title

__all__ = ['Cropping1D', 'Cropping2D', 'Cropping3D', 'Flatten', 'Permute', 'RepeatVector', 'Reshape', 'UpSampling1D',
           'UpSampling2D', 'UpSampling3D', 'ZeroPadding1D', 'ZeroPadding2D', 'ZeroPadding3D']


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
            raise ValueError(f'{title(self)}: {total} elements of an input of shape {tuple(rest)} (without the batch) '
                             f'cannot be arranged as {self.target_shape}')
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


class _Spatial(Layer):
    """rank: number of spatial axes; sequences are channels_last unless said otherwise."""

    rank = 2

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        if self.rank == 1 and data_format is None:
            data_format = 'channels_last'
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _first(self):
        return 2 if self.data_format == 'channels_first' else 1

    def _config_of(self, name):
        shown = self.rank > 1 or self.data_format != 'channels_last'
        return self._config_with(name, *(['data_format'] if shown else []))


class _ZeroPadding(_Spatial):
    def __init__(self, padding, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = pairs(self, 'padding', padding, self.rank)
        if self.rank == 1:
            self.padding = self.padding[0]

    @property
    def _pairs(self):
        return (self.padding,) if self.rank == 1 else self.padding

    def call(self, inputs):
        widths = [(0, 0)] * len(inputs.shape)
        widths[self._first:self._first + self.rank] = self._pairs
        return ops.pad(inputs, tuple(widths))

    def compute_output_shape(self, input_shape):
        sizes = [None if n is None else n + a + b for n, (a, b) in zip(spatial(input_shape, self.data_format),
                                                                       self._pairs)]
        return with_spatial(input_shape, sizes, self.data_format)

    def get_config(self):
        return self._config_of('padding')


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps of (batch, steps, features). padding: a number, or (before, after)."""

    rank = 1

    def __init__(self, padding: Any = 1, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images. padding: a number, (rows, columns), or ((top, bottom), (left, right))."""

    def __init__(self, padding: Any = (1, 1), data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes. padding: a number, three of them, or three pairs (before, after)."""

    rank = 3

    def __init__(self, padding: Any = (1, 1, 1), data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Spatial):
    def __init__(self, cropping, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = pairs(self, 'cropping', cropping, self.rank)
        if self.rank == 1:
            self.cropping = self.cropping[0]

    @property
    def _pairs(self):
        return (self.cropping,) if self.rank == 1 else self.cropping

    def call(self, inputs):
        self.compute_output_shape(tuple(inputs.shape))
        key = (slice(None),) * self._first + tuple(slice(a, -b if b else None) for a, b in self._pairs)
        return inputs[key]

    def compute_output_shape(self, input_shape):
        sizes = []
        for n, (a, b) in zip(spatial(input_shape, self.data_format), self._pairs):
            if n is not None and n <= a + b:
                raise ValueError(f'{title(self)}: cropping {self.cropping} leaves nothing of an input of shape '
                                 f'{tuple(input_shape)}')
            sizes.append(None if n is None else n - a - b)
        return with_spatial(input_shape, sizes, self.data_format)

    def get_config(self):
        return self._config_of('cropping')


class Cropping1D(_Cropping):
    """Steps cut off (batch, steps, features). cropping: a number, or (at the start, at the end)."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)


class Cropping2D(_Cropping):
    """Rows and columns cut off images. cropping: a number, (rows, columns), or ((top, bottom), (left, right))."""

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Elements cut off volumes. cropping: a number, three of them, or three pairs (at the start, at the end)."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class _UpSampling(_Spatial):
    def __init__(self, size, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.size = numbers(self, 'size', size, self.rank)
        if self.rank == 1:
            self.size = self.size[0]

    @property
    def _sizes(self):
        return (self.size,) if self.rank == 1 else self.size

    def call(self, inputs):
        for k, times in enumerate(self._sizes):
            if times > 1:
                inputs = ops.repeat(inputs, times, axis=self._first + k)
        return inputs

    def compute_output_shape(self, input_shape):
        sizes = [None if n is None else n * s for n, s in zip(spatial(input_shape, self.data_format), self._sizes)]
        return with_spatial(input_shape, sizes, self.data_format)

    def get_config(self):
        return self._config_of('size')


class UpSampling1D(_UpSampling):
    """Each step of (batch, steps, features) repeated `size` times."""

    rank = 1

    def __init__(self, size: Any = 2, **kwargs: Any) -> None:
        super().__init__(size, **kwargs)


class UpSampling2D(_UpSampling):
    """Images enlarged `size` = (rows, columns) times.

    interpolation: 'nearest' repeats pixels, 'bilinear' interpolates between their centres. half_pixel_centers=False
    takes corners for centres, as files of Keras 2 mean it.
    """

    def __init__(self, size: Any = (2, 2), data_format: Any = None, interpolation: Any = 'nearest',
                 half_pixel_centers: bool = True, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = one_of(self, 'interpolation', interpolation, ('nearest', 'bilinear'))
        self.half_pixel_centers = bool(half_pixel_centers)

    def call(self, inputs: Any) -> Any:
        if self.interpolation == 'nearest':
            return super().call(inputs)
        x = as_float(self, inputs)
        rows, columns = spatial(x.shape, self.data_format)
        if None in (rows, columns):         # a description of a model: the values do not matter yet
            return super().call(x)
        by_row = _weights(rows, self.size[0], self.half_pixel_centers, x.dtype)
        by_column = _weights(columns, self.size[1], self.half_pixel_centers, x.dtype)
        if self.data_format == 'channels_first':
            return ops.matmul(ops.matmul(by_row, x), np.ascontiguousarray(by_column.T))
        batch, _, _, channels = x.shape
        x = ops.matmul(by_row, ops.reshape(x, (batch, rows, columns * channels)))
        return ops.matmul(by_column, ops.reshape(x, (batch, rows * self.size[0], columns, channels)))

    def get_config(self) -> dict[str, Any]:
        # files of Keras 2 do not say it and mean corners; those of Keras 3 do not say it and mean centres
        said = self.interpolation == 'bilinear' and not (
            self.half_pixel_centers and generation.of('config.module_and_registered_name'))
        return self._config_with('size', 'data_format', 'interpolation', *(['half_pixel_centers'] if said else []))


def _weights(size, times, half_pixel, dtype):
    """Matrix [size · times, size] of linear interpolation."""
    place = np.arange(size * times) / times
    if half_pixel:
        place = (np.arange(size * times) + 0.5) / times - 0.5
    place = np.clip(place, 0, size - 1)
    low = np.floor(place).astype(int)
    part = place - low
    weights = np.zeros((size * times, size), dtype)
    rows = np.arange(size * times)
    weights[rows, low] += 1 - part
    weights[rows, np.minimum(low + 1, size - 1)] += part
    return weights


class UpSampling3D(_UpSampling):
    """Each voxel repeated `size` = (depth, rows, columns) times."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)
