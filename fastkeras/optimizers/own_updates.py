"""Steps as lists of updates, as Keras 2 has them: of the optimizers here, and of those that programs write themselves."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections import namedtuple
from typing import Any

from fastkeras import late
from fastkeras.compiler import autodiff
from fastkeras.legacy.keras1 import accepts
from fastkeras.ops import all_reduce
from fastkeras.runtime import active_trace
from fastkeras.runtime.trace import Trace

_local = threading.local()
# what an optimizer sets, and to what
Update = namedtuple('Update', 'variable value')


class KeptSlots:
    """The Variables that an optimizer's own `get_updates` makes. It is called once for each trace, and means the same Variables
    each time: the first it makes, the second, and so on."""

    def __init__(self):
        self.variables = []
        self.place = 0

    def __enter__(self):
        self.outer, self.place = getattr(_local, 'slots', None), 0
        _local.slots = self
        return self

    def __exit__(self, *exc):
        _local.slots = self.outer

    def take(self, shape, dtype, make):
        """The next Variable: that of the call before, where it had such a one, else make()."""
        k, self.place = self.place, self.place + 1
        known = self.variables[k] if k < len(self.variables) else None
        if known is None or known.shape != tuple(shape) or known.dtype != dtype:
            self.variables[k:k + 1] = [make()]
        return self.variables[k]


def slots_in_use() -> KeptSlots | None:
    """Those of the optimizer whose own `get_updates` is running in a trace; None outside of such."""
    return getattr(_local, 'slots', None)


class Updates:
    """Part of Optimizer."""

    _kept_slots = None
    _are_clipped = False    # gradients come from a get_gradients of one's own, which is what clips

    def _gradients(self, loss, variables):
        if active_trace() is None:      # of symbols
            return late.part('backend').gradients(loss, list(variables))
        return all_reduce.all_reduce(autodiff.gradients(loss, variables))

    def _step_down(self, loss, variables, trace=None):
        """One step by the gradients of a loss: by `get_gradients` where the class or object has one of its own. trace: where
        the step is noted, if it is not the present one."""
        loss = self.scale_loss(loss)
        own = getattr(self.get_gradients, '__func__', None) is not Updates.get_gradients
        grads = list(self.get_gradients(loss, variables)) if own else self._gradients(loss, variables)
        self._are_clipped = own
        try:
            with trace or contextlib.nullcontext():
                self.apply(grads, variables)
        finally:
            self._are_clipped = False

    def get_gradients(self, loss: Any, params: Any) -> Any:
        """Clipped gradients of a symbolic loss, as symbols or, in a trace, tensors; ValueError where a parameter has none."""
        grads = self._gradients(loss, params)
        for p, g in zip(params, grads):
            if g is None:
                raise ValueError(f'{type(self).__name__}: the loss has no gradient with respect to {p.name!r}; an '
                                 'operation on the way from it to the loss is not differentiable, or there is no way')
        return self._clip(grads)

    @accepts('get_updates')
    def get_updates(self, loss: Any, params: Any) -> Any:
        """The step as pairs (variable, new value) for a symbolic loss, without assigning: for `K.function(…, updates=…)`. Also
        takes (params, constraints, loss), as Keras 1."""
        params = list(params)
        trace = Trace()
        self._step_down(loss, params, trace)
        self.updates = [Update(v, trace.current[id(v)]) for v in trace.assigned.values()]
        return self.updates

    def _has_own_updates(self):
        return getattr(self.get_updates, '__func__', None) is not Updates.get_updates

    def _step_by_updates(self, loss, variables):
        """A step of an optimizer that says itself what it updates."""
        self._trainable_variables = variables
        if self._kept_slots is None:
            self._kept_slots = KeptSlots()
        words = {'constraints': {}} if 'constraints' in inspect.signature(self.get_updates).parameters else {}
        with self._kept_slots:
            updates = self.get_updates(loss=loss, params=variables, **words) or ()
        for update in updates:
            for pair in update if isinstance(update, list) else [update]:
                if isinstance(pair, tuple):     # (variable, new value); anything else was assigned already
                    pair[0].assign(pair[1])
        self.built = True
