"""ImageDataGenerator on its own: order of its steps, statistics, threads, arguments."""

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest

from fastkeras import config
from fastkeras.preprocessing.image import ImageDataGenerator, augment

MOVES = dict(rotation_range=40, width_shift_range=.2, height_shift_range=.1, zoom_range=.3, horizontal_flip=True)


def pictures(n=6, h=12, w=15, c=3, dtype='uint8', seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, h, w, c)).astype(dtype)


def first(generator, x, **arguments):
    return next(generator.flow(x, batch_size=len(x), shuffle=False, seed=1, **arguments))


def state():
    return repr(np.random.get_state())


# ---- order
def test_rescale_and_function_come_before_the_transforms():
    """What lies outside is cval of the image that they have made."""
    x = pictures(n=1)
    for settings in (dict(rescale=1 / 255), dict(preprocessing_function=lambda a: a / 255)):
        made = first(ImageDataGenerator(fill_mode='constant', cval=.25, width_shift_range=[100], **settings), x)
        np.testing.assert_allclose(made, .25, rtol=1e-6)


def test_values_before_whitening():
    """In float64, by hand."""
    x = pictures(n=40, h=3, w=4)
    with pytest.warns(UserWarning, match='samplewise_std_normalization=True sets samplewise_center=True'):
        generator = ImageDataGenerator(rescale=.1, samplewise_std_normalization=True, featurewise_center=True,
                                       zca_whitening=True, zca_epsilon=.01, preprocessing_function=lambda a: a + 1)
    generator.fit(x)
    y = x * .1
    np.testing.assert_allclose(generator.mean, y.mean((0, 1, 2), keepdims=True)[0], rtol=1e-6)
    flat = (y - y.mean((0, 1, 2))).reshape(40, -1)
    values, vectors = np.linalg.eigh(flat.T @ flat / 40)
    matrix = vectors / np.sqrt(values + .01) @ vectors.T
    np.testing.assert_allclose(generator.principal_components, matrix, rtol=1e-3, atol=1e-4)
    assert generator.zca_whitening_matrix is generator.principal_components
    z = (x + 1.) * .1
    z -= z.mean((1, 2, 3), keepdims=True)
    z = (z / (z.std((1, 2, 3), keepdims=True) + 1e-6) - generator.mean).reshape(40, -1) @ matrix
    np.testing.assert_allclose(first(generator, x), z.reshape(x.shape), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(generator.standardize(x[3].astype('float64')), z[3].reshape(x[3].shape), atol=1e-3)


def test_statistics_are_of_float64_whatever_the_batches_are_of():
    """Images far from 0, of which float32 holds no more than the mean."""
    x = np.random.default_rng(0).normal(size=(50, 3, 4, 2)) * 1e-3 + 1e4
    for dtype in ('float32', 'float16', 'float64'):
        generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True, dtype=dtype)
        generator.fit(x)
        np.testing.assert_allclose(generator.mean, x.mean((0, 1, 2), keepdims=True)[0], rtol=1e-14)
        np.testing.assert_allclose(generator.std, x.std((0, 1, 2), keepdims=True)[0], rtol=1e-9)
        assert generator.mean.dtype == generator.std.dtype == np.float64


