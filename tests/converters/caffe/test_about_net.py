"""python -m fastkeras info of files of Caffe."""

import numpy as np
import pytest

from fastkeras.__main__ import about_model, main
from tests.converters.caffe.nets import images, net_of
from tests.converters.caffe.reference import Reference


@pytest.fixture
def folder(tmp_path):
    text = net_of(('InnerProduct', 'inner_product_param { num_output: 4 weight_filler { type: "xavier" } }'), ('ReLU', ''))
    (tmp_path / 'net.prototxt').write_text(text)
    reference = Reference(text)
    reference.run({'data': images(2, 3, 7, 9)})
    reference.save(tmp_path / 'net.caffemodel', 'packed')
    return tmp_path


def test_layers_of_a_description_and_shapes_of_weights(folder):
    text = about_model(str(folder / 'net.prototxt'))
    assert "the network 'net' of 3 layers" in text and '  innerproduct0 (InnerProduct)' in text
    text = about_model(str(folder / 'net.caffemodel'))
    assert f'2 arrays of {np.prod((4, 3 * 7 * 9)) + 4:,} numbers' in text and 'innerproduct0: ' in text and '(4,)' in text


def test_what_is_none(folder, capsys):
    for name in 'net.prototxt', 'net.caffemodel':
        (folder / name).write_bytes(b'\xff\xfe nothing of Caffe')
        assert main(['info', str(folder / name)]) == 2
        assert name in capsys.readouterr().err
