"""`smart_resize`, and images that are cut to proportions far from their own."""

import numpy as np
import pytest

from fastkeras import config, utils
from fastkeras.preprocessing.image import smart_resize
from tests.preprocessing.image.pictures import save

# what Keras 3.15.1 on TensorFlow gives for PICTURE and the size (3, 2)
PICTURE = (np.arange(24, dtype='float32') ** 2 % 251).reshape(4, 6, 1)
OF_KERAS = {
    'bilinear': [[14.0, 21.0], [130.0, 153.0], [156.833, 195.833]],
    'nearest': [[4.0, 9.0], [196.0, 225.0], [149.0, 190.0]],
    'bicubic': [[9.394, 15.631], [136.688, 159.688], [155.81, 195.573]],
    'lanczos3': [[6.204, 12.234], [145.286, 168.286], [159.213, 199.183]],
}


@pytest.mark.parametrize('interpolation', OF_KERAS)
def test_is_that_of_keras(interpolation):
    made = smart_resize(PICTURE, (3, 2), interpolation)
    assert made.shape == (3, 2, 1) and made.dtype == np.float32
    np.testing.assert_allclose(made[..., 0], OF_KERAS[interpolation], atol=2e-3)


@pytest.mark.parametrize('dtype', ['uint8', 'float64'])
def test_batches_and_layouts(dtype):
    x = np.random.RandomState(0).randint(0, 256, (3, 9, 14, 2)).astype(dtype)
    made = smart_resize(x, (5, 4))
    assert made.shape == (3, 5, 4, 2)
    np.testing.assert_array_equal(made[1], smart_resize(x[1], (5, 4)))
    first = x.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(smart_resize(first, (5, 4), data_format='channels_first'), made.transpose(0, 3, 1, 2))
    config.set_image_data_format('channels_first')
    try:
        np.testing.assert_array_equal(smart_resize(first[0], [5, 4], data_format=None), made[0].transpose(2, 0, 1))
    finally:
        config.set_image_data_format('channels_last')


def test_at_least_a_pixel_is_left(tmp_path):
    """Of two rows, as wide as they are, a tall picture would be cut a fraction of a column."""
    x = np.arange(600.).reshape(2, 300, 1)
    assert smart_resize(x, (100, 1))[[0, -1], 0, 0].tolist() == [149, 449]
    save(tmp_path / 'a/1.png', height=2, width=300)
    data = utils.image_dataset_from_directory(tmp_path, image_size=(100, 1), crop_to_aspect_ratio=True, labels=None)
    assert data[0].shape == (1, 100, 1, 3)


@pytest.mark.parametrize('args,words', [
    ((np.zeros((4, 4)), (2, 2)), 'rank 3 or 4.*(4, 4)'), ((np.zeros((0, 4, 3)), (2, 2)), 'at least one pixel'),
    ((PICTURE, 3), 'size to be two positive whole numbers'), ((PICTURE, (2, 2), 'cubic'), "interpolation.*'cubic'"),
    ((PICTURE, (2, 2), 'nearest', 'tf'), 'data_format'), ((np.array([[['a']]]), (2, 2)), 'real numbers'),
])
def test_wrong_arguments(args, words):
    with pytest.raises(ValueError, match=words):
        smart_resize(*args)
