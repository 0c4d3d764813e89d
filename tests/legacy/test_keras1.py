"""Keras 1 calls: each pair was confirmed on Keras 2.2.4, which builds the same layer from both."""

import warnings

import pytest

from fastkeras import config, layers
from fastkeras.legacy.keras1 import NAMES, accepts, convert


def call(*args, **kwargs):
    return args, kwargs


PAIRS = [
    ('Dense', call(output_dim=64, init='uniform', W_regularizer='l2', b_constraint='nonneg', bias=False),
     call(units=64, kernel_initializer='uniform', kernel_regularizer='l2', bias_constraint='nonneg', use_bias=False)),
    ('Dense', call(8, input_dim=20), call(8, input_shape=(20,))),
    ('Conv2D', call(64, 3, 3, border_mode='same', input_shape=(3, 32, 32)),
     call(64, (3, 3), padding='same', input_shape=(3, 32, 32))),
    ('Conv2D', call(8, 3, nb_col=5), call(8, (3, 5))),
    ('Conv2D', call(8, nb_row=3, nb_col=5), call(8, (3, 5))),
    ('Conv2D', call(nb_filter=8, nb_row=3, nb_col=5), call(filters=8, kernel_size=(3, 5))),
    ('Conv2D', call(8, 3, 3, subsample=(2, 2), dim_ordering='th'),
     call(8, (3, 3), strides=(2, 2), data_format='channels_first')),
    ('Conv2D', call(8, 3, 3, dim_ordering='default'), call(8, (3, 3), data_format=None)),
    ('Conv2D', call(8, (3, 3), (2, 2), 'same'), call(8, (3, 3), (2, 2), 'same')),
    ('Conv3D', call(8, 3, 4, 5), call(8, (3, 4, 5))),
    ('Conv3D', call(8, 3, kernel_dim2=4, kernel_dim3=5), call(8, (3, 4, 5))),
    ('Conv1D', call(nb_filter=8, filter_length=3, subsample_length=2, input_dim=4),
     call(filters=8, kernel_size=3, strides=2, input_shape=(None, 4))),
    ('Conv2DTranspose', call(8, 3, 3, output_shape=(None, 8, 14, 14)), call(8, (3, 3))),
    ('Conv2DTranspose', call(8, 3, 3, (None, 8, 14, 14)), call(8, (3, 3))),
    ('SeparableConv2D', call(8, 3, 3, init='zero'),
     call(8, (3, 3), depthwise_initializer='zero', pointwise_initializer='zero')),
    ('AtrousConvolution2D', call(8, 3, 3, atrous_rate=(2, 2)), call(8, (3, 3), dilation_rate=(2, 2))),
    ('MaxPooling2D', call((2, 2), border_mode='same', dim_ordering='tf'),
     call((2, 2), padding='same', data_format='channels_last')),
    ('AveragePooling1D', call(pool_length=3, stride=2), call(pool_size=3, strides=2)),
    ('BatchNormalization', call(mode=0, beta_init='one'), call(beta_initializer='one')),
    ('Dropout', call(p=0.5), call(rate=0.5)),
    ('GaussianNoise', call(sigma=0.1), call(stddev=0.1)),
    ('LSTM', call(output_dim=4, inner_init='orthogonal', forget_bias_init='one', dropout_U=0.2, consume_less='gpu'),
     call(units=4, recurrent_initializer='orthogonal', unit_forget_bias=True, recurrent_dropout=0.2, implementation=2)),
    ('LSTM', call(4, input_dim=5, input_length=3), call(4, input_shape=(3, 5))),
    ('Embedding', call(10, 4, init='uniform', dropout=0.2), call(10, 4, embeddings_initializer='uniform')),
    ('ZeroPadding2D', call({'top_pad': 1, 'left_pad': 3}), call(padding=((1, 0), (3, 0)))),
    ('UpSampling1D', call(length=3), call(size=3)),
    ('Model', call(input='a', output='b'), call(inputs='a', outputs='b')),
    ('fit', call('x', 'y', nb_epoch=3), call('x', 'y', epochs=3)),
    ('fit_generator', call('g', samples_per_epoch=10, nb_epoch=2, nb_val_samples=4, max_q_size=2),
     call('g', steps_per_epoch=10, epochs=2, validation_steps=4, max_queue_size=2)),
    ('get_updates', call(['p'], {}, 'loss'), call('loss', ['p'])),
]


