"""Penalties on weights and activations: callables from a tensor to a scalar to add to the loss."""

from fastkeras import ops
from fastkeras.generation import L1_L2_FACTOR, chosen
from fastkeras.saving import objects
from fastkeras.utils.errors import Spelled
from fastkeras.utils.quantities import as_number


def _factor(owner, name, value):
    value = 0.0 if value is None else value
    number = as_number(value)
    if number is None or not abs(number) < float('inf'):
        raise ValueError(f'{owner}: expected a finite number for {name}, got {value!r}')
    return number


class Regularizer(Spelled):
    """Base: define `__call__(x)` → scalar and, to be saved, `get_config()`."""

    def __call__(self, x):
        return 0.0

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_config(self):
        """The constructor's arguments; a subclass with arguments returns them."""
        return {}


class L1L2(Regularizer):
    """l1 · sum |x| + l2 · sum x²."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor(type(self).__name__, 'l1', l1)
        self.l2 = _factor(type(self).__name__, 'l2', l2)

    def __call__(self, x):
        x = ops.convert_to_tensor(x)
        penalty = self.l1 * ops.sum(ops.absolute(x)) if self.l1 else None
        if self.l2:
            square = self.l2 * ops.sum(ops.square(x))
            penalty = square if penalty is None else penalty + square
        return ops.convert_to_tensor(0.0, dtype=x.dtype) if penalty is None else penalty

    def get_config(self):
        return {'l1': self.l1, 'l2': self.l2}


class L1(L1L2):
    """l1 · sum |x|."""

    def __init__(self, l1=0.01):
        super().__init__(l1=l1)

    def get_config(self):
        return {'l1': self.l1}


class L2(L1L2):
    """l2 · sum x²."""

    def __init__(self, l2=0.01):
        super().__init__(l2=l2)

    def get_config(self):
        return {'l2': self.l2}


class OrthogonalRegularizer(Regularizer):
    """Half the mean of |cosine| between all pairs of rows (or columns) of a matrix, times `factor`.

    mode: 'rows' or 'columns'. ValueError for another mode or an input that is no matrix.
    """

    def __init__(self, factor=0.01, mode='rows'):
        self.factor = _factor('OrthogonalRegularizer', 'factor', factor)
        if mode not in ('rows', 'columns'):
            raise ValueError(f"OrthogonalRegularizer: expected mode 'rows' or 'columns', got {mode!r}")
        self.mode = mode

    def __call__(self, inputs):
        x = ops.convert_to_tensor(inputs)
        if len(x.shape) != 2:
            raise ValueError(f'OrthogonalRegularizer: expected a matrix, got the shape {tuple(x.shape)}')
        if self.mode == 'columns':
            x = ops.transpose(x)
        x = x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=1, keepdims=True), 1e-12))
        cosines = ops.matmul(x, ops.transpose(x))
        n = x.shape[0]
        off_diagonal = ops.absolute(cosines * (1.0 - ops.eye(n, dtype=x.dtype)))
        return ops.sum(off_diagonal) * (0.5 * self.factor / max(n * (n - 1) / 2.0, 1.0))

    def get_config(self):
        return {'factor': self.factor, 'mode': self.mode}


def l1(l=0.01, l1=None):
    """A penalty l1 · sum |x| (Keras 2 calls the factor `l`)."""
    return L1L2(l1=l if l1 is None else l1)


def l2(l=0.01, l2=None):
    """A penalty l2 · sum x² (Keras 2 calls the factor `l`)."""
    return L1L2(l2=l if l2 is None else l2)


def l1_l2(l1=L1_L2_FACTOR, l2=L1_L2_FACTOR):
    """A penalty l1 · sum |x| + l2 · sum x²; the factors are 0.01 each unless given, 0 in generation 3."""
    return L1L2(l1=chosen(l1), l2=chosen(l2))


orthogonal_regularizer = OrthogonalRegularizer

_TABLE = {'Regularizer': Regularizer, 'L1L2': L1L2, 'L1': L1, 'L2': L2, 'OrthogonalRegularizer': OrthogonalRegularizer,
          'l1': l1, 'l2': l2, 'l1_l2': l1_l2, 'orthogonal_regularizer': OrthogonalRegularizer}
objects.add_family('regularizers', _TABLE)
objects.add_slot('regularizer', Regularizer, functions=True)


def serialize(regularizer):
    """The configuration of a regularizer, or the name of a function."""
    return objects.serialize(regularizer, table=_TABLE)


def deserialize(config, custom_objects=None):
    """The regularizer of a configuration."""
    return objects.deserialize('regularizer', config, _TABLE, custom_objects)


def get(identifier):
    """A regularizer by name, configuration or itself; None stays None. ValueError for an unknown name."""
    if isinstance(identifier, str) and identifier in ('l1', 'l2', 'l1_l2'):
        return _TABLE[identifier]()
    return objects.resolve('regularizer', identifier, _TABLE)
