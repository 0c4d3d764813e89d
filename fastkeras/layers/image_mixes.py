"""Layers that mix images with each other or with noise, and those that draw which of several layers to apply; in training
alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import ops, random
from fastkeras.ops.sampling import INTERPOLATIONS

from . import image_colors as colors
from . import image_moves as moves
from .checks import count, number, one_of, whole
from .image_histograms import Equalization
from .image_layer import _ImageLayer
from .input_spec import title

__all__ = ['AugMix', 'CutMix', 'MaxNumBoundingBoxes', 'MixUp', 'RandAugment', 'RandomErasing']


class _Mixed(_ImageLayer):
    def _stream(self, seed):
        return self.generator if seed is None else seed if hasattr(seed, 'next') else Stream(seed)

    def _box(self, n, height, width, down, across, seed):
        """((n, 1, height, width) or with channels last: whether a pixel lies in a box at a random place, the share of the image
        that it has (n,)). down, across: its size (n,), as shares."""
        grids = []
        for size, share in ((height, down), (width, across)):
            length = share * size
            begin = self._draw((n,), seed=seed) * (size - length)
            place = np.arange(size, dtype=self.compute_dtype)
            begin, end = ops.reshape(begin, (-1, 1)), ops.reshape(begin + length, (-1, 1))
            grids.append(ops.logical_and(place >= begin, place < end))
        inside = ops.logical_and(ops.expand_dims(grids[0], 2), ops.expand_dims(grids[1], 1))
        return ops.expand_dims(inside, 1 if self.data_format == 'channels_first' else 3), down * across

    def _beta(self, n, alpha, seed):
        seed = self._stream(seed).next()
        return self._draw((n,), seed=seed) if n is None else random.beta((n,), alpha, alpha, self.compute_dtype, seed)

    def _order(self, n, seed):
        """A random permutation (n,): the ranks of random numbers, equal ones in the order they have."""
        if n is None:
            return ops.cast(self._draw((n,), 0, 0, seed), 'int32')
        u = self._draw((n,), seed=seed)
        a, b = ops.expand_dims(u, 1), ops.expand_dims(u, 0)
        before = ops.logical_or(b < a, ops.logical_and(ops.equal(a, b), np.tri(n, k=-1, dtype=bool)))
        return ops.cast(ops.sum(ops.cast(before, 'float32'), axis=1), 'int32')

    def _mixed_labels(self, labels, order, weight):
        if len(labels.shape) < 2:
            raise ValueError(f'{title(self)}: expected labels with an axis of classes, such as those of one_hot, got shape '
                             f'{tuple(labels.shape)}')
        labels = self._as_float(labels)
        weight = ops.reshape(weight, (-1, *(1,) * (len(labels.shape) - 1)))
        return weight * labels + (1 - weight) * ops.take(labels, order, axis=0)


class Stream:
    """Seeds made of one seed: of other streams, so that equal draws do not meet."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def next(self):
        self.count += 1
        step = np.array([self.count * 0x9E3779B9 & 0xFFFFFFFF, 0], np.uint32).view(np.int32)
        return ops.add(self.seed, step)


class RandomErasing(_Mixed):
    """In training, a box at a random place of each image filled (Zhong et al. 2017, "Random erasing data augmentation").

    factor: the probability that an image is changed: two numbers from 0 to 1 that it is drawn between, or one, for (0, it).
    scale: the square of the share of the height that the box has, and of the width: two numbers from 0 to 1 that both are drawn
    between. fill_value: a number, or one for each of three channels, or None for normal noise; cut to the value_range.
    seed: int, or None for a fresh one. data_format: of the images. Boxes and masks stay. Source: Keras 3.15.
    """

    def __init__(self, factor: Any = 1.0, scale: Any = (0.02, 0.33), fill_value: Any = None, value_range: Any = (0, 255),
                 seed: Any = None, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor, self.scale = self._factor('factor', factor, (0, 1)), self._factor('scale', scale, (0, 1))
        self.value_range = self._range(value_range)
        if isinstance(fill_value, (tuple, list)):
            if len(fill_value) != 3:
                raise ValueError(f'{title(self)}: expected fill_value to be a number, three of them or None, got '
                                 f'{fill_value!r}')
            fill_value = tuple(number(self, 'fill_value', v) for v in fill_value)
        elif fill_value is not None:
            fill_value = number(self, 'fill_value', fill_value)
        self.fill_value = fill_value
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        share = ops.sqrt(self._draw((n, 2), *self.scale, seed=seed))
        masks, _ = self._box(n, height, width, share[:, 1], share[:, 0], seed)
        return {'apply_erasing': self._happens(n, self.factor, seed), 'batch_masks': masks,
                'fill_value': self._filling(data['images'] if isinstance(data, dict) else data, seed)}

    def _filling(self, images, seed):
        first = self.data_format == 'channels_first'
        if self.fill_value is None:
            shape = tuple(images.shape)
            noise = ops.random_normal(shape if len(shape) == 4 else (1, *shape), dtype=self.compute_dtype,
                                      seed=self._stream(seed).next())
            return self._clipped(noise * self.value_range[1])
        fill = np.clip(np.array(self.fill_value, self.compute_dtype), *self.value_range)
        return fill.reshape((1, -1, 1, 1) if first else (1, 1, 1, -1))

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        if transformation is None:
            return images
        there = ops.logical_and(transformation['batch_masks'], transformation['apply_erasing'])
        return ops.where(there, transformation['fill_value'], images)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'scale', 'fill_value', 'value_range', 'seed', 'data_format')


