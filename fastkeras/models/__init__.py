"""Models: stacks and graphs of layers, and classes of one's own."""

import importlib

from fastkeras.layers.described import get_source_inputs
from fastkeras.layers.input import Input, InputLayer

from .clone import clone_model
from .model import Model
from .sequential import Sequential

_IN_FILES = {'load_model': 'saver', 'save_model': 'saver', 'model_from_config': 'json', 'model_from_json': 'json'}

__all__ = ['Input', 'InputLayer', 'Model', 'Sequential', 'clone_model', 'get_source_inputs', *_IN_FILES]


def __getattr__(name):
    if name in _IN_FILES:
        return getattr(importlib.import_module(f'fastkeras.saving.{_IN_FILES[name]}'), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
