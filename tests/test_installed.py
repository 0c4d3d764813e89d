"""The bench and the tests run from a checkout that is not built, with an installed fastkeras."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras
from bench.installed import ROOT


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A checkout without a compiled module, and the environment of a Python that has an installed one."""
    folder = tmp_path_factory.mktemp('checkout')
    without = shutil.ignore_patterns('__pycache__')
    shutil.copytree(Path(fastkeras.__file__).parent, folder / 'site' / 'fastkeras', ignore=without)
    without = shutil.ignore_patterns('__pycache__', '*.so', '*.json')
    for name in ('fastkeras', 'bench', 'tests'):
        shutil.copytree(ROOT / name, folder / 'root' / name, ignore=without)
    shutil.copy(ROOT / 'pyproject.toml', folder / 'root')
    return folder / 'root', {**os.environ, 'PYTHONPATH': str(folder / 'site')}


def run(checkout, *arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=checkout[0], env=checkout[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_bench(checkout):
    out = run(checkout, '-m', 'bench', 'models', '--only', 'dense b1$', '--peers', 'none', '--rounds', '1', '--seconds', '0.01')
    assert 'dense b1' in out


def test_tests(checkout):
    """One that runs in this process, and those that start others."""
    out = run(checkout, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests/utils/test_messages.py',
              'tests/test_generation.py')
    assert 'passed' in out or '100%' in out


def test_a_checkout_that_is_built_comes_first(checkout):
    code = 'import bench.installed as i, fastkeras; print(i.START == i.ROOT, fastkeras.__file__)'
    assert run(checkout, '-c', code).split() == ['False', str(checkout[0].parent / 'site' / 'fastkeras' / '__init__.py')]
    here = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env={
        **os.environ, 'PYTHONPATH': checkout[1]['PYTHONPATH']}).stdout.split()
    if list((ROOT / 'fastkeras').glob('_core.*')):
        assert here == ['True', str(ROOT / 'fastkeras' / '__init__.py')]
