"""What stands in a trace for the Keras tensors of a description: for functions that have closed over some."""

from __future__ import annotations

import threading
from collections import ChainMap
from contextlib import contextmanager
from typing import Any

from fastkeras.graph import LEAVES, toposort
from fastkeras.ops.tensor import Tensor

from .history import Node
from .substitute import is_described, made_by, step_of, steps_to, substitute, with_mask_of

_local = threading.local()


def source_of(tensor: Any) -> Any:
    """What makes a tensor: as `substitute.step_of`, but a model's input that was made of a tensor is what that is."""
    history = with_mask_of(tensor)._keras_history
    if history is not None and history.layer._begins:
        return None if tensor.op in LEAVES else tensor
    return step_of(tensor)


@contextmanager
def values_of(values: Any) -> Any:
    """Inside, in this thread, Keras tensors have these values too. values: id of one → its tensor in the trace; may grow."""
    before = getattr(_local, 'values', ())
    _local.values = (values, *before)
    try:
        yield
    finally:
        _local.values = before


def in_trace(tensor: Any, values: Any = (), missing: Any = None) -> Any:
    """A tensor with what stands for Keras tensors in the trace in their place; calls of layers on the way to it that have no
    value yet are made again.

    values: id of a Keras tensor → its tensor, before those of `values_of`. missing(leaf): the error to raise for one that
    nothing stands for; it is left as it is unless given.
    """
    known = ChainMap({}, dict(values), *getattr(_local, 'values', ()))

    def source(t):
        return None if id(t) in known else source_of(t)

    steps, _ = steps_to([tensor], source)
    met = [tensor, *(t for step in steps for t in (step.input_tensors if isinstance(step, Node) else made_by(step)[0].inputs))]
    for t in met:
        if id(t) not in known and source(t) is None and is_described(t) and with_mask_of(t) is t:
            if missing is not None:
                raise missing(t)
            known[id(t)] = t
    found = substitute(steps, known)(tensor)
    if found is None and missing is not None:
        raise missing(tensor)
    return found


def is_open(tensors: Any) -> bool:
    """Whether some of the tensors depend on leaves of a description, which have no values in the trace."""
    return any(isinstance(n, Tensor) and is_described(n) for n in toposort(tensors))
