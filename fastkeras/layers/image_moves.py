"""Layers that move what images show, at random and in training alone: flips, shifts, rotations, zooms, shears, perspectives,
elastic distortions. The boxes and masks of the images move with them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import ops
from fastkeras.ops import sampling
from fastkeras.utils import bounding_boxes as boxes_of

from .checks import number, one_of
from .image_layer import _ImageLayer
from .input_spec import title

__all__ = ['RandomElasticTransform', 'RandomFlip', 'RandomPerspective', 'RandomRotation', 'RandomShear', 'RandomTranslation',
           'RandomZoom']

FILL_MODES = ('reflect', 'wrap', 'constant', 'nearest')


class RandomFlip(_ImageLayer):
    """In training, each image flipped with probability one half.

    mode: 'horizontal' (left and right change places), 'vertical' (top and bottom), or 'horizontal_and_vertical': both at once.
    seed: int, or None for a fresh one. data_format: of the images. bounding_box_format: of boxes. Source: Keras 3.15.
    """

    def __init__(self, mode: Any = 'horizontal_and_vertical', seed: Any = None, data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.mode = one_of(self, 'mode', mode, ('horizontal', 'vertical', 'horizontal_and_vertical'))
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, *size = self._size(data)
        return {'flips': self._draw((n, 1, 1, 1), seed=seed) <= 0.5, 'size': size}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._flipped(self._as_float(images), transformation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._flipped(segmentation_masks, transformation)

    def _flipped(self, images, transformation):
        if transformation is None:
            return images
        first = self.data_format == 'channels_first'
        axes = [axis + first for axis, word in ((1, 'vertical'), (2, 'horizontal')) if word in self.mode]
        return ops.where(transformation['flips'], ops.flip(images, tuple(axes)), images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return bounding_boxes
        height, width = transformation['size']

        def move(boxes):
            a, b, c, d = (boxes[..., k:k + 1] for k in range(4))
            if 'horizontal' in self.mode:
                a, c = width - c, width - a
            if 'vertical' in self.mode:
                b, d = height - d, height - b
            return ops.where(ops.squeeze(transformation['flips'], -1), ops.concatenate([a, b, c, d], axis=-1), boxes)

        return self._moved_boxes(bounding_boxes, (height, width), move)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('mode', 'seed', 'data_format')


class _Moved(_ImageLayer):
    """transform: (n, 6), see `ops.image.affine_transform`."""

    def __init__(self, interpolation, fill_mode, fill_value, seed, **kwargs):
        super().__init__(**kwargs)
        self.fill_mode = one_of(self, 'fill_mode', fill_mode, FILL_MODES)
        self.interpolation = one_of(self, 'interpolation', interpolation, sampling.INTERPOLATIONS)
        self.fill_value = number(self, 'fill_value', fill_value)
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        numbers = self._transforms(n, height, width, seed)
        one = next(x for x in numbers if not isinstance(x, (int, float)))
        columns = [ops.reshape(one * 0 + x if isinstance(x, (int, float)) else x, (-1, 1)) for x in numbers]
        return {'transform': ops.concatenate(columns, axis=1), 'size': (height, width)}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        return images if transformation is None else self._sampled(images, transformation, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return segmentation_masks if transformation is None else self._sampled(segmentation_masks, transformation, 'nearest')

    def _sampled(self, images, transformation, interpolation):
        return ops.image.affine_transform(images, transformation['transform'], interpolation, self.fill_mode, self.fill_value,
                                          self.data_format)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return bounding_boxes
        ahead = self._ahead(transformation)
        return self._moved_boxes(bounding_boxes, transformation['size'], lambda b: boxes_of.through(b, ahead))

    def _ahead(self, transformation):
        """The numbers of the transform that brings a place of the image to that of the result: the inverse."""
        a0, a1, a2, b0, b1, b2 = (ops.reshape(transformation['transform'][:, k], (-1, 1, 1)) for k in range(6))
        whole = a0 * b1 - a1 * b0
        return (b1 / whole, -a1 / whole, (a1 * b2 - a2 * b1) / whole,
                -b0 / whole, a0 / whole, (a2 * b0 - a0 * b2) / whole, 0, 0)


class RandomTranslation(_Moved):
    """In training, each image shifted by random shares of its height and width.

    height_factor: two numbers from -1 to 1 that the share lies between, negative ones up; one stands for (-it, it).
    width_factor: the same, negative ones to the left. fill_mode: what comes in: 'reflect' (d c b a | a b c d | d c b a),
    'wrap', 'constant' (fill_value) or 'nearest' (the pixel at the edge). interpolation: 'bilinear' or 'nearest'. seed:
    int, or None for a fresh one. data_format: of the images. bounding_box_format: of boxes. Source: Keras 3.15.
    """

    def __init__(self, height_factor: Any, width_factor: Any, fill_mode: Any = 'reflect', interpolation: Any = 'bilinear',
                 seed: Any = None, fill_value: Any = 0.0, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.height_lower, self.height_upper = self._factor('height_factor', height_factor)
        self.width_lower, self.width_upper = self._factor('width_factor', width_factor)

    def _transforms(self, n, height, width, seed):
        down = self._draw((n,), self.height_lower, self.height_upper, seed) * height
        across = self._draw((n,), self.width_lower, self.width_upper, seed) * width
        return 1, 0, -across, 0, 1, -down

    def get_config(self) -> dict[str, Any]:
        return self._config_with('height_factor', 'width_factor', 'fill_mode', 'interpolation', 'seed', 'fill_value',
                                 'data_format')


class RandomRotation(_Moved):
    """In training, each image turned about its middle by a random angle.

    factor: two numbers from -1 to 1, in full turns, that the angle lies between, positive ones counter-clockwise; one
    stands for (-it, it). fill_mode, interpolation, seed, fill_value, data_format, bounding_box_format: as in
    `RandomTranslation`. Source: Keras 3.15.
    """

    def __init__(self, factor: Any, fill_mode: Any = 'reflect', interpolation: Any = 'bilinear', seed: Any = None,
                 fill_value: Any = 0.0, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format=data_format, **kwargs)
        self.factor = self._factor('factor', factor)

    def _transforms(self, n, height, width, seed):
        angle = self._draw((n,), *self.factor, seed=seed) * (2 * np.pi)
        c, s = ops.cos(angle), ops.sin(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        return c, -s, x - x * c + y * s, s, c, y - x * s - y * c

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'fill_mode', 'interpolation', 'seed', 'fill_value',
                                 'data_format')


class RandomZoom(_Moved):
    """In training, each image shrunk or enlarged about its middle by random factors.

    height_factor: two numbers above -1 and up to 1 that are added to 1: positive ones show more, smaller; one stands for
    (-it, it). width_factor: the same, or None for the factor of the height, which keeps the proportions. fill_mode,
    interpolation, seed, fill_value, data_format, bounding_box_format: as in `RandomTranslation`. Source: Keras 3.15.
    """

    def __init__(self, height_factor: Any, width_factor: Any = None, fill_mode: Any = 'reflect', interpolation: Any =
    'bilinear', seed: Any = None, fill_value: Any = 0.0, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        for name in ('height', 'width'):
            value = getattr(self, f'{name}_factor')
            if value is None and name == 'width':
                continue
            low, high = self._factor(f'{name}_factor', value)
            if low <= -1:
                raise ValueError(f'{title(self)}: expected {name}_factor to be above -1, got {value!r}')
            setattr(self, f'{name}_lower', low)
            setattr(self, f'{name}_upper', high)

    def _transforms(self, n, height, width, seed):
        down = self._draw((n,), 1 + self.height_lower, 1 + self.height_upper, seed)
        across = down if self.width_factor is None else self._draw((n,), 1 + self.width_lower, 1 + self.width_upper, seed)
        return across, 0, (1 - across) * ((width - 1) / 2), 0, down, (1 - down) * ((height - 1) / 2)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('height_factor', 'width_factor', 'fill_mode', 'interpolation', 'seed', 'fill_value',
                                 'data_format')


class RandomShear(_Moved):
    """In training, each image slanted: rows shifted in proportion to their number, columns alike.

    x_factor: two numbers from 0 to 1 that the shift of a row to the next lies between, in pixels; one stands for (-it, it).
    y_factor: the same of columns. The sign of both is drawn for each image. interpolation, fill_mode, fill_value, data_format,
    seed, bounding_box_format: as in `RandomTranslation`. Source: Keras 3.15.
    """

    def __init__(self, x_factor: Any = 0.0, y_factor: Any = 0.0, interpolation: Any = 'bilinear', fill_mode: Any = 'reflect',
                 fill_value: Any = 0.0, data_format: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format=data_format, **kwargs)
        self.x_factor, self.y_factor = self._shear('x_factor', x_factor), self._shear('y_factor', y_factor)

    def _shear(self, name, value):
        if isinstance(value, (tuple, list)) and len(value) == 2 and value[0] == -value[1]:     # a number, from a configuration
            value = value[1]
        low, high = self._factor(name, value, (0, 1))
        return (low, high) if isinstance(value, (tuple, list)) else (-high, high)

    def _transforms(self, n, height, width, seed):
        sign = ops.where(self._draw((n,), seed=seed) > 0.5, -1.0, 1.0)
        y = self._draw((n,), *self.y_factor, seed=seed) * sign
        x = self._draw((n,), *self.x_factor, seed=seed) * sign
        return 1, x, 0, y, 1, 0

    def get_config(self) -> dict[str, Any]:
        return self._config_with('x_factor', 'y_factor', 'interpolation', 'fill_mode', 'fill_value', 'data_format', 'seed')


class RandomPerspective(_Moved):
    """In training, images seen at a slant: their corners are moved at random.

    factor: the probability that an image is changed: two numbers from 0 to 1 that it is drawn between, or one, for (0, it).
    scale: from 0 to 1: a corner moves by up to half of this share of its coordinates. interpolation, fill_value, seed,
    data_format, bounding_box_format: as in `RandomTranslation`; what comes in is fill_value. Source: Keras 3.15.
    """

    def __init__(self, factor: Any = 1.0, scale: Any = 1.0, interpolation: Any = 'bilinear', fill_value: Any = 0.0,
                 seed: Any = None, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(interpolation, 'constant', fill_value, seed, data_format=data_format, **kwargs)
        self.factor = self._factor('factor', factor, (0, 1))
        self.scale = number(self, 'scale', scale, 0, 1)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        happens = self._happens(n, self.factor, seed)
        corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], self.compute_dtype)
        moved = (self._draw((n, 4, 2), -0.5 * self.scale, 0.5 * self.scale, seed) + 1) * corners
        start = moved * 0 + corners
        return {'apply_perspective': happens, 'start_points': start, 'end_points': moved, 'size': (height, width)}

    def _sampled(self, images, transformation, interpolation):
        y = ops.image.perspective_transform(images, transformation['start_points'], transformation['end_points'], interpolation,
                                            self.fill_value, self.data_format)
        return ops.where(transformation['apply_perspective'], y, images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return bounding_boxes
        ahead = sampling.homography(transformation['end_points'], transformation['start_points'])
        numbers = [ops.reshape(ahead[:, k], (-1, 1, 1)) for k in range(8)]
        happens = ops.squeeze(transformation['apply_perspective'], -1)
        return self._moved_boxes(bounding_boxes, transformation['size'],
                                 lambda b: ops.where(happens, boxes_of.through(b, numbers), b))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'scale', 'interpolation', 'fill_value', 'seed', 'data_format')


class RandomElasticTransform(_ImageLayer):
    """In training, images distorted by smooth random displacements (Simard et al. 2003, "Best practices for convolutional
    neural networks applied to visual document analysis"), see `ops.image.elastic_transform`.

    factor: the probability that an image is changed, as in `RandomPerspective`. scale: two numbers from 0 to 1, or one, for
    (0, it): how far, drawn for each batch. interpolation, fill_value, seed, data_format: as in `RandomTranslation`. fill_mode:
    also 'mirror'. value_range: the result is cut to it. Boxes cannot be moved so: ValueError. Source: Keras 3.15.
    """

    def __init__(self, factor: Any = 1.0, scale: Any = 1.0, interpolation: Any = 'bilinear', fill_mode: Any = 'reflect',
                 fill_value: Any = 0.0, value_range: Any = (0, 255), seed: Any = None, data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor, self.scale = self._factor('factor', factor, (0, 1)), self._factor('scale', scale, (0, 1))
        self.interpolation = one_of(self, 'interpolation', interpolation, sampling.INTERPOLATIONS)
        self.fill_mode = one_of(self, 'fill_mode', fill_mode, sampling.MODES)
        self.fill_value = number(self, 'fill_value', fill_value)
        self.value_range = self._range(value_range)
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training or not self.scale[1] or not self.factor[1]:
            return None
        n, height, width = self._size(data)
        happens = self._happens(n, self.factor, seed)
        far = self._draw((1,), *self.scale, seed=seed)
        sigma, most = 0.05 * min(height, width) * far + 1e-6, 0.05 * min(height, width) * self.scale[1]
        images = data['images'] if isinstance(data, dict) else data
        images = images if len(images.shape) == 4 else ops.expand_dims(images, 0)
        places = sampling.distorted(images, (height, width), 0.1 * max(height, width) * far, sigma, int(6 * most) | 1,
                                    self.generator if seed is None else seed)
        return {'apply_transform': happens, 'places': places}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        if transformation is None:
            return images
        return self._clipped(self._sampled(images, transformation, self.interpolation))

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return segmentation_masks if transformation is None else self._sampled(segmentation_masks, transformation, 'nearest')

    def _sampled(self, images, transformation, interpolation):
        y = sampling.sampled(images, *transformation['places'], interpolation, self.fill_mode, self.fill_value,
                             self.data_format)
        return ops.where(transformation['apply_transform'], y, images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        raise ValueError(f'{title(self)}: bounding boxes cannot follow an elastic distortion; leave it out, or the boxes')

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'scale', 'interpolation', 'fill_mode', 'fill_value', 'value_range', 'seed',
                                 'data_format')
