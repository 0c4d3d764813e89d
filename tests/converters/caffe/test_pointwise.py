"""Activations, powers and sums against the reference."""

import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError
from tests.converters.caffe.nets import check, images, net_of

CASES = [('ReLU', ''), ('ReLU', 'relu_param { negative_slope: 0.1 }'), ('ReLU6', ''), ('PReLU', ''),
         ('PReLU', 'prelu_param { channel_shared: true }'), ('ELU', 'elu_param { alpha: 0.7 }'), ('Sigmoid', ''), ('TanH', ''),
         ('AbsVal', ''), ('BNLL', ''), ('Swish', 'swish_param { beta: 1.5 }'), ('Clip', 'clip_param { min: -0.3 max: 0.6 }'),
         ('Threshold', 'threshold_param { threshold: 0.2 }'), ('Dropout', 'dropout_param { dropout_ratio: 0.4 }'),
         ('Power', 'power_param { scale: 0.5 shift: 3 }'), ('Power', 'power_param { power: 2 scale: 0.5 shift: 1 }'),
         ('Exp', ''), ('Exp', 'exp_param { base: 2 scale: 0.5 shift: 1 }'), ('Softmax', ''), ('Softmax',
                                                                                              'softmax_param { axis: 2 }'),
         ('Softmax', 'softmax_param { axis: -1 }')]


@pytest.mark.parametrize('kind, said', CASES)
def test_alone(tmp_path, kind, said):
    check(tmp_path, net_of((kind, said)), {'data': images(2, 3, 7, 9)})
    if 'axis' not in said or '-1' in said:
        check(tmp_path, net_of((kind, said), shape=(2, 6)), {'data': images(2, 6)}, saved=False)


@pytest.mark.parametrize('said', ['power: 0.5 shift: 4 scale: 0.5', 'power: -1.5 shift: 9', 'power: 0 shift: 9'])
def test_powers_of_positive_numbers(tmp_path, said):
    check(tmp_path, net_of(('Power', f'power_param {{ {said} }}')), {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('said', ['', 'base: 10 scale: 2 shift: 1'])
def test_log(tmp_path, said):
    check(tmp_path, net_of(('Log', f'log_param {{ {said} }}')), {'data': abs(images(2, 3, 7, 9)) + 0.1})


@pytest.mark.parametrize('said', ['', 'operation: PROD', 'operation: MAX', 'coeff: 1 coeff: -1', 'coeff: 0.5 coeff: 2',
                                  'operation: SUM coeff: 1 coeff: 1'])
def test_eltwise(tmp_path, said):
    text = net_of(('TanH', ''), ('Sigmoid', 'bottom: "data"'),
                  ('Eltwise', f'bottom: "tanh0" bottom: "sigmoid1" eltwise_param {{ {said} }}'))
    check(tmp_path, text, {'data': images(2, 3, 7, 9)})


def test_in_place(tmp_path):
    """A layer whose top is its bottom: what reads the name before it reads another value than what reads it after."""
    text = net_of(('TanH', 'top: "x"'), ('AbsVal', 'bottom: "x" top: "y"'), ('ReLU', 'bottom: "x" top: "x"'),
                  ('Eltwise', 'bottom: "x" bottom: "y"'))
    check(tmp_path, text, {'data': images(2, 3, 7, 9)})


@pytest.mark.parametrize('kind, said, message', [
    ('Log', 'log_param { base: 1 }', 'base'), ('Exp', 'exp_param { base: -2 }', 'base'),
    ('Dropout', 'dropout_param { dropout_ratio: 1 }', 'dropout_ratio'), ('Softmax', 'softmax_param { axis: 4 }', 'axis'),
    ('Softmax', 'softmax_param { axis: 0 }', 'axis'), ('Power', 'power_param { scale: inf }', 'scale'),
    ('Power', 'power_param { shift: nan }', 'shift'), ('Eltwise', '', 'two bottoms'),
    ('Eltwise', 'bottom: "data" bottom: "data" eltwise_param { coeff: 1 }', 'coeff'),
    ('ReLU', 'bottom: "data" bottom: "data"', '1 bottom'), ('Clip', 'clip_param { min: 2 max: 1 }', 'min')])
def test_what_cannot_be_is_said(tmp_path, kind, said, message):
    (tmp_path / 'n.prototxt').write_text(net_of((kind, said)))
    with pytest.raises(ModelFileError, match=message) as raised:
        load_caffe(tmp_path / 'n.prototxt')
    assert f"'{kind.lower()}0' ({kind})" in str(raised.value)