def test_a_centred_batch_has_no_mean():
    """Below 1e-6, as with keras-preprocessing; float32 leaves 1e-5 of these."""
    x = np.random.default_rng(0).uniform(0, 255, (20, 8, 9, 3))
    for settings in (dict(featurewise_center=True), dict(featurewise_center=True, featurewise_std_normalization=True),
                     dict(samplewise_center=True), dict(samplewise_center=True, samplewise_std_normalization=True)):
        generator = ImageDataGenerator(dtype='float64', **settings)
        generator.fit(x)
        batch = first(generator, x)
        assert batch.dtype == np.float64
        axes = (0, 1, 2) if 'featurewise_center' in settings else (1, 2, 3)
        assert np.abs(batch.mean(axes)).max() < 1e-12


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_whitening_is_in_float64(dtype):
    """Of pixels of which two hardly differ: their difference is magnified a thousand times."""
    x = np.random.default_rng(2).integers(0, 256, (60, 2, 2, 1)).astype(np.float64)
    x[:, 1] = x[:, 0] + np.random.default_rng(3).normal(size=(60, 2, 1)) * 1e-3
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True, zca_epsilon=1e-9, dtype=dtype)
    generator.fit(x)
    flat = (x - x.mean()).reshape(60, -1)
    values, vectors = np.linalg.eigh(flat.T @ flat / 60)
    want = (flat @ (vectors / np.sqrt(values + 1e-9) @ vectors.T)).reshape(x.shape)
    if dtype == 'float64':
        np.testing.assert_allclose(first(generator, x), want, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(generator.standardize(x.copy()), want, rtol=1e-6, atol=1e-6)
    rounded = x.astype(np.float32)
    exact = (rounded.astype(np.float64) - generator.mean).reshape(60, -1) @ generator.principal_components
    for got in (first(generator, rounded), generator.standardize(rounded.copy())):
        np.testing.assert_allclose(got, exact.reshape(x.shape), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize('dtype', ['int32', 'int64', 'float64'])
def test_numbers_that_float32_does_not_hold_are_kept(dtype):
    x = pictures(dtype='int64') + 2 ** 25 + 1
    x = x.astype(dtype)
    np.testing.assert_array_equal(first(ImageDataGenerator(dtype=dtype), x), x)
    turned = first(ImageDataGenerator(dtype=dtype, horizontal_flip=True, preprocessing_function=lambda a: a), x)
    assert turned.dtype == dtype and set(turned.ravel()) <= set(x.ravel())
    np.testing.assert_array_equal(ImageDataGenerator().apply_transform(x[0], {'flip_vertical': True}), x[0, ::-1])


def test_whitened_pixels_are_not_correlated():
    x = pictures(n=300, h=3, w=3) // 4
    x[:, 1] = x[:, 0] // 2 + x[:, 1]
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x)
    flat = generator.standardize(x.astype('float32')).reshape(300, -1)
    np.testing.assert_allclose(flat.T @ flat / 300, np.eye(27), atol=1e-3)


@pytest.mark.parametrize('settings', [dict(channel_shift_range=50.), dict(brightness_range=(.3, 1.4))])
def test_amounts_are_of_the_picture_behind_a_function(settings):
    """A function that maps 0 … 255 to -1 … 1 leaves them their meaning."""
    x = pictures()
    plain = first(ImageDataGenerator(**settings, **MOVES), x)
    mapped = first(ImageDataGenerator(preprocessing_function=lambda a: a / 127.5 - 1, **settings, **MOVES), x)
    np.testing.assert_allclose((mapped + 1) * 127.5, plain, rtol=0, atol=1e-3)


def test_a_picture_that_a_function_scales_is_taken_itself():
    """Which is exact, and what it would be mapped back from is not read again."""
    for image, factor in ((pictures()[0], 1 / 127.5), (pictures()[0] / np.float32(255), 2)):
        x = image * np.float32(factor) - 1
        assert augment._mapped_back(image, x, *augment._unit(image, x)) is image
        assert augment._mapped_back(image, x ** 2, *augment._unit(image, x ** 2)) is not image


def test_fit_learns_from_what_batches_have():
    """Also where brightness makes 0 … 255 of an image: that is rescaled afterwards, as in batches."""
    x = pictures(n=30)
    settings = dict(rescale=1 / 255, brightness_range=(.5, 1.5), channel_shift_range=30., **MOVES)
    generator = ImageDataGenerator(featurewise_center=True, **settings)
    generator.fit(x, augment=True, seed=4)
    random = np.random.RandomState(4)
    plain = ImageDataGenerator(**settings)
    batch = np.empty(x.shape, np.float32)
    plain._run(x, [plain._transform(x.shape[1:], random) for _ in x], batch)
    np.testing.assert_allclose(generator.mean.ravel(), batch.mean((0, 1, 2)), rtol=1e-5)
    assert generator.mean.max() < 1


def test_fit_in_parts(monkeypatch):
    from fastkeras.preprocessing.image import generator as module
    x, settings = pictures(n=30), dict(featurewise_center=True, featurewise_std_normalization=True, **MOVES)
    results = []
    for size in (1 << 24, 10_000):
        monkeypatch.setattr(module, '_FIT_BYTES', size)
        generator = ImageDataGenerator(**settings)
        generator.fit(x, augment=True, rounds=2, seed=1)
        results.append((generator.mean, generator.std))
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_fit_with_a_users_transform():
    class Dark(ImageDataGenerator):
        def random_transform(self, x, seed=None):
            return x * 0 + np.random.uniform(1, 2)

    generator = Dark(featurewise_center=True, rescale=.5)
    before = state()
    generator.fit(pictures(), augment=True, seed=2)
    assert state() == before
    np.testing.assert_allclose(generator.mean, np.random.RandomState(2).uniform(1, 2, 6).mean(), rtol=1e-6)


def test_statistics_may_be_set():
    """As programs do that know the mean of ImageNet."""
    x = pictures()
    generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    generator.mean, generator.std = np.array([123.68, 116.779, 103.939]), np.float32([[[58.]]])
    np.testing.assert_allclose(first(generator, x), (x - generator.mean) / 58, rtol=1e-5, atol=1e-5)
    generator.mean[:] = 0
    np.testing.assert_allclose(first(generator, x), x / 58., rtol=1e-5)


@pytest.mark.parametrize('settings,name', [(dict(featurewise_center=True), 'mean'),
                                           (dict(featurewise_center=True, zca_whitening=True), 'principal_components')])
def test_missing_statistics_are_warned_of(settings, name):
    x, generator = pictures(), ImageDataGenerator(**settings)
    with pytest.warns(UserWarning, match=f'{name} is not known: call fit'):
        np.testing.assert_array_equal(first(generator, x), x)
    with pytest.warns(UserWarning, match='is left out'):
        generator.standardize(x.astype('float32'))


# ---- single images
def test_seeds_leave_the_global_state_alone():
    generator = ImageDataGenerator(featurewise_center=True, **MOVES)
    x = pictures(dtype='float32')
    before = state()
    assert generator.get_random_transform((9, 9, 3), seed=3) == generator.get_random_transform((9, 9, 3), seed=3)
    np.testing.assert_array_equal(generator.random_transform(x[0], 3), generator.random_transform(x[0], 3))
    generator.fit(x, augment=True, seed=3)
    first(generator, x)
    assert state() == before
    generator.get_random_transform((9, 9, 3))
    assert state() != before


@pytest.mark.parametrize('dtype', ['uint8', 'int16', 'float32', 'float64'])
def test_single_images_keep_their_type(dtype):
    generator = ImageDataGenerator(**MOVES)
    x = pictures(dtype=dtype)[0]
    before = x.copy()
    made = generator.random_transform(x, 1)
    assert made.dtype == dtype and made.shape == x.shape
    np.testing.assert_array_equal(x, before)
    precise = generator.random_transform(x.astype('float32'), 1)
    np.testing.assert_allclose(made, precise, atol=.5001 if made.dtype.kind in 'iu' else 1e-3)
    assert generator.apply_transform(x, {'brightness': .5}).dtype == ('float64' if dtype == 'float64' else 'float32')
    np.testing.assert_array_equal(generator.apply_transform(x, {}), x)


def test_transforms_by_hand():
    x, generator = pictures(dtype='float32')[0], ImageDataGenerator(fill_mode='constant', cval=-1.)
    np.testing.assert_array_equal(generator.apply_transform(x, {'flip_horizontal': True}), x[:, ::-1])
    np.testing.assert_array_equal(generator.apply_transform(x, {'flip_vertical': True}), x[::-1])
    moved = generator.apply_transform(x, {'tx': 2, 'ty': -3})
    np.testing.assert_array_equal(moved[:-2, 3:], x[2:, :-3])
    assert (moved[-2:] == -1).all() and (moved[:, :3] == -1).all()
    shifted = generator.apply_transform(x, {'channel_shift_intensity': 9.})
    np.testing.assert_allclose(shifted, np.minimum(x + 9, x.max()))
    with pytest.raises(ValueError, match='rank 3, got shape'):
        generator.apply_transform(x[None], {})


def test_standardize_in_place():
    x, generator = pictures(dtype='float32'), ImageDataGenerator(rescale=.5)
    want = x / 2
    assert generator.standardize(x) is x
    np.testing.assert_array_equal(x, want)
    whole = pictures()
    made = generator.standardize(whole)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(whole, pictures())


# ---- many at once
def test_threads_give_the_same_batches():
    x = pictures(n=40)
    generator = ImageDataGenerator(samplewise_center=True, **MOVES)
    want = [b for b, _ in zip(generator.flow(x, batch_size=4, seed=5), range(10))]
    flow, got = generator.flow(x, batch_size=4, seed=5), [None] * 10

    def work(k):
        for i in range(k, 10, 3):
            got[i] = flow[i]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(got, want):
        np.testing.assert_array_equal(a, b)


def test_results_do_not_depend_on_the_number_of_threads():
    x, generator = pictures(n=9, h=70, w=80), ImageDataGenerator(samplewise_center=True, channel_shift_range=20., **MOVES)
    before, results = config.get_num_threads(), []
    try:
        for n in (1, 2):
            config.set_num_threads(n)
            results.append(first(generator, x))
    finally:
        config.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_copies():
    generator = ImageDataGenerator(featurewise_center=True, **MOVES)
    x = pictures()
    generator.fit(x)
    for other in (pickle.loads(pickle.dumps(generator)), copy.deepcopy(generator)):
        np.testing.assert_array_equal(first(other, x), first(generator, x))


# ---- arguments
def test_defaults_change_nothing():
    x = pictures()
    made = first(ImageDataGenerator(), x)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, x)


