"""SimpleRNN, GRU and LSTM: RNN with the cell of that name."""

from __future__ import annotations

import re
from typing import Any

from fastkeras import generation, regularizers
from fastkeras.generation import IMPLEMENTATION, RECURRENT_ACTIVATION, RESET_AFTER, shown
from fastkeras.utils.errors import keywords, unknown_argument

from .construction import parameters_of
from .recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell, given
from .rnn import RNN

__all__ = ['GRU', 'LSTM', 'SimpleRNN']


def cell_attributes(layer):
    """The attributes of the cell, such as units, as attributes of the layer."""
    for name in layer.cell_class._attributes:
        setattr(layer, name, property(lambda self, name=name: getattr(self.cell, name), doc=f'The cell\'s {name}.'))
    return layer


class _OwnCell(RNN):
    """Base of those that make their cell of their own arguments."""

    cell_class: Any = None
    _elsewhere = {**RNN._elsewhere, 'cell': ...}

    def __init__(self, arguments):
        names, _ = parameters_of(self.cell_class.__init__)
        of_cell = {k: arguments.pop(k) for k in names if k in arguments and k != 'self'}
        if arguments.get('dtype') is not None:
            of_cell['dtype'] = arguments['dtype']
        use_cudnn = arguments.pop('use_cudnn', 'auto')
        if use_cudnn not in ('auto', True, False):
            raise ValueError(f'{type(self).__name__}: expected use_cudnn to be \'auto\', True or False, got {use_cudnn!r}')
        if 'cell' in arguments:
            raise unknown_argument(type(self).__name__, 'cell', keywords(type(self).__init__)[0])
        super().__init__(self._cell_of(of_cell, arguments.get('name')), **arguments)
        self.use_cudnn = use_cudnn

    def _cell_of(self, arguments, name):
        """The cell; what is wrong with its arguments is told in the layer's name, which alone the caller knows."""
        try:
            return self.cell_class(**arguments)
        except ValueError as error:
            cell, kind = self.cell_class.__name__, type(self).__name__
            owner = f'{kind} layer {name!r}' if name else kind
            raise ValueError(re.sub(rf"^{cell} layer '[^']*'", owner, str(error))) from None

    def get_config(self) -> dict[str, Any]:
        names = self.cell_class._attributes
        three = generation.of('config.module_and_registered_name')
        if self.cell.seed is not None or three and 'dropout' in names:
            names += ('seed',)
        config = self._with_rare(self._config_with(*self._flags, *names))
        config['activity_regularizer'] = regularizers.serialize(self.activity_regularizer)
        return config

    seed = property(lambda self: self.cell.seed, doc='Of the masks of dropout.')


@cell_attributes
class SimpleRNN(_OwnCell):
    """A recurrent layer: h[t] = activation(x[t] · kernel + h[t - 1] · recurrent_kernel + bias).

    units: size of the outputs and of the state. dropout, recurrent_dropout: shares of the inputs and of the state that are 0
    in training, the same for all steps of a batch; seed: of these. Others as RNN. Inputs (batch, steps, features); outputs
    (batch, units), or with return_sequences (batch, steps, units). Weights as SimpleRNNCell. implementation: accepted, there
    is one.
    """

    cell_class, _exactly = SimpleRNNCell, 3

    def __init__(self, units: int, activation: Any = 'tanh', use_bias: bool = True,
                 kernel_initializer: Any = 'glorot_uniform', recurrent_initializer: Any = 'orthogonal',
                 bias_initializer: Any = 'zeros', kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False, seed: Any = None,
                 **kwargs: Any) -> None:
        arguments = given(locals())
        arguments.pop('implementation', None)
        super().__init__(arguments)


@cell_attributes
class GRU(_OwnCell):
    """Gated recurrent units (Cho et al. 2014), see GRUCell for the formula and the weights.

    units: size of the outputs and of the state. recurrent_activation: of the gates; hard_sigmoid unless generation 3 is set,
    then sigmoid. reset_after: False unless generation 3 is set; True is what cuDNN computes. dropout, recurrent_dropout:
    shares of the inputs and of the state that are 0 in training, the same for all steps of a batch; with implementation 1
    other ones for each gate. seed: of these. use_cudnn: accepted, there is no cuDNN. Others as RNN. Inputs (batch, steps,
    features); outputs (batch, units), or with return_sequences (batch, steps, units).
    """

    cell_class, _exactly = GRUCell, 3

    @shown
    def __init__(self, units: int, activation: Any = 'tanh', recurrent_activation: Any = RECURRENT_ACTIVATION,
                 use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform',
                 recurrent_initializer: Any = 'orthogonal', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
                 implementation: int = IMPLEMENTATION, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 reset_after: bool = RESET_AFTER, seed: Any = None, use_cudnn: Any = 'auto', **kwargs: Any) -> None:
        super().__init__(given(locals()))


@cell_attributes
class LSTM(_OwnCell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), see LSTMCell for the formula and the weights.

    units: size of the outputs and of both states [output, cell]. recurrent_activation: of the gates; hard_sigmoid unless
    generation 3 is set, then sigmoid. unit_forget_bias: the forget gate's bias begins at 1. dropout, recurrent_dropout: shares
    of the inputs and of the output that are 0 in training, the same for all steps of a batch; with implementation 1 other ones
    for each gate. seed: of these. use_cudnn: accepted, there is no cuDNN. Others as RNN. Inputs (batch, steps, features);
    outputs (batch, units), or with return_sequences (batch, steps, units).
    """

    cell_class, _exactly = LSTMCell, 3

    @shown
    def __init__(self, units: int, activation: Any = 'tanh', recurrent_activation: Any = RECURRENT_ACTIVATION,
                 use_bias: bool = True, kernel_initializer: Any = 'glorot_uniform',
                 recurrent_initializer: Any = 'orthogonal', bias_initializer: Any = 'zeros', unit_forget_bias: bool = True,
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
                 implementation: int = IMPLEMENTATION, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False, seed: Any = None,
                 use_cudnn: Any = 'auto', **kwargs: Any) -> None:
        super().__init__(given(locals()))
