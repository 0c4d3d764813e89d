import gc

import numpy as np
import pytest

import fastkeras as keras
from fastkeras import backend as K
from fastkeras.layers import BatchNormalization, Dense, Dropout
from fastkeras.runtime import plans
from fastkeras.utils import clear_session


def small():
    return keras.Sequential([Dense(64, activation='relu', input_shape=(20,)), Dropout(0.5), BatchNormalization(), Dense(2)])


def test_models_stay_usable_and_names_begin_anew():
    model, x = small(), np.random.rand(4, 20).astype('float32')
    model.compile('adam', 'mse')
    model.train_on_batch(x, np.zeros((4, 2)))
    before = model.predict(x)
    clear_session()
    assert plans.held() == 0
    assert Dense(3).name == 'dense_1'
    np.testing.assert_array_equal(model.predict(x), before)
    model.train_on_batch(x, np.zeros((4, 2)))
    assert (model.predict(x) != before).any()


def resident():
    """KB of memory that this process has."""
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))


@pytest.mark.parametrize('cycles', [60, pytest.param(300, marks=pytest.mark.slow)])
def test_cycles_of_build_fit_predict_and_clear_are_flat(cycles):
    x, y = np.random.rand(64, 20).astype('float32'), np.zeros((64, 2), 'float32')
    for k in range(cycles):
        model = small()
        model.compile('adam', 'mse')
        model.fit(x, y, epochs=1, verbose=0)
        model.predict(x)
        K.function([model.input], K.gradients(K.sum(model.output), [model.input]))([x])
        del model
        K.clear_session()
        if k == 9:
            begin = resident()
    assert resident() - begin < 2048


def test_what_is_not_to_be_freed_stays():
    model, x = small(), np.zeros((4, 20), 'float32')
    model.predict(x)
    gc.collect()
    before = plans.held()
    clear_session(free_memory=False)
    assert plans.held() == before
