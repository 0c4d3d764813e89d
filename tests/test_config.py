"""The process-wide settings: both generations' keywords, and what is refused."""

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.runtime import Function


@pytest.fixture(autouse=True)
def restored():
    saved = dict(config._settings)
    yield
    config._settings.update(saved)


def test_defaults():
    assert config.floatx() == 'float32'
    assert config.epsilon() == 1e-7
    assert config.image_data_format() == 'channels_last'


def test_either_keyword():
    config.set_floatx(floatx='float64')
    assert config.floatx() == 'float64'
    config.set_floatx(value='float32')
    assert config.floatx() == 'float32'
    config.set_epsilon(e=1e-5)
    assert config.epsilon() == 1e-5
    config.set_epsilon(1e-6)
    assert config.epsilon() == 1e-6
    with pytest.raises(TypeError, match='one argument'):
        config.set_floatx()
    with pytest.raises(TypeError, match='one argument'):
        config.set_epsilon(1e-3, e=1e-3)


@pytest.mark.parametrize('call', [
    lambda: config.set_floatx('float16'),
    lambda: config.set_epsilon('small'),
    lambda: config.set_epsilon(-1.0),
    lambda: config.set_epsilon(float('nan')),
    lambda: config.set_image_data_format('NCHW'),
    lambda: config.standardize_data_format('first'),
    lambda: config.set_generation(1),
    lambda: config.set_generation('3'),
    lambda: config.set_num_threads(0),
    lambda: config.set_num_threads(1.5),
    lambda: config.set_num_threads(True),
    lambda: config.set_winograd(1),
])
def test_refuses(call):
    with pytest.raises(ValueError, match='expected'):
        call()


def test_layout():
    config.set_image_data_format('channels_first')
    assert config.standardize_data_format() == 'channels_first'
    assert config.standardize_data_format('channels_last') == 'channels_last'


def test_generation():
    config.set_generation(3)
    assert config.generation() == 3


def test_what_is_compiled_later_respects_winograd():
    convolve = Function(lambda x, w: ops.conv(x, w, 1, 'same', 'channels_last'))
    x, w = (np.random.default_rng(0).standard_normal(s).astype('float32') for s in ((1, 16, 16, 32), (3, 3, 32, 32)))

    def kernels():
        y = convolve(x, w)
        np.testing.assert_array_equal(ops.conv(x, w, 1, 'same', 'channels_last'), y)
        return {step.kernel for step in convolve.traced_for((x, w)).compiled.steps}
    config.set_winograd(True)
    assert 'winograd' in kernels()
    config.set_winograd(False)
    assert 'winograd' not in kernels() and 'conv_few' in kernels()
    config.set_winograd(True)
    assert 'winograd' in kernels()
