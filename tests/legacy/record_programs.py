"""Record programs_keras224.json: what the programs of the folder programs/ print as their last line under Keras 2.2.4.

    KERAS224=<folder of keras224.py> python tests/legacy/record_programs.py [name …]            with the data made there
    PROGRAM_DATA=<folder> KERAS224=… python tests/legacy/record_programs.py [name …]            with real data

Of each program three runs, by the seeds 0 to 2, in a process of its own, in which this file runs it (--run); of those whose
results hang on the seed the most, six or nine.
keras224 is the module that tests/parity/record_training.py speaks of.
"""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELD = HERE / 'programs_keras224.json'
SEEDS = 3
NOISY = {'mnist_acgan': 6, 'mnist_transfer_cnn': 9, 'reuters_mlp': 9}
NO_PROGRAMS = 'small_data', 'find_faces'


def run(program, seeds):
    sys.path.insert(0, os.environ['KERAS224'])
    import keras224
    sys.path[0] = str(HERE / 'programs')
    for seed in seeds:
        keras224.keras.backend.clear_session()
        sys.argv = [program, seed]
        runpy.run_path(program, run_name='__main__')


def printed(name, seeds):
    """The last line that each run prints."""
    command = [sys.executable, __file__, '--run', str(HERE / 'programs' / f'{name}.py'), *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f'{name}: {done.stderr}')
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]


def main(names):
    data = 'real' if 'PROGRAM_DATA' in os.environ else 'made'
    for name in names or sorted(p.stem for p in (HERE / 'programs').glob('*.py') if p.stem not in NO_PROGRAMS):
        runs = printed(name, range(NOISY.get(name, SEEDS)))
        held = json.loads(HELD.read_text()) if HELD.exists() else {}
        held.setdefault(name, {})[data] = {key: [r[key] for r in runs] for key in runs[0]}
        print(name, data, held[name][data], flush=True)
        HELD.write_text(written(held))


def written(held):
    lines = [f' {json.dumps(name)}: {{\n  ' + ',\n  '.join(
        f'{json.dumps(data)}: {json.dumps(kept)}' for data, kept in sorted(held[name].items())) + '}' for name in sorted(held)]
    return '{\n' + ',\n'.join(lines) + '\n}\n'


if __name__ == '__main__':
    if sys.argv[1:2] == ['--run']:
        run(sys.argv[2], sys.argv[3:])
    else:
        main(sys.argv[1:])
