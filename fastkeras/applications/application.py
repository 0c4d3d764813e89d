"""What all applications share: their arguments are checked, the input and the top are made, weights are found and loaded."""

from __future__ import annotations

import os

from fastkeras import activations, config, layers
from fastkeras.backend.leaves import is_keras_tensor
from fastkeras.models import Model, get_source_inputs
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable
from fastkeras.utils.cached_files import get_file
from fastkeras.utils.errors import warn

STORAGE = 'https://storage.googleapis.com/tensorflow/keras-applications/'
ARGUMENTS = """

    include_top: with the layers that make of features the probabilities of classes.
    weights: 'imagenet', weights trained on ImageNet (downloaded to the folder `models` of Keras's cache unless they are
        there, see `utils.get_file`); the path of a file of weights; or None, random ones.
    input_tensor: a Keras tensor, or a symbol of the backend, to take images from; by default the model has an input of its own.
    input_shape: sizes of an image without the batch, in the order of `config.image_data_format()`; None for a size that
        varies, which needs include_top=False. By default the size named above with the top, and any without.
    pooling: without the top: None for feature maps, 'avg' or 'max' for their mean or greatest value, (batch, features).
    classes: how many there are; other than 1000 only without the weights of ImageNet. Only with the top.
    classifier_activation: of the last layer, 'softmax' unless given; None for logits. With weights no other is taken.
    name: of the model.

    Names, shapes and order of layers and weights are those of the Keras generation in force (`config.set_generation`).
    Returns a Model. ValueError for arguments that cannot be; `utils.get_file` tells of downloads that fail.
    https://keras.io/api/applications/
"""


def documented(function):
    """Decorator: says below a docstring what all applications take."""
    if function.__doc__:
        function.__doc__ = function.__doc__.rstrip() + ARGUMENTS
    return function


def _order(first):
    return '(channels, rows, columns)' if first else '(rows, columns, channels)'


def shape_of_images(name, shape, size, least, flat, imagenet, first):
    """The shape of the input of an application without the batch, as Keras takes it: for what a user gave as input_shape, with
    the sizes that the network has by default and at least. flat: whether all must be known. first: whether channels are."""
    order = _order(first)
    channels = 3
    if shape is not None:
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else shape
        if not isinstance(shape, tuple) or len(shape) != 3 or any(
                d is not None and (isinstance(d, bool) or not hasattr(d, '__index__')) for d in shape):
            raise ValueError(f'{name}: input_shape: expected three whole numbers (or None), {order}, got '
                             f'{shape!r}')
        channels = shape[0 if first else -1]
        if imagenet and channels != 3:
            raise ValueError(f"{name}: weights='imagenet' are for 3 channels, got input_shape={shape}, {order}")
        if channels not in (1, 3):
            warn(f'{name}: expected images of 1 or 3 channels, got input_shape={shape}, {order}')
    default = (channels, size, size) if first else (size, size, channels)
    if imagenet and flat:
        if shape not in (None, default):
            raise ValueError(f"{name}: weights='imagenet' with include_top=True are for input_shape={default}, got "
                             f'{shape}')
        return default
    if shape is None:
        return default if flat else (channels, None, None) if first else (None, None, channels)
    sizes = shape[1:] if first else shape[:2]
    if any(d is not None and d < least for d in sizes):
        raise ValueError(f'{name}: Input size must be at least {least}x{least}, got input_shape={shape}, {order}')
    if flat and None in shape:
        raise ValueError(f'{name}: with include_top=True all sizes of input_shape must be known, got {shape}')
    return shape


