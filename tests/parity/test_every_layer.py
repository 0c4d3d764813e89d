"""No layer without numbers of a real Keras, but for these."""

import re
from pathlib import Path

import pytest

from fastkeras import layers

from . import cases, layer_cases

HERE = Path(__file__).parent
EXCUSED = {
    **dict.fromkeys(('Layer', 'Wrapper', 'Recurrent', 'ConvRecurrent2D'), 'a base'),
    **dict.fromkeys(('InputLayer', 'OpLayer', 'Pipeline'), 'holds what is recorded of others'),
    **dict.fromkeys(('CustomScaleLayer', 'LayerScale', 'StochasticDepth'),
                    'Keras has them inside networks alone: recorded there, applications/test_applications.py'),
    **dict.fromkeys(('ParametricSoftplus', 'SReLU'), 'Keras 1 alone has them: recorded in saving/test_keras1_configs.py'),
    'ConvLSTM2DCell': 'is what ConvLSTM2D runs',
    'Lambda': "what it computes is the user's",
    **dict.fromkeys(('CuDNNGRU', 'CuDNNLSTM'), 'Keras runs them on graphics cards alone: against GRU and LSTM in '
                                               'layers/test_cudnn_recurrent.py'),
    **dict.fromkeys(('AugMix', 'CutMix', 'MixUp', 'RandAugment', 'RandomColorJitter', 'RandomCrop',
                     'RandomElasticTransform', 'RandomFlip', 'RandomShear'),
                    'draws at random, whatever its arguments: against NumPy in layers/test_image_layers.py'),
}


def public():
    """(name, all its names) of each class of layers."""
    found = {}
    for name in layers.__all__:
        value = getattr(layers, name)
        if isinstance(value, type) and issubclass(value, layers.Layer):
            found.setdefault(value, []).append(name)
    return [(value.__name__, names) for value, names in found.items()]


@pytest.mark.parametrize('name, names', public(), ids=[name for name, _ in public()])
def test_recorded(name, names):
    text = '\n'.join(f.read_text() for f in Path(cases.__file__).parent.glob('*.py'))
    recorded = set(re.findall(r"\('(\w+)',|layers\.(\w+)\(", text))
    known = {word for pair in recorded for word in pair} | {case[0] for case in layer_cases.CASES}
    assert (set(names) | {name}) & (known | set(EXCUSED))


def test_excuses_are_needed():
    assert set(EXCUSED) <= {n for _, names in public() for n in names}
