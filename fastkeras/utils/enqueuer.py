"""Reading batches ahead of the step that uses them: what `fit` does with a Sequence or a generator, and the enqueuers of
Keras 2, which do the same.

Nothing is read ahead of the end of an epoch, or of a pass over a Sequence: what happens between two of them, in callbacks
or in `on_epoch_end`, counts for the first batch of the next.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from typing import Any

import numpy as np

from fastkeras.utils.enqueuer_workers import PATIENCE, Workers
from fastkeras.utils.errors import warn
from fastkeras.utils.seed import make_seed
from fastkeras.utils.sequence import is_sequence, length

END = object()      # what a source gives that has no more batches
# A source that is left to choose is read in the calling thread while a batch takes it less than this on average, for to hand
# a batch over costs as much, or less than this share of the time: a thread beside those of a step that uses all processors
# delays it by more. It is asked when so much time was spent, and TRIAL batches have shown how long a step takes; and again in
# the next pass where a thread was seen to need less than twice the share
QUICK, SHARE, ENOUGH, TRIAL = 150e-6, 0.15, 2e-3, 3


class Queue:
    """How a source is read.

    workers: number of threads; 0 reads in the calling thread when a batch is needed; None: one thread, but the calling
    one while batches take it little of the time. size: the most batches that are under way or ready and not yet asked for.
    processes: whether each worker is a process.

    here: it never takes workers. free: it may choose between one thread and none; trying: it chose none so far.
    """

    def __init__(self, workers: Any = None, size: Any = 10, processes: bool = False) -> None:
        self.workers, self.size, self.processes = workers, size, processes
        self.here = workers == 0 or size == 0
        self.free = self.trying = workers is None and not processes and not self.here

    @classmethod
    def of(cls, source: Any, workers: Any = None, max_queue_size: Any = None, use_multiprocessing: Any = None) -> Any:
        """As told, or else as the Sequence itself says."""
        many = getattr(source, 'workers', 1)
        if workers is None and isinstance(many, int) and many > 1:
            workers = many
        if max_queue_size is None:
            max_queue_size = getattr(source, 'max_queue_size', 10)
        if use_multiprocessing is None:
            use_multiprocessing = getattr(source, 'use_multiprocessing', False)
        return cls(workers, max_queue_size, bool(use_multiprocessing))


class Results:
    """Iterator over get(a) for all arguments a, in their order, read ahead as `queue` says.

    finish: (what get gave, whether others are read while it is in use) → the result; done by the worker. in_processes:
    (the Sequence whose items `get` gives, a seed of their random numbers), when they are to be read in processes.
    `close` ends the workers; so does the end of the arguments, or an error, which reaches whoever asks for the batch
    with its traceback.
    """

    def __init__(self, get: Any, arguments: Any, queue: Any, finish: Any = None, in_processes: Any = None) -> None:
        self._get, self._finish, self._queue = get, finish, queue
        self._ahead_of_use = _Ahead(get, finish)
        self._arguments = iter(arguments)
        self._in_processes = in_processes
        self._ahead = deque()
        self._workers = None
        self._spent = self._calls = 0       # of what is read here
        self._began = time.perf_counter()
        if not queue.here and not queue.trying:
            self._start()

    def __iter__(self):
        return self

    def __next__(self):
        try:
            result = self._take() if self._workers is not None else self._read_here()
        except StopIteration as error:      # of the user's, which must not pass for the end
            self.close()
            raise RuntimeError('StopIteration was raised where a batch was expected') from error
        except BaseException:
            self.close()
            raise
        if result is END:
            self.close()
            raise StopIteration
        return result

    def _take(self):
        if not self._ahead:
            return END
        result = self._ahead.popleft().result()
        self._submit(1)
        return result

    def _read_here(self):
        argument = next(self._arguments, END)
        if argument is END:
            return END
        begin = time.perf_counter()
        item = self._get(argument)
        self._spent += time.perf_counter() - begin
        self._calls += 1
        # the source may use its buffers again for the next item, which a thread may be reading soon
        begin = time.perf_counter()
        starting = self._queue.trying and self._calls >= TRIAL and self._spent > max(
            ENOUGH, QUICK * self._calls, SHARE * (begin - self._began))
        result = item if self._finish is None or item is END else self._finish(item, starting)
        self._spent += time.perf_counter() - begin
        if starting:
            self._queue.trying = False
            self._start()
        return result

    def _start(self):
        """Begin to read ahead."""
        count, size = self._queue.workers or 1, self._queue.size
        if self._in_processes is None:
            calls = [self._ahead_of_use] * min(count, size)
        else:
            from fastkeras.utils.enqueuer_processes import children  # multiprocessing is slow to import
            source, seed = self._in_processes
            calls = [_Remote(child, self._finish) for child in children(source, min(count, size), seed)]
        try:
            self._workers = Workers(calls)
            self._workers.start()
            self._submit(size)
        except BaseException:
            self.close()
            raise

    def _submit(self, count):
        for argument in itertools.islice(self._arguments, count):
            self._ahead.append(self._workers.submit(argument))

    def close(self, timeout: Any = PATIENCE) -> Any:
        """End the workers and wait for them; what was read ahead is dropped."""
        try:
            self._close(timeout)
        except BaseException:       # an interruption on the way: once more
            self._close(timeout)
            raise

    def _close(self, timeout):
        self._arguments = iter(())
        workers = self._workers
        if workers is not None:
            workers.stop(timeout)
            spent = self._spent + self._ahead_of_use.spent
            self._queue.trying = self._queue.free and spent < 2 * SHARE * (time.perf_counter() - self._began)
            self._workers = None
        self._ahead.clear()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class _Ahead:
    """What a thread does with an argument. It does not refer to the Results, whose end is the thread's end."""

    def __init__(self, get, finish):
        self._get, self._finish, self.spent = get, finish, 0.0

    def __call__(self, argument):
        begin = time.perf_counter()
        item = self._get(argument)
        result = item if self._finish is None or item is END else self._finish(item, True)
        self.spent += time.perf_counter() - begin
        return result


