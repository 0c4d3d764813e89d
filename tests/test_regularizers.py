"""Regularizers against NumPy in float64 and a number recorded from Keras 2.2.4."""

import numpy as np
import pytest

from fastkeras import generation, regularizers

from .parity.recorded import KERAS2, arrays


def test_values():
    x = arrays('x')[0]
    exact = x.astype('float64')
    assert float(regularizers.l1_l2(0.1, 0.2)(x)) == pytest.approx(KERAS2['regularizers'][0], rel=1e-6)
    assert float(regularizers.l1(0.3)(x)) == pytest.approx(0.3 * np.abs(exact).sum(), rel=1e-6)
    assert float(regularizers.L2(0.3)(x)) == pytest.approx(0.3 * (exact**2).sum(), rel=1e-6)
    assert float(regularizers.L1L2()(x)) == 0.0
    rows = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    cosines = np.abs(rows @ rows.T) * (1 - np.eye(6))
    assert float(regularizers.OrthogonalRegularizer(0.5)(x)) == pytest.approx(0.25 * cosines.sum() / 15, rel=1e-5)
    columns = exact / np.linalg.norm(exact, axis=0)
    cosines = np.abs(columns.T @ columns) * (1 - np.eye(4))
    assert float(regularizers.OrthogonalRegularizer(mode='columns')(x)) == pytest.approx(
        0.005 * cosines.sum() / 6, rel=1e-5
    )


def test_names_and_defaults():
    assert regularizers.get('l2').l2 == pytest.approx(0.01)
    assert regularizers.get('l1').get_config() == {'l1': pytest.approx(0.01), 'l2': 0.0}
    both = regularizers.get('l1_l2')
    assert (both.l1, both.l2) == (pytest.approx(0.01), pytest.approx(0.01))
    with generation.scope(3):
        assert regularizers.l1_l2().l1 == 0.0
    assert regularizers.l1(l=0.5).l1 == regularizers.l1(l1=0.5).l1 == 0.5
    assert regularizers.get(None) is None
    for config in (
        {'class_name': 'L1L2', 'config': {'l1': 0.1, 'l2': 0.2}},
        {'module': 'keras.regularizers', 'class_name': 'L2', 'config': {'l2': 0.2}, 'registered_name': None},
    ):
        assert regularizers.get(config).l2 == 0.2
    again = regularizers.deserialize(regularizers.serialize(regularizers.L1L2(0.1, 0.2)))
    assert again.get_config() == {'l1': 0.1, 'l2': 0.2}

    def mine(w):
        return w

    assert regularizers.get(mine) is mine
    with pytest.raises(ValueError, match="Unknown regularizer: 'l3'"):
        regularizers.get('l3')
    with pytest.raises(ValueError, match='finite number for l2'):
        regularizers.l2('small')
