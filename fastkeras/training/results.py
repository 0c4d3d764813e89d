"""What the loss and metric functions of a user return, made into tensors of the step that is traced."""

from contextlib import contextmanager

from fastkeras import ops
from fastkeras.graph import toposort
from fastkeras.layers.present import in_trace
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.utils.errors import noted


@contextmanager
def naming(what):
    """An error of a user's function says which it was; a ValueError of an op begins with it. what: names the function."""
    try:
        yield
    except Exception as error:
        if type(error) is ValueError and str(error).startswith('['):
            raise ValueError(f'{what}: {error}') from error
        noted(error, f'in {what}')
        raise


def as_result(value, what, like):
    """What a function returned as a tensor; a constant takes the float type of `like`. what: names the function in
    the ValueError for None and for what holds no numbers."""
    if value is None:
        raise ValueError(f'{what} returned None; it must return a tensor, an array or a number (is a return missing?)')
    try:
        value = ops.convert_to_tensor(value)
        if not isinstance(value, Tensor):
            value = core.tensor(value, like.dtype if value.dtype.kind == 'f' and like.dtype in core.FLOATS else None)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{what} must return a tensor, an array or a number, got {value!r:.80}: {error}') from None
    return value


def with_step_values(tensor, values, what):
    """The tensor with the values of this step in place of the Keras tensors of the model that a function has closed
    over.

    values: id of a Keras tensor → its tensor in this trace. ValueError, naming the function, for a Keras tensor that
    the model does not compute.
    """
    def missing(leaf):
        return ValueError(f'{what} uses the Keras tensor {leaf!r}, which cannot be computed from the inputs of the model: it '
                          f'depends on an input of another')
    return in_trace(tensor, values, missing)


def depends_on(tensor, variables):
    """Whether the tensor is computed from one of the variables."""
    wanted = {id(v) for v in variables}
    return any(node.op == 'variable' and id(node.attrs['var']) in wanted for node in toposort([tensor]))
