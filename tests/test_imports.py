"""The direction of imports: a package may import only what stands before it in the house."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / 'fastkeras'

# lowest first; what is on one line may import each other
LEVELS = [
    ['config', 'generation', 'utils.errors', 'utils.seed', '_core'],
    ['graph'],
    ['ops'],
    ['compiler'],
    ['runtime'],
    ['utils', 'saving.objects', 'saving.trust', 'legacy.keras1', 'legacy.generators'],
    ['activations', 'initializers', 'regularizers', 'constraints'],
    ['losses', 'metrics', 'optimizers'],
    ['callbacks'],
    ['layers'],
    ['training'],
    ['models', 'saving'],
    ['preprocessing', 'datasets', 'applications', 'converters', 'legacy', 'backend'],
    [''],
]
LEVEL = {name: i for i, row in enumerate(LEVELS) for name in row}


def level(module):
    """The level of the longest known prefix of a dotted module name below fastkeras."""
    parts = module.split('.') if module else []
    for k in range(len(parts), 0, -1):
        if '.'.join(parts[:k]) in LEVEL:
            return LEVEL['.'.join(parts[:k])]
    return LEVEL['']


def imports(path):
    """(line, dotted name below fastkeras) of every import at the top of a module. An import inside a function is one that
    is meant to wait; it must point down as well, unless its line says `# up: why`."""
    package = path.relative_to(ROOT).with_suffix('').parts
    lines = path.read_text().splitlines()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = list(package[:len(package) - node.level])
            base += node.module.split('.') if node.module else []
            names = ['.'.join([*base, a.name]) for a in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] == 'fastkeras':
            names = ['.'.join([*node.module.split('.')[1:], a.name]) for a in node.names]
        elif isinstance(node, ast.Import):
            names = ['.'.join(a.name.split('.')[1:]) for a in node.names if a.name.split('.')[0] == 'fastkeras']
        else:
            continue
        if '# up:' not in lines[node.lineno - 1]:
            yield from ((node.lineno, n) for n in names)


FILES = sorted(p for p in ROOT.rglob('*.py') if p != ROOT / '__init__.py')


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    module = '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
    wrong = [f'{path.name}:{line} {name}' for line, name in imports(path) if level(name) > level(module)]
    assert not wrong, f'{module} must not import what stands above it: {wrong}'


def test_the_compiler_has_one_door():
    """What is no compiler itself makes plans by `executor` and gradients by `autodiff`: the other files are its own."""
    inside = ('compiler', 'runtime')
    wrong = [f'{path.relative_to(ROOT)}:{line} {name}' for path in FILES if path.relative_to(ROOT).parts[0] not in inside
             for line, name in imports(path) if name.startswith('compiler.')
             and name.split('.')[1] not in ('executor', 'autodiff')]
    assert not wrong, wrong


def test_ops_do_not_know_the_runtime():
    code = 'import fastkeras.graph, fastkeras.ops.core, sys; print([m for m in sys.modules if "fastkeras.runtime" in m])'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == '[]'


def test_kernels_know_neither_python_nor_threads():
    csrc = ROOT.parent / 'csrc'
    for path in csrc.rglob('*.[ch]'):
        text = path.read_text()
        assert 'Python.h' not in text, path
        assert ('omp.h' in text) == (path.name == 'team.c'), f'{path}: OpenMP lives in team.c alone'


def test_files_are_short(record_property):
    long = {str(p.relative_to(ROOT.parent)): n for d in ('fastkeras', 'csrc', 'tests', 'bench') for p in
            (ROOT.parent / d).rglob('*') if p.suffix in ('.py', '.pyx', '.c', '.h') and p.name != '_core.c'
            for n in [len(p.read_text().splitlines())] if n > 500}
    print('files over 500 lines:', long or 'none')
    assert all(n < 700 for n in long.values()), long
