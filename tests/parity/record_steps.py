"""Record steps_keras224.json with Keras 2.2.4 and steps_keras3.json with Keras 3:

    TF_ENABLE_ONEDNN_OPTS=0 PYTHONPATH=<folder of keras224.py> python tests/parity/record_steps.py 2
    KERAS_BACKEND=jax python tests/parity/record_steps.py 3

keras224 is the module that record_training.py speaks of.
"""

import json
import sys
from pathlib import Path

import step_cases
from plain_numbers import plain

HERE = Path(__file__).parent


def main(generation):
    if generation == '2':
        import keras224
        keras224.tf.enable_resource_variables()
        keras, cases, name = keras224.keras, step_cases.KERAS2, 'steps_keras224.json'
    else:
        import keras
        cases, name = step_cases.KERAS3, 'steps_keras3.json'
    found = {}
    for case in cases:
        keras.backend.clear_session()
        found[case.__name__] = plain(case(keras))
    (HERE / name).write_text(json.dumps({'keras': keras.__version__, 'cases': found}, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main(sys.argv[1])
