"""What belongs to a session of work, not to a model."""

from __future__ import annotations

from typing import Any

from . import context, naming


def clear_session(free_memory: bool = True) -> Any:
    """Begin anew: automatic names count from 1, and the learning phase is the default. Models stay usable."""
    naming.reset_uids()
    context.set_learning_phase(None)
