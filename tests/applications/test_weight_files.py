"""Names, addresses and hashes of files of weights."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastkeras import applications
from fastkeras.applications import application
from tests.applications import cases
from tests.applications.recorded import as_in

FILES = json.loads((Path(__file__).parent / 'files.json').read_text())


@pytest.mark.parametrize('number, families', [
    (2, ('MobileNet',)), (3, ('MobileNetV', 'EfficientNetB0')), pytest.param(2, None, marks=pytest.mark.slow),
    pytest.param(3, None, marks=pytest.mark.slow)])
def test_names_addresses_and_hashes_are_those_of_keras(number, families, monkeypatch):
    """Which file of ImageNet each network asks for. Addresses are Keras 3's in both generations, but for ResNet50, whose files
    differ."""
    class Asked(Exception):
        pass

    def ask(name, origin, file_hash=None, cache_subdir=None):
        assert cache_subdir == 'models'
        raise Asked(name, origin, file_hash)

    monkeypatch.setattr(application, 'get_file', ask)
    assert len(FILES[str(number)]) == len(list(cases.files(number)))
    for key, (name, kwargs, want) in FILES[str(number)].items():
        if families and not name.startswith(families):
            continue
        with as_in(number), warnings.catch_warnings(), pytest.raises(Asked) as found:
            warnings.simplefilter('ignore')
            getattr(applications, name)(**kwargs)
        file, origin, file_hash = found.value.args
        assert (file, file_hash) == (want[0], want[2]), key
        if number == 3 or name == 'ResNet50':
            assert origin == want[1], key


@pytest.mark.parametrize('name', ['MobileNet', 'MobileNetV2', *(pytest.param(n, marks=pytest.mark.slow) for n in (
    'InceptionV3', 'Xception', 'DenseNet121', 'NASNetMobile', 'InceptionResNetV2'))])
@pytest.mark.parametrize('writer, reader', [(2, 3), (3, 2)])
def test_load_weights_of_the_other_generation(name, writer, reader, tmp_path):
    """In order, whatever the layers' names are. ResNet50: test_resnet.py."""
    size, gain, _ = cases.NETWORKS[name]

    def made(generation):
        with as_in(generation):
            return getattr(applications, name)(weights=None, include_top=False, pooling='avg', input_shape=(size, size, 3))
    model, other = made(writer), made(reader)
    cases.weights(model, gain, 1.0)
    model.save_weights(tmp_path / 'w.h5')
    other.load_weights(tmp_path / 'w.h5')
    x = cases.images(size, False)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
