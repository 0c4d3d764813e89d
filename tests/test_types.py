"""What type checkers see of the package. They are no part of what the tests need: without them this is skipped."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras

CODE = """
import numpy as np

import fastkeras as fk
from fastkeras.callbacks import Callback, EarlyStopping, ModelCheckpoint
from fastkeras.layers import Conv2D, Dense, Input, Layer
from fastkeras.models import Model, Sequential, load_model
from fastkeras.preprocessing.image import ImageDataGenerator
from fastkeras.utils import plot_model, to_categorical

model = Sequential([Dense(3, activation='relu', input_shape=(4,)), fk.layers.Dropout(0.5), Dense(1, name='out')])
model.compile(fk.optimizers.SGD(0.1, clipnorm=1.0), 'mse', metrics=['mae'])
history = model.fit(np.ones((4, 4)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[EarlyStopping(patience=3)])
x = Input((4,))
other = Model(x, Dense(2)(x))


class Mine(Layer):
    def __init__(self, units: int) -> None:
        super().__init__(name='mine')
        self.units = units

    def call(self, x: object) -> object:
        return x


class Says(Callback):
    def on_epoch_end(self, epoch: int, logs: 'dict[str, object] | None' = None) -> None:
        self.model.stop_training = epoch > 3


print(model.optimizer.learning_rate, history.history['loss'][0], model.history.epoch, model.input_spec.ndim)
model.layers[0].trainable = False

reveal_type(load_model('a.h5'))             # models.model.Model
reveal_type(fk.models.load_model('a.h5'))   # models.model.Model
reveal_type(fk.Sequential())                # models.sequential.Sequential
reveal_type(history)                        # callbacks.loggers.History
reveal_type(Dense(3))                       # layers.core.Dense
reveal_type(fk.layers.Conv2D(3, 3))         # layers.convolution.Conv2D
reveal_type(fk.optimizers.Adam())           # optimizers.classic.Adam
reveal_type(model.layers[0])                # layers.base.Layer
reveal_type(Mine(3).get_config())           # dict[
reveal_type(to_categorical)                 # num_classes
reveal_type(fk.utils.plot_model)            # show_shapes
Dense('three')                              # error
EarlyStopping(patience='many')              # error
model.fit(epochs='ten')                     # error
fk.utils.no_such_name                       # error
"""


def wanted():
    """line → what has to be said of it."""
    return {n: line.rpartition('# ')[2] for n, line in enumerate(CODE.splitlines(), 1) if '  # ' in line}


@pytest.mark.parametrize('checker', ['mypy', 'pyright'])
def test_what_a_checker_sees(checker, tmp_path):
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f'{checker} is not installed')
    (tmp_path / 'user.py').write_text(CODE)
    root = str(Path(fastkeras.__file__).parents[1])
    if checker == 'mypy':
        (tmp_path / 'mypy.ini').write_text(f'[mypy]\nmypy_path = {root}\nfollow_imports = silent\nshow_error_codes = True\n')
        command = ['mypy', '--config-file', 'mypy.ini', '--cache-dir', str(tmp_path / 'cache'), 'user.py']
    else:
        (tmp_path / 'pyrightconfig.json').write_text(f'{{"extraPaths": ["{root}"], "include": ["user.py"]}}')
        command = ['pyright', '--pythonpath', sys.executable]
    out = subprocess.run([sys.executable, '-m', *command], cwd=tmp_path, capture_output=True, text=True).stdout
    said = [line for line in out.splitlines() if 'user.py:' in line]
    for n, word in wanted().items():
        about = [line for line in said if f'user.py:{n}:' in line]
        seen = word.rpartition('.')[2] if checker == 'pyright' else word     # which names classes without their modules
        assert any(seen in line for line in about), (word, about, out)
    wrong = [line for line in said if 'error' in line and wanted().get(int(line.split('user.py:')[1].split(':')[0])) != 'error']
    assert not wrong, wrong


def test_the_marker_is_packed():
    folder = Path(fastkeras.__file__).parent
    assert (folder / 'py.typed').exists()
    project = folder.parent / 'pyproject.toml'
    if project.exists():
        assert 'package-data = { fastkeras = ["py.typed"] }' in project.read_text()
