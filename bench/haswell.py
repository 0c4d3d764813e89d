"""Runs a program on this processor as if it knew AVX2 and no AVX-512, and every program that it starts.

Not all engines can be told so: MKL, MLAS and XNNPACK look at the processor and nothing else. Linux on x86, where CPUID can
fault (Intel since Ivy Bridge, AMD since Zen 4).
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name('haswell.c')


def build(folder):
    """Compiles what is preloaded. Raises RuntimeError where that, or what it does, cannot be had here."""
    compiler = shutil.which('cc') or shutil.which('gcc')
    if compiler is None:
        raise RuntimeError('--avx2 needs a C compiler (cc or gcc)')
    library = Path(folder) / 'haswell.so'
    made = subprocess.run([compiler, '-O1', '-shared', '-fPIC', '-o', str(library), str(SOURCE), '-ldl'],
                          capture_output=True, text=True)
    if made.returncode == 0:
        made = subprocess.run([sys.executable, '-c', ''], env=preloading(library), capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(f'--avx2 cannot be had here: {made.stderr.strip()}')
    return library


def preloading(library):
    loaded = ':'.join(filter(None, [str(library), os.environ.get('LD_PRELOAD')]))
    return {**os.environ, 'LD_PRELOAD': loaded}


def run(command):
    """The exit code of the command, run so; 2 with a message where it cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            library = build(folder)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
        return subprocess.run(command, env=preloading(library)).returncode
