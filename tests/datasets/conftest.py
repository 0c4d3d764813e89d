"""An empty cache for each test, and nothing to download from but what the test itself sets up."""

import pytest

from fastkeras import config


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder in which the data sets are kept."""
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'home'))
    monkeypatch.setenv('FASTKERAS_DATA_URL', str(tmp_path / 'nothing'))
    folder = tmp_path / 'home' / 'datasets'
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(params=['channels_last', 'channels_first'])
def data_format(request):
    config.set_image_data_format(request.param)
    yield request.param
    config.set_image_data_format('channels_last')


@pytest.fixture
def recorded():
    """What Keras loaded from the same files: (Keras 3, Keras 2)."""
    import json
    from pathlib import Path

    from tests.parity import load_data_files
    held = json.loads((Path(load_data_files.__file__).parent / 'load_data.json').read_text())
    return held['keras3'], held['keras2']
