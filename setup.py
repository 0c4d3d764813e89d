"""Build of the one extension module: the kernels once per instruction set, the runtime, and the Cython binding.

FASTKERAS_SANITIZE=address,undefined builds with sanitizers; FASTKERAS_CFLAGS adds flags.
"""
import os
import platform
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
X86 = platform.machine().lower() in ('x86_64', 'amd64')

# suffix of the functions and flags of each instruction set; dispatch.c chooses among them when the module is loaded
ISAS = {'v2': ['-march=x86-64-v2'], 'v3': ['-march=x86-64-v3'], 'v4': ['-march=x86-64-v4']} if X86 else {'neon': []}

# gnu11, since c11 forbids the contraction of a·b + c; no -ffast-math: NaN and inf propagate
CFLAGS = ['-O3', '-std=gnu11', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math', '-fvisibility=hidden',
          '-fPIC', '-Wall', '-Wextra', '-Wno-psabi']
SANITIZE = os.environ.get('FASTKERAS_SANITIZE')
if SANITIZE:
    CFLAGS += [f'-fsanitize={SANITIZE}', '-fno-omit-frame-pointer', '-g', '-O1']
CFLAGS += shlex.split(os.environ.get('FASTKERAS_CFLAGS', ''))


def outdated(obj, source, command):
    """True unless the object is newer than all the files its last compilation read, and was made by the same command."""
    deps, stamp = obj.with_suffix('.d'), obj.with_suffix('.cmd')
    if not (obj.exists() and deps.exists() and stamp.exists() and stamp.read_text() == command):
        return True
    built = obj.stat().st_mtime
    names = deps.read_text().replace('\\\n', ' ').split(':', 1)[1].split()
    return any(not os.path.exists(n) or os.path.getmtime(n) > built for n in names)


class BuildExt(build_ext):
    """Compiles csrc/ itself: build_clib would reuse the object of one instruction set for another."""

    def build_extension(self, ext):
        os.chdir(ROOT)
        jobs = [(p, Path(self.build_temp, isa), [f'-DFK_ISA={isa}', *flags])
                for isa, flags in ISAS.items() for p in sorted(Path('csrc/kernels').glob('*.c'))]
        jobs += [(p, Path(self.build_temp, 'runtime'), ['-fopenmp']) for p in sorted(Path('csrc/runtime').glob('*.c'))]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            ext.extra_objects = list(pool.map(lambda job: self.compile_one(*job), jobs))
        ext.depends = ext.extra_objects
        super().build_extension(ext)

    def compile_one(self, source, folder, flags):
        folder.mkdir(parents=True, exist_ok=True)
        obj = folder / (source.stem + '.o')
        cc = list(self.compiler.compiler_so[:1])
        command = [*cc, *CFLAGS, *flags, '-MMD', '-c', str(source), '-o', str(obj)]
        text = shlex.join(command)
        if outdated(obj, source, text):
            subprocess.run(command, check=True)
            obj.with_suffix('.cmd').write_text(text)
        return str(obj)


setup(
    ext_modules=[Extension(
        'fastkeras._core', ['fastkeras/_core.pyx'], include_dirs=['csrc', numpy.get_include()],
        extra_compile_args=['-O2', '-std=gnu11', '-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION']
        + ([f'-fsanitize={SANITIZE}'] if SANITIZE else []),
        extra_link_args=['-fopenmp'] + ([f'-fsanitize={SANITIZE}'] if SANITIZE else []))],
    cmdclass={'build_ext': BuildExt},
)
