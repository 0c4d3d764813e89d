"""A sweep of arguments, seeds and data formats against keras-preprocessing 1.1.2: equal draws, pixels, batches, statistics
and file names."""

import itertools
import os
import warnings

import numpy as np
import pytest

from fastkeras.preprocessing.image import ImageDataGenerator
from fastkeras.preprocessing.image.warp import GEOMETRY, transform_matrices

MOVES = dict(rotation_range=40, width_shift_range=.2, height_shift_range=3, shear_range=15., zoom_range=.3,
             horizontal_flip=True, vertical_flip=True)
FORMATS = ['channels_last', 'channels_first']

# what draws
DRAWS = [
    {}, dict(rotation_range=30), dict(rotation_range=17.5, horizontal_flip=True), dict(width_shift_range=.3),
    dict(width_shift_range=4), dict(width_shift_range=1), dict(width_shift_range=2.5), dict(height_shift_range=.1),
    dict(height_shift_range=5), dict(height_shift_range=[-3, 1, 2]), dict(width_shift_range=[-.2, .1, .25]),
    dict(width_shift_range=(2, 4), height_shift_range=[.5]), dict(shear_range=20), dict(zoom_range=.4),
    dict(zoom_range=(.5, 1.5)), dict(zoom_range=[1, 1]), dict(zoom_range=[.9, .9]), dict(horizontal_flip=True),
    dict(vertical_flip=True), dict(channel_shift_range=30.), dict(brightness_range=(.2, 1.8)),
    dict(brightness_range=[1, 1]), MOVES, dict(MOVES, channel_shift_range=20., brightness_range=(.5, 1.5)),
    dict(MOVES, width_shift_range=[1, 2, 5], channel_shift_range=5),
]
# what is done to values
VALUES = [
    {}, dict(rescale=1 / 255), dict(samplewise_center=True), dict(samplewise_center=True, samplewise_std_normalization=True),
    dict(samplewise_std_normalization=True, rescale=.01), dict(channel_shift_range=40., rescale=1 / 255),
    dict(rescale=-2., dtype='float64'), dict(preprocessing_function=lambda x: x / 127.5 - 1),
    dict(preprocessing_function=lambda x: x * 2, rescale=.5, samplewise_center=True),
]
FITTED = [
    dict(featurewise_center=True), dict(featurewise_center=True, featurewise_std_normalization=True),
    dict(featurewise_std_normalization=True, rescale=1 / 255), dict(zca_whitening=True),
    dict(zca_whitening=True, zca_epsilon=.1, rescale=1 / 255), dict(featurewise_center=True, samplewise_center=True),
    dict(featurewise_center=True, samplewise_std_normalization=True, rescale=.1, zca_whitening=True),
]


@pytest.fixture(scope='module')
def keras():
    pytest.importorskip('scipy.ndimage', reason='keras-preprocessing warps by scipy')
    return pytest.importorskip('keras_preprocessing.image', reason='keras-preprocessing is the reference')


