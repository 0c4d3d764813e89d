"""`python -m fastkeras` runs a program as `python` does: names, arguments, exit statuses, tracebacks, children."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fastkeras

ROOT = Path(fastkeras.__file__).parents[1]
SHOW = ('import sys, keras\nimport __main__\n'
        'print(sys.argv, __name__, globals().get("__file__"), sys.path[0], __main__ is sys.modules["__main__"], '
        'keras.__name__)\n')


def run(cwd, *arguments, text=None, plain=False):
    """(exit status, stdout, stderr) of python [-m fastkeras] arguments."""
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONSAFEPATH'} | {'PYTHONPATH': str(ROOT)}
    command = [sys.executable, *([] if plain else ['-m', 'fastkeras']), *arguments]
    done = subprocess.run(command, input=text or '', capture_output=True, text=True, timeout=120, env=env, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'show.py').write_text(SHOW)
    (tmp_path / 'package').mkdir()
    (tmp_path / 'package' / '__main__.py').write_text(SHOW)
    (tmp_path / 'part.py').write_text(SHOW.replace('keras', 'os'))
    return tmp_path


@pytest.mark.parametrize('arguments, text', [
    (['part.py', 'a', '-b'], None), (['-m', 'part', 'a'], None), (['-', 'a'], SHOW.replace('keras', 'os')),
    (['-c', SHOW.replace('keras', 'os'), '-x'], None)])
def test_a_program_sees_what_python_shows_it(folder, arguments, text):
    assert run(folder, *arguments, text=text) == run(folder, *arguments, text=text, plain=True)


@pytest.mark.parametrize('arguments', [['show.py'], ['package'], ['-m', 'package'], ['-c', SHOW], ['-']])
def test_import_keras_is_ours_in_each_of_them(folder, arguments):
    status, out, err = run(folder, *arguments, text=SHOW)
    assert (status, err) == (0, '') and out.endswith('True fastkeras\n') and '__main__' in out


def test_a_zip_archive_with_a_main_runs(folder):
    with zipfile.ZipFile(folder / 'program.zip', 'w') as file:
        file.writestr('__main__.py', SHOW)
    assert run(folder, 'program.zip', '1')[1].startswith("['program.zip', '1'] __main__")


@pytest.mark.parametrize('text', ['def f():\n    raise KeyError(3)\n\n\nf()\n', 'import sys\nsys.exit("bye")\n', 'def f(:\n',
                                  'raise SystemExit(7)\n', 'try:\n    1 / 0\nexcept ZeroDivisionError:\n    [][1]\n',
                                  'import atexit\n\n\ndef f():\n    import __main__\n    print(__main__.x)\n\n\n'
                                  'atexit.register(f)\nx = 5\n'])
def test_errors_and_exits_are_those_of_python(folder, text):
    (folder / 'fails.py').write_text(text)
    assert run(folder, 'fails.py') == run(folder, 'fails.py', plain=True)


@pytest.mark.parametrize('arguments, words', [
    (['other.py'], 'no program other.py'), (['-m', 'nothing'], 'no module named nothing'), (['-m'], 'name of a module'),
    (['-m', 'xml'], 'package without a __main__'), (['-c'], 'expected a program'), (['--flags'], 'no option'),
    (['empty'], 'empty has no __main__.py'), (['model.h5'], 'python -m fastkeras info model.h5')])
def test_what_cannot_be_run(folder, arguments, words):
    (folder / 'empty').mkdir()
    (folder / 'model.h5').write_bytes(b'\x89HDF\r\n\x1a\n' + b'\0' * 100)
    status, out, err = run(folder, *arguments)
    assert (status, out) == (2, '') and words in err and 'Traceback' not in err


@pytest.mark.parametrize('how', ['spawn', 'fork', 'forkserver'])
def test_processes_of_multiprocessing_have_the_same_keras(folder, how):
    (folder / 'children.py').write_text(
        'import multiprocessing\nfrom keras.layers import Dense\n\n\ndef work(n):\n    import keras\n'
        '    return keras.__name__, Dense(n).units\n\n\nif __name__ == "__main__":\n'
        f'    with multiprocessing.get_context({how!r}).Pool(1) as pool:\n        print(pool.map(work, [3]))\n')
    status, out, err = run(folder, 'children.py')
    assert (status, out) == (0, "[('fastkeras', 3)]\n"), err


def test_the_words_of_keras_1_are_warned_of_once_for_a_call(folder):
    (folder / 'old.py').write_text('from keras.layers import Convolution2D\nfor k in range(3):\n'
                                   '    Convolution2D(4, 3, 3, border_mode="same")\n')
    status, out, err = run(folder, 'old.py')
    assert status == 0 and err.count('UserWarning') == 1 and 'old.py:3' in err
