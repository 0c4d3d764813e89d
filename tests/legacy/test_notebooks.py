"""Teaching notebooks in the style of 2017, which say `import keras`: unchanged, they come to what Keras 2.2.4 came to.

Each has the same weights at the start and the same order of samples on both, so that numbers are compared as they are. What
rests on random draws of the Keras at hand has a name that begins with `about_`, and is compared roughly.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras

HERE = Path(__file__).parent
KERAS = json.loads((HERE / 'notebooks_keras224.json').read_text())


@pytest.mark.parametrize('name', sorted(KERAS))
def test_notebook(name, tmp_path):
    env = {**os.environ, 'PYTHONPATH': str(Path(fastkeras.__file__).parents[1]), 'PYTHONDONTWRITEBYTECODE': '1'}
    done = subprocess.run([sys.executable, '-m', 'fastkeras', str(HERE / 'notebooks' / f'{name}.py')], capture_output=True,
                          text=True, timeout=600, env=env, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert results.keys() == KERAS[name].keys()
    for key, ours in results.items():
        theirs = KERAS[name][key]
        if isinstance(theirs, (str, bool)):
            assert ours == theirs, key
        else:
            loose = key.startswith('about_')
            np.testing.assert_allclose(ours, theirs, rtol=0.25 if loose else 2e-3, atol=2e-4, err_msg=key)


def test_every_notebook_is_recorded():
    assert set(KERAS) == {p.stem for p in (HERE / 'notebooks').glob('*.py')} - {'same_start'}
