"""The second and third program of fine-tuning: bottleneck features, and VGG16 with its last block unfrozen."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from tests.artifacts import artifact

EXAMPLES = Path(__file__).parents[2] / 'examples'


def run(name, *arguments):
    env = {**os.environ, 'PYTHONPATH': str(Path(fastkeras.__file__).parents[1])}
    done = subprocess.run([sys.executable, str(EXAMPLES / name), *arguments], capture_output=True, text=True, timeout=1800,
                          env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracy(text, of):
    return float(re.search(rf'Validation accuracy: (\d\.\d+) on {of} pictures', text)[1])


def features(folder, part):
    return np.load(folder / f'bottleneck_features_{part}.npy'), np.load(folder / f'bottleneck_classes_{part}.npy')


def random_vgg16(path):
    """Weights of VGG16 without a download: random ones that leave the size of what goes through as it is, so that drawings can
    be told apart by what comes out."""
    model = fastkeras.applications.VGG16(include_top=False, weights=None, input_shape=(48, 48, 3))
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape) if w.ndim > 1 else np.zeros(w.shape)
                       for w in model.get_weights()])
    model.save_weights(path)
    return str(path)


def test_a_top_on_features_and_then_the_last_block(tmp_path):
    common = ('--weights', random_vgg16(tmp_path / 'vgg16.h5'), '--side', '48', '--folder', str(tmp_path))
    text = run('finetune_2_bottleneck_features.py', *common, '--epochs', '30')
    assert 'Found 200 images belonging to 2 classes.\n' in text and 'Epoch 30/30' in text
    assert '[==============================]' in text
    x, classes = features(tmp_path, 'train')
    assert x.shape == (200, 1, 1, 512) and x.dtype == np.float32 and (x >= 0).all() and x.std() > 0
    np.testing.assert_array_equal(classes, np.repeat([0, 1], 100))
    assert features(tmp_path, 'validation')[0].shape == (80, 1, 1, 512)
    assert accuracy(text, 80) > 0.6
    loss = float(re.findall(r' val_loss: (\d+\.\d+)', text)[-1])

    text = run('finetune_3_last_block.py', *common, '--epochs', '1', '--save', str(tmp_path / 'm.h5'))
    before = float(re.search(r'Before: loss (\d+\.\d+)', text)[1])
    assert abs(before - loss) < 1e-3                # it begins where the top left off
    assert 'Epoch 1/1' in text and accuracy(text, 80) > 0.5
    model = fastkeras.models.load_model(tmp_path / 'm.h5')
    assert [layer.name for layer in model.layers if layer.weights and layer.trainable] == [
        'block5_conv1', 'block5_conv2', 'block5_conv3', model.layers[-1].name]
    again = fastkeras.applications.VGG16(include_top=False, weights=None, input_shape=(48, 48, 3))
    assert [w.shape for w in again.weights] == [w.shape for layer in model.layers[:-1] for w in layer.weights]


@pytest.mark.slow
def test_they_run_on_photos(tmp_path):
    with zipfile.ZipFile(artifact('data/cats_dogs_200_80.zip')) as file:
        file.extractall(tmp_path)
    common = ('--weights', random_vgg16(tmp_path / 'vgg16.h5'), '--data', str(tmp_path / 'data'), '--folder', str(tmp_path))
    text = run('finetune_2_bottleneck_features.py', *common, '--epochs', '20', '--plot', str(tmp_path / '2.png'))
    x, classes = features(tmp_path, 'train')
    assert x.shape == (200, 4, 4, 512)
    np.testing.assert_array_equal(classes, np.repeat([0, 1], 100))
    assert accuracy(text, 80) >= 0.4                # the features of random weights tell nothing of photos
    loss = float(re.findall(r' val_loss: (\d+\.\d+)', text)[-1])
    text = run('finetune_3_last_block.py', *common, '--epochs', '2', '--plot', str(tmp_path / '3.png'),
               '--save', str(tmp_path / 'm.keras'))
    assert abs(float(re.search(r'Before: loss (\d+\.\d+)', text)[1]) - loss) < 1e-3
    losses = [float(x) for x in re.findall(r' loss: (\d+\.\d+) - acc', text)]
    assert len(losses) >= 2 and max(losses) < 1
    # what random filters see in 200 photos teaches nothing; but the last block moves, and what is frozen stays
    before = fastkeras.applications.VGG16(include_top=False, weights=str(tmp_path / 'vgg16.h5'), input_shape=(150, 150, 3))
    after = fastkeras.models.load_model(tmp_path / 'm.keras')
    for layer in (layer for layer in before.layers if layer.weights):
        for a, b in zip(layer.get_weights(), after.get_layer(layer.name).get_weights(), strict=True):
            assert (a == b).all() != layer.name.startswith('block5'), layer.name
    assert (tmp_path / '2.png').stat().st_size > 5000 and (tmp_path / '3.png').stat().st_size > 5000
