"""No garbage collection while a plan is made.

A trace and its passes make tens of thousands of objects that all live until the plan is done, and few that need the
collector: it would look at all of them over and over, for two fifths of the time that a plan of a training step takes.
"""

import gc
import threading

_lock = threading.Lock()
_inside = 0
_was_on = False


class paused:
    """Inside the block, in any number of threads, the collector is off; the last one out sets it as the first one found it."""

    def __enter__(self):
        global _inside, _was_on
        with _lock:
            if not _inside:
                _was_on = gc.isenabled()
                gc.disable()
            _inside += 1

    def __exit__(self, *exc):
        global _inside
        with _lock:
            _inside -= 1
            if not _inside and _was_on:
                gc.enable()
