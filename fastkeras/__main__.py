"""Programs for Keras, run on this engine; and what this build is.

    python -m fastkeras script.py arguments…     run a program, in which `import keras` gives fastkeras
    python -m fastkeras -m module arguments…     the same of a module
    python -m fastkeras                          version, instruction set, threads, paths
    python -m fastkeras info MODEL_FILE          what a model file holds
"""

import os
import platform
import runpy
import sys


def main(arguments):
    """Do what the arguments say; the exit status."""
    if not arguments:
        print(about())
    elif arguments[0] in ('-h', '--help'):
        print(__doc__.strip())
    elif arguments[0] == '-m':
        if len(arguments) < 2:
            return _wrong('expected the name of a module behind -m')
        _run(arguments[1:], module=True)
    elif arguments[0] == 'info' and not os.path.exists('info'):
        if len(arguments) != 2:
            return _wrong('expected one file: python -m fastkeras info MODEL_FILE')
        from fastkeras.saving.about_file import about_file
        try:
            print(about_file(arguments[1]))
        except (OSError, ValueError) as error:
            return _wrong(error)
    elif arguments[0].startswith('-'):
        return _wrong(f'no option {arguments[0]!r}; see python -m fastkeras --help')
    elif not os.path.exists(arguments[0]):
        return _wrong(f'no program {arguments[0]}')
    else:
        _run(arguments, module=False)
    return 0


def _wrong(text):
    print(f'python -m fastkeras: {text}', file=sys.stderr)
    return 2


def _run(arguments, module):
    from fastkeras.legacy.drop_in import install_as_keras
    install_as_keras()
    program, sys.argv = arguments[0], list(arguments)
    if module:
        sys.path[0] = os.getcwd()
        runpy.run_module(program, run_name='__main__', alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(program))
        runpy.run_path(program, run_name='__main__')


def about():
    """What this build is, and where it keeps things, as lines of text."""
    import numpy

    import fastkeras
    from fastkeras import _core, config
    known = {'fastkeras': fastkeras.__version__, 'python': f'{platform.python_version()} ({platform.machine()})',
             'numpy': numpy.__version__, 'instruction set': f'{config.isa()} (of {", ".join(config.isas())})',
             'threads': config.get_num_threads(), 'generation': config.generation(), 'build': _core.__file__,
             'cache': config.keras_home()}
    width = max(map(len, known))
    return '\n'.join(f'{name:{width}}  {value}' for name, value in known.items())


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
