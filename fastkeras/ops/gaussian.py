"""Images under small windows: Gaussian blur, Sobel's edges, structural similarity."""

import numpy as np

from .convolution import depthwise_conv
from .core import FLOATS, as_tensor, dtype_of, error, is_symbolic
from .elementwise import cast, exp, square
from .move import expand_dims, reshape, squeeze, transpose
from .reduce import mean, sum
from .resize import image_of
from .shapes import shape_of
from .slices import pad, stack
from .windows import ints


def weights(size, sigma):
    """The `size` weights of a Gaussian of deviation sigma, a number or a tensor of one; their sum is 1."""
    x = np.arange(size) - (size - 1) / 2
    if is_symbolic(sigma):
        y = exp(square(x.astype(np.float32) / reshape(sigma, (1,))) * -0.5)
        return y / sum(y)
    y = np.exp(-0.5 * (x / float(sigma)) ** 2)
    return (y / y.sum()).astype(np.float32)


def _by_rows_and_columns(x, down, across, padding):
    """(n, h, w, c) under a window that is the product of a column and a row of weights."""
    channels = shape_of(x)[3]
    for values, shape in ((down, (-1, 1, 1, 1)), (across, (1, -1, 1, 1))):
        kernel = reshape(cast(values, dtype_of(x)), shape) * np.ones((channels, 1), dtype_of(x))
        x = depthwise_conv(x, kernel, padding=padding, data_format='channels_last')
    return x


def _batch(op, images, data_format, name='images'):
    images, data_format, _ = image_of(op, images, data_format, name)
    single = len(shape_of(images)) == 3
    if single:
        images = expand_dims(images, 0)
    if data_format == 'channels_first':
        images = transpose(images, (0, 2, 3, 1))
    if shape_of(images)[3] is None:
        raise error(op, f'{name}: expected a known number of channels, got shape {shape_of(images)}')
    return images, single, data_format == 'channels_first'


def _two(op, name, value):
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2 or any(not is_symbolic(v) and not float(v) > 0 for v in value):
        raise error(op, f'{name}: expected two numbers above 0, got {value!r}')
    return value


def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Images blurred by a Gaussian window, zeros lying around them.

    images: floats, (height, width, channels) or a batch of them, or with channels first by data_format. kernel_size, sigma:
    (width, height) of the window and the deviations along them, in pixels, as Keras 3.15 on JAX and NumPy takes them, whatever
    its documentation says of the order. ValueError for other arguments.
    """
    op = 'gaussian_blur'
    images, single, first = _batch(op, images, data_format)
    if dtype_of(images) not in FLOATS:
        raise error(op, f'images: expected floats, got {dtype_of(images)}; convert them with cast')
    size, sigma = ints(kernel_size, 2, op, 'kernel_size'), _two(op, 'sigma', sigma)
    y = _by_rows_and_columns(images, weights(size[1], sigma[1]), weights(size[0], sigma[0]), 'same')
    if first:
        y = transpose(y, (0, 3, 1, 2))
    return squeeze(y, 0) if single else y


def sobel_edges(images, data_format=None):
    """Sobel's estimates of how images change, times 8: (…, 2) with the change down the rows, then that along the columns.

    images: floats, (batch, height, width, channels), or with channels first by data_format; a single image too. Beyond the
    edges lies the mirrored image, as in Keras on TensorFlow; on JAX and PyTorch zeros lie there.
    """
    op = 'sobel_edges'
    images, single, first = _batch(op, images, data_format)
    if dtype_of(images) not in FLOATS:
        raise error(op, f'images: expected floats, got {dtype_of(images)}; convert them with cast')
    around = pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode='reflect')
    smooth, change = np.array([1, 2, 1], np.float32), np.array([-1, 0, 1], np.float32)
    y = stack([_by_rows_and_columns(around, change, smooth, 'valid'), _by_rows_and_columns(around, smooth, change, 'valid')],
              axis=-1)
    if first:
        y = transpose(y, (0, 3, 1, 2, 4))
    return squeeze(y, 0) if single else y


def ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None):
    """Structural similarity of images, from -1 to 1, which equal ones have (Wang et al. 2004, "Image quality assessment: from
    error visibility to structural similarity"): a number for each pair of a batch, one for two single images.

    max_val: the largest value that a pixel can have. filter_size, filter_sigma: the Gaussian window that means and deviations
    are taken under, whole windows alone. k1, k2: how much keeps the quotients from 0. Integers give float32, where Keras
    cuts the result to an integer.
    """
    op = 'ssim'
    both = [_batch(op, x, data_format, name) for x, name in ((image1, 'image1'), (image2, 'image2'))]
    (a, single, _), (b, other, _) = both
    if single != other or any(None not in (p, q) and p != q for p, q in zip(shape_of(a), shape_of(b))):
        raise error(op, f'image1, image2: expected equal shapes, got {shape_of(as_tensor(image1))} and '
                        f'{shape_of(as_tensor(image2))}')
    size, = ints(filter_size, 1, op, 'filter_size')
    if not filter_sigma > 0:
        raise error(op, f'filter_sigma: expected a number above 0, got {filter_sigma!r}')
    a, b = (x if dtype_of(x) in FLOATS else cast(x, 'float32') for x in (a, b))
    window = weights(size, filter_sigma)

    def averaged(x):
        return _by_rows_and_columns(x, window, window, 'valid')

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_a, mean_b = averaged(a), averaged(b)
    both = mean_a * mean_b
    square_a, square_b = square(mean_a), square(mean_b)
    apart = averaged(square(a)) - square_a + (averaged(square(b)) - square_b)
    together = averaged(a * b) - both
    y = mean((2 * both + c1) * (2 * together + c2) / ((square_a + square_b + c1) * (apart + c2)), axis=(1, 2, 3))
    return squeeze(y, 0) if single else y
