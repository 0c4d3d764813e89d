"""Blocks in which things have other names, values or places, by Keras 3's names: name_scope, StatelessScope, SymbolicScope,
device."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.runtime import Variable, active_trace
from fastkeras.runtime.trace import Trace, inner_trace
from fastkeras.runtime.variable import noted_by

from . import context

__all__ = ['StatelessScope', 'SymbolicScope', 'device', 'name_scope']


class name_scope:
    """In the block, layers and weights are made under 'name/…'. caller, deduplicate: a block of the same caller and name inside
    one is no further level. override_parent: the path that the name stands behind, in place of the present one."""

    def __init__(self, name: str, caller: Any = None, deduplicate: bool = True, override_parent: Any = None) -> None:
        if not isinstance(name, str) or '/' in name or not name:
            raise ValueError(f"name_scope: expected a name without '/', got {name!r}")
        self.name, self.caller, self.deduplicate, self.override_parent = name, caller, deduplicate, override_parent

    def __enter__(self):
        self._before = context.names()
        outer, callers = self._before
        if self.deduplicate and self.caller is not None and callers and callers[-1] == (id(self.caller), self.name):
            return self
        if self.override_parent is not None:
            outer = tuple(p for p in str(self.override_parent).split('/') if p)
        context.set_names((*outer, self.name), (*callers, (id(self.caller), self.name) if self.caller is not None else None))
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        context.set_names(*self._before)


class StatelessScope:
    """In the block, Variables hold the values of state_mapping, pairs (variable, value), and what is assigned stays in the
    block: `get_current_value(variable)` gives it, there and afterwards. On leaving, all Variables hold again what
    they held before.

    collect_losses: what layers add to the loss in the block is listed in `losses`. initialize_variables: accepted;
    here, Variables have their values as soon as they are made. Inside a traced function the values may be tensors.
    """

    def __init__(self, state_mapping: Any = None, collect_losses: bool = False, initialize_variables: bool = True) -> None:
        self.collect_losses, self.initialize_variables, self.losses = bool(collect_losses), bool(initialize_variables), []
        self._given = list(state_mapping or ())
        for pair in self._given:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], Variable):
                raise ValueError(f'StatelessScope: expected state_mapping to hold pairs (variable, value), got {pair!r:.80}')
            if tuple(pair[0].shape) != np.shape(pair[1]) if not hasattr(pair[1], 'shape') else (
                    tuple(pair[0].shape) != tuple(pair[1].shape)):
                raise ValueError(f'StatelessScope: the variable {pair[0].name!r} has shape {tuple(pair[0].shape)}, it cannot '
                                 f'take a value of shape {tuple(getattr(pair[1], "shape", np.shape(pair[1])))}')
        self._held = {}         # id(variable) → (variable, what it holds in the block)
        self._entered = False

    def __enter__(self):
        self._trace = inner_trace({}) if active_trace() is not None else None
        self._collected = context.collect_losses() if self.collect_losses else None
        if self._collected is not None:
            self.losses = self._collected.__enter__()
        if self._trace is not None:
            self._trace.__enter__()
        else:
            self._before = {}
            self._outer = noted_by(self._keep)
        self._entered = True
        for v, value in self._given:
            v.hold(value) if self._trace is not None else v.assign(value)
        return self

    def _keep(self, variable):
        if id(variable) not in self._before:
            if self._outer is not None:
                self._outer(variable)
            self._before[id(variable)] = variable, variable.numpy()

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        self._entered = False
        if self._trace is not None:
            self._trace.settle()
            self._held = {k: (v, self._trace.current[k]) for k, v in self._trace.assigned.items()}
            self._trace.__exit__(*args)
        else:
            noted_by(None)
            self._held = {k: (v, v.numpy()) for k, (v, _) in self._before.items()}
            for v, value in self._before.values():
                v.assign(value)
            noted_by(self._outer)
        if self._collected is not None:
            self.losses = list(self.losses)
            self._collected.__exit__(*args)

    def add_loss(self, loss: Any) -> None:
        """Add a scalar to `losses`."""
        self.losses.append(loss)

    def add_update(self, update: Any) -> None:
        """Assign in the block: a pair (variable, value)."""
        variable, value = update
        variable.assign(value)

    def get_current_value(self, variable: Any) -> Any:
        """What a Variable holds in the block, or held at its end; None for one that it did not change."""
        if self._entered and self._trace is not None:
            return self._trace.current.get(id(variable)) if id(variable) in self._trace.assigned else None
        if self._entered:
            return variable.numpy() if id(variable) in self._before else None
        return self._held[id(variable)][1] if id(variable) in self._held else None


class SymbolicScope:
    """In the block, ops on Variables and arrays give Keras tensors, of shapes and types without values."""

    def __enter__(self):
        self._trace = Trace()
        self._trace.__enter__()
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        self._trace.__exit__(*args)


class device:
    """A block on a device: 'cpu', 'cpu:0' or '/CPU:0', where everything is. Raises ValueError for any other."""

    def __init__(self, device_name: str) -> None:
        if str(device_name).lower().lstrip('/').removeprefix('device:').split(':')[0] != 'cpu':
            raise ValueError(f"device: expected 'cpu', on which the engine computes everything, got {device_name!r}")

    def __enter__(self):
        return self

    def __exit__(self, *args: Any) -> None:
        pass
