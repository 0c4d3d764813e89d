"""Data made ready for models: images, sequences, text. Modules and names are loaded when they are first used."""

import importlib

_MODULES = ('image', 'sequence', 'text')
# name → module of this package
_NAMES = {'image_dataset_from_directory': 'image.dataset', 'text_dataset_from_directory': 'text_dataset',
          'timeseries_dataset_from_array': 'timeseries'}

__all__ = [*_MODULES, *_NAMES]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f'{__name__}.{name}')
    if name not in _NAMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(importlib.import_module(f'{__name__}.{_NAMES[name]}'), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
