"""Sequences of unequal length as arrays, pairs of words for word vectors, and windows of time series.

What is random here is drawn in the order of keras-preprocessing 1.1.2, from Python's `random` and NumPy's global state,
so a script that seeds them gets the numbers it got there.
"""

import json
import random
from itertools import chain

import numpy as np

from fastkeras.utils.padding import pad_sequences
from fastkeras.utils.sequence import Sequence

__all__ = ['TimeseriesGenerator', 'make_sampling_table', 'pad_sequences', 'skipgrams', 'timeseries_generator_from_json']


def make_sampling_table(size, sampling_factor=1e-5):
    """Probability with which a word of each rank is kept, so that frequent words do not drown the others; for the
    `sampling_table` of `skipgrams`.

    size: number of ranks; rank 0 stands for no word. sampling_factor: of word2vec's formula, min(1, sqrt(t / f)) for a
    share f of the text and this t, with f of a rank by Zipf's law. Returns an array (size,) of float64.
    """
    if isinstance(size, bool) or not hasattr(size, '__index__') or size < 1:
        raise ValueError(f'make_sampling_table: size: expected the number of words, an int from 1 up, got {size!r}')
    rank = np.arange(size)
    rank[0] = 1
    # 1 / share of a word of this rank: the harmonic numbers, by their expansion, times the rank
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    scaled = sampling_factor * inverse
    return np.minimum(1.0, scaled / np.sqrt(scaled))


def skipgrams(sequence, vocabulary_size, window_size=4, negative_samples=1.0, shuffle=True, categorical=False,
              sampling_table=None, seed=None):
    """Pairs of words that stand near each other, label 1, and pairs of a word with a random one, label 0.

    sequence: list of word indices; 0 is no word and is passed over. vocabulary_size: largest index + 1. window_size:
    how far to look to each side. negative_samples: random pairs per true one. shuffle: mix the pairs (by `seed`, or one
    drawn from `random`; either reseeds `random`, as in Keras). categorical: labels [0, 1] and [1, 0] instead of 1 and 0.
    sampling_table: probability of keeping a word, by index (`make_sampling_table`).
    Returns (couples, labels): lists of [word, other] and of labels. ValueError for a vocabulary without words or an index
    that the table lacks.
    """
    sequence = sequence.tolist() if isinstance(sequence, np.ndarray) else list(sequence)
    if negative_samples > 0 and vocabulary_size < 2:
        raise ValueError('skipgrams: vocabulary_size: expected at least 2 (index 0 is no word) to draw negative samples '
                         f'from, got {vocabulary_size!r}')
    couples = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and _kept(sampling_table, word) < random.random()):
            continue
        start = max(0, i - window_size)
        near = chain(sequence[start:i], sequence[i + 1:i + window_size + 1])
        couples += [[word, other] for other in near if other]
    positive = len(couples)
    negative = 0
    if negative_samples > 0:
        negative = int(positive * negative_samples)
        words = [c[0] for c in couples]
        random.shuffle(words)
        last = vocabulary_size - 1
        couples += [[words[i % positive], random.randint(1, last)] for i in range(negative)]
    labels = [1] * positive + [0] * negative
    if categorical:
        labels = [[1 - label, label] for label in labels]
    if shuffle:
        if seed is None:
            seed = random.randint(0, 10_000_000)
        for column in (couples, labels):        # the same seed mixes both alike
            random.seed(seed)
            random.shuffle(column)
    return couples, labels


def _kept(table, word):
    try:
        return table[word]
    except IndexError:
        raise ValueError(f'skipgrams: sampling_table: expected a probability for every word, got {len(table)} of them '
                         f'for a sequence with the word {word}; make it with the size of the vocabulary') from None


def _remove_long_seq(maxlen, seq, label):
    """(sequences, labels) of those sequences that are shorter than maxlen."""
    kept = [(x, y) for x, y in zip(seq, label) if len(x) < maxlen]
    return [x for x, _ in kept], [y for _, y in kept]


