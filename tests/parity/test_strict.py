"""The generation '2.2.4' against numbers that Keras 2.2.4 gave, step for step: see strict_cases."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import config

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import strict_cases  # noqa: E402

sys.path.remove(str(HERE))
# where the critic is sure, what moves the generator's weights is rounding errors; it shows in its predictions
TOLERANCE = {'adversaries': 1e-3}
RECORDED = json.loads((HERE / 'strict_keras224.json').read_text())['cases']


@pytest.fixture(autouse=True)
def strict():
    config.set_generation('2.2.4')
    yield
    config.set_generation(2)


def compare(found, expected, where, errors):
    """Both have one structure; the relative differences of numbers join `errors`."""
    if isinstance(expected, dict):
        assert set(found) == set(expected), where
        for key, value in expected.items():
            compare(found[key], value, f'{where} {key}', errors)
    elif isinstance(expected, list):
        found = found.tolist() if isinstance(found, np.ndarray) else found
        assert len(found) == len(expected), where
        for k, (a, b) in enumerate(zip(found, expected)):
            compare(a, b, f'{where} {k}', errors)
    elif isinstance(expected, str):
        assert found == expected, where
    else:
        errors.append((abs(float(found) - expected) / max(abs(expected), 0.1), where, float(found), expected))


@pytest.mark.parametrize('case', strict_cases.CASES, ids=lambda c: c.__name__)
def test_strict(case):
    errors = []
    compare(case(fastkeras), RECORDED[case.__name__], case.__name__, errors)
    worst = max(errors)
    assert worst[0] < TOLERANCE.get(case.__name__, 1e-4), worst
