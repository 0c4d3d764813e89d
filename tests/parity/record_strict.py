"""Record strict_keras224.json with Keras 2.2.4, all cases or those that are named:

    TF_ENABLE_ONEDNN_OPTS=0 PYTHONPATH=<folder of keras224.py> python tests/parity/record_strict.py [case …]

keras224 is the module that record_training.py speaks of.
"""

import json
import sys
from pathlib import Path

import keras224
import strict_cases
from plain_numbers import plain

HERE = Path(__file__).parent


def main():
    named, path = sys.argv[1:], HERE / 'strict_keras224.json'
    found = json.loads(path.read_text())['cases'] if named else {}
    for case in [c for c in strict_cases.CASES if not named or c.__name__ in named]:
        keras224.keras.backend.clear_session()
        found[case.__name__] = plain(case(keras224.keras))
        print(case.__name__, str(found[case.__name__])[:100])
    path.write_text(json.dumps({'keras': keras224.keras.__version__, 'cases': found}, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