class TimeseriesGenerator(Sequence):
    """Batches of windows of a time series, each with the target that follows it.

    data: array or list of time steps. targets: as many. length: steps a window spans; the target of the window
    data[i - length:i] is targets[i]. sampling_rate: every so many steps of a window are taken. stride: steps from one
    window to the next. start_index, end_index: the first and last step to be used (default: all). shuffle: draw the
    windows at random, with NumPy's global state, instead of in their order. reverse: the latest step first.
    batch_size: windows of a batch; the last may have fewer.

    A batch is (x, y): x of shape (windows, length / sampling_rate rounded up, …), y (windows, …), in the types of data
    and targets. ValueError for lengths that differ, numbers below 1 and ranges that leave no window.
    """

    def __init__(self, data, targets, length, sampling_rate=1, stride=1, start_index=0, end_index=None, shuffle=False,
                 reverse=False, batch_size=128):
        super().__init__()
        if len(data) != len(targets):
            raise ValueError('TimeseriesGenerator: data and targets: expected the same length, got '
                             f'{len(data)} and {len(targets)}')
        for name, value, least in (('length', length, 1), ('sampling_rate', sampling_rate, 1), ('stride', stride, 1),
                                   ('batch_size', batch_size, 1), ('start_index', start_index, 0)):
            if isinstance(value, bool) or not hasattr(value, '__index__') or value < least:
                raise ValueError(f'TimeseriesGenerator: {name}: expected an int from {least} up, got {value!r}')
        if end_index is None:
            end_index = len(data) - 1
        if not hasattr(end_index, '__index__') or end_index >= len(data):
            raise ValueError('TimeseriesGenerator: end_index: expected the index of a step, at most '
                             f'{len(data) - 1}, got {end_index!r}')
        if start_index + length > end_index:
            raise ValueError(f'TimeseriesGenerator: `start_index+length={start_index + length} > end_index={end_index}` '
                             'is disallowed, as no step would be left to be a target; give more data or a shorter length')
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length     # index of the first target
        self.end_index = end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size

    def __len__(self):
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f'TimeseriesGenerator: expected a batch from 0 to {len(self) - 1}, got {index}')
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            start = self.start_index + self.batch_size * self.stride * index
            rows = np.arange(start, min(start + self.batch_size * self.stride, self.end_index + 1), self.stride)
        if isinstance(self.data, np.ndarray):
            samples = self.data[rows[:, None] + np.arange(-self.length, 0, self.sampling_rate)]
        else:
            samples = np.array([self.data[row - self.length:row:self.sampling_rate] for row in rows.tolist()])
        if isinstance(self.targets, np.ndarray):
            targets = self.targets[rows]
        else:
            targets = np.array([self.targets[row] for row in rows.tolist()])
        return (samples[:, ::-1] if self.reverse else samples), targets

    def get_config(self):
        """The arguments as a dict, data and targets as JSON text; start_index is that of the first target, as in Keras.

        TypeError for data that JSON cannot hold.
        """
        return {
            'data': _as_json('data', self.data),
            'targets': _as_json('targets', self.targets),
            **{name: getattr(self, name) for name in ('length', 'sampling_rate', 'stride', 'start_index', 'end_index',
                                                      'shuffle', 'reverse', 'batch_size')},
        }

    def to_json(self, **kwargs):
        """The configuration as JSON text, for `timeseries_generator_from_json`. kwargs: for json.dumps."""
        return json.dumps({'class_name': type(self).__name__, 'config': self.get_config()}, **kwargs)


def _as_json(name, values):
    if hasattr(values, 'tolist'):
        values = values.tolist()
    try:
        return json.dumps(values)
    except TypeError as error:
        raise TypeError(f'TimeseriesGenerator: {name}: expected arrays or lists of numbers or text, which JSON can hold, '
                        f'got {type(values).__name__} ({error})') from None


def timeseries_generator_from_json(json_string):
    """The TimeseriesGenerator of a JSON text that `to_json` wrote, here or in keras-preprocessing; data and targets are
    lists then. ValueError for a text that is no such configuration.
    """
    try:
        config = dict(json.loads(json_string)['config'])
        config['data'], config['targets'] = json.loads(config['data']), json.loads(config['targets'])
        config['start_index'] -= config['length']   # written is the first target's index
        return TimeseriesGenerator(**config)
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError('timeseries_generator_from_json: expected the text that TimeseriesGenerator.to_json wrote, got '
                         f'{json_string!r:.80} ({type(error).__name__}: {error})') from None
