"""Images resized as TensorFlow's `tf.image.resize` does without antialiasing: each pixel of the result is a weighted sum of
few pixels about its place, along the rows and along the columns. Pillow, by contrast, averages when it makes an image
smaller.
"""

import functools

import numpy as np

from fastkeras import config

METHODS = ('bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic')
_TABLE = 1024       # steps of TensorFlow's table of cubic weights


def _cubic(x, b, c):
    """The family of Mitchell and Netravali, "Reconstruction filters in computer graphics" (1988)."""
    x = np.abs(x)
    near = ((12 - 9 * b - 6 * c) * x ** 3 + (12 * b + 6 * c - 18) * x ** 2 + 6 - 2 * b) / 6
    far = ((-b - 6 * c) * x ** 3 + (6 * b + 30 * c) * x ** 2 - (12 * b + 48 * c) * x + 8 * b + 24 * c) / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0))


# method → (radius in pixels, weight at a distance)
_KERNELS = {
    'bicubic': (2, lambda x: _cubic(x, 0, 0.5)),
    'mitchellcubic': (2, lambda x: _cubic(x, 1 / 3, 1 / 3)),
    'lanczos3': (3, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
    'lanczos5': (5, lambda x: np.where(np.abs(x) < 5, np.sinc(x) * np.sinc(x / 5), 0)),
    'gaussian': (1.5, lambda x: np.where(np.abs(x) < 1.5, np.exp(-2 * x * x), 0)),     # deviation: a third of the radius
}


@functools.lru_cache(256)
def taps(method, size, target):
    """(indices, weights), both (target, taps): which pixels of `size` make each of `target`, and by how much."""
    scale = size / target
    if method == 'area':
        begin = np.arange(target) * scale
        end = begin + scale
        index = np.floor(begin)[:, None] + np.arange(int(np.ceil(scale)) + 1)
        weight = np.clip(np.minimum(index + 1, end[:, None]) - np.maximum(index, begin[:, None]), 0, None)
    elif method == 'nearest':
        index = np.floor((np.arange(target) + 0.5) * scale)[:, None]
        weight = np.ones_like(index)
    elif method == 'bilinear':
        place = (np.arange(target) + 0.5) * scale - 0.5
        index = np.floor(place)[:, None] + [0, 1]
        weight = np.abs(index[:, ::-1] - place[:, None])
    else:
        radius, kernel = _KERNELS[method]
        place = (np.arange(target) + 0.5) * scale - 0.5
        if method == 'bicubic':
            place = np.floor(place) + np.rint((place - np.floor(place)) * _TABLE) / _TABLE
        index = np.floor(place)[:, None] + np.arange(1 - int(np.ceil(radius)), 1 + int(np.ceil(radius)))
        weight = kernel(index - place[:, None]) * ((index >= 0) & (index < size))
        weight = weight / weight.sum(1, keepdims=True)
    if method == 'area':
        weight /= weight.sum(1, keepdims=True)
    return np.clip(index, 0, size - 1).astype(np.intp), weight.astype(np.float32)


def _along(x, axis, method, target):
    if x.shape[axis] == target and method not in ('gaussian', 'mitchellcubic'):     # which blur even then
        return x
    index, weight = taps(method, x.shape[axis], target)
    shape = (target, 1, 1) if axis == 0 else (target, 1)
    total = None
    for i, w in zip(index.T, weight.T):
        part = np.take(x, i, axis=axis) * w.reshape(shape)
        total = part if total is None else np.add(total, part, out=total)
    return total


def resize(x, size, method):
    """An image of rank 3, channels last, in `size` (height, width) as float32."""
    height, width = size
    if height <= x.shape[0]:        # rows first, which lie together in memory, unless that makes more of them
        x = _along(_along(x, 0, method, height), 1, method, width)
    else:
        x = _along(_along(x, 1, method, width), 0, method, height)
    return x.astype(np.float32, copy=False)


def cropped(x, size):
    """The largest part about the middle of x that has the proportions of `size`; at least one pixel."""
    height, width = x.shape[:2]
    rows = max(1, min(height, int(width * size[0] / size[1])))
    columns = max(1, min(width, int(height * size[1] / size[0])))
    top, left = (height - rows) // 2, (width - columns) // 2
    return x[top:top + rows, left:left + columns]


def resize_with_pad(x, size, method):
    """x as large as it can be within `size` in its own proportions, in the middle of zeros."""
    own, target = np.float32(x.shape[:2]), np.float32(size)
    exact = own / np.max(own / target)
    inner = [max(1, int(number)) for number in exact]
    top, left = (max(0, int(number)) for number in (target - exact) / 2)
    made = np.zeros((*size, x.shape[2]), np.float32)
    made[top:top + inner[0], left:left + inner[1]] = resize(x, inner, method)
    return made


def smart_resize(x, size, interpolation='bilinear', data_format='channels_last', backend_module=None):
    """An image, or a batch of them, resized in its own proportions: what does not fit them is cut off on two sides.

    x: array (height, width, channels) or (samples, height, width, channels), or with channels first by data_format (None:
    the process's). size: (height, width). interpolation: as in `image_dataset_from_directory`. backend_module: taken for
    Keras 3, without effect. Returns float32. Raises ValueError for other arguments. Source: Keras 3.15.
    """
    from fastkeras.preprocessing.image.files import checked_size  # Pillow, which nothing here needs
    size = checked_size('smart_resize', size, 'size')
    if interpolation not in METHODS:
        raise ValueError(f'smart_resize: interpolation must be one of {", ".join(map(repr, METHODS))}, got {interpolation!r}')
    first = config.standardize_data_format(data_format) == 'channels_first'
    x = np.asarray(x)
    if x.ndim not in (3, 4) or not x.size or x.dtype.kind not in 'fiub':
        raise ValueError('smart_resize: x must be an image or a batch of images, an array of real numbers of rank 3 or 4 with '
                         f'at least one pixel, got shape {x.shape} and type {x.dtype}')
    images = np.moveaxis(x.reshape(-1, *x.shape[-3:]), 1, -1) if first else x.reshape(-1, *x.shape[-3:])
    made = np.stack([resize(cropped(image, size), size, interpolation) for image in images])
    made = np.ascontiguousarray(np.moveaxis(made, -1, 1)) if first else made
    return made.reshape(*x.shape[:-3], *made.shape[1:])
