"""Record results_keras3.json with Keras 3:

    KERAS_BACKEND=tensorflow python tests/parity/record_results.py [case …]
"""

import json
import sys
from pathlib import Path

import keras
import results_cases
from plain_numbers import plain

HERE = Path(__file__).parent


def main():
    named, path = sys.argv[1:], HERE / 'results_keras3.json'
    found = json.loads(path.read_text())['cases'] if named else {}
    for case in [c for c in results_cases.CASES if not named or c.__name__ in named]:
        keras.backend.clear_session()
        found[case.__name__] = plain(case(keras))
        print(case.__name__, str(found[case.__name__])[:1400], flush=True)
    path.write_text(json.dumps({'keras': keras.__version__, 'cases': found}, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
