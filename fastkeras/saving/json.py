"""Models to JSON and back, in the form of either Keras generation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fastkeras import generation
from fastkeras.layers import registry
from fastkeras.legacy import keras1
from fastkeras.runtime.variable import weights_later
from fastkeras.saving import keras1_configs, limits, objects, refusals, trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastkeras.models import Model

# what files written here call themselves: readers of Keras 2 files know by it which conventions hold
KERAS2_VERSION, KERAS3_VERSION = '2.2.4', '3.0.0'
BACKEND = 'tensorflow'


def version() -> Any:
    """The Keras version whose form is written in the generation in force."""
    return KERAS3_VERSION if generation.of('config.module_and_registered_name') else KERAS2_VERSION


def encode(obj: Any) -> Any:
    """For json.dumps: what JSON does not know, as Keras writes it."""
    if hasattr(obj, 'get_config'):
        return objects.serialize(obj)
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return obj.tolist()
    if isinstance(obj, np.dtype):
        return obj.name
    if callable(obj) and hasattr(obj, '__name__'):
        return obj.__name__
    raise TypeError(f'{type(obj).__name__} cannot be written to JSON: {obj!r}')


def model_config(model: Any) -> Any:
    """{'class_name', 'config'} of a model, with the version of the form."""
    config = registry.serialize(model)
    return {**config, 'keras_version': version(), 'backend': BACKEND}


def to_json(model: Any, **kwargs: Any) -> str:
    """A model's configuration as JSON text. kwargs: of json.dumps."""
    return json.dumps(model_config(model), default=encode, **kwargs)


def generation_of_file(config: Any, keras_version: Any = None) -> Any:
    """2 or 3: whose conventions a configuration follows, by its version, else by its form."""
    said = keras_version or config.get('keras_version')
    if said:
        return 3 if str(said).split('.')[0] == '3' else 2
    return 3 if config.get('module') is not None else 2


def model_from_config(config: Any, custom_objects: dict[str, Any] | None = None, keras_version: Any = None,
                      safe_mode: bool | None = None) -> Model:
    """The model of a configuration of either generation, with new weights.

    keras_version: that of the file, when the configuration does not say it. safe_mode=False: Python code in it may be
    run. Raises ValueError for unknown classes and arguments that do not fit; TypeError for a list (use
    Sequential.from_config).
    """
    if isinstance(config, list):
        raise TypeError('model_from_config: expected a dict with class_name and config, got a list; for the layers of '
                        'a Sequential model use Sequential.from_config(config)')
    if not isinstance(config, dict) or 'class_name' not in config:
        raise ValueError(f"model_from_config: expected a configuration {{'class_name': …, 'config': …}}, got "
                         f"{config!r:.200}")
    _check_amount(config)
    said = str(keras_version or config.get('keras_version') or '')
    if said.startswith(('2.2.', '2.3.')) and '-tf' not in said:
        config = _with_corners(config)
    trusted = trust.code_may_run() if safe_mode is None else not safe_mode
    if keras1_configs.written_then(config, said):
        with refusals.of_configuration():
            config = keras1_configs.converted(config, custom_objects)
        _check_amount(config)
    with generation.scope(generation_of_file(config, keras_version)), trust.unsafe(trusted), weights_later(), \
            keras1.configuration(), refusals.of_configuration(), limits.describing('the configuration'):
        return registry.deserialize(config, custom_objects)


def _check_amount(config):
    """ModelFileError for more layers, calls of layers or objects than the limits allow, since each takes its time."""
    found, below = {'layers': 0, 'calls': 0, 'objects': 0}, [config]
    while below:
        value = below.pop()
        if isinstance(value, dict):
            found['objects'] += 'class_name' in value
            for name, key in (('layers', 'layers'), ('calls', 'inbound_nodes')):
                found[name] += len(value[key]) if isinstance(value.get(key), list) else 0
        below += [v for v in (value.values() if isinstance(value, dict) else value) if isinstance(v, (dict, list, tuple))]
    for name, count in found.items():
        limits.check(name, count, f'the configuration, {name} in it')


def _with_corners(config):
    """Bilinear UpSampling2D of Keras 2.2 and 2.3 takes corners for centres, and does not say so."""
    if isinstance(config, dict):
        config = {k: _with_corners(v) for k, v in config.items()}
        inner = config.get('config')
        if config.get('class_name') == 'UpSampling2D' and inner.get('interpolation') == 'bilinear':
            config['config'] = {'half_pixel_centers': False, **inner}
        return config
    return [_with_corners(v) for v in config] if isinstance(config, list) else config


def model_from_json(json_string: Any, custom_objects: dict[str, Any] | None = None) -> Model:
    """The model of a configuration as JSON text, of either generation. ValueError for text that is no such thing."""
    config = limits.read_json(json_string, 'model_from_json: the configuration', (dict, list))
    with refusals.of_file('model_from_json'):
        return model_from_config(config, custom_objects)
