"""Keras 1 calls turned into Keras 2 calls, with the warnings that Keras 2.2.4 gives.

One table says per callable what is renamed, which values change and which special rules hold; `convert` applies it.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from operator import index
from typing import Any, TypeVar

from fastkeras import config
from fastkeras.utils.errors import warn

_ORDERING = {'dim_ordering': {**config.DIM_ORDERINGS, 'default': None}}
_DATA_FORMAT = {'dim_ordering': 'data_format'}
_WEIGHTS = {'init': 'kernel_initializer', 'W_regularizer': 'kernel_regularizer', 'b_regularizer': 'bias_regularizer',
            'W_constraint': 'kernel_constraint', 'b_constraint': 'bias_constraint', 'bias': 'use_bias'}
_CONV = {'nb_filter': 'filters', 'border_mode': 'padding', **_WEIGHTS}
_CONV_ND = {'subsample': 'strides', **_DATA_FORMAT, **_CONV}
_CONV_1D = {'filter_length': 'kernel_size', 'subsample_length': 'strides', **_CONV}
_RECURRENT = {
    'output_dim': 'units', 'init': 'kernel_initializer', 'inner_init': 'recurrent_initializer',
    'inner_activation': 'recurrent_activation', 'W_regularizer': 'kernel_regularizer',
    'b_regularizer': 'bias_regularizer', 'U_regularizer': 'recurrent_regularizer', 'dropout_W': 'dropout',
    'dropout_U': 'recurrent_dropout', 'consume_less': 'implementation'}
_CONSUME_LESS = {'consume_less': {'cpu': 0, 'mem': 1, 'gpu': 2}}
_CONV_LSTM = {
    'nb_filter': 'filters', 'subsample': 'strides', 'border_mode': 'padding', **_DATA_FORMAT,
    'init': 'kernel_initializer', 'inner_init': 'recurrent_initializer', 'W_regularizer': 'kernel_regularizer',
    'U_regularizer': 'recurrent_regularizer', 'b_regularizer': 'bias_regularizer',
    'inner_activation': 'recurrent_activation', 'dropout_W': 'dropout', 'dropout_U': 'recurrent_dropout',
    'bias': 'use_bias'}
_GENERATORS = {'samples_per_epoch': 'steps_per_epoch', 'nb_epoch': 'epochs', 'nb_val_samples': 'validation_steps',
               'val_samples': 'steps', 'nb_worker': 'workers', 'pickle_safe': 'use_multiprocessing',
               'max_q_size': 'max_queue_size'}

# Keras 1 names of layers
# modes of `merge` that work element by element → the layer
MERGED = {'sum': 'Add', 'mul': 'Multiply', 'ave': 'Average', 'max': 'Maximum'}

NAMES = {'Convolution1D': 'Conv1D', 'Convolution2D': 'Conv2D', 'Convolution3D': 'Conv3D', 'Deconv2D': 'Conv2DTranspose',
         'Deconvolution2D': 'Conv2DTranspose', 'SeparableConvolution2D': 'SeparableConv2D',
         'AtrousConv1D': 'AtrousConvolution1D', 'AtrousConv2D': 'AtrousConvolution2D', 'TimeDistributedDense': 'Dense'}


# ---- rules: each takes (args, kwargs, converted), may change kwargs in place, and returns args
def _is_int(x):
    if isinstance(x, bool) or not hasattr(x, '__index__'):
        return False
    index(x)
    return True


def _kernel(names, args, kwargs, converted):
    """Sizes given one by one, as positions after the filters or as keywords, become kernel_size."""
    n = len(names)
    sizes = list(args[1:1 + n])
    taken = len(sizes)
    if taken == n and all(map(_is_int, sizes)):
        if config.generation() == 3:        # there it is kernel_size, strides, …
            return args
        if len(args) > n + 1:
            raise TypeError(f'expected at most {n + 1} positional arguments with the kernel size as {n} of them, '
                            f'got {len(args)}')
        clash = [k for k in ('padding', 'strides', 'data_format') if k in kwargs]
        if clash:
            raise ValueError(f'{n} whole numbers after the filters are the kernel size in Keras 1, which has no '
                             f'{clash[0]!r}; in Keras 2 write kernel_size={tuple(sizes)}, and strides by keyword')
    elif taken < n and all(map(_is_int, sizes)) and all(k in kwargs for k in names[taken:]):
        sizes += [kwargs.pop(k) for k in names[taken:]]
    else:
        return args
    converted.append('kernel_size')
    if not args:
        kwargs['kernel_size'] = tuple(sizes)
        return args
    return (args[0], tuple(sizes))


def _kernel_2d(args, kwargs, converted):
    return _kernel(('nb_row', 'nb_col'), args, kwargs, converted)


def _kernel_3d(args, kwargs, converted):
    return _kernel(('kernel_dim1', 'kernel_dim2', 'kernel_dim3'), args, kwargs, converted)


def _deconvolution(args, kwargs, converted):
    """The output's shape is computed: what was given is dropped."""
    if len(args) == 4 and isinstance(args[3], tuple) and all(map(_is_int, args[1:3])):
        args = args[:3]
        converted.append('output_shape')
    if 'output_shape' in kwargs:
        del kwargs['output_shape']
        converted.append('output_shape')
    return _kernel_2d(args, kwargs, converted)


