"""Residual networks. He et al. 2015, https://arxiv.org/abs/1512.03385; the second version is in `resnet_v2`.

ResNet50 has two sets of names: those of Keras 2.2.4 (res2a_branch2a, an epsilon of 0.001, other weights of ImageNet) in
generation 2, those of Keras 3 (conv2_block1_1_conv, 1.001e-5) in generation 3. All others have those of Keras 3.
"""

from __future__ import annotations

from typing import Any

from fastkeras import config, generation, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.saving import legacy_h5, stored
from fastkeras.utils.errors import ModelFileError

__all__ = ['ResNet50', 'ResNet101', 'ResNet152', 'decode_predictions', 'preprocess_input']

HASHES = {'resnet50': ('2cb95161c43110f7111970584f804107', '4d473c1dd8becc155b73f8504c6f6626'),
          'resnet101': ('f1aeb4b969a6efcfb50fad2f0c20cfc5', '88cf7a10940856eca736dc7b7e228a21'),
          'resnet152': ('100835be76be38e30d865e96f2aaae62', 'ee4c566cf9a93f14d82f913c2dc6dd0c'),
          'resnet50v2': ('3ef43a0b657b3be2300d5770ece849e0', 'fac2f116257151a9d068a22e544a4917'),
          'resnet101v2': ('6343647c601c52e1368623803854d971', 'c0ed64b8031c3730f411d2eb4eea35b5'),
          'resnet152v2': ('a49b44d1979771252814e80f8ec446f9', 'ed17cf2e0169df9d443503ef94b23b33')}
FILTERS = (64, 128, 256, 512)
# of Keras 2.2.4
_OLD_FILES = 'https://github.com/fchollet/deep-learning-models/releases/download/v0.2/'
_OLD_HASHES = ('a7b3fe01876f51b976af0dea6bc144eb', 'a268eb855778b3df3c7506639542a6af')


