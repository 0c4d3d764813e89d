"""Layers against what Keras 2.2.4 and Keras 3.15 recorded (record_cases.py), on every instruction set of the machine."""

import importlib
import json
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import fastkeras as keras
from fastkeras import config, generation
from fastkeras.saving.json import encode
from fastkeras.utils import nest

from . import cases
from .test_layers import assert_same

FOLDER = Path(cases.__file__).parent


def recorded(which):
    """(key, case, what was recorded) of all families."""
    found = []
    for module in pkgutil.iter_modules([str(FOLDER)]):
        known = cases.of(importlib.import_module(f'{cases.__name__}.{module.name}'), which)
        if known:
            results = json.loads((FOLDER / f'{module.name}_keras{which}.json').read_text())
            found += [pytest.param(case, results[key], id=f'{module.name}-{key}') for key, case in known.items()]
    return found


@pytest.fixture(params=config.isas())
def isa(request):
    before = config.isa()
    config.set_isa(request.param)
    yield
    config.set_isa(before)


def assert_numbers(ours, theirs, rtol):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            assert_numbers(a, b, rtol)
    elif 'values' not in theirs:
        assert sorted(ours) == sorted(theirs)
        for key in theirs:
            assert_numbers(ours[key], theirs[key], rtol)
    else:
        ours, want = np.asarray(ours), np.reshape(theirs['values'], theirs['shape'])
        assert list(ours.shape) == theirs['shape']
        np.testing.assert_allclose(ours, want, rtol=rtol, atol=rtol * max(0.1, np.abs(want).max(initial=0) / 10))


def assert_shapes(tensors, theirs):
    for y, r in zip(nest.flatten(tensors), theirs if isinstance(theirs, list) else [theirs]):
        assert len(y.shape) == len(r['shape']) and all(a in (None, b) for a, b in zip(y.shape, r['shape']))


@pytest.mark.parametrize('case, theirs', recorded('2'))
def test_keras2(case, theirs, isa):
    with generation.scope(case.options.get('generation', 2)):
        model, layer, x = cases.in_a_model(keras, case)
        assert [list(w.shape) for w in layer.get_weights()] == theirs['weights']
        layer.set_weights(cases.weights([tuple(s) for s in theirs['weights']]))
        assert_shapes(model.outputs, theirs['outputs'])
        for _ in range(case.options.get('times', 1)):
            y = model.predict(x, batch_size=cases.rows(x))
        assert_numbers(y, theirs['outputs'], case.options.get('rtol', 2e-5))
        ours = json.loads(json.dumps(layer.get_config(), default=encode))
        # arguments that came later are ours too
        assert_same({k: v for k, v in ours.items() if k in theirs['config']}, theirs['config'])


@pytest.mark.parametrize('case, theirs', recorded('3'))
def test_keras3(case, theirs, isa):
    with generation.scope(case.options.get('generation', 2)):
        layer = cases.made(keras, case)
        x = cases.inputs(case)
        cases.called(layer, x, case)
        assert [list(w.shape) for w in layer.get_weights()] == theirs['weights']
        if not {'adapt', 'keep'} & set(case.options):
            layer.set_weights(cases.weights([tuple(s) for s in theirs['weights']]))
        y = cases.called(layer, x, case)
        assert_numbers(y, theirs['outputs'], case.options.get('rtol', 2e-5))
