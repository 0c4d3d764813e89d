"""The short way of a batch whose like was checked before: only what the values themselves decide is looked at again."""

import numpy as np

from fastkeras.training.data import check_labels, check_values, contiguous, may_not_fit
from fastkeras.training.finite import check

LIMIT = 64      # signatures that are remembered of one model


def signature(x):
    """What the way of an array, or of a list, tuple or dict of arrays, through a step depends on; None for anything else."""
    if type(x) is np.ndarray:
        return x.shape, x.dtype.char
    if type(x) in (list, tuple) and all(type(a) is np.ndarray for a in x):
        return tuple([(a.shape, a.dtype.char) for a in x])
    if type(x) is dict and all(type(a) is np.ndarray for a in x.values()):
        return tuple([(name, a.shape, a.dtype.char) for name, a in x.items()])
    return None


def _members(x, slots):
    """The arrays of x, which has a signature, in the order of the slots that they are for."""
    return [x] if type(x) is np.ndarray else [x[s.name] for s in slots] if type(x) is dict else list(x)


def _are_for(x, slots):
    """Whether x is arrays of numbers, one for each slot."""
    return signature(x) is not None and (type(x) is not dict or all(s.name in x for s in slots)) and len(
        _members(x, slots)) == len(slots) and all(a.dtype.kind in 'biuf' for a in _members(x, slots))


def remember(table, key, value):
    """Keep the way of a signature, instead of the oldest one where there are many."""
    if len(table) >= LIMIT:
        table.pop(list(table)[0], None)     # another thread may be doing the same
    table[key] = value


class QuickStep:
    """train_on_batch or test_on_batch of arrays of inputs and of targets, of shapes and types seen before."""

    @staticmethod
    def serves(x, y, standard):
        """Whether a batch takes this way: arrays of numbers, one for each input and for each target, those not by name."""
        return standard.front is None and type(y) is not dict and _are_for(x, standard.inputs) and _are_for(
            y, standard.slots[len(standard.inputs):])

    def __init__(self, steps, kind, x, y, arrays, standard):
        """arrays: x and y as they were fed."""
        self.steps, self.kind = steps, kind
        self.function = self.version = None
        self.slots, self.inputs = standard.slots, standard.inputs
        given = self._given(x, y)
        self.types = [a.dtype for a in arrays]
        shapes = [fed.shape if fed.shape != a.shape else None for fed, a in zip(arrays, given)]
        self.shapes = shapes if any(s is not None for s in shapes) else None
        self.looked_at = _looked_at(standard.slots, given)
        self.labels = [(k, slot, _unsigned(given[k], slot)) for k, slot in enumerate(standard.slots) if slot.labels is not None]

    def _given(self, x, y):
        if type(x) is np.ndarray and type(y) is np.ndarray:
            return [x, y]
        return [*_members(x, self.inputs), *_members(y, self.slots[len(self.inputs):])]

    def __call__(self, x, y):
        optimizer = self.steps.optimizer
        if optimizer.version != self.version:
            self.function = self.steps.function(self.kind)
            self.version = optimizer.version
        given = fed = self._given(x, y)
        for k, slot, unsigned in self.labels:
            labels = given[k]
            if unsigned is None or not labels.dtype.isnative or labels.view(unsigned).max() >= slot.labels:
                check_labels(labels, slot)
        if self.looked_at:
            for array, slot in zip(given, self.looked_at):
                check_values(array, slot)
        if self.shapes is not None:
            fed = [a if shape is None else a.reshape(shape) for a, shape in zip(given, self.shapes)]
        values = self.function(*[contiguous(a, dtype) for a, dtype in zip(fed, self.types)])
        loss = float(values[0])
        if loss - loss != 0.0:
            check(self.steps.model, loss, f'in {self.kind}_on_batch', self.slots, given, range(len(given[0])))
        return [float(v) for v in values] if len(values) > 1 else loss


def _unsigned(labels, slot):
    """The type as which labels, below 0 too, are all in range where the largest is; None where more has to be looked at."""
    plain = labels.dtype.kind in 'iu' and labels.dtype.isnative and slot.ignored is None
    return np.dtype(f'u{labels.dtype.itemsize}') if plain else None


class QuickPredict:
    """predict of arrays that are one batch."""

    @staticmethod
    def serves(x, standard, batches):
        """Whether the data take this way: arrays of numbers, one for each input, no more than a batch."""
        return standard.front is None and len(batches) == 1 and _are_for(x, standard.slots)

    def __init__(self, function, x, batches, standard, arranged, ways=None):
        """arranged: arrays of the outputs → what predict gives; None where that is the only one or a list. ways: those of the
        model (`_core.Ways`)."""
        self.function, self.plan, self.arranged = function, None, arranged
        self.slots = standard.slots
        given = _members(x, self.slots)
        self.looked_at = _looked_at(standard.slots, given)
        self.dtypes = batches.feed.dtypes
        self.shapes = [fed.shape if fed.shape != a.shape else None for fed, a in zip(batches.feed.arrays, given)]
        as_they_are = all(shape is None and a.dtype in (dtype, np.float64)
                          for a, shape, dtype in zip(given, self.shapes, self.dtypes))
        has_way = as_they_are and not self.looked_at and arranged is None and type(x) is not dict
        self.ways = ways if has_way else None
        self.way = None     # that was added last

    def __call__(self, x):
        given = _members(x, self.slots)
        if self.looked_at:
            for array, slot in zip(given, self.looked_at):
                check_values(array, slot)
        arrays = [contiguous(a if shape is None else a.reshape(shape), dtype)
                  for a, shape, dtype in zip(given, self.shapes, self.dtypes)]
        plan = self.plan
        if plan is None or plan.is_stale():
            plan = self.plan = self.function.traced_for(arrays)
        outs = plan.build(plan.run(arrays))
        if self.ways is not None:
            way = plan.open_way(type(x))
            if way is not self.way and way is not None:
                self.ways.add(way)
                self.way = way
        if self.arranged is not None:
            return self.arranged(outs)
        return outs[0] if len(outs) == 1 else outs


def _looked_at(slots, arrays):
    """The slots, where values of such types have to be looked at each time; else None."""
    return slots if any(may_not_fit(a.dtype, s) or s.indices is not None for a, s in zip(arrays, slots)) else None
