"""How much work describing a model takes: counted where it is done, and bounded where a file asks for it.

A model whose parts are models that call each other twice doubles with every level; a few lines describe years of work.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

CALL = 5        # pieces that making a layer takes, and calling it; an operation is one


class _State(threading.local):
    left: int | None = None                         # pieces that may yet be done; None: any number
    refuse: Callable[[], Exception] | None = None


_state = _State()


def done(pieces: int) -> None:
    """Note that so much was done in this thread; the error of `at_most` where it is too much."""
    left = _state.left
    if left is not None:
        _state.left = left = left - pieces
        if left < 0 and _state.refuse is not None:
            raise _state.refuse()


@contextlib.contextmanager
def at_most(pieces: int, refuse: Callable[[], Exception]) -> Iterator[None]:
    """Inside the block, in this thread, no more than that is done. refuse: makes the error."""
    before = _state.left, _state.refuse
    _state.left, _state.refuse = pieces, refuse
    try:
        yield
    finally:
        _state.left, _state.refuse = before
