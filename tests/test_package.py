"""The package as it is imported."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras


def test_modules_are_loaded_when_used():
    code = ('import sys, fastkeras; assert {m for m in sys.modules if m[:10] == "fastkeras."} == {"fastkeras.lazy"}; '
            'assert fastkeras.layers.Dense(3).units == 3; assert fastkeras.Sequential is fastkeras.models.Sequential; '
            'assert "h5py" not in sys.modules; from fastkeras.utils import to_categorical; import fastkeras.models as '
            'm; '
            'assert m.load_model')
    subprocess.run([sys.executable, '-c', code], check=True)


def test_all_names_exist():
    for name in fastkeras.__all__:
        assert getattr(fastkeras, name) is not None
    for name in fastkeras.utils.__all__:
        assert getattr(fastkeras.utils, name) is not None
    from fastkeras.utils.np_utils import normalize, to_categorical
    assert fastkeras.utils.np_utils.to_categorical is to_categorical is fastkeras.utils.to_categorical
    assert fastkeras.utils.np_utils.normalize is normalize


def test_names():
    assert fastkeras.__version__.count('.') == 2
    assert {'layers', 'models', 'Input', 'Sequential'} <= set(dir(fastkeras))
    with pytest.raises(AttributeError, match='layrs'):
        _ = fastkeras.layrs
    with pytest.raises(ImportError):
        from fastkeras.models import Sequentail  # noqa: F401


def test_the_licence_is_named_and_packed():
    root = Path(__file__).resolve().parent.parent
    text = (root / 'LICENSE').read_text()
    assert text.split()[:2] == ['Apache', 'License'] and 'END OF TERMS AND CONDITIONS' in text
    project = (root / 'pyproject.toml').read_text()
    assert 'license = "Apache-2.0"' in project and 'license-files = ["LICENSE"]' in project


PUBLIC = ['activations', 'callbacks', 'config', 'constraints', 'datasets', 'initializers', 'layers', 'losses', 'metrics',
          'models', 'ops', 'optimizers', 'preprocessing.image', 'preprocessing.sequence', 'preprocessing.text',
          'regularizers', 'runtime', 'saving', 'training.trainer', 'utils', *(f'utils.{m}' for m in fastkeras.utils._MODULES)]
NAMES = ['models.load_model', 'Sequential', 'Input', 'Variable', 'layers.Dense', 'utils.plot_model', 'utils.Sequence',
         'ops.exp', 'optimizers.Adam', 'preprocessing.image.ImageDataGenerator', 'losses.get', 'metrics.Mean',
         'callbacks.History', 'utils.get_source_inputs', 'utils.load_img', 'datasets.imdb', 'saving.custom_object_scope',
         'utils.count_params']

# Python takes a package out of sys.modules for a moment when it has loaded it. A thread that imports a module of it, and has
# just found it there, then ends with the KeyError of importlib's next look (an empty package fails alike): such an import is
# done again.
MANY = """
import sys, threading
sys.setswitchinterval(1e-6)
wanted, failures = sys.argv[1:], []
start = threading.Barrier(len(wanted))
def first(code):
    start.wait()
    try:
        try:
            exec(code, {})
        except KeyError as error:
            last = error.__traceback__
            while last.tb_next: last = last.tb_next
            if last.tb_frame.f_code.co_filename != '<frozen importlib._bootstrap>': raise
            exec(code, {})
    except BaseException as error:
        failures.append(f'{code}: {type(error).__name__}: {error}')
threads = [threading.Thread(target=first, args=(code,), daemon=True) for code in wanted]
for t in threads: t.start()
for t in threads: t.join(60)
print(*failures, *(['it hangs'] if any(t.is_alive() for t in threads) else []), sep='\\n', end='')
"""


@pytest.mark.parametrize('turn', range(6))
def test_first_imported_by_many_threads_at_once(turn):
    codes = [f'import fastkeras.{m}' for m in PUBLIC] + [f'import fastkeras; fastkeras.{n}' for n in NAMES]
    codes = codes[turn * 7:] + codes[:turn * 7]
    out = subprocess.run([sys.executable, '-c', MANY, *(codes[::-1] if turn % 2 else codes)], capture_output=True, text=True,
                         timeout=120)
    assert (out.stdout, out.stderr) == ('', '')


def test_a_package_is_imported_before_its_parts():
    """Else two threads wait for each other: one loads the package, which loads its parts, the other has begun with a part,
    which needs the package."""
    code = """
import builtins, sys
real, found = builtins.__import__, []
packages = 'graph ops runtime layers models losses metrics optimizers callbacks saving'.split()
def watched(name, globals=None, locals=None, fromlist=(), level=0):
    whole = name
    if level:
        package = globals['__package__'].split('.')
        whole = '.'.join(package[:len(package) - level + 1] + [name] * bool(name))
    parts = whole.split('.')
    if parts[0] == 'fastkeras' and len(parts) > 2 and parts[1] in packages and '.'.join(parts[:2]) not in sys.modules:
        found.append((globals['__name__'], whole))
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = watched
before = set(sys.modules)
for name in sys.argv[1:]:
    for m in set(sys.modules) - before:
        if m.startswith('fastkeras') and m != 'fastkeras._core':
            del sys.modules[m]
    real('fastkeras.' + name)
print(found)
"""
    out = subprocess.run([sys.executable, '-c', code, *PUBLIC], capture_output=True, text=True)
    assert (out.stdout, out.stderr) == ('[]\n', '')


@pytest.mark.parametrize('flag', ['-O', '-OO'])
def test_without_docstrings_and_assertions(flag):
    code = ('import numpy as np, fastkeras as fk; m = fk.Sequential([fk.layers.Dense(2, input_shape=(3,))]); '
            'm.compile("adam", "mse"); m.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0); m.summary(); '
            'import importlib, pkgutil; '
            '[importlib.import_module(m.name) for m in pkgutil.walk_packages(fk.__path__, "fastkeras.")]')
    out = subprocess.run([sys.executable, flag, '-W', 'error', '-c', code], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr


def test_a_build_says_what_it_does(monkeypatch, tmp_path, capsys):
    setuptools = pytest.importorskip('setuptools')
    pytest.importorskip('Cython')
    monkeypatch.setattr(setuptools, 'setup', lambda **kwargs: None)
    build = runpy.run_path(str(Path(__file__).resolve().parent.parent / 'setup.py'))
    jobs = []
    for k, size in enumerate((1, 500, 20)):
        source = tmp_path / f'part{k}.c'
        source.write_text('int a;\n' * size)
        jobs.append((source, tmp_path / 'v2', [sys.executable, '-c', MAKES]))
    assert build['compile_all'](jobs) == [str(tmp_path / 'v2' / f'part{k}.o') for k in range(3)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('fastkeras: 3 files in C') and len(lines) == 4
    assert re.match(r'fastkeras: 3 of 3, \d+ s: v2/part', lines[3])     # as long as a busy machine takes
    build['compile_all'](jobs)
    assert len(capsys.readouterr().out.splitlines()) == 1      # nothing was to be done


# what stands for a compiler: ... -MMD -c source -o object
MAKES = """
import pathlib, sys
source, out = sys.argv[-3], pathlib.Path(sys.argv[-1])
out.write_text('')
out.with_suffix('.d').write_text(f'{out}: {source}')
"""