@pytest.fixture(autouse=True)
def quiet():
    """Both warn of settings that are switched on, and scipy of the name by which it is called."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def generators(keras, settings, data_format='channels_last'):
    return (keras.ImageDataGenerator(data_format=data_format, **settings),
            ImageDataGenerator(data_format=data_format, **settings))


def pictures(data_format='channels_last', n=7, h=13, w=18, c=3, dtype='uint8', seed=0):
    x = np.random.default_rng(seed).integers(0, 256, (n, h, w, c)).astype(dtype)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if data_format == 'channels_first' else x


def close(got, want, atol=1e-5):
    """Of the same type; within 1e-5 of the range of values."""
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=0, atol=atol * max(1., np.ptp(want)))


def same_batches(got, want, count, atol=1e-5):
    for _ in range(count):
        a, b = next(got), next(want)
        if not isinstance(a, tuple):
            a, b = (a,), (b,)
        assert len(a) == len(b)
        close(a[0], b[0], atol)
        for mine, theirs in zip(a[1:], b[1:]):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('settings', DRAWS, ids=str)
def test_draws(keras, settings, data_format):
    theirs, ours = generators(keras, settings, data_format)
    shape = (30, 20, 3) if data_format == 'channels_last' else (3, 30, 20)
    for seed in range(20):
        want = theirs.get_random_transform(shape, seed)
        assert ours.get_random_transform(shape, seed) == want
    np.random.seed(9)
    want = [theirs.get_random_transform(shape) for _ in range(5)]
    np.random.seed(9)
    assert [ours.get_random_transform(shape) for _ in range(5)] == want


@pytest.mark.parametrize('order,fill_mode', [*itertools.product([0, 1, 3], ['nearest', 'constant', 'reflect', 'wrap'])])
@pytest.mark.parametrize('data_format', FORMATS)
def test_random_transform(keras, order, fill_mode, data_format):
    settings = dict(MOVES, interpolation_order=order, fill_mode=fill_mode, cval=12., channel_shift_range=20.)
    theirs, ours = generators(keras, settings, data_format)
    for seed in range(4):
        x = pictures(data_format, 1, seed=seed, dtype='float32')[0]
        close(ours.random_transform(x, seed), theirs.random_transform(x, seed))


@pytest.mark.parametrize('settings', DRAWS[1:], ids=str)
def test_matrices(keras, settings, monkeypatch):
    """To the last bit: a pixel that comes from the very edge may come from outside otherwise."""
    affine = pytest.importorskip('keras_preprocessing.image.affine_transformations')
    generator, seen = ImageDataGenerator(**settings), []
    monkeypatch.setattr(affine.ndimage, 'affine_transform', None)   # another name of the next one in some versions
    monkeypatch.setattr(affine.ndimage.interpolation, 'affine_transform',
                        lambda x, matrix, offset, **_: seen.append((matrix, offset)) or x)
    for seed, (h, w) in enumerate([(30, 20), (33, 17), (1, 14), (224, 224), (7, 27), (25, 3)] * 5):
        params = generator.get_random_transform((h, w, 1), seed)
        amounts = [params.get(name, default) for name, default in GEOMETRY]
        seen.clear()
        affine.apply_affine_transform(np.zeros((h, w, 1)), *amounts)
        matrix, offset, changed = transform_matrices(np.array([[0.] * 6, amounts, [9.] * 6]), h, w)
        assert changed[1] == bool(seen)
        if seen:
            np.testing.assert_array_equal(matrix[1], seen[0][0])
            np.testing.assert_array_equal(offset[1], seen[0][1])


@pytest.mark.parametrize('moves', [{}, MOVES], ids=['still', 'moved'])
@pytest.mark.parametrize('settings', VALUES, ids=str)
@pytest.mark.parametrize('data_format', FORMATS)
def test_flow(keras, settings, moves, data_format):
    """Several epochs with an incomplete last batch."""
    settings = {**settings, **moves}
    for seed, c in ((1, 3), (5, 1)):
        x, y = pictures(data_format, c=c), np.arange(7)
        theirs, ours = generators(keras, settings, data_format)
        arguments = dict(batch_size=3, seed=seed, sample_weight=y / 7)
        same_batches(ours.flow(x, y, **arguments), theirs.flow(x, y, **arguments), 8)


@pytest.mark.parametrize('settings', FITTED, ids=str)
@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('augment', [False, True])
def test_fit(keras, settings, data_format, augment):
    x = pictures(data_format, n=150, h=5, w=4)      # more images than pixels: ZCA divides by no zero
    theirs, ours = generators(keras, {**settings, 'rotation_range': 30, 'horizontal_flip': True}, data_format)
    for generator in (theirs, ours):
        generator.fit(x, augment=augment, rounds=2, seed=3)
    for name in ('mean', 'std'):
        want, got = getattr(theirs, name), getattr(ours, name)
        assert (got is None) == (want is None), name
        if want is not None:
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-5)
    if settings.get('zca_whitening'):
        np.testing.assert_allclose(ours.principal_components, theirs.principal_components, rtol=1e-3,
                                   atol=1e-4 * np.abs(theirs.principal_components).max())
        ours.principal_components = theirs.principal_components
    same_batches(ours.flow(x, batch_size=9, seed=2), theirs.flow(x, batch_size=9, seed=2), 6, 2e-5)
    whole = x[:5].astype('float32')
    close(ours.standardize(whole.copy()), theirs.standardize(whole.copy()), 2e-5)


@pytest.mark.parametrize('settings', [
    {}, dict(MOVES, channel_shift_range=40.), dict(MOVES, interpolation_order=3, fill_mode='constant', cval=9.),
    dict(MOVES, rescale=1 / 255, samplewise_center=True, samplewise_std_normalization=True),
    dict(MOVES, preprocessing_function=lambda x: x / 127.5 - 1)], ids=str)
@pytest.mark.parametrize('data_format', FORMATS)
def test_float64_is_computed_in_float64(keras, settings, data_format):
    """By batches and by single images, of values that float32 does not hold."""
    x = pictures(data_format, dtype='float64') + np.pi * 1e-6
    theirs, ours = generators(keras, dict(settings, dtype='float64'), data_format)
    arguments = dict(batch_size=3, seed=4)
    same_batches(ours.flow(x, **arguments), theirs.flow(x, **arguments), 4, 1e-13)
    close(ours.random_transform(x[0], 3), theirs.random_transform(x[0], 3), 1e-13)
    close(ours.standardize(x[0].copy()), theirs.standardize(x[0].copy()), 1e-13)


def test_brightness_in_float64(keras):
    theirs, ours = generators(keras, dict(MOVES, brightness_range=(.2, 1.8), dtype='float64'))
    same_batches(ours.flow(pictures(), batch_size=3, seed=4), theirs.flow(pictures(), batch_size=3, seed=4), 4, 0)


@pytest.mark.parametrize('settings', FITTED[:3] + FITTED[4:], ids=str)
@pytest.mark.parametrize('augment', [False, True])
def test_fit_in_float64(keras, settings, augment):
    x = pictures(n=150, h=5, w=4)
    theirs, ours = generators(keras, {**settings, 'rotation_range': 30, 'dtype': 'float64'})
    for generator in (theirs, ours):
        generator.fit(x, augment=augment, rounds=2, seed=3)
    for name in ('mean', 'std'):
        if getattr(theirs, name) is not None:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12)
    if settings.get('zca_whitening'):
        want = theirs.principal_components
        np.testing.assert_allclose(ours.principal_components, want, rtol=0, atol=1e-9 * np.abs(want).max())
    same_batches(ours.flow(x, batch_size=9, seed=2), theirs.flow(x, batch_size=9, seed=2), 6, 1e-9)


def test_without_seed(keras):
    """The stream of the global state."""
    x = pictures()
    theirs, ours = generators(keras, dict(MOVES, channel_shift_range=9.))
    np.random.seed(4)
    want = [b for b, _ in zip(theirs.flow(x, batch_size=3), range(7))]
    np.random.seed(4)
    for a, b in zip(ours.flow(x, batch_size=3), want):
        close(a, b)


@pytest.mark.parametrize('c', [1, 3, 4])
@pytest.mark.parametrize('settings', [{}, dict(rescale=1 / 255), dict(samplewise_center=True), MOVES,
                                      dict(MOVES, rescale=1 / 255, channel_shift_range=30.)], ids=str)
def test_brightness(keras, settings, c):
    """Of whole numbers: not even one step apart."""
    x = pictures(c=c)
    theirs, ours = generators(keras, dict(settings, brightness_range=(.1, 2.)))
    same_batches(ours.flow(x, batch_size=3, seed=8), theirs.flow(x, batch_size=3, seed=8), 7, 1e-6)


@pytest.mark.parametrize('subset', ['training', 'validation'])
@pytest.mark.parametrize('split', [.2, .5, .34])
def test_subsets(keras, subset, split):
    x, y = pictures(n=20), np.tile([0, 1], 10)
    theirs, ours = generators(keras, dict(MOVES, validation_split=split))
    a, b = (g.flow((x, [y, x[:, 0]]), y, batch_size=4, seed=6, subset=subset) for g in (ours, theirs))
    assert (len(a), a.n) == (len(b), b.n)
    for _ in range(8):
        (images, first, second), labels = next(a)
        (images_, first_, second_), labels_ = next(b)
        close(images, images_)
        for mine, theirs_ in ((first, first_), (second, second_), (labels, labels_)):
            np.testing.assert_array_equal(mine, theirs_)


@pytest.mark.parametrize('seed', [5, None])
def test_saved_files(keras, tmp_path, seed):
    from PIL import Image
    x = pictures()
    for name, generator in zip(('theirs', 'ours'), generators(keras, MOVES)):
        folder = tmp_path / name
        folder.mkdir()
        np.random.seed(1)
        flow = generator.flow(x, batch_size=4, seed=seed, save_to_dir=str(folder), save_prefix='p')
        for _ in range(3):
            next(flow)
    names = sorted(os.listdir(tmp_path / 'theirs'))
    assert sorted(os.listdir(tmp_path / 'ours')) == names and len(names) > 8
    for name in names:
        mine, theirs = (np.asarray(Image.open(tmp_path / who / name), int) for who in ('ours', 'theirs'))
        assert np.abs(mine - theirs).max() <= 1


def test_users_methods(keras):
    """A subclass that draws and standardizes itself, as people wrote it for Keras."""
    def made(base):
        class Cutout(base):
            def standardize(self, x):
                x = super().standardize(x)
                i, j = np.random.randint(0, 10, 2)
                x[i:i + 3, j:j + 3] = 0
                return x

        class Angles(base):
            def get_random_transform(self, img_shape, seed=None):
                return {**super().get_random_transform(img_shape, seed), 'theta': 90 * np.random.randint(4)}

        class Noise(base):
            def apply_transform(self, x, transform_parameters):
                return super().apply_transform(x, transform_parameters) + np.random.normal(size=x.shape)

        return Cutout, Angles, Noise

    x = pictures()
    for theirs, ours in zip(made(keras.ImageDataGenerator), made(ImageDataGenerator)):
        a, b = (kind(rescale=1 / 255, **MOVES).flow(x, batch_size=3, seed=3) for kind in (ours, theirs))
        same_batches(a, b, 7)


def test_functions_that_do_not_commute(keras):
    """They do with no transform; a channel's own factor does with all but those of values."""
    def bgr(x):
        return x[..., ::-1] * np.float32([1, 2, 3])

    x = pictures()
    for settings in (dict(preprocessing_function=lambda x: np.sqrt(x)), dict(preprocessing_function=bgr),
                     dict(preprocessing_function=bgr, **MOVES)):
        theirs, ours = generators(keras, settings)
        same_batches(ours.flow(x, batch_size=3, seed=3), theirs.flow(x, batch_size=3, seed=3), 4)