def _separable(args, kwargs, converted):
    if 'init' in kwargs:
        kwargs['depthwise_initializer'] = kwargs['pointwise_initializer'] = kwargs.pop('init')
        converted.append('init')
    return _kernel_2d(args, kwargs, converted)


def _forget_bias(args, kwargs, converted):
    if 'forget_bias_init' in kwargs:
        if kwargs.pop('forget_bias_init') == 'one':
            kwargs['unit_forget_bias'] = True
            converted.append('unit_forget_bias')
        else:
            warn('The `forget_bias_init` argument has been ignored. Use `unit_forget_bias=True` instead to initialize '
                  'with ones.')
    return args


def _conv_lstm(args, kwargs, converted):
    return _kernel_2d(_forget_bias(args, kwargs, converted), kwargs, converted)


def _steps(args, kwargs, converted):
    """input_dim, of each step, and the number of steps become input_shape."""
    if 'input_dim' in kwargs:
        kwargs['input_shape'] = (kwargs.pop('input_length', None), kwargs.pop('input_dim'))
        converted.append('input_shape')
    return args


def _recurrent(args, kwargs, converted):
    args = _forget_bias(args, kwargs, converted)
    if 'input_dim' in kwargs and not _state.reading:
        warn('The `input_dim` and `input_length` arguments in recurrent layers are deprecated. '
              'Use `input_shape` instead.')
    return _steps(args, kwargs, converted)


def _embedding(args, kwargs, converted):
    if 'dropout' in kwargs and (kwargs.pop('dropout') or not _state.reading):     # Keras 1 wrote down one of 0 too
        warn('The `dropout` argument is no longer supported in `Embedding`. A `SpatialDropout1D` layer right after it '
              'does the same.')
    return args


def _batchnorm(args, kwargs, converted):
    if 'mode' in kwargs:
        mode = kwargs.pop('mode')
        if mode != 0:
            raise TypeError('BatchNormalization: the `mode` argument no longer exists; what it does is mode=0, '
                            f'got mode={mode!r}')
        converted.append('mode')
    return args


def _padding(args, kwargs, converted):
    given = kwargs.get('padding', args[0] if args else None)
    if isinstance(given, dict):
        names = ('top_pad', 'bottom_pad', 'left_pad', 'right_pad')
        if set(given) <= set(names):
            top, bottom, left, right = (given.get(n, 0) for n in names)
            kwargs['padding'] = ((top, bottom), (left, right))
            args = args[1:] if args else args
            warn('The `padding` argument in the Keras 2 API no longer accepts dict types. You can now input argument '
                  'as: `padding=((top_pad, bottom_pad), (left_pad, right_pad))`')
    return args


