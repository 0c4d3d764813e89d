"""The table of what depends on the Keras generation."""

import base64
import json
import marshal
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fastkeras import activations, config, generation, layers, models, ops, optimizers
from fastkeras.differences import DIFFERENCES


def test_scope_counts_in_its_block_and_thread():
    assert config.generation() == 2
    with generation.scope(3):
        assert config.generation() == 3
        assert generation.of('config.module_and_registered_name') is True
        seen = []
        other = threading.Thread(target=lambda: seen.append(config.generation()))
        other.start()
        other.join()
        assert seen == [2]
    assert config.generation() == 2
    assert generation.of('config.module_and_registered_name') is False
    assert generation.of('config.module_and_registered_name', 3) is True


def test_defaults():
    rate = generation.ADADELTA_RATE
    assert rate == 1.0 and generation.chosen(rate) == 1.0
    assert generation.chosen(rate, 3) == 0.001
    assert generation.chosen(1.0, 3) == 1.0         # what the caller gave stays


def test_unknown():
    with pytest.raises(KeyError):
        generation.of('nothing')
    with pytest.raises(ValueError, match='expected'), generation.scope(1):
        pass


def test_generation_2_takes_a_side_in_every_switch():
    for row in DIFFERENCES:
        for switch, (two, three) in row.switches.items():
            assert generation.of(switch, '2.2.4') == two and generation.of(switch, 3) == three, switch
            assert generation.of(switch, 2) == (three if row.by_default == 3 else two), switch
    assert len(generation.TABLE) == sum(len(row.switches) for row in DIFFERENCES)


def test_page():
    page = Path(__file__).parent.parent / 'docs' / 'generations.md'
    if not page.parent.exists():
        pytest.skip('there is no docs/ beside the tests')
    assert page.read_text(encoding='utf8') == generation.page(), 'python -m fastkeras.generation > docs/generations.md'


# ---- generation '2.2.4'; its training is compared with Keras 2.2.4 in parity/test_strict.py

@pytest.fixture
def strict():
    config.set_generation('2.2.4')
    yield
    config.set_generation(2)


def test_strict_is_named_by_text_alone(strict):
    assert config.generation() == '2.2.4'
    for value in ('2', 2.2, '2.2'):
        with pytest.raises(ValueError, match="'2.2.4'"):
            config.set_generation(value)


@pytest.mark.parametrize('text, expected', [('2', '2'), ('3', '3'), ('2.2.4', "'2.2.4'"),
                                            ('2.3', "expected '2', '3' or '2.2.4'")])
def test_environment(text, expected):
    code = 'from fastkeras import config; print(repr(config.generation()))'
    done = subprocess.run([sys.executable, '-c', code], env={**os.environ, 'FASTKERAS_GENERATION': text}, capture_output=True,
                          text=True)
    assert expected in (done.stdout or done.stderr)


@pytest.mark.parametrize('call, words', [
    (lambda: layers.Dense(2)(np.ones((1, 2), 'float32')), "isn't a symbolic tensor"),
    (lambda: models.Sequential([layers.Dense(2)]).summary(), 'has not yet been built'),
    (lambda: activations.softmax(ops.ones(3)), 'cannot apply softmax to a tensor that is 1D')])
