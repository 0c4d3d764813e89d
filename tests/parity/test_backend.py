"""Functions of the backend: values and gradients as Keras 2.2.4 recorded them."""

from pathlib import Path

import numpy as np
import pytest

from fastkeras import backend as K
from tests.parity import backend_cases

RECORDED = dict(np.load(Path(__file__).parent / 'backend_keras224.npz'))
# what has no value to record, and stands in tests/backend
WITHOUT = {'backend', 'batch_get_value', 'batch_set_value', 'cast_to_floatx', 'clear_session', 'count_params',
           'ctc_label_dense_to_sparse', 'dropout', 'dtype', 'epsilon', 'eval', 'eye', 'floatx', 'function', 'get_session',
           'get_uid', 'get_value', 'get_variable_shape', 'gradients', 'image_data_format', 'image_dim_ordering', 'int_shape',
           'is_keras_tensor', 'is_placeholder', 'is_sparse', 'is_tensor', 'learning_phase', 'manual_variable_initialization',
           'moving_average_update', 'name_scope', 'ndim', 'normalize_data_format', 'ones', 'placeholder', 'print_tensor',
           'random_binomial', 'random_normal', 'random_normal_variable', 'random_uniform', 'random_uniform_variable',
           'reset_uids', 'set_epsilon', 'set_floatx', 'set_image_data_format', 'set_image_dim_ordering',
           'set_learning_phase', 'set_session', 'set_value', 'to_dense', 'truncated_normal', 'update', 'update_add',
           'update_sub', 'variable', 'zeros', 'Function'}


@pytest.mark.parametrize('name', list(backend_cases.CASES))
def test_values_and_gradients(name):
    value, gradients = backend_cases.computed(K, name)
    want = RECORDED[f'{name}/value']
    assert np.shape(value) == want.shape and np.asarray(value).dtype == want.dtype
    np.testing.assert_allclose(value, want, rtol=2e-5, atol=2e-5)
    for k, g in enumerate(gradients):
        if not RECORDED[f'{name}/there_{k}']:
            assert g is None, f'Keras has no gradient of input {k}'
            continue
        want = RECORDED[f'{name}/gradient_{k}']
        if g is None and not want.any():
            continue        # what TensorFlow has a gradient of zeros for
        assert g.shape == want.shape
        np.testing.assert_allclose(g, want, rtol=5e-5, atol=5e-5)


def test_every_function_has_a_case_or_a_test_of_its_own():
    public = {n for n in vars(K) if n[0] != '_' and callable(getattr(K, n)) and 'fastkeras' in getattr(K, n).__module__}
    with_case = {name.split()[0] for name in backend_cases.CASES}
    assert public - with_case - WITHOUT == set()
    assert with_case - public <= {'size'}
