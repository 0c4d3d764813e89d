"""Data made ready for models: images, sequences, text. Modules and names are loaded when they are first used."""

import importlib

_MODULES = ('image', 'sequence', 'text')

__all__ = [*_MODULES]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return importlib.import_module(f'{__name__}.{name}')


def __dir__():
    return sorted({*globals(), *__all__})
