"""Layers that change images: each by `run_layer_test`, and what chance does."""

import numpy as np
import pytest

from fastkeras import layers, models, ops
from fastkeras.runtime import Function
from tests.harness import host_steps
from tests.layer_harness import run_layer_test


def photo(*shape, seed=3):
    return np.random.default_rng(seed).uniform(0, 255, shape).astype('float32')


def bilinear(x, transform, at=None):
    """Images (n, h, w, c) in float64, reflected beyond the edges, at the places that 8 numbers say."""
    n, h, w, _ = x.shape
    a = np.asarray(transform, float)
    j, i = np.meshgrid(np.arange(w), np.arange(h))
    k = a[6] * j + a[7] * i + 1
    u, v = (a[0] * j + a[1] * i + a[2]) / k, (a[3] * j + a[4] * i + a[5]) / k
    low_u, low_v = np.floor(u).astype(int), np.floor(v).astype(int)

    def fold(i, size):
        i = np.mod(i, 2 * size)
        return np.where(i < size, i, 2 * size - 1 - i)

    made = 0
    for q in (0, 1):
        for p in (0, 1):
            weight = np.abs(1 - q - (v - low_v)) * np.abs(1 - p - (u - low_u))
            made = made + weight[..., None] * x[:, fold(low_v + q, h), fold(low_u + p, w)]
    return made


def turned(x, turns):
    c, s = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
    cx, cy = (x.shape[2] - 1) / 2, (x.shape[1] - 1) / 2
    return bilinear(x, [c, -s, cx - c * cx + s * cy, s, c, cy - s * cx - c * cy, 0, 0])


def stretched(x, size):
    """Bilinear resizing by hand."""
    for axis, target in ((1, size[0]), (2, size[1])):
        n = x.shape[axis]
        place = np.clip((np.arange(target) + 0.5) * n / target - 0.5, 0, n - 1)
        low = np.minimum(np.floor(place).astype(int), max(n - 2, 0))
        part = (place - low).reshape(-1, *(1,) * (3 - axis))
        x = np.take(x, low, axis) * (1 - part) + np.take(x, np.minimum(low + 1, n - 1), axis) * part
    return x


def grey(x):
    return x @ [[0.2989], [0.587], [0.114]]


def clahe(x):
    """One tile, no limit."""
    made = np.empty_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[3]):
            v = x[n, :, :, c].astype(int)
            total = np.cumsum(np.bincount(v.ravel(), minlength=256))
            made[n, :, :, c] = ((total - total.min()) * 255 / (v.size - total.min()))[v]
    return made


def equal(x):
    made = np.empty_like(x)
    for c in range(x.shape[3]):
        v = x[..., c].astype(int)
        total = np.cumsum(np.bincount(v.ravel(), minlength=256))
        least = total[total > 0][0]
        made[..., c] = np.rint((total - least) * 255 / (total[-1] - least))[v]
    return made


def sharp(x, f):
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    h, w = x.shape[1:3]
    smooth = sum(around[:, i:i + h, j:j + w] * (5 if i == j == 1 else 1) / 13 for i in range(3) for j in range(3))
    return np.clip(x + (1 - 2 * f) * (smooth - x), 0, 255)


def blurred(x, sigma):
    g = np.exp(-0.5 * (np.arange(-1, 2) / sigma) ** 2)
    g /= g.sum()
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    h, w = x.shape[1:3]
    return sum(around[:, i:i + h, j:j + w] * g[i] * g[j] for i in range(3) for j in range(3))


def contrasted(x):
    low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    return (x - low) / (high - low) * 255


def saturated(x, f):
    v, low = x.max(-1, keepdims=True), x.min(-1, keepdims=True)
    s = (v - low) / v
    new = np.clip(s * f / (1 - f), 0, 1)
    return v - (v - x) * new / s


def opposite(x):
    """The hue turned by half: the largest channel and the smallest change their parts."""
    return x.max(-1, keepdims=True) + x.min(-1, keepdims=True) - x


