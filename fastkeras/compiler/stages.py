"""How long each stage of making a plan took: for `FASTKERAS_DEBUG=times` and for the bench."""

import contextlib
import threading
import time

_local = threading.local()


@contextlib.contextmanager
def watched():
    """Inside the block the stages of this thread add up in the dictionary that it yields: name → [seconds by the clock,
    seconds of this thread's processor time, which other programs change little]."""
    outer, _local.found = getattr(_local, 'found', None), {}
    try:
        yield _local.found
    finally:
        _local.found = outer


class stage:
    """`with stage('fuse'):` a stage by that name, where somebody watches. One inside another, as when a value that is hoisted
    gets a plan of its own, belongs to the outer."""

    __slots__ = ('name', 'found', 'begin')

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.found = getattr(_local, 'found', None)
        if self.found is not None:
            _local.found = None
            self.begin = time.perf_counter(), time.thread_time()
        return self

    def __exit__(self, *exc):
        if self.found is not None:
            took = self.found.setdefault(self.name, [0.0, 0.0])
            took[0] += time.perf_counter() - self.begin[0]
            took[1] += time.thread_time() - self.begin[1]
            _local.found = self.found


def text(found):
    """One line of what was watched, in milliseconds by the clock."""
    parts = ', '.join(f'{name} {took[0] * 1e3:.2f}' for name, took in found.items())
    return f'{sum(took[0] for took in found.values()) * 1e3:.2f} ms: {parts}'
