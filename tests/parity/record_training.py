"""Record training.json with Keras 2.2.4, in an environment that has TensorFlow 2 and scipy:

    TF_ENABLE_ONEDNN_OPTS=0 PYTHONPATH=<folder of keras224.py> python tests/parity/record_training.py

keras224 is a module that runs the unmodified Keras 2.2.4 on TensorFlow 2 in graph mode. Variables are made resources:
with the older kind, a gradient may read a weight that the same step has already updated, now and then.
"""

import json
from pathlib import Path

import keras224
import numpy as np
import training_cases

HERE = Path(__file__).parent


def plain(value):
    """Arrays and NumPy numbers as JSON has them: 7 digits, which is what float32 holds."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (float, np.floating)):
        return float(f'{float(value):.7g}')
    if isinstance(value, np.integer):
        return int(value)
    return value


def main():
    keras = keras224.keras
    keras224.tf.enable_resource_variables()
    result = {'keras': keras.__version__, 'cases': {}, 'bars': {}}
    for case in training_cases.CASES:
        keras.backend.clear_session()
        result['cases'][case.__name__] = plain(case(keras))
    module = keras.utils.generic_utils
    for name in training_cases.BARS:
        for terminal in (True, False):
            result['bars'][f'{name}/{"terminal" if terminal else "file"}'] = training_cases.progress_text(
                module.Progbar, module, name, terminal)
    (HERE / 'training.json').write_text(json.dumps(result, indent=0, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
