"""Keras on a CPU, on a native engine of its own.

Submodules are loaded when they are first used: `fastkeras.layers` works after `import fastkeras` alone.
"""

import importlib

__version__ = '0.1.0'

_MODULES = ('activations', 'callbacks', 'config', 'constraints', 'datasets', 'generation', 'initializers', 'layers', 'losses',
            'metrics', 'models', 'ops', 'optimizers', 'preprocessing', 'regularizers', 'runtime', 'saving', 'training',
            'utils')
_NAMES = {'Input': 'layers', 'Layer': 'layers', 'Model': 'models', 'Sequential': 'models', 'Variable': 'runtime'}

__all__ = ['__version__', *_MODULES, *_NAMES]


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(f'{__name__}.{_NAMES[name]}'), name)
    elif name in _MODULES:
        try:
            value = importlib.import_module(f'{__name__}.{name}')
        except ModuleNotFoundError as error:
            if error.name != f'{__name__}.{name}':
                raise
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}') from None
    else:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