RGB = (2, 6, 7, 3)
FIXED = [  # class, arguments, expected, further arguments of run_layer_test
    ('Resizing', {'height': 4, 'width': 9}, lambda x: stretched(x, (4, 9)), {}),
    ('Resizing', {'height': 6, 'width': 3, 'interpolation': 'area'},
     lambda x: np.stack([x[:, :, :2].mean(2) * 6 + x[:, :, 2], x[:, :, 2] * 2 + x[:, :, 3] * 3 + x[:, :, 4] * 2,
                         x[:, :, 5:].mean(2) * 6 + x[:, :, 4]], 2) / 7, {}),
    ('CenterCrop', {'height': 3, 'width': 4}, lambda x: x[:, 1:4, 1:5], {}),
    ('RandomTranslation', {'height_factor': (0.5, 0.5), 'width_factor': (-0.2, -0.2)},
     lambda x: bilinear(x, [1, 0, 1.4, 0, 1, -3, 0, 0]), {}),
    ('RandomRotation', {'factor': (0.1, 0.1)}, lambda x: turned(x, 0.1), {}),
    ('RandomZoom', {'height_factor': (0.3, 0.3), 'width_factor': (-0.2, -0.2)},
     lambda x: bilinear(x, [0.8, 0, 0.6, 0, 1.3, -0.75, 0, 0]), {}),
    ('RandomPerspective', {'factor': 0.0}, lambda x: x, {}),
    ('RandomBrightness', {'factor': (0.2, 0.2)}, lambda x: np.clip(x + 51, 0, 255), {}),
    ('RandomContrast', {'factor': 0.0}, lambda x: x, {}),
    ('RandomColorDegeneration', {'factor': (0.4, 0.4)}, lambda x: x * 0.6 + 0.4 * grey(x), {}),
    ('RandomHue', {'factor': (1.0, 1.0)}, opposite, {'rtol': 1e-4, 'stochastic': True}),   # to either side
    ('RandomSaturation', {'factor': (0.4, 0.4)}, lambda x: saturated(x, 0.4), {'rtol': 1e-4}),
    ('RandomGrayscale', {'factor': 1.0}, lambda x: np.repeat(grey(x), 3, -1), {}),
    ('RandomInvert', {'factor': (1.0, 1.0)}, lambda x: 255 - x, {}),
    ('RandomPosterization', {'factor': (3, 3)}, lambda x: np.floor(x / 32) * 32, {'trains': False}),
    ('RandomSharpness', {'factor': (0.7, 0.7)}, lambda x: sharp(x, 0.7), {}),
    ('RandomColorJitter', {'brightness_factor': (0.2, 0.2), 'saturation_factor': (0.5, 0.5)},
     lambda x: np.clip(x + 51, 0, 255), {'rtol': 1e-4}),
    ('RandomGaussianBlur', {'factor': (1.0, 1.0), 'sigma': (0.8, 0.8)}, lambda x: blurred(x, 0.8), {}),
    ('AutoContrast', {}, contrasted, {}),
    ('Solarization', {}, lambda x: 255 - x, {}),
    ('Solarization', {'addition_factor': (0.2, 0.2), 'threshold_factor': (0.5, 0.5)},
     lambda x: np.where(x + 51 < 127.5, x + 51, 255 - np.minimum(x + 51, 255)), {}),
    ('Equalization', {}, equal, {'trains': False}),
    ('ContrastLimitedAdaptiveHistogramEqualization', {'tile_grid_size': 1, 'clip_limit': 0}, clahe, {'trains': False}),
    ('RandomErasing', {'factor': 0.0}, lambda x: x, {}),
    ('MaxNumBoundingBoxes', {'max_number': 2}, lambda x: x, {}),
    ('RandomElasticTransform', {'scale': 0.0}, lambda x: x, {}),
    ('RandomCrop', {'height': 9, 'width': 9}, lambda x: stretched(x[:, :, :6], (9, 9)), {}),
    ('RandomFlip', {}, None, {'stochastic': True}),
    ('RandomShear', {'x_factor': 0.2, 'y_factor': 0.1}, None, {'stochastic': True}),
    ('RandomPerspective', {}, None, {'stochastic': True}), ('RandomElasticTransform', {}, None, {'stochastic': True}),
    ('RandomCrop', {'height': 3, 'width': 4}, None, {'stochastic': True}),
    ('RandomErasing', {'fill_value': 3}, None, {'stochastic': True}), ('CutMix', {}, None, {'stochastic': True}),
    ('MixUp', {}, None, {'stochastic': True}), ('RandAugment', {'factor': 0.2}, None, {'stochastic': True}),
    ('AugMix', {'num_chains': 2, 'chain_depth': 2, 'all_ops': False}, None, {'stochastic': True}),
    ('RandomColorJitter', {'brightness_factor': 0.2, 'contrast_factor': 0.3, 'hue_factor': 0.1}, None, {'stochastic': True}),
]


