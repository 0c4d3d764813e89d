"""Densely connected networks. Huang et al. 2016, https://arxiv.org/abs/1608.06993"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions

__all__ = ['DenseNet121', 'DenseNet169', 'DenseNet201', 'decode_predictions', 'preprocess_input']


@documented
def DenseNet121(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = 'densenet121') -> Any:
    """DenseNet121, for images of 224 × 224, at least 32 × 32: 8,062,504 weights, 7,037,504 without the top. Images go through
    `densenet.preprocess_input` first."""
    app = Application('DenseNet121', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (6, 12, 24, 16), name, 'densenet121', (
        '9d60b8095a5708f2dcce2bca79d332c7', '30ee3e1110167f948a6b9946edeeb738'))


@documented
def DenseNet169(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = 'densenet169') -> Any:
    """DenseNet169, for images of 224 × 224, at least 32 × 32: 14,307,880 weights, 12,642,880 without the top. Images go
    through `densenet.preprocess_input` first."""
    app = Application('DenseNet169', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (6, 12, 32, 32), name, 'densenet169', (
        'd699b8f76981ab1b30698df4c175e90b', 'b8c4d4c20dd625c148057b9ff1c1176b'))


@documented
def DenseNet201(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = 'densenet201') -> Any:
    """DenseNet201, for images of 224 × 224, at least 32 × 32: 20,242,984 weights, 18,321,984 without the top. Images go
    through `densenet.preprocess_input` first."""
    app = Application('DenseNet201', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (6, 12, 48, 32), name, 'densenet201', (
        '1ceb130c1ea1b78c3bf6114dbdfd8807', 'c13680b51ded0fb44dff2d8f86ac8bb1'))


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for these networks: `imagenet_utils.preprocess_input` of the mode 'torch'."""
    return imagenet_utils.preprocess_input(x, data_format, 'torch')


def _describe(app, depths, name, stem, hashes):
    """depths: how many times each stage adds 32 channels."""
    def active(x, name, mark='_'):
        x = layers.BatchNormalization(axis=app.axis, epsilon=1.001e-5, name=f'{name}{mark}bn')(x)
        return layers.Activation('relu', name=f'{name}{mark}relu')(x)

    two = config.generation() != 3
    mark = '/' if two else '_'              # Keras 2.2.4 says conv1/conv
    x = layers.ZeroPadding2D(3)(app.inputs)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name=f'conv1{mark}conv')(x)
    x = layers.ZeroPadding2D(1)(active(x, 'conv1', mark))
    x = layers.MaxPooling2D(3, strides=2, name='pool1')(x)
    for stage, depth in enumerate(depths, 2):
        for i in range(1, depth + 1):
            place = f'conv{stage}_block{i}'
            y = layers.Conv2D(128, 1, use_bias=False, name=f'{place}_1_conv')(active(x, f'{place}_0'))
            y = layers.Conv2D(32, 3, padding='same', use_bias=False, name=f'{place}_2_conv')(active(y, f'{place}_1'))
            x = layers.Concatenate(axis=app.axis, name=f'{place}_concat')([x, y])
        if stage < 5:
            x = active(x, f'pool{stage}')
            x = layers.Conv2D(x.shape[app.axis] // 2, 1, use_bias=False, name=f'pool{stage}_conv')(x)
            x = layers.AveragePooling2D(2, strides=2, name=f'pool{stage}_pool')(x)
    x = layers.BatchNormalization(axis=app.axis, epsilon=1.001e-5, name='bn')(x)
    x = layers.Activation('relu', name='relu')(x)
    x = app.classified(x, 'fc1000' if two else 'predictions', names=('avg_pool', 'max_pool'))
    return app.model(x, name, file_of(stem, 'densenet', hashes, app.include_top))
