"""Threads that make batches ahead of the training step."""

import contextlib
import queue
import threading
import time
import weakref
from concurrent.futures import Future

from fastkeras.utils.errors import warn

PATIENCE = 5.0     # seconds that `stop` waits for a call that is under way; nothing can end a thread from outside


class Workers:
    """Threads that do calls in the order in which they were submitted: `with Workers(calls) as w: w.submit(argument)`.

    calls: for each thread, a function of one argument; where it has a method `stop`, that is called at the end. All
    threads have ended when the block has been left, whatever the reason; calls that have not begun are dropped.

    Ctrl-C can come between any two steps of the main thread, those of `stop` too: it may be called again. Where it could not
    be called at all, the threads end when nobody has the object any more; so the calls must not refer to who has it.
    """

    def __init__(self, calls):
        self._calls = calls
        self._tasks = queue.SimpleQueue()
        self._threads = [threading.Thread(target=_work, args=(self._tasks, call), daemon=True,
                                          name=f'fastkeras-reader-{i}') for i, call in enumerate(calls)]
        weakref.finalize(self, _drop, self._tasks, len(calls)).atexit = False

    def start(self):
        """Start the threads."""
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.stop()
            raise
        return self

    def submit(self, argument):
        """A Future of the call with this argument."""
        future = Future()
        self._tasks.put((future, argument))
        return future

    def stop(self, timeout=PATIENCE):
        """Drop what has not begun and wait until all workers have ended: for `timeout` seconds (None: without limit),
        then warn. A process whose call is under way is ended at once."""
        _drop(self._tasks, len(self._threads))
        for call in self._calls:
            if hasattr(call, 'stop'):
                call.stop()
        end = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(None if end is None else max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            warn(f'a thread is still reading a batch {timeout:g} s after the reading was to end; it ends as '
                 'soon as the generator or Sequence gives that batch', RuntimeWarning)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()


def _drop(tasks, count):
    """Let that many threads end, without the calls that have not begun."""
    with contextlib.suppress(queue.Empty):
        while True:
            task = tasks.get_nowait()
            if task is not None:
                task[0].cancel()
    for _ in range(count):
        tasks.put(None)


def _work(tasks, call):
    while (task := tasks.get()) is not None:
        _do(call, *task)
        task = None     # a batch lives no longer than whoever waits for it wants


def _do(call, future, argument):
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call(argument)
    except BaseException as error:      # the caller gets it, with its traceback
        future.set_exception(error)
        future = None   # else error → traceback → this frame → future → error
    else:
        future.set_result(result)
