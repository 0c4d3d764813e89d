"""Weights part by part: all of them, or nothing is changed."""

import h5py
import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.ops import core
from fastkeras.utils.errors import ModelFileError


def test_a_bad_slot_of_the_optimizer_leaves_the_weights_alone(tmp_path):
    path = tmp_path / 'm.weights.h5'
    with generation.scope(3):
        model = Sequential([Dense(2, input_shape=(3,)), Dense(2)])
        model.compile('adam', 'mse')
        model.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
        model.save_weights(path)
        with h5py.File(path, 'a') as file:
            del file['optimizer/vars/2']
            file['optimizer/vars/2'] = b'x'
        zeros, state = [w * 0 for w in model.get_weights()], model.optimizer.get_weights()
        model.set_weights(zeros)
        with pytest.raises(ModelFileError, match='optimizer/vars'):
            model.load_weights(path)
    for a, b in zip([*zeros, *state], [*model.get_weights(), *model.optimizer.get_weights()], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('text', ['i4,' * 1000, '10', '(1000000000,)f4', 'f4' * 20, 'O', 'S1000000000', '', 'float32\n'])
def test_a_type_is_the_name_of_one(text):
    with pytest.raises(ValueError, match='dtype: expected one of') as found:
        core.dtype_name(text)
    assert len(str(found.value)) < 200
