"""What reaches losses and metrics, and what is reported, in generation 3, against Keras 3: see results_cases."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import config

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import results_cases  # noqa: E402

sys.path.remove(str(HERE))
RECORDED = json.loads((HERE / 'results_keras3.json').read_text())['cases']


@pytest.fixture(autouse=True)
def third():
    config.set_generation(3)
    yield
    config.set_generation(2)


def close(found, expected, where):
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for key, value in expected.items():
            close(found[key], value, f'{where} {key}')
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for k, (a, b) in enumerate(zip(found, expected)):
            close(a, b, f'{where} {k}')
    elif isinstance(expected, float):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=where)
    else:
        assert found == expected, where


@pytest.mark.parametrize('case', results_cases.CASES, ids=lambda c: c.__name__)
def test_results(case):
    close(case(fastkeras), RECORDED[case.__name__], case.__name__)
