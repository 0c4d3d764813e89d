"""Windows of a series in batches, as Keras 3 has them: `timeseries_dataset_from_array`."""

import numpy as np

from fastkeras.preprocessing.indexed_batches import Batches

_FUNCTION = 'timeseries_dataset_from_array'


class TimeseriesDataset(Batches):
    """What `timeseries_dataset_from_array` returns: batches of windows, or pairs (windows, targets).

    Attributes: `starts`, where each window begins in the data, in the order before the shuffle of each epoch.
    """

    def __init__(self, data, targets, starts, steps, batch_size, shuffle, seed):
        super().__init__(_FUNCTION, len(starts), batch_size, shuffle, seed)
        self.starts = starts
        self._data, self._targets, self._steps = data, targets, steps

    def _batch(self, indices):
        starts = self.starts[indices]
        x = self._data[starts[:, None] + self._steps]
        return x if self._targets is None else (x, self._targets[starts])


def _whole(name, value, least, below=None):
    good = not isinstance(value, bool) and hasattr(value, '__index__')
    if not good or value.__index__() < least or (below is not None and value.__index__() >= below):
        limits = f'of at least {least}' + ('' if below is None else f' and below {below}, the length of the data')
        raise ValueError(f'{_FUNCTION}: {name} must be a whole number {limits}, got {value!r}')
    return value.__index__()


def timeseries_dataset_from_array(data, targets, sequence_length, sequence_stride=1, sampling_rate=1, batch_size=128,
                                  shuffle=False, seed=None, start_index=None, end_index=None, format='tf'):
    """Batches of windows of a series: a Sequence of x, or of (x, y).

    data: array (steps, …). x: (samples, sequence_length, …): a window that begins at step i has the steps i,
        i + sampling_rate, i + 2 · sampling_rate, … ; windows begin at 0, sequence_stride, 2 · sequence_stride, …, as long
        as their last step lies within the data.
    targets: array of which targets[i] belongs to the window that begins at step i; its length limits the windows too. None
        for no y.
    batch_size: None gives single windows. shuffle: a new order each epoch. seed: a whole number for an order that can be
        repeated.
    start_index, end_index: use data[start_index:end_index] alone, and the targets of the same steps.
    format: 'tf' and 'grain' make no difference here.

    Raises ValueError for numbers that are out of range. Source: Keras 3.15, whose order and numbers these are: the same
    seed gives the same batches.
    """
    data = np.asarray(data)
    targets = None if targets is None else np.asarray(targets)
    if data.ndim == 0 or (targets is not None and targets.ndim == 0):
        raise ValueError(f'{_FUNCTION}: data and targets must be arrays whose first axis are steps, got a number')
    n = len(data)
    length = _whole('sequence_length', sequence_length, 1)
    rate = _whole('sampling_rate', sampling_rate, 1, n)
    stride = _whole('sequence_stride', sequence_stride, 1, n)
    start = 0 if start_index is None else _whole('start_index', start_index, 0, n)
    end = n if end_index is None else _whole('end_index', end_index, 1, n)
    if end <= start:
        raise ValueError(f'{_FUNCTION}: end_index must be above start_index, got {end_index!r} and {start_index!r}')
    if format not in ('tf', 'grain'):
        raise ValueError(f"{_FUNCTION}: format must be 'tf' or 'grain', which are one thing here, got {format!r}")
    data, count = data[start:end], end - start - (length - 1) * rate
    if targets is not None:
        targets = targets[start:end]
        count = min(count, len(targets))
    starts = np.arange(0, count, stride)
    if shuffle:
        seed = np.random.randint(1e6) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    return TimeseriesDataset(data, targets, starts, np.arange(length) * rate, batch_size, shuffle, seed)
