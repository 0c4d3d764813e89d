"""A loss that is NaN or infinite: said once, with the number in the data that may be to blame.

The data are looked at only once such a loss is seen.
"""

import math

import numpy as np

from fastkeras.utils.errors import place, warn


def all_of(value):
    """Whether a number, or all of an array, is finite."""
    return math.isfinite(value) if isinstance(value, float) else bool(np.isfinite(value).all())


def check(model, loss, where, slots=(), arrays=(), rows=None):
    """Warn, once for each compile, of a loss that is inf or NaN. where: the method, or the batch and epoch. slots, arrays:
    what the batch was made of; rows: the numbers of its samples in the user's arrays, None where there are none."""
    if all_of(loss) or model._warned_of_loss:
        return
    model._warned_of_loss = True
    warn(f'the loss of model {model.name!r} is {loss} {where}: {blame(slots, arrays, rows)}', RuntimeWarning)


def blame(slots, arrays, rows=None):
    """What may have made a loss inf or NaN, in words: the first number of the arrays that is not finite, or advice."""
    for slot, array in zip(slots, arrays):
        if array.dtype.kind == 'f':
            bad = ~np.isfinite(array)
            if bad.any():
                at = np.unravel_index(int(np.argmax(bad)), array.shape)
                row = at[0] if rows is None else rows[at[0]]
                where = place((int(row), *map(int, at[1:]))) + (' of the batch' if rows is None else '')
                return f'{slot} holds {array[at]} {where}; leave such samples out, or fill them in, as by np.nan_to_num'
    return 'a lower learning rate, clipnorm or scaled inputs may help'
