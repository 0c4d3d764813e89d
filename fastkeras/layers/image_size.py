"""Layers that give images another size: resized, cut about the middle or at a random place."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.ops import resampling
from fastkeras.ops.resize import INTERPOLATIONS

from .checks import count, one_of
from .image_layer import _ImageLayer
from .input_spec import title

__all__ = ['CenterCrop', 'RandomCrop', 'Resizing']


class _Sized(_ImageLayer):
    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height = count(self, 'height', height)
        self.width = count(self, 'width', width)

    def _known(self, data):
        """(height, width) of the images."""
        size = self._size(data)[1:]
        if None in size:
            raise ValueError(f'{title(self)}: expected images of known height and width, got {size}')
        return size

    def _cut(self, images, top, left, height, width):
        if self.data_format == 'channels_first':
            return images[:, :, top:top + height, left:left + width]
        return images[:, top:top + height, left:left + width]

    def _fits(self, size):
        return size[0] >= self.height and size[1] >= self.width

    def _fitted(self, images, interpolation='bilinear'):
        """The largest part about the middle of the same proportions, in the layer's size."""
        return ops.image.resize(images, (self.height, self.width), interpolation, crop_to_aspect_ratio=True,
                                data_format=self.data_format)

    def _fitted_boxes(self, boxes, size):
        """xyxy boxes of images that go through `_fitted`."""
        rows, columns, top, left = resampling.cropped(*size, (self.height, self.width))
        return self._scaled(boxes, self.height / rows, self.width / columns, -top * self.height / rows,
                            -left * self.width / columns)

    def _scaled(self, boxes, down, across, top, left):
        return boxes * ops.array([across, down, across, down]) + ops.array([left, top, left, top])

    def compute_output_shape(self, input_shape: Any) -> Any:
        if not isinstance(input_shape, dict):
            return self._sized(input_shape)
        made = dict(input_shape)
        made['images'] = self._sized(made['images'])
        masks = made.get('segmentation_masks')
        if masks is not None:
            flat = len(masks) < len(made['images'])
            made['segmentation_masks'] = (*masks[:-2], self.height, self.width) if flat else self._sized(masks)
        return made

    def _sized(self, shape):
        if self.data_format == 'channels_first':
            return (*shape[:-2], self.height, self.width)
        return (*shape[:-3], self.height, self.width, shape[-1])