@documented
def ResNet50(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
             pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax', name: Any = 'resnet50') -> Any:
    """ResNet50, for images of 224 × 224, at least 32 × 32: 25,636,712 weights, 23,587,712 without the top. Images go through
    `resnet50.preprocess_input` first. Files of weights of Keras 2.2.4 and of Keras 3 are taken in either generation, though
    each expects its own epsilon of batch normalisation."""
    app = Application('ResNet50', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    if config.generation() == 3:
        return _describe(app, (3, 4, 6, 3), 'resnet50', name, _load_either)
    return app.model(_old(app), name, file_of('resnet50', _OLD_FILES, _OLD_HASHES, include_top), _load_either)


@documented
def ResNet101(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
              pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
              name: Any = 'resnet101') -> Any:
    """ResNet101, for images of 224 × 224, at least 32 × 32: 44,707,176 weights, 42,658,176 without the top. Images go through
    `resnet.preprocess_input` first."""
    app = Application('ResNet101', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (3, 4, 23, 3), 'resnet101', name)


@documented
def ResNet152(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
              pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
              name: Any = 'resnet152') -> Any:
    """ResNet152, for images of 224 × 224, at least 32 × 32: 60,419,944 weights, 58,370,944 without the top. Images go through
    `resnet.preprocess_input` first."""
    app = Application('ResNet152', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return _describe(app, (3, 8, 36, 3), 'resnet152', name)


def preprocess_input(x: Any, data_format: Any = None, mode: Any = 'caffe') -> Any:
    """Images for these networks: `imagenet_utils.preprocess_input` of the mode 'caffe'."""
    return imagenet_utils.preprocess_input(x, data_format, mode)


# ---- of Keras 3
def norm(app, x, name, relu=None):
    """Batch normalisation, and relu under a name of its own where one is given."""
    x = layers.BatchNormalization(axis=app.axis, epsilon=1.001e-5, name=name)(x)
    return layers.Activation('relu', name=relu)(x) if relu else x


def _describe(app, depths, stem, name, load=None):
    """The first version; depths: blocks of each stage."""
    x = layers.ZeroPadding2D(3, name='conv1_pad')(app.inputs)
    x = layers.Conv2D(64, 7, strides=2, name='conv1_conv')(x)
    x = norm(app, x, 'conv1_bn', 'conv1_relu')
    x = layers.ZeroPadding2D(1, name='pool1_pad')(x)
    x = layers.MaxPooling2D(3, strides=2, name='pool1_pool')(x)
    for stage, (filters, depth) in enumerate(zip(FILTERS, depths), 2):
        for block in range(1, depth + 1):
            x = _block(app, x, filters, 2 if block == 1 and stage > 2 else 1, block == 1, f'conv{stage}_block{block}')
    x = app.classified(x, names=('avg_pool', 'max_pool'))
    load = {'load': load} if load else {}
    return app.model(x, name, file_of(stem, 'resnet', HASHES[stem], app.include_top), **load)


def _block(app, x, filters, stride, changes, name):
    shortcut = x
    if changes:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f'{name}_0_conv')(x)
        shortcut = norm(app, shortcut, f'{name}_0_bn')
    x = layers.Conv2D(filters, 1, strides=stride, name=f'{name}_1_conv')(x)
    x = norm(app, x, f'{name}_1_bn', f'{name}_1_relu')
    x = layers.Conv2D(filters, 3, padding='same', name=f'{name}_2_conv')(x)
    x = norm(app, x, f'{name}_2_bn', f'{name}_2_relu')
    x = layers.Conv2D(4 * filters, 1, name=f'{name}_3_conv')(x)
    x = norm(app, x, f'{name}_3_bn')
    x = layers.Add(name=f'{name}_add')([shortcut, x])
    return layers.Activation('relu', name=f'{name}_out')(x)


# ---- of Keras 2.2.4
def _old(app):
    """ResNet50 with the names of Keras 2.2.4."""
    def conv(x, filters, size, place, relu=True, **kwargs):
        x = layers.Conv2D(filters, size, kernel_initializer='he_normal', name=f'res{place}', **kwargs)(x)
        x = layers.BatchNormalization(axis=app.axis, name=f'bn{place}')(x)
        return layers.Activation('relu')(x) if relu else x

    x = layers.ZeroPadding2D(3, name='conv1_pad')(app.inputs)
    x = layers.Conv2D(64, 7, strides=2, kernel_initializer='he_normal', name='conv1')(x)
    x = layers.BatchNormalization(axis=app.axis, name='bn_conv1')(x)
    x = layers.Activation('relu')(x)
    x = layers.ZeroPadding2D(1, name='pool1_pad')(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for stage, (filters, depth) in enumerate(zip(FILTERS, (3, 4, 6, 3)), 2):
        for i in range(depth):
            place, stride = f'{stage}{"abcdef"[i]}_branch', 2 if i == 0 and stage > 2 else 1
            y = conv(x, filters, 1, place + '2a', strides=stride)
            y = conv(y, filters, 3, place + '2b', padding='same')
            y = conv(y, 4 * filters, 1, place + '2c', relu=False)
            if i == 0:
                x = conv(x, 4 * filters, 1, place + '1', relu=False, strides=stride)
            x = layers.Activation('relu')(layers.Add()([y, x]))
    return app.classified(x, 'fc1000')


def _other_names():
    """Names of layers with weights in Keras 2.2.4 → in Keras 3."""
    names = {'conv1': 'conv1_conv', 'bn_conv1': 'conv1_bn', 'fc1000': 'predictions'}
    for stage, depth in zip((2, 3, 4, 5), (3, 4, 6, 3)):
        for i in range(depth):
            for old, new in (('2a', 1), ('2b', 2), ('2c', 3), *([('1', 0)] if i == 0 else [])):
                place, block = f'{stage}{"abcdef"[i]}_branch{old}', f'conv{stage}_block{i + 1}_{new}'
                names |= {f'res{place}': f'{block}_conv', f'bn{place}': f'{block}_bn'}
    return names


def _load_either(model, path):
    """Load a file of either set of names. In their orders two layers of equal shape stand the other way round, so that the
    order alone would give each the other's weights."""
    other = 2 if config.generation() == 3 else 3
    if _names_of_file(path) != other:
        model.load_weights(path)
        return
    with generation.scope(other):
        app = Application('ResNet50', 224, include_top=model.layers[-1].name in ('fc1000', 'predictions'), weights=None,
                          input_tensor=None, input_shape=model.input_shape[1:], pooling=None,
                          classes=model.output_shape[-1], classifier_activation=None)
        reader = _describe(app, (3, 4, 6, 3), 'resnet50', None) if other == 3 else app.model(_old(app), None)
    reader.load_weights(path)
    names = _other_names()
    names = names if other == 2 else {new: old for old, new in names.items()}
    for name in _layers_with_weights(reader):
        model.get_layer(names[name]).set_weights(reader.get_layer(name).get_weights())


def _layers_with_weights(model):
    return [layer.name for layer in model.layers if layer.weights]


def _names_of_file(path):
    """The generation whose names a file has; None where it cannot be told."""
    try:
        with legacy_h5.h5py().File(path, 'r') as file:
            names = stored.names(file)
            if 'model_weights' in names:
                names = stored.names(stored.group_at(file, 'model_weights'))
    except (OSError, ModelFileError):       # load_weights says what is wrong with it
        return None
    return 2 if 'res2a_branch2a' in names else 3 if 'conv2_block1_1_conv' in names else None
