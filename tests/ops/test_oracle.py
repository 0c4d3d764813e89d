"""Composites against what Keras 3 and Keras 2.2.4 gave (see oracle_cases.py)."""

import json

import numpy as np
import pytest

from fastkeras import ops

from .oracle_cases import FILE, KERAS2, KERAS3, called

RECORDED = json.loads(FILE.read_text())


def expected(name):
    return np.array(RECORDED[name]['values']).reshape(RECORDED[name]['shape'])


@pytest.mark.parametrize('name', KERAS3)
def test_keras3(name):
    op, args, attrs = KERAS3[name]
    made = called(ops, name if name == 'hard_sigmoid3' else op, args, attrs)
    np.testing.assert_allclose(np.asarray(made, float), expected(name), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize('name', KERAS2)
def test_keras2(name):
    op, args, attrs = KERAS2[name]
    if op == 'relu':
        attrs = {('negative_slope' if k == 'alpha' else k): v for k, v in attrs.items()}
    np.testing.assert_allclose(getattr(ops, op)(*args, **attrs), expected(name), rtol=1e-5, atol=2e-6)
