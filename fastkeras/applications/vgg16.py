"""VGG16: 13 convolutions and 3 products. Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556"""

from __future__ import annotations

from typing import Any

from fastkeras import layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['VGG16', 'decode_predictions', 'preprocess_input']


@documented
def VGG16(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
          pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax', name: Any = 'vgg16') -> Any:
    """VGG16, for images of 224 × 224, at least 32 × 32: 138,357,544 weights, 14,714,688 without the top. Images go through
    `vgg16.preprocess_input` first."""
    app = Application('VGG16', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return vgg(app, (2, 2, 3, 3, 3), name, file_of('vgg16', 'vgg16', (
        '64373286793e3c8b2b4e3219cbf3544b', '6d6bbae143d832006294945121d1f1fc'), include_top))


def vgg(app, times, name, file):
    """The network with so many convolutions in each of its five blocks."""
    x = app.inputs
    for block, (filters, n) in enumerate(zip((64, 128, 256, 512, 512), times), 1):
        for i in range(1, n + 1):
            x = layers.Conv2D(filters, 3, padding='same', activation='relu', name=f'block{block}_conv{i}')(x)
        x = layers.MaxPooling2D(2, strides=2, name=f'block{block}_pool')(x)
    if app.include_top:
        x = layers.Flatten(name='flatten')(x)
        x = layers.Dense(4096, activation='relu', name='fc1')(x)
        x = layers.Dense(4096, activation='relu', name='fc2')(x)
        x = layers.Dense(app.classes, activation=app.activation, name='predictions')(x)
    else:
        x = app.pooled(x)
    return app.model(x, name, file)


def preprocess_input(x: Any, data_format: Any = None, mode: Any = 'caffe') -> Any:
    """Images for this network: `imagenet_utils.preprocess_input` of the mode 'caffe'."""
    return imagenet_utils.preprocess_input(x, data_format, mode)