def test_data_formats():
    x = pictures()
    turned = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    settings = dict(MOVES, samplewise_center=True, brightness_range=(.5, 2))
    want = first(ImageDataGenerator(**settings), x)
    generator = ImageDataGenerator(data_format='channels_first', **settings)
    assert (generator.channel_axis, generator.row_axis, generator.col_axis) == (1, 2, 3)
    np.testing.assert_allclose(first(generator, turned).transpose(0, 2, 3, 1), want, atol=1e-4)
    with pytest.warns(UserWarning, match='data_format="channels_first"'):
        assert ImageDataGenerator(dim_ordering='th').data_format == 'channels_first'
    try:
        config.set_image_data_format('channels_first')
        assert ImageDataGenerator().data_format == 'channels_first'
    finally:
        config.set_image_data_format('channels_last')


def test_dtypes():
    x = pictures()
    for dtype in ('float16', 'float64', 'uint8', 'int32'):
        made = first(ImageDataGenerator(dtype=dtype, horizontal_flip=True), x)
        assert made.dtype == dtype and 0 < made.max() <= 255
    try:
        config.set_floatx('float64')
        assert ImageDataGenerator().dtype == 'float64'
    finally:
        config.set_floatx('float32')


def test_settings_that_switch_on_others():
    with pytest.warns(UserWarning) as caught:
        generator = ImageDataGenerator(zca_whitening=True, featurewise_std_normalization=True)
    assert generator.featurewise_center and not generator.featurewise_std_normalization and len(caught) == 2
    assert all(w.filename == __file__ for w in caught)
    with pytest.warns(UserWarning, match='sets featurewise_center=True'):
        assert ImageDataGenerator(featurewise_std_normalization=True).featurewise_center
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        ImageDataGenerator(featurewise_center=True, zca_whitening=True, samplewise_center=True,
                           samplewise_std_normalization=True)


