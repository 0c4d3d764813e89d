"""The direction of imports: a module may import only what stands before it in the house, and no circle is allowed."""
import ast
import importlib
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / 'fastkeras'

# The one list of the order: lowest first; what is on one line may import each other. docs/architecture.md shows it.
LEVELS = [
    ['late', 'lazy', 'turns', 'config', 'differences', 'generation', 'utils.errors', 'utils.quantities', 'utils.seed', 'work',
     '_core'],
    ['graph'],
    ['ops'],
    ['compiler'],
    ['runtime'],
    ['utils', 'saving.objects', 'saving.trust', 'saving.limits', 'saving.refusals', 'saving.atomic', 'saving.bytecode',
     'saving.bytecode_stack', 'saving.keras1_configs', 'legacy.keras1', 'legacy.generators'],
    ['activations', 'initializers', 'regularizers', 'constraints', 'dtype_policies', 'random', 'tree'],
    ['losses', 'metrics', 'optimizers', 'mixed_precision'],
    ['callbacks'],
    ['layers'],
    ['saving'],
    ['training'],
    ['models'],
    ['preprocessing', 'datasets', 'applications', 'converters', 'distillation', 'wrappers', 'legacy', 'backend', 'objectives',
     'utils.layer_utils', 'utils.multi_gpu_utils', 'visualization'],
    [''],
]
LEVEL = {name: i for i, row in enumerate(LEVELS) for name in row}

# Packages that load their names when they are first used. Such a front stands at the top; a module inside stands where
# LEVELS has it. To import a name from a front is to import the module in which the name lives.
FRONTS = ('', 'utils', 'applications', 'datasets', 'preprocessing', 'preprocessing.image', 'wrappers')

# who asks `late.part` for what stands above, and why
LATE = {
    ('ops.apply', 'runtime'): 'an op on arrays is computed by the runtime',
    ('config', 'dtype_policies'): 'the policy of layers without a dtype',
    ('runtime.variable', 'initializers'): 'a variable begins with the values of an initializer by name',
    ('layers.merge_function', 'models'): 'a Merge of models is a model',
    ('layers.lambda_', 'backend'): 'byte code of a file says K',
    ('layers.updates', 'backend'): 'what a layer updates is given as symbols of K',
    ('training.list_functions', 'backend'): 'the loss of a model is given as a symbol of K',
    ('ops.tensor', 'backend'): 'what a symbol of K is worth',
    ('optimizers.own_updates', 'backend'): 'a step outside of a trace is given as symbols of K',
    ('saving', 'models'): 'Keras 3 has load_model and save_model here too',
    ('saving.objects', 'backend'): 'byte code of a file says K',
    ('saving.objects', '?'): 'a configuration names a class of any family',
}

# file names that occur twice, and what the name means in every room
SAME_NAMES = {
    '__main__': 'what `python -m` runs of a package',
    'base': 'the base class of the family', 'functions': 'the family as functions', 'registry': 'what is known by name',
    'attention': 'attention: as ops, as layers',
    'convolution': 'convolutions: as ops, as layers', 'normalization': 'normalisations: as ops, as layers',
    'random': 'random numbers: as ops, by the names of Keras 3',
    'core': 'what the others of the folder need (ops), Keras\'s own name (layers)',
    'sequence': 'Keras\'s own names: utils.Sequence, preprocessing.sequence'}

SOURCES = {'.'.join(p.relative_to(ROOT).with_suffix('').parts).removesuffix('__init__').removesuffix('.'): p
           for p in sorted(ROOT.rglob('*.py'))}
MODULES = {*SOURCES, '_core'}


def level(module):
    """The level of the longest known prefix of a dotted module name below fastkeras."""
    if module in FRONTS:
        return LEVEL['']
    parts = module.split('.')
    for k in range(len(parts), 0, -1):
        if '.'.join(parts[:k]) in LEVEL:
            return LEVEL['.'.join(parts[:k])]
    return LEVEL['']


