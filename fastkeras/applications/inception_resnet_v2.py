"""InceptionResNetV2. Szegedy et al. 2016, https://arxiv.org/abs/1602.07261"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['InceptionResNetV2', 'decode_predictions', 'preprocess_input']

# blocks with a residual: the branches, as (filters, size) in a row
_BRANCHES = {'block35': (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
             'block17': (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))),
             'block8': (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1))))}


@documented
def InceptionResNetV2(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None,
                      input_shape: Any = None, pooling: Any = None, classes: int = 1000,
                      classifier_activation: Any = 'softmax', name: Any = 'inception_resnet_v2') -> Any:
    """InceptionResNetV2, for images of 299 × 299, at least 75 × 75: 55,873,736 weights, 54,336,736 without the top. Images
    go through `inception_resnet_v2.preprocess_input` first. In generation 2 the top takes images of any size, as in Keras
    2.2.4."""
    app = Application('InceptionResNetV2', 299, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, least=75,
                      classifier_activation=classifier_activation, flat=None if config.generation() == 3 else False)
    x = _conv(app, app.inputs, 32, 3, 2, 'valid')
    x = _conv(app, x, 32, 3, 1, 'valid')
    x = _conv(app, x, 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _conv(app, x, 80, 1, 1, 'valid')
    x = _conv(app, x, 192, 3, 1, 'valid')
    x = layers.MaxPooling2D(3, strides=2)(x)
    parts = [_branch(app, x, steps) for steps in (((96, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3)))]
    y = layers.AveragePooling2D(3, strides=1, padding='same')(x)
    x = layers.Concatenate(axis=app.axis, name='mixed_5b')([*parts, _conv(app, y, 64, 1)])
    for i in range(1, 11):
        x = _residual(app, x, 0.17, 'block35', i)
    x = _halved(app, x, 'mixed_6a', ((384, 3),), ((256, 1), (256, 3), (384, 3)))
    for i in range(1, 21):
        x = _residual(app, x, 0.1, 'block17', i)
    x = _halved(app, x, 'mixed_7a', ((256, 1), (384, 3)), ((256, 1), (288, 3)), ((256, 1), (288, 3), (320, 3)))
    for i in range(1, 10):
        x = _residual(app, x, 0.2, 'block8', i)
    x = _residual(app, x, 1.0, 'block8', 10, relu=False)
    x = _conv(app, x, 1536, 1, name='conv_7b')
    return app.model(app.classified(x), name, file_of('inception_resnet_v2', 'inception_resnet_v2', (
        'e693bd0210a403b3192acc6073ad2e96', 'd19885ff4a710c122648d3b5c3b684e4'), include_top))


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for this network: `imagenet_utils.preprocess_input` of the mode 'tf'."""
    return imagenet_utils.preprocess_input(x, data_format, 'tf')


def _conv(app, x, filters, size, stride=1, padding='same', name=None):
    x = layers.Conv2D(filters, size, strides=stride, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(axis=app.axis, scale=False, name=name and f'{name}_bn')(x)
    return layers.Activation('relu', name=name and f'{name}_ac')(x)


def _branch(app, x, steps, halves=False):
    for k, step in enumerate(steps):
        x = _conv(app, x, *step, *((2, 'valid') if halves and k == len(steps) - 1 else ()))
    return x


def _halved(app, x, name, *branches):
    parts = [_branch(app, x, steps, halves=True) for steps in branches]
    return layers.Concatenate(axis=app.axis, name=name)([*parts, layers.MaxPooling2D(3, strides=2)(x)])


def _residual(app, x, scale, kind, i, relu=True):
    """x + scale · (branches, brought to its channels)."""
    name = f'{kind}_{i}'
    y = layers.Concatenate(axis=app.axis, name=f'{name}_mixed')([_branch(app, x, steps) for steps in _BRANCHES[kind]])
    y = layers.Conv2D(x.shape[app.axis], 1, padding='same', name=f'{name}_conv')(y)
    # Keras 2.2.4 has a Lambda here, and names it
    x = layers.CustomScaleLayer(scale, name=name if config.generation() != 3 else None)([x, y])
    return layers.Activation('relu', name=f'{name}_ac')(x) if relu else x
