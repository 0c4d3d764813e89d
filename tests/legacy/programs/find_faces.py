"""Finds the faces of a photo and of a sheet of smaller copies of it, by the package mtcnn: nothing here knows what runs it.

    python find_faces.py PHOTO
"""
import json
import sys

import numpy as np
from mtcnn import MTCNN
from PIL import Image


def sheet(photo):
    """Copies of a photo, side by side and one below the other: half as large, mirrored, a third as large, darker."""
    half, third = photo[::2, ::2], photo[::3, ::3]
    image = np.full((half.shape[0] + third.shape[0], 2 * half.shape[1], 3), 90, 'uint8')
    image[:half.shape[0], :half.shape[1]] = half
    image[:half.shape[0], half.shape[1]:] = half[:, ::-1]
    image[half.shape[0]:, :third.shape[1]] = third
    image[half.shape[0]:, half.shape[1]:half.shape[1] + third.shape[1]] = third // 2
    return image


photo = np.asarray(Image.open(sys.argv[1]).convert('RGB'))
detector = MTCNN()
found = []
for image in photo, sheet(photo):
    faces = detector.detect_faces(image)
    found.append(sorted(([int(v) for v in face['box']], round(float(face['confidence']), 5),
                         {name: [int(v) for v in point] for name, point in sorted(face['keypoints'].items())})
                        for face in faces))
print(json.dumps(found))
