"""docs/architecture.md names what is there."""
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / 'docs' / 'architecture.md').read_text()
LIFE = TEXT.split('## The life of x')[1].split('\n## ')[0]
NAMES = sorted(set(re.findall(r'`(\w+(?:\.\w+)*)`', LIFE)))
ROOMS = {p.stem for p in (ROOT / 'fastkeras').iterdir()} | {'_core'}


def found(name):
    """The object of a dotted name below fastkeras."""
    parts = name.split('.')
    for k in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(f'fastkeras.{".".join(parts[:k])}')
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            value = getattr(value, part)
        return value
    raise AssertionError(name)


@pytest.mark.parametrize('name', [n for n in NAMES if n.split('.')[0] in ROOMS and '.' in n])
def test_the_life_of_x_names_what_is_there(name):
    found(name)


def test_native_names_are_there():
    native = [n for n in NAMES if n.startswith(('fk_', 'run_'))]
    code = ''.join(p.read_text() for p in (ROOT / 'csrc' / 'runtime').glob('*.[ch]'))
    assert len(native) > 2 and all(re.search(rf'\b{n}\(', code) for n in native)


def test_the_life_of_x_is_told_with_names():
    rooms = {n.split('.')[0] for n in NAMES if '.' in n}
    assert {'training', 'models', 'layers', 'ops', 'graph', 'compiler', 'runtime', '_core'} <= rooms
