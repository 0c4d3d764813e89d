"""Bases of recurrent layers as code for Keras 2.0 derives them: the layer itself defines what a step does."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings

from .base import InputSpec
from .checks import count, numbers, one_of
from .convolutional_recurrent import output_of, shapes_of_images, zeros
from .input_spec import title
from .rnn import RNN

__all__ = ['ConvRecurrent2D', 'Recurrent']


class _Step:
    """The cell of such a layer: its `step`."""

    def __init__(self, layer):
        self.layer = layer

    @property
    def state_size(self):
        return [getattr(self.layer, 'units', 1)] * self.layer._number_of_states

    def call(self, inputs, states, constants=None):
        return self.layer.step(inputs, [*states, *(constants or [])])


class Recurrent(RNN):
    """Base of recurrent layers of one's own, as in Keras before 2.1; new ones are written as cells for RNN.

    The derived class sets `units` and defines `step(inputs, states)` → (outputs, new states), which sees what
    `get_constants(inputs)` gave behind the states. Its `build(input_shape)` makes the weights and says how many states
    there are by `self.states = [None, …]`; they begin as zeros (batch, units), or as `get_initial_state(inputs)` says.
    `preprocess_input(inputs)` gives what the steps are taken from. The arguments are those of RNN; implementation is kept
    for the derived class.
    """

    _number_of_states = 1

    def __init__(self, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 stateful: bool = False, unroll: bool = False, implementation: int = 0, **kwargs: Any) -> None:
        super().__init__(_Step(self), return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)
        self.implementation = one_of(self, 'implementation', implementation, (0, 1, 2))
        self.input_spec = [InputSpec(ndim=self._ndim)]

    # ---- what a derived class defines
    def step(self, inputs: Any, states: Any) -> Any:
        """(outputs, new states) of one step. NotImplementedError in this class."""
        raise NotImplementedError(f'{title(self)}: a class derived from Recurrent defines step(inputs, states)')

    def get_constants(self, inputs: Any, training: Any = None) -> list[Any]:
        """What each step sees behind its states: a list."""
        return []

    def preprocess_input(self, inputs: Any, training: Any = None) -> Any:
        """What the steps are taken from: the inputs."""
        return inputs

    # ---- states
    @property
    def states(self) -> Any:
        """The states from batch to batch, or a list of None; may be set to a list of None to say how many there are."""
        return [None] * self._number_of_states if self._states is None else self._states

    @states.setter
    def states(self, values: Any) -> None:
        self._number_of_states = len(values)
        if any(v is not None for v in values):
            raise ValueError(f'{title(self)}: expected states to be set to a list of None, one for each; reset_states(values) '
                             f'gives them values')
        self._states = None

    def reset_states(self, states: Any = None) -> None:
        if self.stateful and self._states is None:
            shape = self.input_spec[0].shape or (None,) * self._ndim
            self._make_states(shape[0], (shape[0], *shape[2:]))
        super().reset_states(states)

    # ---- computing
    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        x, initial_state, _ = self._separated(inputs, initial_state, None)
        constants = list(self.get_constants(x, training=training))
        x = self.preprocess_input(x, training=training)
        return super().call(x, mask, training, initial_state, constants or None)

    def get_config(self) -> dict[str, Any]:
        return self._with_rare(self._config_with(*self._flags, 'implementation'))


class ConvRecurrent2D(Recurrent):
    """Recurrent for sequences of images (batch, steps, rows, columns, channels), or (batch, steps, channels, rows, columns)
    with data_format 'channels_first'.

    filters: channels of states and outputs, which are of the size that a convolution with kernel_size, strides, padding and
    dilation_rate gives. The derived class defines what Recurrent asks for; new ones are cells for ConvRNN2D.
    """

    _ndim, _sequences = 5, '(batch, steps, rows, columns, channels)'

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = 'valid',
                 data_format: str | None = None, dilation_rate: Any = (1, 1), return_sequences: bool = False,
                 go_backwards: bool = False, stateful: bool = False, **kwargs: Any) -> None:
        super().__init__(return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful, **kwargs)
        self.filters = count(self, 'filters', filters)
        self.kernel_size = numbers(self, 'kernel_size', kernel_size, 2)
        self.strides = numbers(self, 'strides', strides, 2)
        self.padding = one_of(self, 'padding', padding, ('valid', 'same'))
        self.data_format = settings.standardize_data_format(data_format)
        self.dilation_rate = numbers(self, 'dilation_rate', dilation_rate, 2)

    def get_initial_state(self, inputs: Any) -> Any:
        """Zeros of the shape of the output, one tensor for each state. inputs: the sequences."""
        shape = output_of(self, (inputs.shape[0], *inputs.shape[2:]), self.filters)
        return [zeros(shape, self.compute_dtype) for _ in range(self._number_of_states)]

    def compute_output_shape(self, input_shape: Any, initial_state_shape: Any = None) -> Any:
        return shapes_of_images(self, self, input_shape)

    def get_config(self) -> dict[str, Any]:
        names = ('filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate')
        return {**super().get_config(), **{k: getattr(self, k) for k in names}}
