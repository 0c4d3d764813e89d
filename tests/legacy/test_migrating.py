"""The programs of docs/migrating.md run."""

import re
from pathlib import Path

import pytest

from fastkeras import config

PAGE = Path(__file__).parents[2] / 'docs' / 'migrating.md'
if not PAGE.exists():
    pytest.skip('docs/ is not here', allow_module_level=True)
TEXT = PAGE.read_text(encoding='utf-8')


@pytest.mark.parametrize('program', re.findall(r'```python\n(.*?)```', TEXT, re.S))
def test_programs(program):
    try:
        exec(program, {})
    finally:
        config.set_generation(2)


def test_links():
    assert [name for name in re.findall(r'\]\((\S+?)\)', TEXT) if not (PAGE.parent / name).exists()] == []
