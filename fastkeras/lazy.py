"""Packages whose names are loaded when they are first used, so that importing one of them costs nothing."""

import importlib


def front(package, modules, names, below='fastkeras'):
    """(__getattr__, __dir__, __all__) of such a package. modules: its public modules. names: name → the module that has it,
    in the package `below`."""
    def __getattr__(name):
        if name in names:
            value = getattr(_module(f'{below}.{names[name]}'), name)
        elif name in modules:
            value = _module(f'{package}.{name}')
        else:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        setattr(importlib.import_module(package), name, value)
        return value

    def __dir__():
        own = vars(importlib.import_module(package))
        return sorted({*modules, *names, *(name for name in own if name.startswith('__'))})

    return __getattr__, __dir__, [*modules, *names]


def _module(name):
    """A module, after all packages that it stands in. Python would begin with the innermost; while another thread loads one
    of the packages, which loads its parts, each would wait for the other."""
    parts = name.split('.')
    for k in range(2, len(parts)):
        importlib.import_module('.'.join(parts[:k]))
    return importlib.import_module(name)
