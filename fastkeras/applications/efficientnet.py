"""EfficientNet: one network in eight sizes. Tan and Le 2019, https://arxiv.org/abs/1905.11946"""

from __future__ import annotations

import math
from typing import Any

from fastkeras import layers
from fastkeras.applications.application import Application, correct_pad, divisible, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['EfficientNetB0', 'EfficientNetB1', 'EfficientNetB2', 'EfficientNetB3', 'EfficientNetB4',
           'EfficientNetB5', 'EfficientNetB6', 'EfficientNetB7',
           'decode_predictions', 'preprocess_input']

_FILES = 'https://storage.googleapis.com/keras-applications/'
# size → (width, depth, rows of an image, rate of the last dropout, hashes with and without the top)
_SIZES = {
    'b0': (1.0, 1.0, 224, 0.2,
           ('902e53a9f72be733fc0bcb005b3ebbac', '50bc09e76180e00e4465e1a485ddc09d')),
    'b1': (1.0, 1.1, 240, 0.2,
           ('1d254153d4ab51201f1646940f018540', '74c4e6b3e1f6a1eea24c589628592432')),
    'b2': (1.1, 1.2, 260, 0.3,
           ('b15cce36ff4dcbd00b6dd88e7857a6ad', '111f8e2ac8aa800a7a99e3239f7bfb39')),
    'b3': (1.2, 1.4, 300, 0.3,
           ('ffd1fdc53d0ce67064dc6a9c7960ede0', 'af6d107764bb5b1abb91932881670226')),
    'b4': (1.4, 1.8, 380, 0.4,
           ('18c95ad55216b8f92d7e70b3a046e2fc', 'ebc24e6d6c33eaebbd558eafbeedf1ba')),
    'b5': (1.6, 2.2, 456, 0.4,
           ('ace28f2a6363774853a83a0b21b9421a', '38879255a25d3c92d5e44e04ae6cec6f')),
    'b6': (1.8, 2.6, 528, 0.5,
           ('165f6e37dce68623721b423839de8be5', '9ecce42647a20130c1f39a5d4cb75743')),
    'b7': (2.0, 3.1, 600, 0.5,
           ('8c03f828fec3ef71311cd463b6759d99', 'cbcfe4450ddf6f3ad90b1b398090fe4a')),
}
# stages: window, blocks, filters, how much wider inside, strides of the first block
_STAGES = ((3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2),
           (3, 1, 320, 6, 1))
KERNEL = {'class_name': 'VarianceScaling', 'config': {'scale': 2.0, 'mode': 'fan_out', 'distribution': 'truncated_normal'}}
TOP_KERNEL = {'class_name': 'VarianceScaling', 'config': {'scale': 1 / 3, 'mode': 'fan_out', 'distribution': 'uniform'}}


@documented
def EfficientNetB0(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb0') -> Any:
    """EfficientNetB0, for images of 224 × 224, at least 32 × 32: 5,330,571 weights, 4,049,571 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB0', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b0', name)


@documented
def EfficientNetB1(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb1') -> Any:
    """EfficientNetB1, for images of 240 × 240, at least 32 × 32: 7,856,239 weights, 6,575,239 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB1', 240, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b1', name)


@documented
def EfficientNetB2(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb2') -> Any:
    """EfficientNetB2, for images of 260 × 260, at least 32 × 32: 9,177,569 weights, 7,768,569 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB2', 260, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b2', name)


@documented
def EfficientNetB3(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb3') -> Any:
    """EfficientNetB3, for images of 300 × 300, at least 32 × 32: 12,320,535 weights, 10,783,535 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB3', 300, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b3', name)


@documented
def EfficientNetB4(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb4') -> Any:
    """EfficientNetB4, for images of 380 × 380, at least 32 × 32: 19,466,823 weights, 17,673,823 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB4', 380, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b4', name)


@documented
def EfficientNetB5(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb5') -> Any:
    """EfficientNetB5, for images of 456 × 456, at least 32 × 32: 30,562,527 weights, 28,513,527 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB5', 456, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b5', name)


