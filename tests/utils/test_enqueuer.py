"""Batches that are read ahead: order, bounds, errors, ends, threads and processes."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest

from bench.installed import ROOT
from fastkeras import config, ops
from fastkeras.utils import GeneratorEnqueuer, OrderedEnqueuer, Sequence, SequenceEnqueuer
from fastkeras.utils import enqueuer as enqueuing
from fastkeras.utils.enqueuer import Queue, read, reader

LONG = 30   # seconds after which something that should happen at once has not


def alive():
    """Threads and processes of readers that there are now."""
    return [t for t in threading.enumerate() if 'fastkeras' in t.name] + multiprocessing.active_children()


@pytest.fixture(autouse=True)
def nothing_stays():
    yield
    assert not alive()


class Numbers(Sequence):
    """Batch i is the number i, counted in passes of n."""

    def __init__(self, n=12, read=lambda i: None):
        super().__init__()
        self.n, self.read = n, read
        self.passes = 0

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.read(i)
        return np.array([100 * self.passes + i])

    def on_epoch_end(self):
        self.passes += 1


def numbers(source, queue, steps=None, **kwargs):
    """What is read, as ints."""
    r = reader(source, queue, **kwargs)
    return [int(b[0]) for b in read(r, r.length if steps is None else steps)]


QUEUES = [Queue(0), Queue(1), Queue(3, 2), Queue(2, 1), Queue(4, 40), Queue(), Queue(1, 10, True), Queue(3, 4, True)]
ids = [f'{q.workers}-{q.size}-{"process" if q.processes else "thread"}' for q in QUEUES]


@pytest.mark.parametrize('queue', QUEUES, ids=ids)
def test_the_order_is_that_of_the_sequence(queue):
    source = Numbers(7)
    want = [*range(7), *range(100, 107), *range(200, 203)]
    assert numbers(source, queue, 17) == want
    assert source.passes == 2
    # the reader goes on where it ended
    r = reader(Numbers(5), queue)
    assert [int(b[0]) for b in read(r, 3)] == [0, 1, 2]
    assert [int(b[0]) for b in read(r, 3)] == [3, 4, 100]


def test_workers_read_at_the_same_time_and_the_order_stays():
    together = threading.Barrier(3)
    assert numbers(Numbers(9, lambda i: together.wait(LONG)), Queue(3, 3)) == list(range(9))
    later = [threading.Event() for _ in range(8)]

    def reversed_pairs(i):      # an odd batch is always ready before the even one
        if i % 2:
            later[i].set()
        else:
            assert later[i + 1].wait(LONG)
    assert numbers(Numbers(8, reversed_pairs), Queue(2, 4)) == list(range(8))


@pytest.mark.parametrize('workers, size', [(1, 1), (1, 3), (4, 2), (3, 10)])
def test_no_more_is_read_ahead_than_the_queue_holds(workers, size):
    lock, full = threading.Lock(), threading.Event()
    begun, taken, most = 0, 0, 0

    def count(i):
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun - taken)
            if begun - taken == size:
                full.set()
    with reader(Numbers(40, count), Queue(workers, size)).part() as results:
        for i, batch in enumerate(results):
            # the batch was counted as taken when it came, so the queue refills to its size while it is in use
            assert batch[0] == i
            with lock:
                taken += 1
                if begun - taken < size and begun < 40:
                    full.clear()
            assert begun == 40 or full.wait(LONG)
    assert most <= size + 1     # `taken` is counted a moment after the queue has asked for one more
    assert begun == 40


def test_exactly_so_many_are_begun_while_a_batch_is_in_use():
    begun = []
    enough = threading.Event()

    def count(i):
        begun.append(i)
        if len(begun) == 4:
            enough.set()
    with reader(Numbers(40, count), Queue(1, 3)).part() as results:
        next(results)
        assert enough.wait(LONG)
    assert begun == [0, 1, 2, 3]    # one in use, three ahead; what had not begun was dropped


def fail_at_three(i):
    if i == 3:
        raise KeyError('batch three')


@pytest.mark.parametrize('queue', QUEUES, ids=ids)
def test_errors_reach_the_caller_with_their_traceback(queue):
    got = []
    with pytest.raises(KeyError, match='batch three') as e:
        for batch in read(reader(Numbers(12, fail_at_three), queue), 12):
            got.append(int(batch[0]))
    assert got == [0, 1, 2]
    assert not alive()
    text = ''.join(traceback.format_exception(e.value))
    assert 'in fail_at_three' in text and 'in __getitem__' in text
    if queue.processes:
        assert e.value.__cause__ is not None


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(f'{a} {b}')


@pytest.mark.parametrize('queue', [Queue(0), Queue(2), Queue(2, 10, True)], ids=['here', 'threads', 'processes'])
def test_errors_that_are_hard_to_pass_on(queue):
    def stop(i):
        raise StopIteration

    def odd(i):
        raise Odd(1, lambda: 0)
    with pytest.raises(RuntimeError, match='StopIteration'):
        numbers(Numbers(3, stop), queue)
    with pytest.raises(RuntimeError if queue.processes else Odd, match='1 <function'):
        numbers(Numbers(3, odd), queue)


def test_what_cannot_be_sent_from_a_process_is_an_error():
    class Unsendable(Numbers):
        def __getitem__(self, i):
            return lambda: i
    with pytest.raises((AttributeError, TypeError), match='pickle|local object'):
        numbers(Unsendable(3), Queue(2, 10, True))


def test_a_process_that_dies_is_an_error():
    with pytest.raises(RuntimeError, match=r'read batch \d has ended, with exit code -9 \(signal 9'):
        numbers(Numbers(4, lambda i: os.kill(os.getpid(), signal.SIGKILL)), Queue(2, 10, True))


@pytest.mark.parametrize('queue', [Queue(2), Queue(2, 10, True)], ids=['threads', 'processes'])
def test_leaving_early_ends_all_workers(queue):
    batches = read(reader(Numbers(1000), queue), 1000)
    next(batches)
    assert len(alive()) == (4 if queue.processes else 2)
    batches.close()
    assert not alive()
    release = threading.Event()     # a process that is in the middle of a batch is not waited for
    if queue.processes:
        batches = read(reader(Numbers(1000, lambda i: i and release.wait(LONG)), queue), 1000)
        next(batches)
        batches.close()
        assert not alive()


def test_a_thread_that_does_not_end_is_told_of():
    release = threading.Event()
    results = reader(Numbers(5, lambda i: i and release.wait(LONG)), Queue(1)).part()
    next(results)
    with pytest.warns(RuntimeWarning, match='still reading'):
        results.close(0.05)
    release.set()
    for thread in threading.enumerate():
        if 'fastkeras' in thread.name:
            thread.join(LONG)


@pytest.mark.parametrize('queue', [Queue(0), Queue(3), Queue(2, 10, True)], ids=['here', 'threads', 'processes'])
def test_hooks_run_between_passes_in_the_calling_thread(queue):
    told = []

    class Told(Numbers):
        def __getitem__(self, i):
            told.append('read')     # of a process, this goes nowhere
            return super().__getitem__(i)

        def on_epoch_begin(self):
            assert threading.current_thread() is threading.main_thread()
            told.append('begin')

        def on_epoch_end(self):
            told.append('end')
            super().on_epoch_end()
    assert numbers(Told(2), queue, 4) == [0, 1, 100, 101]
    reads = [] if queue.processes else ['read'] * 2
    assert told == ['begin', *reads, 'end'] * 2


def test_a_length_may_change_and_must_not_be_none():
    class Growing(Numbers):
        def on_epoch_end(self):
            super().on_epoch_end()
            self.n += 1
    assert numbers(Growing(1), Queue(2), 6) == [0, 100, 101, 200, 201, 202]
    with pytest.raises(ValueError, match='at least one batch'):
        numbers(Numbers(0), Queue(2), 1)


def test_a_sequence_without_end():
    class Endless(Sequence):
        num_batches = None

        def __getitem__(self, i):
            return np.array([i])
    assert reader(Endless(), Queue(2)).length is None
    assert numbers(Endless(), Queue(2), 5) == [0, 1, 2, 3, 4]
    assert [int(b[0]) for _, b in zip(range(3), Endless())] == [0, 1, 2]


# ---- generators
def count_up(limit=10 ** 9, ready=None):
    for i in range(limit):
        if ready is not None and i == 4:
            ready.set()
        yield np.array([i])


@pytest.mark.parametrize('queue', [Queue(0), Queue(), Queue(1), Queue(4)], ids=['here', 'free', 'one', 'four'])
def test_a_generator_is_advanced_as_far_as_asked(queue):
    source = count_up()
    assert numbers(source, queue, 6) == [0, 1, 2, 3, 4, 5]
    assert next(source)[0] == 6
    assert numbers(count_up(3), queue, 6) == [0, 1, 2]


def test_processes_do_not_duplicate_a_generator():
    source = count_up()
    with pytest.warns(UserWarning, match='read by one thread'):
        r = reader(source, Queue(4, 10, True))
    assert [int(b[0]) for b in read(r, 6)] == [0, 1, 2, 3, 4, 5]
    assert next(source)[0] == 6


def test_what_can_be_iterated_over_again():
    class Rows:
        def __iter__(self):
            return count_up(3)
    for queue in (Queue(0), Queue(1)):
        assert numbers(Rows(), queue) == [0, 1, 2]
        r = reader(Rows(), queue)
        assert [int(b[0]) for b in read(r, 4)] == [0, 1, 2, 0]
        assert [int(b[0]) for b in read(r, 3)] == [1, 2, 0]
        assert list(read(reader(type('Empty', (), {'__iter__': lambda s: iter(())})(), queue), 2)) == []


def test_a_source_that_takes_no_time_is_read_in_the_calling_thread(monkeypatch):
    threads = set()
    source = Numbers(200, lambda i: threads.add(threading.current_thread()))
    monkeypatch.setattr(enqueuing, 'QUICK', 10.0)
    assert numbers(source, Queue()) == list(range(200))
    assert threads == {threading.main_thread()}
    monkeypatch.setattr(enqueuing, 'QUICK', 0.0)
    monkeypatch.setattr(enqueuing, 'SHARE', 0.0)
    monkeypatch.setattr(enqueuing, 'ENOUGH', 0.0)
    queue = Queue()
    assert numbers(source, queue, 400) == [*range(100, 300), *range(200, 400)]
    assert len(threads) == 3 and not queue.trying     # one for each pass


def test_a_source_that_takes_a_small_part_of_the_time_is_read_in_the_calling_thread(monkeypatch):
    """Between steps that use all processors; and again in the pass after one in which a thread needed little time."""
    monkeypatch.setattr(enqueuing, 'SHARE', 0.3)
    here, pauses = [], [0.0]

    def read_one(i):
        time.sleep(pauses[0])
        here.append(threading.current_thread() is threading.main_thread())
    r = reader(Numbers(6, read_one), Queue())
    for pauses[0], step, want in ((0.01, 0.1, [True] * 6), (0.1, 0.02, [True] * 3 + [False] * 3),
                                  (0.01, 0.1, [False] * 6), (0.01, 0.1, [True] * 6)):
        here.clear()
        for _ in read(r, 6):
            time.sleep(step)
        assert here == want


def test_the_batch_that_starts_the_thread_is_kept_from_it(monkeypatch):
    """The source may use its buffers again for what the thread reads."""
    monkeypatch.setattr(enqueuing, 'ENOUGH', 0.0)
    monkeypatch.setattr(enqueuing, 'QUICK', 0.0)
    told = []

    def finish(item, in_use):
        told.append(in_use)
        return item
    results = enqueuing.Results(lambda i: time.sleep(0.01) or i, range(5), Queue(), finish)
    assert list(results) == [0, 1, 2, 3, 4]
    assert told == [False, False, True, True, True]


# ---- processes
class Drawn(Sequence):
    """Batches of NumPy's and Python's global random numbers."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        import random
        return np.random.random(3), random.random(), os.getpid(), np.asfortranarray(np.ones((2, 3))), np.zeros(0)


