"""The short way of a batch whose like was checked before: only what the values themselves decide is looked at again."""

import numpy as np

from fastkeras.training.data import check_labels, check_values, contiguous, may_not_fit
from fastkeras.training.finite import check

LIMIT = 64      # signatures that are remembered of one model


def signature(x):
    """What the way of an array, or a list of arrays, through a step depends on; None for anything else."""
    if type(x) is np.ndarray:
        return x.shape, x.dtype.char
    if type(x) is list and all(type(a) is np.ndarray for a in x):
        return tuple([(a.shape, a.dtype.char) for a in x])
    return None


def remember(table, key, value):
    """Keep the way of a signature, instead of the oldest one where there are many."""
    if len(table) >= LIMIT:
        table.pop(list(table)[0], None)     # another thread may be doing the same
    table[key] = value


class QuickStep:
    """train_on_batch or test_on_batch of one array of inputs and one of targets, of shapes and types seen before."""

    @staticmethod
    def serves(x, y, standard):
        """Whether a batch takes this way: one array of numbers as input, one as target."""
        return (type(x) is np.ndarray and type(y) is np.ndarray and len(standard.slots) == 2
                and x.dtype.kind in 'biuf' and y.dtype.kind in 'biuf')

    def __init__(self, steps, kind, x, y, arrays, standard):
        """arrays: x and y as they were fed."""
        self.steps, self.kind = steps, kind
        self.function = self.version = None
        (self.x_type, self.y_type) = (a.dtype for a in arrays)
        self.x_shape, self.y_shape = (fed.shape if fed.shape != given.shape else None
                                      for fed, given in zip(arrays, (x, y)))
        self.slots, self.slot = standard.slots, standard.slots[1]
        self.looked_at = _looked_at(standard.slots, (x, y))
        # labels below 0 are large as unsigned numbers, so one maximum tells whether all are in range
        plain = y.dtype.kind in 'iu' and y.dtype.isnative and self.slot.ignored is None
        self.unsigned = np.dtype(f'u{y.dtype.itemsize}') if plain else None

    def __call__(self, x, y):
        optimizer = self.steps.optimizer
        if optimizer.version != self.version:
            self.function = self.steps.function(self.kind)
            self.version = optimizer.version
        classes = self.slot.labels
        if classes is not None and (self.unsigned is None or not y.dtype.isnative
                                    or y.view(self.unsigned).max() >= classes):
            check_labels(y, self.slot)
        if self.looked_at:
            for array, slot in zip((x, y), self.looked_at):
                check_values(array, slot)
        if self.x_shape is not None:
            x = x.reshape(self.x_shape)
        if self.y_shape is not None:
            y = y.reshape(self.y_shape)
        values = self.function(contiguous(x, self.x_type), contiguous(y, self.y_type))
        loss = float(values[0])
        if loss - loss != 0.0:
            check(self.steps.model, loss, f'in {self.kind}_on_batch', self.slots, (x, y), range(len(x)))
        return [float(v) for v in values] if len(values) > 1 else loss


class QuickPredict:
    """predict of one array, or a list of arrays, that are one batch."""

    @staticmethod
    def serves(x, standard, batches):
        """Whether the data take this way: arrays of numbers, no more than a batch."""
        arrays = x if type(x) is list else [x]
        return len(arrays) == len(standard.slots) and standard.front is None and len(batches) == 1 and all(
            type(a) is np.ndarray and a.dtype.kind in 'biuf' for a in arrays)

    def __init__(self, function, x, batches, standard, arranged, ways=None):
        """arranged: arrays of the outputs → what predict gives; None where that is the only one or a list. ways: those of the
        model (`_core.Ways`), where there may be one for such data."""
        self.function, self.plan, self.arranged = function, None, arranged
        self.listed = type(x) is list
        given = x if self.listed else [x]
        self.looked_at = _looked_at(standard.slots, given)
        self.dtypes = batches.feed.dtypes
        self.shapes = [fed.shape if fed.shape != a.shape else None for fed, a in zip(batches.feed.arrays, given)]
        as_they_are = all(shape is None and a.dtype in (dtype, np.float64)
                          for a, shape, dtype in zip(given, self.shapes, self.dtypes))
        self.ways = ways if as_they_are and not self.looked_at and arranged is None else None

    def __call__(self, x):
        given = x if self.listed else [x]
        if self.looked_at:
            for array, slot in zip(given, self.looked_at):
                check_values(array, slot)
        arrays = [contiguous(a if shape is None else a.reshape(shape), dtype)
                  for a, shape, dtype in zip(given, self.shapes, self.dtypes)]
        if self.plan is None or self.plan.is_stale():
            self.plan = self.function.traced_for(arrays)
        plan = self.plan
        outs = plan.build(plan.run(arrays))
        if self.ways is not None:
            way = plan.open_way(self.listed)
            if way is not None:
                self.ways.add(way)
        if self.arranged is not None:
            return self.arranged(outs)
        return outs[0] if len(outs) == 1 else outs


def _looked_at(slots, arrays):
    """The slots, where values of such types have to be looked at each time; else None."""
    return slots if any(may_not_fit(a.dtype, s) or s.indices is not None for a, s in zip(arrays, slots)) else None
