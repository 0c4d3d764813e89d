"""Bounding boxes: their formats, what moves them, how far they overlap.

Boxes are the last axis, four numbers in one of these formats, in pixels, or with 'rel_' in shares of the image's size:
'xyxy' and 'yxyx' (the corner next to the origin, then the one across), 'xywh' (that corner, then width and height),
'center_xywh' and 'center_yxhw' (the middle, then the size). Sources: Keras 3.15; the papers named below.
"""

import math

from fastkeras import config, ops

__all__ = ['affine_transform', 'clip_to_image_size', 'compute_ciou', 'compute_iou', 'convert_format', 'crop',
           'decode_deltas_to_boxes', 'encode_box_to_deltas', 'pad']

FORMATS = ('xyxy', 'yxyx', 'xywh', 'center_xywh', 'center_yxhw', 'rel_xyxy', 'rel_yxyx', 'rel_xywh', 'rel_center_xywh')
ENCODINGS = ('center_xywh', 'center_yxhw')


def check_format(function, value, name='bounding_box_format', formats=FORMATS):
    """value in lower case; ValueError unless it names a format."""
    low = value.lower() if isinstance(value, str) else value
    if low not in formats:
        raise ValueError(f'{function}: {name} must be one of {", ".join(map(repr, formats))}, got {value!r}')
    return low


def _parts(function, boxes):
    """The four numbers, each with the last axis."""
    shape = ops.shape(boxes)
    if not shape or shape[-1] != 4:
        raise ValueError(f'{function}: boxes must have a last axis of 4 numbers, got shape {shape}')
    return [boxes[..., k:k + 1] for k in range(4)]


def _joined(*parts):
    return ops.concatenate(parts, axis=-1)


def _sizes(function, height, width, wanted):
    if wanted and (height is None or width is None):
        raise ValueError(f'{function}: relative formats need the height and width of the image, got height={height!r}, '
                         f'width={width!r}')


def convert_format(boxes, source, target, height=None, width=None, dtype='float32'):
    """Boxes of one format in another.

    boxes: (…, 4), or a dictionary with them as 'boxes', of which a changed copy is returned. source, target: formats. height,
    width: of the image, for relative formats: numbers, or tensors that broadcast to the boxes. ValueError for other formats.
    """
    function = 'convert_format'
    if isinstance(boxes, dict):
        return {**boxes, 'boxes': convert_format(boxes['boxes'], source, target, height, width, dtype)}
    source, target = check_format(function, source, 'source'), check_format(function, target, 'target')
    boxes = ops.cast(ops.convert_to_tensor(boxes), dtype)
    a, b, c, d = _parts(function, boxes)
    if source == target:
        return boxes
    relative = source.startswith('rel_'), target.startswith('rel_')
    _sizes(function, height, width, any(relative))
    source, target = source.removeprefix('rel_'), target.removeprefix('rel_')
    if source in ('yxyx', 'center_yxhw'):
        a, b, c, d = b, a, d, c
    if source.startswith('center'):
        a, b = a - c / 2, b - d / 2
    if source in ('xywh', *ENCODINGS):
        c, d = a + c, b + d
    if relative[0] != relative[1]:
        width, height = (s if isinstance(s, (int, float)) else ops.cast(s, dtype) for s in (width, height))
        if relative[0]:
            a, b, c, d = a * width, b * height, c * width, d * height
        else:
            a, b, c, d = a / width, b / height, c / width, d / height
    if target in ('xywh', *ENCODINGS):
        c, d = c - a, d - b
    if target.startswith('center'):
        a, b = a + c / 2, b + d / 2
    return _joined(b, a, d, c) if target in ('yxyx', 'center_yxhw') else _joined(a, b, c, d)


def clip_to_image_size(bounding_boxes, height=None, width=None, bounding_box_format='xyxy'):
    """Boxes cut to their image; those without an area get the label -1.

    bounding_boxes: dictionary with 'boxes' (…, boxes, 4) and, maybe, 'labels' (…, boxes); a changed copy is returned.
    bounding_box_format: 'xyxy', which needs height and width, or 'rel_xyxy'.
    """
    function = 'clip_to_image_size'
    kind = check_format(function, bounding_box_format, formats=('xyxy', 'rel_xyxy'))
    if kind == 'xyxy' and (height is None or width is None):
        raise ValueError(f"{function}: boxes of format 'xyxy' need the height and width of the image, got height={height!r}, "
                         f'width={width!r}')
    height, width = (1, 1) if kind == 'rel_xyxy' else (height, width)
    boxes = ops.convert_to_tensor(bounding_boxes['boxes'])
    a, b, c, d = _parts(function, boxes)
    a, b, c, d = ops.clip(a, 0, width), ops.clip(b, 0, height), ops.clip(c, 0, width), ops.clip(d, 0, height)
    made = {**bounding_boxes, 'boxes': _joined(a, b, c, d)}
    if bounding_boxes.get('labels') is not None:
        labels = ops.convert_to_tensor(bounding_boxes['labels'])
        area = ops.squeeze((c - a) * (d - b), -1)
        made['labels'] = ops.where(area > 0, labels, ops.cast(-1, ops.dtype(labels)))
    return made


