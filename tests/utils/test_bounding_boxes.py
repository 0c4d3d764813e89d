"""`utils.bounding_boxes` against what Keras 3 gave (see boxes_cases.py), and in a graph."""

import json

import numpy as np
import pytest

from fastkeras.runtime import Function
from fastkeras.utils import bounding_boxes

from .boxes_cases import BOXES, CASES, FILE, FORMATS, OTHERS

RECORDED = json.loads(FILE.read_text())


def same(made, want):
    if 'values' not in want:
        for key in want:
            same(made[key], want[key])
        return
    assert list(np.shape(made)) == want['shape']
    np.testing.assert_allclose(made, np.reshape(want['values'], want['shape']), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', CASES)
def test_is_that_of_keras(name):
    function, args, attrs = CASES[name]
    same(getattr(bounding_boxes, function)(*args, **attrs), RECORDED[name])


@pytest.mark.parametrize('kind', FORMATS)
def test_there_and_back(kind):
    there = bounding_boxes.convert_format(BOXES, 'xyxy', kind, 10, 20)
    np.testing.assert_allclose(bounding_boxes.convert_format(there, kind, 'xyxy', 10, 20), BOXES, rtol=1e-5, atol=1e-5)
    given = {'boxes': BOXES, 'labels': np.zeros(2)}
    made = bounding_boxes.convert_format(given, 'xyxy', kind, 10, 20)
    np.testing.assert_array_equal(made['boxes'], there)
    assert given['boxes'] is BOXES, 'the dictionary that was given stays'


def test_in_a_graph():
    """Heights and widths may be tensors, of each image its own."""
    sizes = np.float32([[10, 20], [5, 8]]).reshape(2, 2, 1, 1)
    run = Function(lambda b, s: bounding_boxes.convert_format(b, 'rel_xyxy', 'xyxy', s[:, 0], s[:, 1]))
    np.testing.assert_allclose(run(BOXES, sizes), BOXES * sizes[:, [1, 0, 1, 0], 0].transpose(0, 2, 1), rtol=1e-6)


def test_deltas_of_levels():
    anchors = {'P3': BOXES[0], 'P4': BOXES[1]}
    deltas = {k: bounding_boxes.encode_box_to_deltas(a, a + 1, 'xyxy', 'xyxy') for k, a in anchors.items()}
    made = bounding_boxes.decode_deltas_to_boxes(anchors, deltas, 'xyxy', 'xyxy')
    for key, a in anchors.items():
        np.testing.assert_allclose(made[key], a + 1, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('call,words', [
    (lambda: bounding_boxes.convert_format(BOXES, 'xyxy', 'abcd'), "target.*'abcd'"),
    (lambda: bounding_boxes.convert_format(BOXES, 'rel_xyxy', 'xyxy'), 'height and width'),
    (lambda: bounding_boxes.convert_format(BOXES[..., :3], 'xywh', 'xyxy'), 'last axis of 4'),
    (lambda: bounding_boxes.clip_to_image_size({'boxes': BOXES}), 'height and width'),
    (lambda: bounding_boxes.clip_to_image_size({'boxes': BOXES}, 3, 3, 'xywh'), 'bounding_box_format'),
    (lambda: bounding_boxes.crop(BOXES, 0, 0, 1, 1, 'xywh'), 'bounding_box_format'),
    (lambda: bounding_boxes.encode_box_to_deltas(BOXES, BOXES, 'xyxy', 'xyxy', 'xyxy'), 'encoding_format'),
    (lambda: bounding_boxes.encode_box_to_deltas(BOXES, BOXES, 'xyxy', 'xyxy', variance=[1, 2]), 'variance'),
    (lambda: bounding_boxes.compute_iou(BOXES[0, 0], OTHERS, 'xyxy'), 'rank 2'),
    (lambda: bounding_boxes.compute_iou(BOXES[0], OTHERS, 'rel_xyxy'), 'height and width')])
def test_mistakes(call, words):
    with pytest.raises(ValueError, match=words):
        call()
