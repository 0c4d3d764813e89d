"""Build of the one extension module: the kernels once per instruction set, the runtime, and the Cython binding.

FASTKERAS_SANITIZE=address,undefined builds with sanitizers; FASTKERAS_CFLAGS adds flags.
"""
import os
import platform
import shlex
import subprocess
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
X86 = platform.machine().lower() in ('x86_64', 'amd64')

# suffix of the functions and flags of each instruction set; dispatch.c chooses among them when the module is loaded
ISAS = {'v2': ['-march=x86-64-v2'], 'v3': ['-march=x86-64-v3'], 'v4': ['-march=x86-64-v4']} if X86 else {'neon': []}

SANITIZE = os.environ.get('FASTKERAS_SANITIZE')
EXTRA = [f'-fsanitize={SANITIZE}', '-fno-omit-frame-pointer', '-g', '-O1'] if SANITIZE else []
EXTRA += shlex.split(os.environ.get('FASTKERAS_CFLAGS', ''))
# gnu11, since c11 forbids the contraction of a·b + c; no -ffast-math: NaN and inf propagate
CFLAGS = ['-O3', '-std=gnu11', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math', '-fvisibility=hidden',
          '-fPIC', '-Wall', '-Wextra', '-Wno-psabi', *EXTRA]
# the binding, behind Python's own flags
BINDING = ['-O2', '-g0', '-std=gnu11', '-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION',
           '-DNPY_TARGET_VERSION=NPY_1_22_API_VERSION', *EXTRA]


def outdated(obj, source, command):
    """True unless the object is newer than all that its last compilation read, and was made by the same command."""
    deps, stamp = obj.with_suffix('.d'), obj.with_suffix('.cmd')
    if not (obj.exists() and deps.exists() and stamp.exists() and stamp.read_text() == command):
        return True
    built = obj.stat().st_mtime
    names = deps.read_text().replace('\\\n', ' ').split(':', 1)[1].split()
    return any(not os.path.exists(n) or os.path.getmtime(n) > built for n in names)


def compile_one(source, folder, command):
    """Compile a file unless its object is up to date; the path of the object, and whether it was compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    obj = folder / (source.stem + '.o')
    command = [*command, '-MMD', '-c', str(source), '-o', str(obj)]
    text = shlex.join(command)
    fresh = outdated(obj, source, text)
    if fresh:
        subprocess.run(command, check=True)
        obj.with_suffix('.cmd').write_text(text)
    return str(obj), fresh


def compile_all(jobs):
    """The paths of the objects, in the order of the jobs. Large files come first, lest all others wait for one at the end.
    Says what it does: without a word it would pass for hung."""
    order = sorted(range(len(jobs)), key=lambda i: -jobs[i][0].stat().st_size)
    count, done, begin = os.cpu_count() or 1, [], time.monotonic()
    print(f'fastkeras: {len(jobs)} files in C, {count} at a time: {", ".join(ISAS)}', flush=True)

    def one(i):
        source, folder, _ = jobs[i]
        start = time.monotonic()
        obj, fresh = compile_one(*jobs[i])
        done.append(i)
        if fresh:
            print(f'fastkeras: {len(done)} of {len(jobs)}, {time.monotonic() - begin:.0f} s: {folder.name}/{source.name} in '
                  f'{time.monotonic() - start:.1f} s', flush=True)
        return i, obj

    with ThreadPoolExecutor(count) as pool:
        return [obj for _, obj in sorted(pool.map(one, order))]


class BuildExt(build_ext):
    """Compiles every file itself: build_clib would reuse the object of one instruction set for another, and build_ext
    knows no dependencies. Objects stay in build/objects, whoever asks (pip installs, editable or not; setup.py), since
    what a kernel compiles to does not depend on Python."""

    def build_extension(self, ext):
        os.chdir(ROOT)
        binding_cc, out = self.compiler.compiler_so, Path('build/objects')
        cc = list(takewhile(lambda word: not word.startswith('-'), binding_cc))  # one word, or two: ccache gcc
        kernels, runtime = (sorted(Path('csrc', d).glob('*.c')) for d in ('kernels', 'runtime'))
        jobs = [(p, out / isa, [*cc, *CFLAGS, f'-DFK_ISA={isa}', *flags])
                for isa, flags in ISAS.items() for p in kernels]
        jobs += [(p, out / 'runtime', [*cc, *CFLAGS, '-fopenmp']) for p in runtime]
        binding, = cythonize([ext], build_dir=str(out))
        includes = [f'-I{d}' for d in (*ext.include_dirs, *self.include_dirs)]
        jobs += [(Path(p), out / sysconfig.get_config_var('SOABI'), [*binding_cc, *includes, *BINDING])
                 for p in binding.sources]
        objects = compile_all(jobs)
        self.compiler.link_shared_object(
            objects, self.get_ext_fullpath(ext.name), libraries=self.get_libraries(ext),
            extra_postargs=['-fopenmp', *EXTRA[:1]] if SANITIZE else ['-fopenmp'])


setup(
    ext_modules=[Extension('fastkeras._core', ['fastkeras/_core.pyx'], libraries=['m'],
                           include_dirs=['csrc', numpy.get_include()])],
    cmdclass={'build_ext': BuildExt},
)
