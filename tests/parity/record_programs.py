"""Record what the programs of tests/parity/programs print under Keras 2.2.4, for test_programs.py.

    /path/to/python tests/parity/record_programs.py FOLDER_OF_KERAS224 [NAME…]

FOLDER_OF_KERAS224 holds keras224.py, which makes `import keras` Keras 2.2.4. Each program prints one object of JSON last.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE / 'programs_keras224.json'
RUN = 'import sys; sys.path.insert(0, sys.argv[1]); import keras224, runpy; runpy.run_path(sys.argv[2], run_name="__main__")'

# these say `loss += value` of a variable, or give one to a layer
REFERENCE_VARIABLES = ('dream_and_style', 'inputs_of_tensors')

if __name__ == '__main__':
    found = json.loads(FILE.read_text()) if FILE.exists() else {}
    for path in sorted(HERE.glob('programs/*.py')):
        if path.stem in sys.argv[2:] or not sys.argv[2:]:
            more = {'KERAS224_REFERENCE_VARIABLES': '1'} if path.stem in REFERENCE_VARIABLES else {}
            done = subprocess.run([sys.executable, '-c', RUN, sys.argv[1], str(path)], capture_output=True, text=True,
                                  env={**os.environ, **more})
            assert done.returncode == 0, f'{path.stem}: {done.stderr[-2000:]}'
            found[path.stem] = json.loads(done.stdout.splitlines()[-1])
            lines = [f' {json.dumps(k)}: {json.dumps(v)}' for k, v in sorted(found.items())]
            FILE.write_text('{\n' + ',\n'.join(lines) + '\n}\n')
