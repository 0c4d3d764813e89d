"""The data sets that Keras comes with, downloaded when they are first loaded. Modules are imported when they are used."""

import importlib

_MODULES = ('boston_housing', 'california_housing', 'cifar', 'cifar10', 'cifar100', 'fashion_mnist', 'imdb', 'mnist', 'reuters')

__all__ = [*_MODULES]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return importlib.import_module(f'{__name__}.{name}')


def __dir__():
    return sorted({*globals(), *__all__})