class _Remote:
    """A call to a process, whose answer is finished in the calling thread."""

    def __init__(self, child, finish):
        self._child, self._finish, self.stop = child, finish, child.stop

    def __call__(self, index):
        item = self._child(index)       # new memory: nobody else writes to it
        return item if self._finish is None else self._finish(item, False)


# ---- sources
class SequenceReader:
    """Reads a Sequence pass by pass, with its hooks between them. shuffle: draw the order of each pass from NumPy's
    global state. The rest as in Results.

    One seed for processes is drawn from the global state, also where there are none: what is drawn later, such as the
    order of the next pass, does not depend on how the batches are read.
    """

    def __init__(self, sequence: Any, queue: Any, finish: Any = None, shuffle: Any = False) -> None:
        self.sequence, self.queue, self.finish, self.shuffle = sequence, queue, finish, shuffle
        self._seeds = np.random.RandomState(make_seed())    # of the passes
        self.length = length(sequence)
        self._order = None      # of the present pass: an iterator over the indices to come
        self._left = 0

    def part(self, most: Any = None) -> Any:
        """Results of at most `most` batches: up to the end of the pass."""
        if self._order is None:
            self._begin()
        count = self._left if most is None else min(most, self._left)
        self._left -= count
        order = self._order if count == float('inf') else itertools.islice(self._order, count)
        remote = (self.sequence, self._seed) if self.queue.processes else None
        return Results(self.sequence.__getitem__, order, self.queue, self.finish, remote)

    def _begin(self):
        self._seed = int(self._seeds.randint(0, 2**31 - 1))
        n = length(self.sequence)
        if n == 0:
            raise ValueError(f'{type(self.sequence).__name__}: expected a Sequence of at least one batch, its length '
                             'is 0')
        if n is None:
            self._order, self._left = itertools.count(), float('inf')
        else:
            order = np.arange(n)
            if self.shuffle:
                (np.random if self.shuffle is True else self.shuffle).shuffle(order)
            self._order, self._left = iter(order.tolist()), n
        if hasattr(self.sequence, 'on_epoch_begin'):
            self.sequence.on_epoch_begin()

    def end_part(self) -> Any:
        """Say that a part was used up; the end of a pass is the end of an epoch of the Sequence. True: more can come."""
        if self._left == 0:
            self._order = None
            if hasattr(self.sequence, 'on_epoch_end'):
                self.sequence.on_epoch_end()
        return True


