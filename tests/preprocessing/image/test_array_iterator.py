"""Batches of arrays: what is in them, and what is refused. test_conformance.py has their pixels."""

import numpy as np
import pytest

from fastkeras import config
from fastkeras.preprocessing.image import ImageDataGenerator, NumpyArrayIterator


def pictures(n=10, h=4, w=5, c=3, dtype='uint8'):
    return np.random.default_rng(0).integers(0, 256, (n, h, w, c)).astype(dtype)


def test_what_a_batch_has():
    x, y, weight = pictures(), np.arange(10.), np.linspace(0, 1, 10)
    flow = ImageDataGenerator().flow
    assert isinstance(next(flow(x)), np.ndarray)
    images, labels = next(flow(x, y, batch_size=4, shuffle=False))
    np.testing.assert_array_equal(images, x[:4])
    np.testing.assert_array_equal(labels, y[:4])
    assert len(next(flow(x, y, sample_weight=weight))) == 3
    (images, one, two), labels = next(flow((x, [y, weight]), y, batch_size=3, shuffle=False))
    np.testing.assert_array_equal(two, weight[:3])
    images, other = next(flow((x, y), batch_size=3, shuffle=False))
    np.testing.assert_array_equal(other, y[:3])


def test_every_number_type():
    x = pictures()
    for dtype in ('int32', 'float16', 'float64', 'bool'):
        batch = next(ImageDataGenerator().flow(x.astype(dtype), batch_size=10, shuffle=False))
        assert batch.dtype == np.float32
        np.testing.assert_array_equal(batch, x.astype(dtype).astype('float32'))


def test_epochs():
    x, y = pictures(), np.arange(10)
    flow = ImageDataGenerator(horizontal_flip=True).flow(x, y, batch_size=4, seed=1)
    assert len(flow) == 3 and flow.n == 10 and flow.batch_size == 4
    epochs = [np.concatenate([next(flow)[1] for _ in range(3)]) for _ in range(2)]
    assert all(sorted(e) == list(range(10)) for e in epochs) and not np.array_equal(*epochs)


def test_the_array_is_left_as_it_is():
    x = pictures(dtype='float32')
    before = x.copy()
    generator = ImageDataGenerator(rescale=.5, samplewise_center=True, preprocessing_function=lambda a: np.negative(a, out=a))
    batch = next(generator.flow(x))
    np.testing.assert_array_equal(x, before)
    batch[...] = 0
    np.testing.assert_array_equal(x, before)


def test_without_a_generator():
    x = pictures()
    flow = NumpyArrayIterator(x, None, None, batch_size=4)
    np.testing.assert_array_equal(next(flow), x[:4])
    with pytest.warns(UserWarning, match='data_format="channels_first"'):
        assert NumpyArrayIterator(x.transpose(0, 3, 1, 2), None, None, dim_ordering='th').data_format == 'channels_first'
    try:
        config.set_floatx('float64')
        assert next(NumpyArrayIterator(x, None, None)).dtype == np.float64
    finally:
        config.set_floatx('float32')


def test_subsets():
    x, y = pictures(), np.tile([0, 1], 5)
    generator = ImageDataGenerator(validation_split=.4)
    train, valid = (generator.flow(x, y, shuffle=False, subset=s) for s in ('training', 'validation'))
    np.testing.assert_array_equal(next(valid)[0], x[:4])
    np.testing.assert_array_equal(next(train)[0], x[4:])
    with pytest.raises(ValueError, match='must have the same classes'):
        generator.flow(x, np.sort(y), subset='training')
    # Keras refuses numbers to be regressed as well, which are hardly ever equal
    assert generator.flow(x, np.linspace(0, 1, 10), subset='validation').n == 4
    assert generator.flow(x, np.eye(10)[:, :2] + .5, subset='validation').n == 4


def test_saved_files(tmp_path):
    x = pictures()
    flow = ImageDataGenerator().flow(x, batch_size=5, shuffle=False, seed=1, save_to_dir=str(tmp_path / 'new'),
                                     save_prefix='look', save_format='jpeg')
    next(flow)
    names = sorted(p.name for p in (tmp_path / 'new').iterdir())
    assert len(names) == 5 and all(n.startswith(f'look_{i}_') and n.endswith('.jpeg') for i, n in enumerate(names))


@pytest.mark.parametrize('arguments,message', [
    (dict(x=pictures()[0]), r'x must have rank 4 .* \(4, 5, 3\)'), (dict(y=np.arange(9)), 'x and y must have the same length'),
    (dict(sample_weight=np.ones(3)), 'x and sample_weight'), (dict(subset='test'), "got 'test'"), (dict(y=3), 'x and y'),
    (dict(x=(pictures(), [np.ones(10), np.ones(4)])), r'x and x\[1\]\[1\]'), (dict(batch_size=0), 'batch_size'),
    (dict(seed=-1), 'seed'), (dict(x=pictures().astype(complex)), 'an array of real numbers'),
    (dict(x=list(pictures())), r'must be \(images of rank 4, array or list of arrays\), got 10 elements'),
    (dict(x=(pictures(), np.ones(10), np.ones(10))), r'must be \(images of rank 4')])
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(validation_split=.5).flow(**{'x': pictures(), **arguments})


def test_channels_are_warned_of():
    with pytest.warns(UserWarning, match=r"is 'channels_last' .* shape \(10, 4, 5, 2\) has 2 channels there"):
        ImageDataGenerator().flow(pictures(c=2))
