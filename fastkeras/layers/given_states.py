"""Calls of recurrent layers, which may be given states and constants beside their inputs."""

from __future__ import annotations

from typing import Any

from fastkeras import generation
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest

from .input_spec import title


class GivenStates:
    """Mixin of recurrent layers: initial_state and constants, as arguments of a call or in a list with the inputs."""

    _num_constants = None

    def __call__(self, inputs: Any = None, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """The layer applied to sequences; see the class. Positions are those of both Kerases: initial_state second."""
        inputs = kwargs.pop('sequences', inputs)
        inputs, initial_state, constants = self._separated(inputs, initial_state, constants)
        self._check_steps(tuple(getattr(inputs, 'shape', ())))
        if constants is not None:
            self._num_constants = len(constants)
        more = (initial_state or []) + (constants or [])
        as_inputs = not generation.of('config.module_and_registered_name')     # Keras 2 records them so
        if more and as_inputs and all(isinstance(t, Tensor) for t in (inputs, *more)):
            return super().__call__([inputs, *more], **kwargs)
        if initial_state is not None:
            kwargs['initial_state'] = initial_state
        if constants is not None:
            kwargs['constants'] = constants
        return super().__call__(inputs, **kwargs)

    def get_losses_for(self, inputs: Any = None) -> Any:
        return super().get_losses_for(inputs)

    def _separated(self, inputs, initial_state, constants):
        """(inputs, list of states or None, list of constants or None); inputs may hold the others too."""
        many = isinstance(inputs, (list, tuple)) and any(hasattr(x, 'shape') for x in nest.flatten(inputs))
        if many:
            inputs = list(inputs)
            if initial_state is None and constants is None and self._num_constants:
                inputs, constants = inputs[:-self._num_constants], inputs[-self._num_constants:]
            if initial_state is None and len(inputs) > 1:
                inputs, initial_state = inputs[:1], inputs[1:]
            if len(inputs) != 1:
                raise ValueError(f'{title(self)}: initial_state is given twice, with the inputs and by itself')
            inputs = inputs[0]
        if initial_state is not None:
            initial_state = nest.flatten(initial_state)
            wrong = [s for s in initial_state if not hasattr(s, 'shape')]
            if wrong:
                raise ValueError(f'{title(self)}: expected initial_state to be tensors or arrays, one for each state, got '
                                 f'{wrong[0]!r:.80}')
        return inputs, initial_state, None if constants is None else nest.to_list(constants)

    def _check_steps(self, shape):
        """ValueError for inputs of a shape that the layer cannot run through."""

    def _build_for(self, inputs, kwargs):
        more = [*nest.flatten(kwargs.get('initial_state', [])), *nest.flatten(kwargs.get('constants', []))]
        super()._build_for([*nest.to_list(inputs), *more] if more else inputs, {})
