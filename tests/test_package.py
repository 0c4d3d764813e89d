"""What the installed package does to a process: what it loads, threads, memory, environment."""
import gc
import os
import pkgutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import _core, config, ops
from fastkeras.runtime import Function

HEAVY = ('h5py', 'PIL', 'scipy', 'matplotlib', 'sklearn', 'pandas', 'tensorflow')
# a product large enough for a parallel region on every instruction set
PARALLEL = '''
import numpy as np
from fastkeras import config, ops
from fastkeras.runtime import Function
product = Function(lambda a, b: ops.matmul(a, b) + 1.0)
x = np.random.default_rng(0).standard_normal((512, 512)).astype('float32')
def run():
    return product(x, x)
def threads():
    return int(next(line for line in open('/proc/self/status') if line.startswith('Threads:')).split()[1])
'''
linux = pytest.mark.skipif(not os.path.exists('/proc/self/status'), reason='reads /proc')


def python(code, **settings):
    """What `code` prints in a new interpreter: (output, errors). Of the settings, only those given are set; numpy's own
    threads are kept out of the count."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(('FASTKERAS_', 'OMP_'))}
    env |= {'OPENBLAS_NUM_THREADS': '1', **settings}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=env, timeout=120,
                          cwd=Path(fastkeras.__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize('module', ['fastkeras', 'fastkeras.models', 'fastkeras.layers', 'fastkeras.training',
                                    'fastkeras.callbacks', 'fastkeras.saving', 'fastkeras.optimizers'])
def test_import_loads_nothing_heavy(module):
    out, _ = python(f'import {module}, sys; print([m for m in {HEAVY} if m in sys.modules])')
    assert out == '[]'


def test_packages_can_be_imported_alone():
    """In one process each, so that an import that only works behind another one shows."""
    names = [f'fastkeras.{m.name}' for m in pkgutil.iter_modules(fastkeras.__path__)]
    code = f'''
import importlib, os, sys
for name in {names}:
    pid = os.fork()
    if not pid:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(name, repr(error), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
'''
    assert python('import numpy\n' + code)[0] == ''


@linux
def test_one_thread_starts_none():
    code = PARALLEL + 'before = threads(); config.set_num_threads(1); run(); print(before, threads())'
    before, after = python(code)[0].split()
    assert before == after


@linux
def test_two_threads_start_one_and_stay():
    code = PARALLEL + 'n = threads(); run(); m = threads(); run(); print(m - n, threads() - m)'
    assert python(code, FASTKERAS_NUM_THREADS='2')[0] == '1 0'


@pytest.mark.parametrize('isa', _core.isas())
def test_isa_is_forced(isa):
    out, err = python('from fastkeras import config; print(config.isa())', FASTKERAS_ISA=isa)
    assert (out, err) == (isa, '')


def test_unknown_isa_warns():
    out, err = python('from fastkeras import config; print(config.isa())', FASTKERAS_ISA='v9')
    assert out == _core.isas()[-1]
    assert f"FASTKERAS_ISA: expected one of {_core.isas()}, got 'v9'" in err


@pytest.mark.parametrize('settings, expected', [({'FASTKERAS': '3'}, 3), ({'FASTKERAS': '1', 'OMP': '2'}, 1),
                                                ({'OMP': '3'}, 3), ({'FASTKERAS': '9999'}, 256)])
def test_number_of_threads_from_the_environment(settings, expected):
    out, err = python('from fastkeras import config; print(config.get_num_threads())',
                      **{f'{name}_NUM_THREADS': n for name, n in settings.items()})
    assert (int(out), err) == (expected, '')


@pytest.mark.parametrize('given', ['0', '-2', 'two', '1.5'])
def test_no_number_of_threads_warns(given):
    out, err = python('from fastkeras import config; print(config.get_num_threads())',
                      FASTKERAS_NUM_THREADS=given)
    assert int(out) >= 1
    assert f'FASTKERAS_NUM_THREADS: expected a whole number of at least 1, got {given!r}' in err


@linux
def test_affinity_bounds_the_threads():
    code = 'import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n' \
           'from fastkeras import config; print(config.get_num_threads())'
    assert python(code)[0] == '1'


@pytest.mark.parametrize('before', [True, False], ids=['limited before import', 'limited after'])
def test_threadpoolctl_is_honoured(before):
    pytest.importorskip('threadpoolctl')
    first, second = ('', 'import fastkeras._core') if before else ('import fastkeras._core', '')
    code = f'''
import ctypes, ctypes.util, os, threadpoolctl
{first}
ctypes.CDLL('libgomp.so.1')
with threadpoolctl.threadpool_limits(1):
    {second or 'pass'}
    from fastkeras import config
    config.set_num_threads(2)
    inside = config.get_num_threads()
print(inside, config.get_num_threads())
'''
    assert python(code, OMP_NUM_THREADS='2')[0] == '1 2'


@linux
def test_fork_after_a_parallel_run():
    code = PARALLEL + '''
import os
config.set_num_threads(2)
expected = run()
read, write = os.pipe()
pid = os.fork()
if not pid:
    ok = (run() == expected).all()
    pid = os.fork()                      # and a child of the child
    if not pid:
        os._exit(0 if (run() == expected).all() else 1)
    os._exit(0 if ok and os.waitpid(pid, 0)[1] == 0 else 1)
print(os.waitpid(pid, 0)[1], (run() == expected).all())
'''
    assert python(code)[0] == '0 True'


@linux
def test_fork_while_another_thread_runs():
    code = PARALLEL + '''
import os, threading, warnings
warnings.simplefilter('ignore')          # Python 3.12 warns of any fork with threads
config.set_num_threads(2)
expected = run()
stop = threading.Event()
def keep():
    while not stop.is_set():
        run()
t = threading.Thread(target=keep)
t.start()
codes = []
for _ in range(10):
    pid = os.fork()
    if not pid:
        os._exit(0 if (run() == expected).all() else 1)
    codes.append(os.waitpid(pid, 0)[1])
stop.set()
t.join()
print(codes == [0] * 10)
'''
    assert python(code)[0] == 'True'


def test_multiprocessing_children_compute():
    code = PARALLEL + '''
import multiprocessing
def child(k):
    return float(run().sum())
if __name__ == '__main__':
    config.set_num_threads(2)
    expected = child(0)
    with multiprocessing.get_context('fork').Pool(2) as pool:
        print(pool.map(child, range(4)) == [expected] * 4)
'''
    assert python('import warnings; warnings.simplefilter("ignore")\n' + code)[0] == 'True'


def test_threads_that_end_leave_no_memory():
    f = Function(lambda a: ops.sum(ops.exp(a), axis=-1))
    x = np.ones((4, 100), 'float32')
    wrong = []

    def work():
        if not np.allclose(f(x), 100 * np.e, rtol=1e-5):
            wrong.append(1)

    def crowd():
        some = [threading.Thread(target=work) for _ in range(8)]
        for t in some:
            t.start()
        for t in some:
            t.join()

    before = _core.allocations()[1]
    for _ in range(250):
        crowd()
    assert not wrong
    # arenas stay in a free list, one for each run at the same time; scratch goes with its thread, a moment after join
    for _ in range(100):
        held = _core.allocations()[1] - before
        if held < 1 << 20:
            break
        time.sleep(0.1)
    assert held < 1 << 20, f'{held} bytes are still held'


def test_many_plans_leave_no_memory():
    held = []
    for _ in range(2):          # the first time, the scratch of this thread and of its team is made
        for n in range(1, 60):
            Function(lambda a: ops.relu(a) * 2.0)(np.ones((n, 1000), 'float32'))
        gc.collect()
        held.append(_core.allocations()[1])
    assert held[0] == held[1]


def test_threads_can_change_at_any_time():
    f = Function(lambda a: ops.matmul(a, a))
    x = np.random.default_rng(0).standard_normal((300, 300)).astype('float32')
    before = config.get_num_threads()
    try:
        results = []
        for n in (1, 2, 3, 1, 5, 2):
            config.set_num_threads(n)
            assert config.get_num_threads() == n
            results.append(f(x))
        assert all((r == results[0]).all() for r in results)
    finally:
        config.set_num_threads(before)


