"""The team of threads, which all runs of a process share: beside other runs, with other numbers of threads, across forks. And
Python's lock around runs."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.runtime import Function

SECONDS = 1.5
RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((96, 256), np.float32), RNG.standard_normal((256, 256), np.float32)


def layers(x, w):
    for _ in range(3):
        x = ops.relu(ops.matmul(x, w)) * np.float32(0.1)
    return x


@contextmanager
def beside(*works):
    """The works again and again, each in a thread of its own, while the block lasts."""
    ended, errors = threading.Event(), []

    def again(work):
        try:
            while not ended.is_set():
                work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=again, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
    assert errors == [] and not any(thread.is_alive() for thread in threads)


@pytest.fixture
def running():
    """A work that runs one plan on the team and compares its bits with those of one thread."""
    before, f = config.get_num_threads(), Function(layers)
    config.set_num_threads(1)
    want = f(X, W).tobytes()
    config.set_num_threads(2)

    def run():
        assert f(X, W).tobytes() == want
    yield run
    config.set_num_threads(before)


def make_and_forget():
    """A plan that is gone right after its run: a helper that comes late finds nothing of it."""
    n = np.random.default_rng().integers(64, 200)
    x = np.ones((n, n), np.float32)
    assert (Function(lambda a: ops.matmul(a, a))(x) == n).all()


def test_plans_come_and_go_beside_other_runs(running):
    with beside(running, running, make_and_forget, make_and_forget):
        time.sleep(SECONDS)


def test_the_number_of_threads_changes_beside_runs(running):
    def change():
        for n in (1, 2, 4, 3):
            config.set_num_threads(n)
            time.sleep(0.005)
    with beside(running, running, change):
        time.sleep(SECONDS)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork')
def test_children_that_are_forked_beside_runs_compute(running):
    statuses = []
    with beside(running, running):
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                try:
                    running()
                    running()
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    assert statuses and set(statuses) == {0}


@pytest.mark.skipif(not os.path.exists('/proc/self/task'), reason='/proc of Linux')
def test_threads_of_callers_share_one_team(running):
    running()
    with beside(*[running] * 2):
        time.sleep(0.3)
        few = len(os.listdir('/proc/self/task'))
    with beside(*[running] * 6):
        time.sleep(0.3)
        many = len(os.listdir('/proc/self/task'))
    assert many - few <= 4      # the callers alone


@pytest.mark.skipif(not hasattr(os, 'sched_setaffinity') or not os.path.exists('/proc/self/task'), reason='affinity of Linux')
def test_helpers_that_are_sent_from_the_caller_s_processor_may_run_where_they_might(running):
    running()
    mine = os.sched_getaffinity(0)

    def masks():
        found = {}
        for tid in os.listdir('/proc/self/task'):
            with suppress(ProcessLookupError):
                found[int(tid)] = os.sched_getaffinity(int(tid))
        return found
    before = masks()
    try:
        for turn in range(60):
            os.sched_setaffinity(0, {sorted(mine)[turn % len(mine)]})   # where a helper may be
            for _ in range(5):
                running()
            time.sleep(0.001)
    finally:
        os.sched_setaffinity(0, mine)
    after = masks()
    stayed = before.keys() & after.keys()   # a thread of another test may have ended meanwhile
    assert len(stayed) > 1 and {k: after[k] for k in stayed} == {k: before[k] for k in stayed}


@pytest.fixture
def patient():
    """Python itself makes a thread wait 5 s before it has another let the lock go."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize('count', [1, 3])
def test_brief_runs_let_other_threads_have_their_turn(count, patient):
    with beside(*[brief()] * count):
        begin = time.monotonic()
        for _ in range(30):
            time.sleep(0.001)
        assert time.monotonic() - begin < 20    # of 150


def brief():
    f, x = Function(lambda a: ops.relu(a) * np.float32(2)), np.ones((4,), np.float32)
    for _ in range(100):
        f(x)
    return lambda: f(x)


def test_threads_take_turns_though_some_go_elsewhere_or_keep_the_lock():
    """Nobody waits in line for long: not for a thread that sleeps, nor for one that computes in Python and takes no turns."""
    run, longest, counts = brief(), [0.0] * 4, [0] * 4

    def work(k):
        def some():
            for _ in range((300, 1, 300, 1)[k]):
                begin = time.monotonic()
                run()
                longest[k] = max(longest[k], time.monotonic() - begin)
                counts[k] += 1
            time.sleep((0, 0.002, 0.0005, 0)[k])
        return some
    with beside(*[work(k) for k in range(4)], lambda: sum(range(10_000))):
        time.sleep(SECONDS)
    assert min(counts) > 10 and max(longest) < 1


@pytest.mark.parametrize('callers, others', [(2, 1), (4, 2)])
def test_threads_take_turns_beside_one_that_takes_the_lock_again_and_again(callers, others):
    """As one that reads and writes does: each time that the lock is let go it is there, and it has no turns."""
    run, longest, counts = brief(), [0.0] * callers, [0] * callers
    ends = os.pipe()

    def work(k):
        def some():
            begin = time.monotonic()
            run()
            longest[k] = max(longest[k], time.monotonic() - begin)
            counts[k] += 1
        return some

    def pass_on():
        os.write(ends[1], b'x')
        os.read(ends[0], 1)
    with beside(*[work(k) for k in range(callers)], *[pass_on] * others):
        time.sleep(SECONDS)
    for end in ends:
        os.close(end)
    assert max(counts) < 4 * min(counts) and max(longest) < 0.5


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork')
def test_children_that_are_forked_beside_turns_have_turns_of_their_own():
    run, statuses = brief(), []
    with beside(run, run, run):
        for _ in range(20):
            time.sleep(0.003)
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                try:
                    with beside(run, run):
                        time.sleep(0.02)
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    assert set(statuses) == {0}


def test_a_loop_that_was_brief_lets_the_lock_go_when_it_is_long(patient):
    def count(n):
        return ops.while_loop(lambda i, n: i < n, lambda i, n: (i + 1, n), (ops.zeros((), 'int32'), n))[0]
    f = Function(count)
    for _ in range(100):
        assert f(np.array(2, np.int32)) == 2
    with beside(lambda: f(np.array(3_000_000, np.int32))):
        begin = time.monotonic()
        for _ in range(30):
            time.sleep(0.001)
        assert time.monotonic() - begin < 20


def test_threads_that_predict_together_have_the_bits_of_one():
    f = Function(lambda a: ops.tanh(ops.matmul(a, W)))
    rows = [RNG.standard_normal((1, 256), np.float32) for _ in range(4)]
    want = [f(row).tobytes() for row in rows]

    def work(k):
        def run():
            assert f(rows[k]).tobytes() == want[k]
        return run
    with beside(*[work(k) for k in range(4)]):
        time.sleep(SECONDS)
