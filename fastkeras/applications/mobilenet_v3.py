"""MobileNetV3, large and small. Howard et al. 2019, https://arxiv.org/abs/1905.02244"""

from __future__ import annotations

from typing import Any

from fastkeras import layers
from fastkeras.applications.application import Application, correct_pad, divisible, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.applications.mobilenet import check_alpha, width
from fastkeras.utils.errors import warn

__all__ = ['MobileNetV3Large', 'MobileNetV3Small', 'decode_predictions', 'preprocess_input']

# blocks: how much wider inside, filters, whether the window is 3 or as wide as may be, strides, squeeze and excite, hard swish
_SMALL = ((1, 16, 3, 2, True, False), (72 / 16, 24, 3, 2, False, False), (88 / 24, 24, 3, 1, False, False),
          (4, 40, 5, 2, True, True), (6, 40, 5, 1, True, True), (6, 40, 5, 1, True, True), (3, 48, 5, 1, True, True),
          (3, 48, 5, 1, True, True), (6, 96, 5, 2, True, True), (6, 96, 5, 1, True, True), (6, 96, 5, 1, True, True))
_LARGE = ((1, 16, 3, 1, False, False), (4, 24, 3, 2, False, False), (3, 24, 3, 1, False, False), (3, 40, 5, 2, True, False),
          (3, 40, 5, 1, True, False), (3, 40, 5, 1, True, False), (6, 80, 3, 2, False, True), (2.5, 80, 3, 1, False, True),
          (2.3, 80, 3, 1, False, True), (2.3, 80, 3, 1, False, True), (6, 112, 3, 1, True, True), (6, 112, 3, 1, True, True),
          (6, 160, 5, 2, True, True), (6, 160, 5, 1, True, True), (6, 160, 5, 1, True, True))
_HASHES = {'large_224_0.75_float': ('765b44a33ad4005b3ac83185abf1d0eb', '40af19a13ebea4e2ee0c676887f69a2e'),
           'large_224_1.0_float': ('59e551e166be033d707958cf9e29a6a7', '07fb09a5933dd0c8eaafa16978110389'),
           'large_minimalistic_224_1.0_float': ('675e7b876c45c57e9e63e6d90a36599c', 'ec5221f64a2f6d1ef965a614bdae7973'),
           'small_224_0.75_float': ('cb65d4e5be93758266aa0a7f2c6708b7', 'ebdb5cc8e0b497cd13a7c275d475c819'),
           'small_224_1.0_float': ('8768d4c2e7dee89b9d02b2d03d65d862', 'd3e8ec802a04aa4fc771ee12a9a9b836'),
           'small_minimalistic_224_1.0_float': ('99cd97fb2fcdad2bf028eb838de69e37', 'cde8136e733e811080d9fcd8a252f7e4')}
_WIDTH = """

    alpha: width, the factor of all numbers of filters but the first. minimalistic: windows of 3 × 3, relu, and no squeeze
        and excite. For weights of ImageNet alpha is 0.75 or 1, with minimalistic 1; those for images of 224 × 224 are taken
        for any size. dropout_rate: of the layer before the last; 0 for no such layer. include_preprocessing: begin with a
        Rescaling from 0..255 to -1..1; without, images come as that.
"""


def _with_width(function):
    """Decorator: says what is particular to these networks."""
    if function.__doc__:
        function.__doc__ += _WIDTH
    return function


@documented
@_with_width
def MobileNetV3Small(input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
                     weights: Any = 'imagenet', input_tensor: Any = None, classes: int = 1000, pooling: Any = None,
                     dropout_rate: float = 0.2, classifier_activation: Any = 'softmax', include_preprocessing: bool = True,
                     name: Any = 'MobileNetV3Small') -> Any:
    """MobileNetV3Small, for images of any size, at least 32 × 32: 2,554,968 weights, 939,120 without the top. Images have
    values from 0 to 255."""
    app = _application('MobileNetV3Small', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, _SMALL, 1024, 'small', alpha, minimalistic, dropout_rate, include_preprocessing, name)


@documented
@_with_width
def MobileNetV3Large(input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
                     weights: Any = 'imagenet', input_tensor: Any = None, classes: int = 1000, pooling: Any = None,
                     dropout_rate: float = 0.2, classifier_activation: Any = 'softmax', include_preprocessing: bool = True,
                     name: Any = 'MobileNetV3Large') -> Any:
    """MobileNetV3Large, for images of any size, at least 32 × 32: 5,507,432 weights, 2,996,352 without the top. Images have
    values from 0 to 255."""
    app = _application('MobileNetV3Large', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, _LARGE, 1280, 'large', alpha, minimalistic, dropout_rate, include_preprocessing, name)


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """x as it is: these networks take images with values from 0 to 255, and scale them themselves."""
    return x


