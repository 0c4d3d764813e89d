"""Layers by class name, and to and from configurations."""

import importlib
import inspect

from fastkeras.saving import objects


def table():
    """name → class of all layers and models that a configuration may name."""
    layers = importlib.import_module('fastkeras.layers')
    models = importlib.import_module('fastkeras.models')     # a configuration may hold models: only known at run time
    found = {name: value for module in (layers, models) for name, value in vars(module).items()
             if inspect.isclass(value) and issubclass(value, layers.Layer)}
    found['Functional'] = found['Network'] = found['Model']
    return found


def serialize(layer):
    """The configuration {'class_name', 'config'} of a layer or model (in generation 3 with 'module')."""
    config = objects.serialize(layer)
    if 'module' in config and getattr(layer, '_keras3_class', None) is not None:
        config['module'], config['class_name'] = layer._keras3_class
    return config


def deserialize(config, custom_objects=None):
    """The layer or model of a configuration, in the form of either generation. ValueError for an unknown class or
    arguments that do not fit it."""
    if isinstance(config, dict) and isinstance(config.get('config'), list):     # a Sequential, before Keras 2.2.3
        config = {**config, 'config': {'layers': config['config']}}
    return objects.deserialize('layer', config, table(), custom_objects)
