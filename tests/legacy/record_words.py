"""Say which of the words in word_cases.py the messages of a Keras have, into words.json:

    PYTHONPATH=<folder of keras224.py> python tests/legacy/record_words.py 2.2.4
    python tests/legacy/record_words.py 3           # in an environment with Keras 3

Messages themselves are not kept.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent

if sys.argv[1] == '2.2.4':
    from keras224 import keras
else:
    import keras

sys.path.insert(0, str(HERE.parents[1]))

from tests.legacy import word_cases, word_cases_of_layers  # noqa: E402,F401

FILE = HERE / 'words.json'


def main():
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    found = {}
    for name, (function, words) in word_cases.CASES.items():
        keras.backend.clear_session()
        text = word_cases.message(function, keras)
        found[name] = [w for w in words if not word_cases.missing([w], text)]
    recorded[keras.__version__] = found
    FILE.write_text(json.dumps(recorded, indent=0) + '\n')


if __name__ == '__main__':
    main()