@pytest.mark.parametrize('name,old,new', PAIRS, ids=lambda x: x if isinstance(x, str) else '')
def test_converts(name, old, new):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        args, kwargs = convert(name, *old)
        assert (tuple(args), kwargs) == new
        again = convert(name, args, kwargs) if not name.startswith('Atrous') else new
        assert (tuple(again[0]), again[1]) == new       # a converted call is left alone


def test_warns_with_the_new_call():
    with pytest.warns(UserWarning) as caught:
        convert('Conv2D', (64, 3, 3), {'border_mode': 'same', 'input_shape': (3, 32, 32)})
    assert str(caught[0].message) == ('Update your `Conv2D` call to the Keras 2 API: '
                                      '`Conv2D(64, (3, 3), input_shape=(3, 32, 32..., padding="same")`')
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match='`nb_epoch` argument in `fit` has been renamed `epochs`'):
        convert('fit', (), {'nb_epoch': 2})


def test_new_calls_are_untouched():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for name, args, kwargs in [('Dense', (4,), {'activation': 'relu'}), ('Unknown', (1,), {'init': 2}),
                                   ('Conv2D', (4, 3), {'strides': 2}), ('BatchNormalization', (-1,), {})]:
            assert convert(name, args, kwargs) == (args, kwargs)


@pytest.mark.parametrize('name,args,kwargs,error', [
    ('Conv2D', (8, 3, 3), {'padding': 'same'}, ValueError),
    ('Conv2D', (8, 3, 3, 'relu'), {}, TypeError),
    ('Conv2D', (8, (3, 3)), {'subsample': (2, 2), 'strides': (2, 2)}, TypeError),
    ('BatchNormalization', (), {'mode': 2}, TypeError),
])
def test_refuses(name, args, kwargs, error):
    with pytest.raises(error):
        convert(name, args, kwargs)


def test_numbers_after_the_filters_in_generation_3():
    config.set_generation(3)
    try:
        assert convert('Conv2D', (8, 3, 2), {'padding': 'same'}) == ((8, 3, 2), {'padding': 'same'})
    finally:
        config.set_generation(2)


def test_samples_per_epoch_counts_batches():
    class Batches:
        batch_size = 4

    for samples, steps in ((12, 3), (3, 1)):    # part of a batch is one
        with pytest.warns(UserWarning):
            _, kwargs = convert('fit_generator', (Batches(),), {'samples_per_epoch': samples})
        assert kwargs == {'steps_per_epoch': steps}


def test_decorator():
    class Thing:
        @accepts('fit')
        def fit(self, x, epochs=1):
            return x, epochs

    with pytest.warns(UserWarning):
        assert Thing().fit(1, nb_epoch=5) == (1, 5)
    assert Thing().fit(1, epochs=2) == (1, 2)


def test_names():
    assert NAMES['Convolution2D'] == 'Conv2D'


@pytest.mark.parametrize('call', [lambda: layers.Dense(64, 'relu'), lambda: layers.BatchNormalization(1),
                                  lambda: layers.Embedding(9, 4, 'uniform'), lambda: layers.LSTM(3, 'tanh'),
                                  lambda: layers.Lambda(len, None, None), lambda: layers.Cropping2D(1, None)])
def test_positions_that_meant_something_else_in_keras_1(call):
    """Keras 2.2.4 takes them by name only; Keras 3, and generation 2 here, as their signatures say."""
    call()
    config.set_generation('2.2.4')
    try:
        with pytest.raises(TypeError, match='positional arguments'):
            call()
        assert layers.Convolution2D(8, 3, 3).kernel_size == (3, 3)      # of Keras 1
        assert layers.Dropout(0.5, (None, 1)).noise_shape == (None, 1)
    finally:
        config.set_generation(2)
