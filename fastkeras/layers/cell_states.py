"""What a cell says of its states and outputs: sizes, and how they begin."""

import inspect

from fastkeras import config, ops
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest

from .calls import takes


class Sizes:
    """The shape of a state without the batch."""

    __slots__ = ('sizes',)

    def __init__(self, *sizes):
        self.sizes = sizes


def check(owner, cell):
    """ValueError for what is no cell."""
    if not hasattr(cell, 'call'):
        raise ValueError(f'{owner}: expected a cell with a method call(inputs, states), got {cell!r:.80}')
    if not hasattr(cell, 'state_size'):
        raise ValueError(f'{owner}: expected a cell with an attribute state_size, a whole number or a list of them, got '
                         f'{type(cell).__name__} without one')


def _sizes(size):
    if isinstance(size, Sizes):
        return size
    if hasattr(size, '__index__'):
        return Sizes(int(size))
    if hasattr(size, 'as_list'):        # a TensorShape
        return Sizes(*size.as_list())
    if isinstance(size, (list, tuple)):
        return [_sizes(s) for s in size]
    raise ValueError(f'state_size: expected a whole number, a shape, or a list of them, got {size!r}')


def structure(cell):
    """The list, or nesting of lists, of Sizes that a cell's state_size stands for."""
    if hasattr(cell, 'structure'):
        return cell.structure()
    if has_own(cell) and _asks_no_inputs(cell.get_initial_state):       # it knows what state_size has no words for
        return nest.map_structure(lambda x: Sizes(*x.shape[1:]), first(cell, None, 1, config.floatx()))
    made = _sizes(cell.state_size)
    return made if isinstance(made, list) else [made]


def _asks_no_inputs(function):
    parameters = inspect.signature(function).parameters
    return 'inputs' not in parameters or parameters['inputs'].default is None


def output(cell):
    """The shape of a cell's outputs without the batch: its output_size, else that of its first state."""
    size = getattr(cell, 'output_size', None)
    if size is None:
        return nest.flatten(structure(cell))[0].sizes
    if isinstance(size, (list, tuple)):
        return tuple(size)
    return _sizes(size).sizes


def at_once(cell):
    """Whether a cell's `before_loop` stands for its `call`; not where a class derived from it has a `call` of its own."""
    bases = type(cell).__mro__
    loop, call = (next((k for k, c in enumerate(bases) if name in vars(c)), len(bases)) for name in ('before_loop', 'call'))
    return loop < len(bases) and loop <= call


def has_own(cell):
    """Whether a cell may begin with something else than zeros."""
    if hasattr(cell, 'cells'):
        return any(map(has_own, cell.cells))
    return hasattr(cell, 'get_initial_state') and not at_once(cell)


def first(cell, inputs, batch, dtype):
    """A list, or nesting of lists, of the states in which a cell begins."""
    own = getattr(cell, 'get_initial_state', None)
    known = 1 if batch is None else batch       # of an open batch only the other sizes are asked
    if own is None:
        made = nest.map_structure(lambda s: ops.zeros((known, *s.sizes), dtype), structure(cell))
    else:
        offered = {'inputs': inputs, 'batch_size': known, 'dtype': dtype}
        wanted = {k: v for k, v in offered.items() if takes(own, k)}
        made = own(**wanted) if wanted else own(known)
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    return made if batch is not None else nest.map_structure(_open, made)


def _open(x):
    x = core.tensor(x)
    return Tensor('input', (), {}, (None, *x.shape[1:]), x.dtype)
