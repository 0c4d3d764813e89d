"""The layers of SSD against a reference that goes box by box."""

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import check, images, net_of
from tests.converters.caffe.reference import Reference
from tests.converters.caffe.reference_ssd import prior_box as _  # noqa: F401 (makes its layers known)

SIZES = 'min_size: 4 max_size: 9 aspect_ratio: 2 aspect_ratio: 3'


@pytest.mark.parametrize('said', [SIZES, 'min_size: 4', 'min_size: 4.7 min_size: 8 aspect_ratio: 2 aspect_ratio: 0.5',
                                  f'{SIZES} flip: false clip: true', f'{SIZES} step: 3 offset: 0.25',
                                  f'{SIZES} step_h: 2 step_w: 3',
                                  f'{SIZES} variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2', f'{SIZES} img_size: 40',
                                  f'{SIZES} img_h: 20 img_w: 30', f'{SIZES} step_h: 2'])
def test_prior_box(tmp_path, said):
    text = net_of(('Pooling', 'pooling_param { kernel_size: 4 stride: 4 }'),
                  ('PriorBox', f'bottom: "pooling0" bottom: "data" prior_box_param {{ {said} }}'), shape=(2, 3, 16, 21))
    check(tmp_path, text, {'data': images(2, 3, 16, 21)})


def ssd(said, classes=3, shared=True, prior=SIZES, conf='sigmoid'):
    """A detector of one feature map. Six boxes for each of its places."""
    wide = 6 * 4 * (1 if shared else classes)
    return net_of(
        ('Convolution', 'convolution_param { num_output: 6 kernel_size: 4 stride: 4 } top: "f"'),
        ('Convolution', f'bottom: "f" convolution_param {{ num_output: {wide} kernel_size: 1 }} top: "l"'),
        ('Permute', 'bottom: "l" permute_param { order: 0 order: 2 order: 3 order: 1 } top: "lp"'), ('Flatten',
                                                                                                     'bottom: "lp" top: "loc"'),
        ('Convolution', f'bottom: "f" convolution_param {{ num_output: {6 * classes} kernel_size: 1 }} top: "c"'),
        ('Permute', 'bottom: "c" permute_param { order: 0 order: 2 order: 3 order: 1 } top: "cp"'), ('Flatten',
                                                                                                     'bottom: "cp" top: "cf"'),
        ('Reshape', f'bottom: "cf" reshape_param {{ shape {{ dim: 0 dim: -1 dim: {classes} }} }} top: "cr"'),
        ('Softmax', 'bottom: "cr" softmax_param { axis: 2 } top: "cs"'), ('Flatten', 'bottom: "cs" top: "conf"'),
        ('PriorBox', f'bottom: "f" bottom: "data" prior_box_param {{ {prior} }} top: "p"'),
        ('DetectionOutput', f'bottom: "loc" bottom: "conf" bottom: "p" detection_output_param {{ num_classes: {classes} {said} '
                            f'share_location: {str(shared).lower()} }}'), shape=(2, 3, 20, 24))


@pytest.mark.parametrize('code', ['CORNER', 'CENTER_SIZE', 'CORNER_SIZE'])
@pytest.mark.parametrize('said', [
    'keep_top_k: 200', 'keep_top_k: 8 confidence_threshold: 0.35', 'keep_top_k: 50 nms_param { nms_threshold: 0.45 top_k: 10 }',
    'keep_top_k: 100 nms_param { nms_threshold: 0.9 eta: 0.8 }', 'keep_top_k: 20 variance_encoded_in_target: true',
    'keep_top_k: 60 background_label_id: 1', 'keep_top_k: 60 background_label_id: -1',
                                  'keep_top_k: 5 confidence_threshold: 0.99'])
def test_detection_output(tmp_path, code, said):
    text = ssd(f'{said} code_type: {code}')
    check(tmp_path, text, {'data': 3 * images(2, 3, 20, 24)}, saved=False)


@pytest.mark.parametrize('said', ['keep_top_k: 200', 'keep_top_k: 40 confidence_threshold: 0.4'])
def test_locations_of_each_class(tmp_path, said):
    check(tmp_path, ssd(f'{said} code_type: CENTER_SIZE', shared=False), {'data': 3 * images(2, 3, 20, 24)})


def test_all_detections_there_can_be(tmp_path):
    """Without keep_top_k there is a row for each class of each box."""
    text = ssd('code_type: CENTER_SIZE')
    reference = Reference(text)
    x = images(2, 3, 20, 24)
    rows = reference.run({'data': x})['detectionoutput11']
    (tmp_path / 'n.prototxt').write_text(text)
    got = load_caffe(tmp_path / 'n.prototxt', reference.save(tmp_path / 'w'), 'channels_first').predict(x)
    assert got.shape == (2, 1, 2 * 6 * 5 * 6, 7) and not got[:, :, rows.shape[2]:].any()
    np.testing.assert_allclose(got[:, :, :rows.shape[2]], rows, atol=1e-5)


def test_a_row_does_not_depend_on_the_others(tmp_path):
    text = ssd('keep_top_k: 30 code_type: CENTER_SIZE')
    reference = Reference(text)
    x = images(5, 3, 20, 24)
    reference.run({'data': x})
    (tmp_path / 'n.prototxt').write_text(text)
    model = load_caffe(tmp_path / 'n.prototxt', reference.save(tmp_path / 'w'), 'channels_first')
    np.testing.assert_array_equal(model.predict(x, batch_size=5), model.predict(x, batch_size=2))


@pytest.mark.parametrize('prior, said, message', [
    ('', 'keep_top_k: 5', 'min_size'), ('min_size: 0.5', 'keep_top_k: 5', 'min_size'),
    (f'{SIZES} max_size: 3', 'keep_top_k: 5', 'max_size'), (f'{SIZES} variance: 0.1 variance: 0.1', 'keep_top_k: 5',
                                                            'variances'),
    ('min_size: 4', 'keep_top_k: 5', 'as many boxes'), (SIZES, 'keep_top_k: 0', 'keep_top_k'),
    (SIZES, 'nms_param { eta: 2 }', 'eta'), (SIZES, 'nms_param { nms_threshold: nan }', 'nms_threshold'),
    (f'{SIZES} step: -1', 'keep_top_k: 5', 'step')])
def test_what_cannot_be_is_said(tmp_path, prior, said, message):
    (tmp_path / 'n.prototxt').write_text(ssd(said, prior=prior))
    with pytest.raises(ModelFileError, match=message) as raised:
        load_caffe(tmp_path / 'n.prototxt')
    assert 'PriorBox)' in str(raised.value) or 'DetectionOutput)' in str(raised.value)
