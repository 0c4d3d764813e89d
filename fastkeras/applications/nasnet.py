"""NASNet-A, a network that was found by a search. Zoph et al. 2017, https://arxiv.org/abs/1707.07012"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications import imagenet_utils
from fastkeras.applications.application import Application, correct_pad, documented
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.generation import DefaultWord, chosen, shown

__all__ = ['NASNetLarge', 'NASNetMobile', 'decode_predictions', 'preprocess_input']

# files of ImageNet: (name in the cache, last part of the address, hash), with and without the top
_MOBILE = (('nasnet_mobile.h5', 'NASNet-mobile.h5', '020fb642bf7360b370c678b08e0adf61'),
           ('nasnet_mobile_no_top.h5', 'NASNet-mobile-no-top.h5', '1ed92395b5b598bdda52abe5c0dbfd63'))
_LARGE = (('nasnet_large.h5', 'NASNet-large.h5', '11577c9a518f0070763c2b964a382f17'),
          ('nasnet_large_no_top.h5', 'NASNet-large-no-top.h5', 'd81d89dc07e6e56530c4e77faddd61b5'))
_ADDRESS = 'https://storage.googleapis.com/tensorflow/keras-applications/nasnet/'
MOBILE_NAME, LARGE_NAME = DefaultWord('NASNet', 'nasnet_mobile'), DefaultWord('NASNet', 'nasnet_large')


@shown
@documented
def NASNetMobile(input_shape: Any = None, include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None,
                 pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                 name: Any = MOBILE_NAME) -> Any:
    """NASNetMobile, for images of 224 × 224, at least 32 × 32: 5,326,716 weights, 4,269,716 without the top. Images go
    through `nasnet.preprocess_input` first. Sizes must be known, for the padding depends on them: those are the default
    without the top, too. name: 'NASNet' unless given, in generation 3 'nasnet_mobile'."""
    return _describe('NASNetMobile', 224, 44, 4, 32, False, _MOBILE, include_top, weights, input_tensor, input_shape, pooling,
                     classes, classifier_activation, chosen(name))


@shown
@documented
def NASNetLarge(input_shape: Any = None, include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None,
                pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax',
                name: Any = LARGE_NAME) -> Any:
    """NASNetLarge, for images of 331 × 331, at least 32 × 32: 88,949,818 weights, 84,916,818 without the top. Images go
    through `nasnet.preprocess_input` first. Sizes must be known, for the padding depends on them: those are the default
    without the top, too. name: 'NASNet' unless given, in generation 3 'nasnet_large'."""
    return _describe('NASNetLarge', 331, 168, 6, 96, True, _LARGE, include_top, weights, input_tensor, input_shape, pooling,
                     classes, classifier_activation, chosen(name))


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """Images for these networks: `imagenet_utils.preprocess_input` of the mode 'tf'."""
    return imagenet_utils.preprocess_input(x, data_format, 'tf')


def _describe(function, size, filters, times, first, skips, files, include_top, weights, input_tensor, input_shape, pooling,
              classes, activation, name):
    """filters: of the first normal cells. times: normal cells in a row. first: filters of the first convolution. skips:
    whether the cell behind one that halves the image reads what came before that, too."""
    if not include_top and input_shape is None and input_tensor is None:
        input_shape = (3, size, size) if config.image_data_format() == 'channels_first' else (size, size, 3)
    app = Application(function, size, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=activation)
    if None in app.inputs.shape[1:]:
        raise ValueError(f'{function}: all sizes of an image must be known, since the padding depends on them; got '
                         f'{tuple(app.inputs.shape)}')
    cells = _Cells(app)
    x = layers.Conv2D(first, 3, strides=2, use_bias=False, name='stem_conv1', kernel_initializer='he_normal')(app.inputs)
    x = cells.norm(x, 'stem_bn1')
    x, before = cells.reduction(x, None, filters // 4, 'stem_1')
    x, before = cells.reduction(x, before, filters // 2, 'stem_2')
    for part in range(3):
        n = filters * 2 ** part
        if part:
            x, last = cells.reduction(x, before, n, f'reduce_{part * times}')
            before = before if skips else last
        for i in range(times):
            x, before = cells.normal(x, before, n, str(part * times + i + bool(part)))
    x = layers.Activation('relu')(x)
    file_name, address, file_hash = files[0 if include_top else 1]
    return app.model(app.classified(x, average=None), name, (file_name, _ADDRESS + address, file_hash))


class _Cells:
    """Both kinds of cells: they read what the last cell made, and what the one before it did (`p`)."""

    def __init__(self, app):
        self.app = app

    def norm(self, x, name):
        return layers.BatchNormalization(axis=self.app.axis, momentum=0.9997, epsilon=1e-3, name=name)(x)

    def conv(self, x, filters, name, norm):
        x = layers.Conv2D(filters, 1, padding='same', use_bias=False, kernel_initializer='he_normal', name=name)(x)
        return self.norm(x, norm) if norm else x

    def separable(self, x, filters, size, name, stride=1):
        """Twice relu, a separable convolution and normalisation; the first has the strides."""
        x, padding = layers.Activation('relu')(x), 'same'
        if stride == 2:
            x, padding = layers.ZeroPadding2D(correct_pad(x, size, self.app.axis), name=f'separable_conv_1_pad_{name}')(
                x), 'valid'
        x = layers.SeparableConv2D(filters, size, strides=stride, padding=padding, use_bias=False,
                                   name=f'separable_conv_1_{name}')(x)
        x = layers.Activation('relu')(self.norm(x, f'separable_conv_1_bn_{name}'))
        x = layers.SeparableConv2D(filters, size, padding='same', use_bias=False, name=f'separable_conv_2_{name}')(x)
        return self.norm(x, f'separable_conv_2_bn_{name}')

    def pool(self, x, name, kind=layers.AveragePooling2D, stride=1):
        return kind(3, strides=stride, padding='same' if stride == 1 else 'valid', name=name)(x)

    def adjusted(self, p, x, filters, i):
        """p with the sizes of x, and that many channels."""
        axis, columns = self.app.axis, 3 if self.app.first else 2
        if p is None:
            return x
        if p.shape[columns] != x.shape[columns]:
            p = layers.Activation('relu', name=f'adjust_relu_1_{i}')(p)
            moved = layers.AveragePooling2D(1, strides=2, name=f'adjust_avg_pool_1_{i}')(p)
            first = self.conv(moved, filters // 2, f'adjust_conv_1_{i}', None)
            moved = layers.Cropping2D(((1, 0), (1, 0)))(layers.ZeroPadding2D(((0, 1), (0, 1)))(p))
            moved = layers.AveragePooling2D(1, strides=2, name=f'adjust_avg_pool_2_{i}')(moved)
            second = self.conv(moved, filters // 2, f'adjust_conv_2_{i}', None)
            return self.norm(layers.Concatenate(axis=axis)([first, second]), f'adjust_bn_{i}')
        if p.shape[axis] != filters:
            return self.conv(layers.Activation('relu')(p), filters, f'adjust_conv_projection_{i}', f'adjust_bn_{i}')
        return p

    def normal(self, x, p, filters, i):
        before, p = x, self.adjusted(p, x, filters, i)
        h = self.conv(layers.Activation('relu')(x), filters, f'normal_conv_1_{i}', f'normal_bn_1_{i}')
        parts = [p]
        for k, (left, right) in enumerate(((h, p), (p, p)), 1):
            pair = [self.separable(left, filters, 5, f'normal_left{k}_{i}'),
                    self.separable(right, filters, 3, f'normal_right{k}_{i}')]
            parts.append(layers.Add(name=f'normal_add_{k}_{i}')(pair))
        parts.append(layers.Add(name=f'normal_add_3_{i}')([self.pool(h, f'normal_left3_{i}'), p]))
        pair = [self.pool(p, f'normal_left4_{i}'), self.pool(p, f'normal_right4_{i}')]
        parts.append(layers.Add(name=f'normal_add_4_{i}')(pair))
        parts.append(layers.Add(name=f'normal_add_5_{i}')([self.separable(h, filters, 3, f'normal_left5_{i}'), h]))
        return layers.Concatenate(axis=self.app.axis, name=f'normal_concat_{i}')(parts), before

    def reduction(self, x, p, filters, i):
        before, p = x, self.adjusted(p, x, filters, i)
        h = self.conv(layers.Activation('relu')(x), filters, f'reduction_conv_1_{i}', f'reduction_bn_1_{i}')
        padded = layers.ZeroPadding2D(correct_pad(h, 3, self.app.axis), name=f'reduction_pad_1_{i}')(h)

        def wide(x, size, name):
            return self.separable(x, filters, size, f'reduction_{name}_{i}', 2)

        one = layers.Add(name=f'reduction_add_1_{i}')([wide(h, 5, 'left1'), wide(p, 7, 'right1')])
        two = layers.Add(name=f'reduction_add_2_{i}')([
            self.pool(padded, f'reduction_left2_{i}', layers.MaxPooling2D, 2), wide(p, 7, 'right2')])
        three = layers.Add(name=f'reduction_add3_{i}')([
            self.pool(padded, f'reduction_left3_{i}', stride=2), wide(p, 5, 'right3')])
        four = layers.Add()([two, self.pool(one, f'reduction_left4_{i}')])
        five = layers.Add(name=f'reduction_add4_{i}')([
            self.separable(one, filters, 3, f'reduction_left4_{i}'),
            self.pool(padded, f'reduction_right5_{i}', layers.MaxPooling2D, 2)])
        return layers.Concatenate(axis=self.app.axis, name=f'reduction_concat_{i}')([two, three, four, five]), before