def _dense(args, kwargs, converted):
    """Not Keras 1: in Keras 2 too, input_dim stands for a one-dimensional input_shape."""
    if hasattr(kwargs.get('input_dim'), '__index__') and 'input_shape' not in kwargs:  # else the layer says what is wrong
        kwargs['input_shape'] = (kwargs.pop('input_dim'),)
    return args


def _dense_of_steps(args, kwargs, converted):
    """Not a layer of Keras 2, so its positions are those of Keras 1 in any case."""
    names = ('output_dim', 'init', 'activation', 'weights')
    if len(args) > len(names):
        raise TypeError(f'TimeDistributedDense: expected at most {len(names)} positional arguments, got {len(args)}')
    for name, value in list(zip(names, args))[1:]:
        if name in kwargs:
            raise TypeError(f'TimeDistributedDense: got two values for the argument {name!r}')
        kwargs[name] = value
    converted.append('units')
    return _steps(args[:1], kwargs, converted)


def _atrous(args, kwargs, converted):
    """Atrous convolutions are dilated ones; their dilation_rate is always the atrous rate."""
    kwargs['dilation_rate'] = kwargs.pop('atrous_rate', 1)
    converted.append('dilation_rate')
    return args


def _atrous_1d(args, kwargs, converted):
    return _steps(_atrous(args, kwargs, converted), kwargs, converted)


def _atrous_2d(args, kwargs, converted):
    return _kernel_2d(_atrous(args, kwargs, converted), kwargs, converted)


