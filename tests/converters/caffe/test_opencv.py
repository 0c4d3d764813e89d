"""Conventions of Caffe's layers against OpenCV's dnn, which read the same networks (record_opencv.py)."""

from pathlib import Path

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from tests.converters.caffe.nets import images, moved, net_of
from tests.converters.caffe.reference import Reference
from tests.converters.caffe.test_detection import SIZES, ssd

FILE = Path(__file__).parent / 'opencv.npz'


def _prior(said):
    return (net_of(('Pooling', 'pooling_param { kernel_size: 4 stride: 4 }'),
                   ('PriorBox', f'bottom: "pooling0" bottom: "data" prior_box_param {{ {said} }}'), shape=(1, 3, 16, 21)),
            {'data': images(1, 3, 16, 21)})


def _plain(kind, said, shape=(1, 4, 7, 9)):
    return net_of((kind, said), shape=shape), {'data': images(*shape)}


def _detected(said, **how):
    text = ssd(said, **how).replace('dim: 2 dim: 3 dim: 20', 'dim: 1 dim: 3 dim: 20')
    return text, {'data': 3 * images(1, 3, 20, 24)}


# what OpenCV takes otherwise than Caffe unless told is told
SPREAD = 'variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2'
CASES = {
    **{f'prior_{k}': _prior(f'{said} {"" if "clip" in said else "clip: false"} {SPREAD}') for k, said in enumerate((
        SIZES, 'min_size: 4', 'min_size: 5 min_size: 8 aspect_ratio: 2 aspect_ratio: 0.5',
        f'{SIZES} flip: false clip: true', f'{SIZES} step: 3 offset: 0.25', f'{SIZES} step_h: 2 step_w: 3'))},
    **{f'detection_{k}': _detected(f'{said} {"" if "background" in said else "background_label_id: 0"} code_type: {code}',
                                  prior=f'{SIZES} clip: false {SPREAD}', **how)
       for k, (said, code, how) in enumerate((
           ('keep_top_k: 200 nms_param { nms_threshold: 0.45 top_k: 400 }', 'CENTER_SIZE', {}),
           ('keep_top_k: 8 confidence_threshold: 0.35 nms_param { nms_threshold: 0.45 top_k: 20 }', 'CENTER_SIZE', {}),
           ('keep_top_k: 50 nms_param { nms_threshold: 0.45 top_k: 10 }', 'CORNER', {}),
           ('keep_top_k: 60 background_label_id: 1 nms_param { nms_threshold: 0.3 top_k: 400 }', 'CENTER_SIZE', {}),
           ('keep_top_k: 60 nms_param { nms_threshold: 0.45 top_k: 400 }', 'CENTER_SIZE', {'shared': False})))},
    'mvn': _plain('MVN', ''), 'mvn_across': _plain('MVN', 'mvn_param { across_channels: true }'),
    'mvn_mean': _plain('MVN', 'mvn_param { normalize_variance: false }'),
    'normalize': _plain('Normalize', 'norm_param { across_spatial: false channel_shared: false }'),
    'normalize_all': _plain('Normalize', 'norm_param { across_spatial: true }'),
    'lrn': _plain('LRN', 'lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }'),
    'lrn_within': _plain('LRN', 'lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }'),
    **{f'pool_{kind}_{k}'.lower(): _plain('Pooling', f'pooling_param {{ pool: {kind} {said} }}') for kind in ('MAX', 'AVE')
       for k, said in enumerate(('kernel_size: 3 stride: 2', 'kernel_size: 3 stride: 2 pad: 1', 'kernel_size: 2 stride: 2'))},
    'deconvolution': _plain('Deconvolution', 'convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 }'),
    'groups': _plain('Convolution', 'convolution_param { num_output: 6 kernel_size: 3 group: 2 dilation: 2 pad: 2 }'),
    'prelu': _plain('PReLU', ''), 'scale': _plain('Scale', 'scale_param { bias_term: true }'),
    'reorg': _plain('Permute', 'permute_param { order: 0 order: 2 order: 3 order: 1 }')}


def test_all_are_recorded():
    with np.load(FILE) as found:
        assert set(found) == set(CASES)


@pytest.mark.parametrize('name', sorted(CASES))
@pytest.mark.parametrize('data_format', ['channels_first', 'channels_last'])
def test_as_opencv(tmp_path, name, data_format):
    with np.load(FILE) as found:
        want = found[name]
    text, inputs = CASES[name]
    reference = Reference(text)
    reference.run(inputs)
    (tmp_path / 'n.prototxt').write_text(text)
    weights = reference.save(tmp_path / 'n.caffemodel') if reference.held else None
    model = load_caffe(tmp_path / 'n.prototxt', weights, data_format)
    got = model.predict([moved(inputs[x.name.split(':')[0]], data_format) for x in model.inputs])
    if name.startswith('detection'):
        got, want = (np.array(sorted(row.tolist() for row in rows.reshape(-1, 7) if row[1:].any())) for rows in (got, want))
    elif got.shape != want.shape:
        want = moved(want, data_format)
    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=2e-5, atol=2e-5)
