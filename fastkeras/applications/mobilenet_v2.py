"""MobileNetV2. Sandler et al. 2018, https://arxiv.org/abs/1801.04381"""

from __future__ import annotations

import functools
from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, correct_pad, divisible, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.applications.mobilenet import check_alpha, square, use_square, width
from fastkeras.utils.errors import warn

__all__ = ['MobileNetV2', 'decode_predictions', 'preprocess_input']

SIZES = (96, 128, 160, 192, 224)
# how much wider a block is inside, its filters, how many such blocks, strides of the first
_BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def _positions_of_both(function):
    """Decorator: where the third positional argument is a bool it is include_top, as in Keras 3, which has no
    depth_multiplier."""
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 2 and isinstance(args[2], bool):
            args = (*args[:2], 1, *args[2:])
        return function(*args, **kwargs)
    return call


@_positions_of_both
@documented
def MobileNetV2(input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, include_top: bool = True,
                weights: Any = 'imagenet', input_tensor: Any = None, pooling: Any = None, classes: int = 1000,
                classifier_activation: Any = 'softmax', name: Any = None) -> Any:
    """MobileNetV2, for images of 224 × 224, at least 32 × 32: 3,538,984 weights, 2,257,984 without the top. Images go through
    `mobilenet_v2.preprocess_input` first.

    alpha: width, the factor of all numbers of filters; for weights of ImageNet 0.35, 0.5, 0.75, 1, 1.3 or 1.4, which are for
        images of 96, 128, 160, 192 or 224 rows and columns. depth_multiplier: Keras 2 has it, without effect; other than 1
        it is warned of. name: by default 'mobilenetv2_1.00_224'. A third positional argument that is True or False is
        include_top, as in Keras 3.
    """
    app = Application('MobileNetV2', square(input_shape if input_tensor is None or input_shape is not None else
                                            tuple(getattr(input_tensor, 'shape', ()))[1:], SIZES),
                      include_top=include_top, weights=weights, input_tensor=input_tensor, input_shape=input_shape,
                      pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    width(app, alpha)
    if app.imagenet:
        check_alpha(app, alpha, _ALPHAS)
        use_square(app, SIZES)
    if depth_multiplier != 1:
        if app.imagenet:
            raise ValueError(f"MobileNetV2: weights='imagenet' are for depth_multiplier=1, got {depth_multiplier!r}")
        warn(f'MobileNetV2: depth_multiplier={depth_multiplier!r} has no effect, as in Keras 2.2.4; use alpha')

    two = config.generation() != 3
    x, padding = app.inputs, 'same'
    if two:
        x, padding = layers.ZeroPadding2D(correct_pad(x, 3, app.axis), name='Conv1_pad')(x), 'valid'
    x = layers.Conv2D(divisible(32 * alpha), 3, strides=2, padding=padding, use_bias=False, name='Conv1')(x)
    x = layers.ReLU(6.0, name='Conv1_relu')(_norm(app, x, 'bn_Conv1'))
    block = 0
    for expansion, filters, times, stride in _BLOCKS:
        for i in range(times):
            x = _block(app, x, expansion, divisible(int(filters * alpha)), 1 if i else stride, block)
            block += 1
    x = layers.Conv2D(divisible(1280 * alpha) if alpha > 1 else 1280, 1, use_bias=False, name='Conv_1')(x)
    x = layers.ReLU(6.0, name='out_relu')(_norm(app, x, 'Conv_1_bn'))
    x = app.classified(x, 'Logits' if two else 'predictions', average=None)
    name = f'mobilenetv2_{alpha:0.2f}_{app.rows}' if name is None else name
    return app.model(x, name, file_of(f'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{app.rows}',
                                      'mobilenet_v2', (None, None), include_top, ('.h5', '_no_top.h5')))


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for this network, from -1 to 1: `imagenet_utils.preprocess_input` of the mode 'tf'. In generation 2, as in
    Keras 2.2.4, x / 128 - 1, which ends at 0.992."""
    if config.generation() != 3:
        return imagenet_utils.scaled(x, 128.0)
    return imagenet_utils.preprocess_input(x, data_format, 'tf')


def _norm(app, x, name):
    return layers.BatchNormalization(axis=app.axis, epsilon=1e-3, momentum=0.999, name=name)(x)


def _block(app, x, expansion, filters, stride, i):
    before, channels, name = x, x.shape[app.axis], f'block_{i}_' if i else 'expanded_conv_'
    if i:
        x = layers.Conv2D(expansion * channels, 1, padding='same', use_bias=False, name=f'{name}expand')(x)
        x = layers.ReLU(6.0, name=f'{name}expand_relu')(_norm(app, x, f'{name}expand_BN'))
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, 3, app.axis), name=f'{name}pad')(x)
    x = layers.DepthwiseConv2D(3, strides=stride, padding='same' if stride == 1 else 'valid', use_bias=False,
                               name=f'{name}depthwise')(x)
    x = layers.ReLU(6.0, name=f'{name}depthwise_relu')(_norm(app, x, f'{name}depthwise_BN'))
    x = layers.Conv2D(filters, 1, padding='same', use_bias=False, name=f'{name}project')(x)
    x = _norm(app, x, f'{name}project_BN')
    return layers.Add(name=f'{name}add')([before, x]) if stride == 1 and channels == filters else x