def _generator(args, kwargs, converted):
    old = [k for k in ('samples_per_epoch', 'val_samples', 'nb_epoch', 'nb_val_samples', 'nb_worker') if k in kwargs]
    if old:
        warn('The semantics of the Keras 2 argument `steps_per_epoch` is not the same as the Keras 1 argument '
              '`samples_per_epoch`. `steps_per_epoch` is the number of batches to draw from the generator at each '
              'epoch. Basically steps_per_epoch = samples_per_epoch/batch_size. Similarly '
              '`nb_val_samples`->`validation_steps` and `val_samples`->`steps` arguments have changed. '
              'Update your method calls accordingly.')
    if 'samples_per_epoch' in kwargs and len(args) < 2:
        generator = args[0] if args else kwargs.get('generator')
        samples, batch = kwargs.pop('samples_per_epoch'), getattr(generator, 'batch_size', None)
        kwargs['steps_per_epoch'] = max(1, samples // batch) if batch else samples
        converted.append('steps_per_epoch')
    return args


def _updates(args, kwargs, converted):
    """(params, constraints, loss) in place of (loss, params)."""
    if len(args) == 3:
        return (args[2], args[0])
    if len(args) == 2 and isinstance(args[0], (list, tuple)) and 'loss' in kwargs:
        kwargs['params'] = args[0]
        return ()
    return args


# callable → (renames, values, rule)
TABLE = {
    'Dense': ({'output_dim': 'units', **_WEIGHTS}, {}, _dense),
    'TimeDistributedDense': ({'output_dim': 'units', **_WEIGHTS}, {}, _dense_of_steps),
    'Dropout': ({'p': 'rate'}, {}, None),
    'GaussianDropout': ({'p': 'rate'}, {}, None),
    'GaussianNoise': ({'sigma': 'stddev'}, {}, None),
    'SpatialDropout1D': ({'p': 'rate'}, {}, None),
    'SpatialDropout2D': ({'p': 'rate', **_DATA_FORMAT}, _ORDERING, None),
    'SpatialDropout3D': ({'p': 'rate', **_DATA_FORMAT}, _ORDERING, None),
    'Embedding': ({'init': 'embeddings_initializer', 'W_regularizer': 'embeddings_regularizer',
                   'W_constraint': 'embeddings_constraint'}, {}, _embedding),
    'PReLU': ({'init': 'alpha_initializer'}, {}, None),
    'BatchNormalization': ({'beta_init': 'beta_initializer', 'gamma_init': 'gamma_initializer'}, {}, _batchnorm),
    'Conv1D': (_CONV_1D, {}, _steps),
    'LocallyConnected1D': (_CONV_1D, {}, _steps),
    'AtrousConvolution1D': (_CONV_1D, {}, _atrous_1d),
    'Conv2D': (_CONV_ND, _ORDERING, _kernel_2d),
    'LocallyConnected2D': (_CONV_ND, _ORDERING, _kernel_2d),
    'AtrousConvolution2D': (_CONV_ND, _ORDERING, _atrous_2d),
    'SeparableConv2D': ({k: v for k, v in _CONV_ND.items() if not k.startswith('W_')}, _ORDERING, _separable),
    'Conv2DTranspose': (_CONV_ND, _ORDERING, _deconvolution),
    'Conv3D': (_CONV_ND, _ORDERING, _kernel_3d),
    'ConvLSTM2D': (_CONV_LSTM, _ORDERING, _conv_lstm),
    **dict.fromkeys(('SimpleRNN', 'LSTM', 'GRU'), (_RECURRENT, _CONSUME_LESS, _recurrent)),
    **{f'{kind}Pooling1D': ({'pool_length': 'pool_size', 'stride': 'strides', 'border_mode': 'padding'}, {}, None)
       for kind in ('Max', 'Average')},
    **{f'{kind}Pooling{n}D': ({'border_mode': 'padding', **_DATA_FORMAT}, _ORDERING, None)
       for kind in ('Max', 'Average') for n in (2, 3)},
    **{f'{name}{n}D': (_DATA_FORMAT, _ORDERING, None) for n in (2, 3)
       for name in ('GlobalMaxPooling', 'GlobalAveragePooling', 'UpSampling', 'Cropping')},
    'UpSampling1D': ({'length': 'size'}, {}, None),
    'ZeroPadding2D': (_DATA_FORMAT, _ORDERING, _padding),
    'ZeroPadding3D': (_DATA_FORMAT, _ORDERING, None),
    'InputLayer': ({'input_dtype': 'dtype'}, {}, None),
    'Highway': ({}, {}, _dense),
    'MaxoutDense': ({}, {}, _dense),
    'Model': ({'input': 'inputs', 'output': 'outputs'}, {}, None),
    'fit': ({'nb_epoch': 'epochs'}, {}, None),
    **{f'{name}_generator': (_GENERATORS, {}, _generator) for name in ('fit', 'evaluate', 'predict')},
    'get_updates': ({}, {}, _updates),
    'ReduceLROnPlateau': ({'epsilon': 'min_delta'}, {}, None),
    'load_data': ({'nb_words': 'num_words'}, {}, None),
    'Tokenizer': ({'nb_words': 'num_words'}, {}, None),
    'to_categorical': ({'nb_classes': 'num_classes'}, {}, None),
    'normalize': ({'a': 'x'}, {}, None),
    **dict.fromkeys(('set_image_data_format', 'img_to_array', 'array_to_img', 'save_img', 'ImageDataGenerator',
                     'NumpyArrayIterator', 'DirectoryIterator', 'DataFrameIterator'), (_DATA_FORMAT, _ORDERING, None)),
}
# what Keras 2 warns of with a sentence of its own
_RENAMED = {'fit': 'The `nb_epoch` argument in `fit` has been renamed `epochs`.',
            'ReduceLROnPlateau': '`epsilon` argument is deprecated and will be removed, use `min_delta` instead.',
            'load_data': 'The `nb_words` argument in `load_data` has been renamed `num_words`.',
            'Tokenizer': 'The `nb_words` argument in `Tokenizer` has been renamed `num_words`.'}


def _shown(value):
    if isinstance(value, str):
        return f'"{value}"'
    text = 'array' if hasattr(value, '__array__') else str(value)
    return text if len(text) <= 10 else text[:10] + '...'


def both_given(old, new):
    """The TypeError for an argument that is given by its old and its new word."""
    return TypeError(f'For the `{new}` argument, the layer received both the legacy keyword argument `{old}` '
                     f'and the Keras 2 keyword argument `{new}`. Stick to the latter!')


class _State(threading.local):
    reading = False


_state = _State()


@contextlib.contextmanager
def configuration() -> Iterator[bool]:
    """Inside the block, in this thread, layers are made from a configuration: old words in it are no call of the user's, whom
    nothing is told of them. Gives whether it is the outermost such block."""
    before, _state.reading = _state.reading, True
    try:
        yield not before
    finally:
        _state.reading = before


def tell_new_call(name, args, kwargs):
    """Warn with the call in the words of Keras 2."""
    if _state.reading:
        return
    call = ', '.join([*map(_shown, args), *(f'{k}={_shown(v)}' for k, v in kwargs.items())])
    warn(f'Update your `{name}` call to the Keras 2 API: `{name}({call})`')


# How many arguments of a layer Keras 2.2.4 takes by position; those behind them stood for other things in Keras 1.
_BY_POSITION = {
    0: ('BatchNormalization',),
    1: ('Dense', 'SimpleRNN', 'GRU', 'LSTM', 'PReLU', 'GaussianNoise', 'GaussianDropout', 'SpatialDropout1D',
        'SpatialDropout2D', 'SpatialDropout3D', 'UpSampling1D', 'UpSampling2D', 'UpSampling3D', 'ZeroPadding2D',
        'ZeroPadding3D', 'Cropping2D', 'Cropping3D'),
    2: ('Embedding', 'Conv1D', 'Conv2D', 'Conv3D', 'SeparableConv2D', 'Conv2DTranspose', 'ConvLSTM2D', 'LocallyConnected1D',
        'LocallyConnected2D', 'Lambda'),
}
_MOST_BY_POSITION = {name: n for n, names in _BY_POSITION.items() for name in names}


def _check_positions(class_name, args):
    most = _MOST_BY_POSITION.get(class_name, len(args))
    if len(args) > most and config.generation() == '2.2.4':
        raise TypeError(f'{class_name}: Keras 2.2.4 accepts {most} positional arguments, got {len(args)}: '
                        f'{", ".join(map(_shown, args))}; give the others by their names, or choose config.set_generation(2)')


def convert(class_name, args, kwargs):
    """The Keras 2 (args, kwargs) of a call that may be in the words of Keras 1.

    class_name: of the class to be made, or of the method or function. A call without old words comes back as it is.
    What was converted is warned of, by a UserWarning with the whole new call. Raises TypeError for an old and a new
    word for the same thing, or an old one that nothing can stand for; ValueError for numbers that may be either.
    """
    entry = TABLE.get(class_name)
    renames, values, rule = entry or ({}, {}, None)
    if entry is None or not kwargs and not (args and rule is not None):
        _check_positions(class_name, args)
        return args, kwargs
    args, kwargs, converted = tuple(args), dict(kwargs), []
    if rule is not None:
        args = rule(args, kwargs, converted)
    _check_positions(class_name, args)
    for old in [k for k in kwargs if k in renames]:
        value, new = kwargs.pop(old), renames[old]
        if old in values:
            value = values[old].get(value, value) if isinstance(value, str) else value
        if new in kwargs:
            raise both_given(old, new)
        kwargs[new] = value
        converted.append(new)
    if converted:
        if class_name in _RENAMED:
            warn(_RENAMED[class_name])
        else:
            tell_new_call(NAMES.get(class_name, class_name).replace('AtrousConvolution', 'Conv'), args, kwargs)
    return args, kwargs


def renamed(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration of Keras 1 in the words of Keras 2, without a word of it."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return convert(class_name, (), config)[1]


F = TypeVar('F', bound=Callable[..., Any])     # what a decorator gives has the signature of what it got


def accepts(class_name: str, method: bool = True) -> Callable[[F], F]:
    """Decorator: the method (with `self` first), or the function with method=False, also takes the Keras 1 words that
    TABLE has for it."""
    def decorate(function):
        @functools.wraps(function)
        def of_method(self, *args, **kwargs):
            args, kwargs = convert(class_name, args, kwargs)
            return function(self, *args, **kwargs)

        @functools.wraps(function)
        def of_function(*args, **kwargs):
            args, kwargs = convert(class_name, args, kwargs)
            return function(*args, **kwargs)

        wrapper = of_method if method else of_function
        wrapper._original_function = function
        return wrapper
    return decorate
