"""What the layers share that change images: what they take, when they act, their random numbers, and what changes with the
images: boxes, labels, masks.
"""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.resize import saturated
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import SeedGenerator, active_trace
from fastkeras.saving import objects
from fastkeras.utils import bounding_boxes as boxes_of
from fastkeras.utils import nest
from fastkeras.utils.quantities import as_number

from . import context
from .base import Layer
from .input_spec import title

PARTS = ('images', 'labels', 'bounding_boxes', 'segmentation_masks')


class _ImageLayer(Layer):
    """A layer that changes images: (height, width, channels) or a batch of them (batch, height, width, channels), or with
    channels first by data_format; or a dictionary with 'images' and what belongs to them, which is changed alike: 'labels',
    'bounding_boxes' ({'boxes': (batch, boxes, 4), 'labels': (batch, boxes)}, -1 for no box, in `bounding_box_format`) and
    'segmentation_masks' (as the images, or without channels). What else it holds comes out as it is.

    Images come out as floats, or as integers where `dtype` says so. Called on its own the layer acts as in training unless it
    is told `training=False`; in a model it acts in training alone, where it is a random one.
    """

    _keeps_type = False     # of the images

    def __init__(self, bounding_box_format: Any = None, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bounding_box_format is not None:
            boxes_of.check_format(title(self), bounding_box_format, 'bounding_box_format')
        self.bounding_box_format = bounding_box_format
        self.data_format = settings.standardize_data_format(data_format)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """__call__(self, inputs, **kwargs)

        The layer applied to images, or a dictionary with them; `training` is True where nobody says otherwise.
        """
        described = active_trace() is None and any(isinstance(x, Tensor) for x in nest.flatten([args, kwargs]))
        if kwargs.get('training') is None and len(args) < 2 and not context.told() and not described:
            kwargs['training'] = True
        return super().__call__(*args, **kwargs)

    # ---- the call
    def call(self, data: Any, training: Any = True) -> Any:
        given = data if isinstance(data, dict) else {'images': data}
        if 'images' not in given:
            raise ValueError(f"{title(self)}: expected images, or a dictionary with the key 'images', got the keys "
                             f'{sorted(given)}')
        rank = len(given['images'].shape)
        if rank not in (3, 4):
            raise ValueError(f'{title(self)}: expected one image of rank 3 or a batch of rank 4, got shape '
                             f'{tuple(given["images"].shape)}')
        batch = {k: given[k] if rank == 4 else nest.map_structure(lambda x: ops.expand_dims(x, 0), given[k])
                 for k in PARTS if k in given}
        transformation = self.get_random_transformation(batch, training=training)
        made = {}
        for key, value in batch.items():
            y = getattr(self, f'_{key}')(value, transformation, training)
            made[key] = y if rank == 4 else nest.map_structure(lambda x: ops.squeeze(x, 0), y)
        return {**data, **made} if isinstance(data, dict) else made['images']

    def _images(self, images, transformation, training):
        dtype = core.dtype_of(images) if self._keeps_type else self.dtype
        y = self.transform_images(images, transformation, training=training)
        if core.dtype_of(y) == dtype or dtype in core.FLOATS and core.dtype_of(y) in core.FLOATS:
            return y
        return ops.cast(y, dtype) if dtype in core.FLOATS else saturated(self._as_float(y), dtype)

    def _labels(self, labels, transformation, training):
        return self.transform_labels(labels, transformation, training=training)

    def _bounding_boxes(self, boxes, transformation, training):
        if self.bounding_box_format is None:
            raise ValueError(f"{title(self)}: its input has 'bounding_boxes'; say of which format they are by "
                             f"bounding_box_format, such as 'xyxy'")
        if not isinstance(boxes, dict) or not {'boxes', 'labels'} <= set(boxes):
            raise ValueError(f"{title(self)}: expected 'bounding_boxes' to be a dictionary with the keys 'boxes' and 'labels', "
                             f'got {sorted(boxes) if isinstance(boxes, dict) else type(boxes).__name__}')
        return self.transform_bounding_boxes(boxes, transformation, training=training)

    def _segmentation_masks(self, masks, transformation, training):
        flat = len(masks.shape) == 3
        axis = -1 if self.data_format == 'channels_last' else 1
        masks = ops.expand_dims(masks, axis) if flat else masks
        y = self.transform_segmentation_masks(masks, transformation, training=training)
        return ops.squeeze(y, axis) if flat else y

    # ---- what a layer says of itself, all of batches
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        """What is drawn for a batch of images, or a dictionary with one: a dictionary that the other methods take, or None.
        seed: a seed, None for the layer's own."""
        return None

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        """A batch of images changed as `get_random_transformation` says."""
        return images

    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any:
        """Their labels."""
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        """Their boxes."""
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        """Their masks."""
        return segmentation_masks

    def transform_single_image(self, image: Any, transformation: Any = None, training: Any = True) -> Any:
        """`transform_images` of one image."""
        return self._single(self.transform_images, image, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any = None, training: Any = True) -> Any:
        """`transform_labels` of one label."""
        return self._single(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(self, bounding_box: Any, transformation: Any = None, training: Any = True) -> Any:
        """`transform_bounding_boxes` of the boxes of one image."""
        return self._single(self.transform_bounding_boxes, bounding_box, transformation, training)

    def transform_single_segmentation_mask(self, segmentation_mask: Any, transformation: Any = None,
                                           training: Any = True) -> Any:
        """`transform_segmentation_masks` of one mask."""
        return self._single(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    def _single(self, transform, value, transformation, training):
        value = nest.map_structure(lambda x: ops.expand_dims(x, 0), value)
        return nest.map_structure(lambda x: ops.squeeze(x, 0), transform(value, transformation, training=training))

    # ---- help
    def _as_float(self, x):
        return x if core.dtype_of(x) in core.FLOATS else ops.cast(x, self.compute_dtype)

    def _size(self, data):
        """(batch, height, width) of the images."""
        shape = tuple((data['images'] if isinstance(data, dict) else data).shape)
        n = shape[0] if len(shape) == 4 else 1
        return (n, *(shape[-3:-1] if self.data_format == 'channels_last' else shape[-2:]))

    def _draw(self, shape, low=0.0, high=1.0, seed=None):
        """Uniform numbers, from the layer's own stream or by a seed that is given."""
        if seed is None:
            seed = self.generator
        return ops.random_uniform(shape, low, high, dtype=self.compute_dtype,
                                  seed=seed.next() if hasattr(seed, 'next') else seed)

    def _happens(self, n, factor, seed=None):
        """(n, 1, 1, 1), whether: with probabilities between the two of the factor."""
        chance = self._draw((n,), *factor, seed=seed)
        return ops.reshape(self._draw((n,), seed=seed) < chance, (-1, 1, 1, 1))

    def _seeded(self, seed):
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _factor(self, name, value, bounds=(-1, 1), least=None):
        """value as (low, high): two numbers, or one, which stands for all from minus it (no less than the lower bound, or
        `least`) to it."""
        low, high = bounds
        wrong = ValueError(f'{title(self)}: expected {name} to be a number or two of them in [{low}, {high}], got {value!r}')
        if isinstance(value, (tuple, list)):
            pair = [as_number(v) for v in value]
            if len(pair) != 2 or None in pair or max(pair) < low or min(pair) > high:
                raise wrong
            return tuple(sorted(pair))
        number = as_number(value)
        if number is None or not low <= number <= high:
            raise wrong
        return max(-abs(number), low) if least is None else least, abs(number)

    def _range(self, value):
        pair = [as_number(v) for v in value] if isinstance(value, (tuple, list)) else []
        if len(pair) != 2 or None in pair or pair[0] == pair[1]:
            raise ValueError(f'{title(self)}: expected value_range to be two different numbers, got {value!r}')
        return tuple(sorted(pair))

    def _clipped(self, images):
        return ops.clip(images, *self.value_range)

    def _ranged(self, images, old, new):
        """Values of one range in another."""
        images = self._as_float(images)
        if tuple(old) == tuple(new):
            return images
        return (images - old[0]) * ((new[1] - new[0]) / (old[1] - old[0])) + new[0]

    def _moved_boxes(self, bounding_boxes, size, move, target=None):
        """Boxes of images of size (height, width), converted to 'xyxy', moved, cut to the size that results and converted
        back. Those that are nothing then, and those that were none, get the label -1."""
        target = target or size
        none = ops.less(bounding_boxes['labels'], 0)
        xyxy = boxes_of.convert_format(bounding_boxes['boxes'], self.bounding_box_format, 'xyxy', *size)
        made = boxes_of.clip_to_image_size({**bounding_boxes, 'boxes': move(xyxy)}, *target)
        made['labels'] = ops.where(none, bounding_boxes['labels'], made['labels'])
        made['boxes'] = boxes_of.convert_format(made['boxes'], 'xyxy', self.bounding_box_format, *target)
        return made

    def _config_with(self, *names):
        given = () if self.bounding_box_format is None else ('bounding_box_format',)
        config = super()._config_with(*(n for n in names if n != 'data_format'), *given)
        return self._with_newer(config, {'data_format': (self.data_format, 'channels_last')})

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """As that of any layer. tf.keras says no data_format: its images have their channels last."""
        return super().from_config({'data_format': 'channels_last', **objects.checked_config(cls, config)})

    def get_config(self) -> dict[str, Any]:
        return self._config_with()


ImageLayer = _ImageLayer     # a base and no layer of Keras's: the registry passes over private names
