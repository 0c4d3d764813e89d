"""What belongs to a session of work, not to a model."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

from fastkeras.runtime import plans

from . import context, naming


def clear_session(free_memory: bool = True) -> Any:
    """Begin anew: automatic names count from 1, and the learning phase is the default. Models stay usable.

    free_memory: let go of all plans that are kept, which are made again when they are wanted, of what nobody refers to any
    more, and of memory that the process holds for later.
    """
    naming.reset_uids()
    context.set_learning_phase(None)
    if free_memory:
        plans.clear_all()
        gc.collect()
        trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)      # of glibc alone
        if trim is not None:
            trim(0)
