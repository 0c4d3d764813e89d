"""Inputs whose numbers point into a table: looked at before they are used, so that an error can say which one is wrong."""

import numpy as np

from fastkeras.utils.errors import place


def check_indices(array, limit, why, where):
    """ValueError unless all numbers, cut off towards 0, lie in [0, limit). why: what sets the limit; where: what the array
    is."""
    if not array.size or array.dtype.kind == 'b':
        return
    if array.dtype.kind == 'f':
        good = (array > -1) & (array < limit)
        if good.all():
            return
    elif array.min() >= 0 and array.max() < limit:
        return
    else:
        good = (array >= 0) & (array < limit)
    at = np.unravel_index(int(np.argmin(good)), array.shape)
    raise ValueError(f'{where}: expected numbers from 0 to {limit - 1} ({why}), got {array[at]} {place(at)}, which is not in '
                     f'[0, {limit}); every number '
                     f'that can come needs a row: make input_dim larger than all of them, or give others one number')
