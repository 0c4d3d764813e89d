"""`keras.legacy.interfaces`: decorators with which layers of other packages take the words of Keras 1."""

from __future__ import annotations

import functools
from typing import Any

from fastkeras.legacy import keras1

# whose words each decorator knows (keras1.TABLE)
_LIKE = {'dense': 'Dense', 'dropout': 'Dropout', 'embedding': 'Embedding', 'pooling1d': 'MaxPooling1D', 'prelu': 'PReLU',
         'gaussiannoise': 'GaussianNoise', 'recurrent': 'LSTM', 'gaussiandropout': 'GaussianDropout',
         'pooling2d': 'MaxPooling2D', 'pooling3d': 'MaxPooling3D', 'global_pooling': 'GlobalMaxPooling2D',
         'upsampling1d': 'UpSampling1D', 'upsampling2d': 'UpSampling2D', 'upsampling3d': 'UpSampling3D', 'conv1d': 'Conv1D',
         'conv2d': 'Conv2D', 'separable_conv2d': 'SeparableConv2D', 'deconv2d': 'Conv2DTranspose', 'conv3d': 'Conv3D',
         'convlstm2d': 'ConvLSTM2D', 'batchnorm': 'BatchNormalization', 'zeropadding2d': 'ZeroPadding2D',
         'zeropadding3d': 'ZeroPadding3D', 'cropping2d': 'Cropping2D', 'cropping3d': 'Cropping3D',
         'spatialdropout1d': 'SpatialDropout1D', 'spatialdropoutNd': 'SpatialDropout2D', 'lambda': 'Lambda',
         'generator_methods': 'fit_generator', 'model_constructor': 'Model', 'input': 'InputLayer', 'add_weight': 'add_weight',
         'get_updates': 'get_updates'}

globals().update({f'legacy_{name}_support': keras1.accepts(like) for name, like in _LIKE.items()})
__all__ = ['generate_legacy_interface', 'raise_duplicate_arg_error', *(f'legacy_{name}_support' for name in _LIKE)]


def raise_duplicate_arg_error(old_arg: str, new_arg: str) -> None:
    """TypeError for an argument that is given by its old and its new name."""
    raise keras1.both_given(old_arg, new_arg)


def generate_legacy_interface(allowed_positional_args: Any = None, conversions: Any = None, preprocessor: Any = None,
                              value_conversions: Any = None, object_type: str = 'class') -> Any:
    """A decorator of one's own: of an __init__ ('class') or method.

    conversions: pairs (old word, new word); value_conversions: old word → {old value: new value}; preprocessor(args, kwargs)
    gives (args, kwargs, converted pairs) first; allowed_positional_args: their names, all unless given. One warning shows the
    call in new words. TypeError for more positional arguments, and for a word in both forms.
    """
    renames, values = dict(conversions or ()), dict(value_conversions or {})

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            name = args[0].__class__.__name__ if object_type == 'class' else function.__name__
            converted = []
            if preprocessor is not None:
                args, kwargs, converted = preprocessor(args, kwargs)
            if allowed_positional_args is not None and len(args) > len(allowed_positional_args) + 1:
                raise TypeError(f'`{name}` can accept only {len(allowed_positional_args)} positional arguments '
                                f'{tuple(allowed_positional_args)}, but you passed the following positional arguments: '
                                f'{list(args[1:])}')
            for key in values:
                if key in kwargs and kwargs[key] in values[key]:
                    kwargs[key] = values[key][kwargs[key]]
            for old, new in renames.items():
                if old in kwargs:
                    if new in kwargs:
                        raise_duplicate_arg_error(old, new)
                    kwargs[new] = kwargs.pop(old)
                    converted.append((new, old))
            if converted:
                keras1.tell_new_call(name, args[1:], kwargs)
            return function(*args, **kwargs)
        wrapper._original_function = function
        return wrapper
    return decorate
