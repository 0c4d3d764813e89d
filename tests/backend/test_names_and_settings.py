import pytest

import fastkeras as keras
from fastkeras import backend as K


def test_settings():
    try:
        K.set_epsilon(1e-5)
        K.set_floatx('float64')
        K.set_image_dim_ordering('th')
        assert (K.epsilon(), K.floatx(), K.image_data_format(), K.image_dim_ordering()) == (
            1e-5, 'float64', 'channels_first', 'th')
        assert K.dtype(K.variable(1.0)) == 'float64' and K.normalize_data_format(None) == 'channels_first'
    finally:
        K.set_epsilon(1e-7)
        K.set_floatx('float32')
        K.set_image_data_format('channels_last')
    assert K.backend() == 'fastkeras' and K.normalize_data_format('Channels_Last'.lower()) == 'channels_last'
    for wrong in (lambda: K.set_image_dim_ordering('tensorflow'), lambda: K.set_floatx('float8'),
                  lambda: K.normalize_data_format('last'), lambda: K.manual_variable_initialization('yes')):
        with pytest.raises(ValueError):
            wrong()
    K.manual_variable_initialization(True)


def test_names():
    K.reset_uids()
    assert [K.get_uid('a'), K.get_uid('a'), K.get_uid('b')] == [1, 2, 1]
    keras.layers.Dense(2)
    K.clear_session()
    assert K.get_uid('a') == 1 and keras.layers.Dense(2).name == 'dense_1'
    with K.name_scope('block'):
        layer = keras.layers.Dense(2, name='inner')
        layer.build((None, 3))
    assert layer.kernel.name == 'block/inner/kernel:0'
