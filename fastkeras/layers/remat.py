"""Computing again instead of keeping: what a step of training needs of a part of a model, by Keras 3's names."""

from __future__ import annotations

import math
from typing import Any

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.utils import nest

from . import context

__all__ = ['RematScope', 'remat']

MODES = ('full', 'activations', 'larger_than', 'list_of_layers', None)


def remat(f: Any) -> Any:
    """The function f(*tensors), of which a step of training keeps nothing but its arguments: what its gradient needs is
    computed again. Where f is large in memory and small in time, that saves memory (Chen et al. 2016)."""
    if not callable(f):
        raise ValueError(f'remat: expected a function, got {f!r}')

    def recomputed(*args, **kwargs):
        tensors = [x for x in nest.flatten([args, kwargs]) if core.is_symbolic(x)]
        if not tensors or any(None in x.shape for x in tensors):        # values, or the description of a model
            return f(*args, **kwargs)
        # the gradient of a choice computes the branch again; that the choice is always the first, no pass is told
        first = ops.stop_gradient(ops.ravel(tensors[0])[:1])
        zero = ops.cast(ops.sum(ops.not_equal(first, first)), 'int32')
        return ops.switch(zero, [lambda: f(*args, **kwargs)])
    return recomputed


class RematScope:
    """Layers made in the block compute again, in a step of training, what their gradients need, see `remat`.

    mode: 'full', all of them; 'larger_than', those whose result has at least output_size_threshold numbers without the batch;
    'list_of_layers', those named in layer_names; None, none, inside of another block. 'activations' is a ValueError: this
    engine computes cheap elementwise functions again by itself.
    """

    def __init__(self, mode: Any = 'full', output_size_threshold: int = 1024, layer_names: Any = None) -> None:
        if mode not in MODES:
            raise ValueError(f'RematScope: expected mode to be one of {", ".join(map(repr, MODES))}, got {mode!r}')
        if mode == 'activations':
            raise ValueError("RematScope: mode='activations' is what the engine does by itself; take 'full' or 'larger_than'")
        self.mode, self.output_size_threshold, self.layer_names = mode, output_size_threshold, list(layer_names or ())

    def __enter__(self):
        self._before = context.remat_scope()
        context.set_remat_scope(self)
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        context.set_remat_scope(self._before)

    def holds(self, layer: Any) -> bool:
        """Whether it asks this layer to compute again."""
        return self.mode in ('full', 'larger_than') or self.mode == 'list_of_layers' and layer.name in self.layer_names

    def called(self, layer: Any, call: Any, inputs: Any, kwargs: Any) -> Any:
        """call(inputs, **kwargs), computed again where the mode says so."""
        if self.mode == 'larger_than':
            with core.inner_trace(), context.no_collection():       # for the shapes alone
                made = nest.flatten(call(inputs, **kwargs))
            sizes = [math.prod(d or 1 for d in y.shape[1:]) for y in made if y is not None]
            if max(sizes, default=0) < self.output_size_threshold:
                return call(inputs, **kwargs)
        leaves = nest.flatten(inputs)
        again = remat(lambda *tensors: call(nest.pack(inputs, tensors), **kwargs))
        return again(*leaves)
