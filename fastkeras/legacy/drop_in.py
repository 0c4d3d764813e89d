"""`import keras` as ours: for programs that are to run unchanged."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from typing import Any

# where the modules that programs import are: the longest name that fits counts
_ROOTS = {'keras': 'fastkeras', 'tensorflow.keras': 'fastkeras', 'tensorflow.python.keras': 'fastkeras',
          'keras_preprocessing': 'fastkeras.preprocessing', 'keras_applications': 'fastkeras.applications',
          # modules whose names stand elsewhere here
          'keras.backend.common': 'fastkeras.backend', 'keras.initializations': 'fastkeras.initializers',
          'keras.legacy.layers': 'fastkeras.layers', 'keras.utils.losses_utils': 'fastkeras.legacy.losses_utils'}


class _Loader(importlib.abc.Loader):
    """Puts a module of ours under another name."""

    def __init__(self, own: str) -> None:
        self.own = own

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: Any) -> None:
        # the import system takes what stands in sys.modules when this returns
        sys.modules[module.__spec__.name] = importlib.import_module(self.own)


class _TensorFlow(importlib.abc.Loader):
    """Makes the module `tensorflow`, or a part of it, of the few names that programs for Keras use."""

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: Any) -> None:
        from fastkeras.backend import default_graph, tensorflow_backend
        for name in ('ConfigProto', 'GPUOptions', 'Session', 'get_session', 'set_session'):
            setattr(module, name, getattr(tensorflow_backend, name))
        module.InteractiveSession = module.Session
        for name in default_graph.__all__:
            setattr(module, name, getattr(default_graph, name))

        def missing(name):
            raise AttributeError(f'module {module.__name__!r} has no attribute {name!r}: TensorFlow is not installed, and in '
                                 f'its place stand only the sessions, graphs and devices that programs for Keras configure; '
                                 f'write it with keras.backend')
        module.__getattr__ = missing
        module.__path__ = []
        module.__version__ = '1.15.0'       # the last that had sessions
        if module.__name__ == 'tensorflow':
            module.keras = importlib.import_module('fastkeras')
            module.logging = types.SimpleNamespace(ERROR=40, WARN=30, INFO=20, DEBUG=10, FATAL=50,
                                                   set_verbosity=lambda level: None)
            module.set_random_seed = module.keras.utils.set_random_seed


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, tensorflow: bool) -> None:
        self.tensorflow = tensorflow

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.split('.')[0] == 'tensorflow' and not self.tensorflow:
            return None
        for root, own in sorted(_ROOTS.items(), key=lambda pair: -len(pair[0])):
            if name == root or name.startswith(root + '.'):
                own += name[len(root):]
                if not _exists(own):
                    return None
                return importlib.machinery.ModuleSpec(name, _Loader(own), is_package=True)
        if name in ('tensorflow', 'tensorflow.compat', 'tensorflow.compat.v1', 'tensorflow.python'):
            return importlib.machinery.ModuleSpec(name, _TensorFlow(), is_package=True)
        return None


def _exists(name):
    """Whether we have a module; one that is there and fails to be imported says so itself, when it is."""
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


class _Installed:
    """Unpickled, it installs: the first thing that a process started by multiprocessing reads of its parent."""

    def __reduce__(self):
        return install_as_keras, ()


def _reach_children():
    """Let processes that multiprocessing starts anew (spawn, forkserver) have the same before they import the program."""
    from multiprocessing import spawn
    of_parent = spawn.get_preparation_data

    def get_preparation_data(name):
        return {'fastkeras': _Installed(), **of_parent(name)}
    spawn.get_preparation_data = get_preparation_data


def install_as_keras() -> None:
    """From now on `import keras` and its submodules, by the names of Keras 1, 2 and 3, give this package in this process and
    those that multiprocessing starts; so do keras_preprocessing, keras_applications and, where TensorFlow is not installed,
    tensorflow.keras and the sessions of TF 1.

    RuntimeError where another `keras` was imported before: what it made does not go with ours. Calling it twice does no harm.
    """
    ours = importlib.import_module('fastkeras')
    for name in ('keras', 'tensorflow.keras'):
        if sys.modules.get(name, ours) is not ours:
            raise RuntimeError(f'install_as_keras: {name} was imported before, from '
                               f'{getattr(sys.modules[name], "__file__", "somewhere")}; call install_as_keras first, before '
                               f'the imports of the program, or run it by python -m fastkeras')
    if any(isinstance(f, _Finder) for f in sys.meta_path):
        return
    there = 'tensorflow' in sys.modules or importlib.util.find_spec('tensorflow') is not None
    sys.meta_path.insert(0, _Finder(tensorflow=not there))
    _reach_children()
