"""The documented program of flow_from_directory and fit_generator: it runs as it stands, and learns."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fastkeras
from tests.artifacts import artifact

EXAMPLE = Path(__file__).parents[2] / 'examples' / 'finetune_1_small_convnet.py'


def run(*arguments):
    env = {**os.environ, 'PYTHONPATH': str(Path(fastkeras.__file__).parents[1])}
    done = subprocess.run([sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    return done.stdout


def accuracy(text, of):
    return float(re.search(rf'Validation accuracy: (\d\.\d+) on {of} pictures', text)[1])


def test_it_learns_to_tell_drawings_apart(tmp_path):
    path = tmp_path / 'weights.h5'
    text = run('--side', '64', '--epochs', '8', '--save', str(path))
    assert 'Found 200 images belonging to 2 classes.\nFound 80 images belonging to 2 classes.' in text
    assert 'Epoch 8/8' in text and '12/12 [==============================]' in text
    assert accuracy(text, 80) >= 0.9
    assert len(re.findall(r'Least like the others: (?:cats|dogs)/\w+\.jpg, taken for (?:cats|dogs) with', text)) == 3
    assert path.stat().st_size > 100_000


def test_it_trains_on_photos(tmp_path):
    with zipfile.ZipFile(artifact('data/cats_dogs_200_80.zip')) as file:
        file.extractall(tmp_path)
    text = run('--data', str(tmp_path / 'data'), '--epochs', '2')
    assert 'Found 200 images belonging to 2 classes.\nFound 80 images belonging to 2 classes.' in text
    losses = [float(x) for x in re.findall(r' val_loss: (\d+\.\d+)', text)]
    assert len(losses) == 2 and losses[-1] < 1.0
    assert accuracy(text, 80) > 0.4


@pytest.mark.slow
def test_it_learns_from_photos(tmp_path):
    with zipfile.ZipFile(artifact('data/cats_dogs_200_80.zip')) as file:
        file.extractall(tmp_path)
    text = run('--data', str(tmp_path / 'data'), '--epochs', '30')
    assert float(re.findall(r' acc: (\d\.\d+)', text)[-1]) > 0.75 and accuracy(text, 80) > 0.52    # 200 photos are few
