"""Functions of the backend: values and gradients as Keras 2.2.4 recorded them."""

import functools
from pathlib import Path

import numpy as np
import pytest

from fastkeras import backend as K
from fastkeras import config
from tests.parity import backend_cases

RECORDED = dict(np.load(Path(__file__).parent / 'backend_keras224.npz'))
# what acts on the whole process or the graph that the cases stand in; tests/backend has tests of them
WITHOUT = {'Function', 'backend', 'clear_session', 'get_session', 'manual_variable_initialization', 'set_learning_phase',
           'set_session'}
STRICT = {'moving_average_update'}      # by default it does not correct for the start


@pytest.mark.parametrize('name', list(backend_cases.CASES))
def test_values_and_gradients(name, request):
    if name in STRICT:
        request.addfinalizer(functools.partial(config.set_generation, config.generation()))
        config.set_generation('2.2.4')
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
