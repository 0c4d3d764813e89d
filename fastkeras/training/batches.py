"""Where batches come from: arrays, or a generator or Sequence. Both give, for each batch, what a step takes."""

import contextlib

import numpy as np

from fastkeras.training import data, weights
from fastkeras.training.feed import Feed, Order, prepared
from fastkeras.utils import nest
from fastkeras.utils.enqueuer import Queue, read, reader

_END = object()


class Standard:
    """Turns what a user passes into the arrays of a step. objective: None where no targets are wanted (predict). front:
    of a model with texts (layers.text_front): makes what the plan is fed of the arrays of the inputs."""

    def __init__(self, input_slots, objective=None, front=None):
        self.inputs = input_slots
        self.objective = objective
        self.front = front
        targets = objective.slots if objective is not None else []
        self.given = [*input_slots, *targets]       # what the arrays are that a user gives
        self.slots = self.given if front is None else [
            *(data.Slot('input', t._keras_history.layer.name, t.shape, t.dtype) for t in front.tensors), *targets]

    def __call__(self, x, y=None, sample_weight=None, class_weight=None):
        """(inputs, targets, weights with None where all weigh the same), all checked; not yet converted."""
        inputs = data.standardize(x, self.inputs, 'input')
        if self.objective is None:
            data.check_lengths(inputs)
            return inputs, [], []
        sample_weight, class_weight = map(self.objective.of_trained, (sample_weight, class_weight))
        targets = data.standardize(self.objective.of_fed(y), self.objective.slots, 'target')
        given = weights.standardize(self._all_targets(targets, inputs), [o.described for o in self.objective.trained],
                                    self.objective.temporal, sample_weight, class_weight)
        data.check_lengths(inputs, targets, given)
        return inputs, targets, given

    def _all_targets(self, targets, inputs):
        """The targets that are fed and, in their places, stand-ins of the shapes of those that are not."""
        if len(targets) == len(self.objective.trained):
            return targets
        fed, samples = iter(targets), inputs[0].shape[0] if inputs else 0
        return [next(fed) if o.slot is not None else np.broadcast_to(np.float32(0), (samples, *o.shape[1:]))
                for o in self.objective.trained]

    def batch(self, *args, own=False):
        """(arrays ready for a step, which weights are among them, number of samples). own: the arrays share no memory
        with what was given."""
        inputs, targets, given = self(*args)
        if self.front is not None:
            inputs = self.front(inputs)
        arrays = data.converted([*inputs, *targets], self.slots, own)
        present = [w.copy() if own else w for w in given if w is not None]
        return [*arrays, *present], self.key(given), arrays[0].shape[0] if arrays else 1

    def key(self, given):
        """What a step has to know of the data besides shapes: which trained outputs have weights."""
        return flags(given)

    def parts(self, item, class_weight):
        """A batch of a generator as the arguments of `batch`."""
        if self.objective is None:
            return (item[0],) if isinstance(item, tuple) and len(item) in (1, 2, 3) else (item,)
        if isinstance(item, (tuple, list)) and len(item) in (2, 3):
            x, y, *w = item
            return x, y, w[0] if w else None, class_weight
        if not self.objective.slots:    # the loss comes from the model itself
            return (item[0],) if isinstance(item, tuple) and len(item) == 1 else (item,)
        raise ValueError('Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`, the generator gave '
                         f'{data.describe(item)}')

    def fed(self, arrays):
        """The arrays of a batch, inputs first, as the plan is fed with them."""
        if self.front is None:
            return arrays
        n = len(self.inputs)
        return [*data.converted(self.front(arrays[:n]), self.slots), *arrays[n:]]


def flags(given):
    """Which trained outputs have weights; () for none."""
    return tuple(w is not None for w in given) if any(w is not None for w in given) else ()


