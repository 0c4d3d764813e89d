"""Weights with which pixels are resampled along an axis: of each pixel of the result, which pixels of the image it is made of.

They are those of TensorFlow, which Keras on TensorFlow has: bicubic weights without antialiasing are read from a table of 1024
steps there, so that they differ by up to 5e-4 from the exact ones of Keras on JAX; all others agree.
"""

import functools

import numpy as np

METHODS = ('bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic')
BLUR = ('gaussian', 'mitchellcubic')  # change an image even where it keeps its size
_TABLE = 1024


def cubic(x, b, c):
    """The family of Mitchell and Netravali, "Reconstruction filters in computer graphics" (1988)."""
    x = np.abs(x)
    near = ((12 - 9 * b - 6 * c) * x ** 3 + (12 * b + 6 * c - 18) * x ** 2 + 6 - 2 * b) / 6
    far = ((-b - 6 * c) * x ** 3 + (6 * b + 30 * c) * x ** 2 - (12 * b + 48 * c) * x + 8 * b + 24 * c) / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0))


# method → (radius in pixels, weight at a distance)
KERNELS = {
    'bilinear': (1, lambda x: np.maximum(1 - np.abs(x), 0)),
    'bicubic': (2, lambda x: cubic(x, 0, 0.5)),
    'mitchellcubic': (2, lambda x: cubic(x, 1 / 3, 1 / 3)),
    'lanczos3': (3, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
    'lanczos5': (5, lambda x: np.where(np.abs(x) < 5, np.sinc(x) * np.sinc(x / 5), 0)),
    'gaussian': (1.5, lambda x: np.where(np.abs(x) < 1.5, np.exp(-2 * x * x), 0)),     # deviation: a third of the radius
}


@functools.lru_cache(256)
def taps(method, size, target, antialias=False):
    """(indices, weights), both (target, taps): which pixels of `size` make each of `target`, and by how much. antialias: where
    the image gets smaller, the kernels of all but 'nearest' and 'area' are as much wider."""
    scale = size / target
    if method == 'area':
        begin = np.arange(target) * scale
        end = begin + scale
        index = np.floor(begin)[:, None] + np.arange(int(np.ceil(scale)) + 1)
        weight = np.clip(np.minimum(index + 1, end[:, None]) - np.maximum(index, begin[:, None]), 0, None)
        weight /= weight.sum(1, keepdims=True)
    elif method == 'nearest':
        index = np.floor((np.arange(target) + 0.5) * scale)[:, None]
        weight = np.ones_like(index)
    else:
        wide = max(scale, 1) if antialias else 1
        radius, kernel = KERNELS[method]
        reach = int(np.ceil(radius * wide))
        place = (np.arange(target) + 0.5) * scale - 0.5
        if method == 'bicubic' and not antialias:
            place = np.floor(place) + np.rint((place - np.floor(place)) * _TABLE) / _TABLE
        index = np.floor(place)[:, None] + np.arange(1 - reach, 1 + reach)
        weight = kernel((index - place[:, None]) / wide) * ((index >= 0) & (index < size))
        weight = weight / weight.sum(1, keepdims=True)
    index, weight = np.clip(index, 0, size - 1).astype(np.int32), weight.astype(np.float32)
    kept = (weight != 0).any(0)  # by a whole factor the outer ones are often 0 everywhere
    return np.ascontiguousarray(index[:, kept]), np.ascontiguousarray(weight[:, kept])


@functools.lru_cache(64)
def matrix(method, size, target, antialias=False):
    """The same as a matrix (target, size)."""
    index, weight = taps(method, size, target, antialias)
    made = np.zeros((target, size), np.float32)
    np.add.at(made, (np.arange(target)[:, None], index), weight)
    return made


def cropped(height, width, size):
    """(rows, columns, top, left) of the largest part about the middle of an image that has the proportions of `size`; at least
    one pixel."""
    rows = max(1, min(height, int(np.float32(width * size[0]) / np.float32(size[1]))))
    columns = max(1, min(width, int(np.float32(height * size[1]) / np.float32(size[0]))))
    return rows, columns, (height - rows) // 2, (width - columns) // 2


def margins(height, width, size):
    """(above and below, left and right): what has to be added to an image to give it about the proportions of `size`. Both
    sides get the same, so that an odd difference loses one, as in Keras."""
    rows = max(height, int(np.float32(width * size[0]) / np.float32(size[1])))
    columns = max(width, int(np.float32(height * size[1]) / np.float32(size[0])))
    return (rows - height) // 2, (columns - width) // 2
