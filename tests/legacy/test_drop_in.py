"""`import keras` as ours, in processes of their own: what is imported first counts for all of a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras

ROOT = Path(fastkeras.__file__).parents[1]


def run(*arguments, code=None, status=0, cwd=None):
    env = {**os.environ, 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, *(('-c', code) if code is not None else arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, cwd=cwd)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr if status else done.stdout


PROGRAM = '''
import sys
import keras
import keras.backend as K
from keras import layers, models
from keras.layers.core import Dense
from keras.layers.convolutional import Convolution2D
from keras.layers.advanced_activations import LeakyReLU
from keras.engine.topology import Layer, InputSpec
from keras.engine.training import Model
from keras.utils.np_utils import to_categorical
from keras.utils.generic_utils import func_dump
from keras.preprocessing.image import ImageDataGenerator
from keras.legacy import interfaces
from keras.objectives import mse
from keras_preprocessing.sequence import pad_sequences
import fastkeras
assert keras is fastkeras and layers is fastkeras.layers and Dense is fastkeras.layers.Dense
assert Layer is fastkeras.layers.Layer and Model is fastkeras.models.Model and K is fastkeras.backend
assert mse is fastkeras.losses.mean_squared_error and keras.layers.core.__spec__.name == 'fastkeras.layers.core'
print(__name__, sys.argv[1:], K.backend())
'''


def test_a_program_runs_with_its_arguments(tmp_path):
    (tmp_path / 'program.py').write_text(PROGRAM + 'import beside\nprint(beside.x)\n')
    (tmp_path / 'beside.py').write_text('import keras\nx = keras.__version__\n')
    text = run('-m', 'fastkeras', str(tmp_path / 'program.py'), 'a', '--b')
    assert text == f"__main__ ['a', '--b'] fastkeras\n{fastkeras.__version__}\n"


def test_a_module_runs_with_its_arguments(tmp_path):
    (tmp_path / 'package').mkdir()
    (tmp_path / 'package' / '__main__.py').write_text(PROGRAM)
    assert run('-m', 'fastkeras', '-m', 'package', '7', cwd=tmp_path) == "__main__ ['7'] fastkeras\n"


def test_a_program_that_fails_fails_as_it_does(tmp_path):
    (tmp_path / 'program.py').write_text('import keras\nraise SystemExit(3)\n')
    run('-m', 'fastkeras', str(tmp_path / 'program.py'), status=3)
    (tmp_path / 'program.py').write_text('import keras\nkeras.layers.Dence\n')
    assert "Dence" in run('-m', 'fastkeras', str(tmp_path / 'program.py'), status=1)
    assert 'no program' in run('-m', 'fastkeras', str(tmp_path / 'other.py'), status=2)
    assert 'no option' in run('-m', 'fastkeras', '--flags', status=2)


def test_what_this_build_is():
    text = run('-m', 'fastkeras')
    assert fastkeras.__version__ in text and fastkeras.config.isa() in text
    for word in ('threads', 'build', 'cache', 'generation'):
        assert any(line.startswith(word) for line in text.splitlines())


def test_modules_that_keras_does_not_have_are_not_there_either():
    code = ('import fastkeras; fastkeras.install_as_keras(); fastkeras.install_as_keras()\n'
            'import importlib.util\n'
            'assert importlib.util.find_spec("keras.nothing") is None\n'
            'try:\n    import keras.engine.nothing\nexcept ImportError as e:\n    print(type(e).__name__)\n')
    assert run(code=code) == 'ModuleNotFoundError\n'


def test_another_keras_that_is_there_already_is_left_alone():
    code = ('import sys, types; sys.modules["keras"] = types.ModuleType("keras")\n'
            'import fastkeras\n'
            'try:\n    fastkeras.install_as_keras()\nexcept RuntimeError as e:\n    print(e)\n')
    assert 'was imported before' in run(code=code)


def test_sessions_where_tensorflow_is_not_installed():
    code = ('import importlib.util\n'
            'there = importlib.util.find_spec("tensorflow") is not None\n'
            'import fastkeras; fastkeras.install_as_keras()\n'
            'if not there:\n'
            '    import tensorflow as tf\n'
            '    from keras import backend as K\n'
            '    K.set_session(tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1)))\n'
            '    from tensorflow.keras.layers import Dense\n'
            '    from tensorflow.compat.v1 import ConfigProto\n'
            '    assert Dense is fastkeras.layers.Dense and tf.keras is fastkeras\n'
            '    assert fastkeras.config.get_num_threads() == 1\n'
            'print(there)\n')
    if run(code=code) != 'False\n':
        pytest.skip('TensorFlow is installed here')
