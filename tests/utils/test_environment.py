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


RANGES = {'kc': (32, 768, 16, 'steps'), 'far_rows': (0, 9, 1, 'rows')}


def test_blocks(monkeypatch):
    assert environment.asked_blocks(RANGES) == []
    for text, wanted in (('kc=64', [(0, 64)]), (' far_rows = 0 , kc=768,', [(0, 768), (1, 0)]), ('', [])):
        monkeypatch.setenv('FASTKERAS_BLOCKS', text)
        assert environment.asked_blocks(RANGES) == wanted


@pytest.mark.parametrize('text,said', [
    ('mc=3', "names of kc, far_rows; got 'mc=3'"), ('kc=16', "got 'kc=16'"), ('kc=784', 'got'), ('kc', "got 'kc'"),
    ('kc=40', r"kc \(steps\): expected a multiple of 16 from 32 to 768, got 'kc=40'"), ('kc=-32', 'got'), ('=3', 'names'),
    ('far_rows=1.5', 'a whole number from 0 to 9'), ('kc=32,kc=64', 'expected kc once')])
def test_blocks_that_cannot_be(monkeypatch, text, said):
    monkeypatch.setenv('FASTKERAS_BLOCKS', text)
    with pytest.raises(ValueError, match=f'FASTKERAS_BLOCKS: .*{said}'):
        environment.asked_blocks(RANGES)


def test_import_looks_at_blocks():
    done = subprocess.run([sys.executable, '-c', 'import fastkeras._core'], capture_output=True, text=True,
                          env={**os.environ, 'FASTKERAS_BLOCKS': 'kc=1'})
    assert done.returncode and 'ValueError: FASTKERAS_BLOCKS: kc' in done.stderr


def test_import_looks():
    done = subprocess.run([sys.executable, '-W', 'error', '-c', 'import fastkeras._core'], capture_output=True, text=True,
                          env={**os.environ, 'FASTKERAS_NUM_THREADS': 'x'})
    assert done.returncode and 'FASTKERAS_NUM_THREADS' in done.stderr
