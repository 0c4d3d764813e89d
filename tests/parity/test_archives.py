"""Files of Keras 3, recorded by record_archives.py, and files for Keras 3, read by it where KERAS3_PYTHON names a Python that
has it."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import generation
from fastkeras.models import load_model

from . import archive_cases as cases

HERE = Path(__file__).parent


@pytest.fixture(scope='session')
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp('keras3')
    with tarfile.open(HERE / 'archives_keras3.tar.xz') as tar:
        for member in tar.getmembers():
            (folder / member.name).write_bytes(tar.extractfile(member).read())
    return folder


def read(path):
    with np.load(path) as kept:
        return [kept[k] for k in kept.files]


def registered(name):
    """Make the classes of a case known."""
    if name in cases.OWN_CLASSES:
        with generation.scope(3):
            cases.CASES[name][0](fastkeras)


@pytest.mark.parametrize('name', cases.CASES)
def test_predictions(name, recorded):
    """Whatever generation is in force, a file computes as Keras 3 did."""
    registered(name)
    model = load_model(recorded / f'{name}.keras')
    got, wanted = cases.listed(model.predict(cases.given(name, cases.inputs(name)))), read(recorded / f'{name}.npz')
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(b).max()))


@pytest.mark.parametrize('which', [2, 3])
@pytest.mark.parametrize('name', cases.CASES)
def test_again(name, which, tmp_path):
    """What is written here is read here: weights and results bitwise; .weights.h5 holds the same."""
    with generation.scope(which):
        model = cases.fill(cases.CASES[name][0](fastkeras))
    x = cases.given(name, cases.inputs(name))
    with generation.scope(which):
        model.save(tmp_path / 'm.keras')
        model.save_weights(tmp_path / 'm.weights.h5')
    again = load_model(tmp_path / 'm.keras')
    for a, b in zip(cases.listed(model.predict(x)), cases.listed(again.predict(x)), strict=True):
        np.testing.assert_array_equal(a, b)
    if name != 'low_rank':      # whose factors are in the product
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    kept = again.get_weights()
    for w in again.weights:
        w.assign(np.zeros(w.shape, w.dtype))
    again.load_weights(tmp_path / 'm.weights.h5')
    for a, b in zip(kept, again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_goes_on(recorded):
    """With the optimizer's state, a training goes on as in Keras 3."""
    wanted = json.loads((recorded / 'trained.json').read_text())['losses']
    x, y = cases.data()
    for name in ('trained.keras', 'trained.h5'):
        model = load_model(recorded / name)
        assert model.optimizer.iterations.numpy() == 3
        np.testing.assert_allclose([model.train_on_batch(x, y) for _ in range(4)], wanted, rtol=1e-4, atol=1e-6)


def test_round_trip_with_keras3(tmp_path):
    """Keras 3 reads what is written here, predicts the same, writes it again, and that is read here."""
    python = os.environ.get('KERAS3_PYTHON')
    if not python:
        pytest.skip('needs a Python that has Keras 3, which KERAS3_PYTHON names')
    for which in (2, 3):
        folder = tmp_path / str(which)
        folder.mkdir()
        with generation.scope(which):
            for name in cases.CASES:
                model = cases.fill(cases.CASES[name][0](fastkeras))
                np.savez(folder / f'{name}.npz', *cases.listed(model.predict(cases.given(name, cases.inputs(name)))))
                model.save(folder / f'{name}.keras')
                model.save_weights(folder / f'{name}.weights.h5')
            model = cases.trainable(fastkeras)
            x, y = cases.data()
            for _ in range(3):
                model.train_on_batch(x, y)
            model.save(folder / 'trained.keras')
            losses = [[float(v) for v in model.train_on_batch(x, y)] for _ in range(4)]
            (folder / 'trained.json').write_text(json.dumps({'losses': losses}))
        environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
        done = subprocess.run([python, HERE / 'record_archives.py', folder], capture_output=True, text=True, env=environment)
        assert done.stdout.splitlines()[-1:] == ['[]'], f'{done.stdout}\n{done.stderr[-3000:]}'
        for name in cases.CASES:
            registered(name)
            again = load_model(folder / f'{name}.again.keras')
            got = cases.listed(again.predict(cases.given(name, cases.inputs(name))))
            for a, b in zip(got, read(folder / f'{name}.npz'), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(b).max()))
