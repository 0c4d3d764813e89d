"""Takes the fastkeras that was built in place, or else an installed one; says what is missing, instead of an import error for
every file."""
import importlib.util
import os
from pathlib import Path

import pytest

from bench.installed import ROOT, START

if START != ROOT:       # what is started by `python -c` looks in the folder that it is started in
    os.chdir(Path(__file__).parent)
if importlib.util.find_spec('fastkeras._core') is None:
    where = Path(importlib.util.find_spec('fastkeras').origin).parent
    pytest.exit(f"{where} has no compiled module: python -m pip install -e '.[test]', or python setup.py build_ext --inplace",
                returncode=4)

# every graph is checked after every pass
os.environ['FASTKERAS_DEBUG'] = ','.join(filter(None, [os.environ.get('FASTKERAS_DEBUG'), 'verify']))