def _application(name, include_top, weights, input_tensor, input_shape, pooling, classes, activation):
    return Application(name, 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                       input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=activation, flat=False)


def _describe(app, blocks, last, kind, alpha, minimalistic, dropout, preprocessing, name):
    width(app, alpha)
    stem = f'{kind}_minimalistic_224_{float(alpha)}_float' if minimalistic else f'{kind}_224_{float(alpha)}_float'
    if app.imagenet:
        check_alpha(app, alpha, (1.0,) if minimalistic else (0.75, 1.0))
        sizes = tuple(app.inputs.shape[2:4] if app.first else app.inputs.shape[1:3])
        if sizes != (224, 224):
            warn(f'{app.name}: weights of ImageNet are for images of 224 rows and columns; they are taken for '
                 f'{sizes[0]} × {sizes[1]}')

    def active(x, hard=True):
        return layers.Activation('hard_swish')(x) if hard and not minimalistic else layers.ReLU()(x)

    def squeezed(x, filters, prefix):
        prefix += 'squeeze_excite_'
        y = layers.GlobalAveragePooling2D(keepdims=True, name=f'{prefix}avg_pool')(x)
        y = layers.Conv2D(divisible(filters * 0.25), 1, padding='same', name=f'{prefix}conv')(y)
        y = layers.ReLU(name=f'{prefix}relu')(y)
        y = layers.Conv2D(filters, 1, padding='same', name=f'{prefix}conv_1')(y)
        y = layers.ReLU(6.0)(y + 3.0) * (1.0 / 6.0)
        return layers.Multiply(name=f'{prefix}mul')([x, y])

    def block(x, i, expansion, filters, size, stride, squeeze, hard):
        before, channels, filters = x, x.shape[app.axis], divisible(filters * alpha)
        prefix, inside = f'expanded_conv_{i}_' if i else 'expanded_conv_', divisible(channels * expansion)
        size = 3 if minimalistic else size
        if i:
            x = layers.Conv2D(inside, 1, padding='same', use_bias=False, name=f'{prefix}expand')(x)
            x = active(_norm(app, x, f'{prefix}expand_bn'), hard)
        if stride == 2:
            x = layers.ZeroPadding2D(correct_pad(x, size, app.axis), name=f'{prefix}depthwise_pad')(x)
        x = layers.DepthwiseConv2D(size, strides=stride, padding='same' if stride == 1 else 'valid', use_bias=False,
                                   name=f'{prefix}depthwise')(x)
        x = active(_norm(app, x, f'{prefix}depthwise_bn'), hard)
        if squeeze and not minimalistic:
            x = squeezed(x, inside, prefix)
        x = layers.Conv2D(filters, 1, padding='same', use_bias=False, name=f'{prefix}project')(x)
        x = _norm(app, x, f'{prefix}project_bn')
        return layers.Add(name=f'{prefix}add')([before, x]) if stride == 1 and channels == filters else x

    x = layers.Rescaling(1 / 127.5, -1.0)(app.inputs) if preprocessing else app.inputs
    x = layers.Conv2D(16, 3, strides=2, padding='same', use_bias=False, name='conv')(x)
    x = active(_norm(app, x, 'conv_bn'))
    for i, options in enumerate(blocks):
        x = block(x, i, *options)
    x = layers.Conv2D(divisible(x.shape[app.axis] * 6), 1, padding='same', use_bias=False, name='conv_1')(x)
    x = active(_norm(app, x, 'conv_1_bn'))
    if app.include_top:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Conv2D(divisible(last * alpha) if alpha > 1 else last, 1, padding='same', name='conv_2')(x)
        x = active(x)
        x = layers.Dropout(dropout)(x) if dropout else x
        x = layers.Flatten()(layers.Conv2D(app.classes, 1, padding='same', name='logits')(x))
        x = layers.Activation(app.activation, name='predictions')(x)
    else:
        x = app.pooled(x, ('avg_pool', 'max_pool'))
    return app.model(x, name, app.imagenet and file_of(f'weights_mobilenet_v3_{stem}', 'mobilenet_v3', _HASHES[stem],
                                                       app.include_top, ('.h5', '_no_top_v2.h5')))


def _norm(app, x, name):
    return layers.BatchNormalization(axis=app.axis, epsilon=1e-3, momentum=0.999, name=name)(x)
