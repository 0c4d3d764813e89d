"""The pass over a batch against keras-preprocessing."""
import threading

import numpy as np
import pytest

from fastkeras import _core
from fastkeras.preprocessing.image.warp import Pipeline

pytestmark = [pytest.mark.filterwarnings('ignore:Please import:DeprecationWarning'),
              pytest.mark.filterwarnings('ignore:This ImageDataGenerator:UserWarning'),
              pytest.mark.filterwarnings('ignore:Expected input to be images:UserWarning')]
ALL = dict(rotation_range=40, width_shift_range=.2, height_shift_range=.2, shear_range=15, zoom_range=.3, horizontal_flip=True,
           vertical_flip=True)


@pytest.fixture(params=_core.isas())
def isa(request):
    before = _core.isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


def images(data_format='channels_last', n=6, h=23, w=31, c=3, dtype='uint8', seed=0):
    shape = (n, c, h, w) if data_format == 'channels_first' else (n, h, w, c)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


def both(x, seed=0, cval=0., **settings):
    """Results of keras-preprocessing and of a Pipeline, by the same transforms."""
    image = pytest.importorskip('keras_preprocessing.image', reason='keras-preprocessing is the reference')
    pytest.importorskip('scipy.ndimage', reason='keras-preprocessing warps by scipy')
    generator = image.ImageDataGenerator(cval=cval, **settings)
    if settings.get('featurewise_center'):
        generator.fit(x)
    np.random.seed(seed)
    params = [generator.get_random_transform(x.shape[1:]) for _ in x]
    want = np.stack([generator.standardize(generator.apply_transform(a.astype('float32'), p)) for a, p in zip(x, params)])
    pipeline = Pipeline(generator.data_format, generator.fill_mode, cval, generator.interpolation_order, generator.rescale,
                        generator.samplewise_center, generator.samplewise_std_normalization, generator.mean, generator.std)
    return want, pipeline.run(x, params, np.full(x.shape, 77, np.float32))


def close(got, want, atol=1e-5):
    """Within 1e-5 of the range of values."""
    np.testing.assert_allclose(got, want, rtol=0, atol=atol * max(1., np.ptp(want)))


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('fill_mode', ['nearest', 'constant', 'reflect', 'wrap'])
@pytest.mark.parametrize('order', [0, 1, 3])
def test_transforms(data_format, fill_mode, order, isa):
    for dtype, c in (('uint8', 3), ('float32', 3), ('uint8', 1), ('float32', 4), ('uint8', 4), ('float32', 2)):
        x = images(data_format, c=c, dtype=dtype)
        want, got = both(x, 5, data_format=data_format, fill_mode=fill_mode, interpolation_order=order, cval=9., **ALL)
        close(got, want)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('settings', [
    dict(rescale=1 / 255), dict(rescale=-3., channel_shift_range=60.), dict(channel_shift_range=60.),
    dict(samplewise_center=True), dict(samplewise_std_normalization=True, rescale=1 / 255),
    dict(featurewise_center=True), dict(featurewise_std_normalization=True, featurewise_center=True, rescale=2.),
    dict(featurewise_center=True, samplewise_std_normalization=True, channel_shift_range=10., rescale=.1)])
def test_values(data_format, settings, isa):
    for transforms in ({}, ALL):
        for c in (1, 3, 5):
            want, got = both(images(data_format, c=c), 1, data_format=data_format, **transforms, **settings)
            close(got, want)


@pytest.mark.parametrize('c', [1, 3, 4])
def test_brightness_is_that_of_pillow_to_the_step(c, isa):
    for settings in (ALL, {'rescale': 1 / 255}, {'channel_shift_range': 40., **ALL}):
        for dtype in ('uint8', 'float32'):
            want, got = both(images(c=c, n=12, dtype=dtype), 2, brightness_range=(0., 3.), **settings)
            np.testing.assert_allclose(got, want, rtol=1e-6)


def test_brightness_of_channels_first_is_that_of_channels_last():
    x = images(c=4)
    params = [{'brightness': b} for b in (0, .3, .99, 1, 1.5, -1.)]
    last = Pipeline().run(x, params, np.zeros(x.shape, np.float32))
    turned = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    first = Pipeline('channels_first').run(turned, params, np.zeros(turned.shape, np.float32))
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    spread = (x[0, ..., 3] - float(x[0].min())) / np.float32(np.ptp(x[0])) * np.float32(255)
    np.testing.assert_array_equal(last[0, ..., 3], np.trunc(spread))  # opacity stays


