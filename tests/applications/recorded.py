"""What Keras says of the applications, and what this package says of them in the same form."""

import contextlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from fastkeras import applications, config, generation
from fastkeras.models import Model
from fastkeras.utils import clear_session
from tests.applications import cases

FILES = {2: 'applications_keras224.json', 3: 'applications_keras3.json'}


@lru_cache(maxsize=2)
def recorded(number):
    return json.loads((Path(__file__).parent / FILES[number]).read_text())


@contextlib.contextmanager
def as_in(number, data_format='channels_last'):
    """A generation, and names that begin again."""
    before = config.image_data_format()
    config.set_image_data_format(data_format)
    try:
        with generation.scope(number):
            clear_session()
            yield
    finally:
        config.set_image_data_format(before)


def table(number, name, kwargs=None):
    kwargs = dict(kwargs or {})
    with as_in(number, kwargs.pop('format', 'channels_last')):
        model = getattr(applications, name)(weights=None, **kwargs)
        return model, cases.rows(model, cases.path_of if number == 3 else (lambda v: v.name), ('OpLayer',))


def outputs(number, name):
    size, gain, last = cases.NETWORKS[name]
    with as_in(number):
        model = getattr(applications, name)(weights=None, input_shape=(size, size, 3), classes=10)
        cases.weights(model, gain, last)
        holders = [layer for layer in model.layers if layer.weights]
        features, predictions = Model(model.inputs, [holders[-1].input, model.output]).predict(
            cases.images(size, cases.scales_itself(name)))
    return np.reshape(features, (2, -1)), predictions