class Resizing(_Sized):
    """Images of height × width, of the type that they have: integers are rounded.

    interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3', 'lanczos5' or 'area'. crop_to_aspect_ratio: cut off
    first, alike on both sides, what does not fit the proportions; pad_to_aspect_ratio: add pixels of fill_value instead
    (fill_mode 'constant'). antialias: average over what becomes one pixel. data_format: of the images.
    bounding_box_format: of boxes.

    The layer does the same in training and inference. Masks take the nearest pixel. Source: Keras 3.15.
    """

    _keeps_type = True

    def __init__(self, height: Any, width: Any, interpolation: Any = 'bilinear', crop_to_aspect_ratio: Any = False,
                 pad_to_aspect_ratio: Any = False, fill_mode: Any = 'constant', fill_value: Any = 0.0, antialias: Any = False,
                 data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)
        self.interpolation = one_of(self, 'interpolation', interpolation, INTERPOLATIONS)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = bool(crop_to_aspect_ratio), bool(pad_to_aspect_ratio)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(f'{title(self)}: expected crop_to_aspect_ratio or pad_to_aspect_ratio, got both')
        self.fill_mode = one_of(self, 'fill_mode', fill_mode, ('constant',))
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        return {'size': self._size(data)[1:]}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._resized(images, self.interpolation)

    def _resized(self, images, interpolation):
        return ops.image.resize(images, (self.height, self.width), interpolation, self.antialias, self.crop_to_aspect_ratio,
                                self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._resized(segmentation_masks, 'nearest')

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        height, width = size = transformation['size']

        def move(boxes):
            if self.crop_to_aspect_ratio:
                return self._fitted_boxes(boxes, size)
            above, left = resampling.margins(height, width, (self.height, self.width)) if self.pad_to_aspect_ratio else (0, 0)
            down, across = self.height / (height + 2 * above), self.width / (width + 2 * left)
            return self._scaled(boxes, down, across, above * down, left * across)

        return self._moved_boxes(bounding_boxes, size, move, (self.height, self.width))

    def get_config(self) -> dict[str, Any]:
        config = self._config_with('height', 'width', 'interpolation', 'crop_to_aspect_ratio')
        newer = {'pad_to_aspect_ratio': False, 'fill_mode': 'constant', 'fill_value': 0.0, 'antialias': False}
        return self._with_newer(config, {k: (getattr(self, k), default) for k, default in newer.items()})


class CenterCrop(_Sized):
    """The middle of images, height × width; the largest part about the middle of those proportions, resized, where an image is
    smaller than that. In training and inference alike. data_format: of the images. bounding_box_format: of boxes.
    Source: Keras 3.15.
    """

    def __init__(self, height: Any, width: Any, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        return {'size': self._size(data)[1:]}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._middle(self._as_float(images), 'bilinear')

    def _middle(self, images, interpolation):
        size = self._known(images)
        if self._fits(size):
            return self._cut(images, (size[0] - self.height) // 2, (size[1] - self.width) // 2, self.height, self.width)
        return self._fitted(images, interpolation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._middle(segmentation_masks, 'nearest')

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        height, width = size = transformation['size']

        def move(boxes):
            if self._fits(size):
                return self._scaled(boxes, 1, 1, -((height - self.height) // 2), -((width - self.width) // 2))
            return self._fitted_boxes(boxes, size)

        return self._moved_boxes(bounding_boxes, size, move, (self.height, self.width))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('height', 'width', 'data_format')


class RandomCrop(_Sized):
    """In training, a part of height × width at a random place of each image. In inference, and where an image is smaller, the
    largest part about the middle of those proportions, resized.

    seed: int, or None for a fresh one. data_format: of the images. bounding_box_format: of boxes. Keras 3.15 cuts all images of
    a batch at one place, and leaves them as they are in inference, whatever its documentation says.
    """

    def __init__(self, height: Any, width: Any, seed: Any = None, data_format: Any = None, name: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(height, width, data_format=data_format, name=name, **kwargs)
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        n, height, width = self._size(data)
        self._known(data)
        if not training or not self._fits((height, width)):
            return {'size': (height, width), 'place': None}
        top, left = (ops.minimum(ops.floor(self._draw((n,), 0, room + 1, seed)), room)
                     for room in (height - self.height, width - self.width))
        return {'size': (height, width), 'place': (top, left)}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._part(self._as_float(images), transformation, 'bilinear')

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._part(segmentation_masks, transformation, 'nearest')

    def _part(self, images, transformation, interpolation):
        if transformation is None or transformation['place'] is None:
            return self._fitted(images, interpolation)
        first = self.data_format == 'channels_first'
        if first:
            images = ops.transpose(images, (0, 2, 3, 1))
        n, height, width, channels = images.shape
        rows, columns = (ops.reshape(ops.cast(place, 'int32'), (-1, 1)) + ops.arange(size, dtype='int32')
                         for place, size in zip(transformation['place'], (self.height, self.width)))
        if n is None:       # described alone
            part = ops.broadcast_to(images[:, :1, :1], (None, self.height, self.width, channels))
        else:
            at = ops.expand_dims(rows + ops.reshape(ops.arange(n, dtype='int32') * height, (-1, 1)), 2) * width
            part = ops.gather(ops.reshape(images, (-1, channels)), at + ops.expand_dims(columns, 1), axis=0)
        return ops.transpose(part, (0, 3, 1, 2)) if first else part

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        def move(boxes):
            if transformation['place'] is None:
                return self._fitted_boxes(boxes, transformation['size'])
            top, left = (ops.reshape(p, (-1, 1)) for p in transformation['place'])
            return boxes - ops.expand_dims(ops.concatenate([left, top, left, top], axis=-1), 1)

        return self._moved_boxes(bounding_boxes, transformation['size'], move, (self.height, self.width))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('height', 'width', 'seed', 'data_format')
