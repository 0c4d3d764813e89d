"""What layers change in variables while they train: by `add_update`, or by assignments in their call."""

from __future__ import annotations

from typing import Any

from fastkeras import late
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable, active_trace
from fastkeras.utils import nest

from . import context
from .input_spec import title


class Updating:
    """Mixin of Layer."""

    stateful = False
    _kept_updates = ()      # what add_update was given outside of calls: (update, the inputs it depends on)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Do this in each step of training (of a stateful layer: in each run). updates: pairs (variable, value), what
        `K.update` and its kin return, or a list of such; what an `assign` in `call` returned is done already. In `call`, or
        outside of it of Variables and Keras tensors. inputs: what `get_updates_for` then finds them by. TypeError for anything
        else."""
        trace = active_trace()
        for update in nest.to_list(updates) if isinstance(updates, list) else [updates]:
            pair = isinstance(update, tuple) and len(update) == 2 and isinstance(update[0], Variable)
            if update is None or not (pair or isinstance(update, (Tensor, Variable))):
                raise TypeError(f'{title(self)}: add_update expected what K.update returns, or pairs (variable, value), got '
                                f'{update!r:.80}')
            if trace is None:
                if not isinstance(update, Variable):
                    self._kept_updates = (*self._kept_updates, (update, inputs))
            elif pair or id(update) in trace.offered:
                variable, value = update if pair else trace.offered.pop(id(update))
                if self.stateful or context.does_updates() and not context.frozen():
                    if trace.later is None:     # in the body of a loop
                        variable.assign(value)
                    else:
                        trace.later.append((variable, value))

    @property
    def updates(self) -> list[Any]:
        """What the described calls update in training, as symbols for `K.function(…, updates=…)`; none in a layer that is not
        trainable, unless it is stateful."""
        return self._updates(self._calls_of_it())

    def _calls_of_it(self):
        """The described calls that `updates` is about."""
        return self._inbound_nodes

    def _updates(self, nodes, wanted=lambda layer: True):
        if not (self.trainable or self.stateful):
            return []
        def counts(layer):
            return wanted(layer) and (layer.trainable or layer.stateful)
        calls = self._of_calls([node for node in nodes if counts(node.layer)])
        return calls + [u for layer in self._flatten_layers() if counts(layer) for u, _ in layer._kept_updates]

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """Those of `updates` that depend on these inputs of a call; for None, on no input."""
        asked = {id(t) for t in nest.flatten(inputs) if t is not None}
        kept = [u for u, given in self._kept_updates if asked == {id(t) for t in nest.flatten(given) if t is not None}]
        return self._of_calls([node for node in self._calls_of_it() if asked & {id(t) for t in node.input_tensors}]) + kept

    def _of_calls(self, nodes):
        if not (self.trainable or self.stateful):
            return []
        return [u for node in nodes for u in late.part('backend').layer_updates.symbolic_updates(node)]
