"""Training beyond fit against numbers that Keras 2.2.4 and Keras 3 gave: see step_cases."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import config

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import step_cases  # noqa: E402

sys.path.remove(str(HERE))


def check(case, name):
    expected = json.loads((HERE / name).read_text())['cases'][case.__name__]
    close(case(fastkeras), expected, case.__name__)


def close(found, expected, where):
    if isinstance(expected, dict):
        assert set(found) == set(expected), where
        for key, value in expected.items():
            close(found[key], value, f'{where} {key}')
    elif isinstance(expected, list) and any(isinstance(v, (list, dict)) for v in expected) and isinstance(found, (list, tuple)):
        assert len(found) == len(expected), where
        for k, (a, b) in enumerate(zip(found, expected)):
            close(a, b, f'{where} {k}')
    else:
        np.testing.assert_allclose(np.asarray(found, 'float64'), expected, rtol=1e-5, atol=1e-6, err_msg=where)


@pytest.mark.parametrize('case', step_cases.KERAS2, ids=lambda c: c.__name__)
def test_keras2(case):
    check(case, 'steps_keras224.json')


@pytest.mark.parametrize('case', step_cases.KERAS3, ids=lambda c: c.__name__)
def test_keras3(case):
    config.set_generation(3)
    try:
        check(case, 'steps_keras3.json')
    finally:
        config.set_generation(2)
