"""Arguments of the applications: what is taken, what is refused, and where weights come from."""

import subprocess
import sys

import numpy as np
import pytest

from fastkeras import applications, config, layers
from fastkeras.applications import application, mobilenet, mobilenet_v2, vgg16
from fastkeras.models import Model
from fastkeras.utils.errors import ModelFileError
from tests.applications import cases
from tests.applications.recorded import as_in

SMALL = {'weights': None, 'alpha': 0.25, 'input_shape': (32, 32, 3)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
    return tmp_path / 'keras' / 'models'


def test_nothing_is_loaded_before_it_is_used():
    code = ('import sys, fastkeras; fastkeras.applications.MobileNet; '
            'print(sorted(m for m in sys.modules if m.startswith("fastkeras.applications.")))')
    found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert 'nasnet' not in found and 'vgg' not in found and 'fastkeras.applications.mobilenet' in found


def test_every_name_is_where_keras_has_it():
    for name in cases.NETWORKS:
        function = getattr(applications, name)
        assert getattr(sys.modules[function.__module__], name) is function
        assert function.__doc__ and 'include_top: with the layers' in function.__doc__
    for module in ('vgg16', 'vgg19', 'resnet50', 'resnet', 'resnet_v2', 'inception_v3', 'inception_resnet_v2', 'xception',
                   'mobilenet', 'mobilenet_v2', 'mobilenetv2', 'mobilenet_v3', 'densenet', 'nasnet', 'efficientnet',
                   'efficientnet_v2', 'convnext', 'imagenet_utils'):
        module = getattr(applications, module)
        assert callable(module.preprocess_input) and callable(module.decode_predictions)


@pytest.mark.parametrize('kwargs, said', [
    ({'weights': 'imagnet'}, "the path to the weights file to be loaded; there is no file 'imagnet'"),
    ({'weights': 3}, '`weights` argument should be either None'),
    ({'weights': 'imagenet', 'classes': 10}, "'imagenet' with include_top=True are for 1000 classes"),
    ({'weights': 'imagenet', 'input_shape': (64, 64, 3)}, 'are for input_shape=\\(224, 224, 3\\)'),
    ({'weights': 'imagenet', 'include_top': False, 'input_shape': (64, 64, 1)}, 'are for 3 channels'),
    ({'weights': 'imagenet', 'classifier_activation': 'sigmoid'}, "classifier_activation: with weights expected 'softmax'"),
    ({'weights': None, 'input_shape': (31, 40, 3)}, 'at least 32x32, got input_shape=\\(31, 40, 3\\)'),
    ({'weights': None, 'input_shape': (None, 40, 3)}, 'all sizes of input_shape must be known'),
    ({'weights': None, 'input_shape': (32, 32)}, 'expected three whole numbers'),
    ({'weights': None, 'input_shape': 32}, 'expected three whole numbers'),
    ({'weights': None, 'input_shape': (32.5, 32, 3)}, 'expected three whole numbers'),
    ({'weights': None, 'pooling': 'mean', 'include_top': False}, "pooling: expected None, 'avg' or 'max'"),
    ({'weights': None, 'classes': 0}, 'classes: expected a whole number'),
    ({'weights': None, 'classes': 2.5}, 'classes: expected a whole number'),
    ({'weights': None, 'input_tensor': np.zeros((1, 32, 32, 3))}, 'input_tensor: expected a Keras tensor'),
])
def test_mistakes(kwargs, said):
    with pytest.raises(ValueError, match=f'VGG16: .*{said}'):
        applications.VGG16(**kwargs)


@pytest.mark.parametrize('name, least', [('InceptionV3', 75), ('InceptionResNetV2', 75), ('Xception', 71), ('NASNetMobile', 32),
                                         ('MobileNetV3Small', 32), ('EfficientNetB0', 32), ('ConvNeXtTiny', 32)])
def test_smallest_images(name, least):
    with pytest.raises(ValueError, match=f'{name}: .*at least {least}x{least}'):
        getattr(applications, name)(weights=None, include_top=False, input_shape=(least, least - 1, 3))


@pytest.mark.parametrize('function, kwargs, said', [
    ('MobileNet', {'weights': 'imagenet', 'alpha': 0.3}, 'alpha=0.25, 0.5, 0.75, 1.0, got 0.3'),
    ('MobileNet', {'weights': 'imagenet', 'depth_multiplier': 2}, 'depth_multiplier=1, got 2'),
    ('MobileNet', {'weights': None, 'alpha': 0}, 'alpha: expected a number'),
    ('MobileNetV2', {'weights': 'imagenet', 'alpha': 0.25}, 'alpha=0.35, '),
    ('MobileNetV3Small', {'weights': 'imagenet', 'alpha': 0.5}, 'alpha=0.75, 1.0, got 0.5'),
    ('MobileNetV3Large', {'weights': 'imagenet', 'alpha': 0.75, 'minimalistic': True}, 'alpha=1.0, got 0.75'),
    ('NASNetMobile', {'weights': None, 'include_top': False, 'input_shape': (None, 224, 3)}, 'must be known'),
])
def test_mistakes_of_some(function, kwargs, said):
    with pytest.raises(ValueError, match=f'{function}: .*{said}'):
        getattr(applications, function)(**kwargs)


def test_what_has_no_effect_is_warned_of():
    with pytest.warns(UserWarning, match="pooling='avg' has no effect"):
        applications.MobileNet(**SMALL, pooling='avg')
    with pytest.warns(UserWarning, match='depth_multiplier=2 has no effect'):
        applications.MobileNetV2(weights=None, alpha=0.35, include_top=False, depth_multiplier=2)
    with pytest.warns(UserWarning, match='1 or 3 channels'):
        applications.MobileNet(weights=None, alpha=0.25, input_shape=(32, 32, 4))


def test_input_tensor():
    start = layers.Input((40, 48, 3), name='photo')
    scaled = layers.Rescaling(1 / 127.5, -1.0)(start)
    model = applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_tensor=scaled)
    assert model.input is start and model.layers[1].name == scaled._keras_history.layer.name
    assert model.output_shape == (None, 1, 1, 256)
    assert applications.MobileNet(alpha=0.25, weights=None, input_tensor=start, classes=3).output_shape == (None, 3)
    with pytest.raises(ValueError, match='input_tensor: expected a tensor of input_shape=\\(32, 32, 3\\)'):
        applications.MobileNet(**SMALL, input_tensor=start)
    with pytest.raises(ValueError, match='input_tensor: expected a tensor of \\(batch, rows, columns, channels\\)'):
        applications.MobileNet(alpha=0.25, weights=None, input_tensor=layers.Input((3,)))