class Application:
    """One network while it is described. Makes the input (`inputs`) from checked arguments; `axis` is that of channels.

    name: of the function that a user called, for messages. default_size: rows and columns with the top. flat: whether the
    top needs to know them. least: the smallest size that leaves something of an image.
    """

    def __init__(self, name, default_size, *, include_top, weights, input_tensor, input_shape, pooling, classes,
                 classifier_activation, least=32, flat=None):
        self.name = name
        self.include_top, self.weights, self.pooling = bool(include_top), _checked_weights(name, weights), pooling
        self.classes, self.activation = classes, classifier_activation
        self.first = config.image_data_format() == 'channels_first'
        self.axis = 1 if self.first else 3
        if pooling not in (None, 'avg', 'max'):
            raise ValueError(f"{name}: pooling: expected None, 'avg' or 'max', got {pooling!r}")
        if include_top:
            self._check_top()
        shape = shape_of_images(name, input_shape, default_size, least, self.include_top if flat is None else flat,
                                self.imagenet, self.first)
        if input_tensor is None:
            self.inputs = layers.Input(shape=shape)
        else:
            if not isinstance(input_tensor, (Tensor, Variable)):
                raise ValueError(f'{name}: input_tensor: expected a Keras tensor, such as layers.Input({shape}), or a '
                                 f'symbol of the backend, got {type(input_tensor).__name__}')
            self.inputs = input_tensor if is_keras_tensor(input_tensor) else layers.Input(tensor=input_tensor)
            self._compare(input_shape)
        self.given = input_tensor is not None
        # sizes as they were asked for: names of files and models hold them
        self.rows, self.columns = shape[1:] if self.first else shape[:2]

    @property
    def imagenet(self):
        """Whether the weights are those of ImageNet."""
        return self.weights == 'imagenet'

    def _check_top(self):
        if isinstance(self.classes, bool) or not hasattr(self.classes, '__index__') or int(self.classes) < 1:
            raise ValueError(f'{self.name}: classes: expected a whole number of at least 1, got {self.classes!r}')
        if self.imagenet and self.classes != 1000:
            raise ValueError(f"{self.name}: weights='imagenet' with include_top=True are for 1000 classes, so "
                             f'`classes` should be 1000, got classes={self.classes}; take include_top=False and a top '
                             'of your own, or weights=None')
        if self.pooling is not None:
            warn(f'{self.name}: pooling={self.pooling!r} has no effect with include_top=True')
        if self.weights is not None and activations.get(self.activation) not in (
                activations.get('softmax'), activations.get(None)):
            raise ValueError(f"{self.name}: classifier_activation: with weights expected 'softmax' or None, got "
                             f'{self.activation!r}')

    @property
    def _order(self):
        return _order(self.first)

    def _compare(self, shape):
        """ValueError where input_shape says something else than input_tensor."""
        sizes = tuple(self.inputs.shape)
        if len(sizes) != 4 or shape is not None and any(
                None not in (a, b) and a != b for a, b in zip(shape, sizes[1:])):
            expected = f'input_shape={tuple(shape)}' if shape is not None else f'(batch, {self._order[1:]}'
            raise ValueError(f'{self.name}: input_tensor: expected a tensor of {expected}, got one of shape {sizes}')

    # ---- what most networks end with
    def pooled(self, x, names=(None, None)):
        """Without the top: the pooling that was asked for. names: of the layers for 'avg' and 'max'."""
        if self.pooling == 'avg':
            return layers.GlobalAveragePooling2D(name=names[0])(x)
        return x if self.pooling is None else layers.GlobalMaxPooling2D(name=names[1])(x)

    def classified(self, x, name='predictions', average='avg_pool', names=(None, None), **kwargs):
        """The mean of features and a Dense layer with the top, else `pooled`."""
        if not self.include_top:
            return self.pooled(x, names)
        x = layers.GlobalAveragePooling2D(name=average)(x)
        return layers.Dense(self.classes, activation=self.activation, name=name, **kwargs)(x)

    def model(self, outputs, name, file=None, load=Model.load_weights):
        """The model, with its weights loaded. file: (name, address of its folder or of itself, hash or None), of 'imagenet'.
        load: fn(model, path)."""
        inputs = self.inputs
        if self.given:                  # what comes before input_tensor belongs to the model
            inputs = get_source_inputs(self.inputs)
            inputs = inputs[0] if len(inputs) == 1 else inputs
        model = Model(inputs, outputs, name=name)
        if self.imagenet:
            file_name, address, file_hash = file
            load(model, get_file(file_name, address + file_name if address.endswith('/') else address, file_hash=file_hash,
                                 cache_subdir='models'))
        elif self.weights is not None:
            load(model, self.weights)
        return model


def file_of(stem, folder, hashes, include_top, ends=('_weights_tf_dim_ordering_tf_kernels.h5',
                                                     '_weights_tf_dim_ordering_tf_kernels_notop.h5')):
    """(name, address of its folder, hash) of a file of ImageNet. hashes: with and without the top."""
    k = 0 if include_top else 1
    return stem + ends[k], folder if '://' in folder else f'{STORAGE}{folder}/', hashes[k]


def _checked_weights(name, weights):
    if weights is None or isinstance(weights, str) and weights == 'imagenet':
        return weights
    if isinstance(weights, (str, os.PathLike)):
        path = os.path.expanduser(os.fspath(weights))
        if os.path.exists(path):
            return path
        raise ValueError(f"{name}: the `weights` argument should be either None, 'imagenet' or the path to the weights file "
                         f'to be loaded; there is no file {os.fspath(weights)!r}')
    raise ValueError(f"{name}: the `weights` argument should be either None, 'imagenet' or the path to the weights file "
                     f'to be loaded, got {weights!r}')


def correct_pad(x, size, axis):
    """Zeros for a window of `size` with strides of 2 that is 'valid': as TensorFlow's 'same' puts them for a known size."""
    rows, columns = (x.shape[1:3] if axis == 3 else x.shape[2:4])
    less = (1, 1) if rows is None else (1 - rows % 2, 1 if columns is None else 1 - columns % 2)
    half = size // 2
    return (half - less[0], half), (half - less[1], half)


def divisible(filters, divisor=8):
    """The multiple of divisor nearest to a number of filters, not less than 0.9 times it (Sandler et al. 2018)."""
    near = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * filters else near
