"""Record datasets_keras3.json with Keras 3 on TensorFlow: python tests/parity/record_datasets.py"""

import json
import os
import tempfile
from pathlib import Path

os.environ['KERAS_BACKEND'] = 'tensorflow'
import dataset_cases  # noqa: E402
import keras  # noqa: E402

if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as where:
        dataset_cases.make_files(Path(where))
        results, errors = dataset_cases.run(keras.utils, Path(where))
    path = Path(__file__).parent / 'datasets_keras3.json'
    path.write_text(json.dumps({'keras': keras.__version__, 'results': results, 'errors': errors}, separators=(',', ':')))
