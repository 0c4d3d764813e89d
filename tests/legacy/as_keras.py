"""Run text of programs that say `import keras`, in this process, and leave no trace of that name behind."""

import contextlib
import sys

import fastkeras

_TAKEN = ('keras', 'tensorflow', 'keras_preprocessing', 'keras_applications')


def _taken():
    return {name: module for name, module in sys.modules.items() if name.split('.')[0] in _TAKEN}


@contextlib.contextmanager
def as_keras():
    """Inside, `import keras` is ours, as `install_as_keras` has it."""
    before, finders = _taken(), list(sys.meta_path)
    for name in before:
        del sys.modules[name]
    fastkeras.install_as_keras()
    try:
        yield
    finally:
        sys.meta_path[:] = finders
        for name in _taken():
            del sys.modules[name]
        sys.modules.update(before)


def run(program, **names):
    """What the program's names are when it has ended. names: what it may use without saying where it comes from."""
    names = dict(names, __name__='__main__')
    with as_keras():
        exec(compile(program, '<program>', 'exec'), names)
    return names
