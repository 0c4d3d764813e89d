"""HDF5 files of every family of layers, between this package and itself and, where a Python is named that has one, a Keras:

    KERAS224_PYTHON=…/python PYTHONPATH=<folder of keras224.py> TF_KERAS_PYTHON=…/python KERAS3_PYTHON=…/python pytest …
"""

import os
import subprocess
from pathlib import Path

import pytest

import fastkeras
from fastkeras import generation
from fastkeras.models import load_model

from . import h5_cases

HERE = Path(__file__).parent
GENERATION = {'keras224': 2, 'tf_keras': 2, 'keras3': 3}


def written(kind, folder):
    """Write a file of each network, as a Keras of that kind is to read it."""
    with generation.scope(GENERATION[kind]):
        for name, (make, shapes, words) in h5_cases.networks(fastkeras, kind).items():
            model = h5_cases.filled(make())
            model.compile('adam', 'mse')
            model.save(folder / f'ours-{name}.h5')
            h5_cases.kept(model, folder / f'ours-{name}.npz', h5_cases.inputs(shapes, words))


def wrong(kind, folder, whose):
    """What differs when this package reads the files of a folder."""
    found = []
    for name, (_, shapes, words) in h5_cases.networks(fastkeras, kind).items():
        model = load_model(folder / f'{whose}-{name}.h5')
        differs = h5_cases.differences(model, folder / f'{whose}-{name}.npz', h5_cases.inputs(shapes, words))
        found += [f'{name}: {differs}'] if differs else []
    return found


@pytest.mark.parametrize('kind', GENERATION)
def test_with_itself(kind, tmp_path):
    written(kind, tmp_path)
    assert wrong(kind, tmp_path, 'ours') == []


@pytest.mark.parametrize('kind', GENERATION)
def test_with_a_real_keras(kind, tmp_path):
    python = os.environ.get(f'{kind.upper()}_PYTHON')
    if not python:
        pytest.skip(f'needs a Python that has {kind}, which {kind.upper()}_PYTHON names')
    written(kind, tmp_path)
    done = subprocess.run([python, HERE / 'h5_with_keras.py', kind, tmp_path], capture_output=True, text=True, timeout=1200,
                          env={**os.environ, 'TF_ENABLE_ONEDNN_OPTS': '0'})
    told = done.stdout.splitlines()
    assert told[-1:] == [f'read {len(h5_cases.networks(fastkeras, kind))}'], done.stderr[-3000:]
    assert told[:-1] == []
    assert wrong(kind, tmp_path, 'theirs') == []
