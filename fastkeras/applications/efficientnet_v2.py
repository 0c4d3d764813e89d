"""EfficientNetV2: full convolutions in the first stages. Tan and Le 2021, https://arxiv.org/abs/2104.00298"""

from __future__ import annotations

import math
from typing import Any

from fastkeras import layers
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.efficientnet import KERNEL, added, ended, squeezed
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['EfficientNetV2B0', 'EfficientNetV2B1', 'EfficientNetV2B2', 'EfficientNetV2B3',
           'EfficientNetV2S', 'EfficientNetV2M', 'EfficientNetV2L',
           'decode_predictions', 'preprocess_input']

# stages: whether the window is over all channels, blocks, filters, how much wider inside, strides of the first block
_B = ((True, 1, 16, 1, 1), (True, 2, 32, 4, 2), (True, 2, 48, 4, 2), (False, 3, 96, 4, 2), (False, 5, 112, 6, 1),
      (False, 8, 192, 6, 2))
_S = ((True, 2, 24, 1, 1), (True, 4, 48, 4, 2), (True, 4, 64, 4, 2), (False, 6, 128, 4, 2), (False, 9, 160, 6, 1),
      (False, 15, 256, 6, 2))
_M = ((True, 3, 24, 1, 1), (True, 5, 48, 4, 2), (True, 5, 80, 4, 2), (False, 7, 160, 4, 2), (False, 14, 176, 6, 1),
      (False, 18, 304, 6, 2), (False, 5, 512, 6, 1))
_L = ((True, 4, 32, 1, 1), (True, 7, 64, 4, 2), (True, 7, 96, 4, 2), (False, 10, 192, 4, 2), (False, 19, 224, 6, 1),
      (False, 25, 384, 6, 2), (False, 7, 640, 6, 1))
# size → (filters of the first convolution, stages, width, depth, hashes with and without the top)
_SIZES = {
    'b0': (32, _B, 1.0, 1.0,
           ('21ecbf6da12460d5c40bb2f29ceb2188', '893217f2bb855e2983157299931e43ff')),
    'b1': (32, _B, 1.0, 1.1,
           ('069f0534ff22adf035c89e2d9547a9dc', '0e80663031ca32d657f9caa404b6ec37')),
    'b2': (32, _B, 1.1, 1.2,
           ('424e49f28180edbde1e94797771950a7', '1dfe2e7a5d45b6632553a8961ea609eb')),
    'b3': (32, _B, 1.2, 1.4,
           ('1f1fc43bd98a6e4fd8fdfd551e02c7a0', 'f6abf7b5849ac99a89b50dd3fd532856')),
    's': (24, _S, 1.0, 1.0,
           ('e1d88a8495beba45748fedd0cecbe016', 'af0682fb74e8c54910f2d4393339c070')),
    'm': (24, _M, 1.0, 1.0,
           ('a3bf6aa3276309f4fc6a34aa114c95cd', '1b8dc055df72dde80d614482840fe342')),
    'l': (32, _L, 1.0, 1.0,
           ('27e6d408b53c7ebc868fefa357689935', 'b0b66b5c863aef5b46e8608fe1711615')),
}


