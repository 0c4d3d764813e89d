"""A program run as `python` runs it, with `import keras` as ours."""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import types
from typing import Any

from fastkeras.legacy.drop_in import install_as_keras


class NoProgram(Exception):
    """There is nothing to run under this name."""


def run_file(path: str, arguments: list[str]) -> int:
    """Run a file of Python, or a folder or zip archive with a __main__.py; the exit status. Raises NoProgram."""
    if os.path.isdir(path) or path.endswith(('.zip', '.pyz')):
        install_as_keras()
        sys.path[0] = path
        return _run(lambda: _module_code('__main__', path), [path, *arguments])
    with io.open_code(path) as file:
        text = file.read()
    if text[:8] == b'\x89HDF\r\n\x1a\n' or text[:4] == b'PK\x03\x04':
        raise NoProgram(f'{path} is a file of a model or of data, no program; python -m fastkeras info {path} says what it '
                        f'holds')
    install_as_keras()
    full = os.path.abspath(path)
    sys.path[0] = os.path.dirname(full)
    return _run(lambda: (compile(text, full, 'exec', dont_inherit=True), {'__file__': full, '__cached__': None}),
                [path, *arguments])


def run_text(text: str, name: str, arguments: list[str]) -> int:
    """Run the text of a program. name: '-c', or '-' for the standard input."""
    install_as_keras()
    sys.path[0] = ''
    title = '<stdin>' if name == '-' else '<string>'
    held = {'__file__': title} if name == '-' else {}
    return _run(lambda: (compile(text, title, 'exec', dont_inherit=True), held), [name, *arguments])


def run_module(name: str, arguments: list[str]) -> int:
    """Run a module by its name, of a package its __main__. Raises NoProgram."""
    install_as_keras()
    sys.path[0] = os.getcwd()
    return _run(lambda: _module_code(name, name), ['-m', *arguments])


def _module_code(name, title):
    spec = _spec(name, title)
    if spec is not None and spec.submodule_search_locations is not None:
        name += '.__main__'
        spec = _spec(name, title)
        if spec is None:
            raise NoProgram(f'{title} is a package without a __main__, which cannot be run')
    if spec is None:
        raise NoProgram(f'{title} has no __main__.py' if name == '__main__' else f'no module named {title}')
    code = spec.loader.get_code(spec.name) if hasattr(spec.loader, 'get_code') else None
    if code is None:
        raise NoProgram(f'{title} has no code in Python that could be run')
    sys.argv[0] = title if name == '__main__' else spec.origin
    held = {'__file__': spec.origin, '__cached__': spec.cached, '__spec__': spec, '__loader__': spec.loader,
            '__package__': spec.parent}
    return code, held


def _spec(name, title):
    if name == '__main__':      # sys.modules has another module of this name
        return importlib.machinery.PathFinder.find_spec(name, [title])
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:      # of a package on the way, or what it imports
        raise NoProgram(f'{title}: {error}') from error


def _run(prepared: Any, arguments: list[str]) -> int:
    """Run code as the module __main__, which stays it: threads and exit functions of the program outlive its last line.
    What it raises is shown as `python` shows it, without the lines of what runs it."""
    sys.argv = arguments
    try:
        code, held = prepared()
        module = types.ModuleType('__main__')
        vars(module).update({'__builtins__': builtins, '__doc__': None, **held})
        sys.modules['__main__'] = module
        exec(code, vars(module))
    except (SystemExit, KeyboardInterrupt, NoProgram):
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        error.__traceback__ = trace
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
        sys.excepthook(type(error), error, trace)
        return 1
    return 0
