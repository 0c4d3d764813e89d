"""Record pipelines_keras3.json with Keras 3 on TensorFlow:

    KERAS_BACKEND=tensorflow python tests/parity/record_pipelines.py
"""

import json
from pathlib import Path

import keras
import pipeline_cases
import tensorflow as tf


def main():
    found = {}
    for name, case in pipeline_cases.CASES.items():
        found[name] = case(keras)
    (Path(__file__).parent / 'pipelines_keras3.json').write_text(
        json.dumps({'keras': keras.__version__, 'tensorflow': tf.__version__, 'cases': found}, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