def lazy_names(front):
    """name → module of what a front loads late."""
    tables = {t.id: ast.unparse(n.value) for n in ast.parse(SOURCES[front].read_text()).body
              if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    names = eval(tables.get('_NAMES', '{}'))    # a literal, or one of dict.fromkeys
    own = f'{front}.' if front not in ('', 'utils') else ''
    return {name: own + module for name, module in names.items()}


def target(base, name):
    """The module that `from base import name` imports."""
    full = f'{base}.{name}' if base else name
    if full in MODULES:
        return full
    return lazy_names(base).get(name, base) if base in FRONTS else base


def walk(node):
    """All nodes below one but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == 'TYPE_CHECKING'):
            yield child
            yield from walk(child)


def imports(module):
    """(line, module) of everything that a module of ours imports, at its top or in a function."""
    package = SOURCES[module].relative_to(ROOT).with_suffix('').parts
    for node in walk(ast.parse(SOURCES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = '.'.join([*package[:len(package) - node.level], *(node.module.split('.') if node.module else [])])
        elif isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] == 'fastkeras':
            base = node.module.partition('.')[2]
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, a.name.partition('.')[2]) for a in node.names if a.name.split('.')[0] == 'fastkeras')
            continue
        else:
            continue
        for alias in node.names:
            yield node.lineno, target(base, alias.name)


def calls(module):
    """(line, function, first argument) of the calls that import by name, in a module of ours."""
    for node in ast.walk(ast.parse(SOURCES[module].read_text())):
        if isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            if function.rpartition('.')[2] in ('import_module', '__import__') or function in ('late.part', 'late.load_classes'):
                argument = node.args[0] if node.args else None
                yield node.lineno, function, argument.value if isinstance(argument, ast.Constant) else '?'


def run_first(module, imported):
    """The packages whose __init__ Python runs before it imports a module from elsewhere."""
    parts = imported.split('.')
    packages = ['.'.join(parts[:k]) for k in range(1, len(parts))]
    return [p for p in packages if p not in FRONTS and p != module and not module.startswith(f'{p}.')]


@pytest.mark.parametrize('module', [m for m in SOURCES if m not in FRONTS and m != 'late'])
def test_imports_point_down(module):
    wrong = [f'line {line}: {name or "fastkeras"}' for line, name in imports(module) if level(name) > level(module)]
    assert not wrong, f'{module} must not import what stands above it: {wrong}'


def test_the_compiler_has_one_door():
    """What is no compiler itself makes plans by `executor` and gradients by `autodiff`: the other files are its own."""
    wrong = [f'{module}:{line} {name}' for module in SOURCES if module.split('.')[0] not in ('compiler', 'runtime')
             for line, name in imports(module) if name.startswith('compiler.')
             and name.split('.')[1] not in ('executor', 'autodiff')]
    assert not wrong, wrong


def test_imports_make_no_circle():
    graph = defaultdict(set)
    for module in SOURCES:
        if module != 'late':
            for _, name in imports(module):
                graph[module] |= {name, *run_first(module, name)} - {module}
    done, path = set(), []

    def visit(module):
        assert module not in path, f'a circle of imports: {" → ".join([*path[path.index(module):], module])}'
        if module not in done:
            path.append(module)
            for name in sorted(graph[module]):
                visit(name)
            path.pop()
            done.add(module)

    for module in sorted(SOURCES):
        visit(module)


def test_nothing_is_imported_by_name_but_by_the_fronts():
    asked = set()
    for module in SOURCES:
        assert 'late import' not in SOURCES[module].read_text(), f'{module}: say late.part(…), so that it is seen here'
        for line, function, argument in calls(module):
            if function == 'late.part':
                asked.add((module, argument))
            elif function == 'late.load_classes':
                assert module == 'layers.registry'      # where a configuration names a model or a layer that is not known
            else:
                # programs ask the second for modules by the names of Keras
                assert module in ('lazy', 'legacy.drop_in'), f'{module}, line {line}: {function} hides an import'
    assert asked == set(LATE)


@pytest.mark.parametrize('front', FRONTS)
def test_fronts_name_what_is_there(front):
    for name, module in lazy_names(front).items():
        assert module in MODULES, f'{front}: {name} is looked for in {module}'


@pytest.mark.parametrize('front', FRONTS)
def test_type_checkers_see_the_names_of_a_front(front):
    package = importlib.import_module('.'.join(['fastkeras', *([front] if front else [])]))
    block, = (n for n in ast.parse(SOURCES[front].read_text()).body if isinstance(n, ast.If))
    seen = {}
    for node in block.body:
        for alias in node.names:
            assert alias.asname == alias.name, f'{alias.name}: a name is shown to others only as `import {alias.name} as …`'
            seen[alias.name] = (node.module or '').removeprefix('fastkeras.') or 'module'
    assert set(seen) == {*package.__all__} - {'__version__'} and set(seen) <= set(dir(package))
    late = lazy_names(front)
    for name, module in seen.items():
        assert module == late.get(name, 'module'), name
        assert getattr(package, name) is not None
    hidden = [name for name in dir(package) if name not in package.__all__ and not name.startswith('__')]
    assert not hidden, hidden


def test_the_test_sees_arrows_and_circles(monkeypatch):
    def seen(text, module='ops.math'):
        with monkeypatch.context() as m:
            m.setitem(SOURCES, module, type('Text', (), {'read_text': lambda self: text, 'relative_to':
                                                         SOURCES[module].relative_to})())
            return [name for _, name in imports(module)] + [name for *_, name in calls(module)]
    assert seen('from fastkeras.utils import load_img') == ['preprocessing.image.files']
    assert seen('from fastkeras import Model') == ['models']
    assert seen('def f():\n    from ..layers.base import Layer') == ['layers.base']
    assert seen('import fastkeras.models') == ['models'] and seen('from . import core') == ['ops.core']
    assert seen('importlib.import_module("fastkeras.models")') == ['fastkeras.models']
    assert seen('late.part("models")') == ['models'] and level('utils') == level('') > level('utils.nest')


def order():
    """The order of imports, as docs/architecture.md shows it."""
    rows = [', '.join(name for name in row if '.' not in name and name != '_core') for row in LEVELS[:-1]]
    lines, line = [], '    ' + rows[0]
    for row in rows[1:]:
        if len(line) + len(row) + 3 > 120:
            lines.append(line)
            line = '    < ' + row
        else:
            line += ' < ' + row
    return '\n'.join([*lines, line])


def test_the_map_shows_this_order():
    text = (ROOT.parent / 'docs' / 'architecture.md').read_text()
    assert order() in text, f'docs/architecture.md must show the order of imports:\n\n{order()}\n'


def test_ops_do_not_know_the_runtime():
    code = 'import fastkeras.graph, fastkeras.ops.core, sys; print([m for m in sys.modules if "fastkeras.runtime" in m])'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == '[]'


def test_kernels_know_neither_python_nor_threads():
    csrc = ROOT.parent / 'csrc'
    for path in csrc.rglob('*.[ch]'):
        text = path.read_text()
        assert 'Python.h' not in text, path
        assert ('omp.h' in text) == (path.name == 'threads.c'), f'{path}: OpenMP lives in threads.c alone'


LONG = {}       # file → its lines: what is allowed to be longer than 500, and may only get shorter


def test_files_are_short():
    for path in (p for d in ('fastkeras', 'csrc', 'tests', 'bench') for p in (ROOT.parent / d).rglob('*')
                 if p.suffix in ('.py', '.pyx', '.c', '.h') and p.name != '_core.c'):
        lines, name = len(path.read_text().splitlines()), str(path.relative_to(ROOT.parent))
        assert lines <= LONG.get(name, 500), f'{name} has {lines} lines; a file has one purpose and at most 500'


def test_one_name_has_one_meaning():
    places = defaultdict(list)
    for module, path in SOURCES.items():
        if path.name != '__init__.py':
            places[path.stem].append(module)
    assert {name for name, found in places.items() if len(found) > 1} == set(SAME_NAMES), places
