"""Programs of the kind that people wrote with K, run as they are: their numbers are those of Keras 2.2.4."""
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / 'programs_keras224.json').read_text())
ROOT = HERE.parent.parent


def flat(value):
    return [x for v in value for x in flat(v)] if isinstance(value, list) else [value]


def structure(value):
    return [structure(v) for v in value] if isinstance(value, list) else None


def test_all_are_recorded():
    assert {p.stem for p in HERE.glob('programs/*.py')} == set(RECORDED)


@pytest.mark.parametrize('name', sorted(RECORDED))
def test_program(name):
    if name == 'sessions' and importlib.util.find_spec('tensorflow') is not None:
        pytest.skip('with TensorFlow installed its sessions are its own')
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run([sys.executable, '-m', 'fastkeras', str(HERE / 'programs' / f'{name}.py')], capture_output=True,
                          text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found, want = json.loads(done.stdout.splitlines()[-1]), RECORDED[name]
    assert list(found) == list(want)
    for key, value in want.items():
        assert structure(found[key]) == structure(value), key
        if found[key] != value:     # words and None are equal or wrong
            np.testing.assert_allclose(flat(found[key]), flat(value), rtol=1e-4, atol=1e-6, err_msg=key)