def test_random_numbers_do_not_depend_on_the_number_of_processes():
    runs = []
    for workers in (1, 3):
        np.random.seed(5)
        runs.append(list(read(reader(Drawn(), Queue(workers, 10, True)), 12)))
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        assert a[1] == b[1] and a[2] != os.getpid()
        assert a[3].shape == (2, 3) and a[0].flags.writeable and a[4].size == 0
    assert len({a[0].tobytes() for a in runs[0]}) == 12


def test_processes_are_single_threaded_and_run_the_engine():
    class Threads(Numbers):
        def __getitem__(self, i):
            return config.get_num_threads(), np.asarray(ops.matmul(np.eye(300), np.full((300, 300), 2.)))
    n, product = next(read(reader(Threads(), Queue(1, 1, True)), 1))
    assert n == 1 and (product == 2.).all()


def test_spawned_processes():
    code = '''
import multiprocessing, numpy as np
from fastkeras.utils.enqueuer import Queue, read, reader
from tests.utils.test_enqueuer import Numbers, fail_at_three
if __name__ == '__main__':
    multiprocessing.set_start_method('spawn')
    print([int(b[0]) for b in read(reader(Numbers(3, fail_at_three), Queue(2, 2, True)), 3)])
    try:
        next(read(reader(Numbers(3, lambda i: None), Queue(2, 2, True)), 3))
    except TypeError as e:
        print(e)
    print(multiprocessing.active_children())
'''
    code = f'import sys; sys.path.append({str(ROOT)!r})\n{code}'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first, message, left = done.stdout.splitlines()
    assert first == '[0, 1, 2]' and left == '[]'
    assert "made by 'spawn'" in message and 'pickle the Sequence Numbers' in message


