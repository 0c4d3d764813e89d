"""A Variable that adds up more numbers than its type can count."""

import numpy as np

from fastkeras import ops
from fastkeras.runtime import Variable, active_trace


class Accumulator(Variable):
    """A float32 Variable whose `assign_add` loses nothing: what does not fit into the sum is kept in `rest`, and added
    when it does. The value is the float32 nearest to the exact sum, which two float32 hold up to 2^48; alone, one
    stands still at 2^24 when ones are added to it."""

    def __init__(self, initial, name=None):
        super().__init__(initial, dtype='float32', trainable=False, name=name)
        self.rest = Variable(np.zeros(self.shape, 'float32'), trainable=False, name=f'{self.name}/rest')

    def assign(self, value):
        """Set the value; it then has no rest."""
        self.rest.assign(np.zeros(self.shape, 'float32'))
        return super().assign(value)

    def assign_add(self, value):
        """Add numbers of the shape, or one number to all."""
        if active_trace() is None:
            exact = self.exact() + np.asarray(value, 'float64')
            with np.errstate(invalid='ignore'):     # inf has no rest
                total = exact.astype('float32')
                rest = exact - total
            super().assign(total)
            self.rest.assign(np.where(np.isfinite(rest), rest, 0.0))
            return self
        total, value = self.value, ops.cast(ops.convert_to_tensor(value), 'float32')
        # Knuth's and Dekker's sums of two numbers with what is rounded off
        added = total + value
        of_value = added - total
        rest = self.rest.value + _number((total - (added - of_value)) + (value - of_value))
        nearest = added + rest
        self.rest.assign(_number(rest - (nearest - added)))
        return super().assign(nearest)

    def exact(self):
        """The sum as float64, exact up to 2^48."""
        return self.array.astype('float64') + self.rest.array

    def __deepcopy__(self, memo):
        copied = Accumulator(self.array.copy(), name=self.name)
        copied.rest.assign(self.rest.array)
        return copied


def _number(x):
    """x, and 0 where it is NaN: of an infinite sum nothing is rounded off."""
    return ops.where(ops.equal(x, x), x, 0.0)
