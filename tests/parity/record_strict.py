"""Record strict_keras224.json with Keras 2.2.4, all cases or those that are named:

    TF_ENABLE_ONEDNN_OPTS=0 PYTHONPATH=<folder of keras224.py> python tests/parity/record_strict.py [case …]

keras224 is the module that record_training.py speaks of.
"""

import json
import sys
from pathlib import Path

import keras224
import numpy as np
import strict_cases

HERE = Path(__file__).parent


def plain(value):
    """Arrays and numbers as JSON has them, 7 digits."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) or getattr(value, 'shape', ()):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (int, str)):
        return value
    return int(value) if isinstance(value, np.integer) else float(f'{float(value):.7g}')


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
