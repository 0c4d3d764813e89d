"""What a result was measured on."""
import os
import platform
import subprocess
from pathlib import Path

import numpy as np

from fastkeras import _core, config

ROOT = Path(__file__).resolve().parent.parent


def processor():
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(reversed([[part.strip() for part in line.split(':', 1)] for line in lines if ':' in line]))
    model = fields.get('model name', platform.machine())
    if 'cpu family' in fields:
        model += f' (family {fields["cpu family"]}, model {fields["model"]})'
    return model


def caches():
    """{'L1': '48K', …} as the engine knows them."""
    return {name: f'{size >> 10}K' for name, size in _core.caches().items() if size}


def commit():
    """The commit, with + if files differ from it; None where there is no git."""
    try:
        def git(*arguments):
            return subprocess.run(['git', '-C', str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout
        return git('rev-parse', '--short=12', 'HEAD').strip() + ('+' if git('status', '--porcelain', '-uno').strip() else '')
    except (OSError, subprocess.CalledProcessError):
        return None


def processors():
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


def describe(versions):
    return {
        'processor': processor(), 'processors': processors(), 'caches': caches(),
        'system': platform.platform(), 'python': platform.python_version(), 'numpy': np.__version__, 'isa': config.isa(),
        'fma_peak_gflops': round(float(np.median([_core.fma_peak(0.02) for _ in range(5)])), 1),
        'load': round(os.getloadavg()[0], 2), 'commit': commit(), 'versions': versions,
    }
