"""Record what Keras says of the rows of docs/generations.md, in rows_keras224.json or rows_keras3.json:

    TF_ENABLE_ONEDNN_OPTS=0 PYTHONPATH=<folder of keras224.py> python tests/parity/record_rows.py 2 [item …]
    KERAS_BACKEND=tensorflow python tests/parity/record_rows.py 3 [item …]

keras224 is the module that record_training.py speaks of.
"""

import json
import sys
from pathlib import Path

import row_cases
from plain_numbers import plain


def main(generation, items):
    if generation == '2':
        import keras224
        keras, name = keras224.keras, 'rows_keras224.json'
    else:
        import keras
        name = 'rows_keras3.json'
    path = Path(__file__).parent / name
    found = json.loads(path.read_text())['cases'] if items else {}
    for item in items or row_cases.CASES:
        keras.backend.clear_session()
        try:
            found[item] = plain(row_cases.CASES[item](keras))
        except Exception as error:
            print('FAILED', item, type(error).__name__, str(error)[:300], flush=True)
    path.write_text(json.dumps({'keras': keras.__version__, 'cases': found}, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
