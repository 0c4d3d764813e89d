"""Xception. Chollet 2016, https://arxiv.org/abs/1610.02357"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['Xception', 'decode_predictions', 'preprocess_input']


@documented
def Xception(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
             pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax', name: Any = 'xception') -> Any:
    """Xception, for images of 299 × 299, at least 71 × 71: 22,910,480 weights, 20,861,480 without the top. Images go through
    `xception.preprocess_input` first. In generation 2 the top takes images of any size, as in Keras 2.2.4."""
    app = Application('Xception', 299, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, least=71,
                      classifier_activation=classifier_activation, flat=None if config.generation() == 3 else False)

    def norm(x, name=None):
        return layers.BatchNormalization(axis=app.axis, name=name)(x)

    def relu(x, name):
        return layers.Activation('relu', name=name)(x)

    def separable(x, filters, name):
        x = layers.SeparableConv2D(filters, 3, padding='same', use_bias=False, name=name)(x)
        return norm(x, f'{name}_bn')

    x = app.inputs
    for i, (filters, stride) in enumerate(((32, 2), (64, 1)), 1):
        x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f'block1_conv{i}')(x)
        x = relu(norm(x, f'block1_conv{i}_bn'), f'block1_conv{i}_act')
    for block, filters in ((2, (128, 128)), (3, (256, 256)), (4, (728, 728)), *((i, (728,) * 3) for i in range(5, 13)),
                           (13, (728, 1024))):
        shortcut, halves = x, len(filters) == 2
        if halves:
            shortcut = norm(layers.Conv2D(filters[-1], 1, strides=2, padding='same', use_bias=False)(x))
        for i, n in enumerate(filters, 1):
            if (block, i) != (2, 1):
                x = relu(x, f'block{block}_sepconv{i}_act')
            x = separable(x, n, f'block{block}_sepconv{i}')
        if halves:
            x = layers.MaxPooling2D(3, strides=2, padding='same', name=f'block{block}_pool')(x)
        x = layers.Add()([x, shortcut])
    for i, filters in enumerate((1536, 2048), 1):
        x = relu(separable(x, filters, f'block14_sepconv{i}'), f'block14_sepconv{i}_act')
    return app.model(app.classified(x), name, file_of('xception', 'xception', (
        '0a58e3b7378bc2990ea3b43d5981f1f6', 'b0042744bf5b25fce3cb969f33bebb97'), include_top))


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for this network: `imagenet_utils.preprocess_input` of the mode 'tf'."""
    return imagenet_utils.preprocess_input(x, data_format, 'tf')
