"""The example of the README: it runs, and says what it should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras

pytest.importorskip('sklearn')
EXAMPLE = Path(__file__).parents[2] / 'examples' / 'digits_cnn.py'


def test_it_learns_the_digits(tmp_path):
    path = tmp_path / 'digits.h5'
    command = [sys.executable, str(EXAMPLE), '--save', str(path)]
    env = {**os.environ, 'PYTHONPATH': str(Path(fastkeras.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert 'Epoch 15/15' in text and '1293/1293 [==============================]' in text
    assert float(re.search(r'Test accuracy: (\d\.\d+) on 360', text)[1]) >= 0.98
    rows = re.findall(r'^ +(\d)  ((?: *(?:\d+|\.)){10})$', text, re.M)
    assert [int(digit) for digit, _ in rows] == list(range(10))
    assert sum(int(n) for _, row in rows for n in row.replace('.', '0').split()) == 360
    assert 'the same, bit by bit' in text and path.stat().st_size > 100_000
