"""RNN: a cell applied to each step of a sequence, as a loop of ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import generation, ops, regularizers
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable
from fastkeras.utils import nest

from . import cell_states, context, registry, tracking
from .base import InputSpec, Layer
from .calls import takes
from .cell_loop import Loop
from .checks import check_mask
from .given_states import GivenStates
from .input import InputLayer
from .input_spec import title
from .stacked_cells import StackedRNNCells

__all__ = ['RNN']


class RNN(GivenStates, Layer):
    """A cell applied to the steps of sequences (batch, steps, features…), one after another.

    cell: an object with `state_size` and `call(inputs, states)` → (outputs, new states), both of one step; or a list of
    cells, each of which gets the outputs of the one before it. state_size: a whole number or a shape, of which the batch is no
    part, for each state: one of them, or a list. The cell may have `output_size`, `build(input_shape)` if it is a layer,
    `get_initial_state(inputs, batch_size, dtype)` (any of these), and `call` may take `training` and `constants`. It is traced
    once, not called for each step.

    return_sequences: the outputs of all steps (batch, steps, …) instead of the last. return_state: [outputs, *states] instead
    of the outputs. go_backwards: from the last step to the first; the outputs are in the order in which they were made.
    stateful: a batch begins with the states in which the last one ended, row by row, until `reset_states`; the batch size must
    be fixed (batch_input_shape, batch_shape). unroll: needs a known number of steps, and changes nothing else.
    time_major: inputs, masks and sequences of outputs begin with (steps, batch). zero_output_for_mask: the outputs of masked
    steps are 0, where they otherwise repeat the output before them; states stay in any case.

    A call takes `mask` (batch, steps), `training`, `initial_state`: a tensor or array (batch, size), or a list of them, by
    default zeros; and `constants` for the cell's `call`. Inputs may also be the list [inputs, *initial_state, *constants].
    Raises ValueError for inputs without steps and features, states of another number or shape, a mask that does not fit.
    """

    supports_masking = True
    _exactly = None     # axes of the inputs, where the cell takes features alone
    _untracked = frozenset(('_states', 'state_spec', 'constants_spec'))
    _sequences, _ndim = '(batch, steps, features)', 3    # what it runs through, for messages
    _flags = ('return_sequences', 'return_state', 'go_backwards', 'stateful', 'unroll')
    _rare = ('zero_output_for_mask', 'time_major')      # written where they ask for something

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 stateful: bool = False, unroll: bool = False, zero_output_for_mask: bool = False,
                 time_major: bool = False, activity_regularizer: Any = None, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        cell_states.check(title(self), cell)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.time_major = time_major
        self.input_spec = [InputSpec(min_ndim=3, ndim=self._exactly)]
        self.state_spec = None
        self.constants_spec = None
        self._states = None

    # ---- arguments
    def _check_steps(self, shape):
        if self.unroll and len(shape) > 1 and shape[0 if self.time_major else 1] is None:
            raise ValueError(f'{title(self)}: unroll=True needs a known number of steps, got inputs of shape {shape}; give the '
                             f'Input a length')

    def assert_input_compatibility(self, inputs: Any) -> Any:
        x = inputs[0] if isinstance(inputs, (list, tuple)) and len(inputs) else inputs
        shape = tuple(x.shape)
        spec = self.input_spec[0] if isinstance(self.input_spec, list) else self.input_spec
        if len(shape) == self._ndim - 1 and not spec.accepts(shape):
            source = getattr(x, '_keras_history', None)
            before = f'the layer before, {source.layer.name!r},' if source and isinstance(source.layer, RNN) else (
                'a recurrent layer before it')
            cure = f'{before} needs return_sequences=True to give one output for each step'
            if source and isinstance(source.layer, InputLayer):
                cure = ('give the input an axis of steps, or put an Embedding between if it holds indices' if self._ndim == 3
                        else 'give the input an axis of steps')
            raise ValueError(f'{title(self)}: Input 0 is incompatible with the layer: expected ndim={self._ndim}, found '
                             f'ndim={len(shape)}: expected sequences {self._sequences}, got shape {shape}; {cure}')
        batch = self._batch(shape)
        if self._states is not None and batch not in (None, self._fixed_batch()) and len(shape) > 2:
            raise ValueError(f'{title(self)}: it is stateful, and its states are for batches of {self._fixed_batch()}, got '
                             f'inputs of shape {shape}: all batches must have the same size')
        if not spec.accepts(shape):
            raise ValueError(f'{title(self)}: Input 0 is incompatible with the layer: {spec.mismatch(shape)}')

    def _batch(self, shape):
        return shape[1 if self.time_major else 0] if len(shape) > 1 else None

    def _fixed_batch(self):
        return self._states[0].shape[0]

    # ---- building
    def build(self, input_shape: Any, initial_state_shape: Any = None) -> None:
        """Make the weights of the cell and, if stateful, the states. input_shape: of the inputs, or a list of shapes of inputs,
        states and constants."""
        shapes = nest.flatten_shapes(input_shape)
        constants = shapes[-self._num_constants:] if self._num_constants and len(shapes) > self._num_constants else []
        shape = shapes[0]
        step = (self._batch(shape), *shape[2:])
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build([step, *constants] if constants and takes(self.cell.call, 'constants') else step)
            self._name_weights()
        if self.stateful:
            self._make_states(self._batch(shape), step)
        batch = self._batch(shape) if self.stateful else None
        begin = (None, batch) if self.time_major else (batch, None)
        self.input_spec = [InputSpec(shape=(*begin, *shape[2:]))]
        self.built = True

    def _name_weights(self):
        """Weights of cells bear the layer's name, as in Keras 2: 'lstm_1/kernel:0'."""
        base, taken = context.scope_of(self), set()
        cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        for v in (v for cell in cells if isinstance(cell, Layer) for v in tracking.variables(cell)):
            last = v.name.rsplit('/', 1)[-1].removesuffix(':0')
            name, k = last, 0
            while name in taken:
                k += 1
                name = f'{last}_{k}'
            taken.add(name)
            v.name = f'{base}/{name}:0'

    # ---- states
    @property
    def states(self) -> Any:
        """The states from batch to batch, Variables; a list of None in a layer that is not stateful, or not built."""
        if self._states is None:
            return [None] * len(nest.flatten(cell_states.structure(self.cell)))
        return self._states

    @property
    def state_size(self) -> Any:
        """The cell's state_size, as a list."""
        return nest.to_list(self.cell.state_size)

    def _make_states(self, batch, step):
        if batch is None:
            raise ValueError(f'{title(self)}: if a RNN is stateful, it needs to know its batch size, got inputs of an '
                             'unknown one; give '
                             f'batch_input_shape=(batch, steps, features) to the first layer of a Sequential model, or '
                             f'batch_shape to Input')
        example = np.zeros((batch, 1, *(d or 1 for d in step[1:])), self.compute_dtype)
        zeros = nest.flatten(self.get_initial_state(example))
        self._states = [Variable(np.asarray(z), trainable=False, name=f'{self.name}/state_{k}') for k, z in enumerate(zeros)]

    def reset_states(self, states: Any = None) -> None:
        """Let the next batch begin with zeros, or with `states`: an array (batch, size), or a list of one for each state.

        Raises AttributeError in a layer that is not stateful, ValueError for arrays of another number or shape."""
        if not self.stateful:
            raise AttributeError(f'{title(self)}: it keeps no states between batches; make it with stateful=True')
        if self._states is None:
            raise ValueError(f'{title(self)}: it has no states yet, since its batch size is not known; call it, or build it '
                             f'with a fixed batch size, first')
        if states is None:
            for v in self._states:
                v.assign(np.zeros(v.shape, v.dtype))
            return
        states = [np.asarray(s) for s in nest.flatten(states)] if isinstance(states, (list, tuple)) else [np.asarray(states)]
        if len(states) != len(self._states):
            raise ValueError(f'{title(self)}: expected {len(self._states)} states, got {len(states)}')
        for k, (v, s) in enumerate(zip(self._states, states)):
            if s.shape != v.shape:
                raise ValueError(f'{title(self)}: expected state {k} to have shape {v.shape}, got {s.shape}')
        for v, s in zip(self._states, states):
            v.assign(s.astype(v.dtype))

    reset_state = reset_states      # Keras 3's word

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The states in which a batch begins that is given none, a list: the cell's own, or zeros. inputs: the sequences, of
        which the batch size is read; or a batch size (Keras 3)."""
        if isinstance(inputs, (int, np.integer)):
            inputs, batch_size = None, int(inputs)
        if batch_size is None and inputs is not None:
            batch_size = self._batch(tuple(inputs.shape))
        return cell_states.first(self.cell, inputs, batch_size, dtype or self.compute_dtype)

    # ---- computing
    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None,
             constants: Any = None) -> Any:
        x, initial_state, constants = self._separated(inputs, initial_state, constants)
        if constants and not takes(self.cell.call, 'constants'):
            raise ValueError(f'{title(self)}: constants were given, but the call of its cell {type(self.cell).__name__} takes '
                             f'no argument of that name')
        mask = self._mask(mask, x)
        steps = x.shape[0 if self.time_major else 1]
        if steps == 0:
            raise ValueError(f'{title(self)}: expected sequences of at least one step, got inputs of shape {tuple(x.shape)}')
        if steps is None:
            x, mask = self._one_step(x), None if mask is None else self._one_step(mask)
        states, zero = self._first_states(x, initial_state)
        last, outputs, states = self.inner_loop(x, states, mask, training, constants, zero)
        if self.stateful:
            for v, s in zip(self._states, states):
                v.assign(s)
        if self.return_sequences:
            y = outputs
            if steps is None:
                shape = list(y.shape)
                shape[0 if self.time_major else 1] = None
                y = Tensor('input', (), {}, tuple(shape), y.dtype)
        else:
            y = last
        if not self.return_state:
            return y
        if generation.of('recurrent.nested_states'):
            return (y, *nest.pack(cell_states.structure(self.cell), states))
        return [y, *states]

    def _one_step(self, x):
        """What stands for a tensor whose number of steps is open, as while a model is described: one of a single step."""
        shape = list(x.shape)
        shape[0 if self.time_major else 1] = 1
        return Tensor('input', (), {}, tuple(shape), x.dtype)

    def _first_states(self, x, initial_state):
        """(the first states as a flat list of tensors, whether they are known to be zero)."""
        batch = self._batch(tuple(x.shape))
        if initial_state is None and self.stateful:
            return [v.value for v in self._states], False
        default = nest.flatten(self.get_initial_state(x))
        if initial_state is None:
            return [core.tensor(s) for s in default], not cell_states.has_own(self.cell)
        if len(initial_state) != len(default):
            raise ValueError(f'{title(self)}: an `initial_state` was passed that is not compatible with '
                             f'`cell.state_size`: expected {len(default)} tensor{"s" * (len(default) > 1)}, '
                             f'one for each state of {type(self.cell).__name__}, got {len(initial_state)}')
        states = []
        for k, (s, d) in enumerate(zip(initial_state, default)):
            s, want = core.tensor(s), (batch, *d.shape[1:])
            if len(s.shape) != len(want) or any(None not in (a, b) and a != b for a, b in zip(s.shape, want)):
                raise ValueError(f'{title(self)}: expected initial_state[{k}] to have shape {want}, got {tuple(s.shape)}')
            if batch is None and s.shape[0] is not None:    # values, while a model is described for any batch
                s = Tensor('input', (), {}, (None, *s.shape[1:]), s.dtype)
            states.append(s if s.dtype == d.dtype else ops.cast(s, d.dtype))
        return states, False

    def _mask(self, mask, x):
        """The mask of the steps as truth values, or None; that of several inputs is the first one's."""
        mask = mask[0] if isinstance(mask, (list, tuple)) and len(mask) else mask
        if mask is None:
            return None
        mask = core.tensor(mask)
        if len(mask.shape) == 3 and mask.shape[2] == 1:
            mask = ops.squeeze(mask, 2)
        check_mask(self, mask, x, x.shape[:2])
        return mask if mask.dtype == 'bool' else ops.not_equal(mask, 0)

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False, constants: Any = None,
                   zero: bool = False) -> Any:
        """(the last output, the outputs of all steps or None where they are not returned, list of the last states), inside a
        trace. zero: whether all of initial_state, a list, is known to be 0."""
        x, states = sequences, nest.flatten(initial_state)
        if not self.time_major:
            x, mask = swapped(x), None if mask is None else swapped(mask)
        cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        own = self.cell.split(states) if isinstance(self.cell, StackedRNNCells) else [states]
        zeros_first = self.unroll or not generation.of('recurrent.masked_before_first_step_is_state')
        new = []
        for k, (cell, part) in enumerate(zip(cells, own)):
            final = k == len(cells) - 1
            loop = Loop(cell, training, constants, mask, reverse=self.go_backwards,
                        sequences=self.return_sequences or not final, zero_output=self.zero_output_for_mask and final,
                        zeros_first=zeros_first and not zero)
            x, last, part = loop.run(x, part)
            for loss in loop.losses:
                self._collect_loss(loss)
            new.append(part)
        if self.return_sequences:
            if self.go_backwards:
                x = ops.flip(x, 0)
            if not self.time_major:
                x = swapped(x)
        states = self.cell.joined(new) if isinstance(self.cell, StackedRNNCells) else new[0]
        return last, x if self.return_sequences else None, states

    # ---- shapes, masks, configuration
    def compute_output_shape(self, input_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = nest.flatten_shapes(input_shape)[0]
        batch, steps = self._batch(shape), shape[0 if self.time_major else 1]
        states = nest.map_structure(lambda s: (batch, *s.sizes), cell_states.structure(self.cell))
        output = (batch, *cell_states.output(self.cell))
        if self.return_sequences:
            output = (steps, *output) if self.time_major else (batch, steps, *output[1:])
        if not self.return_state:
            return output
        if generation.of('recurrent.nested_states'):
            return (output, *states)
        return [output, *nest.flatten_shapes(states)]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) and len(mask) else mask
        own = mask if self.return_sequences else None
        return [own, *([None] * len(self.states))] if self.return_state else own

    def _with_rare(self, config):
        three = generation.of('config.module_and_registered_name')
        config.update({k: getattr(self, k) for k in self._rare if getattr(self, k) or three and k != 'time_major'})
        return config

    def get_config(self) -> dict[str, Any]:
        config = self._with_rare(self._config_with(*self._flags))
        config['cell'] = registry.serialize(self.cell)
        if self._num_constants is not None:
            config['num_constants'] = self._num_constants
        if self.activity_regularizer is not None:
            config['activity_regularizer'] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer of a configuration. custom_objects: names of cells of one's own."""
        config = dict(config)
        number = config.pop('num_constants', None)
        if isinstance(config.get('cell'), dict):
            config['cell'] = registry.deserialize(config['cell'], custom_objects)
        layer = super().from_config(config)
        layer._num_constants = number
        return layer


def swapped(x):
    """x with its first two axes exchanged."""
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))
