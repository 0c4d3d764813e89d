"""Transforms of one image: by given amounts, and by random ones from NumPy's global state.

Images are arrays of rank 3 of any number type; they are not changed. An image that is moved keeps its type, and whole
numbers are the nearest ones. Source: keras-preprocessing 1.1.2, of which equal seeds give equal pixels; but rows and
columns are where `row_axis` and `col_axis` say, which keras-preprocessing forgets in the random functions, so that it
turns images of channels_first about another point than their middle.
"""

import numpy as np

from fastkeras import config
from fastkeras.preprocessing.image import warp
from fastkeras.preprocessing.image.augment import cast
from fastkeras.preprocessing.image.settings import is_number
from fastkeras.preprocessing.image.warp import Pipeline


def _image(function, x):
    x = np.asarray(x)
    if x.ndim != 3 or x.dtype.kind not in 'fiub':
        raise ValueError(f'{function}: x must be one image, an array of real numbers of rank 3, got shape {x.shape} and '
                         f'type {x.dtype}')
    return x


def _axes(function, row_axis, col_axis, channel_axis):
    axes = (row_axis, col_axis, channel_axis)
    if any(not hasattr(a, '__index__') for a in axes) or sorted(a + 3 if a < 0 else a for a in axes) != [0, 1, 2]:
        raise ValueError(f'{function}: row_axis, col_axis and channel_axis must be the three different axes of an image, '
                         f'got {row_axis}, {col_axis} and {channel_axis}')
    return axes


def _pair(function, argument, value):
    if np.ndim(value) != 1 or len(value) != 2 or not all(map(is_number, value)):
        raise ValueError(f'{function}: {argument} must be a pair of numbers (least, most), got {value!r}')
    return value


def flip_axis(x, axis):
    """The array with its order along one axis reversed, as a view of it. Source: Keras 1."""
    return np.flip(np.asarray(x), axis)


