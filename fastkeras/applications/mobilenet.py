"""MobileNet. Howard et al. 2017, https://arxiv.org/abs/1704.04861"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.utils.errors import warn

__all__ = ['MobileNet', 'decode_predictions', 'preprocess_input']

SIZES = (128, 160, 192, 224)
# filters behind each depthwise convolution, and its strides
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
_ALPHAS = {0.25: '2_5', 0.5: '5_0', 0.75: '7_5', 1.0: '1_0'}


@documented
def MobileNet(input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, dropout: float = 1e-3,
              include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, pooling: Any = None,
              classes: int = 1000, classifier_activation: Any = 'softmax', name: Any = None) -> Any:
    """MobileNet, for images of 224 × 224, at least 32 × 32: 4,253,864 weights, 3,228,864 without the top. Images go through
    `mobilenet.preprocess_input` first.

    alpha: width, the factor of all numbers of filters; for weights of ImageNet 0.25, 0.5, 0.75 or 1, which are for images
        of 128, 160, 192 or 224 rows and columns. depth_multiplier: filters of a depthwise convolution for each channel; 1
        for weights of ImageNet. dropout: rate of the layer before the last. name: by default 'mobilenet_1.00_224'.
    """
    app = Application('MobileNet', square(input_shape, SIZES), include_top=include_top, weights=weights,
                      input_tensor=input_tensor, input_shape=input_shape, pooling=pooling, classes=classes,
                      classifier_activation=classifier_activation)
    width(app, alpha)
    if app.imagenet:
        check_alpha(app, alpha, _ALPHAS)
        if depth_multiplier != 1:
            raise ValueError(f"MobileNet: weights='imagenet' are for depth_multiplier=1, got {depth_multiplier!r}")
        use_square(app, SIZES)

    def active(x, name):
        x = layers.BatchNormalization(axis=app.axis, name=f'{name}_bn')(x)
        return layers.ReLU(6.0, name=f'{name}_relu')(x)

    x, padding, two = app.inputs, 'same', config.generation() != 3
    if two:                     # zeros below and to the right, whatever the size
        x, padding = layers.ZeroPadding2D(((0, 1), (0, 1)), name='conv1_pad')(x), 'valid'
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding=padding, use_bias=False, name='conv1')(x)
    x = active(x, 'conv1')
    for i, (filters, stride) in enumerate(_BLOCKS, 1):
        if stride == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f'conv_pad_{i}')(x)
        x = layers.DepthwiseConv2D(3, strides=stride, padding='valid' if stride == 2 else 'same', use_bias=False,
                                   depth_multiplier=depth_multiplier, name=f'conv_dw_{i}')(x)
        x = active(x, f'conv_dw_{i}')
        x = layers.Conv2D(int(filters * alpha), 1, padding='same', use_bias=False, name=f'conv_pw_{i}')(x)
        x = active(x, f'conv_pw_{i}')
    x = _top(app, x, int(1024 * alpha), dropout, two) if include_top else app.pooled(x)
    name = f'mobilenet_{alpha:0.2f}_{app.rows}' if name is None else name
    file = app.imagenet and file_of(f'mobilenet_{_ALPHAS[alpha]}_{app.rows}', 'mobilenet', (None, None), include_top,
                                    ('_tf.h5', '_tf_no_top.h5'))
    return app.model(x, name, file)


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for this network: `imagenet_utils.preprocess_input` of the mode 'tf'."""
    return imagenet_utils.preprocess_input(x, data_format, 'tf')


def _top(app, x, filters, dropout, two):
    x = layers.GlobalAveragePooling2D(keepdims=not two)(x)
    if two:
        x = layers.Reshape((filters, 1, 1) if app.first else (1, 1, filters), name='reshape_1')(x)
    x = layers.Dropout(dropout, name='dropout')(x)
    x = layers.Conv2D(app.classes, 1, padding='same', name='conv_preds')(x)
    if not two:
        x = layers.Reshape((app.classes,), name='reshape_2')(x)
        return layers.Activation(app.activation, name='predictions')(x)
    if app.first:               # the classes are on the first axis yet
        x = layers.Reshape((app.classes,), name='reshape_2')(x)
        return layers.Activation(app.activation, name='act_softmax')(x)
    x = layers.Activation(app.activation, name='act_softmax')(x)
    return layers.Reshape((app.classes,), name='reshape_2')(x)


# ---- for all networks that have a width
def square(shape, sizes, otherwise=224):
    """The default size for an input_shape: its own, where there are weights of ImageNet for it."""
    if not isinstance(shape, (tuple, list)) or len(shape) != 3:     # a wrong one is found later
        return otherwise
    rows, columns = shape[1:] if config.image_data_format() == 'channels_first' else shape[:2]
    return rows if rows == columns and rows in sizes else otherwise


def width(app, alpha):
    """ValueError unless alpha is a number that leaves filters."""
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 1 / 32 <= alpha < float('inf'):
        raise ValueError(f'{app.name}: alpha: expected a number of at least 1/32, the factor of numbers of filters, got '
                         f'{alpha!r}')


def check_alpha(app, alpha, known):
    """ValueError where there are no weights of ImageNet for a width."""
    if alpha not in known:
        raise ValueError(f"{app.name}: weights='imagenet' are there for alpha={', '.join(map(str, known))}, got {alpha!r}")


def use_square(app, sizes):
    """Weights of ImageNet are kept for some sizes; others take those for 224, with a warning."""
    if app.rows != app.columns or app.rows not in sizes:
        warn(f'{app.name}: there are weights of ImageNet for images of {", ".join(map(str, sizes))} rows and columns; for '
             f'{app.rows} × {app.columns}, those for 224 are taken')
        app.rows = 224
