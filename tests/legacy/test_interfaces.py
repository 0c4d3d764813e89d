import pytest

from fastkeras.layers import Dense, Layer
from fastkeras.legacy import interfaces


def test_a_layer_of_ones_own_takes_old_words():
    class Own(Layer):
        @interfaces.legacy_dense_support
        def __init__(self, units, kernel_initializer='zeros', **kwargs):
            super().__init__(**kwargs)
            self.units, self.kernel_initializer = units, kernel_initializer

    with pytest.warns(UserWarning, match=r'Update your `Dense` call to the Keras 2 API'):
        made = Own(output_dim=3, init='uniform')
    assert (made.units, made.kernel_initializer) == (3, 'uniform')


def test_a_decorator_of_ones_own():
    class Own(Dense):
        @interfaces.generate_legacy_interface(['units'], [('size', 'units'), ('kind', 'activation')],
                                              value_conversions={'kind': {'rectifier': 'relu'}})
        def __init__(self, units, activation=None):
            super().__init__(units, activation=activation)

    with pytest.warns(UserWarning, match=r'Update your `Own` call to the Keras 2 API: `Own\(units=3, activation="relu"\)`'):
        made = Own(size=3, kind='rectifier')
    assert made.units == 3 and made.activation.__name__ == 'relu'
    with pytest.raises(TypeError, match='both the legacy keyword argument `size`'):
        Own(units=3, size=4)
    with pytest.raises(TypeError, match='can accept only 1 positional arguments'):
        Own(3, 'relu')


def test_all_names_are_there():
    assert {name for name in interfaces.__all__ if not callable(getattr(interfaces, name))} == set()