@documented
def EfficientNetV2B0(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                     pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                     include_preprocessing: bool = True, name: Any = 'efficientnetv2-b0') -> Any:
    """EfficientNetV2B0, for images of 224 × 224, at least 32 × 32: 7,200,312 weights, 5,919,312 without the top. Images
    have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution takes
    them."""
    app = Application('EfficientNetV2B0', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b0', include_preprocessing, name)


@documented
def EfficientNetV2B1(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                     pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                     include_preprocessing: bool = True, name: Any = 'efficientnetv2-b1') -> Any:
    """EfficientNetV2B1, for images of 240 × 240, at least 32 × 32: 8,212,124 weights, 6,931,124 without the top. Images
    have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution takes
    them."""
    app = Application('EfficientNetV2B1', 240, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b1', include_preprocessing, name)


@documented
def EfficientNetV2B2(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                     pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                     include_preprocessing: bool = True, name: Any = 'efficientnetv2-b2') -> Any:
    """EfficientNetV2B2, for images of 260 × 260, at least 32 × 32: 10,178,374 weights, 8,769,374 without the top.
    Images have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution
    takes them."""
    app = Application('EfficientNetV2B2', 260, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b2', include_preprocessing, name)


@documented
def EfficientNetV2B3(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                     pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                     include_preprocessing: bool = True, name: Any = 'efficientnetv2-b3') -> Any:
    """EfficientNetV2B3, for images of 300 × 300, at least 32 × 32: 14,467,622 weights, 12,930,622 without the top.
    Images have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution
    takes them."""
    app = Application('EfficientNetV2B3', 300, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'b3', include_preprocessing, name)


@documented
def EfficientNetV2S(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                    pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                    include_preprocessing: bool = True, name: Any = 'efficientnetv2-s') -> Any:
    """EfficientNetV2S, for images of 384 × 384, at least 32 × 32: 21,612,360 weights, 20,331,360 without the top.
    Images have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution
    takes them."""
    app = Application('EfficientNetV2S', 384, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 's', include_preprocessing, name)


@documented
def EfficientNetV2M(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                    pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                    include_preprocessing: bool = True, name: Any = 'efficientnetv2-m') -> Any:
    """EfficientNetV2M, for images of 480 × 480, at least 32 × 32: 54,431,388 weights, 53,150,388 without the top.
    Images have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution
    takes them."""
    app = Application('EfficientNetV2M', 480, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'm', include_preprocessing, name)


@documented
def EfficientNetV2L(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                    pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                    include_preprocessing: bool = True, name: Any = 'efficientnetv2-l') -> Any:
    """EfficientNetV2L, for images of 480 × 480, at least 32 × 32: 119,027,848 weights, 117,746,848 without the top.
    Images have values from 0 to 255. include_preprocessing: scale them; without, images come as the first convolution
    takes them."""
    app = Application('EfficientNetV2L', 480, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, 'l', include_preprocessing, name)


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """x as it is: these networks take images with values from 0 to 255, and scale them themselves."""
    return x


def _describe(app, size, preprocessing, name):
    first, stages, width, depth, hashes = _SIZES[size]
    x = _scaled(app, app.inputs, size) if preprocessing else app.inputs
    before = _wide(first, width)
    x = layers.Conv2D(before, 3, strides=2, padding='same', use_bias=False, kernel_initializer=KERNEL, name='stem_conv')(x)
    x = _active(app, x, 'stem_')
    # the share of blocks done is counted in those of the smallest size, as in Keras: beyond them rates go on growing
    done, all_blocks = 0, sum(times for _, times, *_ in stages)
    for stage, (full, times, filters, expansion, stride) in enumerate(stages, 1):
        for i in range(math.ceil(depth * times)):
            x = _block(app, x, full, before, _wide(filters, width), expansion, 1 if i else stride, 0.2 * done / all_blocks,
                       f'block{stage}{chr(97 + i)}_')
            done, before = done + 1, _wide(filters, width)
    x = layers.Conv2D(_wide(1280, width), 1, padding='same', use_bias=False, kernel_initializer=KERNEL, name='top_conv')(x)
    return ended(app, _active(app, x, 'top_'), 0.2, name, file_of(f'efficientnetv2-{size}', 'efficientnet_v2', hashes,
                                                                  app.include_top, ('.h5', '_notop.h5')))


def _scaled(app, x, size):
    if size[0] != 'b' or x.shape[app.axis] != 3:
        return layers.Rescaling(1 / 128, -1)(x)
    x = layers.Rescaling(1 / 255)(x)
    return layers.Normalization(axis=app.axis, mean=[0.485, 0.456, 0.406], variance=[0.229 ** 2, 0.224 ** 2, 0.225 ** 2])(x)


def _wide(filters, width):
    return max(8, int(filters * width + 4) // 8 * 8)


def _norm(app, x, name):
    return layers.BatchNormalization(axis=app.axis, momentum=0.9, name=name)(x)


def _active(app, x, name):
    return layers.Activation('swish', name=f'{name}activation')(_norm(app, x, f'{name}bn'))


def _block(app, x, full, channels, filters, expansion, stride, rate, name):
    """full: the block widens by a window over all channels; else by one of 1 × 1, a window over each, squeeze and excite."""
    def conv(x, filters, size, stride, part):
        return layers.Conv2D(filters, size, strides=stride, padding='same', use_bias=False, kernel_initializer=KERNEL,
                             name=f'{name}{part}_conv')(x)

    before, inside = x, channels * expansion
    if expansion != 1:
        x = conv(x, inside, *((3, stride) if full else (1, 1)), 'expand')
        x = _active(app, x, f'{name}expand_')
    if not full:
        x = layers.DepthwiseConv2D(3, strides=stride, padding='same', use_bias=False, depthwise_initializer=KERNEL,
                                   name=f'{name}dwconv2')(x)
        x = squeezed(app, _active(app, x, name), max(1, channels // 4), name)
    only = full and expansion == 1
    x = _norm(app, conv(x, filters, *((3, stride) if only else (1, 1)), 'project'), f'{name}project_bn')
    if only:
        x = layers.Activation('swish', name=f'{name}project_activation')(x)
    return added(before, x, rate, name) if stride == 1 and channels == filters else x
