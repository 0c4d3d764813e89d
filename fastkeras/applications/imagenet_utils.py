"""What images are before they enter a network of ImageNet, and what the 1,000 numbers that come out are called."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fastkeras import config, ops
from fastkeras.utils.cached_files import get_file
from fastkeras.utils.errors import ModelFileError

from .application import shape_of_images

__all__ = ['decode_predictions', 'preprocess_input']

CLASS_INDEX = ('imagenet_class_index.json',
               'https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json',
               'c2c37ea517e94d9795004a39431a14cb')
# mode → (divisor, means, deviations); those of 'caffe' are for blue, green, red
_MEANS = {'caffe': (None, (103.939, 116.779, 123.68), None),
          'torch': (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))}
_classes = []


def preprocess_input(x: Any, data_format: Any = None, mode: Any = 'caffe') -> Any:
    """Images with values from 0 to 255 as a network of ImageNet expects them.

    x: an array or tensor of one image (rows, columns, 3) or a batch (batch, rows, columns, 3), with the channels in front of
    the rows in 'channels_first'. data_format: by default the process's, `config.image_data_format()`. mode: 'caffe': red,
    green, blue become blue, green, red, and the mean of ImageNet is taken off each, without scaling; 'tf': from -1 to 1;
    'torch': from 0 to 1, then less the mean and divided by the deviation of ImageNet, channel by channel.

    The result has the shape of x. An array of floats is written over, as in Keras: give a copy, `x.copy()`, to keep it.
    Arrays of whole numbers stay as they are, and floats (`config.floatx()`) come out. Raises ValueError for an unknown mode
    or data_format, and where 'caffe' and 'torch' do not find three channels.
    https://keras.io/api/applications/
    """
    if mode not in ('caffe', 'tf', 'torch'):
        raise ValueError(f"preprocess_input: mode: expected 'caffe', 'tf' or 'torch', got {mode!r}")
    axis = -1 if config.standardize_data_format(data_format) == 'channels_last' else -3
    if mode == 'tf':
        return scaled(x, 127.5)
    x = _floats(x)
    _check_channels(x, axis)
    if isinstance(x, np.ndarray):
        return _array(x, axis, mode)
    divisor, means, deviations = (None if v is None else np.asarray(v, x.dtype) for v in _MEANS[mode])
    x = ops.flip(x, axis) if divisor is None else x / divisor
    x = x - _along(means, axis)
    return x if deviations is None else x / _along(deviations, axis)


def _obtain_input_shape(input_shape: Any, default_size: int, min_size: int, data_format: Any, require_flatten: Any = None,
                        weights: Any = None, include_top: Any = None) -> tuple[Any, ...]:
    """The shape of the input of a network, without the batch, for what a user gave as input_shape; networks for Keras 2 that
    are made elsewhere ask for it.

    default_size, min_size: rows and columns unless given, and at least. require_flatten (include_top in older versions):
    whether they must be known. weights: 'imagenet' for those of 3 channels. ValueError for what cannot be.
    """
    flat = bool(include_top if require_flatten is None else require_flatten)
    first = config.standardize_data_format(data_format) == 'channels_first'
    return shape_of_images('_obtain_input_shape', input_shape, default_size, min_size, flat, weights == 'imagenet', first)


def scaled(x, divisor):
    """x / divisor - 1, in place where it is an array of floats."""
    x = _floats(x)
    x /= divisor
    x -= 1.0
    return x


def _floats(x):
    """x, or where it is no array or tensor of floats that may be written to, such a copy."""
    if ops.is_tensor(x) and not isinstance(x, np.ndarray):
        return x * 1.0 if 'float' in str(x.dtype) else ops.cast(x, config.floatx())
    x = np.asarray(x)
    if x.dtype.kind != 'f':
        return x.astype(config.floatx())
    return x if x.flags.writeable else x.copy()


def _array(x, axis, mode):
    """Modes 'caffe' and 'torch' of an array, in place."""
    divisor, means, deviations = _MEANS[mode]
    if divisor is None:
        x = np.flip(x, axis)
    else:
        x /= divisor
    channels = np.moveaxis(x, axis, 0)
    for k, mean in enumerate(means):
        channels[k, ...] -= mean
        if deviations is not None:
            channels[k, ...] /= deviations[k]
    return x


def _check_channels(x, axis):
    shape = tuple(x.shape)
    if len(shape) < 3 or shape[axis] not in (3, None):
        place = 'last axis' if axis == -1 else 'third axis from the end'
        raise ValueError(f'preprocess_input: expected images of three channels, red, green and blue, on the {place}, got an '
                         f'array of shape {shape}')


def _along(values, axis):
    return values if axis == -1 else values.reshape(-1, 1, 1)


def decode_predictions(preds: Any, top: Any = 5) -> Any:
    """The likeliest classes of ImageNet, with their names.

    preds: array or tensor (samples, 1000), the predictions of a network of ImageNet. top: how many classes to tell.
    Returns for each sample a list of (number in WordNet, name, score), the likeliest first:
    `[[('n02504458', 'African_elephant', 0.82), …]]`. The names come from `imagenet_class_index.json` in the folder `models`
    of Keras's cache, to which it is downloaded (as `utils.get_file`, also for errors). Raises ValueError for another shape.
    https://keras.io/api/applications/
    """
    shape = tuple(getattr(preds, 'shape', ()))
    if len(shape) != 2 or shape[1] != 1000:
        got = f'an array of shape {shape}' if hasattr(preds, 'shape') else type(preds).__name__
        raise ValueError('decode_predictions: it expects a batch of predictions of a network of ImageNet (a 2D array of shape '
                         f'(samples, 1000)), got {got}')
    if isinstance(top, bool) or not hasattr(top, '__index__') or int(top) < 1:
        raise ValueError(f'decode_predictions: top: expected a whole number of at least 1, got {top!r}')
    names = _class_names()
    results = []
    for scores in ops.convert_to_numpy(preds):
        likeliest = list(scores.argsort()[-top:][::-1])
        likeliest.sort(key=lambda i: scores[i], reverse=True)       # equal ones as Keras orders them
        results.append([(*names[i], scores[i]) for i in likeliest])
    return results


def _class_names():
    """(number in WordNet, name) of the 1,000 classes; read once."""
    if not _classes:
        name, address, file_hash = CLASS_INDEX
        path = get_file(name, address, cache_subdir='models', file_hash=file_hash)
        try:
            with open(path, encoding='utf-8') as file:
                index = json.load(file)
            found = [(str(index[str(i)][0]), str(index[str(i)][1])) for i in range(1000)]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ModelFileError(f'{path}: expected the 1,000 classes of ImageNet, "number": [number in WordNet, name], got '
                                 f'something else ({type(error).__name__}: {error}); remove it, it is downloaded '
                                 'again') from error
        _classes[:] = found
    return _classes
