"""ConvNeXt: a convolutional network built like a transformer. Liu et al. 2022, https://arxiv.org/abs/2201.03545"""

from __future__ import annotations

from typing import Any

from fastkeras import config, layers
from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.models import Sequential

__all__ = ['ConvNeXtBase', 'ConvNeXtLarge', 'ConvNeXtSmall', 'ConvNeXtTiny', 'ConvNeXtXLarge', 'decode_predictions',
           'preprocess_input']

# size → (blocks of the third stage, filters of the first, hashes with and without the top)
_SIZES = {
    'tiny': (9, 96, ('8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff',
                     'd547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1')),
    'small': (27, 96, ('ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c',
                       '6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab')),
    'base': (27, 128, ('52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6',
                       '40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45')),
    'large': (27, 192, ('070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6',
                        '96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd')),
    'xlarge': (27, 256, ('c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee',
                         'de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05')),
}


@documented
def ConvNeXtTiny(include_top: bool = True, include_preprocessing: bool = True, weights: Any = 'imagenet',
                 input_tensor: Any = None, input_shape: Any = None, pooling: Any = None, classes: int = 1000,
                 classifier_activation: Any = 'softmax', name: Any = 'convnext_tiny') -> Any:
    """ConvNeXtTiny, for images of 224 × 224, at least 32 × 32: 28,589,128 weights, 27,820,128 without the top. Images
    have values from 0 to 255. include_preprocessing: normalise them, where they have three channels; without, they come
    as the first convolution takes them."""
    app = _application('ConvNeXtTiny', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, 'tiny', include_preprocessing, name)


@documented
def ConvNeXtSmall(include_top: bool = True, include_preprocessing: bool = True, weights: Any = 'imagenet',
                  input_tensor: Any = None, input_shape: Any = None, pooling: Any = None, classes: int = 1000,
                  classifier_activation: Any = 'softmax', name: Any = 'convnext_small') -> Any:
    """ConvNeXtSmall, for images of 224 × 224, at least 32 × 32: 50,223,688 weights, 49,454,688 without the top. Images
    have values from 0 to 255. include_preprocessing: normalise them, where they have three channels; without, they come
    as the first convolution takes them."""
    app = _application('ConvNeXtSmall', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, 'small', include_preprocessing, name)


@documented
def ConvNeXtBase(include_top: bool = True, include_preprocessing: bool = True, weights: Any = 'imagenet',
                 input_tensor: Any = None, input_shape: Any = None, pooling: Any = None, classes: int = 1000,
                 classifier_activation: Any = 'softmax', name: Any = 'convnext_base') -> Any:
    """ConvNeXtBase, for images of 224 × 224, at least 32 × 32: 88,591,464 weights, 87,566,464 without the top. Images
    have values from 0 to 255. include_preprocessing: normalise them, where they have three channels; without, they come
    as the first convolution takes them."""
    app = _application('ConvNeXtBase', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, 'base', include_preprocessing, name)


@documented
def ConvNeXtLarge(include_top: bool = True, include_preprocessing: bool = True, weights: Any = 'imagenet',
                  input_tensor: Any = None, input_shape: Any = None, pooling: Any = None, classes: int = 1000,
                  classifier_activation: Any = 'softmax', name: Any = 'convnext_large') -> Any:
    """ConvNeXtLarge, for images of 224 × 224, at least 32 × 32: 197,767,336 weights, 196,230,336 without the top.
    Images have values from 0 to 255. include_preprocessing: normalise them, where they have three channels; without,
    they come as the first convolution takes them."""
    app = _application('ConvNeXtLarge', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, 'large', include_preprocessing, name)


@documented
def ConvNeXtXLarge(include_top: bool = True, include_preprocessing: bool = True, weights: Any = 'imagenet',
                   input_tensor: Any = None, input_shape: Any = None, pooling: Any = None, classes: int = 1000,
                   classifier_activation: Any = 'softmax', name: Any = 'convnext_xlarge') -> Any:
    """ConvNeXtXLarge, for images of 224 × 224, at least 32 × 32: 350,196,968 weights, 348,147,968 without the top.
    Images have values from 0 to 255. include_preprocessing: normalise them, where they have three channels; without,
    they come as the first convolution takes them."""
    app = _application('ConvNeXtXLarge', include_top, weights, input_tensor, input_shape, pooling, classes,
                       classifier_activation)
    return _describe(app, 'xlarge', include_preprocessing, name)


def preprocess_input(x: Any, data_format: Any = None) -> Any:
    """x as it is: these networks take images with values from 0 to 255, and normalise them themselves."""
    return x


def _application(function, include_top, weights, input_tensor, input_shape, pooling, classes, activation):
    if config.image_data_format() == 'channels_first':
        raise ValueError(f"{function}: its layers want the channels last: config.set_image_data_format('channels_last')")
    return Application(function, 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                       input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=activation)


def _describe(app, size, preprocessing, name):
    third, filters, hashes = _SIZES[size]
    name = f'convnext_{size}' if name is None else name
    x = app.inputs
    if preprocessing and x.shape[-1] == 3:
        x = layers.Normalization(mean=[0.485 * 255, 0.456 * 255, 0.406 * 255], variance=[
            (0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2], name=f'{name}_prestem_normalization')(x)
    for stage, depth in enumerate((3, 3, third, 3)):
        x = _smaller(filters, stage, name)(x)
        for i in range(depth):
            x = _block(x, filters, f'{name}_stage_{stage}_block_{i}')
        filters *= 2
    if app.include_top:
        x = layers.GlobalAveragePooling2D(name=f'{name}_head_gap')(x)
        x = layers.LayerNormalization(epsilon=1e-6, name=f'{name}_head_layernorm')(x)
        x = layers.Dense(app.classes, activation=app.activation, name=f'{name}_head_dense')(x)
    else:
        x = layers.LayerNormalization(epsilon=1e-6)(app.pooled(x))
    return app.model(x, name, file_of(f'convnext_{size}', 'convnext', hashes, app.include_top, ('.h5', '_notop.h5')))


def _smaller(filters, stage, name):
    """What stands before a stage: images become a quarter as high and wide, later half."""
    if stage == 0:
        return Sequential([layers.Conv2D(filters, 4, strides=4, name=f'{name}_stem_conv'),
                           layers.LayerNormalization(epsilon=1e-6, name=f'{name}_stem_layernorm')], name=f'{name}_stem')
    return Sequential([layers.LayerNormalization(epsilon=1e-6, name=f'{name}_downsampling_layernorm_{stage - 1}'),
                       layers.Conv2D(filters, 2, strides=2, name=f'{name}_downsampling_conv_{stage - 1}')],
                      name=f'{name}_downsampling_block_{stage - 1}')


def _block(x, filters, name):
    y = layers.Conv2D(filters, 7, padding='same', groups=filters, name=f'{name}_depthwise_conv')(x)
    y = layers.LayerNormalization(epsilon=1e-6, name=f'{name}_layernorm')(y)
    y = layers.Dense(4 * filters, name=f'{name}_pointwise_conv_1')(y)
    y = layers.Activation('gelu', name=f'{name}_gelu')(y)
    y = layers.Dense(filters, name=f'{name}_pointwise_conv_2')(y)
    y = layers.LayerScale(1e-6, filters, name=f'{name}_layer_scale')(y)
    return x + layers.Activation('linear', name=f'{name}_identity')(y)
