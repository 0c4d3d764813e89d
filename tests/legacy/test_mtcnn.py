"""The package mtcnn 0.1.0, unmodified, by python -m fastkeras: the faces that it finds under TensorFlow.

MTCNN_PACKAGES names a folder with mtcnn==0.1.0, opencv-python-headless and setuptools<80, by pip install --no-deps --target.
faces_tensorflow.json was recorded with Keras 3.15.1 on TensorFlow 2.21, from the photo of a face that matplotlib has:

    PYTHONPATH=$MTCNN_PACKAGES python tests/legacy/programs/find_faces.py …/mpl-data/sample_data/grace_hopper.jpg
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras

HERE = Path(__file__).parent


def numbers(face):
    box, _, points = face
    return [*box, *(n for name in sorted(points) for n in points[name])]


def test_the_faces_are_those_found_under_tensorflow():
    folder = os.environ.get('MTCNN_PACKAGES')
    if not folder or not (Path(folder) / 'mtcnn').is_dir():
        pytest.skip('needs mtcnn 0.1.0 in the folder that MTCNN_PACKAGES names')
    photo = Path(pytest.importorskip('matplotlib').get_data_path()) / 'sample_data' / 'grace_hopper.jpg'
    if not photo.exists():
        pytest.skip('this matplotlib comes without its sample data')
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(Path(fastkeras.__file__).parents[1]), folder])}
    program = HERE / 'programs' / 'find_faces.py'
    done = subprocess.run([sys.executable, '-W', 'ignore', '-m', 'fastkeras', str(program), str(photo)], capture_output=True,
                          text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    found, recorded = json.loads(done.stdout), json.loads((HERE / 'faces_tensorflow.json').read_text())
    assert [len(faces) for faces in found] == [len(faces) for faces in recorded] == [1, 4]
    for ours, theirs in zip(found[0] + found[1], recorded[0] + recorded[1]):
        np.testing.assert_allclose(numbers(ours), numbers(theirs), atol=1)
        np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)