@pytest.mark.parametrize('name,kwargs,expected,options', FIXED, ids=[f'{k}-{case[0]}' for k, case in enumerate(FIXED)])
def test_layer(name, kwargs, expected, options):
    run_layer_test(getattr(layers, name), kwargs, input_data=photo(*RGB), expected=expected, training=True,
                   **{'rtol': 3e-5, 'atol': 2e-3, **options})


RANDOM = {
    'RandomFlip': {}, 'RandomTranslation': {'height_factor': 0.3, 'width_factor': 0.3}, 'RandomRotation': {'factor': 0.2},
    'RandomZoom': {'height_factor': 0.4}, 'RandomShear': {'x_factor': 0.3}, 'RandomPerspective': {}, 'RandomCrop': {
        'height': 4, 'width': 4}, 'RandomBrightness': {'factor': 0.3}, 'RandomContrast': {'factor': 0.5},
    'RandomColorDegeneration': {'factor': 1.0}, 'RandomHue': {'factor': 0.5}, 'RandomSaturation': {'factor': 0.9},
    'RandomGrayscale': {}, 'RandomInvert': {}, 'RandomPosterization': {'factor': 8}, 'RandomSharpness': {'factor': 1.0},
    'RandomGaussianBlur': {}, 'RandomColorJitter': {'brightness_factor': 0.3}, 'Solarization': {'threshold_factor': 1.0},
    'RandomErasing': {}, 'CutMix': {}, 'MixUp': {}, 'RandAugment': {}, 'AugMix': {}, 'RandomElasticTransform': {},
}


@pytest.mark.parametrize('name', RANDOM)
def test_chance(name):
    """Equal seeds do the same, other calls do other things, images of a batch differ in what is done to them, inference leaves
    them as they are, and so does a model that is not in training."""
    make = getattr(layers, name)
    x = np.repeat(photo(1, 8, 8, 3), 16, 0)
    x[1::2] = photo(8, 8, 8, 3, seed=5)
    one, two, other = (make(**RANDOM[name], seed=seed) for seed in (7, 7, 8))
    first = one(x)
    np.testing.assert_array_equal(first, two(x))
    later = [one(x) for _ in range(4)]
    assert any(not np.array_equal(first, y) for y in later) and any(not np.array_equal(other(x), y) for y in [first, *later])
    if name not in ('AugMix', 'RandAugment'):
        assert len({y.tobytes() for y in first[0::2]}) > 1
    still = x if name != 'RandomCrop' else ops.image.resize(x, (4, 4))
    np.testing.assert_allclose(one(x, training=False), still, rtol=1e-6)
    model = models.Sequential([layers.Input(shape=(8, 8, 3)), one])
    np.testing.assert_allclose(model.predict(x, verbose=0), still, rtol=1e-6)
    single = one(x[0])
    assert single.shape == first.shape[1:]


@pytest.mark.parametrize('name', sorted({case[0] for case in FIXED} - {'MaxNumBoundingBoxes'}))
def test_bytes_and_layouts(name):
    """uint8 becomes float32, but where types are kept; channels may come first; sizes need not be known in a model."""
    kwargs = {**next(case[1] for case in FIXED if case[0] == name), **({'seed': 3} if name in RANDOM else {})}
    make = getattr(layers, name)
    x = photo(2, 8, 8, 3).astype('uint8')
    y = make(**kwargs)(x)
    kept = name in ('Resizing', 'RandomGrayscale', 'ContrastLimitedAdaptiveHistogramEqualization')
    assert y.dtype == ('uint8' if kept else 'float32')
    whole = make(**kwargs, dtype='uint8')(x)
    assert whole.dtype == np.uint8
    np.testing.assert_allclose(whole.astype(float), y, atol=0.51)
    first = make(**kwargs, data_format='channels_first')(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1).astype(float), y, rtol=1e-4, atol=1e-3)
    model = models.Sequential([layers.Input(shape=(None, None, 3), dtype='uint8'), make(**kwargs)])
    assert model.predict(x, verbose=0).shape == y.shape


def batch(n=4):
    rng = np.random.default_rng(0)
    return {'images': photo(n, 10, 12, 3), 'labels': np.eye(n, dtype='float32'),
            'bounding_boxes': {'boxes': np.tile(np.float32([[2, 1, 8, 6], [0, 3, 5, 9]]), (n, 1, 1)),
                               'labels': np.tile(np.int32([1, -1]), (n, 1))},
            'segmentation_masks': rng.integers(0, 3, (n, 10, 12)).astype('int32'), 'name': np.arange(n)}