@pytest.mark.parametrize('settings,message', [
    (dict(rotation_range='x'), "rotation_range must be a number, got 'x'"), (dict(shear_range=None), 'shear_range'),
    (dict(width_shift_range='a'), 'width_shift_range must be a number'), (dict(height_shift_range=[1, 'b']), 'height_shift'),
    (dict(zoom_range=(1, 2, 3)), r'zoom_range must be a number or a pair .* got \(1, 2, 3\)'),
    (dict(zoom_range='ab'), 'zoom_range'), (dict(brightness_range=1.), 'brightness_range must be a pair of numbers, got 1.0'),
    (dict(brightness_range=(1,)), 'brightness_range'), (dict(channel_shift_range=float('nan')), 'channel_shift_range'),
    (dict(fill_mode='edge'), "fill_mode must be one of .* got 'edge'"), (dict(cval='0'), 'cval'),
    (dict(interpolation_order=7), 'order of interpolation'), (dict(rescale='1/255'), 'rescale'),
    (dict(preprocessing_function=3), 'preprocessing_function must be a function'), (dict(zca_epsilon='a'), 'zca_epsilon'),
    (dict(data_format='last'), "`data_format` argument must be one of 'channels_first', 'channels_last', got 'last'"),
    (dict(validation_split=1.), 'validation_split must be a number between 0 and 1'), (dict(validation_split=-.1), 'split'),
    (dict(dtype='str'), 'dtype'), (dict(dtype='uint8', rescale=.5), 'dtype must be a float type'),
    (dict(dtype='uint8', samplewise_center=True), 'dtype must be a float type')])