def test_inside_another_model():
    base = applications.MobileNet(alpha=0.25, weights=None, include_top=False, pooling='avg', input_shape=(32, 32, 3))
    base.trainable = False
    x = layers.Input((32, 32, 3))
    model = Model(x, layers.Dense(2, activation='softmax')(base(x, training=False)))
    model.compile('adam', 'categorical_crossentropy')
    before = base.get_weights()
    model.fit(np.random.RandomState(0).rand(4, 32, 32, 3).astype('float32'), np.eye(2)[[0, 1, 0, 1]], verbose=0)
    assert all((a == b).all() for a, b in zip(before, base.get_weights()))
    assert len(model.trainable_weights) == 2


def test_names_and_positions_of_both_generations():
    model = applications.MobileNetV2((96, 96, 3), 0.35, False, None)        # as in Keras 3
    assert model.name == 'mobilenetv2_0.35_96' and model.output_shape == (None, 3, 3, 1280)
    model = applications.MobileNetV2((96, 96, 3), 0.35, 1, False, None)     # as in Keras 2
    assert model.output_shape == (None, 3, 3, 1280)
    for number, name in ((2, 'NASNet'), (3, 'nasnet_mobile')):
        with as_in(number):
            assert applications.NASNetMobile(weights=None, include_top=False).name == name
    with as_in(2):
        assert applications.Xception(weights=None).input_shape == (None, None, None, 3)
    with as_in(3):
        assert applications.Xception(weights=None).input_shape == (None, 299, 299, 3)
        assert applications.MobileNet(**SMALL, name='mine').name == 'mine'


