"""Record opencv.npz: what OpenCV's dnn gives for networks of Caffe, as a second opinion on conventions.

    python tests/converters/caffe/record_opencv.py write FOLDER      in an interpreter with this package: networks and inputs
    python tests/converters/caffe/record_opencv.py run FOLDER        in one with opencv-python-headless 4.10: opencv.npz

OpenCV 5 reads no files of Caffe any more.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def write(folder):
    sys.path.insert(0, str(HERE.parents[2]))
    from tests.converters.caffe.reference import Reference
    from tests.converters.caffe.test_opencv import CASES
    folder.mkdir(exist_ok=True)
    for name, (text, inputs) in CASES.items():
        (folder / f'{name}.prototxt').write_text(text)
        reference = Reference(text)
        reference.run(inputs)
        reference.save(folder / f'{name}.caffemodel')
        np.savez(folder / f'{name}.npz', **inputs)


def run(folder):
    import cv2
    found = {}
    for path in sorted(folder.glob('*.prototxt')):
        net = cv2.dnn.readNetFromCaffe(str(path), str(path.with_suffix('.caffemodel')))
        with np.load(path.with_suffix('.npz')) as inputs:
            for name in inputs:
                net.setInput(inputs[name], name)
        try:
            found[path.stem] = net.forward()
        except cv2.error as error:
            print(path.stem, str(error).strip().splitlines()[-1])
            continue
        print(path.stem, found[path.stem].shape)
    np.savez_compressed(HERE / 'opencv.npz', **found)


if __name__ == '__main__':
    {'write': write, 'run': run}[sys.argv[1]](Path(sys.argv[2]))