# ---- Keras 2
def test_enqueuers():
    source = Numbers(3)
    e = OrderedEnqueuer(source)
    assert isinstance(e, SequenceEnqueuer) and not e.is_running() and e.uid < OrderedEnqueuer(source).uid
    e.start(2, 4)
    batches = e.get()
    assert [int(next(batches)[0]) for _ in range(7)] == [0, 1, 2, 100, 101, 102, 200]
    assert e.is_running() and e.workers == 2
    with pytest.raises(RuntimeError, match='is running'):
        e.start()
    e.stop()
    assert not e.is_running() and not alive()
    assert list(batches) == []
    np.random.seed(1)
    e = OrderedEnqueuer(Numbers(30), shuffle=True)
    e.start(workers=3)
    got = [int(b[0]) for _, b in zip(range(30), e.get())]
    e.stop()
    assert sorted(got) == list(range(30)) and got != sorted(got)


def test_they_read_from_the_start_on():
    ready = threading.Event()
    e = GeneratorEnqueuer(count_up(ready=ready))
    e.start(workers=3, max_queue_size=5)
    assert ready.wait(LONG)
    e.stop(LONG)


@pytest.mark.parametrize('workers', [0, 1, 3])
def test_a_generator_that_ends_and_one_that_gives_none(workers):
    e = GeneratorEnqueuer(iter([1, None, 2]))
    e.start(workers)
    assert list(e.get()) == [1, 2] and not e.is_running()
    with pytest.warns(DeprecationWarning, match='wait_time'):
        e = GeneratorEnqueuer(fails(), wait_time=0.1)
    e.start(workers)
    with pytest.raises(KeyError, match='now'):
        list(e.get())
    assert not e.is_running()