def transform_matrix_offset_center(matrix, x, y):
    """The mapping `matrix` (3, 3), done about the middle of an image of x rows and y columns; array (3, 3).

    The middle is (x / 2 + 0.5, y / 2 + 0.5), as Keras takes it.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (3, 3):
        raise ValueError(f'transform_matrix_offset_center: matrix must have shape (3, 3), got {matrix.shape}')
    return warp.about_center(matrix, x, y)


def apply_transform(x, transform_matrix, channel_axis=0, fill_mode='nearest', cval=0., order=0):
    """The image moved by a matrix (3, 3), or (2, 3): pixel (i, j) of the result is x at the first two of
    matrix · (i, j, 1), rows and columns being the two axes besides channel_axis.

    fill_mode: what lies outside: 'nearest', 'constant' (`cval`), 'reflect', 'wrap' or 'mirror'. order: of the spline that
    interpolates, 0 to 5. Source: Keras 1, which takes the nearest pixel (order 0).
    """
    x = _image('apply_transform', x)
    matrix = np.asarray(transform_matrix, np.float64)
    if matrix.shape not in ((3, 3), (2, 3)):
        raise ValueError(f'apply_transform: transform_matrix must have shape (3, 3) or (2, 3), got {matrix.shape}')
    if channel_axis not in (0, 1, 2, -1, -2, -3):
        raise ValueError(f'apply_transform: channel_axis must be an axis of an image, 0 to 2, got {channel_axis!r}')
    rows, columns = (a for a in range(3) if a != channel_axis % 3)
    return _warped(x, matrix[:2, :2], matrix[:2, 2], (rows, columns, channel_axis), fill_mode, cval, order)


def _warped(x, matrix, offset, axes, fill_mode, cval, order):
    if x.dtype in (np.uint8, np.float32):
        work = x.dtype
    else:
        work = np.float32 if x.dtype.itemsize < 4 else np.float64
    image = np.ascontiguousarray(np.moveaxis(x, axes, (0, 1, 2)), work)
    made = warp.warp(image, matrix, offset, fill_mode, cval, order)
    made = made >= 0.5 if x.dtype == bool else cast(made, x.dtype)
    return np.moveaxis(made, (0, 1, 2), axes)


def apply_affine_transform(x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=0, col_axis=1, channel_axis=2,
                           fill_mode='nearest', cval=0., order=1):
    """The image rotated, shifted, sheared and zoomed about its middle.

    theta: angle in degrees. tx, ty: pixels along the rows and the columns. shear: angle in degrees. zx, zy: factors along
    the rows and the columns; 2 shows twice as much of the image. row_axis, col_axis, channel_axis: what the axes are.
    fill_mode: what lies outside: 'nearest', 'constant' (`cval`), 'reflect', 'wrap' or 'mirror'. order: of the spline that
    interpolates, 0 to 5. All of it is done in one interpolation. Without any change x itself comes back.
    """
    return _moved('apply_affine_transform', x, (theta, tx, ty, shear, zx, zy), row_axis, col_axis, channel_axis,
                  fill_mode, cval, order)


def _moved(function, x, amounts, row_axis, col_axis, channel_axis, fill_mode, cval, order):
    x = _image(function, x)
    axes = _axes(function, row_axis, col_axis, channel_axis)
    if not all(map(is_number, amounts)):
        raise ValueError(f'{function}: theta, tx, ty, shear, zx and zy must be numbers, got {amounts}')
    matrix, offset, changed = warp.transform_matrices(
        np.array([amounts], np.float64), x.shape[row_axis], x.shape[col_axis])
    if not changed[0]:
        return x
    return _warped(x, matrix[0], offset[0], axes, fill_mode, cval, order)


def random_rotation(x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0., interpolation_order=1):
    """The image rotated by a random angle from -rg to rg degrees. The rest: see `apply_affine_transform`."""
    theta = np.random.uniform(-rg, rg)
    return _moved('random_rotation', x, (theta, 0, 0, 0, 1, 1), row_axis, col_axis, channel_axis, fill_mode, cval,
                  interpolation_order)


def random_shift(x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.,
                 interpolation_order=1):
    """The image shifted by up to wrg of its width and hrg of its height, to either side. The rest: see
    `apply_affine_transform`."""
    height, width = (np.shape(_image('random_shift', x))[a] for a in _axes('random_shift', row_axis, col_axis,
                                                                         channel_axis)[:2])
    tx = np.random.uniform(-hrg, hrg) * height
    ty = np.random.uniform(-wrg, wrg) * width
    return _moved('random_shift', x, (0, tx, ty, 0, 1, 1), row_axis, col_axis, channel_axis, fill_mode, cval,
                  interpolation_order)


def random_shear(x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.,
                 interpolation_order=1):
    """The image sheared by a random angle from -intensity to intensity degrees. The rest: see
    `apply_affine_transform`."""
    shear = np.random.uniform(-intensity, intensity)
    return _moved('random_shear', x, (0, 0, 0, shear, 1, 1), row_axis, col_axis, channel_axis, fill_mode, cval,
                  interpolation_order)


def random_zoom(x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.,
                interpolation_order=1):
    """The image zoomed by two random factors from zoom_range (least, most), along the rows and the columns. The rest: see
    `apply_affine_transform`."""
    least, most = _pair('random_zoom', 'zoom_range', zoom_range)
    zx, zy = (1, 1) if least == 1 and most == 1 else np.random.uniform(least, most, 2)
    return _moved('random_zoom', x, (0, 0, 0, 0, zx, zy), row_axis, col_axis, channel_axis, fill_mode, cval,
                  interpolation_order)


def apply_channel_shift(x, intensity, channel_axis=0):
    """The image plus `intensity`, cut to the range of values that it had; float32 unless it was another float type.

    channel_axis: all channels are shifted alike, so it does not matter.
    """
    x = _image('apply_channel_shift', x)
    x = x if x.dtype.kind == 'f' else x.astype(np.float32)
    return np.clip(x + x.dtype.type(intensity), x.min(), x.max()) if x.size else x


def random_channel_shift(x, intensity_range, channel_axis=0):
    """`apply_channel_shift` by a random number from -intensity_range to intensity_range."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x, brightness):
    """The image, spread over 0 … 255 and with its fractions cut off, times `brightness`, cut to 255 and to whole numbers;
    float32. Of four channels the last one, opacity, is not multiplied.

    The channels are where the process's data format says. Source: keras-preprocessing, which leaves it to Pillow.
    """
    x = _image('apply_brightness_shift', x)
    if not is_number(brightness):
        raise ValueError(f'apply_brightness_shift: brightness must be a number, got {brightness!r}')
    out = np.empty((1, *x.shape), np.float32)
    return Pipeline(config.image_data_format()).run([x], [{'brightness': brightness}], out)[0]


def random_brightness(x, brightness_range):
    """`apply_brightness_shift` by a random factor from brightness_range (least, most)."""
    return apply_brightness_shift(x, np.random.uniform(*_pair('random_brightness', 'brightness_range', brightness_range)))
