"""Processes that read the batches of a Sequence."""

import contextlib
import multiprocessing
import os
import pickle
import random
import signal
import traceback
import warnings
from multiprocessing.connection import wait

import numpy as np

from fastkeras import config


class RemoteTraceback(Exception):
    """The traceback, as text, of an exception in another process: the cause of what is raised in this one."""

    def __str__(self):
        return f'\n"""\n{self.args[0]}"""'


def start_method():
    """How processes are made: as `multiprocessing.set_start_method` was told, else by fork where there is such a
    thing: a Sequence then need not be picklable, and its arrays are shared rather than copied."""
    known = multiprocessing.get_all_start_methods()     # the first is Python's own default
    method = multiprocessing.get_start_method(allow_none=True)
    return 'fork' if 'fork' in known and method in (None, known[0]) else method or known[0]


class Child:
    """A process that holds a copy of a Sequence as it is now. Called with an index it gives that batch.

    source: anything with `__getitem__`. seed: int. NumPy's global state and that of `random` are seeded from it and the
    index before each batch, so that what a Sequence draws there does not depend on which process reads which batch.
    siblings: the Child objects made before.
    """

    def __init__(self, source, seed, siblings=()):
        method = start_method()
        context = multiprocessing.get_context(method)
        self._pipe, theirs = context.Pipe()
        # a forked process has a copy of all pipes: one that it left open would hide that its parent has gone
        inherited = [self._pipe, *(s._pipe for s in siblings)] if method == 'fork' else []
        self._process = context.Process(target=_serve, args=(theirs, source, seed, inherited), daemon=True,
                                        name='fastkeras-reader')
        self._busy = False
        try:
            with warnings.catch_warnings():     # OpenMP's threads, which Python 3.12 warns of, are put away in time
                warnings.filterwarnings('ignore', 'This process .* is multi-threaded', DeprecationWarning)
                self._process.start()
        except BaseException as error:
            self.stop()
            if method == 'fork' or not isinstance(error, (pickle.PicklingError, AttributeError, TypeError)):
                raise
            raise TypeError(f'use_multiprocessing: processes are made by {method!r} here, which needs to pickle the '
                            f'Sequence {type(source).__name__}: {error}; use threads (use_multiprocessing=False), or '
                            "multiprocessing.set_start_method('fork')") from error
        finally:
            theirs.close()

    def __call__(self, index):
        self._busy = True
        try:
            self._pipe.send(index)
            wait([self._pipe, self._process.sentinel])
            good, value = receive(self._pipe)
        except (EOFError, OSError):
            self._process.join(1.0)
            code = self._process.exitcode
            raise RuntimeError(f'the process that was to read batch {index} has ended, with exit code {code}'
                               + (f' (signal {-code}; is there enough memory?)' if code and code < 0 else '')) from None
        finally:
            self._busy = False
        if good:
            return value
        error, text = value
        raise error from RemoteTraceback(text)

    def stop(self):
        """End the process: at once when it is reading a batch that nobody wants any more."""
        process = self._process
        if process.pid is not None:
            with contextlib.suppress(OSError):
                if self._busy:
                    process.terminate()
                else:
                    self._pipe.send(None)
            process.join(5.0)
            if process.is_alive():
                process.kill()
                process.join()
        self._pipe.close()


def children(source, count, seed):
    """`count` processes for one Sequence."""
    made = []
    try:
        for _ in range(count):
            made.append(Child(source, seed, made))
    except BaseException:
        for child in made:
            child.stop()
        raise
    return made


def _serve(pipe, source, seed, inherited):
    """What a process does."""
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl-C is for the parent, which ends its processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    config.set_num_threads(1)
    with contextlib.suppress(EOFError, OSError):    # the parent has gone
        while (index := pipe.recv()) is not None:
            np.random.seed([seed, index])
            random.seed(seed << 32 | index)
            try:
                send(pipe, (True, source[index]))
            except BaseException as error:
                send(pipe, (False, _portable(error)))


def _portable(error):
    """(the exception, or what can be sent in its place; its traceback as text)."""
    text = ''.join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f'{type(error).__name__}: {error}')
    return error, text


def send(pipe, value):
    """Write a value to a pipe: pickled, but arrays as they lie in memory."""
    buffers = []
    head = pickle.dumps(value, protocol=5, buffer_callback=lambda b: buffers.append(b.raw()))
    pipe.send((head, [b.nbytes for b in buffers]))
    for data in buffers:
        while data.nbytes:
            data = data[os.write(pipe.fileno(), data):]


def receive(pipe):
    """What `send` wrote; arrays are read into new memory, their own, without another copy."""
    head, sizes = pipe.recv()
    buffers = [np.empty(n, np.uint8) for n in sizes]
    for buffer in buffers:
        data = memoryview(buffer)
        while data.nbytes:
            n = os.readv(pipe.fileno(), [data])
            if not n:
                raise EOFError
            data = data[n:]
    return pickle.loads(head, buffers=buffers)
