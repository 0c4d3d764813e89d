"""Block sizes: what the caches ask for, and kernels with the smallest and the largest of each."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fastkeras import _core, config

ROOT = Path(__file__).resolve().parent.parent.parent
RANGES = _core.block_ranges()
LOWEST, HIGHEST = ({name: r[i] for name, r in RANGES.items()} for i in (0, 1))
MIXED = {name: r[i % 2] for i, (name, r) in enumerate(RANGES.items())}
OTHERS = {name: r[1 - i % 2] for i, (name, r) in enumerate(RANGES.items())}


def test_sizes_are_those_of_the_definition():
    lines = (ROOT / 'csrc' / 'blocks.def').read_text().splitlines()
    said = [re.fullmatch(r'BLOCK\((\w+), (\d+), (\d+), (\d+), "(.*)"\)', line).groups() for line in lines
            if line.startswith('BLOCK(')]
    assert {name: (*map(int, numbers), meaning) for name, *numbers, meaning in said} == RANGES


def allowed(sizes):
    return all(low <= sizes[name] <= high and sizes[name] % multiple == 0 for name, (low, high, multiple, _) in RANGES.items())


@pytest.mark.parametrize('isa', config.isas())
def test_smaller_caches_get_no_larger_sizes(isa):
    measured = _core.blocks_for(isa, 48 << 10, 1 << 20)
    assert measured == _core.blocks_for(isa, 48 << 10, 2 << 20) == _core.blocks_for(isa, 64 << 10, 8 << 20)
    assert measured == _core.blocks_for(isa, 0, 0) and measured['kc'] == 384
    for l1, before in ((48, measured), (32, None), (16, None), (1, None)):
        for l2 in (1024, 512, 256, 128, 1):
            sizes = _core.blocks_for(isa, l1 << 10, l2 << 10)
            assert allowed(sizes) and sizes['kc'] <= measured['kc'] and sizes['few_pixels'] <= measured['few_pixels']
            assert before is None or all(sizes[name] <= before[name] for name in sizes)
            before = sizes


def test_caches():
    caches = _core.caches()
    assert list(caches) == ['L1', 'L2', 'L3'] and all(size == 0 or 4096 <= size <= 1 << 40 for size in caches.values())
    told = Path('/sys/devices/system/cpu/cpu0/cache/index0/size')   # of data, where the system tells
    if told.exists():
        assert caches['L1'] == int(told.read_text().strip().rstrip('K')) << 10


@pytest.mark.parametrize('isa', config.isas())
def test_what_is_reused_fits_the_cache_it_is_said_to_stay_in(isa):
    for l1, l2 in ((32, 256), (32, 512), (48, 1024)):
        b = _core.blocks_for(isa, l1 << 10, l2 << 10)
        assert 4 * b['mc'] * b['kc'] <= 3 / 8 * (l2 << 10) and 4 * b['stored_columns'] * b['kc'] <= 3 / 8 * (l2 << 10)
        cell = b['dw_rows'] * b['dw_columns'] + (b['dw_rows'] + b['dw_columns']) * b['dw_steps']
        assert 4 * cell <= l2 << 10 and 36 * 4 * b['wino_filters'] <= 9 / 16 * (l2 << 10)


def child(sizes, *code):
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'FASTKERAS_BLOCKS': ','.join(f'{k}={v}' for k, v in sizes.items())}
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, env=env, cwd=ROOT)


def check(sizes):
    done = child(sizes, str(Path(__file__).with_name('odd_blocks.py')))
    assert done.returncode == 0, done.stderr
    errors = json.loads(done.stdout)
    assert len(errors) > 25 and not {name: e for name, e in errors.items() if not isinstance(e, float) or not e < 1e-5}


@pytest.mark.parametrize('sizes', [LOWEST, HIGHEST, MIXED, OTHERS], ids=['lowest', 'highest', 'mixed', 'others'])
def test_kernels_with_odd_sizes(sizes):
    assert allowed(sizes)
    check(sizes)


@pytest.mark.slow
@pytest.mark.parametrize('name', RANGES)
@pytest.mark.parametrize('end', [0, 1])
def test_kernels_with_one_odd_size(name, end):
    check({name: RANGES[name][end]})


def test_sizes_of_the_environment_hold_for_every_set():
    code = ('from fastkeras import _core, config\nfor isa in config.isas():\n    config.set_isa(isa)\n'
            '    print(_core.blocks() == {name: r[0] for name, r in _core.block_ranges().items()})')
    done = child(LOWEST, '-c', code)
    assert done.stdout.split() == ['True'] * len(config.isas()), done.stderr
