"""The layers of the detector SSD (Liu et al. 2015): boxes to begin with, and detections from what was predicted for them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.layers import Layer
from fastkeras.layers.checks import count, number, numbers, one_of, whole
from fastkeras.layers.input_spec import title
from fastkeras.ops.on_host import on_host
from fastkeras.ops.windows import spatial

from .caffe_windows import described

__all__ = ['CaffeDetectionOutput', 'CaffePriorBox']

_MOST_BOXES = 1 << 24       # of one layer


class CaffePriorBox(Layer):
    """Boxes around each place of a feature map, the same for all images.

    Inputs: the feature map and the image, of which sizes alone count. min_sizes, max_sizes: in pixels of the image, cut to
    whole ones; aspect_ratios, with flip also 1 over each. steps: (rows, columns) between places, 0: image over feature map.
    offset: of the first place, in steps. img_size: (rows, columns) in place of the image's, 0: the image's. clip: to the
    image. variances: one number or four. Result (samples, 2, 4 · boxes): corners as parts of the image's size (left, top,
    right, bottom), and the variances.
    """

    def __init__(self, min_sizes: Any, max_sizes: Any = (), aspect_ratios: Any = (), flip: bool = True, clip: bool = False,
                 variances: Any = (0.1,), steps: Any = (0.0, 0.0), offset: float = 0.5, img_size: Any = (0, 0),
                 data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_sizes = [number(self, 'min_sizes', v, 1) for v in min_sizes]
        self.max_sizes = [number(self, 'max_sizes', v, 1) for v in max_sizes]
        self.aspect_ratios = [number(self, 'aspect_ratios', v, 1e-6) for v in aspect_ratios]
        self.flip, self.clip, self.offset = bool(flip), bool(clip), number(self, 'offset', offset)
        self.variances = [number(self, 'variances', v) for v in variances]
        self.steps = [number(self, 'steps', v, 0) for v in steps]
        self.img_size = numbers(self, 'img_size', list(img_size), 2, 0)
        self.data_format = settings.standardize_data_format(data_format)
        if not self.min_sizes or len(self.max_sizes) not in (0, len(self.min_sizes)) or len(self.variances) not in (1, 4) \
                or len(self.steps) != 2:
            raise ValueError(f'{title(self)}: expected at least one of min_sizes, as many max_sizes or none, one or four '
                             f'variances, and two steps; got {min_sizes!r}, {max_sizes!r}, {variances!r}, {steps!r}')

    @property
    def ratios(self):
        """The aspect ratios beside 1, without repetitions."""
        found = [1.0]
        for ratio in self.aspect_ratios:
            if all(abs(ratio - r) >= 1e-6 for r in found):
                found += [ratio, 1 / ratio] if self.flip else [ratio]
        return [r for r in found if abs(r - 1) >= 1e-6]

    def _boxes(self, rows, columns, image):
        height, width = (given or n for given, n in zip(self.img_size, image))
        step_y, step_x = self.steps if all(self.steps) else (height / rows, width / columns)
        sizes = []
        for k, least in enumerate(map(int, self.min_sizes)):
            sizes.append((least, least))
            if self.max_sizes:
                sizes.append((math.sqrt(least * int(self.max_sizes[k])),) * 2)
            sizes += [(least * math.sqrt(r), least / math.sqrt(r)) for r in self.ratios]
        size = np.array(sizes, np.float64)
        y = ((np.arange(rows) + self.offset) * step_y)[:, None, None]
        x = ((np.arange(columns) + self.offset) * step_x)[None, :, None]
        corners = np.empty((rows, columns, len(sizes), 4))
        corners[..., 0], corners[..., 2] = (x - size[:, 0] / 2) / width, (x + size[:, 0] / 2) / width
        corners[..., 1], corners[..., 3] = (y - size[:, 1] / 2) / height, (y + size[:, 1] / 2) / height
        if self.clip:
            corners = corners.clip(0, 1)
        spread = np.broadcast_to(np.array(self.variances, np.float64), (corners.size // 4, 4))
        return np.stack([corners.ravel(), spread.ravel()]).astype(np.float32)

    def count(self, rows, columns):
        """How many boxes there are for a feature map."""
        return rows * columns * len(self.min_sizes) * (1 + bool(self.max_sizes) + len(self.ratios))

    def call(self, inputs: Any) -> Any:
        features, image = inputs
        size, whole_size = spatial(features.shape, self.data_format), spatial(image.shape, self.data_format)
        shape = self.compute_output_shape([tuple(features.shape), tuple(image.shape)])
        if None in size or None in whole_size or shape[0] is None:
            return described(self, shape, features.dtype)
        return ops.broadcast_to(self._boxes(*size, whole_size)[None], shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        features = tuple(input_shape[0])
        size = spatial(features, self.data_format)
        if None in size:
            return (features[0], 2, None)
        if self.count(*size) > _MOST_BOXES:
            raise ValueError(f'{title(self)}: {self.count(*size)} boxes for a feature map of shape {features}, more than '
                             f'{_MOST_BOXES}')
        return (features[0], 2, 4 * self.count(*size))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('min_sizes', 'max_sizes', 'aspect_ratios', 'flip', 'clip', 'variances', 'steps', 'offset',
                                 'img_size', 'data_format')


class CaffeDetectionOutput(Layer):
    """The boxes that are left of all predicted ones: those sure enough, of which none overlaps a better one of its class.

    Inputs: locations (samples, 4 · boxes), or one for each class with share_location=False; confidences (samples, num_classes ·
    boxes); prior boxes (samples, 2, 4 · boxes). Result (samples, 1, rows, 7): a row is (0, class, confidence, left, top, right,
    bottom), classes in rising order, within one the surest first; rows of zeros fill it up. (Caffe has one list for all
    samples, and the number of the sample where there is 0 here.)

    confidence_threshold: what a confidence must exceed. nms_threshold: how much of their union two boxes of a class may share;
    top_k: how many of a class are looked at, -1 for all; eta: below 1, what the threshold is multiplied with, while above 0.5,
    after each box that is kept. keep_top_k: rows of a sample, the surest, -1 for all there can be. code_type: 'corner',
    'center_size' or 'corner_size'; variance_encoded_in_target: variances have no part in it. Not differentiable.
    """

    def __init__(self, num_classes: int, share_location: bool = True, background_label_id: int = 0, nms_threshold: float = 0.3,
                 top_k: int = -1, eta: float = 1.0, code_type: str = 'corner', variance_encoded_in_target: bool = False,
                 keep_top_k: int = -1, confidence_threshold: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = count(self, 'num_classes', num_classes)
        self.share_location, self.background_label_id = bool(share_location), whole(self, 'background_label_id',
                                                                                    background_label_id)
        self.nms_threshold, self.eta = number(self, 'nms_threshold', nms_threshold, 0), number(self, 'eta', eta, 0, 1)
        self.top_k, self.keep_top_k = whole(self, 'top_k', top_k), whole(self, 'keep_top_k', keep_top_k)
        self.code_type = one_of(self, 'code_type', code_type, ('corner', 'center_size', 'corner_size'))
        self.variance_encoded_in_target = bool(variance_encoded_in_target)
        self.confidence_threshold = None if confidence_threshold is None else number(self, 'confidence_threshold',
                                                                                     confidence_threshold)

    def call(self, inputs: Any) -> Any:
        shape = self.compute_output_shape([tuple(x.shape) for x in inputs])
        if None in shape:
            return described(self, shape, 'float32')
        return on_host(list(inputs), self._detect, shape, 'float32')

    def compute_output_shape(self, input_shape: Any) -> Any:
        locations, confidences, priors = map(tuple, input_shape)
        wide = 4 * (1 if self.share_location else self.num_classes)
        found = {n // k for n, k in ((locations[-1], wide), (confidences[-1], self.num_classes), (priors[-1], 4)) if n}
        if len(locations) != 2 or len(confidences) != 2 or len(priors) != 3 or len(found) > 1 or any(
                n is not None and n % k for n, k in ((locations[-1], wide), (confidences[-1], self.num_classes))):
            raise ValueError(f'{title(self)}: expected locations, confidences and prior boxes of as many boxes, got shapes '
                             f'{locations}, {confidences} and {priors}')
        if self.keep_top_k > -1:
            return (locations[0], 1, self.keep_top_k, 7)
        if not found:
            return (locations[0], 1, None, 7)
        boxes = found.pop()
        classes = self.num_classes - (0 <= self.background_label_id < self.num_classes)
        return (locations[0], 1, classes * (min(self.top_k, boxes) if self.top_k > -1 else boxes), 7)

    def _detect(self, locations, confidences, priors):
        n = len(locations)
        shape = self.compute_output_shape([locations.shape, confidences.shape, priors.shape])
        out = np.zeros(shape, np.float32)
        scores = confidences.reshape(n, -1, self.num_classes)
        for k in range(n):
            rows = self._rows(self._decoded(locations[k], priors[k]), scores[k])
            out[k, 0, :len(rows)] = rows
        return out

    def _decoded(self, locations, priors):
        """Corners of the boxes, (boxes, classes or 1, 4)."""
        box, variance = priors.reshape(2, -1, 1, 4).astype(np.float32)
        given = locations.reshape(box.shape[0], -1, 4).astype(np.float32)
        if not self.variance_encoded_in_target:
            given = given * variance
        size = box[..., 2:] - box[..., :2]
        if self.code_type == 'corner':
            return box + given
        if self.code_type == 'corner_size':
            return box + given * np.concatenate([size, size], -1)
        centre = given[..., :2] * size + (box[..., :2] + box[..., 2:]) / 2
        with np.errstate(over='ignore'):
            half = np.exp(given[..., 2:]) * size / 2
        return np.concatenate([centre - half, centre + half], -1)

    def _rows(self, boxes, scores):
        found = []
        for c in range(self.num_classes):
            if c != self.background_label_id:
                of_class = boxes[:, 0 if self.share_location else c]
                found += [(c, k, of_class[k]) for k in self._kept(of_class, scores[:, c])]
        if -1 < self.keep_top_k < len(found):
            sure = np.argsort([-scores[k, c] for c, k, _ in found], kind='stable')[:self.keep_top_k]
            found = [found[i] for i in sure]
            found.sort(key=lambda f: f[0])
        return np.array([[0, c, scores[k, c], *box] for c, k, box in found], np.float32).reshape(-1, 7)

    def _kept(self, boxes, scores):
        """Indices of the boxes of a class that are left, the surest first."""
        least = -np.inf if self.confidence_threshold is None else self.confidence_threshold
        order = np.flatnonzero(scores > np.float32(least))
        order = order[np.argsort(-scores[order], kind='stable')]
        if self.top_k > -1:
            order = order[:self.top_k]
        boxes = boxes[order]
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        area = np.where((width < 0) | (height < 0), 0, width * height)
        alive, kept, threshold = np.ones(len(order), bool), [], self.nms_threshold
        for k in range(len(order)):
            if self.eta < 1:        # the threshold of a box is that of the moment at which it is looked at
                alive[k] = not (_overlap(boxes[k], area[k], boxes[kept], area[kept]) > threshold).any()
            if not alive[k]:
                continue
            kept.append(k)
            if self.eta < 1:
                threshold *= self.eta if threshold > 0.5 else 1
            else:
                alive[k + 1:] &= ~(_overlap(boxes[k], area[k], boxes[k + 1:], area[k + 1:]) > threshold)
        return order[kept].tolist()

    def get_config(self) -> dict[str, Any]:
        return self._config_with('num_classes', 'share_location', 'background_label_id', 'nms_threshold', 'top_k', 'eta',
                                 'code_type', 'variance_encoded_in_target', 'keep_top_k', 'confidence_threshold')


def _overlap(box, area, others, areas):
    """The part of the union of a box and each other that both share."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.where((size < 0).any(1), 0, size[:, 0] * size[:, 1])
    with np.errstate(invalid='ignore', divide='ignore'):
        return shared / (area + areas - shared)
