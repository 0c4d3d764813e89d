"""ResNet50 has two sets of names; files of both are taken in both generations."""

import numpy as np
import pytest

from fastkeras import applications
from fastkeras.applications import resnet
from tests.applications import cases
from tests.applications.recorded import as_in

SHAPE = {'input_shape': (32, 32, 3), 'classes': 3}


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setattr(resnet, 'FILTERS', (2, 3, 4, 5))


@pytest.mark.parametrize('writer, reader', [(2, 3), (3, 2)])
def test_files_of_the_other_generation(writer, reader, tmp_path):
    path = tmp_path / 'weights.h5'
    with as_in(writer):
        model = applications.ResNet50(weights=None, **SHAPE)
        cases.weights(model, 1.0, 1.0)
        model.save_weights(str(path))
    with as_in(reader):
        other = applications.ResNet50(weights=path, **SHAPE)
    names = resnet._other_names()
    names = names if writer == 2 else {new: old for old, new in names.items()}
    assert set(names) == {layer.name for layer in model.layers if layer.weights}
    for mine, its in names.items():
        for a, b in zip(model.get_layer(mine).get_weights(), other.get_layer(its).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    x = np.random.RandomState(0).rand(2, 32, 32, 3).astype('float32')
    # each generation has its own epsilon
    np.testing.assert_allclose(model.predict(x), other.predict(x), rtol=0.05)


def test_files_of_its_own_and_without_the_top(tmp_path):
    for number in (2, 3):
        with as_in(number):
            path = tmp_path / f'{number}.h5'
            model = applications.ResNet50(weights=None, include_top=False, pooling='avg')
            model.save_weights(str(path))
    for number, path in ((2, tmp_path / '2.h5'), (2, tmp_path / '3.h5'), (3, tmp_path / '2.h5')):
        with as_in(number):
            again = applications.ResNet50(weights=str(path), include_top=False, pooling='avg')
            assert again.output_shape == (None, 20)


@pytest.mark.parametrize('writer, reader', [(2, 3), (3, 2)])
def test_load_weights_goes_by_order_and_refuses_them(writer, reader, tmp_path):
    """A shortcut stands in front of its block's last convolution in one generation, behind it in the other. Where both have
    one shape, as in the first stage at full width, later ones have not: the whole file is refused, and nothing is changed."""
    with as_in(writer):
        applications.ResNet50(weights=None, **SHAPE).save_weights(str(tmp_path / 'w.h5'))
    with as_in(reader):
        model = applications.ResNet50(weights=None, **SHAPE)
        before = model.get_weights()
        with pytest.raises(ValueError, match=r'conv\d_block1_0_conv' if reader == 3 else r'res\da_branch2c'):
            model.load_weights(str(tmp_path / 'w.h5'))
        assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