class ArrayBatches:
    """Batches of arrays: `epoch()` yields (arrays, size). steps: batches of an epoch, when it is not one pass over the
    data; the next epoch then goes on where this one ended."""

    missing = 0     # arrays do not end before they should

    def __init__(self, standard, inputs, targets, given, batch_size, shuffle=False, steps=None, repeated=False,
                 random=None):
        arrays = [*inputs, *targets]
        dtypes = [data.feed_dtype(a, s) for a, s in zip(arrays, standard.given)]
        if repeated:    # converted once, not in every epoch
            arrays = prepared(arrays, dtypes)
        present = [w for w in given if w is not None]
        self._all = [*inputs, *targets, *(np.ones(y.shape[:1], np.float32) if w is None else w
                                          for y, w in zip(targets, given))]
        self.weighted = standard.key(given)
        self.standard = standard
        self.feed = Feed([*arrays, *present], [*dtypes, *(w.dtype for w in present)], batch_size, standard.given)
        self.samples = self.feed.samples
        self.batch_size = self.feed.batch_size
        self.order = Order(self.samples, self.batch_size, shuffle, random)
        self.steps = steps

    def __len__(self):
        return self.steps or len(self.order)

    @property
    def slots(self):
        """What the arrays of a batch are, the weights apart."""
        return self.standard.slots

    def rows(self, k):
        """The samples that batch k of an epoch, which was the last to be given, is made of."""
        return self.order.rows(k if self.steps is None else self.order.next)

    def arrays(self):
        """All inputs, targets and weights (of 1 where none were given), as callbacks get the validation data."""
        return self._all

    def epoch(self):
        order, feed, n = self.order, self.feed, len(self.order)
        if self.steps is None:
            order.next_epoch()
            for k in range(n):
                yield self._fed(*order.batch(feed, k))
            return
        for _ in range(self.steps):
            if order.next in (None, -1, n):
                order.next_epoch()
                order.next = 0
            yield self._fed(*order.batch(feed, order.next))
            order.next += 1

    def _fed(self, arrays, size):
        return self.standard.fed(arrays), size

    @property
    def sizes_vary(self):
        """Whether the results of batches may have different sizes: texts of a batch are as long as its longest."""
        return any(s.shape is not None and None in s.shape[1:] for s in self.standard.slots) and self.standard.front is not None


class GivenBatches:
    """Batches from a generator, a Sequence or something else to iterate over, each `(x, y)` or `(x, y,
    sample_weight)`; for predictions `x` alone will do.

    steps: batches of an epoch; by default all that a Sequence has, or one pass. ValueError for a generator without it.
    queue: how they are read (utils.enqueuer.Queue).
    """

    def __init__(self, source, standard, steps=None, class_weight=None, argument='steps', shuffle=False, queue=None):
        self.standard = standard
        self.class_weight = class_weight
        self._may_be_empty = getattr(source, 'may_be_empty', False)
        self._reader = reader(source, queue or Queue.of(source), self._finish, shuffle)
        if steps is None:
            steps = self._reader.length
            if steps is None and hasattr(source, '__next__'):
                raise ValueError(f'`{argument}=None` is only valid for a Sequence, which knows the number of its batches: a '
                                 f'generator has no length, so give {argument}')
            if steps is None and callable(getattr(source, 'cardinality', None)) and int(source.cardinality()) == -1:
                raise ValueError(f'{argument}: the data set has no end (repeat), so the number of batches of an epoch must be '
                                 'given')
            if steps is None and hasattr(source, '__getitem__'):
                raise ValueError(f'{argument}: the {type(source).__name__} has no end (its num_batches is None), so the '
                                 'number of batches of an epoch must be given')
        self.steps = steps or None      # of an empty Sequence its reader says so
        self.samples = self.batch_size = None
        self.given = 0          # batches of the last epoch

    sizes_vary = True

    def arrays(self):
        """Nothing: what a generator gives is seen once."""

    @property
    def slots(self):
        """What the arrays of a batch are, the weights apart."""
        return self.standard.slots

    def rows(self, k):
        """None: the samples have no numbers."""

    def epoch(self):
        """Yields (arrays, size); `weighted` then says which weights this batch has. Close it where it is left early."""
        self.given = 0
        with contextlib.closing(read(self._reader, self.steps)) as results:
            nothing = True
            while True:
                try:
                    result = next(results, _END)
                except ValueError as error:
                    if type(error) is not ValueError:
                        raise
                    number = f'batch {self.given + 1}' + (f' of {self.steps}' if self.steps else '')
                    raise ValueError(f'{error} (in {number} of the generator)') from error
                if result is _END:
                    break
                self.given += 1
                if result is not None:
                    arrays, self.weighted, size = result
                    nothing = False
                    yield arrays, size
            if nothing and self.given:
                raise ValueError(f'none of the {self.given} batches of an epoch had a sample; on_error="raise" says why a file '
                                 'cannot be read')

    @property
    def missing(self):
        """How many batches the last epoch lacked."""
        return 0 if self.steps is None else self.steps - self.given

    def _finish(self, item, ahead):
        """What a step takes of what the source gave. ahead: the source goes on while it waits to be used, and may write
        to the same arrays again."""
        parts = self.standard.parts(item, self.class_weight)
        if self._may_be_empty and not len(nest.flatten(parts[0])[0]):
            return None     # to be passed over
        return self.standard.batch(*parts, own=ahead)