def test_classifier_activation():
    with as_in(3):
        model = applications.MobileNet(**SMALL, classes=4, classifier_activation=None)
        other = applications.MobileNet(**SMALL, classes=4)
        other.set_weights(model.get_weights())
    x = np.random.RandomState(0).rand(2, 32, 32, 3).astype('float32')
    logits = model.predict(x)
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(other.predict(x), share, rtol=1e-5)


# ---- weights
def test_weights_from_a_path(tmp_path):
    model = applications.MobileNet(**SMALL, classes=5)
    path = tmp_path / 'weights.h5'
    model.save_weights(str(path))
    again = applications.MobileNet(alpha=0.25, input_shape=(32, 32, 3), classes=5, weights=path)
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights()))
    with pytest.raises(ValueError):
        applications.MobileNet(alpha=0.25, input_shape=(32, 32, 3), classes=6, weights=str(path))
    path.write_bytes(b'no weights')
    with pytest.raises(ModelFileError):
        applications.MobileNet(alpha=0.25, input_shape=(32, 32, 3), classes=5, weights=str(path))


@pytest.mark.parametrize('include_top, file', [(True, 'mobilenet_2_5_128_tf.h5'), (False, 'mobilenet_2_5_128_tf_no_top.h5')])
def test_weights_of_imagenet_in_the_cache(cache, include_top, file):
    """A file that Keras downloaded is taken from where Keras keeps it."""
    shape = {'alpha': 0.25, 'input_shape': (128, 128, 3), 'include_top': include_top}
    model = applications.MobileNet(**shape, weights=None)
    cache.mkdir(parents=True)
    model.save_weights(str(cache / file))
    again = applications.MobileNet(**shape)
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights()))


def test_weights_of_imagenet_are_downloaded(cache, tmp_path, monkeypatch):
    model = applications.MobileNet(alpha=0.25, weights=None, include_top=False)
    mirror = tmp_path / 'mirror'
    mirror.mkdir()
    model.save_weights(str(mirror / 'mobilenet_2_5_224_tf_no_top.h5'))
    asked = []

    def elsewhere(name, origin, **kwargs):
        asked.append((name, origin, kwargs))
        return get_file(name, (mirror / name).as_uri(), **kwargs)

    get_file = application.get_file
    monkeypatch.setattr(application, 'get_file', elsewhere)
    with pytest.warns(UserWarning, match='those for 224 are taken'):
        again = applications.MobileNet(alpha=0.25, include_top=False)
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights()))
    name = 'mobilenet_2_5_224_tf_no_top.h5'
    assert asked == [(name, f'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/{name}',
                      {'file_hash': None, 'cache_subdir': 'models'})]
    assert (cache / name).exists()


def test_correct_pad():
    for size, window, want in ((224, 3, (0, 1)), (225, 3, (1, 1)), (224, 5, (1, 2)), (225, 7, (3, 3)), (None, 3, (0, 1))):
        x = layers.Input((size, size, 3))
        assert application.correct_pad(x, window, 3) == (want, want)
    assert application.divisible(33) == 32 and application.divisible(10.4) == 16 and application.divisible(3) == 8


def test_a_width_of_its_own():
    assert mobilenet.square((160, 160, 3), mobilenet.SIZES) == 160
    assert mobilenet.square((160, 161, 3), mobilenet.SIZES) == 224
    assert mobilenet.square(None, mobilenet_v2.SIZES) == 224
    config.set_image_data_format('channels_first')
    try:
        assert mobilenet.square((3, 96, 96), mobilenet_v2.SIZES) == 96
        with pytest.raises(ValueError, match='channels last'):
            applications.ConvNeXtTiny(weights=None)
    finally:
        config.set_image_data_format('channels_last')


def test_messages_tell_the_order_of_axes():
    config.set_image_data_format('channels_first')
    try:
        with pytest.raises(ValueError, match='VGG16: .*input_shape=.*\\(channels, rows, columns\\)'):
            vgg16.VGG16(weights=None, input_shape=(3, 32, 31), include_top=False)
    finally:
        config.set_image_data_format('channels_last')
