"""Programs for Keras, run on this engine; and what this build is.

    python -m fastkeras script.py arguments…     run a program, in which `import keras` gives fastkeras
    python -m fastkeras -m module arguments…     the same of a module
    python -m fastkeras -c text arguments…       the same of a text; `-` for one from the standard input
    python -m fastkeras                          version, instruction set, threads, paths
    python -m fastkeras info MODEL_FILE          what a model file holds
"""

import os
import platform
import sys
import textwrap


def main(arguments):
    """Do what the arguments say; the exit status."""
    if not arguments:
        print(about())
    elif arguments[0] in ('-h', '--help'):
        print(__doc__.strip())
    elif arguments[0] == 'info' and not os.path.exists('info'):
        if len(arguments) != 2:
            return _wrong('expected one file: python -m fastkeras info MODEL_FILE')
        try:
            text = about_model(arguments[1])
        except (OSError, ValueError, ImportError) as error:
            return _wrong(error)
        print(text)
    else:
        return _run(*arguments)
    return 0


def about_model(path):
    """What a file of a model holds, of Keras or of Caffe, as lines of text."""
    kind = os.path.splitext(path)[1].lower()
    if kind == '.prototxt':
        from fastkeras.converters.caffe.about_net import about_prototxt as about
    elif kind == '.caffemodel':
        from fastkeras.converters.caffe.about_net import about_caffemodel as about
    else:
        from fastkeras.saving.about_file import about_file as about
    return about(path)


def _run(name, *arguments):
    from fastkeras.legacy import run_program
    try:
        if name in ('-m', '-c'):
            if not arguments:
                return _wrong(f'expected {"the name of a module" if name == "-m" else "a program"} behind {name}')
            if name == '-m':
                return run_program.run_module(arguments[0], list(arguments[1:]))
            return run_program.run_text(arguments[0], '-c', list(arguments[1:]))
        if name == '-':
            return run_program.run_text(sys.stdin.read(), '-', list(arguments))
        if name.startswith('-'):
            return _wrong(f'no option {name!r}; see python -m fastkeras --help')
        if not os.path.exists(name):
            return _wrong(f'no program {name}')
        return run_program.run_file(name, list(arguments))
    except run_program.NoProgram as error:
        return _wrong(error)


def _wrong(text):
    print(f'python -m fastkeras: {text}', file=sys.stderr)
    return 2


def about():
    """What this build is, and where it keeps things, as lines of text."""
    import numpy

    import fastkeras
    from fastkeras import _core, config
    known = {'fastkeras': fastkeras.__version__, 'python': f'{platform.python_version()} ({platform.machine()})',
             'numpy': numpy.__version__, 'instruction set': f'{config.isa()} (of {", ".join(config.isas())})',
             'caches': ', '.join(f'{name} {size >> 10} KB' for name, size in _core.caches().items() if size) or 'not known',
             'blocks': textwrap.fill(', '.join(f'{k}={v}' for k, v in _core.blocks().items()), 100),
             'threads': config.get_num_threads(), 'generation': config.generation(), 'build': _core.__file__,
             'cache': config.keras_home()}
    width = max(map(len, known))
    indent = '\n' + ' ' * (width + 2)
    return '\n'.join(f'{name:{width}}  ' + indent.join(str(value).splitlines()) for name, value in known.items())


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
