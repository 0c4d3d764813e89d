"""Single layers of Keras 2.0 and 2.1, recorded elsewhere: those of 309 cases that have their arguments written out."""

import functools
import json

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model
from tests.artifacts import artifact

FAMILIES = ('convolutional', 'pooling', 'recurrent', 'wrappers', 'normalization', 'embeddings', 'core', 'merge')


@functools.cache
def recorded():
    return json.loads(artifact('keras_js/layers.json').read_text())


def array(entry):
    return np.array(entry['data'], 'float32').reshape(entry['shape'])


def model_of(name, params, shape):
    cls, attrs = getattr(layers, name), dict(params.get('attrs', {}))
    x = layers.Input(batch_shape=(1 if attrs.get('stateful') else None, *shape))
    if 'numBranches' in params:
        branches = [layers.Dense(attrs['units'])(x) for _ in range(params['numBranches'])]
        return Model(x, cls()(branches))
    if isinstance(attrs.get('layer'), dict):
        attrs['layer'] = layers.deserialize(attrs['layer'])
    return Model(x, cls.from_config(attrs)(x))


@pytest.mark.parametrize('family', FAMILIES)
def test_family(family):
    done, wrong = 0, []
    for key, case in recorded().items():
        group, name, _ = key.split('.')
        if group != family or 'params' not in case:
            continue
        x = array(case['input'])
        model = model_of(name, case['params'], x.shape)
        model.set_weights([array(w) for w in case.get('weights', ())])
        times = 2 if case['params'].get('attrs', {}).get('stateful') else 1       # the second was recorded
        y = [model.predict(x[None])[0] for _ in range(times)][-1]
        want = array(case['expected'])
        done += 1
        if y.shape != want.shape or not np.allclose(y, want, rtol=1e-4, atol=2e-5):
            wrong.append((key, y.shape, want.shape, np.abs(y - want).max() if y.shape == want.shape else None))
    assert done and not wrong