def test_strict_refuses(strict, call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_strict_adds_no_inputs(strict):
    with pytest.raises(TypeError, match='added layer must be an instance'):
        models.Sequential().add(layers.Input((2,)))


def test_strict_writes_hdf5_whatever_the_name(strict, tmp_path):
    pytest.importorskip('h5py')
    model = models.Sequential([layers.Dense(2, input_shape=(3,)), layers.BatchNormalization()])
    model.save(tmp_path / 'm.keras')
    model.save_weights(tmp_path / 'm.weights.h5')
    for name in ('m.keras', 'm.weights.h5'):
        assert (tmp_path / name).read_bytes()[:4] == b'\x89HDF'
    x = np.ones((4, 3), 'float32')
    np.testing.assert_array_equal(models.load_model(tmp_path / 'm.keras').predict(x), model.predict(x))
    model.load_weights(tmp_path / 'm.weights.h5')


def test_strict_names_and_defaults(strict):
    assert layers.GRU(2).reset_after is False and layers.LSTM(2).recurrent_activation.__name__ == 'hard_sigmoid'
    assert not layers.UpSampling2D(interpolation='bilinear').half_pixel_centers
    assert layers.UpSampling2D(interpolation='bicubic').half_pixel_centers
    assert layers.UpSampling2D(interpolation='bilinear', half_pixel_centers=True).half_pixel_centers
    assert optimizers.Adagrad().get_config()['lr'] == pytest.approx(0.01)


def test_strict_numbers_are_of_numpy(strict):
    model = models.Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile('sgd', 'mse', metrics=['mae'])
    x, y = np.ones((4, 2), 'float32'), np.ones((4, 1), 'float32')
    for _ in range(3):
        assert {type(v) for v in model.train_on_batch(x, y)} == {np.float32}
    assert {type(v) for v in model.evaluate(x, y, verbose=0)} == {np.float32}
    assert {type(v) for v in model.fit(x, y, verbose=0, validation_data=(x, y)).history['val_mae']} == {np.float32}


def test_strict_files_run_no_code(strict):
    """Keras 2.2.4 does; a file is data."""
    code = base64.b64encode(marshal.dumps((lambda x: x + 1).__code__)).decode()
    layer = {'name': 'l', 'function': [code, None, None], 'function_type': 'lambda', 'output_shape_type': 'raw',
             'batch_input_shape': [None, 2]}
    with pytest.raises(ValueError, match='safe_mode'):
        models.model_from_json(json.dumps({'class_name': 'Sequential', 'config': [{'class_name': 'Lambda', 'config': layer}]}))


def test_averages_are_of_each_call(strict):
    """A layer called twice in a step has two averages, both exact after one batch; the second is what stays."""
    layer = layers.BatchNormalization(momentum=0.5)
    a, b = layers.Input((2,)), layers.Input((2,))
    model = models.Model([a, b], layers.add([layer(a), layer(b)]))
    model.compile('sgd', 'mse')
    x, y = np.float32([[0, 0], [2, 4]]), np.float32([[8, 8], [6, 8]])
    model.train_on_batch([x, y], x)
    np.testing.assert_allclose(layer.get_weights()[2], y.mean(0))
    np.testing.assert_allclose(layer.get_weights()[3], y.var(0) * 2 / (2 - 1.001), rtol=1e-6)


def test_data_format_of_one_axis_follows_the_setting_in_generation_3():
    before = config.image_data_format()
    config.set_image_data_format('channels_first')
    try:
        for which, expected in ((2, 'channels_last'), ('2.2.4', 'channels_last'), (3, 'channels_first')):
            with generation.scope(which):
                for layer in (layers.Conv1D(1, 1), layers.MaxPooling1D(), layers.SeparableConv1D(1, 1),
                              layers.GlobalMaxPooling1D()):
                    assert layer.data_format == expected
    finally:
        config.set_image_data_format(before)


X = np.random.RandomState(0).standard_normal((12, 4)).astype('float32')
KIND, YES = np.random.RandomState(1).randint(0, 3, 12), np.random.RandomState(2).randint(0, 2, 12)


@pytest.mark.parametrize('units, activation, loss, y, more', [
    (1, 'sigmoid', 'binary_crossentropy', YES, {'class_weight': {0: 1.0, 1: 3.0}}),
    (1, 'sigmoid', 'binary_crossentropy', YES.astype(bool), {'validation_split': 0.25}),
    (1, None, 'mse', YES.tolist(), {}), (1, None, 'hinge', YES[:, None], {}),
    (3, 'softmax', 'sparse_categorical_crossentropy', KIND.astype('uint8'), {'sample_weight': np.arange(12.0) + 1}),
    (3, 'softmax', 'sparse_categorical_crossentropy', KIND[:, None].astype('float64'), {}),
    (3, 'softmax', 'sparse_categorical_crossentropy', KIND.astype('int16'), {})])
def test_targets_of_any_kind_train_alike(units, activation, loss, y, more):
    """However a target is fed, the losses of this package see the same."""
    found = []
    for which in (2, 3):
        with generation.scope(which):
            model = models.Sequential([layers.Input((4,)), layers.Dense(units, activation, kernel_initializer='ones')])
            model.compile('sgd', loss, metrics=['accuracy'])
            found.append(model.fit(X, y, batch_size=4, epochs=2, shuffle=False, verbose=0, **more).history['loss'])
    np.testing.assert_allclose(*found, rtol=1e-6)
