"""How a layer is called on arrays: by plans that it keeps."""

from __future__ import annotations

import itertools
import types
import weakref
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function, Ways, active_trace, changed, outside_trace, stateless
from fastkeras.runtime.function import MAX_TRACED
from fastkeras.utils import nest
from fastkeras.utils.indices import check_indices

from . import array_masks, context
from .array_masks import masked
from .input_spec import title

_changes = itertools.count(1)


class ArrayCalls:
    """Mixin of Layer."""

    _call_ways = types.MappingProxyType({})     # generation → Ways, of calls on arrays alone
    _has_losses_of_call = False
    _not_of_call = frozenset()  # names of attributes that no call reads
    _last_change = 0            # of any layer
    _changed_at = _traced_at = 0

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. One that a layer had when it was called counts in its next call on arrays, and in the next compile
        of a model with it; those whose names begin with _ are not looked after."""
        if (self.__dict__.get('_was_called') and name[0] != '_' and name not in self._not_of_call
                and self.__dict__.get(name, value) is not value and active_trace() is None):
            self._note_change()
        object.__setattr__(self, name, value)

    def _note_change(self):
        """Let what was traced of the layer, and of those that hold it, be traced again when it is called on arrays."""
        self._changed_at = next(_changes)
        ArrayCalls._last_change = self._changed_at
        changed()

    def _forget_functions(self):
        """What was traced with what the layer knew before does not count any more."""
        self._functions.clear()
        self._note_change()

    def _found_again(self, x):
        """The result for x where it is just like arrays that the layer was called on before, with nothing changed since; else
        None."""
        ways = self._call_ways.get(settings.generation())
        return None if ways is None or not self._is_plain_call() else ways.run(x)

    def _is_plain_call(self):
        """Whether nothing around a call on an array has a part in it, and it in nothing around."""
        return not (context.learning_phase() or context.collection() is not None or self._has_losses_of_call
                    or array_masks.any_kept())

    def _compute(self, inputs, kwargs):
        """The result for arrays, by a plan that is kept for equal shapes and settings."""
        if self._traced_at != ArrayCalls._last_change:
            if max(layer._changed_at for layer in self._flatten_layers()) > self._traced_at:
                self._functions.clear()
            self._traced_at = ArrayCalls._last_change
        given = inputs = self._as_inputs(inputs)
        masks = array_masks.of(nest.flatten([inputs, kwargs]))      # by their place among the leaves
        inputs = nest.map_structure(self._array, inputs)
        limited = self._limited_inputs(inputs)
        for x, limit, why in limited:
            if isinstance(x, np.ndarray):
                check_indices(x, limit, why, title(self))
        kwargs = nest.map_structure(lambda x: self._array(x) if isinstance(x, np.ndarray) else x, kwargs)
        leaves = nest.flatten([inputs, kwargs])
        feeds = [isinstance(x, np.ndarray) or hasattr(x, '__fastkeras_tensor__') for x in leaves]
        arrays = [np.asarray(x) for x, fed in zip(leaves, feeds) if fed]
        training = kwargs.get('training', context.learning_phase())
        key = (repr(nest.map_structure(lambda x: '*' if isinstance(x, np.ndarray) else x, [inputs, kwargs])),
               bool(training), settings.generation(),
               tuple(layer.trainable for layer in self._flatten_layers()) if training else None, tuple(masks))
        function = self._functions.get(key)
        if function is None:
            fixed = [None if fed else x for x, fed in zip(leaves, feeds)]       # holds no array
            structure = nest.map_structure(lambda x: None, [inputs, kwargs])
            owners, places = [], tuple(masks)
            layer = weakref.ref(self)       # which holds the function

            def call(*tensors):
                rest = iter(tensors)
                leaves = [next(rest) if fed else x for x, fed in zip(fixed, feeds)]
                for place, mask in zip(places, rest):
                    leaves[place] = masked(leaves[place], mask)
                with context.no_collection():
                    result = layer()._run(*nest.pack(structure, leaves))
                first = len(owners)
                owners.extend(weakref.ref(owner) for owner, _ in active_trace().losses)
                of_result = {k: y._keras_mask for k, y in enumerate(nest.flatten(result))
                             if isinstance(y, Tensor) and y._keras_mask is not None}
                losses = {first + k: loss for k, (_, loss) in enumerate(active_trace().losses)}
                if not losses and not of_result and isinstance(result, Tensor):
                    return [result]
                return result, losses, of_result

            with outside_trace():
                function = self._functions[key] = Function(call, name=self.name), owners
        function, owners = function
        found = function(*arrays, *masks.values())
        if type(found) is list:
            if not kwargs and not limited and not masks and self._is_plain_call():
                self._open_way(function, given, arrays)
            result, losses, masks = *found, {}, {}
        else:
            result, losses, masks = found
        if masks:
            array_masks.keep(nest.flatten(result), masks)
        if losses or self._has_losses_of_call:
            self._keep_losses([(owners[k](), loss) for k, loss in losses.items()])
        collected = context.collection()
        if collected is not None:
            collected.extend(losses.values())
            if not collected.depth:
                collected.add_regularization(self)
        return result

    def _open_way(self, function, given, arrays):
        """Have calls on arrays just like those given, and nothing else, run the function at once until something changes."""
        members = given if type(given) in (list, tuple) else [given]
        if all(type(x) is np.ndarray for x in members):
            way = function.traced_for(arrays).open_way(type(given))
            if way is not None:
                ways = self._call_ways.get(settings.generation()) or Ways(MAX_TRACED)
                ways.add(way)
                self._call_ways = {**self._call_ways, settings.generation(): ways}

    def stateless_call(self, trainable_variables: Any, non_trainable_variables: Any, *args: Any, return_losses: bool = False,
                       **kwargs: Any) -> Any:
        """The layer called with other values of its weights: (outputs, new values of the non-trainable ones), with
        return_losses also the list of losses that the call added.

        trainable_variables, non_trainable_variables: values of the lists of those names. args, kwargs: of the call. Arrays or,
        inside a trace, tensors; the weights themselves stay as they are. ValueError before the layer is built, and for
        numbers or shapes that do not fit.
        """
        if not self.built:
            raise ValueError(f'{title(self)}: stateless_call needs its weights, and it is not built yet; call it on an '
                             f'input, or build(input_shape), first')
        trained = tuple(layer.trainable for layer in self._flatten_layers())
        return stateless.compiled(self, ('call', trained, return_losses), ArrayCalls._called_with, list(trainable_variables),
                                  list(non_trainable_variables), return_losses, args, kwargs)

    def _called_with(self, trainable, rest, return_losses, args, kwargs):
        variables = [*self.trainable_variables, *self.non_trainable_variables]
        count = len(self.trainable_variables)
        if len(trainable) != count or len(rest) != len(variables) - count:
            raise ValueError(f'{title(self)}: stateless_call expected values of {count} trainable and {len(variables) - count} '
                             f'other variables, got {len(trainable)} and {len(rest)}')

        def call():
            with context.no_collection():
                outputs = self(*args, **kwargs)
                return outputs, self.losses if return_losses else []

        (outputs, losses), held = stateless.with_values(variables, [*trainable, *rest], call)
        return (outputs, held[count:], losses) if return_losses else (outputs, held[count:])

    def _keep_losses(self, added):
        """Let the layers inside show what they added to the loss in this call, and no more what in an earlier one."""
        for layer in self._flatten_layers():
            layer._losses_of_call = [loss for owner, loss in added if owner is layer]
        self._has_losses_of_call = bool(added)

    def _limited_inputs(self, inputs):
        """[(x, limit, what sets it)] of those among the inputs whose numbers must lie in [0, limit)."""
        return ()

    def _as_inputs(self, inputs):
        """Inputs in which a nesting of plain numbers, as in [[1.0, 2.0]], is one array."""
        leaves = nest.flatten(inputs)
        plain = isinstance(inputs, (list, tuple)) and leaves and all(isinstance(x, (bool, int, float)) for x in leaves)
        return self._numbers(inputs) if plain else inputs

    def _numbers(self, x):
        try:
            return core.to_array(x)
        except (ValueError, TypeError) as error:
            raise ValueError(f'{title(self)}: expected an array of numbers: {error}') from None

    def _array(self, x):
        """x as an array of a type of ours: float64, NumPy's default, becomes the layer's own float type."""
        if x is None or hasattr(x, '__fastkeras_tensor__'):
            return x
        x = self._numbers(x)
        wanted = self.compute_dtype if x.dtype.kind == 'f' else x.dtype
        return np.asarray(x, wanted, order='C')

    def _tensor(self, x):
        """x as a tensor of the trace, where it is a number, an array or a variable."""
        if isinstance(x, np.ndarray):
            x = self._array(x)
        if isinstance(x, (np.ndarray, np.generic, int, float)) or hasattr(x, '__fastkeras_tensor__'):
            return core.tensor(x)
        return x