def _only_xyxy(function, value):
    check_format(function, value, formats=('xyxy',))


def affine_transform(boxes, angle, translate_x, translate_y, scale, shear_x, shear_y, height, width, center_x=None,
                     center_y=None, bounding_box_format='xyxy'):
    """The boxes around boxes (batch, boxes, 4) that turn with their images.

    angle, shear_x, shear_y: degrees; translate_x, translate_y: shares of the width and height less 1; scale: factor: each
    (batch,), a number for each image. height, width: of the images, in pixels. center_x, center_y: the point that stays, as
    shares of the size less 1, by default 0.5. bounding_box_format: 'xyxy'.
    """
    _only_xyxy('affine_transform', bounding_box_format)
    cx, cy = (0.5 if center_x is None else center_x) * (width - 1), (0.5 if center_y is None else center_y) * (height - 1)
    turn = math.pi / 180

    def column(x):
        return ops.reshape(ops.cast(ops.convert_to_tensor(x), 'float32'), (-1, 1, 1))

    angle, sx, sy = (column(x) * -turn for x in (angle, shear_x, shear_y))
    tx, ty, scale = column(translate_x) * (1 - width), column(translate_y) * (1 - height), column(scale)
    a, c = ops.cos(angle - sy) / ops.cos(sy), -ops.sin(angle - sy) / ops.cos(sy)
    b, d = a * ops.tan(sx) + ops.sin(angle), ops.cos(angle) - c * ops.tan(sx)
    a0, a1, b0, b1 = d * scale, -b * scale, -c * scale, a * scale
    return through(boxes, (a0, a1, cx - a0 * (cx + tx) - a1 * (cy + ty), b0, b1, cy - b0 * (cx + tx) - b1 * (cy + ty), 0, 0))


def through(boxes, numbers):
    """The boxes around the corners of boxes (batch, boxes, 4) that a projective transform has moved: the point (x, y) to
    ((a0·x + a1·y + a2) / k, (b0·x + b1·y + b2) / k), k = c0·x + c1·y + 1. numbers: a0, a1, a2, b0, b1, b2, c0, c1, each a
    number or (batch, 1, 1)."""
    a0, a1, a2, b0, b1, b2, c0, c1 = numbers
    left, top, right, bottom = _parts('affine_transform', ops.cast(ops.convert_to_tensor(boxes), 'float32'))
    x, y = _joined(left, right, right, left), _joined(top, top, bottom, bottom)
    below = c0 * x + c1 * y + 1
    u, v = (a0 * x + a1 * y + a2) / below, (b0 * x + b1 * y + b2) / below
    return ops.stack([ops.min(u, axis=-1), ops.min(v, axis=-1), ops.max(u, axis=-1), ops.max(v, axis=-1)], axis=-1)


def crop(boxes, top, left, height, width, bounding_box_format='xyxy'):
    """Boxes in the part of their image that begins at (top, left) and has this height and width, cut to it."""
    _only_xyxy('crop', bounding_box_format)
    a, b, c, d = _parts('crop', ops.convert_to_tensor(boxes))
    return _joined(ops.clip(a - left, 0, width), ops.clip(b - top, 0, height),
                   ops.clip(c - left, 0, width), ops.clip(d - top, 0, height))


def pad(boxes, top, left, height=None, width=None, bounding_box_format='xyxy'):
    """Boxes in an image with `top` rows and `left` columns more before it. height, width: of the result, which do not change
    the boxes."""
    _only_xyxy('pad', bounding_box_format)
    a, b, c, d = _parts('pad', ops.convert_to_tensor(boxes))
    return _joined(a + left, b + top, c + left, d + top)


# ---- deltas
def _variance(function, variance):
    if variance is None:
        return None
    variance = ops.cast(ops.convert_to_tensor(variance), 'float32')
    if not ops.shape(variance) or ops.shape(variance)[-1] != 4:
        raise ValueError(f'{function}: variance must be 4 numbers, got shape {ops.shape(variance)}')
    return variance


def _image_size(function, image_shape):
    if image_shape is None:
        return None, None
    if len(image_shape) < 2:
        raise ValueError(f'{function}: image_shape must be (height, width, channels), got {image_shape!r}')
    return image_shape[0], image_shape[1]


