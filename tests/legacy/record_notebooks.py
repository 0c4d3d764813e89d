"""Record notebooks_keras224.json: the line that each program in notebooks/ prints under Keras 2.2.4.

    PYTHONPATH=<folder of keras224.py> python tests/legacy/record_notebooks.py [name …]

keras224 is the module that tests/parity/record_training.py speaks of.
"""

import contextlib
import io
import json
import runpy
import sys
import time
from pathlib import Path

import keras224

HERE = Path(__file__).parent
FILE = HERE / 'notebooks_keras224.json'


def main(names):
    sys.path.insert(0, str(HERE / 'notebooks'))
    held = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in names or sorted(p.stem for p in (HERE / 'notebooks').glob('*.py') if p.stem != 'same_start'):
        keras224.keras.backend.clear_session()
        printed, start = io.StringIO(), time.process_time()
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(HERE / 'notebooks' / f'{name}.py'), run_name='__main__')
        held[name] = json.loads(printed.getvalue().splitlines()[-1])
        print(name, time.process_time() - start, flush=True)
        FILE.write_text('{\n' + ',\n'.join(f'{json.dumps(k)}: {json.dumps(held[k])}' for k in sorted(held)) + '\n}\n')


if __name__ == '__main__':
    main(sys.argv[1:])
