"""Real files that tests use when they are there: the folder is named by FASTKERAS_ARTIFACTS."""

import os
from pathlib import Path

import pytest


def artifact(name):
    """Path of a file below the folder; skips the test where it is not there."""
    folder = os.environ.get('FASTKERAS_ARTIFACTS')
    path = Path(folder or '.') / name
    if not folder or not path.exists():
        pytest.skip(f'needs {name} below the folder that FASTKERAS_ARTIFACTS names')
    return path