def encode_box_to_deltas(anchors, boxes, anchor_format, box_format, encoding_format='center_yxhw', variance=None,
                         image_shape=None):
    """How boxes differ from anchors: the middle in units of the anchor's size, the logarithm of the ratio of sizes (Ren et al.
    2015, "Faster R-CNN").

    anchors (boxes, 4), boxes (boxes, 4) or (batch, boxes, 4), of the formats that are named. encoding_format: 'center_yxhw' or
    'center_xywh', the order of the deltas. variance: 4 numbers that they are divided by. image_shape: (height, width,
    channels), for relative formats.
    """
    function = 'encode_box_to_deltas'
    encoding = check_format(function, encoding_format, 'encoding_format', ENCODINGS)
    variance, size = _variance(function, variance), _image_size(function, image_shape)
    anchors = convert_format(anchors, anchor_format, encoding, *size)
    boxes = convert_format(boxes, box_format, encoding, *size)
    least = config.epsilon()
    whole, part = ops.maximum(anchors[..., 2:], least), ops.maximum(boxes[..., 2:], least)
    far = (boxes[..., :2] - anchors[..., :2]) / whole
    deltas = _joined(far, ops.log(part / whole))
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(anchors, boxes_delta, anchor_format, box_format, encoded_format='center_yxhw', variance=None,
                           image_shape=None):
    """The inverse of `encode_box_to_deltas`: boxes of box_format. anchors and boxes_delta may be dictionaries with a key for
    each level; so is the result then."""
    function = 'decode_deltas_to_boxes'
    encoding = check_format(function, encoded_format, 'encoded_format', ENCODINGS)
    variance, size = _variance(function, variance), _image_size(function, image_shape)
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {k: decode_deltas_to_boxes(a, boxes_delta[k], anchor_format, box_format, encoding, variance, image_shape)
                for k, a in anchors.items()}
    anchors = convert_format(anchors, anchor_format, encoding, *size)
    deltas = ops.cast(ops.convert_to_tensor(boxes_delta), 'float32')
    deltas = deltas if variance is None else deltas * variance
    sizes = anchors[..., 2:]
    made = _joined(deltas[..., :2] * sizes + anchors[..., :2], ops.exp(deltas[..., 2:]) * sizes)
    return convert_format(made, encoding, box_format, *size)


# ---- overlap
def compute_iou(boxes1, boxes2, bounding_box_format, use_masking=False, mask_val=-1, image_shape=None):
    """The area that two boxes share over that which they cover, for each of boxes1 (m, 4) or (batch, m, 4) with each of boxes2
    (n, 4) or (batch, n, 4): (m, n) or (batch, m, n).

    use_masking: mask_val where a box is none, all its numbers below 0. image_shape: (height, width, channels), for relative
    formats. ValueError for others.
    """
    function = 'compute_iou'
    ranks = [len(ops.shape(ops.convert_to_tensor(b))) for b in (boxes1, boxes2)]
    if any(r not in (2, 3) for r in ranks):
        raise ValueError(f'{function}: boxes must have rank 2, or 3 for batches, got ranks {ranks[0]} and {ranks[1]}')
    kind, size = check_format(function, bounding_box_format), _image_size(function, image_shape)
    _sizes(function, *size, kind.startswith('rel_'))
    both = [convert_format(b, kind, 'xyxy', *size) for b in (boxes1, boxes2)]
    a, b, c, d = _parts(function, both[0])                                  # (…, m, 1)
    p, q, r, s = (ops.swapaxes(x, -1, -2) for x in _parts(function, both[1]))       # (…, 1, n)
    shared = (ops.maximum(ops.minimum(c, r) - ops.maximum(a, p), 0.0) * ops.maximum(ops.minimum(d, s) - ops.maximum(b, q), 0.0))
    y = shared / ((c - a) * (d - b) + (r - p) * (s - q) - shared + config.epsilon())
    if not use_masking:
        return y
    none = [ops.max(x, axis=-1, keepdims=True) < 0 for x in both]
    return ops.where(ops.logical_or(none[0], ops.swapaxes(none[1], -1, -2)), float(mask_val), y)


def compute_ciou(boxes1, boxes2, bounding_box_format, image_shape=None):
    """Complete intersection over union of boxes with those of the same place (Zheng et al. 2020, "Distance-IoU loss"): the
    overlap less the distance of the middles and the difference of proportions. boxes1, boxes2: (…, 4), of equal shapes;
    returns the shape without the last axis."""
    function = 'compute_ciou'
    kind, size = check_format(function, bounding_box_format), _image_size(function, image_shape)
    _sizes(function, *size, kind.startswith('rel_'))
    a, b, c, d = _parts(function, convert_format(boxes1, kind, 'xyxy', *size))
    p, q, r, s = _parts(function, convert_format(boxes2, kind, 'xyxy', *size))
    least = config.epsilon()
    shared = ops.maximum(ops.minimum(c, r) - ops.maximum(a, p), 0.0) * ops.maximum(ops.minimum(d, s) - ops.maximum(b, q), 0.0)
    w1, h1, w2, h2 = c - a, d - b + least, r - p, s - q + least
    iou = shared / (w1 * h1 + w2 * h2 - shared + 2 * least)
    across = ops.square(ops.maximum(c, r) - ops.minimum(a, p)) + ops.square(ops.maximum(d, s) - ops.minimum(b, q)) + least
    apart = ops.square((a + c - p - r) / 2) + ops.square((b + d - q - s) / 2)
    v = ops.square(ops.arctan(w2 / h2) - ops.arctan(w1 / h1)) * (4 / math.pi ** 2)
    return ops.squeeze(iou - apart / across - v * (v / (v - iou + (1 + least))), -1)
