"""Layers and models by class name, and to and from configurations."""

from __future__ import annotations

from typing import Any

from fastkeras import late
from fastkeras.legacy import keras1
from fastkeras.saving import keras1_configs, objects

# name → class: all layers and models that a configuration may name without more ado. Only this package's own are here. A
# class of a user's is not, even where it is defined: a file must not choose among all that a process happens to hold.
# Those come from custom_objects or register_keras_serializable.
classes = {}
_PACKAGE = __name__.partition('.')[0]


def note(cls) -> Any:
    """A class was made, and calls this for itself."""
    if cls.__module__.startswith(f'{_PACKAGE}.') and not cls.__name__.startswith('_'):
        classes[cls.__name__] = cls


def note_names(names: Any) -> Any:
    """Other names of classes that are known: {'Convolution2D': Conv2D}. What is no such class is passed over."""
    known = set(classes.values())
    classes.update((name, cls) for name, cls in names.items() if isinstance(cls, type) and cls in known)


def serialize(layer: Any) -> Any:
    """The configuration {'class_name', 'config'} of a layer or model (in generation 3 with 'module')."""
    config = objects.serialize(layer)
    if 'module' in config and getattr(layer, '_keras3_class', None) is not None:
        config['module'], config['class_name'] = layer._keras3_class
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer or model of a configuration, in the form of any generation. ValueError for an unknown class or arguments that
    do not fit it."""
    with keras1.configuration() as outermost:
        return _deserialize(keras1_configs.of_today(config, custom_objects) if outermost else config, custom_objects)


def of_model(name: str, config: Any, custom_objects: dict[str, Any] | None = None) -> tuple[str, Any]:
    """(class, configuration) of a model in the words of today: a Sequential of Keras 1 may have to become a Model."""
    with keras1.configuration() as outermost:
        found = {'class_name': name, 'config': config}
        found = keras1_configs.of_today(found, custom_objects) if outermost else found
        return found['class_name'], found['config']


def _deserialize(config, custom_objects):
    if isinstance(config, dict) and isinstance(config.get('config'), list):     # a Sequential, before Keras 2.2.3
        config = {**config, 'config': {'layers': config['config']}}
    name = config.get('class_name') if isinstance(config, dict) else config
    if isinstance(name, str) and name not in classes:
        late.load_classes(name)         # they make themselves known when they are imported
    return objects.deserialize('layer', config, classes, custom_objects)


def checked(layer: Any, entry: Any) -> Any:
    """What the entry of a model's list of layers gave; ValueError unless it is a layer."""
    if not isinstance(entry, dict) or not isinstance(layer, classes['Layer']):
        raise ValueError(f"expected the configuration {{'class_name': …, 'config': …}} of a layer, got {entry!r:.80}")
    return layer


objects.add_family('layers', classes)
