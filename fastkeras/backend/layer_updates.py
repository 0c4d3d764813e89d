"""What the calls of layers update, as symbols."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

from fastkeras.layers import context
from fastkeras.layers.history import Node
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime.seed_generator import SeedState
from fastkeras.runtime.trace import Trace, inner_trace

from .graph_functions import updated


def symbolic_updates(node: Node) -> list[Any]:
    """The updates that a described call makes in training: symbols, each of which does one when it is evaluated. Those of a
    stateful layer are made in whatever phase it runs."""
    layer, tensors = node.layer, node.input_tensors
    if node.phase is not None:
        phase = functools.partial(context.fixed_phase, node.phase)
    else:
        phase = contextlib.nullcontext if layer.stateful else functools.partial(context.phase, True)

    def assigned(trace, filled):
        with trace, context.no_collection(), context.updates_as(True), phase():
            layer(filled[0], **filled[1])
            trace.settle()
        return trace

    def new(variable, values):
        by_id = {id(t): y for t, y in zip(tensors, values)}
        trace = inner_trace({})
        trace.later = []
        for v in variables:     # as they were before the call whose outputs are computed beside this
            trace.current.pop(id(v), None)
        return assigned(trace, node.filled(lambda t: by_id[id(t)])).current[id(variable)]

    variables = _assigned_in_trial(assigned, node)
    return [updated('layer_update', v, tensors, lambda now, *values, v=v: new(v, values)) for v in variables]


def _assigned_in_trial(assigned, node):
    """The Variables that the call assigns."""
    for size in (None, 2):
        def leaf(t, size=size):
            y = Tensor('input', (), {'index': -1}, [size if d is None else d for d in t.shape], t.dtype)
            y._keras_mask = leaf(t._keras_mask) if t._keras_mask is not None else None
            return y
        try:
            trace = assigned(Trace(), node.filled(leaf))
        except (TypeError, ValueError):
            if size is not None:
                raise
            continue
        return [v for v in trace.assigned.values() if not isinstance(v, SeedState)]
