"""Texts as lists of word numbers: IMDB and Reuters. Numbers are ranks: 1 is the most frequent word."""

import json
from itertools import chain

import numpy as np

from fastkeras.datasets import sources
from fastkeras.utils.errors import keywords, unknown_argument


def word_index(name, path):
    """The dict from words to numbers in a file of `sources.SOURCES`."""
    place = sources.find(name, path)
    with open(place, encoding='utf-8') as file:
        try:
            index = json.load(file)
        except ValueError as error:
            raise ValueError(f'{place}: cannot be read as JSON: {error}') from error
    if not isinstance(index, dict) or set(map(type, index.values())) - {int}:
        raise ValueError(f'{place}: expected a dict from words to ints')
    return index


def encode(function, texts, num_words, skip_top, maxlen, start_char, oov_char, index_from):
    """The texts, lists of ints, as `function`, the load_data of a data set, documents: a 1-dimensional array of lists.

    In the order of Keras: numbers move up by index_from, the start is marked, texts are cut to maxlen, and numbers below
    skip_top or from num_words on become oov_char or are left out. Without num_words, numbers up to the largest are kept, and
    the largest itself is not, as in Keras.
    """
    for name, value in (('num_words', num_words), ('maxlen', maxlen), ('skip_top', skip_top)):
        _check(function, name, value, 0, name != 'skip_top')
    for name, value in (('start_char', start_char), ('oov_char', oov_char), ('index_from', index_from)):
        _check(function, name, value, None, True)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    try:
        words = np.fromiter(chain.from_iterable(texts), np.int64, int(lengths.sum()))
    except OverflowError:
        raise ValueError(f'{function}: expected word numbers that fit in int64') from None
    words += index_from or 0
    if start_char is not None:
        words = np.insert(words, np.cumsum(lengths) - lengths, start_char)
        lengths = lengths + 1
    if maxlen:
        place = np.arange(len(words)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        words, lengths = words[place < maxlen], np.minimum(lengths, maxlen)
    if not num_words:
        num_words = words.max(initial=0)
    kept = (words >= skip_top) & (words < num_words)
    if oov_char is not None:
        words = np.where(kept, words, oov_char)
    else:
        text = np.repeat(np.arange(len(lengths)), lengths)
        words, lengths = words[kept], np.bincount(text[kept], minlength=len(lengths))
    flat, ends = words.tolist(), np.cumsum(lengths).tolist()
    result = np.empty(len(texts), object)
    for i, end in enumerate(ends):
        result[i] = flat[ends[i - 1] if i else 0:end]
    return result


def check_no_more(title, function, kwargs):
    """TypeError for keywords of `function` that are left over."""
    for name in kwargs:
        raise unknown_argument(title, name, keywords(function)[0])


def check_labels(path, texts, labels):
    """ValueError unless there is an int for each text."""
    if labels.shape != (len(texts),) or labels.dtype.kind not in 'biu':
        raise ValueError(f'{path}: expected {len(texts)} ints as labels, got {labels.dtype} of shape {labels.shape}')


def _check(function, name, value, least, may_be_none):
    if value is None and may_be_none:
        return
    if isinstance(value, bool) or not hasattr(value, '__index__') or (least is not None and value < least):
        raise ValueError(f'{function}: {name}: expected an int{"" if least is None else f" from {least} up"}'
                         f'{" or None" if may_be_none else ""}, got {value!r}')