BLACK = {'fill_mode': 'constant'}
MOVES = {'RandomFlip': {}, 'RandomTranslation': BLACK, 'RandomRotation': BLACK, 'RandomZoom': BLACK, 'RandomShear': BLACK,
         'RandomPerspective': {}, 'RandomCrop': {}, 'RandAugment': {'factor': 0.2}}


@pytest.mark.parametrize('name', MOVES)
def test_boxes_and_masks_move_with_the_images(name):
    """A white box on black stays within its bounding box, and a mask of it is the image."""
    data = batch(8)
    data['images'][:] = 0
    data['images'][:, 1:6, 2:8] = 255
    data['segmentation_masks'][:] = data['images'][..., 0] / 255
    layer = getattr(layers, name)(**{**RANDOM[name], **MOVES[name]}, seed=5, bounding_box_format='xyxy')
    for _ in range(3):
        made = layer(data)
        assert set(made) == set(data) and made['segmentation_masks'].dtype == np.int32
        np.testing.assert_array_equal(made['labels'], data['labels'])
        np.testing.assert_array_equal(made['name'], data['name'])
        assert (made['bounding_boxes']['labels'][:, 1] == -1).all()
        if name == 'RandAugment':
            continue        # which turns colours too
        for image, mask, boxes, labels in zip(made['images'], made['segmentation_masks'], made['bounding_boxes']['boxes'],
                                              made['bounding_boxes']['labels']):
            rows, columns = np.nonzero(image[..., 0] > 128)
            if labels[0] == -1 or not rows.size:
                continue
            left, top, right, bottom = boxes[0]
            # a pixel reaches half a pixel around its place
            assert left - 1.01 <= columns.min() and columns.max() <= right + 1.01
            assert top - 1.01 <= rows.min() and rows.max() <= bottom + 1.01
            assert abs(mask - image[..., 0] / 255).max() <= 1


def test_flip_is_exact():
    data = batch(32)
    made = layers.RandomFlip('horizontal', seed=1, bounding_box_format='rel_xywh')({
        **data, 'bounding_boxes': {'boxes': np.tile(np.float32([[0.25, 0.5, 0.5, 0.25]]), (32, 1, 1)),
                                   'labels': np.ones((32, 1), 'int32')}})
    flipped = np.array([np.array_equal(y, x[:, ::-1]) for x, y in zip(data['images'], made['images'])])
    assert 6 < flipped.sum() < 26
    for x, y, flip in zip(data['segmentation_masks'], made['segmentation_masks'], flipped):
        np.testing.assert_array_equal(y, x[:, ::-1] if flip else x)
    np.testing.assert_allclose(made['bounding_boxes']['boxes'][:, 0], np.tile([0.25, 0.5, 0.5, 0.25], (32, 1)), rtol=1e-5)


def test_crop_takes_parts():
    data = batch(16)
    layer = layers.RandomCrop(4, 5, seed=2, bounding_box_format='xyxy')
    made = layer(data)
    places = set()
    for x, y, mask, crop, boxes in zip(data['images'], made['images'], data['segmentation_masks'], made['segmentation_masks'],
                                       made['bounding_boxes']['boxes']):
        found = [(i, j) for i in range(7) for j in range(8) if np.array_equal(x[i:i + 4, j:j + 5], y)]
        (i, j), = found
        places.add((i, j))
        np.testing.assert_array_equal(crop, mask[i:i + 4, j:j + 5])
        np.testing.assert_allclose(boxes[0], np.clip(np.array([2, 1, 8, 6]) - [j, i, j, i], 0, [5, 4, 5, 4]))
    assert len(places) > 8


def test_mixes():
    """Labels tell what images are made of."""
    n = 6
    data = {'images': np.eye(n, dtype='float32')[:, None, None] * np.ones((1, 40, 40, 1), 'float32'), 'labels': np.eye(n)}
    for layer in (layers.MixUp(0.5, seed=3), layers.CutMix(1.0, seed=3)):
        for _ in range(5):
            made = layer(data)
            np.testing.assert_allclose(made['labels'].sum(1), 1, rtol=1e-5)
            shares = made['images'].mean((1, 2), dtype=float)
            np.testing.assert_allclose(shares, made['labels'], atol=1e-5 if isinstance(layer, layers.MixUp) else 0.06)
    boxes = {'images': photo(2, 4, 4, 3), 'bounding_boxes': {'boxes': np.arange(16, dtype='float32').reshape(2, 2, 4),
                                                             'labels': np.int32([[1, 2], [3, 4]])}}
    made = layers.MixUp(seed=1, bounding_box_format='xyxy')(boxes)['bounding_boxes']
    assert made['boxes'].shape == (2, 4, 4) and made['labels'].shape == (2, 4)