def test_outside_is_cval_after_rescaling():
    x = images(n=1)
    for rescale in (1 / 255, -2., None):
        out = Pipeline(fill_mode='constant', cval=.5, rescale=rescale).run(x, [{'tx': 100.}], np.zeros(x.shape, np.float32))
        np.testing.assert_allclose(out, .5, rtol=1e-6)


def test_mean_and_std_of_any_shape_that_broadcasts():
    x = images(dtype='float32')
    rng = np.random.default_rng(0)
    for shape in ((), (1,), (3,), (1, 1, 3), (31, 3), (1, 31, 1), (23, 1, 1), (23, 31, 3)):
        mean, std = rng.random(shape), rng.random(shape) + 1
        got = Pipeline(mean=mean, std=std).run(x, None, np.zeros(x.shape, np.float32))
        np.testing.assert_allclose(got, (x - mean) / (std + 1e-6), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match='mean, std'):
        Pipeline(mean=np.zeros(4)).run(x, None, np.zeros(x.shape, np.float32))


def test_what_may_be_given():
    x = images(dtype='float32')
    params = [{'theta': 10. * k, 'flip_horizontal': k % 2} for k in range(len(x))]
    want = Pipeline().run(x, params, np.zeros(x.shape, np.float32))
    views = np.asfortranarray(x)
    for given in (list(x), tuple(x), views, [views[k] for k in range(6)], [a.tolist() for a in x], x.astype('float64'),
                  x.astype('int16'), x.astype('uint8')):
        np.testing.assert_allclose(Pipeline().run(given, params, np.zeros(x.shape, np.float32)), want, atol=1e-4)
    for out in (np.zeros(x.shape), np.zeros(x.shape, np.float32).transpose(0, 2, 1, 3).copy().transpose(0, 2, 1, 3),
                np.zeros((12, *x.shape[1:]), np.float32)[::2]):
        assert Pipeline().run(x, params, out) is out
        np.testing.assert_array_equal(out, want)
    assert Pipeline().run([], [], np.zeros((0, 4, 4, 3), np.float32)).shape == (0, 4, 4, 3)
    for shape in ((2, 0, 4, 3), (2, 4, 0, 3), (2, 4, 4, 0)):
        assert Pipeline().run(np.zeros(shape), [{'theta': 3.}] * 2, np.zeros(shape, np.float32)).shape == shape


def test_the_result_of_an_image_depends_on_nothing_else():
    x = images(n=20, h=90, w=100)
    params = [{'theta': 7. * k, 'zx': .9} for k in range(len(x))]
    pipeline = Pipeline(order=1)
    together = pipeline.run(x, params, np.zeros(x.shape, np.float32))
    for k in (0, 19):
        alone = pipeline.run(x[k:k + 1], params[k:k + 1], np.zeros((1, *x.shape[1:]), np.float32))
        np.testing.assert_array_equal(alone[0], together[k])


def test_threads_share_a_pipeline():
    x = images(n=8)
    params = [{'theta': 9. * k, 'channel_shift_intensity': 5.} for k in range(len(x))]
    pipeline = Pipeline(samplewise_center=True)
    want = pipeline.run(x, params, np.zeros(x.shape, np.float32))
    wrong = []

    def work():
        for _ in range(20):
            if not np.array_equal(pipeline.run(x, params, np.zeros(x.shape, np.float32)), want):
                wrong.append(1)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_mistakes():
    for settings, message in ((dict(fill_mode='edge'), 'fill_mode'), (dict(order=6), 'order'), (dict(order=True), 'order'),
                              (dict(data_format='last'), 'data_format')):
        with pytest.raises(ValueError, match=message):
            Pipeline(**settings)
    x, out = images(), np.zeros((6, 23, 31, 3), np.float32)
    for given, params, message in ((x[:5], None, 'out: expected an array of 5'), (x, [{}], 'params'),
                                   (x[:, 1:], None, 'images: expected the shape'),
                                   ([*x[:5], x[5, 1:]], None, 'at index 5')):
        with pytest.raises(ValueError, match=message):
            Pipeline().run(given, params, out)
