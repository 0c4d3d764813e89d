"""The process-wide settings: both generations' keywords, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import config, ops
from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.runtime import Function
from fastkeras.saving import trust


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
    with pytest.raises(ValueError, match='expected|must be one of'):
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


def test_what_keras_3_has_besides():
    assert config.backend() == 'fastkeras' and config.set_backend('fastkeras') is None
    assert not config.is_traceback_filtering_enabled() and not config.is_nnx_enabled()
    config.disable_traceback_filtering()
    config.disable_flash_attention()
    assert not config.is_flash_attention_enabled()
    config.enable_flash_attention()
    assert config.is_flash_attention_enabled()
    for call, said in [(lambda: config.set_backend('torch'), "expected 'fastkeras'"),
                       (config.enable_traceback_filtering, 'always shown whole'),
                       (lambda: config.set_max_epochs(0), '1 or more'),
                       (lambda: config.set_max_steps_per_epoch(2.5), '1 or more')]:
        with pytest.raises(ValueError, match=said):
            call()


def test_bounds_of_epochs_and_steps():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile('sgd', 'mse')
    x, y = np.ones((10, 2), 'float32'), np.ones((10, 1), 'float32')
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (2, 3)
    history = model.fit(x, y, batch_size=2, epochs=5, verbose=0)
    assert history.epoch == [0, 1] and int(model.optimizer.iterations) == 6
    assert model.predict(x, batch_size=2).shape == (6, 1)

    def batches():
        while True:
            yield x[:2], y[:2]
    assert len(model.fit(batches(), steps_per_epoch=5, epochs=3, verbose=0).epoch) == 2
    assert int(model.optimizer.iterations) == 12


def test_unsafe_deserialization_is_for_all_files():
    with trust.unsafe(False):
        assert not trust.code_may_run()
        config.enable_unsafe_deserialization()
        assert trust.code_may_run()


@pytest.mark.parametrize('text, expected', [
    ('{"floatx": "float64", "epsilon": 1e-5, "image_data_format": "channels_first", "backend": "theano"}',
     "('float64', 1e-05, 'channels_first')"),
    ('{"image_dim_ordering": "th"}', "('float32', 1e-07, 'channels_first')"),
    ('{"floatx": "float16"}', "('float32', 1e-07, 'channels_last') floatx cannot be 'float16'"),
    ('[1]', "('float32', 1e-07, 'channels_last') expected a dictionary"),
    ('{"floatx": ', "('float32', 1e-07, 'channels_last') Expecting value")])
def test_keras_json_is_read_and_not_written(text, expected, tmp_path):
    path = tmp_path / 'keras.json'
    path.write_text(text)
    code = ('import warnings\n'
            'with warnings.catch_warnings(record=True) as found:\n'
            '    warnings.simplefilter("always")\n'
            '    from fastkeras import config\n'
            'print((config.floatx(), config.epsilon(), config.image_data_format()), *(w.message for w in found))\n')
    env = {**os.environ, 'KERAS_HOME': str(tmp_path), 'PYTHONPATH': str(Path(fastkeras.__file__).parents[1])}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=env, timeout=60)
    said = done.stdout.replace(f' {path}:', '')
    assert said.startswith(expected), done.stderr + done.stdout
    assert path.read_text() == text and list(tmp_path.iterdir()) == [path]