class IteratorReader:
    """Reads a generator, another iterator, or something that can be iterated over again and again, in one thread at
    most: a generator has one state, which neither two threads nor two processes may advance."""

    def __init__(self, source: Any, queue: Any, finish: Any = None, shuffle: Any = False) -> None:
        if queue.processes:
            warn('a generator has a single state and so is read by one thread, whatever workers and '
                 'use_multiprocessing say; for several processes make it a Sequence', UserWarning)
        one = None if queue.workers is None else min(queue.workers, 1)
        self.queue, self.finish, self.source = Queue(one, queue.size), finish, source
        self.once = hasattr(source, '__next__')     # what ends for good
        try:
            self.length = None if self.once else len(source)
        except TypeError:
            self.length = None
        self._endless = source if self.once else _again_and_again(source)

    def part(self, most: Any = None) -> Any:
        """Results of at most `most` batches; by default, of one pass."""
        iterator = self._endless if self.once or most is not None else iter(self.source)
        calls = itertools.repeat(None) if most is None else itertools.repeat(None, most)
        return Results(lambda _: next(iterator, END), calls, self.queue, self.finish)

    def end_part(self) -> Any:
        """False: a part that is over is the end."""
        return False


def _again_and_again(source):
    item = END
    for item in source:
        yield item
    while item is not END:
        yield from source


def reader(source: Any, queue: Any, finish: Any = None, shuffle: Any = False) -> Any:
    """A SequenceReader or an IteratorReader."""
    return (SequenceReader if is_sequence(source) else IteratorReader)(source, queue, finish, shuffle)


def read(reader: Any, steps: float | None) -> Any:
    """Yields that many results (None: one pass), fewer where the source ends before. All workers have ended when this
    generator has, or is closed."""
    while steps is None or steps:
        given = 0
        with reader.part(steps) as results:
            for result in results:
                given += 1
                yield result
        if not reader.end_part() or steps is None:
            return
        steps -= given


# ---- Keras 2
class SequenceEnqueuer:
    """Base of the enqueuers. `start(workers, max_queue_size)`, then `get()` gives batches without end (or until a
    generator ends), then `stop()`.

    sequence: where batches come from. use_multiprocessing: whether the workers are processes. `uid` numbers the
    enqueuers.
    """

    _uids = itertools.count()

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.uid = next(SequenceEnqueuer._uids)
        self.workers = 0
        self.max_queue_size = 10
        self.stop_signal = None
        self._reader = self._part = None

    def _make_reader(self, queue):
        return reader(self.sequence, queue)

    def is_running(self) -> Any:
        """Whether it was started and not stopped."""
        return self.stop_signal is not None and not self.stop_signal.is_set()

    def start(self, workers: Any = 1, max_queue_size: Any = 10) -> Any:
        """Begin to read. workers: number of threads or processes, 0 for none: batches are then read when they are
        asked for. max_queue_size: the most batches that wait or are being read."""
        if self.is_running():
            raise RuntimeError(f'{type(self).__name__} is running; stop it before it is started again')
        self.workers, self.max_queue_size = workers, max_queue_size
        self._reader = self._make_reader(Queue(workers, max_queue_size, self.use_multiprocessing and workers > 0))
        self._part = self._reader.part()
        self.stop_signal = threading.Event()

    def stop(self, timeout: Any = None) -> Any:
        """End all workers and wait for them, at most `timeout` seconds."""
        if self.stop_signal is not None:
            self.stop_signal.set()
            self._part.close(timeout)

    def get(self) -> Any:
        """Yields batches in order; None is passed over. An error of a worker is raised here, and ends the reading."""
        try:
            while self.is_running():
                for batch in self._part:
                    if batch is not None:
                        yield batch
                    if not self.is_running():
                        return
                if not self._reader.end_part():
                    break
                self._part = self._reader.part()
        except CancelledError:      # stopped by another thread meanwhile
            if self.is_running():
                raise
        except Exception:
            self.stop()
            raise
        self.stop()


class OrderedEnqueuer(SequenceEnqueuer):
    """Reads a Sequence pass by pass, each batch once and in order. shuffle: draw a new order for each pass."""

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: Any = False) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _make_reader(self, queue):
        return SequenceReader(self.sequence, queue, shuffle=self.shuffle)


class GeneratorEnqueuer(SequenceEnqueuer):
    """Reads a generator, by one thread whatever the number of workers. wait_time and random_seed are taken and change
    nothing: there is no waiting by the clock, and no copy of the generator."""

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, wait_time: Any = None,
                 random_seed: Any = None) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.random_seed = random_seed
        if wait_time is not None:
            warn('GeneratorEnqueuer: wait_time is not used any more', DeprecationWarning)

    def _make_reader(self, queue):
        return IteratorReader(self.sequence, queue)
