"""SSD's layers in plain Python, box by box. Detections are a list for each sample."""

import math

import numpy as np

from tests.converters.caffe.reference import layer_of


@layer_of('PriorBox')
def prior_box(ref, layer, features, image):
    p = layer.prior_box_param
    rows, columns = features.shape[2:]
    height, width = (p.img_size or p.img_h or image.shape[2]), (p.img_size or p.img_w or image.shape[3])
    step_h, step_w = (p.step or p.step_h), (p.step or p.step_w)
    if not step_h or not step_w:
        step_h, step_w = height / rows, width / columns
    ratios = [1.0]
    for r in p.aspect_ratio:
        if any(abs(r - known) < 1e-6 for known in ratios):
            continue
        ratios.append(r)
        if p.flip:
            ratios.append(1 / r)
    boxes = []
    for i in range(rows):
        for j in range(columns):
            x, y = (j + p.offset) * step_w, (i + p.offset) * step_h
            for k, least in enumerate(map(int, p.min_size)):
                sizes = [(least, least)]
                if p.max_size:
                    sizes.append([math.sqrt(least * int(p.max_size[k]))] * 2)
                sizes += [(least * math.sqrt(r), least / math.sqrt(r)) for r in ratios if abs(r - 1) >= 1e-6]
                for w, h in sizes:
                    boxes.append([(x - w / 2) / width, (y - h / 2) / height, (x + w / 2) / width, (y + h / 2) / height])
    boxes = np.array(boxes)
    if p.clip:
        boxes = boxes.clip(0, 1)
    variance = list(p.variance) or [0.1]
    spread = np.tile(variance if len(variance) == 4 else variance * 4, len(boxes))
    return np.tile(np.stack([boxes.ravel(), spread])[None], (len(features), 1, 1))


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    areas = [max(v[2] - v[0], 0) * max(v[3] - v[1], 0) if v[2] >= v[0] and v[3] >= v[1] else 0 for v in (a, b)]
    return w * h / (sum(areas) - w * h)


def decoded(code, prior, variance, given):
    if code == 1:
        return [q + v * g for q, v, g in zip(prior, variance, given)]
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    if code == 3:
        return [q + v * g * s for q, v, g, s in zip(prior, variance, given, (w, h, w, h))]
    x, y = variance[0] * given[0] * w + (prior[0] + prior[2]) / 2, variance[1] * given[1] * h + (prior[1] + prior[3]) / 2
    w, h = math.exp(variance[2] * given[2]) * w, math.exp(variance[3] * given[3]) * h
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


@layer_of('DetectionOutput')
def detection_output(ref, layer, locations, confidences, priors):
    p = layer.detection_output_param
    nms = p.nms_param
    top_k = nms.top_k if nms.HasField('top_k') else -1
    all_rows = []
    for n in range(len(locations)):
        boxes, variances = priors[0 if len(priors) == 1 else n].reshape(2, -1, 4)
        given = locations[n].reshape(len(boxes), -1, 4)
        scores = confidences[n].reshape(len(boxes), p.num_classes)
        found = []
        for c in range(p.num_classes):
            if c == p.background_label_id:
                continue
            order = sorted((k for k in range(len(boxes)) if not p.HasField('confidence_threshold')
                            or scores[k, c] > p.confidence_threshold), key=lambda k, c=c: -scores[k, c])
            order = order[:top_k] if top_k > -1 else order
            kept, threshold = [], nms.nms_threshold
            for k in order:
                variance = [1] * 4 if p.variance_encoded_in_target else variances[k]
                box = decoded(p.code_type, boxes[k], variance, given[k, 0 if p.share_location else c])
                if all(overlap(box, other) <= threshold for other in kept):
                    kept.append(box)
                    found.append([0, c, scores[k, c], *box])
                    if nms.eta < 1 and threshold > 0.5:
                        threshold *= nms.eta
        if -1 < p.keep_top_k < len(found):
            found = sorted(found, key=lambda f: -f[2])[:p.keep_top_k]
            found.sort(key=lambda f: f[1])
        all_rows.append(found)
    return padded(all_rows, p.keep_top_k)


def padded(all_rows, most):
    """Rows of zeros fill what a sample has not; `most` -1: nothing is known of how many there may be, so none are added."""
    size = most if most > -1 else max(map(len, all_rows))
    made = np.zeros((len(all_rows), 1, size, 7))
    for k, rows in enumerate(all_rows):
        made[k, 0, :len(rows)] = np.array(rows).reshape(-1, 7)
    return made
