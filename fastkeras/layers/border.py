"""Layers that pad, crop and enlarge sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import generation, ops
from fastkeras.ops.windows import spatial

from .base import InputSpec, Layer
from .checks import as_float, numbers, one_of, pairs, with_spatial
from .input_spec import title

__all__ = ['Cropping1D', 'Cropping2D', 'Cropping3D', 'UpSampling1D', 'UpSampling2D', 'UpSampling3D', 'ZeroPadding1D',
           'ZeroPadding2D', 'ZeroPadding3D']


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
        return ops.enlarge(inputs, self.size, self.data_format)

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

    interpolation: 'nearest' repeats pixels; 'bilinear', 'bicubic', 'lanczos3' and 'lanczos5' interpolate between their
    centres. half_pixel_centers=False takes corners for centres, as Keras 2 means it by 'bilinear' (in its files, and in the
    generation '2.2.4' unless True is said).
    """

    def __init__(self, size: Any = (2, 2), data_format: Any = None, interpolation: Any = 'nearest',
                 half_pixel_centers: Any = None, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = one_of(self, 'interpolation', interpolation,
                                    ('nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5'))
        if half_pixel_centers is None:
            half_pixel_centers = self.interpolation != 'bilinear' or generation.of('upsampling.half_pixel_centers')
        self.half_pixel_centers = bool(half_pixel_centers)
        if not self.half_pixel_centers and self.interpolation not in ('nearest', 'bilinear'):
            raise ValueError(f'{title(self)}: half_pixel_centers=False is for bilinear interpolation, got '
                             f'{self.interpolation!r}')

    def call(self, inputs: Any) -> Any:
        if self.interpolation == 'nearest':
            return super().call(inputs)
        x = as_float(self, inputs)
        if None in spatial(x.shape, self.data_format):      # a description of a model: the values do not matter yet
            return super().call(x)
        if not self.half_pixel_centers:
            return ops.enlarge_from_corners(x, self.size, self.data_format)
        size = spatial(self.compute_output_shape(tuple(x.shape)), self.data_format)
        return ops.image.resize(x, size, self.interpolation, data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        # files of Keras 2 do not say it and mean corners; those of Keras 3 do not say it and mean centres
        said = self.interpolation == 'bilinear' and not (
            self.half_pixel_centers and generation.of('config.module_and_registered_name'))
        return self._config_with('size', 'data_format', 'interpolation', *(['half_pixel_centers'] if said else []))


class UpSampling3D(_UpSampling):
    """Each voxel repeated `size` = (depth, rows, columns) times."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)
