"""Images before a network of ImageNet, and the names of what comes out."""

import hashlib
import json

import numpy as np
import pytest

from fastkeras import applications, layers, ops
from fastkeras.applications import imagenet_utils
from fastkeras.applications.imagenet_utils import decode_predictions, preprocess_input
from fastkeras.models import Model
from fastkeras.utils.errors import ModelFileError
from tests.applications.recorded import as_in

MEANS, DEVIATIONS = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def expected(x, mode):
    """Of channels_last."""
    x = x.astype(np.float64)
    if mode == 'tf':
        return x / 127.5 - 1
    if mode == 'torch':
        return (x / 255 - MEANS) / DEVIATIONS
    return x[..., ::-1] - [103.939, 116.779, 123.68]


@pytest.mark.parametrize('mode', ['caffe', 'tf', 'torch'])
@pytest.mark.parametrize('layout', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('dtype', ['uint8', 'int64', 'float32', 'float64', 'float16'])
def test_modes(mode, layout, dtype):
    images = np.random.RandomState(0).randint(0, 256, (2, 5, 4, 3)).astype(dtype)
    want = expected(images, mode)
    back = (lambda y: np.moveaxis(y, -3, -1)) if layout == 'channels_first' else (lambda y: y)
    for x, w in ((images, want), (images[0], want[0])):
        given = np.moveaxis(x, -1, -3).copy() if layout == 'channels_first' else x.copy()
        before = given.copy()
        y = preprocess_input(given, data_format=layout, mode=mode)
        assert y.dtype == (dtype if dtype.startswith('float') else 'float32') and y.shape == given.shape
        np.testing.assert_allclose(back(y), w, rtol=1e-2 if dtype == 'float16' else 1e-5,
                                   atol=0.2 if dtype == 'float16' else 2e-5)
        if dtype.startswith('float'):       # written over, as in Keras
            assert np.shares_memory(y, given)
        else:
            np.testing.assert_array_equal(given, before)
    if dtype == 'float32':                  # a Keras tensor
        start = layers.Input(given.shape)
        model = Model(start, preprocess_input(start, data_format=layout, mode=mode))
        np.testing.assert_allclose(back(model.predict(before[None]))[0], want[0], rtol=1e-5, atol=2e-5)


def test_tensors_of_whole_numbers():
    images = np.random.RandomState(0).randint(0, 256, (2, 5, 4, 3)).astype('int32')
    for mode in ('caffe', 'tf', 'torch'):
        start = layers.Input((5, 4, 3), dtype='int32')
        y = Model(start, preprocess_input(start, mode=mode)).predict(images)
        np.testing.assert_allclose(y, expected(images, mode), rtol=1e-5, atol=2e-5)


def test_what_may_not_be_written_to_is_copied():
    x = np.ones((2, 2, 3), np.float32)
    x.flags.writeable = False
    np.testing.assert_allclose(preprocess_input(x, mode='tf'), 1 / 127.5 - 1)
    assert (x == 1).all()
    np.testing.assert_allclose(preprocess_input(x.tolist(), mode='tf'), 1 / 127.5 - 1)


@pytest.mark.parametrize('x, kwargs, said', [
    (np.ones((2, 2, 3)), {'mode': 'theano'}, "mode: expected 'caffe', 'tf' or 'torch'"),
    (np.ones((2, 2, 3)), {'data_format': 'last'}, 'data_format'),
    (np.ones((2, 2, 1)), {}, 'three channels'), (np.ones((2, 3)), {}, 'three channels'),
    (np.ones((2, 2, 3)), {'data_format': 'channels_first'}, 'three channels'),
    (np.ones((1, 2, 2, 4)), {'mode': 'torch'}, 'three channels')])
def test_mistakes(x, kwargs, said):
    with pytest.raises(ValueError, match=said):
        preprocess_input(x, **kwargs)


def test_each_network_has_its_own():
    x = np.random.RandomState(0).uniform(0, 255, (2, 4, 4, 3)).astype(np.float32)
    for names, mode in ((('vgg16', 'vgg19', 'resnet50', 'resnet'), 'caffe'), (('densenet',), 'torch'),
                        (('inception_v3', 'inception_resnet_v2', 'xception', 'mobilenet', 'nasnet', 'resnet_v2'), 'tf')):
        for name in names:
            y = getattr(applications, name).preprocess_input(x.copy())
            np.testing.assert_allclose(y, expected(x, mode), rtol=1e-4, atol=1e-4)
    for name in ('efficientnet', 'efficientnet_v2', 'mobilenet_v3', 'convnext'):
        assert getattr(applications, name).preprocess_input(x) is x
    for number, divisor in ((2, 128), (3, 127.5)):
        with as_in(number):
            np.testing.assert_allclose(applications.mobilenet_v2.preprocess_input(x.copy()), x / divisor - 1, rtol=1e-5,
                                       atol=1e-6)
    np.testing.assert_allclose(applications.vgg16.preprocess_input(x.copy(), mode='tf'), expected(x, 'tf'), rtol=1e-4,
                               atol=1e-5)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A file of classes where Keras keeps it, whose hash is expected."""
    monkeypatch.setenv('KERAS_HOME', str(tmp_path))
    monkeypatch.setattr(imagenet_utils, '_classes', [])
    path = tmp_path / 'models' / 'imagenet_class_index.json'
    path.parent.mkdir()

    def write(text):
        path.write_text(text)
        file_hash = hashlib.md5(text.encode()).hexdigest()
        monkeypatch.setattr(imagenet_utils, 'CLASS_INDEX', (*imagenet_utils.CLASS_INDEX[:2], file_hash))
        return path

    write(json.dumps({str(i): [f'n{i:08d}', f'name_{i}'] for i in range(1000)}))
    return write


def test_decode_predictions(index):
    scores = np.zeros((2, 1000), np.float32)
    scores[0, [7, 3, 900]] = 0.5, 0.3, 0.2
    scores[1, [1, 2]] = 0.25, 0.75
    first, second = decode_predictions(scores, top=3)
    assert first == [('n00000007', 'name_7', np.float32(0.5)), ('n00000003', 'name_3', np.float32(0.3)),
                     ('n00000900', 'name_900', np.float32(0.2))]
    assert [name for _, name, _ in second[:2]] == ['name_2', 'name_1'] and len(second) == 3
    assert [len(found) for found in applications.vgg16.decode_predictions(scores)] == [5, 5]
    assert decode_predictions(ops.convert_to_tensor(scores), top=1)[0][0][1] == 'name_7'
    assert decode_predictions(scores[:0]) == []


@pytest.mark.parametrize('preds, top', [(np.zeros(1000), 5), (np.zeros((2, 10)), 5), ([[0.5]], 5), (np.zeros((1, 1000)), 0),
                                        (np.zeros((1, 1000)), True), (np.zeros((1, 1000)), 2.5)])
def test_no_predictions(preds, top):
    with pytest.raises(ValueError, match='decode_predictions: '):
        decode_predictions(preds, top)


@pytest.mark.parametrize('text', ['{}', '[]', 'no json', '{"0": 3}', '[' * 100000,
                                  json.dumps({str(i): ['n'] for i in range(1000)})])
def test_a_file_of_something_else(index, text):
    path = index(text)
    with pytest.raises(ModelFileError, match=str(path)):
        decode_predictions(np.zeros((1, 1000)))


def test_where_the_classes_are_from():
    """Name, address and hash are Keras 3's."""
    assert imagenet_utils.CLASS_INDEX[0] == 'imagenet_class_index.json'
    assert imagenet_utils.CLASS_INDEX[2] == 'c2c37ea517e94d9795004a39431a14cb'


@pytest.mark.parametrize('shape, layout, flat, weights, want', [
    (None, 'channels_last', True, None, (224, 224, 3)), (None, 'channels_last', False, None, (None, None, 3)),
    (None, 'channels_first', False, None, (3, None, None)), ((100, 50, 3), 'channels_last', False, None, (100, 50, 3)),
    ((10, 50, 3), 'channels_last', False, None, None), ((None, None, 3), 'channels_last', True, None, None),
    ((1, 60, 60), 'channels_first', True, None, (1, 60, 60)), ((100, 100, 3), 'channels_last', True, 'imagenet', None),
    ((100, 100, 3), 'channels_last', False, 'imagenet', (100, 100, 3)),
    (None, 'channels_first', True, 'imagenet', (3, 224, 224))])
def test_the_shape_of_an_input(shape, layout, flat, weights, want):
    """As keras_applications 1.0.6; None: an error there, too."""
    given = dict(default_size=224, min_size=48, data_format=layout, weights=weights)
    for word in ('require_flatten', 'include_top'):
        if want is None:
            with pytest.raises(ValueError):
                imagenet_utils._obtain_input_shape(shape, **given, **{word: flat})
        else:
            assert imagenet_utils._obtain_input_shape(shape, **given, **{word: flat}) == want
