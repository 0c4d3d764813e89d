"""The binding of the engine, fastkeras/_core.pyx: what must hold when the machine refuses or a signal comes."""
import ast
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from fastkeras import _core, ops
from fastkeras.runtime import Function, Variable

# ---- signals


class Stop(Exception):
    pass


def long_run():
    """(Function of a matrix whose plan runs for some seconds, the Variable that it updates at the end)."""
    w = Variable(np.float32(1))

    def products(x):
        y = x
        for _ in range(60):
            y = ops.matmul(y, x)
        w.assign(ops.sum(y))
        return y

    return Function(products), w


@pytest.fixture
def signal_soon():
    """signal_soon(handler): SIGUSR1, handled so, comes in a moment."""
    before, timers = signal.getsignal(signal.SIGUSR1), []

    def send(handler):
        signal.signal(signal.SIGUSR1, handler)
        timers.append(threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1)))
        timers[-1].start()

    yield send
    for t in timers:
        t.join()
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize('threads', [1, 2])
def test_a_handler_that_raises_ends_a_run(signal_soon, threads):
    f, w = long_run()
    x = np.eye(1536, dtype='float32')
    old = _core.threads()

    def stop(*_):
        raise Stop

    try:
        _core.set_threads(threads)
        signal_soon(stop)
        with pytest.raises(Stop):
            f(x)
    finally:
        _core.set_threads(old)
    assert w.numpy() == 1  # the run never came to its end
    held = _core.allocations()
    small = Function(lambda x: ops.matmul(x, x))
    np.testing.assert_array_equal(small(x[:8, :8]), x[:8, :8])
    with pytest.raises(Stop):  # the arena was given back: another run takes the same
        signal_soon(stop)
        f(x)
    assert _core.allocations()[1] - held[1] < x.nbytes


def test_a_handler_runs_while_a_plan_does(signal_soon):
    f, w = long_run()
    seen = []
    signal_soon(lambda *_: seen.append(time.perf_counter()))
    y = f(np.eye(1024, dtype='float32'))
    assert len(seen) == 1 and time.perf_counter() - seen[0] > 0.05
    np.testing.assert_array_equal(y, np.eye(1024))
    assert w.numpy() == 1024


def test_a_handler_may_run_plans(signal_soon):
    f, _ = long_run()
    small = np.eye(4, dtype='float32')
    seen = []
    signal_soon(lambda *_: seen.append(ops.matmul(small, small)))
    np.testing.assert_array_equal(f(np.eye(1024, dtype='float32')), np.eye(1024))
    np.testing.assert_array_equal(seen[0], small)


def test_other_threads_run_on(signal_soon):
    f, w = long_run()
    done = []
    thread = threading.Thread(target=lambda: done.append(f(np.eye(768, dtype='float32'))))

    def stop(*_):
        raise Stop

    signal_soon(stop)
    thread.start()
    with pytest.raises(Stop):
        time.sleep(5)
    thread.join()
    np.testing.assert_array_equal(done[0], np.eye(768))
    assert w.numpy() == 768


# ---- limits of the machine

PRELUDE = '''
import os, resource, threading
import numpy as np
from fastkeras import config, ops, runtime
config.set_num_threads(2)
x = np.random.default_rng(0).standard_normal((192, 192)).astype('float32')
weights = x * 0.5
threads = lambda: len(os.listdir('/proc/self/task'))
def taken():
    return int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
def limit(extra):
    resource.setrlimit(resource.RLIMIT_AS, (taken() + extra, resource.RLIM_INFINITY))
'''


