"""Whether Python code that a file holds may be run."""

import threading
from contextlib import contextmanager

from fastkeras import config

_local = threading.local()


def code_may_run():
    """Whether the caller said that the source of what is being loaded can be trusted."""
    return getattr(_local, 'trusted', False) or config.unsafe_deserialization()


@contextmanager
def unsafe(trusted=True):
    """Inside the block, Python code in configurations is run (False: is not)."""
    before, _local.trusted = code_may_run(), trusted
    try:
        yield
    finally:
        _local.trusted = before
