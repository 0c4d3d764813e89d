"""Residual networks that normalise before they convolve. He et al. 2016, https://arxiv.org/abs/1603.05027"""

from __future__ import annotations

from typing import Any

from fastkeras import layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.applications.resnet import FILTERS, HASHES, norm

__all__ = ['ResNet50V2', 'ResNet101V2', 'ResNet152V2', 'decode_predictions', 'preprocess_input']


@documented
def ResNet50V2(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
               pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
               name: Any = 'resnet50v2') -> Any:
    """ResNet50V2, for images of 224 × 224, at least 32 × 32: 25,613,800 weights, 23,564,800 without the top. Images go
    through `resnet_v2.preprocess_input` first."""
    app = Application('ResNet50V2', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (3, 4, 6, 3), 'resnet50v2', name)


@documented
def ResNet101V2(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = 'resnet101v2') -> Any:
    """ResNet101V2, for images of 224 × 224, at least 32 × 32: 44,675,560 weights, 42,626,560 without the top. Images go
    through `resnet_v2.preprocess_input` first."""
    app = Application('ResNet101V2', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (3, 4, 23, 3), 'resnet101v2', name)


@documented
def ResNet152V2(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = 'resnet152v2') -> Any:
    """ResNet152V2, for images of 224 × 224, at least 32 × 32: 60,380,648 weights, 58,331,648 without the top. Images go
    through `resnet_v2.preprocess_input` first."""
    app = Application('ResNet152V2', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (3, 8, 36, 3), 'resnet152v2', name)


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for these networks: `imagenet_utils.preprocess_input` of the mode 'tf'."""
    return imagenet_utils.preprocess_input(x, data_format, 'tf')


def _describe(app, depths, stem, name):
    """depths: blocks of each stage, the last of which halves the image, except in the last stage."""
    x = layers.ZeroPadding2D(3, name='conv1_pad')(app.inputs)
    x = layers.Conv2D(64, 7, strides=2, name='conv1_conv')(x)
    x = layers.ZeroPadding2D(1, name='pool1_pad')(x)
    x = layers.MaxPooling2D(3, strides=2, name='pool1_pool')(x)
    for stage, (filters, depth) in enumerate(zip(FILTERS, depths), 2):
        for block in range(1, depth + 1):
            x = _block(app, x, filters, 2 if block == depth and stage < 5 else 1, block == 1, f'conv{stage}_block{block}')
    x = app.classified(norm(app, x, 'post_bn', 'post_relu'), names=('avg_pool', 'max_pool'))
    return app.model(x, name, file_of(stem, 'resnet', HASHES[stem], app.include_top))


def _block(app, x, filters, stride, changes, name):
    before = norm(app, x, f'{name}_preact_bn', f'{name}_preact_relu')
    if changes:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f'{name}_0_conv')(before)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = layers.Conv2D(filters, 1, use_bias=False, name=f'{name}_1_conv')(before)
    x = norm(app, x, f'{name}_1_bn', f'{name}_1_relu')
    x = layers.ZeroPadding2D(1, name=f'{name}_2_pad')(x)
    x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f'{name}_2_conv')(x)
    x = norm(app, x, f'{name}_2_bn', f'{name}_2_relu')
    x = layers.Conv2D(4 * filters, 1, name=f'{name}_3_conv')(x)
    return layers.Add(name=f'{name}_out')([shortcut, x])
