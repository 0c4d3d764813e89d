"""Images resized as TensorFlow's `tf.image.resize` does without antialiasing: each pixel of the result is a weighted sum of
few pixels about its place, along the rows and along the columns. Pillow, by contrast, averages when it makes an image
smaller.
"""

import numpy as np

from fastkeras import config
from fastkeras.ops import resampling
from fastkeras.ops.resampling import METHODS, taps


def _along(x, axis, method, target):
    if x.shape[axis] == target and method not in resampling.BLUR:
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
    rows, columns, top, left = resampling.cropped(*x.shape[:2], size)
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
