"""Where batches come from: arrays, or a generator or Sequence. Both give, for each batch, what a step takes."""

import numpy as np

from fastkeras.training import data, weights
from fastkeras.training.feed import Feed, Order, prepared
from fastkeras.utils.sequence import is_sequence


class Standard:
    """Turns what a user passes into the arrays of a step. objective: None where no targets are wanted (predict)."""

    def __init__(self, input_slots, objective=None):
        self.inputs = input_slots
        self.objective = objective
        self.slots = [*input_slots, *(objective.slots if objective is not None else [])]

    def __call__(self, x, y=None, sample_weight=None, class_weight=None):
        """(inputs, targets, weights with None where all weigh the same), all checked; not yet converted."""
        inputs = data.standardize(x, self.inputs, 'input')
        if self.objective is None:
            data.check_lengths(inputs)
            return inputs, [], []
        targets = data.standardize(y, self.objective.slots, 'target')
        given = weights.standardize(targets, self.objective.slots, self.objective.temporal, sample_weight, class_weight)
        data.check_lengths(inputs, targets, given)
        return inputs, targets, given

    def batch(self, *args):
        """(arrays ready for a step, which weights are among them, number of samples)."""
        inputs, targets, given = self(*args)
        arrays = data.converted([*inputs, *targets], self.slots)
        return [*arrays, *(w for w in given if w is not None)], flags(given), inputs[0].shape[0] if inputs else 0


def flags(given):
    """Which trained outputs have weights; () for none."""
    return tuple(w is not None for w in given) if any(w is not None for w in given) else ()


def checked_steps(argument, steps):
    """A number of batches; ValueError unless it is a whole number from 1 up."""
    if isinstance(steps, bool) or not hasattr(steps, '__index__') or steps < 1:
        raise ValueError(f'{argument}: expected a whole number of batches, at least 1, got {steps!r}')
    return int(steps)


class ArrayBatches:
    """Batches of arrays: `epoch()` yields (arrays, size). steps: batches of an epoch, when it is not one pass over the
    data; the next epoch then goes on where this one ended."""

    def __init__(self, standard, inputs, targets, given, batch_size, shuffle=False, steps=None, repeated=False,
                 argument='steps'):
        arrays = [*inputs, *targets]
        dtypes = [data.feed_dtype(a, s) for a, s in zip(arrays, standard.slots)]
        if repeated:    # converted once, not in every epoch
            arrays = prepared(arrays, dtypes)
        present = [w for w in given if w is not None]
        self._all = [*inputs, *targets, *(np.ones(y.shape[:1], np.float32) if w is None else w
                                          for y, w in zip(targets, given))]
        self.weighted = flags(given)
        self.feed = Feed([*arrays, *present], [*dtypes, *(w.dtype for w in present)], batch_size,
                         standard.slots)
        self.samples = self.feed.samples
        self.batch_size = self.feed.batch_size
        self.order = Order(self.samples, self.batch_size, shuffle)
        self.steps = None if steps is None else checked_steps(argument, steps)
        self._next = None

    def __len__(self):
        return self.steps or len(self.order)

    def arrays(self):
        """All inputs, targets and weights (of 1 where none were given), as callbacks get the validation data."""
        return self._all

    def epoch(self):
        order, feed, n = self.order, self.feed, len(self.order)
        if self.steps is None:
            order.next_epoch()
            for k in range(n):
                yield order.batch(feed, k)
            return
        for _ in range(self.steps):
            if self._next is None or self._next == n:
                order.next_epoch()
                self._next = 0
            yield order.batch(feed, self._next)
            self._next += 1


class GivenBatches:
    """Batches from a generator or a Sequence, each `(x, y)` or `(x, y, sample_weight)`; for predictions `x` alone
    will do.

    steps: batches of an epoch; by default all of a Sequence. ValueError for a generator without it.
    """

    def __init__(self, source, standard, steps=None, class_weight=None, argument='steps', shuffle=False):
        self.source = source
        self.standard = standard
        self.class_weight = class_weight
        self.sequence = is_sequence(source)
        if steps is None:
            if not self.sequence:
                raise ValueError(f'{argument}: a generator has no length, so the number of batches of an epoch must be '
                                 'given; only a Sequence knows it')
            steps = len(source)
        self.steps = checked_steps(argument, steps)
        self.shuffle = shuffle
        self.samples = self.batch_size = None
        self._order = []        # of a Sequence: the indices of this pass that are still to come

    def __len__(self):
        return self.steps

    def arrays(self):
        """Nothing: what a generator gives is seen once."""

    def epoch(self):
        """Yields (arrays, size); `weighted` then says which weights this batch has."""
        for k in range(self.steps):
            if self.sequence:
                item = self._take()
            else:
                try:
                    item = next(self.source)
                except StopIteration:
                    raise ValueError(f'the generator ended after {k} of the {self.steps} batches of an epoch; it must '
                                     'give batches without end, or fewer steps must be asked for') from None
            arrays, self.weighted, size = self.standard.batch(*self._parts(item))
            yield arrays, size
            if self.sequence and not self._order and hasattr(self.source, 'on_epoch_end'):
                self.source.on_epoch_end()

    def _take(self):
        if not self._order:
            self._order = list(range(len(self.source)))
            if self.shuffle:
                np.random.shuffle(self._order)
            self._order.reverse()
            if hasattr(self.source, 'on_epoch_begin'):
                self.source.on_epoch_begin()
        return self.source[self._order.pop()]

    def _parts(self, item):
        predicting = self.standard.objective is None
        if predicting:
            return (item[0],) if isinstance(item, tuple) and len(item) in (1, 2, 3) else (item,)
        if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
            raise ValueError('a batch must be a tuple (x, y) or (x, y, sample_weight), the generator gave '
                             f'{data.describe(item)}')
        x, y, *w = item
        return x, y, w[0] if w else None, self.class_weight