def test_function_that_draws(keras):
    def erase(x):
        x = x.copy()
        x[np.random.randint(10):] *= np.random.uniform()
        return x

    x = pictures()
    theirs, ours = generators(keras, dict(preprocessing_function=erase, horizontal_flip=True, rescale=1 / 255))
    same_batches(ours.flow(x, batch_size=3, seed=3), theirs.flow(x, batch_size=3, seed=3), 7)


@pytest.mark.parametrize('name,arguments', [
    ('random_rotation', (40,)), ('random_shift', (.2, .3)), ('random_shear', (20,)), ('random_zoom', ((.6, 1.4),)),
    ('random_zoom', ((1, 1),))])
def test_functions(keras, name, arguments):
    from fastkeras.preprocessing import image
    x = pictures(n=1, dtype='float32')[0]
    layout = dict(row_axis=0, col_axis=1, channel_axis=2)
    for seed, more in enumerate((layout, dict(layout, fill_mode='constant', cval=3., interpolation_order=0),
                                 dict(layout, fill_mode='wrap', interpolation_order=3))):
        results = []
        for module in (keras, image):
            np.random.seed(seed)
            results.append(getattr(module, name)(x, *arguments, **more))
        close(results[1], results[0])


def test_functions_of_values(keras):
    from fastkeras.preprocessing import image
    for dtype in ('float32', 'uint8'):
        x = pictures(n=1, dtype=dtype)[0]
        for name, arguments in (('random_channel_shift', (40.,)), ('random_brightness', ((.2, 1.7),))):
            results = []
            for module in (keras, image):
                np.random.seed(2)
                results.append(getattr(module, name)(x, *arguments))
            np.testing.assert_allclose(results[1], results[0], atol=1e-3)


def test_keyword_names(keras):
    """All arguments of keras-preprocessing are there under the same name, with the same defaults but None."""
    import inspect
    for name, theirs in inspect.getmembers(keras.ImageDataGenerator, inspect.isfunction):
        if not hasattr(ImageDataGenerator, name):
            continue
        want = {k: p for k, p in inspect.signature(theirs).parameters.items() if p.kind is not p.VAR_KEYWORD}
        got = inspect.signature(getattr(ImageDataGenerator, name)).parameters
        assert set(want) <= set(got), name
        for key, parameter in want.items():
            assert got[key].default in (parameter.default, None), (name, key)
