"""The engine without Python: builds and runs selftest.c, here, for other processors and under sanitizers."""
import platform
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastkeras import _core

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OBJECTS = ROOT / 'build' / 'objects'
CFLAGS = ['-std=gnu11', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math', '-Wall', '-Wextra', '-Wno-psabi',
          '-Werror']
X86 = platform.machine() == 'x86_64'


def run(command, **kw):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **kw)
    assert done.returncode == 0, f'{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}'
    return done.stdout


def built(folder):
    """The objects that the last build made of the sources in csrc/<folder>, with their commands."""
    sources = ROOT / 'csrc' / ('runtime' if folder == 'runtime' else 'kernels')
    found = [OBJECTS / folder / (p.stem + '.o') for p in sorted(sources.glob('*.c'))]
    if not all(p.exists() for p in found):
        pytest.skip('there is no build in build/objects')
    return found


def compiler():
    """The compiler of the last build, and its sanitizers, which what is linked with its objects needs as well."""
    words = shlex.split(built('runtime')[0].with_suffix('.cmd').read_text())
    if not shutil.which(words[0]):
        pytest.skip(f'there is no {words[0]}')
    return [words[0], *(word for word in words if word.startswith('-fsanitize'))]


def compile_all(command, sources, folder):
    folder.mkdir(parents=True)
    jobs = [(p, folder / (p.stem + '.o')) for p in sources]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: run([*command, '-c', job[0], '-o', job[1]]), jobs))
    return [obj for _, obj in jobs]


def check(command, isas=None):
    """Run a self test: it must have compared much on each of the instruction sets, and nothing may have differed."""
    out = run(command)
    told = {name: (int(cases), int(failures)) for name, cases, failures in
            re.findall(r'^(\w+): (\d+) comparisons .* (\d+) failures', out, re.MULTILINE)}
    assert set(told) == set(isas or _core.isas()), out
    for cases, failures in told.values():
        assert cases > 100 and failures == 0, out


def test_kernels_against_naive_loops(tmp_path):
    cc = compiler()
    objects = [obj for isa in (('v2', 'v3', 'v4') if X86 else ('neon',)) for obj in built(isa)] + built('runtime')
    run([*cc, '-O1', *CFLAGS, HERE / 'selftest.c', *objects, '-fopenmp', '-lm', '-o', tmp_path / 'selftest'])
    check([tmp_path / 'selftest'])


@pytest.mark.slow
def test_kernels_on_aarch64(tmp_path):
    cc, qemu = 'aarch64-linux-gnu-gcc', 'qemu-aarch64'
    if not shutil.which(cc) or not shutil.which(qemu):
        pytest.skip(f'{cc} or {qemu} is not installed')
    command = [cc, '-O2', *CFLAGS, '-DFK_ISA=neon', '-fopenmp']
    objects = compile_all(command, sorted((ROOT / 'csrc').glob('*/*.c')), tmp_path / 'objects')
    run([cc, '-O1', *CFLAGS, '-static', HERE / 'selftest.c', *objects, '-fopenmp', '-lm', '-o', tmp_path / 'selftest'])
    check([qemu, tmp_path / 'selftest'], ['neon'])


@pytest.mark.slow
@pytest.mark.skipif(not X86, reason='one instruction set with a sanitizer beside the others without')
@pytest.mark.parametrize('sanitizer', ['address,undefined', 'thread'])
def test_kernels_under_sanitizers(tmp_path, sanitizer):
    cc = compiler()
    if len(cc) > 1:
        pytest.skip('the build has sanitizers of its own')
    command = [*cc, f'-fsanitize={sanitizer}', '-g', '-O1', *CFLAGS]
    objects = compile_all([*command, '-march=x86-64-v3', '-DFK_ISA=v3'], sorted((ROOT / 'csrc/kernels').glob('*.c')),
                          tmp_path / 'kernels')
    runtime = sorted((ROOT / 'csrc/runtime').glob('*.c'))
    if sanitizer == 'thread':
        runtime = [p for p in runtime if p.name != 'threads.c'] + [HERE / 'threads_pthread.c']
    objects += compile_all([*command, '-fopenmp'], runtime, tmp_path / 'runtime') + built('v2') + built('v4')
    run([*command, HERE / 'selftest.c', *objects, '-fopenmp', '-lm', '-o', tmp_path / 'selftest'])
    check([tmp_path / 'selftest'])
