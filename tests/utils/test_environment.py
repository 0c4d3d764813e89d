"""What the environment asks of the engine and cannot have is told."""

import os
import subprocess
import sys

import pytest

from fastkeras.utils import environment


@pytest.mark.parametrize('name,value,said', [('FASTKERAS_ISA', 'v9', "one of .*got 'v9'"),
                                             ('FASTKERAS_NUM_THREADS', 'two', "at least 1, got 'two'"),
                                             ('FASTKERAS_NUM_THREADS', '0', "at least 1, got '0'")])
def test_words_that_cannot_be(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.warns(RuntimeWarning, match=f'{name}: .*{said}'):
        environment.check_engine(['v2', 'v3'], 'v3', 2)


def test_import_looks():
    done = subprocess.run([sys.executable, '-W', 'error', '-c', 'import fastkeras._core'], capture_output=True, text=True,
                          env={**os.environ, 'FASTKERAS_NUM_THREADS': 'x'})
    assert done.returncode and 'FASTKERAS_NUM_THREADS' in done.stderr