def in_process(code, **env):
    done = subprocess.run([sys.executable, '-c', PRELUDE + code], capture_output=True, text=True,
                          env={**os.environ, 'OPENBLAS_NUM_THREADS': '1', **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


linux = pytest.mark.skipif(not sys.platform.startswith('linux'), reason='limits and /proc of Linux')


@linux
def test_without_threads_it_runs_alone():
    in_process('''
config.set_num_threads(1)
expected = ops.matmul(x, weights)
config.set_num_threads(2)
limit(2 << 20)  # no stack fits
alone = ops.matmul(x, weights)
assert threads() == 1
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
import time
import zlib
time.sleep(2.1)
both = ops.matmul(x, weights)
assert threads() > 1   # what was refused is asked for again
assert (alone == expected).all() and (both == expected).all()
''')


@linux
def test_without_processes_it_runs_alone():
    in_process('''
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)  # root may have as many as it likes
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
ops.matmul(x, weights)
assert threads() == 1
''')


@linux
def test_without_memory_it_raises():
    in_process('''
limit(4 << 20)
try:
    ops.matmul(x, weights)
except MemoryError as e:
    assert 'scratch' in str(e)
else:
    raise AssertionError('no error')
''')


@linux
def test_no_amount_of_memory_ends_the_process():
    out = in_process('''
expected = ops.matmul(x, weights)
results = []
def run():
    try:
        results.append((ops.matmul(x, weights) == expected).all())
    except MemoryError:
        results.append(None)
for extra in range(0, 48 << 20, 1 << 20):
    go = threading.Event()
    thread = threading.Thread(target=lambda: (go.wait(), run()))  # a thread of its own takes a team of its own
    thread.start()
    limit(extra)
    go.set()
    thread.join()
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert len(results) == 48 and all(r is None or r for r in results)
print(results.count(None), results.count(True))
''', MALLOC_ARENA_MAX='1', MALLOC_MMAP_THRESHOLD_='65536')
    failed, done = map(int, out.split())
    assert failed and done


@linux
def test_the_module_has_no_thread_local_data():
    """The loader would end the process where a new thread finds no memory for it."""
    with open(_core.__file__, 'rb') as f:
        head = f.read(64)
        offset, size, count = (int.from_bytes(head[at:at + n], sys.byteorder) for at, n in ((32, 8), (54, 2), (56, 2)))
        f.seek(offset)
        kinds = [int.from_bytes(f.read(size)[:4], sys.byteorder) for _ in range(count)]
    assert 7 not in kinds  # PT_TLS


# ---- ranks


@pytest.mark.parametrize('rank', [8, 31, 32, 33, 63, 64])
def test_as_many_axes_as_numpy_has(rank):
    try:
        x = np.full((1,) * (rank - 2) + (2, 3), 2, 'float32')
    except ValueError:
        pytest.skip('this NumPy has fewer')
    assert ops.exp(x).shape == x.shape
    np.testing.assert_array_equal(ops.add(x, x), x + x)
    np.testing.assert_array_equal(_core.empty(x.shape, 'float32').shape, x.shape)
    np.testing.assert_array_equal(ops.sum(x, axis=-1), x.sum(-1))


def test_more_axes_than_numpy_has_are_refused():
    with pytest.raises(ValueError, match='at most 64 axes, got a shape of 65'):
        _core.empty((1,) * 65, 'float32')


# ---- what both sides know
SOURCES = sorted((Path(__file__).resolve().parent.parent / 'fastkeras').rglob('*.py'))
LIMITS = {group: names for group, names in _core.limits().items() if isinstance(names, dict)}


def numbers_in(node):
    """Whether an expression has a number of its own beside 0 and 1."""
    return any(isinstance(n, ast.Constant) and type(n.value) is int and n.value > 1 for n in ast.walk(node))


def copies(tree):
    """What a module says of the engine's numbers without asking for them: dictionaries with the names of a group and numbers,
    and constants whose names are those of the sizes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and len(node.keys) > 1:
            names = {k.value if isinstance(k, ast.Constant) else k.args[0].value if isinstance(k, ast.Call) and k.args and
                     isinstance(k.args[0], ast.Constant) else None for k in node.keys}
            coded = all(isinstance(v, ast.Constant) and type(v.value) is int for v in node.values)
            if coded and any(names <= set(group) for group in LIMITS.values()):
                yield node.lineno
        if isinstance(node, ast.Assign):
            named = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            if named & ENGINES and numbers_in(node.value):
                yield node.lineno


ENGINES = {'MAXDIM', 'MAX_REGISTERS', 'MAX_REFS', 'MAX_SUMS', 'MAX_INNER', 'INSTRUCTION', 'INPUT', 'IMMEDIATE', 'FLAT',
           'STRIDED', 'REDUCE', 'MODES', 'STANDARD', 'TYPES', 'RECORD', 'MATRIX', 'FLIP_COLUMNS', 'FLIP_ROWS', 'SHIFT',
           'BRIGHTNESS'}


def test_python_has_no_copy_of_the_engines_numbers():
    found = [f'{p.name}:{line}' for p in SOURCES for line in copies(ast.parse(p.read_text()))]
    assert not found


@pytest.mark.parametrize('text', ["DTYPES = {'float32': 0, 'int32': 1, 'uint8': 2}", 'MAXDIM = 8', 'INPUT, IMMEDIATE = 64, 128',
                                  "TYPES = {np.dtype('uint8'): 0, np.dtype('float32'): 1}",
                                  'FLAT, SCALAR, MOD, DIV, STRIDED = range(5)'])
def test_a_copy_would_be_found(text):
    assert list(copies(ast.parse(text)))


def test_limits_are_those_of_the_header():
    text = (Path(__file__).resolve().parent.parent / 'csrc' / 'shared.def').read_text()
    words = [line[len('SHARED('):line.index(')')].split(', ') for line in text.splitlines() if line.startswith('SHARED(')]
    said = {}
    for group, name, _, value in words:
        said.setdefault(group, {})[name] = int(value)
    assert said == LIMITS
    assert all(len(set(names.values())) == len(names) for group, names in said.items() if group != 'sizes')


# ---- checksums
def test_checksums_are_those_of_zlib():
    data = np.random.default_rng(0).integers(0, 256, 200_003, dtype=np.uint8)
    for n in (0, 1, 7, 8, 15, 16, 63, 64, 65, 79, 80, 127, 128, 129, 255, 256, 257, 511, 512, 1000, 100_003, 200_003):
        for before in (0, 12345678, 0xffffffff):
            assert _core.crc32(data[:n], before) == zlib.crc32(data[:n], before)
        assert _core.crc32(data[1:n + 1].tobytes()) == zlib.crc32(data[1:n + 1])
    for n, m in ((0, 0), (0, 5), (5, 0), (3, 1000), (100_000, 100_003)):
        parts = zlib.crc32(data[:n]), zlib.crc32(data[n:n + m])
        assert _core.crc32_joined(*parts, m) == zlib.crc32(data[:n + m])
    assert _core.crc32_joined(1, 0, 1 << 40) == _core.crc32_joined(_core.crc32_joined(1, 0, 1 << 39), 0, 1 << 39)


def test_a_budget_of_arrays():
    budget = _core.Budget(1 << 20)
    kept = np.ones(1000)
    with budget:
        a = np.zeros(1000)
        assert budget.used == 8000 and not budget.refused
        b = [np.arange(1000) for _ in range(50)]
        assert budget.used == 51 * 8000
        del b
        assert budget.used == 8000
        a.resize(2000, refcheck=False)
        assert budget.used == 16000 and not a[1000:].any()
        for make in (lambda: np.zeros(10**6), lambda: np.empty(1 << 50), lambda: np.ones(200_000),
                     lambda: _core.empty((1 << 20,), 'f4')):
            with pytest.raises(MemoryError):
                make()
        with pytest.raises(MemoryError):
            a.resize(10**6, refcheck=False)
        assert budget.refused and budget.used == 16000
        c = _core.empty((1000,), 'f8')
        assert budget.used == 24000         # what the engine takes does not come back
        with pytest.raises(MemoryError), _core.Budget(100):
            np.zeros(1000)
        np.zeros(1000)
    assert np.zeros(10**6).size == 10**6
    del budget
    a[:], c[:] = 1, 1       # they outlive the budget
    assert a.sum() == 2000 and kept.sum() == 1000


def test_a_budget_is_of_one_thread():
    found = []
    with _core.Budget(100):
        thread = threading.Thread(target=lambda: found.append(np.zeros(10**5).size))
        thread.start()
        thread.join()
    assert found == [10**5]