class CutMix(_Mixed):
    """In training, a box of each image of a batch filled from another one, and labels mixed by its share (Yun et al. 2019,
    "CutMix: regularization strategy to train strong classifiers with localizable features").

    factor: alpha of the beta distribution of the share that stays: two numbers from 0 to 1 that it is drawn between for each
    batch, or one, for (0, it). Labels need an axis of classes. seed: int, or None for a fresh one. data_format: of the images.
    Boxes cannot be mixed so: ValueError. Source: Keras 3.15.
    """

    def __init__(self, factor: Any = 1.0, seed: Any = None, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._factor('factor', factor, (0, 1))
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        alpha = self._draw((1,), *self.factor, seed=seed) + 1e-6
        stays = self._beta(n, alpha, seed)
        side = ops.sqrt(1 - stays)
        masks, share = self._box(n, height, width, side, side, seed)
        return {'permutation_order': self._order(n, seed), 'batch_masks': masks, 'mix_weight': 1 - share}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._cut(self._as_float(images), transformation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._cut(segmentation_masks, transformation)

    def _cut(self, images, transformation):
        if transformation is None:
            return images
        other = ops.take(images, transformation['permutation_order'], axis=0)
        return ops.where(transformation['batch_masks'], other, images)

    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return labels
        return self._mixed_labels(labels, transformation['permutation_order'], transformation['mix_weight'])

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        raise ValueError(f'{title(self)}: bounding boxes cannot be cut and mixed; leave them out, or take MixUp')

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'seed', 'data_format')


class MixUp(_Mixed):
    """In training, each image of a batch averaged with another one, and labels alike (Zhang et al. 2017, "mixup: beyond
    empirical risk minimization").

    alpha: of the beta distribution of the weight. Labels need an axis of classes; of boxes, both images' stay. seed: int, or
    None for a fresh one. data_format: of the images. Source: Keras 3.15.
    """

    def __init__(self, alpha: Any = 0.2, data_format: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.alpha = number(self, 'alpha', alpha, 0)
        if not self.alpha:
            raise ValueError(f'{title(self)}: expected alpha to be above 0, got {alpha!r}')
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        n = self._size(data)[0]
        return {'mix_weight': self._beta(n, self.alpha, seed), 'permutation_order': self._order(n, seed)}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        return self._mixed(self._as_float(images), transformation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return segmentation_masks
        return self._mixed(self._as_float(segmentation_masks), transformation)

    def _mixed(self, images, transformation):
        if transformation is None:
            return images
        weight = ops.reshape(transformation['mix_weight'], (-1, 1, 1, 1))
        return weight * images + (1 - weight) * ops.take(images, transformation['permutation_order'], axis=0)

    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return labels
        return self._mixed_labels(labels, transformation['permutation_order'], transformation['mix_weight'])

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return bounding_boxes
        order = transformation['permutation_order']
        return {**bounding_boxes, **{k: ops.concatenate([bounding_boxes[k], ops.take(bounding_boxes[k], order, axis=0)], axis=1)
                                     for k in ('boxes', 'labels')}}

    def get_config(self) -> dict[str, Any]:
        return self._config_with('alpha', 'seed', 'data_format')


class MaxNumBoundingBoxes(_ImageLayer):
    """Exactly max_number boxes for each image: further ones are left out, missing ones are added, with fill_value as their
    numbers and label. Images, labels and masks stay as they are, in training and inference. Source: Keras 3.15."""

    _keeps_type = True

    def __init__(self, max_number: Any, fill_value: Any = -1, **kwargs: Any) -> None:
        kwargs.setdefault('bounding_box_format', 'xyxy')    # any: boxes are not looked into
        super().__init__(**kwargs)
        self.max_number = count(self, 'max_number', max_number)
        self.fill_value = whole(self, 'fill_value', fill_value)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        made = dict(bounding_boxes)
        for key in ('boxes', 'labels'):
            x = made[key]
            if x.shape[1] is None:
                raise ValueError(f'{title(self)}: expected a known number of boxes, got shape {tuple(x.shape)}')
            more = max(self.max_number - x.shape[1], 0)
            made[key] = ops.pad(x[:, :self.max_number], ((0, 0), (0, more), *((0, 0),) * (len(x.shape) - 2)),
                                constant_values=self.fill_value)
        return made

    def get_config(self) -> dict[str, Any]:
        return self._config_with('max_number', 'fill_value')


class _Choice(_Mixed):
    """Draws, step by step, which of its layers to apply to the whole batch. Each step has a seed of its own, so that images,
    masks and boxes go through the same."""

    def _make_layers(self, kinds):
        f, options = self.factor, dict(data_format=self.data_format, dtype=self.compute_dtype)
        if self.bounding_box_format is not None:
            options['bounding_box_format'] = self.bounding_box_format
        ranged = dict(value_range=self.value_range)
        known = {
            'random_shear': (moves.RandomShear, dict(x_factor=f, y_factor=f, interpolation=self.interpolation)),
            'random_translation': (moves.RandomTranslation, dict(height_factor=f, width_factor=f,
                                                                 interpolation=self.interpolation)),
            'random_rotation': (moves.RandomRotation, dict(factor=f, interpolation=self.interpolation)),
            'random_brightness': (colors.RandomBrightness, dict(factor=f, **ranged)),
            'random_color_degeneration': (colors.RandomColorDegeneration, dict(factor=f, **ranged)),
            'random_contrast': (colors.RandomContrast, dict(factor=f, **ranged)),
            'random_sharpness': (colors.RandomSharpness, dict(factor=f, **ranged)),
            'random_posterization': (colors.RandomPosterization, dict(factor=max(1, int(8 * f[1])), **ranged)),
            'solarization': (colors.Solarization, dict(addition_factor=f, threshold_factor=f, **ranged)),
            'auto_contrast': (colors.AutoContrast, ranged), 'equalization': (Equalization, ranged)}
        self._layers_to_choose = [known[kind][0](**known[kind][1], **options) for kind in kinds]

    def _drawn_steps(self, data, n_steps, choices, seed):
        images = data['images'] if isinstance(data, dict) else data
        stream = self._stream(seed)
        chosen = ops.cast(ops.minimum(ops.floor(self._draw((n_steps,), 0, choices, stream)), choices - 1), 'int32')
        return {'layer_idxes': chosen, 'seed': stream.next(), 'like': images}

    def _step(self, method, values, i, transformation, identity=False):
        """The i-th step on one tensor, or on the dictionary of boxes."""
        like = transformation['like']

        def branch(layer):
            def run(*tensors):
                seed = Stream(ops.add(transformation['seed'], ops.stack([ops.cast(0, 'int32'), ops.cast(i, 'int32') + 1])))
                drawn = layer.get_random_transformation(like, training=True, seed=seed)
                given = tensors[0] if len(tensors) == 1 else {'boxes': tensors[0], 'labels': tensors[1]}
                y = getattr(layer, method)(given, drawn, training=True)
                return (y,) if len(tensors) == 1 else (y['boxes'], y['labels'])
            return run

        branches = [branch(layer) for layer in self._layers_to_choose]
        if identity:
            branches.append(lambda *tensors: tensors)
        return ops.switch(transformation['layer_idxes'][i], branches, *values)


class RandAugment(_Choice):
    """In training, num_ops of eleven layers, drawn anew for each batch, one after the other (Cubuk et al. 2019, "RandAugment:
    practical automated data augmentation with a reduced search space").

    The layers: RandomShear, RandomTranslation, RandomRotation, RandomBrightness, RandomColorDegeneration, RandomContrast,
    RandomSharpness, RandomPosterization, Solarization, AutoContrast, Equalization. factor: theirs, two numbers from 0 to
    1 or one, for (0, it). value_range: the least and the largest value of a pixel. interpolation: 'bilinear' or
    'nearest'. seed: int, or None for a fresh one. data_format: of the images. bounding_box_format: of boxes. Source:
    Keras 3.15.
    """

    _KINDS = ('random_shear', 'random_translation', 'random_rotation', 'random_brightness', 'random_color_degeneration',
              'random_contrast', 'random_sharpness', 'random_posterization', 'solarization', 'auto_contrast', 'equalization')

    def __init__(self, value_range: Any = (0, 255), num_ops: Any = 2, factor: Any = 0.5, interpolation: Any = 'bilinear',
                 seed: Any = None, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.num_ops = self._range(value_range), count(self, 'num_ops', num_ops)
        self.factor = self._factor('factor', factor, (0, 1))
        self.interpolation = one_of(self, 'interpolation', interpolation, INTERPOLATIONS)
        self._seeded(seed)
        self._make_layers(self._KINDS)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        return self._drawn_steps(data, self.num_ops, len(self._layers_to_choose), seed) if training else None

    def _through(self, method, values, transformation):
        for i in range(self.num_ops):
            values = self._step(method, values, i, transformation)
        return values

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        return images if transformation is None else self._through('transform_images', (images,), transformation)[0]

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return segmentation_masks
        return self._through('transform_segmentation_masks', (segmentation_masks,), transformation)[0]

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return bounding_boxes
        values = ops.cast(bounding_boxes['boxes'], 'float32'), bounding_boxes['labels']
        boxes, labels = self._through('transform_bounding_boxes', values, transformation)
        return {**bounding_boxes, 'boxes': boxes, 'labels': labels}

    def get_config(self) -> dict[str, Any]:
        return self._config_with('value_range', 'num_ops', 'factor', 'interpolation', 'seed', 'data_format')


class AugMix(_Choice):
    """In training, images averaged with what chains of random layers make of them (Hendrycks et al. 2019, "AugMix: a
    simple data processing method to improve robustness and uncertainty"). What a chain does is drawn anew for each batch.

    num_chains, chain_depth: how many chains, and how many steps each has; a step may leave images as they are. factor: of the
    layers, as in `RandAugment`. alpha: of the Dirichlet distribution of the weights of chains, and of the beta
    distribution of the weight of the images. all_ops: whether brightness, colour, contrast and sharpness are among the
    layers. The others are those of `RandAugment`. Boxes stay. Source: Keras 3.15.
    """

    _KINDS = ('random_shear', 'random_translation', 'random_rotation', 'random_posterization', 'solarization', 'auto_contrast',
              'equalization')
    _MORE = ('random_brightness', 'random_color_degeneration', 'random_contrast', 'random_sharpness')

    def __init__(self, value_range: Any = (0, 255), num_chains: Any = 3, chain_depth: Any = 3, factor: Any = 0.3,
                 alpha: Any = 1.0, all_ops: Any = True, interpolation: Any = 'bilinear', seed: Any = None, data_format:
                 Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = self._range(value_range)
        self.num_chains, self.chain_depth = count(self, 'num_chains', num_chains), count(self, 'chain_depth', chain_depth)
        self.factor = self._factor('factor', factor, (0, 1))
        self.alpha = number(self, 'alpha', alpha, 0)
        self.all_ops = bool(all_ops)
        self.interpolation = one_of(self, 'interpolation', interpolation, INTERPOLATIONS)
        self._seeded(seed)
        self._make_layers(self._KINDS + (self._MORE if self.all_ops else ()))

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        stream = self._stream(seed)
        shares = random.gamma((self.num_chains,), self.alpha, self.compute_dtype, stream.next()) + 1e-30
        drawn = self._drawn_steps(data, self.num_chains * self.chain_depth, len(self._layers_to_choose) + 1, stream)
        return {**drawn, 'chain_mixing_weights': shares / ops.sum(shares),
                'weight_sample': random.beta((1,), self.alpha, self.alpha, self.compute_dtype, stream.next())}

    def _mixed(self, method, images, transformation):
        weights, depth = transformation['chain_mixing_weights'], self.chain_depth
        total = None
        for chain in range(self.num_chains):
            def body(k, values, chain=chain):
                return self._step(method, values, k + chain * depth, transformation, identity=True)
            made, = ops.fori_loop(0, depth, body, (images,))
            part = made * weights[chain]
            total = part if total is None else total + part
        weight = transformation['weight_sample']
        return weight * images + (1 - weight) * total

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        if transformation is None:
            return images
        return self._clipped(self._mixed('transform_images', images, transformation))

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return segmentation_masks
        return self._mixed('transform_segmentation_masks', self._as_float(segmentation_masks), transformation)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('value_range', 'num_chains', 'chain_depth', 'factor', 'alpha', 'all_ops',
        'interpolation', 'seed', 'data_format')