@documented
def EfficientNetB6(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb6') -> Any:
    """EfficientNetB6, for images of 528 × 528, at least 32 × 32: 43,265,143 weights, 40,960,143 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB6', 528, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b6', name)


@documented
def EfficientNetB7(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                   pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                   name: Any = 'efficientnetb7') -> Any:
    """EfficientNetB7, for images of 600 × 600, at least 32 × 32: 66,658,687 weights, 64,097,687 without the top. Images
    have values from 0 to 255."""
    app = Application('EfficientNetB7', 600, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b7', name)


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """x as it is: these networks take images with values from 0 to 255, and scale them themselves."""
    return x


def _describe(app, size, name):
    width, depth, _, dropout, hashes = _SIZES[size]
    x = layers.Rescaling(1 / 255)(app.inputs)
    x = layers.Normalization(axis=app.axis)(x)
    if app.imagenet:        # the weights were trained with the roots of the deviations
        x = layers.Rescaling([1 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)])(x)
    x = layers.ZeroPadding2D(correct_pad(x, 3, app.axis), name='stem_conv_pad')(x)
    x = layers.Conv2D(divisible(32 * width), 3, strides=2, use_bias=False, kernel_initializer=KERNEL, name='stem_conv')(x)
    x = _active(app, x, 'stem_')
    depths = [math.ceil(depth * times) for _, times, *_ in _STAGES]
    done, before = 0, divisible(32 * width)
    for stage, ((window, _, filters, expansion, stride), times) in enumerate(zip(_STAGES, depths), 1):
        for i in range(times):
            x = _block(app, x, before, divisible(filters * width), window, expansion, 1 if i else stride,
                       0.2 * done / sum(depths), f'block{stage}{chr(97 + i)}_')
            done, before = done + 1, divisible(filters * width)
    x = layers.Conv2D(divisible(1280 * width), 1, padding='same', use_bias=False, kernel_initializer=KERNEL, name='top_conv')(x)
    return ended(app, _active(app, x, 'top_'), dropout, name, file_of(f'efficientnet{size}', _FILES, hashes, app.include_top,
                                                                      ('.h5', '_notop.h5')))


def ended(app, x, dropout, name, file):
    """The model with the top of this family."""
    if app.include_top:
        x = layers.GlobalAveragePooling2D(name='avg_pool')(x)
        x = layers.Dropout(dropout, name='top_dropout')(x)
        x = layers.Dense(app.classes, activation=app.activation, kernel_initializer=TOP_KERNEL, name='predictions')(x)
    else:
        x = app.pooled(x, ('avg_pool', 'max_pool'))
    return app.model(x, name, file)


def squeezed(app, x, filters, name):
    """x times a number for each channel, made of the means of all channels (squeeze and excite). filters: between them."""
    channels = x.shape[app.axis]
    y = layers.GlobalAveragePooling2D(name=f'{name}se_squeeze')(x)
    y = layers.Reshape((channels, 1, 1) if app.first else (1, 1, channels), name=f'{name}se_reshape')(y)
    y = layers.Conv2D(filters, 1, padding='same', activation='swish', kernel_initializer=KERNEL, name=f'{name}se_reduce')(y)
    y = layers.Conv2D(channels, 1, padding='same', activation='sigmoid', kernel_initializer=KERNEL, name=f'{name}se_expand')(y)
    return layers.Multiply(name=f'{name}se_excite')([x, y])


def added(before, x, rate, name):
    """before + x, where x is left out for a sample with probability `rate`."""
    if rate:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f'{name}drop')(x)
    return layers.Add(name=f'{name}add')([x, before])


def _active(app, x, name):
    x = layers.BatchNormalization(axis=app.axis, name=f'{name}bn')(x)
    return layers.Activation('swish', name=f'{name}activation')(x)


def _block(app, x, channels, filters, window, expansion, stride, rate, name):
    before, inside, padding = x, channels * expansion, 'same'
    if expansion != 1:
        x = layers.Conv2D(inside, 1, padding='same', use_bias=False, kernel_initializer=KERNEL, name=f'{name}expand_conv')(x)
        x = _active(app, x, f'{name}expand_')
    if stride == 2:
        x, padding = layers.ZeroPadding2D(correct_pad(x, window, app.axis), name=f'{name}dwconv_pad')(x), 'valid'
    x = layers.DepthwiseConv2D(window, strides=stride, padding=padding, use_bias=False, depthwise_initializer=KERNEL,
                               name=f'{name}dwconv')(x)
    x = squeezed(app, _active(app, x, name), max(1, channels // 4), name)
    x = layers.Conv2D(filters, 1, padding='same', use_bias=False, kernel_initializer=KERNEL, name=f'{name}project_conv')(x)
    x = layers.BatchNormalization(axis=app.axis, name=f'{name}project_bn')(x)
    return added(before, x, rate, name) if stride == 1 and channels == filters else x
