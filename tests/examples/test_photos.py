"""What the programs of fine-tuning share: pictures to train on, and the plot of the curves."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

spec = importlib.util.spec_from_file_location('photos', Path(__file__).parents[2] / 'examples' / 'photos.py')
photos = importlib.util.module_from_spec(spec)
spec.loader.exec_module(photos)


def test_drawings_are_folders_of_two_classes_and_go_away():
    with photos.folder_of(None) as folder:
        found = {str(p.relative_to(folder)): p for p in Path(folder).rglob('*.jpg')}
        assert len(found) == 2 * (100 + 40)
        assert {name.rsplit('/', 1)[0] for name in found} == {f'{part}/{kind}' for part in ('train', 'validation')
                                                              for kind in ('cats', 'dogs')}
        assert Image.open(found['train/cats/cat000.jpg']).size == (180, 180)
    assert not Path(folder).exists()
    with photos.folder_of('here') as folder:
        assert folder == 'here'


def test_the_plot_draws_each_curve(tmp_path):
    pytest.importorskip('matplotlib')
    history = {'loss': [3.0, 2.0, 1.0], 'val_loss': [3.0, 2.5, 2.0], 'acc': [0.5, 0.6, 0.7], 'val_acc': [0.5, 0.5, 0.5]}
    photos.plot(history, tmp_path / 'a.png')
    picture = np.asarray(Image.open(tmp_path / 'a.png').convert('RGB')).astype(int)
    colours = {tuple(c) for c in picture.reshape(-1, 3)}
    assert picture.shape == (400, 1000, 3)
    assert {(31, 119, 180), (255, 127, 14)} <= colours             # both of matplotlib's first two colours
    photos.plot({**history, 'loss': [1.0, 2.0, 3.0]}, tmp_path / 'b.png')
    assert (picture != np.asarray(Image.open(tmp_path / 'b.png').convert('RGB'))).any()
