"""InceptionV3. Szegedy et al. 2015, https://arxiv.org/abs/1512.00567"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['InceptionV3', 'decode_predictions', 'preprocess_input']

# steps of a branch beside convolutions (filters, rows, columns)
AVERAGE, GREATEST = 'average', 'greatest'


@documented
def InceptionV3(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = 'inception_v3') -> Any:
    """InceptionV3, for images of 299 × 299, at least 75 × 75: 23,851,784 weights, 21,802,784 without the top. Images go
    through `inception_v3.preprocess_input` first. In generation 2 the top takes images of any size, as in Keras 2.2.4."""
    app = Application('InceptionV3', 299, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, least=75,
                      classifier_activation=classifier_activation, flat=None if config.generation() == 3 else False)
    x = _conv(app, app.inputs, 32, 3, 3, 2, 'valid')
    x = _conv(app, x, 32, 3, 3, 1, 'valid')
    x = _conv(app, x, 64, 3, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _conv(app, x, 80, 1, 1, 1, 'valid')
    x = _conv(app, x, 192, 3, 3, 1, 'valid')
    x = layers.MaxPooling2D(3, strides=2)(x)
    for i, pooled in enumerate((32, 64, 64)):
        x = _mixed(app, x, f'mixed{i}', [(64, 1, 1)], [(48, 1, 1), (64, 5, 5)], [(64, 1, 1), (96, 3, 3), (96, 3, 3)],
                   [AVERAGE, (pooled, 1, 1)])
    x = _mixed(app, x, 'mixed3', [(384, 3, 3)], [(64, 1, 1), (96, 3, 3), (96, 3, 3)], [GREATEST], halves=True)
    for i, n in enumerate((128, 160, 160, 192), 4):
        x = _mixed(app, x, f'mixed{i}', [(192, 1, 1)], [(n, 1, 1), (n, 1, 7), (192, 7, 1)],
                   [(n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)], [AVERAGE, (192, 1, 1)])
    x = _mixed(app, x, 'mixed8', [(192, 1, 1), (320, 3, 3)], [(192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3)],
               [GREATEST], halves=True)
    for i in range(2):
        parts = [_conv(app, x, 320, 1, 1)]
        for steps, part in (([(384, 1, 1)], f'mixed9_{i}'), ([(448, 1, 1), (384, 3, 3)], None)):
            y = _branch(app, x, steps)
            parts.append(layers.Concatenate(axis=app.axis, name=part)([_conv(app, y, 384, 1, 3), _conv(app, y, 384, 3, 1)]))
        parts.append(_branch(app, x, [AVERAGE, (192, 1, 1)]))
        x = layers.Concatenate(axis=app.axis, name=f'mixed{9 + i}')(parts)
    return app.model(app.classified(x), name, file_of('inception_v3', 'inception_v3', (
        '9a0d58056eeedaa3f26cb7ebd46da564', 'bcbd6486424b2319ff4ef7d526e38f63'), include_top))


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for this network: `imagenet_utils.preprocess_input` of the mode 'tf'."""
    return imagenet_utils.preprocess_input(x, data_format, 'tf')


def _conv(app, x, filters, rows, columns, stride=1, padding='same'):
    x = layers.Conv2D(filters, (rows, columns), strides=stride, padding=padding, use_bias=False)(x)
    x = layers.BatchNormalization(axis=app.axis, scale=False)(x)
    return layers.Activation('relu')(x)


def _branch(app, x, steps, halves=False):
    for k, step in enumerate(steps):
        if step == AVERAGE:
            x = layers.AveragePooling2D(3, strides=1, padding='same')(x)
        elif step == GREATEST:
            x = layers.MaxPooling2D(3, strides=2)(x)
        else:
            x = _conv(app, x, *step, *((2, 'valid') if halves and k == len(steps) - 1 else ()))
    return x


def _mixed(app, x, name, *branches, halves=False):
    """Branches side by side. halves: the last step of each has strides of 2."""
    return layers.Concatenate(axis=app.axis, name=name)([_branch(app, x, steps, halves) for steps in branches])
