"""What a layer shows and keeps by itself: its path, its metrics, its weights in a store, the shapes it was built for."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.metrics import Metric
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import outside_trace
from fastkeras.runtime.variable import assign_all
from fastkeras.utils import nest

from . import tracking
from .history import keras_tensor
from .input_spec import title
from .remat import remat


class offered:
    """A property that a layer of one's own may have for itself: Keras 2 left these names to it."""

    def __init__(self, function):
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, layer, owner=None):
        return self if layer is None else self.function(layer)


class Keeping:
    """Mixin of Layer."""

    _built_for = None       # what `build` was given
    _remat = None           # the RematScope that it was made in
    _outer_scope = ''       # names of the layers in whose build it was made
    _not_in_keras3 = ()     # keys of the configuration that Keras 3 refuses
    _kept_as = {}           # attribute → the name by which files of Keras 3 know the part in it, where that is another

    @offered
    def path(self: Any) -> Any:
        """'outer/name': the layer's name behind those of the layers in whose `build` it was made."""
        return f'{self._outer_scope}/{self.name}' if self._outer_scope else self.name

    @offered
    def metrics(self: Any) -> Any:
        """The Metrics among the layer's attributes, then those of the layers inside."""
        return tracking.unique(m for layer in self._flatten_layers() for m in tracking.found(layer, Metric))

    @offered
    def metrics_variables(self: Any) -> Any:
        """The state of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    # ---- weights in a store
    def _own_weights(self):
        own = tracking.variables(self)
        return [v for v in own if v.trainable] + [v for v in own if not v.trainable]

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own weights into a mapping, under '0', '1', …, trainable ones first; those of layers inside are
        not among them."""
        for k, v in enumerate(self._own_weights()):
            store[str(k)] = v.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read what save_own_variables wrote. Raises ValueError for another number of arrays or another shape; nothing is
        changed then."""
        with outside_trace():
            pairs = self._fitted(store)
            assign_all([v for v, _ in pairs], [value for _, value in pairs])

    def _stored_number(self):
        """How many arrays save_own_variables writes."""
        return len(self._own_weights())

    def _fitted(self, store):
        """[(weight, its value in a store)], of which nothing is looked at but the shapes. ValueError where they do not fit."""
        return self._paired(self._own_weights(), store)

    def _paired(self, own, store):
        if len(store.keys()) != len(own):
            hint = '' if self.built else ' It is not built yet: call it on an input, or build(input_shape), first.'
            raise ValueError(f'{title(self)}: expected {len(own)} stored weights, got {len(store.keys())}.{hint}')
        pairs = []
        for k, v in enumerate(own):
            if str(k) not in store:
                raise ValueError(f'{title(self)}: expected the stored weights to be called 0 to {len(own) - 1}, got '
                                 f'{", ".join(map(str, store.keys()))}')
            value = store[str(k)]
            shape = tuple(np.shape(value) if not hasattr(value, 'shape') else value.shape)
            if tuple(v.shape) != shape:
                raise ValueError(f'{title(self)}: the weight {v.name!r} has shape {tuple(v.shape)}, the store has '
                                 f'{shape} for it')
            pairs.append((v, value))
        return pairs

    # ---- building again
    def get_build_config(self) -> dict[str, Any] | None:
        """What `build_from_config` needs to make the weights again: {'input_shape': …}, or {'shapes_dict': …} where `build`
        takes several shapes; None before the layer is built."""
        if not self.built or self._built_for is None:
            return None
        shapes = self._built_for
        return {'shapes_dict': dict(shapes)} if isinstance(shapes, _Named) else {'input_shape': shapes}

    def build_from_config(self, config: Any) -> None:
        """Make the weights for the shapes of a `get_build_config`; lists, as of JSON, stand for tuples."""
        if not config:
            return
        if 'shapes_dict' in config:
            self.build(**{k: nest.map_shapes(tuple, v) for k, v in config['shapes_dict'].items()})
        elif 'input_shape' in config:
            self.build(nest.map_shapes(tuple, config['input_shape']))
        else:
            raise ValueError(f"{title(self)}: expected a configuration with 'input_shape' or 'shapes_dict', as "
                             f"get_build_config gives it, got {config!r:.80}")

    # ---- results without values
    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Keras tensors of the shapes and types that the layer gives for such inputs; the call is not recorded."""
        outputs = self._shapes_of(*self._arguments(args, kwargs))
        return nest.map_structure(lambda y: keras_tensor(y.shape, y.dtype, self.name) if isinstance(y, Tensor) else y, outputs)

    def convert_weight(self, weight: Any) -> Any:
        """A weight as this layer computes with it: the same, since all layers compute alike."""
        return weight

    def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
        """layer_call(*args, **kwargs), of which a step of training keeps nothing but its arguments, see `remat`."""
        return remat(layer_call)(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The call on Keras tensors, which describes a model: what `layer(…)` does with them."""
        return self._describe(*self._arguments(args, kwargs))


class _Named(dict):
    """Shapes by the names of the parameters of `build`."""


def given_to_build(args, kwargs):
    """What `build` was given, as `get_build_config` keeps it."""
    if len(args) + len(kwargs) > 1 and not args:
        return _Named(kwargs)
    return args[0] if args else next(iter(kwargs.values()), None)