def test_wrong_arguments(settings, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(**settings)


def test_wrong_calls():
    x, generator = pictures(), ImageDataGenerator(featurewise_center=True)
    for bad in (x[0], x[:0], x[..., None]):
        with pytest.raises(ValueError, match='fit: x must be an array of images'):
            generator.fit(bad)
    with pytest.raises(ValueError, match='fit: rounds must be at least 1, got 0'):
        generator.fit(x, augment=True, rounds=0)
    for call in (lambda: generator.fit(x, seed=-1), lambda: generator.get_random_transform((3, 3, 1), 1.5)):
        with pytest.raises(ValueError, match='seed must be None or a whole number'):
            call()
    with pytest.warns(UserWarning, match='fit: .* has 15 channels there, not 1, 3 or 4'):
        generator.fit(np.moveaxis(x, 2, 3))
    with pytest.raises(ValueError, match='preprocessing_function: expected an image of the shape'):
        first(ImageDataGenerator(preprocessing_function=lambda a: a[1:]), x)


def test_whitening_of_images_too_large():
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    with pytest.raises(MemoryError, match='ZCA whitening has 12000000 × 12000000 numbers'):
        generator.fit(np.zeros((1, 2000, 2000, 3), np.uint8))


# ---- files
@pytest.fixture
def folder(tmp_path):
    from PIL import Image
    for name in ('cats', 'dogs'):
        (tmp_path / name).mkdir()
        for i, x in enumerate(pictures(n=3, seed=len(name))):
            Image.fromarray(x).save(tmp_path / name / f'{i}.png')
    return tmp_path


def test_flow_from_directory(folder, capsys):
    """The generator's settings and all arguments arrive."""
    generator = ImageDataGenerator(rescale=1 / 255, data_format='channels_first', dtype='float64', validation_split=.34)
    flow = generator.flow_from_directory(folder, (6, 7), 'rgb', ['dogs', 'cats'], 'binary', 2, False, subset='training',
                                         on_error='skip', draft=False, interpolation='bilinear', save_prefix='p',
                                         follow_links=True, seed=3)
    assert capsys.readouterr().out == 'Found 4 images belonging to 2 classes.\n'
    x, y = next(flow)
    assert x.shape == (2, 3, 6, 7) and x.dtype == np.float64 and x.max() <= 1
    assert flow.class_indices == {'dogs': 0, 'cats': 1} and flow.classes.tolist() == [0, 0, 1, 1]
    assert (flow.interpolation, flow.save_prefix, flow.seed, flow.on_error) == ('bilinear', 'p', 3, 'skip')


def test_flow_from_dataframe(folder):
    pandas = pytest.importorskip('pandas', reason='data frames are those of pandas')
    frame = pandas.DataFrame({'filename': ['cats/0.png', 'dogs/1.png'], 'class': ['c', 'd'], 'weight': [1., 2.]})
    flow = ImageDataGenerator(rescale=2.).flow_from_dataframe(frame, folder, weight_col='weight', target_size=(12, 15),
                                                             shuffle=False, class_mode='sparse')
    x, y, weight = next(flow)
    np.testing.assert_array_equal(x[0], pictures(n=3, seed=4)[0] * np.float32(2))
    assert y.tolist() == [0, 1] and weight.tolist() == [1, 2]
    generator, bare = ImageDataGenerator(), frame.assign(filename=['cats/0', 'dogs/1'])
    for call in (lambda: generator.flow_from_dataframe(bare, folder, 'filename', 'class', False, (3, 3)),
                 lambda: generator.flow_from_dataframe(bare, folder, has_ext=False, target_size=(3, 3))):
        with pytest.warns(DeprecationWarning, match='has_ext'):
            assert next(call())[0].shape == (2, 3, 3, 3)
    with pytest.warns(DeprecationWarning, match='drop_duplicates'):
        assert generator.flow_from_dataframe(frame, folder, drop_duplicates=True).n == 2
