"""Cases of `utils.bounding_boxes` whose results were recorded from Keras 3 (boxes_keras3.json); test_bounding_boxes.py repeats
them. To record anew, where Keras 3 is installed: python tests/utils/boxes_cases.py
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name('boxes_keras3.json')
FORMATS = ('xyxy', 'yxyx', 'xywh', 'center_xywh', 'center_yxhw', 'rel_xyxy', 'rel_yxyx', 'rel_xywh', 'rel_center_xywh')
BOXES = np.float32([[[1, 2, 5, 7], [0, 3, 9, 4]], [[2, 2, 3, 8], [4, 0, 8, 6]]])
OTHERS = np.float32([[2, 1, 6, 5], [0, 0, 4, 8], [-1, -1, -1, -1]])
SIZE = {'height': 10, 'width': 20}
TURN = {'angle': np.float32([30, -10]), 'translate_x': np.float32([0.1, 0]), 'translate_y': np.float32([0, -0.2]),
        'scale': np.float32([1, 1.5]), 'shear_x': np.float32([5, 0]), 'shear_y': np.float32([0, 8])}

CASES = {
    **{f'{a} to {b}': ('convert_format', [BOXES / 10, a, b], SIZE) for a in FORMATS for b in FORMATS if a != b and (
        a in ('xyxy', 'center_yxhw', 'rel_xywh') or b in ('yxyx', 'rel_center_xywh'))},
    'clip': ('clip_to_image_size', [{'boxes': BOXES - 2, 'labels': np.int32([[1, 2], [3, 4]])}], {'height': 4, 'width': 5}),
    'clip relative': ('clip_to_image_size', [{'boxes': BOXES / 4 - 0.5, 'labels': np.int32([[1, 2], [3, 4]])}],
                      {'bounding_box_format': 'rel_xyxy'}),
    'affine': ('affine_transform', [BOXES], {**TURN, **SIZE}),
    'affine about a corner': ('affine_transform', [BOXES], {**TURN, **SIZE, 'center_x': 0.0, 'center_y': 1.0}),
    'crop': ('crop', [BOXES], {'top': 1, 'left': 2, 'height': 5, 'width': 4}),
    'pad': ('pad', [BOXES], {'top': 1, 'left': 2}),
    'encode': ('encode_box_to_deltas', [BOXES[0], BOXES[0] + 1.5, 'xyxy', 'xyxy'], {}),
    'encode batches': ('encode_box_to_deltas', [BOXES[0], BOXES, 'yxyx', 'xyxy'],
                       {'encoding_format': 'center_xywh', 'variance': [0.1, 0.1, 0.2, 0.2], 'image_shape': (10, 20, 3)}),
    'decode': ('decode_deltas_to_boxes', [BOXES[0], BOXES[0] / 10, 'xyxy', 'xywh'], {}),
    'decode with variance': ('decode_deltas_to_boxes', [BOXES[0] / 10, BOXES / 10, 'rel_xyxy', 'rel_xyxy'],
                             {'encoded_format': 'center_xywh', 'variance': [0.1, 0.1, 0.2, 0.2], 'image_shape': (10, 20, 3)}),
    'iou': ('compute_iou', [BOXES[0], OTHERS, 'xyxy'], {}),
    'iou masked': ('compute_iou', [BOXES, np.stack([OTHERS, OTHERS]), 'xyxy'], {'use_masking': True, 'mask_val': -2}),
    'iou relative': ('compute_iou', [BOXES[0] / 10, OTHERS / 10, 'rel_yxyx'], {'image_shape': (10, 20, 3)}),
    'ciou': ('compute_ciou', [BOXES, BOXES[::-1].copy(), 'xyxy'], {}),
    'ciou centers': ('compute_ciou', [BOXES[0], BOXES[1], 'center_xywh'], {}),
}


def plain(y):
    if isinstance(y, dict):
        return {k: plain(v) for k, v in y.items()}
    y = np.asarray(y)
    return {'shape': list(y.shape), 'values': [float(f'{v:.7g}') for v in y.ravel().tolist()]}


if __name__ == '__main__':
    from keras.utils import bounding_boxes
    results = {k: plain(getattr(bounding_boxes, f)(*args, **attrs)) for k, (f, args, attrs) in CASES.items()}
    FILE.write_text('{\n' + ',\n'.join(f'{json.dumps(k)}: {json.dumps(v)}' for k, v in sorted(results.items())) + '\n}\n')