def fails():
    yield 1
    raise KeyError('now')


def test_stopping_from_another_thread():
    begun, release = threading.Event(), threading.Event()

    def slow(i):
        begun.set()
        assert release.wait(LONG)
    e = OrderedEnqueuer(Numbers(5, slow))
    e.start(1)
    got = []
    reading = threading.Thread(target=lambda: got.extend(e.get()))
    reading.start()
    assert begun.wait(LONG)
    stopping = threading.Thread(target=e.stop)
    stopping.start()
    release.set()
    stopping.join(LONG)
    reading.join(LONG)
    assert not reading.is_alive() and not e.is_running() and len(got) <= 5


def interrupted(run, step):
    """Call `run`, with a KeyboardInterrupt at the step-th instruction of the readers' files in this thread; False when there
    are not so many."""
    files, left, done = ('enqueuer.py', 'enqueuer_workers.py'), [step], []

    def watch(frame, event, arg):
        if os.path.basename(frame.f_code.co_filename) not in files:
            return None
        frame.f_trace_opcodes = True
        if event == 'opcode':
            left[0] -= 1
            if left[0] == 0:
                sys.settrace(None)
                done.append(True)
                raise KeyboardInterrupt
        return watch

    sys.settrace(watch)
    try:
        run()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    return bool(done)


def readers():
    return [t for t in threading.enumerate() if t.name.startswith('fastkeras-reader')]


@pytest.mark.parametrize('first', range(5))
def test_an_interruption_at_any_step_leaves_no_worker(first):
    def run():
        source = iter(range(4))
        with contextlib.closing(read(reader(source, Queue(1, 3)), 4)) as results:
            for _ in results:
                pass

    steps = first + 1
    while interrupted(run, steps):
        steps += 5      # the other cases do those between
    assert steps > 300
    end = time.monotonic() + 10
    while readers() and time.monotonic() < end:
        time.sleep(0.01)
    assert not readers()
