"""What belongs to a session of work, not to a model."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
from typing import Any

from fastkeras.runtime import plans

from . import context, naming

# Only glibc has it. Found when the module is loaded: a model may go while a file is read, where no library is to be opened.
_trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
_MUCH = 1 << 18     # numbers in the weights for which a model that is gone calls Python's collector


def clear_session(free_memory: bool = True) -> Any:
    """Begin anew: automatic names count from 1, and the learning phase is the default. Models stay usable.

    free_memory: let go of all plans that are kept, which are made again when they are wanted, of what nobody refers to any
    more, and of memory that the process holds for later.
    """
    naming.reset_uids()
    context.set_learning_phase(None)
    if free_memory:
        plans.clear_all()
        collect()


def collect() -> None:
    """Free what nobody refers to any more, and give back memory that the process holds for later."""
    gc.collect()
    if _trim is not None:
        _trim(0)


def let_go(model: Any) -> None:
    """Free the layers of a model that nobody refers to any more, at once where they hold much.

    Layers know the tensors of their calls, and tensors the layers that made them. Python's collector frees such circles when
    it comes by, but it counts objects, not what their weights take.
    """
    if sys.is_finalizing():
        return
    try:
        held = sum(math.prod(v.shape) for v in model.weights)
    except Exception:       # it was never made whole, so whoever made it has the error
        return
    if held >= _MUCH:
        vars(model).clear()
        collect()