def test_erased_box():
    x = photo(64, 20, 20, 3)
    y = layers.RandomErasing((1.0, 1.0), scale=(0.25, 0.25), fill_value=(1, 2, 3), seed=1)(x)
    for before, after in zip(x, y):
        rows, columns = np.nonzero((after != before).all(-1))
        assert 9 <= np.ptp(rows) + 1 <= 11 and 9 <= np.ptp(columns) + 1 <= 11
        assert rows.size == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        np.testing.assert_array_equal(after[rows[0], columns[0]], [1, 2, 3])


@pytest.mark.parametrize('name,kwargs,low,high', [
    ('RandomBrightness', {'factor': (-0.2, 0.4)}, -51, 102), ('RandomContrast', {'factor': (0.2, 0.5)}, 0.8, 1.5)])
def test_range_of_chance(name, kwargs, low, high):
    """Drawn evenly between the two ends."""
    x = np.tile(np.float32([100, 120]).reshape(1, 1, 2, 1), (2000, 1, 1, 1))
    y = getattr(layers, name)(**kwargs, seed=4)(x)[:, 0, :, 0]
    drawn = y[:, 0] - 100 if name == 'RandomBrightness' else (y[:, 1] - y[:, 0]) / 20
    assert low <= drawn.min() < low + 0.02 * (high - low) and high - 0.02 * (high - low) < drawn.max() <= high + 1e-4
    assert abs(drawn.mean() - (low + high) / 2) < 0.03 * (high - low)


def test_in_a_trained_model():
    """Augmentation is part of the step of training, and not of predictions."""
    x, y = photo(32, 8, 8, 3), np.arange(32) % 2
    model = models.Sequential([layers.Input(shape=(8, 8, 3)), layers.RandomFlip(), layers.RandomRotation(0.1),
                               layers.RandomZoom(0.2), layers.Flatten(), layers.Dense(2, activation='softmax')])
    model.compile('sgd', 'sparse_categorical_crossentropy')
    model.fit(x / 255, y, epochs=1, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))


def test_no_kernel_is_missing():
    """In float32 nothing is left to the reference, in training."""
    x = photo(2, 8, 8, 3)
    for name, kwargs in {**{case[0]: case[1] for case in FIXED}, **RANDOM}.items():
        layer = getattr(layers, name)(**kwargs)
        assert not host_steps(Function(lambda t, layer=layer: layer(t, training=True)).traced_for([x])), name


@pytest.mark.parametrize('make,words', [
    (lambda: layers.Resizing(0, 3), 'height'), (lambda: layers.Resizing(3, 3, 'cubic'), "interpolation.*'cubic'"),
    (lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), 'got both'),
    (lambda: layers.RandomFlip('sideways'), 'mode'), (lambda: layers.RandomRotation(2), r'factor.*\[-1, 1\].*got 2'),
    (lambda: layers.RandomZoom(-1.0), 'height_factor.*above -1'), (lambda: layers.RandomTranslation(0.1, 'x'), 'width_factor'),
    (lambda: layers.RandomRotation(0.1, 'mirror'), 'fill_mode'), (lambda: layers.RandomContrast(1.5), 'factor'),
    (lambda: layers.RandomBrightness(0.1, value_range=(0, 0)), 'value_range'),
    (lambda: layers.RandomGaussianBlur(kernel_size=4), 'kernel_size to be odd'), (lambda: layers.MixUp(0), 'alpha'),
    (lambda: layers.RandomErasing(fill_value=(1, 2)), 'fill_value'), (lambda: layers.MaxNumBoundingBoxes(0), 'max_number'),
    (lambda: layers.RandomFlip(bounding_box_format='abcd'), 'bounding_box_format'),
    (lambda: layers.RandomFlip()(batch()), "'bounding_boxes'; say of which format"),
    (lambda: layers.RandomFlip()(np.zeros((2, 3), 'float32')), 'rank 3'),
    (lambda: layers.RandomFlip()({'labels': np.zeros(3)}), "key 'images'"),
    (lambda: layers.MixUp()({'images': photo(2, 3, 3, 1), 'labels': np.zeros(2)}), 'axis of classes'),
    (lambda: layers.CutMix(bounding_box_format='xyxy')(batch()), 'cannot be cut'),
    (lambda: layers.RandomHue(0.1)(photo(2, 3, 3, 1)), '3 channels')])
def test_mistakes(make, words):
    with pytest.raises(ValueError, match=words):
        make()
