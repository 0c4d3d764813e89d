"""Layers that spread the values of images evenly over their range."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import ops

from .checks import count, number, numbers
from .image_layer import _ImageLayer
from .input_spec import title

__all__ = ['ContrastLimitedAdaptiveHistogramEqualization', 'Equalization']


class _Histograms(_ImageLayer):
    def _last(self, images):
        return ops.transpose(images, (0, 2, 3, 1)) if self.data_format == 'channels_first' else images

    def _given(self, images):
        return ops.transpose(images, (0, 3, 1, 2)) if self.data_format == 'channels_first' else images

    def _counted(self, bins, groups, size):
        """Histograms (groups · size,) of bins, int32, in consecutive groups: (groups, members)."""
        at = bins + ops.reshape(ops.arange(groups, dtype='int32') * size, (-1, 1))
        ones = np.ones(tuple(bins.shape), 'float32')
        return at, ops.reshape(ops.scatter_add(ops.reshape(at, (-1,)), ones.reshape(-1), groups * size), (groups, size))

    def _sized(self, images):
        if None in tuple(images.shape):
            raise ValueError(f'{title(self)}: expected images of known sizes, got shape {tuple(images.shape)}')
        return tuple(images.shape)


class Equalization(_Histograms):
    """In training, the values of each channel replaced by the share of smaller ones, so that all are about as frequent; counted
    over all images of the batch, as in Keras 3.15. A channel of one value stays.

    value_range: the least and the largest value of a pixel. bins: how many values are told apart. data_format: of the images.
    """

    def __init__(self, value_range: Any = (0, 255), bins: Any = 256, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = self._range(value_range)
        self.bins = count(self, 'bins', bins, 2)

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        if not training or images.shape[0] is None:
            return images
        x = self._last(images)
        n, h, w, c = self._sized(x)
        flat = ops.transpose(ops.reshape(self._ranged(x, self.value_range, (0, 255)), (-1, c)), (1, 0))     # (c, pixels)
        most = self.bins - 1
        bins = ops.cast(ops.clip(flat * most / 255, 0, most), 'int32')
        places, counts = self._counted(bins, c, self.bins)
        total = ops.cumsum(counts, axis=1)
        least = ops.min(ops.where(total > 0, total, np.float32(n * h * w)), axis=1, keepdims=True)
        room = total[:, -1:] - least
        table = ops.clip(ops.round((total - least) * 255 / ops.where(room > 0, room, 1)), 0, 255)
        y = ops.gather(ops.reshape(table, (-1,)), ops.cast(ops.clip(flat / 255 * most, 0, most), 'int32') + (places - bins))
        one = ops.sum(ops.cast(counts > 0, 'float32'), axis=1, keepdims=True) <= 1
        y = ops.cast(ops.where(one, flat, y), images.dtype)
        y = ops.reshape(ops.transpose(y, (1, 0)), (n, h, w, c))
        return self._given(self._ranged(y, (0, 255), self.value_range))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('value_range', 'bins', 'data_format')


class ContrastLimitedAdaptiveHistogramEqualization(_Histograms):
    """Values equalized within tiles, whose histograms are cut off, and blended between neighbouring tiles (Zuiderveld 1994,
    "Contrast limited adaptive histogram equalization"). In training and inference alike; images keep their type.

    value_range: the least and the largest value of a pixel. clip_limit: the most pixels of one of the 256 values, in units of
    those of a flat histogram; what is above is spread over all. 0: no limit. tile_grid_size: tiles down and across.
    data_format: of the images. Source: Keras 3.15.
    """

    _keeps_type = True

    def __init__(self, value_range: Any = (0, 255), clip_limit: Any = 4.0, tile_grid_size: Any = (8, 8), data_format: Any
    = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = self._range(value_range)
        self.clip_limit = number(self, 'clip_limit', clip_limit, 0)
        self.tile_grid_size = numbers(self, 'tile_grid_size', tile_grid_size, 2)

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        whole = self._ranged(images, self.value_range, (0, 255))
        if images.shape[0] is None:
            return images
        y = self._ranged(self._given(self._equalized(self._last(whole))), (0, 255), self.value_range)
        return y if images.dtype in ('float32', 'float64') else ops.cast(ops.trunc(y), images.dtype)

    def _equalized(self, x):
        n, h, w, c = self._sized(x)
        down, across = self.tile_grid_size
        tall, wide = -(-h // down), -(-w // across)
        more = tall * down - h, wide * across - w
        if any(more):
            x = ops.pad(x, ((0, 0), (0, more[0]), (0, more[1]), (0, 0)), mode='symmetric')
        pixels = ops.cast(ops.clip(x, 0, 255), 'int32')
        tiles = ops.transpose(ops.reshape(pixels, (n, down, tall, across, wide, c)), (0, 1, 3, 5, 2, 4))
        _, counts = self._counted(ops.reshape(tiles, (n * down * across * c, tall * wide)), n * down * across * c, 256)
        if self.clip_limit:
            kept = ops.minimum(counts, self.clip_limit * tall * wide / 256)
            counts = kept + ops.sum(counts - kept, axis=1, keepdims=True) / 256
        total = ops.cumsum(counts, axis=1)
        least = ops.min(total, axis=1, keepdims=True)
        room = tall * wide - least
        table = ops.reshape(ops.clip((total - least) * 255 / ops.where(ops.equal(room, 0), 1, room), 0, 255), (-1,))
        # pixels lie between the middles of tiles; beyond the outer ones, the tile itself
        sides = []
        for size, grid in ((tall, down), (wide, across)):
            place = (np.arange(size * grid, dtype='float32') - size / 2) / size
            low = np.floor(place)
            sides.append([(np.clip(i, 0, grid - 1).astype('int32'), weight)
                          for i, weight in ((low, 1 - (place - low)), (low + 1, place - low))])
        image, channel = np.arange(n, dtype='int32').reshape(n, 1, 1, 1), np.arange(c, dtype='int32')
        made = None
        for i, part_y in sides[0]:
            row = None
            for j, part_x in sides[1]:
                tile = (image * down + i[:, None, None]) * across + j[:, None]
                at = pixels + (tile * c + channel) * 256
                part = ops.gather(table, at) * part_x[:, None]
                row = part if row is None else row + part
            row = row * part_y[:, None, None]
            made = row if made is None else made + row
        return made[:, :h, :w]

    def get_config(self) -> dict[str, Any]:
        return self._config_with('value_range', 'clip_limit', 'tile_grid_size', 'data_format')
