"""How many runs of the engine may go on at a time."""

import threading


class Turns:
    """gate: what a run holds while it goes on, where their number is bounded; else None."""

    gate = None


_held = threading.local()


def bound(n):
    """At most n runs at a time from now on; None: any number. Runs that go on hold the gate that they found."""
    Turns.gate = None if n is None else threading.BoundedSemaphore(n)


class turn:
    """The block waits for its turn. One inside another of the same thread, a run that a step of a run makes, has it."""

    def __init__(self, gate):
        self.gate = gate

    def __enter__(self):
        self.inside = getattr(_held, 'inside', False)
        if not self.inside:
            self.gate.acquire()
            _held.inside = True

    def __exit__(self, *exc):
        if not self.inside:
            _held.inside = False
            self.gate.release()
